"""Names to builders: the explicit tables of every folder and paper, and the user's own files (`./my_rule.py:oja`)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bioexp.options import suggestion
from bioexp.types import Paper, UserError

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


def attacks() -> Mapping[str, Builder]:
    from bioexp.attacks import ATTACKS

    return ATTACKS


# Keys of a config under which a name stands for a builder, and the attacks, which are named on the command line.
TABLES: Mapping[str, Callable[[], Mapping[str, Builder]]] = {
    "dataset": datasets,
    "model": models,
    "rule": rules,
    "objective": objectives,
    "optimizer": optimizers,
    "project": projections,
    "attack": attacks,
}


def builder_of(kind: str, name: str, folder: Path) -> tuple[Builder, tuple[Path, ...], str]:
    """The builder of a name, the user's files it comes from, and the name as a run directory writes it.

    `./my_rule.py:oja` is the function oja of a file, relative to `folder`; a run keeps a copy of that file beside its config.
    """
    if ".py:" in name:
        file, _, function = name.rpartition(":")
        path = (folder / file).resolve()
        builder = _of_user(path, function)
        if not callable(builder):
            raise UserError(f"{path}: {function} is no function")
        return builder, (path,), f"./{path.name}:{function}"
    table = TABLES[kind]()
    if name not in table:
        raise UserError(f"unknown {kind} {name!r}{suggestion(name, table)} (there are {', '.join(table)}){_without_broken()}")
    return table[name], (), name


def paper_of(name: str) -> Paper:
    """A document by name, or the user's own, `./my_paper.py:PAPER`, whose configs lie beside that file."""
    from bioexp.papers import BROKEN, PAPERS

    if ".py:" in name:
        file, _, attribute = name.rpartition(":")
        paper = _of_user(Path(file).resolve(), attribute)
        if not isinstance(paper, Paper):
            raise UserError(f"{file}: {attribute} is no Paper")
        return replace(paper, folder=Path(file).resolve().parent)
    if name in BROKEN:
        raise BROKEN[name]
    if name not in PAPERS:
        raise UserError(f"unknown paper {name!r}{suggestion(name, PAPERS)} (there are {', '.join(PAPERS)}, all){_without_broken()}")
    return PAPERS[name]


def _without_broken() -> str:
    """What is missing among the names because a document's module is broken."""
    from bioexp.papers import BROKEN

    return "".join(f"; bioexp.papers.{name} cannot be imported: {type(error).__name__}: {error}" for name, error in BROKEN.items())


def _of_user(path: Path, name: str) -> Any:
    """What a file of the user's calls by this name; whatever goes wrong while it is imported is the user's error."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserError(f"{path}: no such file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"{path}: cannot be imported: {type(error).__name__}: {error}") from error
    if not hasattr(module, name):
        known = [key for key, value in vars(module).items() if isinstance(value, Paper) or getattr(value, "__module__", "") == path.stem]
        raise UserError(f"{path}: has no {name}{suggestion(name, known)}")
    return getattr(module, name)
