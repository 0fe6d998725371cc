"""Every hidden layer hears of the output's error at once, through random weights of its own."""

import jax.numpy as jnp
from jaxtyping import Array, Key

from bioexp.ops import Ops, direct, exact, straight
from bioexp.rules.gradient import Feedback, above_hidden, normal, replaced
from bioexp.types import Model, Objective, Params, Positive, Rule


def direct_feedback_alignment(
    model: Model, objective: Objective, *, scale: Positive = 1.0, derivative: bool = True
) -> Rule:
    """dL/dh[l] = dL/du[top] B[l] with fixed B[l] ~ N(0, scale^2) (Nøkland 2016); the read-out's
    gradient is backprop's.

    scale: standard deviation of the feedback weights; it acts as a learning rate of the hidden
        layers.
    derivative: whether errors are multiplied by the activation's derivative where they arrive.
    Raises UserError for a model without a hidden layer.
    """

    def drawn(key: Key[Array, ""], params: Params) -> Feedback:
        weights = above_hidden("direct_feedback_alignment", params)
        outputs = len(weights[max(weights)])
        return normal(
            key, {layer: (outputs, jnp.shape(w)[1]) for layer, w in weights.items()}, scale
        )

    return replaced(
        model,
        objective,
        drawn,
        lambda params, b: Ops(direct(b), exact.nonlinear if derivative else straight),
    )
