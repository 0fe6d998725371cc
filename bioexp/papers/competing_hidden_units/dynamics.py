"""What the slow rule's units do: their activities at rest and on the way there, the ranges of eq. 2
in which they are, and the lengths of their weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from bioexp.experiment import Trained
from bioexp.papers.competing_hidden_units.equations import (
    euler_activity,
    plasticity,
    riccati,
    steady_state,
)
from bioexp.papers.competing_hidden_units.model import presented
from bioexp.papers.measuring import snapshots

PATTERNS = 100  # training images whose activities at rest are looked at
TIME_STEP, DURATION = 0.004, 60.0  # of Euler's method in the traces, in units of tau
TRACED, BESIDE = 8, 40  # units traced: the most active ones at rest, and some of the others
READINGS = {  # of Delta in eq. 2, by the words of a legend
    "Delta = 0.4, the paper's": 0.4,
    "Delta = 0.01, ours": 0.01,
    "Delta = -0.01, the slides' literally": -0.01,
}


def first_layer(trained: Trained) -> dict[int, Float[np.ndarray, "units inputs"]]:
    """First-layer weights at the steps that were kept, in their order."""
    return {step: params["layers"]["0"]["w"] for step, params in snapshots(trained).items()}


def ends(trained: Trained) -> tuple[Float[np.ndarray, "units inputs"], ...]:
    """First-layer weights before learning and after it."""
    kept = first_layer(trained)
    return kept[min(kept)], kept[max(kept)]


def patterns(trained: Trained, n: int = PATTERNS) -> Float[Array, "n inputs"]:
    """The first training images as the units see them."""
    x = trained.dataset.x_train[:n]
    images = jnp.asarray(x.reshape(len(x), -1), jnp.float32) / 255
    return presented(images, trained.experiment.model.options["inputs"])


def option(trained: Trained, name: str) -> Any:
    """An option of the rule that learns without labels."""
    return trained.experiment.stages[0].rule.options[name]


def at_rest(
    trained: Trained, w: Float[np.ndarray, "units inputs"], n: int = PATTERNS
) -> Float[np.ndarray, "n units"]:
    """h of eq. 1 at rest, for these weights and the first training images."""
    current = patterns(trained, n) @ jnp.asarray(w).T
    return np.asarray(steady_state(current, option(trained, "inhibition")))


class Traces(NamedTuple):
    """Activities of some units for one image.

    times: in units of tau. top, others: the most active units at rest, and some of the others.
    rest: the exact steady state, of all units. off: how far the last h(t) is from it, at most.
    """

    times: Float[np.ndarray, "times"]
    top: Float[np.ndarray, "times traced"]
    others: Float[np.ndarray, "times beside"]
    rest: Float[np.ndarray, "units"]
    off: float

    @property
    def rest_of_top(self) -> Float[np.ndarray, "traced"]:
        """The steady state of the most active units, in the order of `top`."""
        return np.sort(self.rest)[::-1][: self.top.shape[1]]


def traces(trained: Trained, w: Float[np.ndarray, "units inputs"]) -> Traces:
    """h(t) of eq. 1 for the first training image by Euler's method, and the exact steady state."""
    current = patterns(trained, 1) @ jnp.asarray(w).T
    inhibition = option(trained, "inhibition")
    h = np.asarray(euler_activity(current, inhibition, TIME_STEP, DURATION))[:, 0]
    rest = at_rest(trained, w, 1)[0]
    shown = np.unique(np.geomspace(1, len(h), 300).astype(int)) - 1
    top = np.argsort(rest)[::-1][:TRACED]
    left = np.setdiff1d(np.arange(len(rest)), top)
    beside = np.random.default_rng(0).choice(left, min(BESIDE, len(left)), replace=False)
    off = float(np.abs(h[-1] - rest).max())
    return Traces(TIME_STEP * (shown + 1), h[shown][:, top], h[shown][:, beside], rest, off)


class Plasticity(NamedTuple):
    """g of eq. 2 at activities h, for each reading of Delta."""

    h: Float[np.ndarray, "points"]
    threshold: float
    g: Mapping[str, Float[np.ndarray, "points"]]


def readings(trained: Trained) -> Plasticity:
    """The plasticity with this run's threshold, from below 0 to twice the threshold."""
    threshold = option(trained, "threshold")
    h = np.linspace(-0.5, 2.0, 1001) * threshold
    g = {
        name: np.asarray(plasticity(jnp.asarray(h), threshold, delta))
        for name, delta in READINGS.items()
    }
    return Plasticity(h, threshold, g)


def ranges(trained: Trained, w: Float[np.ndarray, "units inputs"]) -> Float[np.ndarray, "3"]:
    """Shares of units and images at rest with g = 0, g = -Delta, g = 1 (eq. 2)."""
    g = np.asarray(plasticity(jnp.asarray(at_rest(trained, w)), option(trained, "threshold"), 0.5))
    return np.array([(g == 0).mean(), (g < 0).mean(), (g > 0).mean()])


def runs_away(trained: Trained, w: Float[np.ndarray, "units inputs"]) -> float:
    """Of the units in the anti-Hebbian range, the share that would blow up if the image stayed.

    These are the units with W v / |v| > 1: the exact solution of eq. 3 with g = -Delta has a pole
    in finite time for them; all others tend to -v/|v|, of length 1. 0 where no unit is in that
    range.
    """
    v = np.asarray(patterns(trained))
    along = (v / np.linalg.norm(v, axis=1, keepdims=True)) @ w.T
    h = at_rest(trained, w)
    held = (h >= 0) & (h < option(trained, "threshold"))
    return float((along[held] > 1).mean()) if held.any() else 0.0


def runs_away_before(trained: Trained) -> float:
    """That share with the weights before learning."""
    return runs_away(trained, ends(trained)[0])


def runs_away_after(trained: Trained) -> float:
    """That share with the weights after learning."""
    return runs_away(trained, ends(trained)[1])


def held_lengths(along: float, times: Float[np.ndarray, "times"]) -> Float[np.ndarray, "times"]:
    """|W| of a unit that an image holds in the anti-Hebbian range; nan from where it blows up.

    The exact solutions of eq. 3 at |g| |v| t / tau_L = times, for a unit with W v/|v| = along and
    0.3 across the image at the start.
    """
    v, g = jnp.array([1.0, 0.0]), -jnp.ones(1)
    solutions = [riccati(jnp.array([[along, 0.3]]), v, g, time) for time in times]
    lengths = np.array([float(jnp.linalg.norm(w)) for w, _ in solutions])
    blown = np.cumsum([bool(blown[0]) for _, blown in solutions]) > 0
    return np.where(blown, np.nan, lengths)


class Lengths(NamedTuple):
    """Euclidean lengths of all units' weights at the steps that were kept."""

    steps: Int[np.ndarray, "steps"]
    lengths: Float[np.ndarray, "steps units"]


def lengths(trained: Trained) -> Lengths:
    """How long every unit's weights are while the slow rule learns."""
    kept = first_layer(trained)
    return Lengths(np.array(list(kept)), np.linalg.norm(list(kept.values()), axis=2))
