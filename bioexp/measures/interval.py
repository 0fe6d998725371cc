"""95 % intervals for accuracies: over images when there is one seed, over seeds when there are
more.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

LEVEL = 0.95


class Interval(NamedTuple):
    """An estimate, the ends of its 95 % interval, and its kind: "binomial over images" or "t over 3
    seeds".
    """

    value: float
    low: float
    high: float
    over: str


def wilson(successes: int, n: int) -> Interval:
    """Binomial proportion: Wilson 1927's score interval, which stays inside [0, 1] and is not empty
    at 0 or n.

    Raises ValueError unless 0 <= successes <= n and n >= 1.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"wilson: {successes} successes of {n}")
    z2 = NormalDist().inv_cdf((1 + LEVEL) / 2) ** 2
    share = successes / n
    center = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return Interval(
        share,
        max(0.0, float(center - half)),
        min(1.0, float(center + half)),
        "binomial over images",
    )


def student(values: Sequence[float]) -> Interval:
    """Mean of at least two seeds, plus and minus Student's t times the standard error.

    Raises ValueError for fewer than two values.
    """
    # takes a fifth of a second, for which one seed does not have to wait
    from scipy.special import stdtrit

    if len(values) < 2:
        raise ValueError("student: a t interval needs at least two seeds")
    n, mean = len(values), float(np.mean(values))
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2) * np.std(values, ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, f"t over {n} seeds")


def accuracy(per_seed: Sequence[float], n: int) -> Interval:
    """Accuracy over n images: t over several seeds, ends kept inside [0, 1]; binomial for one, or
    where all are the same.
    """
    if len(set(per_seed)) == 1:
        return wilson(round(per_seed[0] * n), n)
    mean, low, high, over = student(per_seed)
    return Interval(mean, max(0.0, low), min(1.0, high), over)


def median(values: Float[np.ndarray, "n"]) -> Interval | None:
    """Median over images of values that may be infinite, between two of their order statistics;
    None where it is not finite.

    The ranks are those between which the number of heads in n tosses of a fair coin lies with 95 %,
    so that nothing is assumed of the values.
    """
    ordered, n = np.sort(values), len(values)
    half = NormalDist().inv_cdf((1 + LEVEL) / 2) * np.sqrt(n) / 2
    low, high = (int(np.clip(round(rank), 0, n - 1)) for rank in (n / 2 - half, n / 2 + half))
    middle = float(np.median(values))
    return (
        Interval(middle, float(ordered[low]), float(ordered[high]), "order statistics over images")
        if np.isfinite(middle)
        else None
    )
