"""The two maps that every model is made of, whose backward pass a rule may replace.

A model calls `ops.linear` and `ops.nonlinear` and never differentiates by itself; `exact` is the
forward pass as deployed, with JAX's own derivative. Evaluation and attacks always use `exact`.
Whatever replaces the backward pass, the forward pass stays the same to the last bit.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

Activation = Callable[[Float[Array, "batch units"]], Float[Array, "batch units"]]
Linear = Callable[
    [int, Float[Array, "units inputs"], Float[Array, "batch inputs"]], Float[Array, "batch units"]
]
Nonlinear = Callable[[int, Activation, Float[Array, "batch units"]], Float[Array, "batch units"]]


class Ops(NamedTuple):
    """linear(layer, w, x) -> u = x w', and nonlinear(layer, f, u) -> z = f(u); `layer` is the
    layer's number.
    """

    linear: Linear
    nonlinear: Nonlinear


exact = Ops(linear=lambda layer, w, x: x @ w.T, nonlinear=lambda layer, f, u: f(u))


def feedback(b: Mapping[int, Float[Array, "units inputs"]]) -> Linear:
    """Errors travel down through b[layer] in place of w: dL/dx = dL/du b. Layers that b does not
    name are exact.
    """
    return lambda layer, w, x: _fed_back(w, b[layer], x) if layer in b else x @ w.T


def direct(b: Mapping[int, Float[Array, "outputs inputs"]]) -> Linear:
    """The error at the top layer travels straight to the input of every layer that b names: dL/dx =
    dL/du[top] b[layer].

    b must name the top layer. Made anew for every forward pass, as it remembers what it has seen on
    the way up.
    """
    top, below = max(b), []

    def linear(
        layer: int, w: Float[Array, "units inputs"], x: Float[Array, "batch inputs"]
    ) -> Float[Array, "batch units"]:
        if layer not in b:
            return x @ w.T
        below.append((x, b[layer]))
        u = jax.lax.stop_gradient(x) @ w.T
        if layer == top:
            for taught, weights in below:
                u = _teaching(u, taught, weights)
        return u

    return linear


def straight(
    layer: int, f: Activation, u: Float[Array, "batch units"]
) -> Float[Array, "batch units"]:
    """The nonlinearity without its derivative: dL/du = dL/dz."""
    return _straight(f, u)


def now_and_then(
    now: Bool[Array, ""], errors: Mapping[int, Callable[[Float[Array, "batch units"]], Array]]
) -> Nonlinear:
    """Where `now`, dL/du of every layer that is named is errors[layer](u), whatever comes from
    above; else all is exact.
    """
    return lambda layer, f, u: _either(f, u, now, errors[layer](u)) if layer in errors else f(u)


def _backward(
    function: Callable[..., Array],
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    fixed: tuple[int, ...] = (),
) -> Any:
    """The function with another backward pass; named by an assignment, so that a run's digest of
    the code sees it.
    """
    made = jax.custom_vjp(function, nondiff_argnums=fixed)
    made.defvjp(forward, backward)
    return made


_fed_back = _backward(  # u = x w', of (w, b, x)
    lambda w, b, x: x @ w.T,
    lambda w, b, x: (x @ w.T, (b, x)),
    lambda kept, error: (error.T @ kept[1], jnp.zeros_like(kept[0]), error @ kept[0]),
)
_teaching = _backward(  # u, of (u, x, b), with its error sent to x through b
    lambda u, x, b: u,
    lambda u, x, b: (u, b),
    lambda b, error: (error, error @ b, jnp.zeros_like(b)),
)
_straight = _backward(  # f(u), of (f, u)
    lambda f, u: f(u),
    lambda f, u: (f(u), None),
    lambda f, _, error: (error,),
    fixed=(0,),
)
_either = _backward(  # f(u), of (f, u, now, instead)
    lambda f, u, now, instead: f(u),
    lambda f, u, now, instead: (f(u), (u, now, instead)),
    lambda f, kept, error: (
        jnp.where(kept[1], kept[2], jax.vjp(f, kept[0])[1](error)[0]),
        None,
        jnp.zeros_like(kept[2]),
    ),
    fixed=(0,),
)
