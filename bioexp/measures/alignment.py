"""How far a rule's direction is from the true gradient: angles in degrees, 90 for what has nothing
to do with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Num

from bioexp.experiment import Trained, split
from bioexp.rules.gradient import descent
from bioexp.training import as_float, begin
from bioexp.types import Batch, Objective, Params, Rule, Stage, State

Matrix = Float[Array, "units inputs"] | Float[np.ndarray, "units inputs"]


def angle(a: Matrix, b: Matrix) -> float:
    """Between two matrices, taken as one long vector each; nan where one of them is 0."""
    return float(np.mean(angles(np.asarray(a).reshape(1, -1), np.asarray(b).reshape(1, -1))))


def angles(
    a: Float[np.ndarray, "n units"], b: Float[np.ndarray, "n units"]
) -> Float[np.ndarray, "n"]:
    """Row by row."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    size = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.degrees(np.arccos(np.clip((a * b).sum(axis=1) / size, -1, 1)))


class Begun(NamedTuple):
    """The rule of a run's last stage, its objective, and the state it began with: its feedback
    weights, say.
    """

    rule: Rule
    objective: Objective
    state: State


def rule_of(trained: Trained) -> Begun:
    """The rule that trained a net last, built again, with its starting state for this seed."""
    experiment = trained.experiment
    number, config = len(experiment.stages) - 1, experiment.stages[-1]
    objective = config.objective.builder(**config.objective.options)
    rule = config.rule.builder(trained.model, objective, **config.rule.options)
    layers = tuple(int(layer) for layer in trained.params["layers"])
    train, n = split(experiment, trained.dataset).train, 1
    if config.batch_size != "all":
        n = config.batch_size
    stage = Stage(trained.model, rule, optax.identity(), lambda params: params, layers, n, 1, 1)
    data = Batch(jnp.asarray(train.x), jnp.asarray(train.y))
    group = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], trained.params)
    state, _ = begin(stage, group, data, np.asarray([trained.seed], np.uint32), number)
    return Begun(rule, objective, jax.tree.map(lambda leaf: leaf[0], state.rule))


def update_angles(
    trained: Trained, x: Num[np.ndarray, "n *shape"], y: Int[np.ndarray, "n"]
) -> Callable[[Params], list[float]]:
    """For weights of this run, a snapshot's say: the angle of each layer's update, on these images,
    to the true gradient.
    """
    rule, objective, state = rule_of(trained)
    batch = Batch(as_float(jnp.asarray(x)), jnp.asarray(y))

    @jax.jit
    def both(params: Params) -> tuple[Params, Params]:
        learned = rule.update(params, state, batch, jax.random.key(trained.seed))
        return learned.direction, descent(trained.model, objective, params, batch)[0]

    def found(params: Params) -> list[float]:
        ours, true = (direction["layers"] for direction in both(params))
        return [angle(ours[layer]["w"], true[layer]["w"]) for layer in sorted(ours, key=int)]

    return found


def error_angle(
    trained: Trained, x: Num[np.ndarray, "n *shape"], y: Int[np.ndarray, "n"]
) -> Callable[[Params], tuple[float, float]]:
    """For weights of a run by feedback alignment: the angle of B to W of the top layer, and of e B
    to e W, mean over images.
    """
    _, _, feedback = rule_of(trained)
    top = max(trained.params["layers"], key=int)
    batch = Batch(as_float(jnp.asarray(x)), jnp.asarray(y))
    b = np.asarray(feedback[int(top)])

    def found(params: Params) -> tuple[float, float]:
        w = np.asarray(params["layers"][top]["w"])
        error = (
            np.asarray(trained.model.apply(params, batch.x)[0])
            - np.eye(len(w))[np.asarray(batch.y)]
        )
        return angle(b, w), float(np.nanmean(angles(error @ b, error @ w)))

    return found
