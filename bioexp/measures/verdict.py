"""Whether a claim is reproduced: its whole 95 % interval within what is accepted, or outside it, or
neither; of several parts, all of them; and how many seeds would decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Literal, NamedTuple

from bioexp.measures.estimators import Estimate, Estimator
from bioexp.measures.interval import LEVEL

Decision = Literal["reproduced", "not reproduced", "undecided"]
MOST_SEEDS = 1000  # of which is said how many would decide


class Part(NamedTuple):
    """What seeds measured, how it is estimated, and what is accepted, ends included."""

    values: Sequence[float]
    estimator: Estimator
    accepted: tuple[float, float]


def verdict(estimate: Estimate, accepted: tuple[float, float]) -> Decision:
    """What the interval says, ends included; without one nothing is decided."""
    low, high = accepted
    if estimate.low is None or estimate.high is None or not isfinite(estimate.value):
        return "undecided"
    if low <= estimate.low and estimate.high <= high:
        return "reproduced"
    return "not reproduced" if estimate.high < low or estimate.low > high else "undecided"


def holm(parts: Sequence[Part]) -> list[Decision]:
    """The verdict of each of several parts of one claim, at a joint level of 95 %: Holm 1979.

    Of k parts that are open those are decided that an interval of level 1 - 0.05 / k decides; then
    the others have fewer beside them, until none is decided any more.
    """
    said: list[Decision] = ["undecided"] * len(parts)
    while pending := [at for at, now in enumerate(said) if now == "undecided"]:
        level = 1 - (1 - LEVEL) / len(pending)
        for at in pending:
            part = parts[at]
            said[at] = verdict(part.estimator.estimate(part.values, level), part.accepted)
        if all(said[at] == "undecided" for at in pending):
            break
    return said


def all_of(said: Sequence[Decision]) -> Decision:
    """Of a claim with several parts: reproduced where all are, not where one is not."""
    if "not reproduced" in said:
        return "not reproduced"
    return "undecided" if "undecided" in said else "reproduced"


def seeds_to_decide(parts: Sequence[Part]) -> int | None:
    """How many seeds would decide if they were like these; None for more than 1,000."""

    def decides(n: int) -> bool:
        more = [part._replace(values=part.estimator.more(part.values, n)) for part in parts]
        return all_of(holm(more)) != "undecided"

    least, most = max(len(part.values) for part in parts) + 1, MOST_SEEDS
    if not decides(most):
        return None
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if decides(middle) else (middle + 1, most)
    return least
