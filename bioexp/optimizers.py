"""How a direction becomes a step (optax chains), and the constraints that hold after it.

Learning rates are positive and may differ per layer: `learning_rate: {layers/0: 1.0,
layers/1: 0.05}`. Every optimizer decays to `decay_to` times its rate at the stage's last step,
along the curve that `schedule` names; 1 is a constant rate.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from bioexp.tree import covers, map_paths
from bioexp.types import Fraction, NonNegative, Params, Positive, UserError

Rate = Positive | Mapping[str, Positive]
Schedule = Literal["exponential", "linear", "cosine"]


def sgd(
    steps: int,
    *,
    learning_rate: Rate,
    decay_to: Fraction = 1.0,
    schedule: Schedule = "exponential",
    momentum: Fraction = 0.0,
) -> optax.GradientTransformation:
    """Stochastic gradient descent: w <- w - learning_rate * direction.

    learning_rate: one for all, or one per layer, as paths.
    decay_to: share of the rate that is left at the end of the stage; above 0 on an exponential
        schedule.
    schedule: how the rate falls: as decay_to^(t/T), along a line, or along half a cosine.
    momentum: share of the last step that is added to this one (heavy ball).
    """
    heavy_ball = [optax.trace(momentum)] if momentum else []
    return optax.chain(*heavy_ball, *_scaled(steps, learning_rate, decay_to, schedule))


def adam(
    steps: int,
    *,
    learning_rate: Rate = 1e-3,
    decay_to: Fraction = 1.0,
    schedule: Schedule = "exponential",
    b1: Fraction = 0.9,
    b2: Fraction = 0.999,
    eps: Positive = 1e-8,
) -> optax.GradientTransformation:
    """Adam (Kingma & Ba 2015).

    learning_rate: one for all, or one per layer, as paths.
    decay_to: share of the rate that is left at the end of the stage; above 0 on an exponential
        schedule.
    schedule: how the rate falls: as decay_to^(t/T), along a line, or along half a cosine.
    b1, b2: decay of the first and second moment per step.
    eps: added to the root of the second moment.
    """
    return optax.chain(
        optax.scale_by_adam(b1, b2, eps), *_scaled(steps, learning_rate, decay_to, schedule)
    )


def _scaled(
    steps: int, learning_rate: Rate, decay_to: float, schedule: Schedule
) -> list[optax.GradientTransformation]:
    """Rate per layer, then the sign and the decay: optax adds updates, a direction is to be
    descended.
    """

    def rate(path: str) -> float:
        if not isinstance(learning_rate, Mapping):
            return learning_rate
        return next(value for prefix, value in learning_rate.items() if covers(prefix, path))

    per_layer = optax.stateless(
        lambda updates, params: map_paths(lambda path, leaf: rate(path) * leaf, updates)
    )
    share = _share(steps, decay_to, schedule)
    return [per_layer, optax.scale_by_schedule(lambda count: -share(count))]


def _share(steps: int, decay_to: float, schedule: Schedule) -> optax.Schedule:
    """The share of the rate that is left, by step."""
    if schedule == "linear":
        return optax.linear_schedule(1.0, decay_to, steps)
    if schedule == "cosine":
        return optax.cosine_decay_schedule(1.0, steps, alpha=decay_to)
    if decay_to == 0:
        raise UserError(
            "decay_to: must be greater than 0 on an exponential schedule, got 0; say schedule:"
            " linear or cosine"
        )
    return optax.exponential_decay(1.0, steps, decay_to)


OPTIMIZERS: Mapping[str, Callable[..., optax.GradientTransformation]] = {"sgd": sgd, "adam": adam}


Projection = Callable[[Float[Array, "..."]], Float[Array, "..."]]


def unit_interval() -> Projection:
    """Weights in [0, 1]: the absolute value of what became negative, 1 for what became larger."""
    return lambda w: jnp.minimum(jnp.abs(w), 1.0)


def non_negative(*, subtract: NonNegative = 0.0) -> Projection:
    """Weights of at least 0.

    subtract: taken off every weight at each step, a weak regularization.
    """
    return lambda w: jnp.maximum(w - subtract, 0.0)


def decayed(*, share: Fraction = 1e-5) -> Projection:
    """Weight decay, apart from the optimizer's step (Loshchilov & Hutter 2019): w <- (1 - share) w.

    share: what every weight loses at each step.
    """
    return lambda w: (1 - share) * w


PROJECTIONS: Mapping[str, Callable[..., Projection]] = {
    "unit_interval": unit_interval,
    "non_negative": non_negative,
    "decayed": decayed,
}


def project(projections: Mapping[str, Projection], params: Params) -> Params:
    """Params with each projection applied to the leaves below its path."""

    def constrained(path: str, leaf: Float[Array, "..."]) -> Float[Array, "..."]:
        for prefix, projection in projections.items():
            leaf = projection(leaf) if covers(prefix, path) else leaf
        return leaf

    return map_paths(constrained, params)
