"""Soft competition: the more a hidden unit wins an input, the more its weights move towards it."""

import jax
from jaxtyping import Array, Float

from bioexp.rules.local import below_read_out
from bioexp.types import Model, Objective, Positive, Rule


def soft_hebb(
    model: Model, objective: Objective, *, pull: Positive = 1.0, temperature: Positive = 1.0
) -> Rule:
    """dw[i] = pull y[i] (x - u[i] w[i]), u = w x, y = softmax(u / temperature), mean over the
    minibatch (Moraitis et al. 2022).

    The read-out descends the objective; the hidden layers see no error.

    pull: learning rate of the hidden layers, relative to the read-out's.
    temperature: how soft the competition is; towards 0 the winner takes all.
    Raises UserError for a model without a hidden layer.
    """

    def growth(
        w: Float[Array, "units inputs"], x: Float[Array, "batch inputs"]
    ) -> Float[Array, "units inputs"]:
        u = x @ w.T
        y = jax.nn.softmax(u / temperature, axis=1)
        return pull * (y.T @ x - (y * u).sum(axis=0)[:, None] * w) / len(x)

    return below_read_out(model, objective, "soft_hebb", growth)
