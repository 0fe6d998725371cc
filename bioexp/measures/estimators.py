"""How values of several seeds become an estimate with an interval. A claim names the estimator that
fits its values; a verdict looks at nothing but the interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from bioexp.measures.interval import LEVEL

RESAMPLES = 2000


class Estimate(NamedTuple):
    """A value, the ends of its interval (None: it has none), and what the interval is over.

    As text it is its value: f"{estimate:.2f}".
    """

    value: float
    low: float | None
    high: float | None
    over: str

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)


class Estimator(NamedTuple):
    """estimate(values, level): of at least one value, those of the seeds. more(values, n): what n
    seeds would show if they were like these, from which the seeds that would decide are counted.
    """

    name: str
    estimate: Callable[[Sequence[float], float], Estimate]
    more: Callable[[Sequence[float], int], Sequence[float]]


def _t(degrees: float, level: float) -> float:
    # takes a fifth of a second, for which one seed does not have to wait
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + level) / 2))


def _mean(values: Sequence[float], level: float) -> Estimate:
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Estimate(mean, None, None, "1 seed, no interval")
    half = _t(float(n - 1), level) * float(np.std(values, ddof=1)) / n**0.5
    return Estimate(mean, mean - half, mean + half, f"t over {n} seeds")


def _alike(values: Sequence[float], n: int) -> Sequence[float]:
    """n values of the same mean and standard deviation."""
    if len(values) < 2:
        return [float(np.mean(values))] * n
    steps = np.linspace(-1, 1, n)
    spread = float(np.std(values, ddof=1)) / float(np.std(steps, ddof=1))
    return [float(value) for value in np.mean(values) + spread * steps]


def _median(values: Sequence[float], level: float) -> Estimate:
    """Between two order statistics: the ranks between which the heads of n tosses of a fair coin
    lie, so that nothing is assumed of the values.
    """
    from scipy.stats import binom

    ordered, n = np.sort(values), len(values)
    rank = int(binom.ppf((1 - level) / 2, n, 0.5))
    middle, over = float(np.median(ordered)), f"median of {n} seeds, order statistics"
    if rank < 1:  # 95 % need six seeds
        return Estimate(middle, None, None, f"{over}: too few")
    return Estimate(middle, float(ordered[rank - 1]), float(ordered[n - rank]), over)


def _quantiles(values: Sequence[float], n: int) -> Sequence[float]:
    places = (np.arange(n) + 0.5) / n
    return [float(value) for value in np.quantile(values, places, method="inverted_cdf")]


def _share(values: Sequence[float], level: float) -> Estimate:
    """Of seeds with the value 1 among those with 0 or 1: Clopper and Pearson 1934's interval.

    Raises ValueError for another value.
    """
    from scipy.stats import binomtest

    if not set(values) <= {0, 1}:
        raise ValueError(f"share: values must be 0 or 1, got {sorted(set(values))}")
    n, ones = len(values), round(sum(values))
    ends = binomtest(ones, n).proportion_ci(level, method="exact")
    return Estimate(ones / n, float(ends.low), float(ends.high), f"Clopper-Pearson, {n} seeds")


def _exact(values: Sequence[float], _: float) -> Estimate:
    """A property of equations or data: the same for every seed, without anything sampled.

    Raises ValueError where seeds differ.
    """
    if not np.allclose(values, values[0], rtol=1e-6, atol=1e-12, equal_nan=True):
        raise ValueError(f"exact: seeds differ: {sorted(values)}")
    value = float(values[0])
    return Estimate(value, value, value, "the same for every seed, nothing sampled")


mean = Estimator("mean", _mean, _alike)
median = Estimator("median", _median, _quantiles)
share = Estimator("share", _share, _quantiles)
exact = Estimator("exact", _exact, lambda values, n: [values[0]] * n)


def against(published: float, std: float, n: int) -> Estimator:
    """The mean less a published one of n values with this standard deviation, by Welch's unequal
    variances; that the whole interval lies within a margin is then a test of equivalence.
    """

    def estimate(values: Sequence[float], level: float) -> Estimate:
        seeds, difference = len(values), float(np.mean(values)) - published
        if seeds < 2:
            return Estimate(difference, None, None, "1 seed, no interval")
        ours, theirs = float(np.var(values, ddof=1)) / seeds, std**2 / n
        if ours + theirs == 0:
            return Estimate(difference, difference, difference, f"Welch over {seeds} seeds")
        degrees = (ours + theirs) ** 2 / (ours**2 / (seeds - 1) + theirs**2 / (n - 1))
        half = _t(degrees, level) * (ours + theirs) ** 0.5
        over = f"Welch, {seeds} seeds against the paper's {n}"
        return Estimate(difference, difference - half, difference + half, over)

    return Estimator("against", estimate, _alike)


def over_images(values: Float[np.ndarray, "seeds n"], level: float = LEVEL) -> Estimate:
    """Mean of what was measured image by image, the same images for every seed: bootstrap that
    draws images and, of several, seeds (percentiles of 2,000 resamples).

    Few seeds are too much alike when drawn with replacement, so that deviations are widened by
    sqrt(seeds / (seeds - 1)).
    """
    seeds, n = values.shape
    middle, rng = float(values.mean()), np.random.default_rng(0)
    images = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n
    of_seeds = images @ values.T
    drawn = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    means = (of_seeds * drawn).sum(axis=1)
    wider = (seeds / (seeds - 1)) ** 0.5 if seeds > 1 else 1.0
    tails = (50 * (1 - level), 50 * (1 + level))
    low, high = (float(end) for end in middle + wider * np.percentile(means - middle, tails))
    who = f"seeds and images, {seeds} seeds" if seeds > 1 else "images, 1 seed"
    return Estimate(middle, low, high, f"bootstrap over {who}, {n} images")


def prediction(values: Sequence[float], level: float = LEVEL) -> tuple[float, float] | None:
    """Where one more seed would lie, by Student's t; None of less than two."""
    n = len(values)
    if n < 2:
        return None
    half = _t(float(n - 1), level) * float(np.std(values, ddof=1)) * (1 + 1 / n) ** 0.5
    return float(np.mean(values)) - half, float(np.mean(values)) + half
