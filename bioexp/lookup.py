"""Names to builders: the explicit tables of every folder and paper, and the user's own files (`./my_rule.py:oja`)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bioexp.options import suggestion
from bioexp.types import UserError

Builder = Callable[..., Any]


def datasets() -> Mapping[str, Builder]:
    from bioexp.datasets import DATASETS

    return DATASETS


def models() -> Mapping[str, Builder]:
    from bioexp.models import MODELS
    from bioexp.papers import PAPERS

    return {**MODELS} | {name: model for paper in PAPERS.values() for name, model in paper.models.items()}


def rules() -> Mapping[str, Builder]:
    from bioexp.papers import PAPERS
    from bioexp.rules import RULES

    return {**RULES} | {name: rule for paper in PAPERS.values() for name, rule in paper.rules.items()}


def objectives() -> Mapping[str, Builder]:
    from bioexp.objectives import OBJECTIVES
    from bioexp.papers import PAPERS

    return {**OBJECTIVES} | {name: objective for paper in PAPERS.values() for name, objective in paper.objectives.items()}


def optimizers() -> Mapping[str, Builder]:
    from bioexp.optimizers import OPTIMIZERS

    return OPTIMIZERS


def projections() -> Mapping[str, Builder]:
    from bioexp.optimizers import PROJECTIONS

    return PROJECTIONS


# Keys of a config under which a name stands for a builder.
TABLES: Mapping[str, Callable[[], Mapping[str, Builder]]] = {
    "dataset": datasets,
    "model": models,
    "rule": rules,
    "objective": objectives,
    "optimizer": optimizers,
    "project": projections,
}


def builder_of(kind: str, name: str, folder: Path) -> tuple[Builder, tuple[Path, ...], str]:
    """The builder of a name, the user's files it comes from, and the name as a run directory writes it.

    `./my_rule.py:oja` is the function oja of a file, relative to `folder`; a run keeps a copy of that file beside its config.
    """
    if ".py:" in name:
        file, _, function = name.rpartition(":")
        path = (folder / file).resolve()
        return _function(path, function), (path,), f"./{path.name}:{function}"
    table = TABLES[kind]()
    if name not in table:
        raise UserError(f"unknown {kind} {name!r}{suggestion(name, table)} (there are {', '.join(table)})")
    return table[name], (), name


def _function(path: Path, name: str) -> Builder:
    """A function of a file of the user's; whatever goes wrong while it is imported is the user's error."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserError(f"{path}: no such file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"{path}: cannot be imported: {type(error).__name__}: {error}") from error
    builder = getattr(module, name, None)
    if not callable(builder):
        known = [key for key, value in vars(module).items() if callable(value) and getattr(value, "__module__", "") == path.stem]
        raise UserError(f"{path}: has no function {name}{suggestion(name, known)}")
    return builder
