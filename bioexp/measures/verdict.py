"""Whether a claim is reproduced: its whole 95 % interval within what is accepted, or outside it, or
neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf, isfinite
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from bioexp.measures.interval import student, wilson

Verdict = Literal["reproduced", "not reproduced", "undecided"]


class Measured(NamedTuple):
    """A measure over seeds: its mean, the ends of its 95 % interval, and what that is over; None
    where there is none.
    """

    mean: float
    low: float | None
    high: float | None
    interval: str


def measured(per_seed: Sequence[float], n: int | None = None) -> Measured:
    """A t interval over seeds; for one seed a binomial one over n images, or none where n is not
    given.
    """
    values = [float(value) for value in per_seed]
    if len(values) > 1:
        mean, low, high, _ = student(values)
        return Measured(mean, low, high, f"t over {len(values)} seeds")
    if n is not None:
        share, low, high, _ = wilson(round(values[0] * n), n)
        return Measured(share, low, high, f"binomial over {n} images, 1 seed")
    return Measured(values[0], None, None, "1 seed, no interval")


def over_images(values: Float[np.ndarray, "n"]) -> Measured:
    """One seed, measured image by image: the mean, and its bootstrap interval over images
    (percentiles of 2,000 resamples).
    """
    from scipy.stats import bootstrap

    if np.ptp(values) == 0:  # every resample is the same
        return Measured(
            float(values[0]),
            float(values[0]),
            float(values[0]),
            f"bootstrap over {len(values)} images, 1 seed",
        )
    ends = bootstrap(
        (values,), np.mean, n_resamples=2000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    return Measured(
        float(values.mean()),
        float(ends.low),
        float(ends.high),
        f"bootstrap over {len(values)} images, 1 seed",
    )


def verdict(value: Measured, accepted: tuple[float, float]) -> Verdict:
    """What the interval says, ends included; without one nothing is decided."""
    low, high = accepted
    if value.low is None or value.high is None or not isfinite(value.mean):
        return "undecided"
    if low <= value.low and value.high <= high:
        return "reproduced"
    return "not reproduced" if value.high < low or value.low > high else "undecided"


def seeds_to_decide(per_seed: Sequence[float], accepted: tuple[float, float]) -> int | None:
    """How many seeds would make the interval clear the nearest bound, if mean and spread stay; None
    where none would.
    """
    distance = min(abs(np.mean(per_seed) - bound) for bound in accepted if abs(bound) != inf)
    if len(per_seed) < 2 or distance == 0:
        return None
    return max(
        len(per_seed) + 1, ceil((2 * float(np.std(per_seed, ddof=1)) / float(distance)) ** 2)
    )
