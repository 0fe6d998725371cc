"""What an attack ascends, for the logits of one image; above 0 the margin says that the image is
misclassified.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

FLAT = 1e-12  # keeps the ratio of logits finite where three of them are equal


def cross_entropy(logits: Float[Array, "classes"], y: Int[Array, ""]) -> Float[Array, ""]:
    """-log softmax(logits)[y], in nats.

    Written log(1 + exp(m)), with m the soft maximum of the wrong logits minus the true one: where
    the net is sure, 1 - softmax(logits)[y] would round to 0 and the gradient's direction with it,
    while this one is right down to exp(-87).
    """
    return jax.nn.softplus(jax.nn.logsumexp(_wrong(logits, y)) - _true(logits, y))


def margin(logits: Float[Array, "classes"], y: Int[Array, ""]) -> Float[Array, ""]:
    """The best wrong logit minus the true one: Carlini & Wagner 2017, f_6 without its confidence,
    so it cannot saturate.
    """
    return jnp.max(_wrong(logits, y)) - _true(logits, y)


def dlr(logits: Float[Array, "classes"], y: Int[Array, ""]) -> Float[Array, ""]:
    """The margin over the distance from the largest to the third largest logit: it does not change
    when all are scaled.

    The difference of logits ratio, Croce & Hein 2020, eq. 6. Below four classes it says no more
    than a sign, so that the margin takes its place.
    """
    if logits.shape[0] < 4:
        return margin(logits, y)
    largest = jax.lax.top_k(logits, 3)[0]
    return margin(logits, y) / (largest[0] - largest[2] + FLAT)


LOSSES = {"cross_entropy": cross_entropy, "margin": margin, "dlr": dlr}


def _wrong(logits: Float[Array, "classes"], y: Int[Array, ""]) -> Float[Array, "classes"]:
    return jnp.where(jnp.arange(logits.shape[0]) == y, -jnp.inf, logits)


def _true(logits: Float[Array, "classes"], y: Int[Array, ""]) -> Float[Array, ""]:
    # a masked sum, not logits[y]: its derivative is a product where an index's would be a scatter
    return jnp.sum(jnp.where(jnp.arange(logits.shape[0]) == y, logits, 0))
