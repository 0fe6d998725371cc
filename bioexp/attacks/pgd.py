"""Projected gradient descent: many small steps of the fast gradient sign method."""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from bioexp.attacks.ball import project
from bioexp.attacks.losses import LOSSES
from bioexp.types import Attack, Count, Logits, Positive


def pgd(
    *,
    steps: Count = 40,
    restarts: Count = 5,
    path: Positive = 2.5,
    start: Literal["random", "image"] = "random",
    loss: Literal["cross_entropy", "margin"] = "cross_entropy",
) -> Attack:
    """Repeat z <- project(z + a sign(grad_z loss)) and return the last z.

    Madry et al. 2018, eq. 1 and section 5.1, in the L-infinity ball; a = path eps / steps.

    steps: gradient steps of one try.
    restarts: tries for each image; the first that breaks it counts.
    path: length of all steps together, in units of eps; 2.5 can cross the ball from any start and come back.
    start: uniformly random in the ball, or the image itself (every restart is then the same).
    loss: what is ascended; margin is Carlini & Wagner's and does not saturate.
    """

    def perturb(
        logits: Logits, x: Float[Array, "*shape"], y: Int[Array, ""], eps: Float[Array, ""], key: Key[Array, ""]
    ) -> Float[Array, "*shape"]:
        gradient = jax.grad(lambda z: LOSSES[loss](logits(z), y))

        def step(_: int | Int[Array, ""], z: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
            return project(z + path / steps * eps * jnp.sign(gradient(z)), x, eps, "linf")

        first = x + eps * jax.random.uniform(key, x.shape, minval=-1, maxval=1) if start == "random" else x
        return jax.lax.fori_loop(0, steps, step, project(first, x, eps, "linf"))

    return Attack("linf", perturb, multi_step=True, restarts=restarts)
