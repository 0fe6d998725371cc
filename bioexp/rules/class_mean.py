"""Each class's weights move to the mean of its images: learning without an error signal, and
without a choice to make.
"""

import jax.numpy as jnp
from jaxtyping import Array, Key

from bioexp.types import Batch, Learned, Model, Objective, Params, Rule, State


def class_mean(model: Model, objective: Objective) -> Rule:
    """w_c <- w_c + learning_rate (mean of the class's images - w_c), for the output layer of the
    model `class_mean`.

    With `batch_size: all`, one step at learning rate 1 makes every prototype the mean image of its
    class, exactly.
    """

    def init(key: Key[Array, ""], params: Params, data: Batch, batch_size: int) -> State:
        return ()

    def update(params: Params, state: State, batch: Batch, key: Key[Array, ""]) -> Learned:
        w = params["layers"]["0"]["w"]
        x = batch.x.reshape(len(batch.x), -1)
        member = (batch.y[:, None] == jnp.arange(len(w))).astype(x.dtype)
        count = member.sum(axis=0)[:, None]
        toward = jnp.where(count > 0, member.T @ x / jnp.maximum(count, 1) - w, 0.0)
        logits, _ = model.apply(params, batch.x)
        metrics = {
            "loss": jnp.mean(objective.per_example(logits, batch.y)),
            "accuracy": jnp.mean(jnp.argmax(logits, axis=1) == batch.y),
        }
        return Learned({"layers": {"0": {"w": -toward}}}, state, metrics)  # descend

    return Rule(init, update)
