"""The two maps that every model is made of, whose backward pass a rule may replace.

A model calls `ops.linear` and `ops.nonlinear` and never differentiates by itself; `exact` is the forward pass as deployed,
with JAX's own derivative. Evaluation and attacks always use `exact`.
"""

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Array, Float

Activation = Callable[[Float[Array, "batch units"]], Float[Array, "batch units"]]


class Ops(NamedTuple):
    """linear(layer, w, x) -> u = x w', and nonlinear(layer, f, u) -> z = f(u); `layer` is the layer's number."""

    linear: Callable[[int, Float[Array, "units inputs"], Float[Array, "batch inputs"]], Float[Array, "batch units"]]
    nonlinear: Callable[[int, Activation, Float[Array, "batch units"]], Float[Array, "batch units"]]


exact = Ops(linear=lambda layer, w, x: x @ w.T, nonlinear=lambda layer, f, u: f(u))
