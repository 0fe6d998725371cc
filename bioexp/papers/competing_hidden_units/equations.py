"""The equations of competing hidden units, solved exactly and as the slides integrate them: the
activities under inhibition (eq. 1) and the plasticity of the weights (eqs 2 and 3).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

TINY = 1e-12  # under the length of an image, so that a black one has a gradient


# Eq. 1: the activities h under global inhibition.


def steady_state(
    current: Float[Array, "batch units"], inhibition: float
) -> Float[Array, "batch units"]:
    """h at rest: h[mu] = I[mu] - w_inh sum_{nu != mu} r(h[nu]), exactly (eq. 1 with dh/dt = 0).

    With S the sum of all rates, h = (I - w S) / (1 - w) where that is positive and I - w S
    elsewhere. S is the root of a convex, decreasing, piecewise linear function: Newton's iteration
    from 0 climbs to it in finitely many steps. The units that are active there are found without a
    gradient; given them S is linear in I, so that derivatives are exact.
    """
    if inhibition == 0:
        return current
    fixed = jax.lax.stop_gradient(current)

    def root(
        active: Bool[Array, "batch units"], current: Float[Array, "batch units"]
    ) -> Float[Array, "batch 1"]:
        count = active.sum(axis=1, keepdims=True)
        return jnp.sum(jnp.where(active, current, 0), axis=1, keepdims=True) / (
            1 - inhibition + inhibition * count
        )

    def more(carry: tuple[Float[Array, "batch 1"], Float[Array, "batch 1"]]) -> Bool[Array, ""]:
        return (carry[1] > carry[0]).any()

    def newton(
        carry: tuple[Float[Array, "batch 1"], Float[Array, "batch 1"]],
    ) -> tuple[Array, Array]:
        return carry[1], root(fixed > inhibition * carry[1], fixed)

    start = jnp.full((len(current), 1), -1.0, current.dtype)
    below, _ = jax.lax.while_loop(more, newton, (start, jnp.zeros_like(start)))
    drive = current - inhibition * root(fixed > inhibition * below, current)
    return jnp.where(drive > 0, drive / (1 - inhibition), drive)


def euler_activity(
    current: Float[Array, "batch units"], inhibition: float, time_step: float, duration: float
) -> Float[Array, "times batch units"]:
    """h(t) of eq. 1 from h = 0 by Euler's method, at every step up to `duration`.

    time_step, duration: in units of tau.
    """

    def step(h: Float[Array, "batch units"], _: None) -> tuple[Array, Array]:
        rates = jax.nn.relu(h)
        others = rates.sum(axis=1, keepdims=True) - rates
        h = h + time_step * (current - inhibition * others - h)
        return h, h

    return jax.lax.scan(
        step, jnp.zeros_like(current), None, length=max(round(duration / time_step), 1)
    )[1]


# Eqs 2 and 3: plasticity.


def plasticity(h: Float[Array, "..."], threshold: float, delta: float) -> Float[Array, "..."]:
    """g(h): 0 below 0, -Delta up to the threshold h*, 1 from there on (eq. 2)."""
    return jnp.where(h >= threshold, 1.0, jnp.where(h >= 0, -delta, 0.0))


def riccati(
    w: Float[Array, "units inputs"],
    v: Float[Array, "inputs"],
    g: Float[Array, "units"],
    time: float,
) -> tuple[Float[Array, "units inputs"], Bool[Array, "units"]]:
    """Eq. 3 solved exactly: W after an image was shown for a time, and which units blew up before.

    With u = v/|v|, a = W u and x = g |v| t the solution is
    W(t) = (W / cosh x + u (tanh x + a (1 - 1/cosh x))) / (1 + a tanh x).
    For g = 1 it tends to u; for g = -Delta its denominator reaches 0 in finite time when a > 1.

    time: t, in units of tau_L.
    """
    length = jnp.sqrt(jnp.sum(v**2) + TINY)
    along, x = w @ (v / length), g * length * time
    still, turned = 1 / jnp.cosh(x), jnp.tanh(x)
    denominator = 1 + along * turned
    toward = turned + along * (1 - still)
    moved = (w * still[:, None] + jnp.outer(toward, v / length)) / denominator[:, None]
    return moved, denominator <= 0


def euler_weights(
    w: Float[Array, "units inputs"],
    v: Float[Array, "batch inputs"],
    g: Float[Array, "batch units"],
    time: float,
    steps: int,
) -> Float[Array, "units inputs"]:
    """Eq. 3 by Euler's method, its right-hand side summed over the images."""

    def step(
        _: int | Int[Array, ""], w: Float[Array, "units inputs"]
    ) -> Float[Array, "units inputs"]:
        return w + time / steps * (g.T @ v - jnp.sum(g * (v @ w.T), axis=0)[:, None] * w)

    return jax.lax.fori_loop(0, steps, step, w)
