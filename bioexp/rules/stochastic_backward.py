"""A backward pass that is now and then something else: no clean separation between a forward and a
backward phase.
"""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bioexp.ops import Ops, exact, feedback, now_and_then
from bioexp.rules.gradient import above_hidden, descent, normal
from bioexp.types import Batch, Fraction, Learned, Model, Objective, Params, Rule, State

Errors = Callable[[Float[Array, "batch units"]], Float[Array, "batch units"]]
Instead = Literal["ones", "images", "noise", "feedback", "skip"]


def stochastic_backward(
    model: Model, objective: Objective, *, p: Fraction = 0.0, instead: Instead = "ones"
) -> Rule:
    """With probability p a step's error at the hidden units is replaced; the read-out always learns
    by its own gradient.

    p: how often, from 0 (backprop) to 1.
    instead: what dL/du of a hidden unit is then, for each image of the minibatch: 1 (ones), 1 for
        the image whose number in the minibatch is the unit's own and else 0 (images), standard
        normal (noise), what feedback weights drawn for this step make of the error (feedback), or
        0, no update at all (skip). The loss is a mean, so that these are divided by the batch size.
    Raises UserError for a model without a hidden layer.
    """

    def init(key: Key[Array, ""], params: Params, data: Batch, batch_size: int) -> State:
        above_hidden("stochastic_backward", params)
        return ()

    def update(params: Params, state: State, batch: Batch, key: Key[Array, ""]) -> Learned:
        coin_key, noise_key = jax.random.split(key)
        now = jax.random.bernoulli(coin_key, p)
        weights = above_hidden("stochastic_backward", params)
        if instead == "feedback":
            other = normal(noise_key, {layer: jnp.shape(w) for layer, w in weights.items()}, 1.0)
            ops = Ops(
                feedback({layer: jnp.where(now, other[layer], w) for layer, w in weights.items()}),
                exact.nonlinear,
            )
        else:
            hidden = [int(number) for number in params["layers"] if int(number) < max(weights)]
            keys = dict(zip(hidden, jax.random.split(noise_key, len(hidden)), strict=True))
            ops = Ops(
                exact.linear,
                now_and_then(now, {layer: _errors(instead, keys[layer]) for layer in hidden}),
            )
        gradient, metrics = descent(model, objective, params, batch, ops)
        return Learned(gradient, state, metrics)

    return Rule(init, update)


def _errors(instead: Instead, key: Key[Array, ""]) -> Errors:
    def errors(u: Float[Array, "batch units"]) -> Float[Array, "batch units"]:
        values = {
            "ones": jnp.ones_like(u),
            "images": jnp.eye(len(u), u.shape[1]),
            "noise": jax.random.normal(key, u.shape),
            "skip": jnp.zeros_like(u),
        }
        return values[instead] / len(u)

    return errors
