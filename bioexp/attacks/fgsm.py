"""The fast gradient sign method."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from bioexp.attacks.losses import cross_entropy
from bioexp.types import Attack, Logits


def fgsm() -> Attack:
    """One step to the corner of the ball that the gradient points at: x + eps sign(grad_x loss).

    Goodfellow, Shlens & Szegedy 2015, section 4, with the true label and cross-entropy. The
    gradient does not depend on eps, so mapping over eps computes it once.
    """

    def perturb(
        logits: Logits,
        x: Float[Array, "*shape"],
        y: Int[Array, ""],
        eps: Float[Array, ""],
        key: Key[Array, ""],
    ) -> Float[Array, "*shape"]:
        gradient = jax.grad(lambda z: cross_entropy(logits(z), y))(x)
        return x + eps * jnp.sign(gradient)

    return Attack("linf", perturb)
