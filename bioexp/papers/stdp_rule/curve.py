"""The equations themselves: their asymmetry, and how dW depends on the time difference dT."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from bioexp.papers.measuring import Measure, by_seed, runs
from bioexp.papers.stdp_rule.measures import MNIST, ZERO_TWO
from bioexp.papers.stdp_rule.model import eq5, eq6

# dT in units of T_pre: before the pole of eq. 6 at T_pre, and beyond it.
NEAR, BEYOND = np.linspace(0.05, 0.95, 19), np.geomspace(1.5, 20, 19)
Change = Callable[[Float[np.ndarray, "n"]], Float[np.ndarray, "n"]]


class Timing(NamedTuple):
    """Eqs 5 and 6 at every dT, for an input's T_pre."""

    t_pre: float
    dt: Float[np.ndarray, "n"]
    eq5: Float[np.ndarray, "n"]
    eq6: Float[np.ndarray, "n"]


def timing(t_pre: float, dt: Float[np.ndarray, "n"]) -> Timing:
    """The curves of the two equations; infinite at their poles."""
    with np.errstate(divide="ignore"):
        return Timing(t_pre, dt, np.asarray(eq5(t_pre, dt)), np.asarray(eq6(t_pre, dt)))


def asymmetry() -> float:
    """log10 |dW(dT)| - log10 |dW(-dT)|: that of eq. 6 or minus that of eq. 5, whichever is smaller,
    least over dT of 0.05 to 0.95 T_pre.
    """
    ahead_of, behind = timing(1.0, NEAR), timing(1.0, -NEAR)
    six = np.log10(np.abs(ahead_of.eq6 / behind.eq6))
    five = np.log10(np.abs(ahead_of.eq5 / behind.eq5))
    return float(min(six.min(), (-five).min()))


def power(change: Change, dt: Float[np.ndarray, "n"]) -> float:
    """The power of dT with which |dW| grows: the slope of a line through log |dW| against log dT.
    -1 is inverse proportion.
    """
    return float(np.polyfit(np.log(dt), np.log(np.abs(change(dt))), 1)[0])


def of_eq6(dt: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Eq. 6 for T_pre 1."""
    return timing(1.0, dt).eq6


def of_the_curve(value: Callable[[], float]) -> Measure:
    """A property of the equations, which no seed changes."""
    nets = {"rule": "stable", "pair": ZERO_TWO.name}
    return lambda evidence: by_seed(runs(evidence, MNIST, **nets), lambda trained: value())
