"""Two experiments under the same attacks, compared image by image: which of them may be called more robust.

The seeds are paired, and so are the images: what differs is the net alone.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

RESAMPLES = 2000
ASKED_FOR = 5  # seeds that a claim on robustness needs


class Survived(NamedTuple):
    """A seed's images that survive every attack at each eps (None: unattacked), and what its checks hold against a number there."""

    correct: Mapping[float | None, Bool[np.ndarray, "n"]]
    doubts: Mapping[float | None, str]


class Compared(NamedTuple):
    """Robust accuracies at one eps over the seeds both have, second minus first with its bootstrap interval, what may be said."""

    eps: float | None
    of_first: float
    of_second: float
    difference: float
    low: float
    high: float
    n: int
    seeds: int
    says: str


def compare(first: Mapping[int, Survived], second: Mapping[int, Survived]) -> list[Compared]:
    """A row for every eps that all seeds of both share; none where no seed is common, or the images are not the same number."""
    seeds = sorted(set(first) & set(second))
    sides = [side[seed] for seed in seeds for side in (first, second)]
    if not sides or len({len(correct) for side in sides for correct in side.correct.values()}) != 1:
        return []
    shared = [eps for eps in sides[0].correct if all(eps in side.correct for side in sides)]
    return [_at(eps, [first[seed] for seed in seeds], [second[seed] for seed in seeds]) for eps in shared]


def interval(differences: Float[np.ndarray, "seeds n"]) -> tuple[float, float]:
    """95 % percentile bootstrap of the mean over seeds and images, both drawn anew with replacement in each of 2,000 resamples."""
    seeds, n = differences.shape
    rng = np.random.default_rng(0)
    means = [differences[rng.integers(seeds, size=seeds)].mean(0)[rng.integers(n, size=n)].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _at(eps: float | None, first: list[Survived], second: list[Survived]) -> Compared:
    left, right = (np.stack([seed.correct[eps] for seed in side]).astype(np.float64) for side in (first, second))
    low, high = interval(right - left)
    doubts = [seed.doubts[eps] for seed in (*first, *second) if seed.doubts.get(eps)]
    value = float((right - left).mean())
    says = _says(eps, low, high, doubts, len(first))
    return Compared(eps, float(left.mean()), float(right.mean()), value, low, high, left.shape[1], len(first), says)


def _says(eps: float | None, low: float, high: float, doubts: list[str], seeds: int) -> str:
    """ "more robust" only when the interval excludes 0 and no check of either side is red."""
    if doubts:
        return f"robustness {doubts[0]}"
    if low <= 0 <= high:
        return "cannot tell: the interval holds 0"
    better, worse = ("more accurate", "less accurate") if eps is None else ("more robust", "less robust")
    few = f" (on {seeds} seed{'s' if seeds > 1 else ''}; a claim needs {ASKED_FOR})" if seeds < ASKED_FOR else ""
    return f"{better if low > 0 else worse}{few}"
