"""`bioexp list`: everything that has a name, with its options, ranges and defaults, where it comes
from and where it stands.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from bioexp.config.configs import PACKAGE, config_files
from bioexp.config.lookup import TABLES
from bioexp.files import Unreadable, tail
from bioexp.options import describe, suggestion
from bioexp.papers import papers, studies
from bioexp.papers.paper import Paper
from bioexp.records import Summary, read, read_metrics
from bioexp.runs.directory import NAME, failure, is_finished
from bioexp.runs.lock import holder_of, is_gone
from bioexp.types import UserError
from bioexp.vouched import altered

Row = dict[str, str | int | float | None]  # a line of a table, by column
ROOT = PACKAGE.parent
PLURALS = {
    "dataset": "datasets",
    "model": "models",
    "rule": "rules",
    "objective": "objectives",
    "optimizer": "optimizers",
    "project": "projections",
    "attack": "attacks",
}


class Detail(NamedTuple):
    """Everything known of one thing: its kind, words, options, place and citation."""

    name: str
    kind: str
    about: str
    options: list[dict[str, str]]
    where: str
    citation: str


def tables() -> dict[str, Mapping[str, Callable[..., Any]]]:
    """Every table of builders by its plural name."""
    return {PLURALS[kind]: table() for kind, table in TABLES.items()}


def kinds() -> list[str]:
    """What `bioexp list` can be asked for besides a single name."""
    return [*PLURALS.values(), "papers", "configs", "runs"]


def rows(kind: str, results: Path) -> list[Row]:
    """One line for each thing of a kind."""
    if kind == "papers":
        return _paper_rows()
    if kind == "configs":
        return [
            {"config": name, "about": _first_sentence(_header(file))}
            for name, file in config_files().items()
        ]
    if kind == "runs":
        marks = ("config.yaml", "QUEUED", "FAILED", "FINISHED")
        folders = {file.parent for mark in marks for file in results.glob(f"*/*/{mark}")}
        runs = sorted(path for path in folders if NAME.fullmatch(path.name))
        return [_run_row(path, results) for path in runs]
    return [
        {"name": name, "about": _summary(builder), "where": _place(builder)}
        for name, builder in tables()[kind].items()
    ]


def detail(name: str) -> list[Detail]:
    """Everything known of a name; it may stand in more than one table."""
    citation = _citation(name)
    known = tables()
    found = [
        Detail(
            name,
            kind,
            inspect.getdoc(table[name]) or "",
            describe(table[name]),
            _place(table[name]),
            citation,
        )
        for kind, table in known.items()
        if name in table
    ]
    if study := studies().get(name):
        where = _relative(PACKAGE / "papers" / name / "__init__.py")
        found.append(Detail(name, "papers", study.about, [], f"{where}:1", citation))
    configs = config_files()
    if file := configs.get(name.removeprefix("configs/").removesuffix(".yaml")):
        found.append(Detail(name, "configs", _header(file), [], f"{_relative(file)}:1", citation))
    if not found:
        names = [
            *kinds(),
            *studies(),
            *configs,
            *(n for table in known.values() for n in table),
        ]
        raise UserError(
            f"{name}: nothing of that name{suggestion(name, names)} (`bioexp list` shows what "
            "there is)"
        )
    return found


def _paper_rows() -> list[Row]:
    whole = papers().whole
    return [
        {
            "name": name,
            "title": study.title,
            "authors": whole[name].authors if name in whole else "",
            "year": whole[name].year if name in whole else None,
            "configs": ", ".join(study.configs),
        }
        for name, study in studies().items()
    ]


def _citation(name: str) -> str:
    """The papers that a model, rule or config is of, or that a paper is; "" for what several share
    or none has.
    """

    def has(paper: Paper) -> bool:
        return name in (paper.name, *paper.models, *paper.rules, *paper.study.configs)

    cited = [paper for paper in papers().whole.values() if has(paper)]
    return "; ".join(f"{paper.authors} {paper.year}, {paper.title}" for paper in cited)


def _summary(builder: Callable[..., Any]) -> str:
    return (inspect.getdoc(builder) or "").split("\n\n")[0].replace("\n", " ")


def _place(builder: Callable[..., Any]) -> str:
    code = inspect.unwrap(builder)
    file = Path(inspect.getsourcefile(code) or "")
    return f"{_relative(file)}:{inspect.getsourcelines(code)[1]}"


def _relative(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _header(path: Path) -> str:
    """A config's first comment lines: what it reproduces, how long it takes, what to expect."""
    lines = takewhile(lambda line: line.startswith("#"), path.read_text("utf-8").splitlines())
    return "\n".join(line.removeprefix("#").strip() for line in lines)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s+(?=[A-Z])", text.replace("\n", " "), maxsplit=1)[0]


def _run_row(path: Path, results: Path) -> Row:
    """A run as it stands: finished with its score, running, queued, failed with the last words on
    it, damaged, or where it stopped.
    """
    row: Row = {"run": str(path.relative_to(results))}
    try:
        if is_finished(path):
            if what := altered(path / "FINISHED"):
                return row | {"status": "damaged", "last words": what}
            summary = read(path / "summary.json", Summary)
            score: str | float = f"loss {summary.test_loss:.4g}" if summary.test_loss else 0.0
            if summary.test_accuracy is not None:
                score = round(summary.test_accuracy, 4)
            return row | {"status": "finished", "test": score, "n": summary.n_test}
        last = read_metrics(path / "metrics.jsonl", finished=False)[-1:]
    except Unreadable as error:
        return row | {"status": "not readable", "last words": str(error)}
    except UserError as error:
        return row | {"status": "damaged", "last words": str(error)}
    where = f"stage {last[0]['stage']}, step {last[0]['step']}" if last else "not begun"
    holder = holder_of(path)
    if holder and not is_gone(holder):
        return row | {"status": f"running: {where}", "by": str(holder)}
    if holder:
        words = tail(Path(holder.log)) if holder.log else ""
        return row | {"status": f"failed: {holder} died at {where}", "last words": words}
    if failed := failure(path):
        words = "\n".join(failed.splitlines()[-5:])
        return row | {"status": f"failed: {where}", "last words": words}
    if (queued := path / "QUEUED").is_file():
        return row | {"status": "queued", "by": queued.read_text("utf-8", "replace").strip()}
    return row | {"status": f"stopped in {where}" if last else where}
