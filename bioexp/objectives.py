"""What a stage descends: a loss per example on the logits, and a penalty on the parameters."""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from bioexp.types import Objective, Params


def no_penalty(params: Params) -> Float[Array, ""]:
    """Zero: only spatial networks pay for their parameters."""
    return jnp.zeros(())


def cross_entropy() -> Objective:
    """Softmax cross-entropy in nats: -log softmax(logits)[y]."""

    def per_example(logits: Float[Array, "batch classes"], y: Int[Array, "batch"]) -> Float[Array, "batch"]:
        return optax.softmax_cross_entropy_with_integer_labels(logits, y)

    return Objective(per_example, no_penalty)


def true_class_logit() -> Objective:
    """-logits[y], as Thériault & François 2021 print it; nothing in it makes classes compete, so it collapses."""

    def per_example(logits: Float[Array, "batch classes"], y: Int[Array, "batch"]) -> Float[Array, "batch"]:
        return -jnp.take_along_axis(logits, y[:, None], axis=1)[:, 0]

    return Objective(per_example, no_penalty)


OBJECTIVES = {"cross_entropy": cross_entropy, "true_class_logit": true_class_logit}
