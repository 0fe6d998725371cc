"""claims.json and claims.md: the rows with their verdicts as they lie in a results folder, and the
runs they were measured on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from bioexp.claims.records import ClaimRow
from bioexp.experiment import Run
from bioexp.files import write_text
from bioexp.records import read_list, write
from bioexp.runs.directory import open_run, seeds_of
from bioexp.runs.workspace import Workspace
from bioexp.types import UserError

REMEDY = "delete it and run `bioexp reproduce` again"


def claims_of(results: Path) -> list[ClaimRow]:
    """The rows of claims.json; none where nothing was reproduced yet. UserError where it is damaged
    or holds anything else.
    """
    file = results / "claims.json"
    return read_list(file, ClaimRow, REMEDY) if file.is_file() else []


def write_claims(results: Path, rows: Sequence[ClaimRow]) -> None:
    """claims.json, and claims.md for people."""
    write(results / "claims.json", rows)
    write_text(results / "claims.md", as_markdown(rows))


def merged(
    workspace: Workspace, rows: Sequence[ClaimRow], broken: Collection[str]
) -> list[ClaimRow]:
    """These rows beside those that an earlier call left, of other papers; nothing of a paper whose
    module is broken now, and nothing of a file that is damaged or of another version.
    """
    new = {row.id for row in rows}
    try:
        before = claims_of(workspace.results)
    except UserError as error:
        workspace.say(f"made anew: {error}")
        before = []
    return [row for row in before if row.id not in new and row.paper not in broken] + list(rows)


def runs_of(results: Path, rows: Sequence[ClaimRow]) -> list[Run]:
    """The finished runs that the rows were measured on, each experiment with all its seeds, in the
    order of the rows.
    """
    groups = dict.fromkeys(group for row in rows for group in row.runs)
    return [open_run(path) for group in groups for path in seeds_of(results / group)]


def as_markdown(rows: Sequence[ClaimRow]) -> str:
    """The rows as a table that people read."""
    lines = ["| claim | paper | ours [95 %] | verdict | |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.id}: {row.what} ({row.measured_as}) | {expected(row)} | {measured(row)} "
        f"| {row.verdict} | {row.why} |"
        for row in rows
        if row.kind != "figure"
    ]
    drawn = [
        f"- {row.id}: {row.what} ({row.figure or row.why})" for row in rows if row.kind == "figure"
    ]
    return "\n".join([*lines, "", *drawn]) + "\n"


def expected(row: ClaimRow) -> str:
    """The paper's number; "" for a sentence."""
    return "" if row.expected is None else f"{row.expected:g}"


def measured(row: ClaimRow) -> str:
    """What was measured, with its interval where it has one."""
    interval = f" [{row.ci95[0]:.4g}, {row.ci95[1]:.4g}]" if row.ci95 else ""
    return "" if row.measured is None else f"{row.measured:.4g}{interval}"
