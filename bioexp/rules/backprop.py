"""The exact gradient: what every other rule is compared with."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bioexp.types import Batch, Learned, Model, Objective, Params, Rule, State


def backprop(model: Model, objective: Objective) -> Rule:
    """Gradient of the mean loss over the minibatch plus the penalty (Rumelhart, Hinton & Williams 1986)."""

    def init(key: Key[Array, ""], params: Params, data: Batch, batch_size: int) -> State:
        return ()

    def loss(params: Params, batch: Batch) -> tuple[Float[Array, ""], Float[Array, ""]]:
        logits, _ = model.apply(params, batch.x)
        accuracy = jnp.mean(jnp.argmax(logits, axis=1) == batch.y)
        return jnp.mean(objective.per_example(logits, batch.y)) + objective.penalty(params), accuracy

    def update(params: Params, state: State, batch: Batch, key: Key[Array, ""]) -> Learned:
        (value, accuracy), gradient = jax.value_and_grad(loss, has_aux=True)(params, batch)
        return Learned(gradient, state, {"loss": value, "accuracy": accuracy})

    return Rule(init, update)
