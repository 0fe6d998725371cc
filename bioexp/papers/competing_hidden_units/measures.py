"""How what the slides on competing hidden units say is measured: functions of trained nets, one
value per seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bioexp.experiment import Trained
from bioexp.papers.competing_hidden_units.model import plasticity, presented, steady_state
from bioexp.papers.measuring import EPS, Measure, accuracy, each, less, robust, snapshots, survivors
from bioexp.papers.paper import Evidence

SLOW, TWIN, DELTA = (
    "competing_hidden_units_slow",
    "competing_hidden_units_slow_backprop",
    "competing_hidden_units_slow_delta",
)
LOSSES = ("sigmoid_mse", "sigmoid_cross_entropy", "cross_entropy")
PATTERNS = 100  # training images whose activities at rest are looked at


def error(trained: Trained) -> float:
    """Test error."""
    return 1 - accuracy(trained)


def last(name: str, trained: Trained, stage: int = 0) -> float:
    """What the rule of a stage said at its last record."""
    return float([record for record in trained.run.metrics if record["stage"] == stage][-1][name])


def held_out(evidence: Evidence) -> Sequence[float]:
    """Accuracy on the parts that were held out, mean over the five folds, one value per seed."""
    runs = evidence["competing_hidden_units_slow_folds"]
    seeds = sorted({one.run.seed for one in runs})
    return [
        float(
            np.mean([last("validation_accuracy", one, 1) for one in runs if one.run.seed == seed])
        )
        for seed in seeds
    ]


def bio(loss: str) -> Measure:
    """Test accuracy of the slow rule's net, its head trained on this loss."""
    if loss == "sigmoid_mse":
        return each(SLOW, accuracy)
    return each("competing_hidden_units_slow_losses", accuracy, {"stages.1.objective.name": loss})


def twin(loss: str) -> Measure:
    """Test accuracy of the same architecture by backprop of this loss."""
    return each(TWIN, accuracy, {"stages.0.objective.name": loss})


def smallest_advantage(evidence: Evidence) -> Sequence[float]:
    """The slow rule's net less its twin, under the loss that is kindest to the twin; one value per
    seed.
    """
    differences = [less(bio(loss), twin(loss))(evidence) for loss in LOSSES]
    return [float(min(of)) for of in zip(*differences, strict=True)]


def blown_up(delta: float, presentation: float) -> Measure:
    """How many of the units blew up, per unit, with this Delta and length of a presentation."""
    where = {"stages.0.rule.delta": delta, "stages.0.rule.presentation": presentation}
    return each(
        DELTA, lambda one: last("blow_ups", one) / len(one.params["layers"]["0"]["w"]), where
    )


# The slow rule's weights on the way.


def first_layer(trained: Trained) -> dict[int, Float[np.ndarray, "units inputs"]]:
    """First-layer weights at the steps that were kept."""
    return {step: params["layers"]["0"]["w"] for step, params in snapshots(trained).items()}


def patterns(trained: Trained, n: int = PATTERNS) -> Float[Array, "n inputs"]:
    """The first training images as the units see them."""
    x = trained.dataset.x_train[:n]
    return presented(
        jnp.asarray(x.reshape(len(x), -1), jnp.float32) / 255, trained.run.config["model"]["inputs"]
    )


def option(trained: Trained, name: str) -> Any:
    """An option of the unsupervised rule."""
    return trained.run.config["stages"][0]["rule"][name]


def at_rest(
    trained: Trained, w: Float[np.ndarray, "units inputs"], n: int = PATTERNS
) -> Float[np.ndarray, "n units"]:
    """h of eq. 1 at rest, for these weights and the first training images."""
    return np.asarray(
        steady_state(patterns(trained, n) @ jnp.asarray(w).T, option(trained, "inhibition"))
    )


def ranges(trained: Trained, w: Float[np.ndarray, "units inputs"]) -> Float[np.ndarray, "3"]:
    """Shares of units and images at rest with g = 0, g = -Delta, g = 1 (eq. 2)."""
    g = np.asarray(plasticity(jnp.asarray(at_rest(trained, w)), option(trained, "threshold"), 0.5))
    return np.array([(g == 0).mean(), (g < 0).mean(), (g > 0).mean()])


def runs_away(end: Callable[[Sequence[int]], int], trained: Trained) -> float:
    """Of the units in the anti-Hebbian range, the share that would blow up if the image stayed:
    those with W v / |v| > 1.

    The exact solution of eq. 3 with g = -Delta has a pole in finite time for these; all others tend
    to -v/|v|, of length 1.
    """
    kept = first_layer(trained)
    w = kept[end(sorted(kept))]
    v = np.asarray(patterns(trained))
    along = (v / np.linalg.norm(v, axis=1, keepdims=True)) @ w.T
    h = at_rest(trained, w)
    held = (h >= 0) & (h < option(trained, "threshold"))
    return float((along[held] > 1).mean()) if held.any() else 0.0


first_weights: Callable[[Trained], float] = partial(runs_away, lambda steps: steps[0])
last_weights: Callable[[Trained], float] = partial(runs_away, lambda steps: steps[-1])


# Times and robustness.


def unsupervised_seconds(evidence: Evidence) -> Sequence[float]:
    """Wall seconds of the slow rule's first stage, compiling included, for each seed of the group:
    one value for all of them.
    """
    about = evidence[SLOW][0].run.provenance
    return [float(about["stage_s"][0] / len(about["group"]))]


def seconds(trained: Trained) -> float:
    """Wall seconds of the whole training, for each seed of its group."""
    return float(trained.run.provenance["wall_s"] / len(trained.run.provenance["group"]))


def time_ratio(evidence: Evidence) -> Sequence[float]:
    """Seconds of the slow rule's net over those of its twin by backprop: one value for the whole
    group.
    """
    twins = each(TWIN, seconds, {"stages.0.objective.name": "sigmoid_mse"})(evidence)
    return [each(SLOW, seconds)(evidence)[0] / twins[0]]


def advantage(config: str, other: str) -> Measure:
    """Robust accuracy of one config less that of another, seed by seed."""
    return less(each(config, robust), each(other, robust))


def advantage_per_image(config: str, other: str, evidence: Evidence) -> Float[np.ndarray, "n"]:
    """The same for the first seed, image by image: 1 where only the first survives, -1 where only
    the other does.
    """
    one, two = (survivors(evidence[name][0], EPS).astype(float) for name in (config, other))
    return one - two
