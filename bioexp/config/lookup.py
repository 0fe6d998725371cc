"""Names to builders: the explicit tables of every folder and paper, and the user's own files
(`./my_rule.py:oja`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bioexp.config.user_code import Code, imported
from bioexp.options import suggestion
from bioexp.papers import papers, studies
from bioexp.papers.paper import Paper, Study
from bioexp.types import UserError

Builder = Callable[..., Any]


def datasets() -> Mapping[str, Builder]:
    from bioexp.datasets import DATASETS

    return DATASETS


def models() -> Mapping[str, Builder]:
    from bioexp.models import MODELS

    return {**MODELS} | {name: model for paper in whole() for name, model in paper.models.items()}


def rules() -> Mapping[str, Builder]:
    from bioexp.rules import RULES

    return {**RULES} | {name: rule for paper in whole() for name, rule in paper.rules.items()}


def objectives() -> Mapping[str, Builder]:
    from bioexp.objectives import OBJECTIVES

    own = {name: builder for paper in whole() for name, builder in paper.objectives.items()}
    return {**OBJECTIVES} | own


def whole() -> Iterable[Paper]:
    """The papers whose modules can be imported."""
    return papers().whole.values()


def optimizers() -> Mapping[str, Builder]:
    from bioexp.optimizers import OPTIMIZERS

    return OPTIMIZERS


def projections() -> Mapping[str, Builder]:
    from bioexp.optimizers import PROJECTIONS

    return PROJECTIONS


def attacks() -> Mapping[str, Builder]:
    from bioexp.attacks import ATTACKS

    return ATTACKS


# Keys of a config under which a name stands for a builder, and the attacks, which are named on the
# command line.
TABLES: Mapping[str, Callable[[], Mapping[str, Builder]]] = {
    "dataset": datasets,
    "model": models,
    "rule": rules,
    "objective": objectives,
    "optimizer": optimizers,
    "project": projections,
    "attack": attacks,
}


def builder_of(kind: str, name: str, folder: Path) -> tuple[Builder, Mapping[str, bytes], str]:
    """The builder of a name, the content of the user's files it comes from by where a run keeps
    them, and the name as a run directory writes it.

    `./my_rule.py:oja` is the function oja of a file, relative to `folder`.
    """
    if ".py:" in name:
        file, _, function = name.rpartition(":")
        path = (folder / file).resolve()
        builder, code = _of_user(path, function)
        if not callable(builder):
            raise UserError(f"{path}: {function} is no function")
        return builder, code.files, f"./{path.name}:{function}"
    table = TABLES[kind]()
    if name not in table:
        raise UserError(
            f"unknown {kind} {name!r}{suggestion(name, table)} (there are"
            f" {', '.join(table)}){_without_broken()}"
        )
    return table[name], {}, name


def built(kind: type, called: str, builder: Builder, *arguments: Any, **options: Any) -> Any:
    """What a builder gives. Raises UserError, which begins with what it is called, where it takes
    other arguments or gives something of another kind.
    """
    try:
        inspect.signature(builder).bind(*arguments, **options)
    except TypeError as error:
        raise UserError(f"{called} builds no {kind.__name__}: {error}") from None
    made = builder(*arguments, **options)
    if not isinstance(made, kind):
        raise UserError(f"{called} builds no {kind.__name__}, but a {type(made).__name__}")
    return made


def study_of(name: str) -> Study:
    """What is reproduced under a name: a paper's rows, those beyond the papers, or a paper or study
    of the user's own, `./my_paper.py:PAPER`, whose configs lie beside that file.
    """
    if ".py:" in name:
        file, _, attribute = name.rpartition(":")
        path = Path(file).resolve()
        own, _ = _of_user(path, attribute)
        study = own.study if isinstance(own, Paper) else own
        if not isinstance(study, Study):
            raise UserError(f"{file}: {attribute} is no Paper and no Study")
        return replace(study, folder=path.parent)
    broken, known = papers().broken, studies()
    if name in broken:
        raise broken[name]
    if name not in known:
        raise UserError(
            f"unknown paper {name!r}{suggestion(name, known)} (there are {', '.join(known)}, "
            f"all){_without_broken()}"
        )
    return known[name]


def _without_broken() -> str:
    """What is missing among the names because a paper's module is broken."""
    return "".join(
        f"; bioexp.papers.{name} cannot be imported: {type(error).__name__}: {error}"
        for name, error in papers().broken.items()
    )


def _of_user(path: Path, name: str) -> tuple[Any, Code]:
    """What a file of the user's calls by this name, and the code it comes from."""
    code = imported(path)
    if not hasattr(code.module, name):
        own = code.module.__name__
        known = [
            key
            for key, value in vars(code.module).items()
            if isinstance(value, Paper | Study) or getattr(value, "__module__", "") == own
        ]
        raise UserError(f"{path}: has no {name}{suggestion(name, known)}")
    return getattr(code.module, name), code
