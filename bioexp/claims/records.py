"""What claims.json and drawn.json hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bioexp.records import Record

Verdict = Literal[
    "reproduced",
    "not reproduced",
    "undecided",
    "holds trivially",  # its bar cannot fail, or its null passes it, too
    "fitted",  # what was chosen by looking at the paper's number agrees with it
    "drawn",
    "not comparable",
    "not run",
]
Ends = tuple[float, float]


class Drawn(Record):
    """drawn.json: of every figure by its id, what it was drawn from."""

    drawn: dict[str, str]


class ControlRow(Record):
    """A control beside a claim: its mean over seeds and its 95 % interval. name: what notes call
    it.
    """

    name: str = ""
    what: str
    measured: float | None
    ci95: Ends | None


class ReadingRow(Record):
    """A part of a claim, another reading of it, or its null, judged by itself."""

    name: str = ""
    what: str
    expected: float | None = None
    accepted: tuple[float | None, float | None]
    measured: float | None
    ci95: Ends | None
    per_seed: tuple[float, ...]
    interval: str
    verdict: Verdict


class ClaimRow(Record):
    """A row of claims.json: a claim with its verdict, or a figure.

    accepted: the ends of what counts as reproduced; None for no end. per_seed: the measure of each
    of `seeds`, in their order. seeds_needed: about how many would decide what is undecided.
    prediction: where one more seed would lie. runs: experiments it looks at, as folders without the
    seeds.
    """

    id: Annotated[str, Field(pattern="^[^/]+/[^/]+$")]
    kind: Literal["figure", "number", "claim"]
    where: str
    what: str
    measured_as: str
    expected: float | None
    accepted: tuple[float | None, float | None]
    tolerance: float | None
    measured: float | None
    ci95: Ends | None
    prediction: Ends | None = None
    per_seed: tuple[float, ...]
    seeds: tuple[int, ...] = ()
    n_seeds: int
    seeds_needed: int | None = None
    interval: str
    controls: tuple[ControlRow, ...]
    parts: tuple[ReadingRow, ...] = ()
    readings: tuple[ReadingRow, ...] = ()
    decides: str = ""
    null: ReadingRow | None = None
    verdict: Verdict
    why: str
    command: str
    figure: str | None
    runs: tuple[str, ...]

    @property
    def paper(self) -> str:
        """The first word of its id."""
        return self.id.partition("/")[0]
