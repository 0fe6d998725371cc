"""Random signs: the baseline that tells an attack from mere disturbance."""

from math import prod

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from bioexp.types import Attack, Count, Logits


def noise(*, draws: Count = 20) -> Attack:
    """Random-sign noise of the full size: x + eps s, every entry of s is -1 or 1 with equal chance.

    An image counts as broken when any draw breaks it.

    draws: how many patterns each image is tried with.
    """

    def perturb(
        logits: Logits,
        x: Float[Array, "*shape"],
        y: Int[Array, ""],
        eps: Float[Array, ""],
        key: Key[Array, ""],
    ) -> Float[Array, "*shape"]:
        return x + eps * signs(key, x.shape)

    return Attack("linf", perturb, restarts=draws, kind="noise")


def signs(key: Key[Array, ""], shape: tuple[int, ...]) -> Float[Array, "*shape"]:
    """Independent fair signs, 32 from each random word (`jax.random.rademacher` spends a word on
    every sign).
    """
    size = prod(shape)
    words = jax.random.bits(key, (-(-size // 32),), jnp.uint32)
    coins = (words[:, None] >> jnp.arange(32, dtype=jnp.uint32)) & 1
    return coins.reshape(-1)[:size].reshape(shape).astype(jnp.float32) * 2 - 1
