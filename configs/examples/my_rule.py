"""A rule of one's own: Oja's subspace rule below, the delta rule for the read-out.

No error travels backward.
"""

import jax
import jax.numpy as jnp

from bioexp.types import Learned, Model, Objective, Positive, Rule


def oja(model: Model, objective: Objective, *, pull: Positive = 0.1) -> Rule:
    """dw = pull (z x' - z z' w), Oja 1989; the read-out descends the objective.

    pull: how fast hidden units move to the principal subspace, relative to the read-out.
    """

    def update(params, state, batch, key):
        logits, (hidden, readout) = model.apply(params, batch.x)
        w = params["layers"]["0"]["w"]
        hebb = (hidden.z.T @ hidden.x - hidden.z.T @ hidden.z @ w) / len(batch.y)
        error = jax.grad(lambda logits: objective.per_example(logits, batch.y).mean())(logits)
        direction = {"0": {"w": -pull * hebb}, "1": {"w": error.T @ readout.x}}  # descend
        accuracy = jnp.mean(logits.argmax(axis=1) == batch.y)
        loss = objective.per_example(logits, batch.y).mean()
        return Learned({"layers": direction}, state, {"loss": loss, "accuracy": accuracy})

    return Rule(init=lambda key, params, data, batch_size: (), update=update)
