"""claims.json and claims.md: the rows with their verdicts as they lie in a results folder, and the
runs they were measured on.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from bioexp.experiment import Run
from bioexp.files import write_json, write_text
from bioexp.runs import directory as run
from bioexp.types import UserError

Rows = Sequence[Mapping[str, Any]]


def claims_of(results: Path) -> list[dict[str, Any]]:
    """The rows of claims.json; none where nothing was reproduced yet. Raises UserError where the
    file holds anything else.
    """
    file = results / "claims.json"
    if not file.is_file():
        return []
    try:
        rows = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"{file}: is damaged ({error}); delete it and run `bioexp reproduce` again"
        ) from None
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and {"id", "verdict"} <= row.keys() for row in rows
    ):
        raise UserError(
            f"{file}: holds something else than rows with id and verdict; delete it and run `bioexp"
            " reproduce` again"
        )
    return rows


def write_claims(results: Path, rows: Rows) -> None:
    """claims.json, and claims.md for people."""
    write_json(results / "claims.json", rows)
    write_text(results / "claims.md", as_markdown(rows))


def merged(results: Path, rows: Rows, broken: Collection[str]) -> list[dict[str, Any]]:
    """These rows beside those that an earlier call left, of other papers; nothing of a paper whose
    module is broken now.

    Rows that lack what today's have are of an older version, and go: nobody could tell what they
    were measured on.
    """
    new, fields = (
        {row["id"] for row in rows},
        {key for row in rows for key in row if all(key in other for other in rows)},
    )
    left = [row for row in claims_of(results) if row["id"] not in new and fields <= row.keys()]
    old = [row for row in left if row["id"].partition("/")[0] not in broken]
    return old + [dict(row) for row in rows]


def runs_of(results: Path, rows: Rows) -> list[Run]:
    """The finished runs that the rows were measured on, each experiment with all its seeds, in the
    order of the rows.
    """
    groups = dict.fromkeys(group for row in rows for group in row.get("runs", ()))
    return [run.open_run(path) for group in groups for path in run.seeds_of(results / group)]


def as_markdown(rows: Rows) -> str:
    """The rows as a table that people read."""
    lines = ["| claim | document | ours [95 %] | verdict | |", "|---|---|---|---|---|"]
    for row in rows:
        if row["kind"] == "figure":
            continue
        expected = "" if row["expected"] is None else f"{row['expected']:g}"
        lines.append(
            f"| {row['id']}: {row['what']} ({row['measured_as']}) | {expected} | {measured(row)} |"
            f" {row['verdict']} | {row['why']} |"
        )
    drawn = [
        f"- {row['id']}: {row['what']} ({row['figure'] or row['why']})"
        for row in rows
        if row["kind"] == "figure"
    ]
    return "\n".join([*lines, "", *drawn]) + "\n"


def measured(row: Mapping[str, Any]) -> str:
    """What was measured, with its interval where it has one."""
    interval = f" [{row['ci95'][0]:.4g}, {row['ci95'][1]:.4g}]" if row["ci95"] else ""
    return "" if row["measured"] is None else f"{row['measured']:.4g}{interval}"
