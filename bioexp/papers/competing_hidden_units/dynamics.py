"""What the slow rule's units do: their activities at rest and on the way there, the ranges of eq. 2
in which they are, and the lengths of their weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

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
HELD = 1000  # training images, by whose activities units are in the ranges of eq. 2
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

    times: in units of tau. top: the numbers of the most active units at rest; of_top, others: the
    activities of these, and of some of the others. currents: W v of all units. rest: their exact
    steady state. off: how far the last h(t) is from it, at most.
    """

    times: Float[np.ndarray, "times"]
    top: Int[np.ndarray, "traced"]
    of_top: Float[np.ndarray, "times traced"]
    others: Float[np.ndarray, "times beside"]
    currents: Float[np.ndarray, "units"]
    rest: Float[np.ndarray, "units"]
    off: float


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
    return Traces(
        TIME_STEP * (shown + 1),
        top,
        h[shown][:, top],
        h[shown][:, beside],
        np.asarray(current)[0],
        rest,
        off,
    )


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


def runs_away(trained: Trained, w: Float[np.ndarray, "units inputs"], g: float = -1.0) -> float:
    """Of the pairs of unit and image that have this sign of g at rest, the share where the weights
    would grow without bound if the image stayed.

    These have g W v / |v| < -1: the exact solution of eq. 3 has a pole in finite time for them; in
    all others W tends to v/|v| (g > 0) or -v/|v| (g < 0), of length 1. 0 where no pair has this g.
    """
    v = np.asarray(patterns(trained, HELD))
    along = (v / np.linalg.norm(v, axis=1, keepdims=True)) @ w.T
    pairs = in_range(trained, w, g)
    return float((g * along[pairs] < -1).mean()) if pairs.any() else 0.0


def in_range(
    trained: Trained, w: Float[np.ndarray, "units inputs"], g: float = -1.0
) -> Bool[np.ndarray, "n units"]:
    """Which pairs of unit and image are at rest in the anti-Hebbian range (g < 0) or in the Hebbian
    one.
    """
    h, threshold = at_rest(trained, w, HELD), option(trained, "threshold")
    return (h >= 0) & (h < threshold) if g < 0 else h >= threshold


def runs_away_before(trained: Trained) -> float:
    """That share with the weights before learning."""
    return runs_away(trained, ends(trained)[0])


def runs_away_after(trained: Trained) -> float:
    """That share with the weights after learning."""
    return runs_away(trained, ends(trained)[1])


def hebbian_runs_away(trained: Trained) -> float:
    """That share, before learning, in the Hebbian range."""
    return runs_away(trained, ends(trained)[0], 1.0)


def pairs_before(trained: Trained) -> float:
    """How many pairs are in the anti-Hebbian range before learning."""
    return float(in_range(trained, ends(trained)[0]).sum())


def unmoved(trained: Trained) -> float:
    """Of the units that learning left more than 5 % from unit length, the share that never moved; 0
    where there are none.
    """
    before, after = ends(trained)
    far = np.abs(np.linalg.norm(after, axis=1) - 1) > 0.05
    still = np.abs(after - before).max(axis=1) < 1e-6
    return float(still[far].mean()) if far.any() else 0.0


def settled_before(trained: Trained) -> float:
    """Share of units within 1 % of unit length before learning."""
    return float((np.abs(np.linalg.norm(ends(trained)[0], axis=1) - 1) <= 0.01).mean())


def seconds_of_pattern(trained: Trained, repeats: int = 20) -> dict[str, float]:
    """Median wall seconds for one pattern, compiled: h at rest, and the weights that it moves."""
    w, v = jnp.asarray(ends(trained)[0]), patterns(trained, 1)
    inhibition, time = option(trained, "inhibition"), option(trained, "presentation")
    rest = jax.jit(lambda w, v: steady_state(v @ w.T, inhibition))
    move = jax.jit(lambda w, v, g: riccati(w, v[0], g, time))
    g = plasticity(rest(w, v)[0], option(trained, "threshold"), option(trained, "delta"))

    def median(run: Callable[[], Any]) -> float:
        jax.block_until_ready(run())
        times = []
        for _ in range(repeats):
            began = perf_counter()
            jax.block_until_ready(run())
            times.append(perf_counter() - began)
        return float(np.median(times))

    return {"h": median(lambda: rest(w, v)), "W": median(lambda: move(w, v, g))}


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


class Presentation(NamedTuple):
    """|W|^2 of one unit while an image is shown, for each g of eq. 2; nan from where it blows up.

    times: in units of tau_L. end: when the author's presentation ends. along: W v / |v| at the
    start.
    """

    times: Float[np.ndarray, "times"]
    squares: Mapping[str, Float[np.ndarray, "times"]]
    end: float
    along: float


def one_presentation(trained: Trained) -> Presentation:
    """The unit of the median current, before learning, while the first image is shown."""
    w, v = ends(trained)[0], np.asarray(patterns(trained, 1))[0]
    currents = w @ v
    unit = int(np.argsort(currents)[len(w) // 2])
    end = option(trained, "presentation")
    times = np.linspace(0, 1.25 * end, 501)
    ranges = {"g = 1": 1.0, "g = -0.01": -0.01, "g = -0.4": -0.4, "g = 0": 0.0}
    squares = {name: _squares(w[unit], v, g, times) for name, g in ranges.items()}
    return Presentation(times, squares, end, float(currents[unit] / np.linalg.norm(v)))


def _squares(
    w: Float[np.ndarray, "inputs"],
    v: Float[np.ndarray, "inputs"],
    g: float,
    times: Float[np.ndarray, "times"],
) -> Float[np.ndarray, "times"]:
    """Every time is a unit of its own: eq. 3 depends on g t alone."""
    rows = jnp.tile(jnp.asarray(w, jnp.float32), (len(times), 1))
    moved, blown = riccati(rows, jnp.asarray(v, jnp.float32), jnp.asarray(g * times), 1.0)
    squares = np.asarray(jnp.sum(moved**2, axis=1))
    return np.where(np.cumsum(np.asarray(blown)) > 0, np.nan, squares)
