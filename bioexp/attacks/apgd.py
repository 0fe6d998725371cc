"""Auto-PGD: projected gradient descent that finds its own step length."""

from math import ceil
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from bioexp.attacks.ball import inside, project
from bioexp.attacks.losses import LOSSES, margin
from bioexp.types import Attack, Count, Logits

MOMENTUM = 0.75  # alpha of eq. 3: the weight of the new step
ENOUGH = 0.75  # rho of condition 1: the share of steps that must have raised the loss


class Point(NamedTuple):
    """An image, its loss, and the gradient there."""

    z: Float[Array, "*shape"]
    loss: Float[Array, ""]
    gradient: Float[Array, "*shape"]


class Search(NamedTuple):
    """Where one image's search stands.

    broken: the last image that the net got wrong, if `success`. rises, size_then, best_then: the
        steps that raised the loss since the last checkpoint, and step length and best loss as they
        were there.
    """

    here: Point
    before: Float[Array, "*shape"]
    best: Point
    size: Float[Array, ""]
    broken: Float[Array, "*shape"]
    success: Bool[Array, ""]
    rises: Int[Array, ""]
    size_then: Float[Array, ""]
    best_then: Float[Array, ""]


def apgd(
    *,
    steps: Count = 100,
    restarts: Count = 1,
    loss: Literal["cross_entropy", "dlr"] = "cross_entropy",
) -> Attack:
    """Momentum steps of 2 eps from a random start; at checkpoints a search that stalls halves its
    step and returns to its best.

    Croce & Hein 2020, algorithm 1, in the L-infinity ball:
        y = project(z + a sign(grad)),  z' = project(z + 0.75 (y - z) + 0.25 (z - z_before)).
    At a checkpoint a is halved when fewer than 3 of 4 steps since the last one raised the loss, or
    when neither a nor the best loss changed since. Returned is an image that the net got wrong, or
    else the one of largest loss.

    steps: gradient steps of one try.
    restarts: tries for each image; the first that breaks it counts.
    loss: what is ascended; dlr does not change when the logits are scaled.
    """
    lengths = _lengths(steps)

    def perturb(
        logits: Logits,
        x: Float[Array, "*shape"],
        y: Int[Array, ""],
        eps: Float[Array, ""],
        key: Key[Array, ""],
    ) -> Float[Array, "*shape"]:
        def value(z: Float[Array, "*shape"]) -> tuple[Array, Array]:
            scores = logits(z)
            return LOSSES[loss](scores, y), margin(scores, y) > 0

        def look(z: Float[Array, "*shape"]) -> tuple[Point, Bool[Array, ""]]:
            (reached, wrong), gradient = jax.value_and_grad(value, has_aux=True)(z)
            return Point(z, reached, gradient), wrong

        def step(s: Search, now: tuple[Int[Array, ""], Int[Array, ""]]) -> tuple[Search, None]:
            number, length = now
            weight = jnp.where(number == 0, 1.0, MOMENTUM)
            z = s.here.z
            straight = project(z + s.size * jnp.sign(s.here.gradient), x, eps, "linf")
            there, wrong = look(
                project(z + weight * (straight - z) + (1 - weight) * (z - s.before), x, eps, "linf")
            )
            best = _either(there.loss > s.best.loss, there, s.best)
            rises = s.rises + (there.loss > s.here.loss)
            stalled = (rises < ENOUGH * length) | (
                (s.size == s.size_then) & (best.loss == s.best_then)
            )
            halve, checkpoint = (length > 0) & stalled, length > 0
            size = jnp.where(halve, s.size / 2, s.size)
            broken = jnp.where(wrong, there.z, s.broken)
            then = (
                jnp.where(checkpoint, s.size, s.size_then),
                jnp.where(checkpoint, best.loss, s.best_then),
            )
            here = _either(halve, best, there)
            return (
                Search(
                    here,
                    z,
                    best,
                    size,
                    broken,
                    s.success | wrong,
                    jnp.where(checkpoint, 0, rises),
                    *then,
                ),
                None,
            )

        start, wrong = look(project(x + eps * inside(key, x.shape, "linf"), x, eps, "linf"))
        size = 2 * eps
        first = Search(start, start.z, start, size, start.z, wrong, jnp.int32(0), size, start.loss)
        last, _ = jax.lax.scan(step, first, (jnp.arange(steps), jnp.asarray(lengths)))
        return jnp.where(last.success, last.broken, last.best.z)

    return Attack("linf", perturb, multi_step=True, restarts=restarts)


def _either(first: Bool[Array, ""], a: Point, b: Point) -> Point:
    return jax.tree.map(lambda left, right: jnp.where(first, left, right), a, b)


def _lengths(steps: int) -> Int[np.ndarray, "steps"]:
    """For each step that is a checkpoint, how many steps lie between it and the last one; 0
    elsewhere.

    Section 3.2: p_0 = 0, p_1 = 0.22, p_{j+1} = p_j + max(p_j - p_{j-1} - 0.03, 0.06), after
        ceil(p_j steps) steps.
    """
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    places = np.unique([min(ceil(round(share * steps, 6)), steps) for share in shares])
    lengths = np.zeros(steps, np.int32)
    lengths[places[1:] - 1] = np.diff(places)
    return lengths
