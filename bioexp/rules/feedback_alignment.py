"""Backprop without weight transport: errors come down through random weights that have nothing to
do with those going up.
"""

import jax.numpy as jnp
from jaxtyping import Array, Key

from bioexp.ops import Ops, exact, feedback, straight
from bioexp.rules.gradient import Feedback, above_hidden, descent, normal, replaced
from bioexp.types import Batch, Learned, Model, Objective, Params, Positive, Rule, State


def feedback_alignment(
    model: Model,
    objective: Objective,
    *,
    scale: Positive = 1.0,
    redrawn: bool = False,
    derivative: bool = True,
) -> Rule:
    """dL/dh = dL/du B in place of dL/du W, B ~ N(0, scale^2) drawn once (Lillicrap, Cownden, Tweed
    & Akerman 2016).

    scale: standard deviation of the feedback weights; it acts as a learning rate of the hidden
        layers.
    redrawn: draw B anew at every step, so that nothing can align with it; the first draw is kept as
        an example of its kind.
    derivative: whether errors are multiplied by the activation's derivative on their way.
    Raises UserError for a model without a hidden layer.
    """
    nonlinear = exact.nonlinear if derivative else straight

    def drawn(key: Key[Array, ""], params: Params) -> Feedback:
        return normal(
            key,
            {
                layer: jnp.shape(w)
                for layer, w in above_hidden("feedback_alignment", params).items()
            },
            scale,
        )

    fixed = replaced(model, objective, drawn, lambda params, b: Ops(feedback(b), nonlinear))

    def update(params: Params, state: State, batch: Batch, key: Key[Array, ""]) -> Learned:
        gradient, metrics = descent(
            model, objective, params, batch, Ops(feedback(drawn(key, params)), nonlinear)
        )
        return Learned(gradient, state, metrics)

    return fixed._replace(update=update) if redrawn else fixed
