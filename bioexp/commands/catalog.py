"""`bioexp list`: everything that has a name, with its options, ranges, defaults, where it comes from and where it stands."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bioexp.lookup import TABLES
from bioexp.options import describe, suggestion
from bioexp.papers import PAPERS
from bioexp.run import is_finished, read_metrics
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
            {"name": p.name, "title": p.title, "authors": p.authors, "year": p.year, "configs": ", ".join(p.configs)}
            for p in PAPERS.values()
        ]
    if kind == "configs":
        return [{"config": str(path), "about": _header(path)} for path in sorted(Path("configs").rglob("*.yaml"))]
    if kind == "runs":
        return [_run_row(path.parent, results) for path in sorted(results.glob("*/*/config.yaml"))]
    return [{"name": name, "about": _summary(builder), "where": _place(builder)} for name, builder in tables()[kind].items()]


def detail(name: str) -> Rows:
    """Everything known of a name; it may stand in more than one table."""
    found = [(kind, table[name]) for kind, table in tables().items() if name in table]
    if not found:
        names = [*kinds(), *(name for table in tables().values() for name in table)]
        raise UserError(f"{name}: nothing of that name{suggestion(name, names)} (`bioexp list` shows what there is)")
    return [
        {"name": name, "kind": kind, "about": inspect.getdoc(builder) or "", "options": describe(builder), "where": _place(builder)}
        for kind, builder in found
    ]


def _summary(builder: Callable[..., Any]) -> str:
    return (inspect.getdoc(builder) or "").split("\n\n")[0].replace("\n", " ")


def _place(builder: Callable[..., Any]) -> str:
    code = inspect.unwrap(builder)
    file = Path(inspect.getsourcefile(code) or "")
    return f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file}:{inspect.getsourcelines(code)[1]}"


def _header(path: Path) -> str:
    """A config's first comment line."""
    first = path.read_text("utf-8").split("\n", 1)[0]
    return first.removeprefix("#").strip() if first.startswith("#") else ""


def _run_row(path: Path, results: Path) -> dict[str, Any]:
    """A run as it stands: finished with its score, or where it stopped."""
    try:
        finished = is_finished(path)
    except UserError:
        return {"run": str(path.relative_to(results)), "status": "another format"}
    if finished:
        summary = json.loads((path / "summary.json").read_text("utf-8"))
        return {
            "run": str(path.relative_to(results)),
            "status": "finished",
            "test": round(summary["test_accuracy"], 4) if "test_accuracy" in summary else f"loss {summary['test_loss']:.4g}",
            "n": summary["n_test"],
        }
    last = list(read_metrics(path))[-1:]
    status = f"stopped in stage {last[0]['stage']}, step {last[0]['step']}" if last else "not begun"
    return {"run": str(path.relative_to(results)), "status": status}
