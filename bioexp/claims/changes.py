"""`bioexp reproduce --against DIR`: what changed since the claims that DIR holds, row by row; a
gate for changes to the code.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bioexp.claims.records import ClaimRow
from bioexp.records import read_list
from bioexp.types import UserError

GONE = "missing"  # what the verdict of a row is called where there is no such row


class Change(NamedTuple):
    """A row whose verdict changed, that came or went, or whose intervals no longer touch.

    lost: whether it was reproduced and is not any more.
    """

    id: str
    before: str
    now: str
    measured_before: float | None
    measured_now: float | None
    lost: bool


def reference_rows(folder: Path) -> list[ClaimRow]:
    """The rows of the folder's claims.json. Raises UserError where there is none, or where it holds
    anything else.
    """
    file = folder / "claims.json"
    if not file.is_file():
        hint = "holds no claims.json" if folder.is_dir() else "no such folder"
        raise UserError(
            f"--against {folder}: {hint}; name a results folder that `bioexp reproduce` wrote, or "
            "results/reference"
        )
    return read_list(file, ClaimRow, "restore it, or name another folder with --against")


def changes(
    reference: Sequence[ClaimRow], rows: Sequence[ClaimRow], papers: Collection[str]
) -> list[Change]:
    """The rows of these papers that changed; lost ones first."""
    now: Mapping[str, ClaimRow] = {row.id: row for row in rows}
    before = {row.id: row for row in reference if row.id in now or row.paper in papers}
    names = dict.fromkeys((*before, *now))
    found = [_change(name, before.get(name), now.get(name)) for name in names]
    return sorted((change for change in found if change), key=lambda change: not change.lost)


def _change(name: str, before: ClaimRow | None, now: ClaimRow | None) -> Change | None:
    """One line of the table; None where nothing worth a line changed."""
    was, is_ = (GONE if row is None else row.verdict for row in (before, now))
    if was == is_ and not _apart(before, now):
        return None
    return Change(
        name,
        was,
        is_,
        before.measured if before else None,
        now.measured if now else None,
        was == "reproduced" and is_ != "reproduced",
    )


def _apart(before: ClaimRow | None, now: ClaimRow | None) -> bool:
    """Whether both rows have an interval and the two share no value."""
    first, second = before and before.ci95, now and now.ci95
    return bool(first and second and (first[1] < second[0] or second[1] < first[0]))
