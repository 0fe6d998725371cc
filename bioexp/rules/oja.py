"""Hebbian learning that stays bounded: hidden units share out the directions in which their inputs
vary most.
"""

from jaxtyping import Array, Float

from bioexp.rules.local import below_read_out
from bioexp.types import Model, Objective, Positive, Rule


def oja(model: Model, objective: Objective, *, pull: Positive = 1.0) -> Rule:
    """dw = pull (y x' - y y' w), y = w x, mean over the minibatch (Oja 1989, the subspace rule);
    one unit alone is Oja 1982.

    The read-out descends the objective; the hidden layers see no error.

    pull: learning rate of the hidden layers, relative to the read-out's.
    Raises UserError for a model without a hidden layer.
    """

    def growth(
        w: Float[Array, "units inputs"], x: Float[Array, "batch inputs"]
    ) -> Float[Array, "units inputs"]:
        y = x @ w.T
        return pull * (y.T @ x - y.T @ y @ w) / len(x)

    return below_read_out(model, objective, "oja", growth)
