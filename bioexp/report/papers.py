"""What the report says of each document: its deviations, its equations with their code, its claims
with their verdicts.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bioexp.experiment import Run
from bioexp.papers import PAPERS
from bioexp.report.images import picture
from bioexp.types import UserError

VERDICTS = ("reproduced", "not reproduced", "undecided", "not comparable", "not run")
PACKAGE = Path(__file__).parent.parent
ABSENT: dict[str, Any] = {
    "where": "",
    "measured_as": "",
    "expected": None,
    "accepted": None,
    "measured": None,
    "ci95": None,
    "per_seed": (),
    "n_seeds": 0,
    "interval": "",
    "why": "",
    "controls": (),
    "command": "",
    "figure": None,
    "runs": (),
}


def sections(
    claims: Sequence[Mapping[str, Any]], runs: Sequence[Run], results: Path
) -> list[dict[str, Any]]:
    """A section for every document that has claims here; without any claims, for those whose
    configs were run.
    """
    rows = [_row(claim) for claim in claims]
    used = {str(run.config["name"]) for run in runs}
    claimed = dict.fromkeys(row["paper"] for row in rows)
    own = [name for name in claimed if name not in PAPERS]
    names = [
        name
        for name, paper in PAPERS.items()
        if (name in claimed if rows else used & set(paper.configs))
    ] + own
    return [
        _section(name, [row for row in rows if row["paper"] == name], results) for name in names
    ]


def tally(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many rows have each verdict, in the order of the verdicts."""
    return {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in VERDICTS}


def _section(name: str, rows: Sequence[dict[str, Any]], results: Path) -> dict[str, Any]:
    paper = PAPERS.get(name)
    claims = [row for row in rows if row["kind"] != "figure"]
    figures = [row for row in rows if row["kind"] == "figure"]
    about, deviations = _explained(name) if paper else ("", [])
    return {
        "name": name,
        "title": paper.title if paper else name,
        "by": (
            f"{paper.authors}, {paper.year}"
            if paper
            else "a document of the user's own, or one that this version of bioexp does not know"
        ),
        "about": about,
        "deviations": deviations,
        "equations": [_equation(*equation) for equation in paper.equations] if paper else [],
        "claims": claims,
        "figures": figures,
        "tally": tally(claims),
        "drawn": sum(row["verdict"] == "drawn" for row in figures),
        "pictures": [one for row in rows for one in _pictures(row, results)],
    }


def _row(claim: Mapping[str, Any]) -> dict[str, Any]:
    """A row of claims.json with everything that the page asks of it. Raises UserError where it is
    no such row.
    """
    for key in ("id", "kind", "what", "verdict"):
        if key not in claim:
            raise UserError(
                f"claims.json: a row has no {key!r} ({dict(claim)}); run `bioexp reproduce` again"
            )
    row = ABSENT | {key: _finite(value) for key, value in claim.items()}
    row["paper"], _, row["short"] = row["id"].partition("/")
    row["controls"] = [_control(control) for control in row["controls"] or ()]
    row["rank"] = (*VERDICTS, "drawn", row["verdict"]).index(row["verdict"])
    row["strip"] = _strip(row)
    return row


def _control(control: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "measured": None,
        "ci95": None,
        **{key: _finite(value) for key, value in control.items()},
    }


def _finite(value: Any) -> Any:
    """None for nan and infinities, which no page can draw or sort."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _strip(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Where band, document, measure and controls lie on a line from 0 to 100; None where nothing
    was measured.
    """
    ends, band = row["ci95"] or (None, None), row["accepted"] or (None, None)
    controls = [control["measured"] for control in row["controls"]]
    points = [
        value
        for value in (row["measured"], row["expected"], *ends, *band, *controls)
        if value is not None
    ]
    if row["measured"] is None or len(set(points)) < 2:
        return None
    low, width = min(points), max(points) - min(points)

    def at(value: float | int | None, instead: float | None = None) -> float | None:
        return instead if value is None else round(6 + 88 * (value - low) / width, 2)

    return {
        "band": (at(band[0], 0.0), at(band[1], 100.0)) if row["accepted"] else None,
        "line": (at(ends[0]), at(ends[1])) if row["ci95"] else None,
        "dot": at(row["measured"]),
        "tick": at(row["expected"]),
        "rings": [at(value) for value in controls if value is not None],
    }


def _pictures(row: dict[str, Any], results: Path) -> list[dict[str, Any]]:
    """The pictures of a row, each with its row, which learns of those that are missing: not there,
    or not in the results.
    """
    paths = [row["figure"]] if isinstance(row["figure"], str) else row["figure"] or []
    here = [
        path
        for path in paths
        if (results / path).is_file()
        and (results / path).resolve().is_relative_to(results.resolve())
    ]
    row["missing"] = [path for path in paths if path not in here]
    return [
        picture(results / path, row["what"]) | {"row": row, "first": path == here[0]}
        for path in here
    ]


def _explained(name: str) -> tuple[str, list[str]]:
    """The docstring of the document's module: what comes before the deviations, and the deviations
    one by one.
    """
    text = inspect.cleandoc(importlib.import_module(f"bioexp.papers.{name}").__doc__ or "")
    about, _, rest = text.partition("\nDeviations")
    items = re.split(r"\n(?=\d+\. )", rest.split("\n\n")[0])[1:]
    return about.strip(), [" ".join(re.sub(r"^\d+\. ", "", item).split()) for item in items]


def _equation(text: str, function: Callable[..., Any]) -> dict[str, str]:
    """An equation, and the code that is it, without its docstring."""
    function = inspect.unwrap(function)
    try:
        lines, first = inspect.getsourcelines(function)
        file = Path(inspect.getfile(function)).resolve()
    except (OSError, TypeError):
        return {
            "text": text,
            "name": getattr(function, "__name__", ""),
            "where": "source not at hand",
            "code": "",
        }
    where = file.relative_to(PACKAGE.parent) if file.is_relative_to(PACKAGE.parent) else file.name
    name = getattr(function, "__name__", "")
    return {
        "text": text,
        "name": name,
        "where": f"{where}:{first}",
        "code": _without_docstring(textwrap.dedent("".join(lines))),
    }


def _without_docstring(code: str) -> str:
    try:
        (defined,) = ast.parse(code).body
    except (SyntaxError, ValueError):  # a lambda in the middle of a table
        return code.rstrip()
    if (
        not isinstance(defined, ast.FunctionDef | ast.ClassDef)
        or ast.get_docstring(defined) is None
        or len(defined.body) == 1
    ):
        return code.rstrip()
    lines, docstring = code.splitlines(), defined.body[0]
    return "\n".join(lines[: docstring.lineno - 1] + lines[docstring.end_lineno :]).rstrip()
