"""Projected gradient descent: many small steps of the fast gradient sign method."""

from typing import Literal

import jax
from jaxtyping import Array, Float, Int, Key

from bioexp.attacks.ball import Norm, inside, project, steepest
from bioexp.attacks.losses import LOSSES
from bioexp.types import Attack, Count, Logits, Positive


def pgd(
    *,
    steps: Count = 40,
    restarts: Count = 5,
    path: Positive = 2.5,
    start: Literal["random", "image"] = "random",
    loss: Literal["cross_entropy", "margin"] = "cross_entropy",
    norm: Norm = "linf",
) -> Attack:
    """Repeat z <- project(z + a sign(grad_z loss)) and return the last z.

    Madry et al. 2018, eq. 1 and section 5.1; a = path eps / steps. In the L2 ball the gradient at
    length 1 takes the place of its signs.

    steps: gradient steps of one try.
    restarts: tries for each image; the first that breaks it counts.
    path: length of all steps together, in units of eps; 2.5 can cross the ball from any start and
        come back.
    start: random in the ball, or the image itself (every restart is then the same).
    loss: what is ascended; margin is Carlini & Wagner's and does not saturate.
    norm: linf or l2, the ball.
    """

    def perturb(
        logits: Logits,
        x: Float[Array, "*shape"],
        y: Int[Array, ""],
        eps: Float[Array, ""],
        key: Key[Array, ""],
    ) -> Float[Array, "*shape"]:
        gradient = jax.grad(lambda z: LOSSES[loss](logits(z), y))

        def step(_: int | Int[Array, ""], z: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
            return project(z + path / steps * eps * steepest(gradient(z), norm), x, eps, norm)

        first = x + eps * inside(key, x.shape, norm) if start == "random" else x
        return jax.lax.fori_loop(0, steps, step, project(first, x, eps, norm))

    return Attack(norm, perturb, multi_step=True, restarts=restarts)
