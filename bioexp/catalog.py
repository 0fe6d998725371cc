"""`bioexp list`: everything that has a name, with its options, ranges, defaults, where it comes
from and where it stands.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any

from bioexp.config.lookup import TABLES
from bioexp.files import tail
from bioexp.options import describe, suggestion
from bioexp.papers import PAPERS
from bioexp.runs.directory import failure, is_finished, read_metrics
from bioexp.runs.lock import holder_of, is_gone
from bioexp.types import UserError

Rows = list[dict[str, Any]]
ROOT = Path(__file__).parent.parent.parent


def tables() -> dict[str, Mapping[str, Callable[..., Any]]]:
    """Every table of builders by its plural name."""
    plural = {
        "dataset": "datasets",
        "model": "models",
        "rule": "rules",
        "objective": "objectives",
        "optimizer": "optimizers",
        "project": "projections",
        "attack": "attacks",
    }
    return {plural[kind]: table() for kind, table in TABLES.items()}


def kinds() -> list[str]:
    """What `bioexp list` can be asked for besides a single name."""
    return [*tables(), "papers", "configs", "runs"]


def rows(kind: str, results: Path) -> Rows:
    """One line for each thing of a kind."""
    if kind == "papers":
        return [
            {
                "name": p.name,
                "title": p.title,
                "authors": p.authors,
                "year": p.year,
                "configs": ", ".join(p.configs),
            }
            for p in PAPERS.values()
        ]
    if kind == "configs":
        return [
            {"config": str(path), "about": _header(path).partition("\n")[0]} for path in _configs()
        ]
    if kind == "runs":
        marks = ("config.yaml", "QUEUED", "FAILED")
        return [
            _run_row(path, results)
            for path in sorted(
                {file.parent for mark in marks for file in results.glob(f"*/*/{mark}")}
            )
        ]
    return [
        {"name": name, "about": _summary(builder), "where": _place(builder)}
        for name, builder in tables()[kind].items()
    ]


def detail(name: str) -> Rows:
    """Everything known of a name; it may stand in more than one table."""
    configs = {path.stem: path for path in _configs()} | {str(path): path for path in _configs()}
    found = [
        {
            "kind": kind,
            "about": inspect.getdoc(table[name]) or "",
            "options": describe(table[name]),
            "where": _place(table[name]),
        }
        for kind, table in tables().items()
        if name in table
    ]
    if name in PAPERS:
        module = import_module(f"bioexp.papers.{name}")
        found.append(
            {
                "kind": "papers",
                "about": inspect.getdoc(module) or "",
                "options": [],
                "where": f"{_relative(module.__file__ or '')}:1",
            }
        )
    if name in configs:
        found.append(
            {
                "kind": "configs",
                "about": _header(configs[name]),
                "options": [],
                "where": f"{configs[name]}:1",
            }
        )
    if not found:
        names = [
            *kinds(),
            *PAPERS,
            *configs,
            *(name for table in tables().values() for name in table),
        ]
        raise UserError(
            f"{name}: nothing of that name{suggestion(name, names)} (`bioexp list` shows what"
            " there is)"
        )
    return [{"name": name, **one, "citation": _citation(Path(name).stem)} for one in found]


def _citation(name: str) -> str:
    """The documents that a model, rule or config is of, or that a paper is; "" for what several
    share or none has.
    """
    of = [
        p
        for p in PAPERS.values()
        if name in (p.name, *p.models, *p.rules, *p.configs) and p.name != "beyond"
    ]
    return "; ".join(f"{paper.authors} {paper.year}, {paper.title}" for paper in of)


def _configs() -> list[Path]:
    return sorted(Path("configs").rglob("*.yaml"))


def _summary(builder: Callable[..., Any]) -> str:
    return (inspect.getdoc(builder) or "").split("\n\n")[0].replace("\n", " ")


def _place(builder: Callable[..., Any]) -> str:
    code = inspect.unwrap(builder)
    file = Path(inspect.getsourcefile(code) or "")
    return f"{_relative(file)}:{inspect.getsourcelines(code)[1]}"


def _relative(file: str | Path) -> Path:
    path = Path(file)
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _header(path: Path) -> str:
    """A config's first comment lines: what it reproduces, how long it takes, what to expect."""
    lines = takewhile(lambda line: line.startswith("#"), path.read_text("utf-8").splitlines())
    return "\n".join(line.removeprefix("#").strip() for line in lines)


def _run_row(path: Path, results: Path) -> dict[str, Any]:
    """A run as it stands: finished with its score, running, queued, failed with the last words on
    it, or where it stopped.
    """
    row: dict[str, Any] = {"run": str(path.relative_to(results))}
    try:
        finished = is_finished(path)
    except UserError:
        return row | {"status": "another format"}
    if finished:
        summary = json.loads((path / "summary.json").read_text("utf-8"))
        score = (
            round(summary["test_accuracy"], 4)
            if "test_accuracy" in summary
            else f"loss {summary['test_loss']:.4g}"
        )
        return row | {"status": "finished", "test": score, "n": summary["n_test"]}
    last = list(read_metrics(path))[-1:]
    where = f"stage {last[0]['stage']}, step {last[0]['step']}" if last else "not begun"
    holder = holder_of(path)
    if holder and not is_gone(holder):
        return row | {"status": f"running: {where}", "by": str(holder)}
    if holder:
        words = tail(Path(holder.log)) if holder.log else ""
        return row | {"status": f"failed: {holder} died at {where}", "last words": words}
    if failed := failure(path):
        return row | {
            "status": f"failed: {where}",
            "last words": "\n".join(failed.splitlines()[-5:]),
        }
    if (queued := path / "QUEUED").is_file():
        return row | {"status": "queued", "by": queued.read_text("utf-8").strip()}
    return row | {"status": f"stopped in {where}" if last else where}
