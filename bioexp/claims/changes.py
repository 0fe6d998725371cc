"""`bioexp reproduce --against DIR`: what changed since the claims that DIR holds, row by row; a
gate for changes to the code.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from bioexp.types import UserError

Rows = Sequence[Mapping[str, Any]]
GONE = "missing"  # what the verdict of a row is called where there is no such row


def reference_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of the folder's claims.json. Raises UserError where there is none, or where it holds
    anything else.
    """
    file = folder / "claims.json"
    try:
        rows = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        hint = "holds no claims.json" if folder.is_dir() else "no such folder"
        raise UserError(
            f"--against {folder}: {hint}; name a results folder that `bioexp reproduce` wrote, or"
            " results/reference"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"--against {file}: cannot be read ({error}); restore it, or name another folder"
        ) from None
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and {"id", "verdict"} <= row.keys() for row in rows
    ):
        raise UserError(
            f"--against {file}: holds something else than rows with id and verdict; restore it, or"
            " name another folder"
        )
    return rows


def changes(reference: Rows, rows: Rows, papers: Collection[str]) -> list[dict[str, Any]]:
    """Rows of these papers whose verdict changed, that came or went, or whose intervals no longer
    touch; lost ones first.

    A row is `lost` when it was reproduced and is not any more: its verdict is another one, or there
    is no such row.
    """
    now = {row["id"]: row for row in rows}
    before = {
        row["id"]: row
        for row in reference
        if row["id"] in now or row["id"].partition("/")[0] in papers
    }
    found = [
        _change(name, before.get(name), now.get(name)) for name in dict.fromkeys((*before, *now))
    ]
    return sorted((change for change in found if change), key=lambda change: not change["lost"])


def _change(
    name: str, before: Mapping[str, Any] | None, now: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """One line of the table; None where nothing worth a line changed."""
    was, is_ = (GONE if row is None else row["verdict"] for row in (before, now))
    if was == is_ and not _apart(before or {}, now or {}):
        return None
    return {
        "id": name,
        "before": was,
        "now": is_,
        "measured_before": (before or {}).get("measured"),
        "measured_now": (now or {}).get("measured"),
        "lost": was == "reproduced" and is_ != "reproduced",
    }


def _apart(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether both rows have an interval and the two share no value."""
    first, second = before.get("ci95"), now.get("ci95")
    return bool(first and second and (first[1] < second[0] or second[1] < first[0]))
