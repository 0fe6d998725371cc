"""What a stage descends: a loss per example on the logits, and a penalty on the parameters."""

from typing import Annotated

import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge
from jaxtyping import Array, Float, Int

from bioexp.types import Objective, Params, Positive


def no_penalty(params: Params) -> Float[Array, ""]:
    """Zero: only spatial networks pay for their parameters."""
    return jnp.zeros(())


def cross_entropy() -> Objective:
    """Softmax cross-entropy in nats: -log softmax(logits)[y]."""

    def per_example(
        logits: Float[Array, "batch classes"], y: Int[Array, "batch"]
    ) -> Float[Array, "batch"]:
        return optax.softmax_cross_entropy_with_integer_labels(logits, y)

    return Objective(per_example, no_penalty)


def true_class_logit() -> Objective:
    """-logits[y], as Thériault & François 2021 print it; nothing in it makes classes compete, so it
    collapses.
    """

    def per_example(
        logits: Float[Array, "batch classes"], y: Int[Array, "batch"]
    ) -> Float[Array, "batch"]:
        return -jnp.take_along_axis(logits, y[:, None], axis=1)[:, 0]

    return Objective(per_example, no_penalty)


def squared_error() -> Objective:
    """1/2 sum_c (logits[c] - t[c])^2, t the one-hot label: linear outputs, whose derivative is
    their error.
    """

    def per_example(
        logits: Float[Array, "batch classes"], y: Int[Array, "batch"]
    ) -> Float[Array, "batch"]:
        return 0.5 * jnp.sum((logits - jax.nn.one_hot(y, logits.shape[1])) ** 2, axis=1)

    return Objective(per_example, no_penalty)


def reconstruction() -> Objective:
    """1/2 sum_i (outputs[i] - x[i])^2: an autoencoder's target is its own input, and labels are not
    used.
    """

    def per_example(
        outputs: Float[Array, "batch inputs"], x: Float[Array, "batch inputs"]
    ) -> Float[Array, "batch"]:
        return 0.5 * jnp.sum((outputs - x) ** 2, axis=1)

    return Objective(per_example, no_penalty, lambda batch: batch.x.reshape(len(batch.x), -1))


def sigmoid_mse() -> Objective:
    """Mean over classes of (sigmoid(logits) - t)^2, t the one-hot label: output units that are
    sigmoid neurons.
    """

    def per_example(
        logits: Float[Array, "batch classes"], y: Int[Array, "batch"]
    ) -> Float[Array, "batch"]:
        return jnp.mean((jax.nn.sigmoid(logits) - jax.nn.one_hot(y, logits.shape[1])) ** 2, axis=1)

    return Objective(per_example, no_penalty)


def sigmoid_cross_entropy() -> Objective:
    """-log softmax(sigmoid(logits))[y] in nats: sigmoid outputs taken for logits once more, as
    frameworks let one do by mistake.

    It cannot fall below log(1 + (classes - 1) / e), 1.46 nats for ten classes.
    """

    def per_example(
        logits: Float[Array, "batch classes"], y: Int[Array, "batch"]
    ) -> Float[Array, "batch"]:
        return optax.softmax_cross_entropy_with_integer_labels(jax.nn.sigmoid(logits), y)

    return Objective(per_example, no_penalty)


def tanh_power(*, beta: Positive = 1.0, m: Annotated[float, Ge(1)] = 6.0) -> Objective:
    """sum_c |tanh(beta logits[c]) - t[c]|^m, t = 1 for the label and -1 elsewhere: the loss of
    Krotov & Hopfield 2019.

    beta: steepness of the output units.
    m: exponent; 2 is the squared error, a larger one attends to the worst mistakes.
    """

    def per_example(
        logits: Float[Array, "batch classes"], y: Int[Array, "batch"]
    ) -> Float[Array, "batch"]:
        target = 2 * jax.nn.one_hot(y, logits.shape[1]) - 1
        return jnp.sum(jnp.abs(jnp.tanh(beta * logits) - target) ** m, axis=1)

    return Objective(per_example, no_penalty)


OBJECTIVES = {
    "cross_entropy": cross_entropy,
    "true_class_logit": true_class_logit,
    "squared_error": squared_error,
    "reconstruction": reconstruction,
    "sigmoid_mse": sigmoid_mse,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
    "tanh_power": tanh_power,
}
