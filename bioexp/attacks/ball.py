"""The set an attacked image must stay in: a ball around the clean image, cut by the box [0, 1] of pixel values."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Float


def project(
    z: Float[Array, "*shape"], x: Float[Array, "*shape"], eps: Float[Array, ""], norm: Literal["linf", "l2"]
) -> Float[Array, "*shape"]:
    """Bring z into the ball of radius eps around x, then into [0, 1]; the box cannot push it out again, as x is inside.

    linf: every pixel moves by at most eps. l2: the whole change is scaled down to length eps.
    """
    if norm == "linf":
        return jnp.clip(jnp.clip(z, x - eps, x + eps), 0, 1)
    change = z - x
    length = jnp.sqrt(jnp.sum(change**2))
    return jnp.clip(x + change * jnp.minimum(1, eps / jnp.maximum(length, jnp.finfo(z.dtype).tiny)), 0, 1)
