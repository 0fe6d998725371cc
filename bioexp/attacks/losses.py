"""What an attack ascends, for the logits of one image; above 0 the margin says that the image is misclassified."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def cross_entropy(logits: Float[Array, "classes"], y: Int[Array, ""]) -> Float[Array, ""]:
    """-log softmax(logits)[y], in nats.

    Written log(1 + exp(m)), with m the soft maximum of the wrong logits minus the true one: where the net is sure,
    1 - softmax(logits)[y] would round to 0 and the gradient's direction with it, while this one is right down to exp(-87).
    """
    return jax.nn.softplus(jax.nn.logsumexp(_wrong(logits, y)) - _true(logits, y))


def margin(logits: Float[Array, "classes"], y: Int[Array, ""]) -> Float[Array, ""]:
    """The best wrong logit minus the true one: Carlini & Wagner 2017, f_6 without its confidence, so it cannot saturate."""
    return jnp.max(_wrong(logits, y)) - _true(logits, y)


LOSSES = {"cross_entropy": cross_entropy, "margin": margin}


def _wrong(logits: Float[Array, "classes"], y: Int[Array, ""]) -> Float[Array, "classes"]:
    return jnp.where(jnp.arange(logits.shape[0]) == y, -jnp.inf, logits)


def _true(logits: Float[Array, "classes"], y: Int[Array, ""]) -> Float[Array, ""]:
    # a masked sum, not logits[y]: its derivative is a product where an index's would be a scatter
    return jnp.sum(jnp.where(jnp.arange(logits.shape[0]) == y, logits, 0))
