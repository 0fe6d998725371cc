"""The set an attacked image must stay in: a ball around the clean image, cut by the box [0, 1] of
pixel values.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

Norm = Literal["linf", "l2"]


def project(
    z: Float[Array, "*shape"], x: Float[Array, "*shape"], eps: Float[Array, ""], norm: Norm
) -> Float[Array, "*shape"]:
    """Bring z into the ball of radius eps around x, then into [0, 1]; the box cannot push it out
    again, as x is inside.

    linf: every pixel moves by at most eps. l2: the whole change is scaled down to length eps.
    """
    if norm == "linf":
        return jnp.clip(jnp.clip(z, x - eps, x + eps), 0, 1)
    change = z - x
    return jnp.clip(x + change * jnp.minimum(1, eps / _length(change)), 0, 1)


def steepest(gradient: Float[Array, "*shape"], norm: Norm) -> Float[Array, "*shape"]:
    """The change of size 1 along which a loss with this gradient grows most: its signs, or itself
    at length 1.
    """
    return jnp.sign(gradient) if norm == "linf" else gradient / _length(gradient)


def inside(key: Key[Array, ""], shape: tuple[int, ...], norm: Norm) -> Float[Array, "*shape"]:
    """A random point of the unit ball: uniform in the cube; in the l2 ball of uniform direction and
    uniform length.
    """
    if norm == "linf":
        return jax.random.uniform(key, shape, minval=-1, maxval=1)
    direction_key, length_key = jax.random.split(key)
    return jax.random.uniform(length_key) * steepest(jax.random.normal(direction_key, shape), "l2")


def distance(z: Float[Array, "*shape"], x: Float[Array, "*shape"]) -> Float[Array, ""]:
    """The Euclidean distance of two images."""
    return jnp.sqrt(jnp.sum((z - x) ** 2))


def _length(change: Float[Array, "*shape"]) -> Float[Array, ""]:
    return jnp.maximum(jnp.sqrt(jnp.sum(change**2)), jnp.finfo(change.dtype).tiny)
