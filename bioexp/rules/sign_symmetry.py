"""Feedback that shares with the forward weights nothing but their signs."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Key

from bioexp.ops import Ops, exact, feedback, straight
from bioexp.rules.gradient import Feedback, above_hidden, normal, replaced
from bioexp.types import Model, Objective, Params, Positive, Rule


def sign_symmetry(
    model: Model,
    objective: Objective,
    *,
    magnitude: Literal["uniform", "fixed"] = "uniform",
    scale: Positive = 1.0,
    derivative: bool = True,
) -> Rule:
    """dL/dh = dL/du (M * sign W) in place of dL/du W (Liao, Leibo & Poggio 2016).

    magnitude: M is `scale` for every weight (uniform), or |N(0, scale^2)|, drawn once (fixed).
    scale: size of the feedback weights; it acts as a learning rate of the hidden layers.
    derivative: whether errors are multiplied by the activation's derivative on their way.
    Raises UserError for a model without a hidden layer.
    """

    def drawn(key: Key[Array, ""], params: Params) -> Feedback:
        weights = above_hidden("sign_symmetry", params)
        if magnitude == "uniform":
            return {layer: jnp.full(jnp.shape(w), scale) for layer, w in weights.items()}
        return {
            layer: jnp.abs(m)
            for layer, m in normal(
                key, {layer: jnp.shape(w) for layer, w in weights.items()}, scale
            ).items()
        }

    def ops(params: Params, m: Feedback) -> Ops:
        signed = {
            layer: m[layer] * jnp.sign(w)
            for layer, w in above_hidden("sign_symmetry", params).items()
        }
        return Ops(feedback(signed), exact.nonlinear if derivative else straight)

    return replaced(model, objective, drawn, ops)
