"""What is said beside a verdict: sentences made from the numbers of a row, never written by hand,
so that they change with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan

from bioexp.claims.records import ClaimRow, ControlRow, ReadingRow
from bioexp.measures.estimators import Estimate
from bioexp.papers.paper import Claim, Note, Numbers, Outcome

OWN = "measured"  # what notes call the measure of the claim itself


def numbers_of(row: ClaimRow) -> Numbers:
    """What the notes of a row are made from."""
    beside: list[ControlRow | ReadingRow] = [*row.controls, *row.parts, *row.readings]
    beside += [row.null] if row.null else []
    named = {other.name: _estimate(other) for other in beside if other.name}
    return Numbers(row.verdict, row.expected, {OWN: _estimate(row), **named})


def outcome_of(row: ClaimRow) -> Outcome:
    """What overviews show of a row."""
    return Outcome(
        row.id,
        row.verdict,
        row.accepted,
        _estimate(row),
        _estimate(row.null) if row.null else None,
        tuple(_estimate(control) for control in row.controls),
        {other.name: (_estimate(other), other.verdict) for other in row.readings},
    )


def notes_of(notes: Sequence[Note], numbers: Numbers) -> list[str]:
    """The sentences that are true of these numbers."""
    own = {**numbers.named, "expected": numbers.expected, "verdict": numbers.verdict}
    return [note.text.format_map(own) for note in notes if note.when is None or note.when(numbers)]


def reasons(claim: Claim, row: ClaimRow) -> str:
    """Why a row has its verdict, and what was found."""
    said = []
    if row.verdict == "undecided":
        more = f"; about {row.seeds_needed} seeds would decide" if row.seeds_needed else ""
        said.append(f"the interval straddles what is accepted{more}")
    elif row.verdict == "fitted":
        said.append(claim.fitted)
    elif row.verdict == "holds trivially":
        said.append(claim.trivial or _passes(row))
    return "; ".join([*said, *notes_of(claim.notes, numbers_of(row))])


def _passes(row: ClaimRow) -> str:
    null = row.null
    return "" if null is None else f"so it does for {null.what} ({null.measured:.3g})"


def _estimate(row: ClaimRow | ControlRow | ReadingRow) -> Estimate:
    low, high = row.ci95 or (None, None)
    return Estimate(nan if row.measured is None else row.measured, low, high, "")
