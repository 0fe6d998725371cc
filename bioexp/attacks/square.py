"""The square attack: random search that asks the net for nothing but its logits."""

from math import prod, sqrt

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from bioexp.attacks.losses import margin
from bioexp.types import Attack, Count, Fraction, Logits

# numbers of queries, of 10,000, after which the area is halved once more (Andriushchenko et al.
# 2020, section 3.2)
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


def square(*, queries: Count = 1000, area: Fraction = 0.8) -> Attack:
    """Set a random square of the change to +eps or -eps in each channel, and keep it if the margin
    grows.

    Andriushchenko et al. 2020, algorithms 1 and 2, in the L-infinity ball. The first change is
    vertical stripes of width 1. Stops when the net is wrong. Features without a second axis are an
    image of width 1.

    queries: how often the net is asked; 5000 is the usual number for a final evaluation.
    area: p, the share of the image that the first squares cover.
    """

    def perturb(
        logits: Logits,
        x: Float[Array, "*shape"],
        y: Int[Array, ""],
        eps: Float[Array, ""],
        key: Key[Array, ""],
    ) -> Float[Array, "*shape"]:
        image = x.reshape(_canvas(x.shape))
        height, width, channels = image.shape
        sides = jnp.asarray(_sides(queries, area, height, width))
        start_key, search_key = jax.random.split(key)

        def loss(z: Float[Array, "height width channels"]) -> Float[Array, ""]:
            return margin(logits(z.reshape(x.shape)), y)

        def going_on(state: tuple[Array, Array, Array]) -> Array:
            number, _, best = state
            return (number < queries) & (best <= 0)

        def query(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            number, z, best = state
            side = sides[number]
            word = jax.random.bits(
                jax.random.fold_in(search_key, number), (2 + channels,), jnp.uint32
            )
            top = _below(word[0], height - side + 1)
            left = _below(word[1], width - side + 1)
            rows, columns = jnp.arange(height), jnp.arange(width)
            covered = ((rows >= top) & (rows < top + side))[:, None] & (
                (columns >= left) & (columns < left + side)
            )[None]
            sign = jnp.where(word[2:] & 1, eps, -eps).astype(x.dtype)
            tried = jnp.where(covered[..., None], jnp.clip(image + sign, 0, 1), z)
            reached = loss(tried)
            return number + 1, jnp.where(reached > best, tried, z), jnp.maximum(reached, best)

        stripes = jnp.where(
            jax.random.bernoulli(start_key, shape=(1, width, channels)), eps, -eps
        ).astype(x.dtype)
        first = jnp.clip(image + stripes, 0, 1)
        return jax.lax.while_loop(going_on, query, (jnp.int32(1), first, loss(first)))[1].reshape(
            x.shape
        )

    return Attack("linf", perturb, kind="queries")


def _below(word: Array, count: Int[Array, ""]) -> Int[Array, ""]:
    return (word % count.astype(jnp.uint32)).astype(jnp.int32)


def _canvas(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Height, width and channels."""
    return (shape[0], 1 if len(shape) < 2 else shape[1], prod(shape[2:]))


def _sides(queries: int, area: float, height: int, width: int) -> Int[np.ndarray, "queries"]:
    """The side of the square at each query: sqrt(p h w), p halved as in the paper, its schedule
    stretched to `queries`.
    """
    shares = [
        area / 2 ** sum(number * 10_000 // queries > after for after in HALVINGS)
        for number in range(queries)
    ]
    return np.clip(
        [round(sqrt(share * height * width)) for share in shares], 1, min(height, width)
    ).astype(np.int32)
