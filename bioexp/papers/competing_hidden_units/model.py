"""The net of competing hidden units: a layer whose units inhibit each other, and a read-out."""

from math import prod
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jaxtyping import Array, Float, Key

from bioexp.models.stack import LayerMap, stack
from bioexp.ops import Ops
from bioexp.papers.competing_hidden_units.equations import TINY, steady_state
from bioexp.types import Count, Layer, Model, NonNegative, Params, UserError

Exponent = Annotated[float, Ge(1)]
Inputs = Literal["raw", "unit", "centered"]


def competing_hidden_units(
    shape: tuple[int, ...],
    classes: int,
    *,
    hidden: Count = 2000,
    inputs: Inputs = "unit",
    inhibition: NonNegative = 0.0,
    power: Exponent = 4.5,
    bias: bool = False,
    read_out: Literal["zero", "uniform"] = "zero",
) -> Model:
    """Units that compete for the image, and a read-out of their rectified activities.

    z[mu] = relu(h[mu])^power, where h is the current I = W v or, under inhibition, its steady state
    by eq. 1; the logits are S z (+ b).

    hidden: number of competing units, the rows of W, which starts standard normal.
    inputs: images as they are (raw), at unit Euclidean length (unit), or with their mean subtracted
        first (centered).
    inhibition: w_inh of eq. 1, from 0 to below 1; 0 leaves the units alone.
    power: n, the exponent of the rectified activity.
    bias: whether the read-out has one, b.
    read_out: S and b start at 0 (zero), or up to 1/sqrt(hidden) as in a linear layer of PyTorch
        (uniform).
    """
    check_inhibition(inhibition)

    def first(params: Params, x: Float[Array, "batch inputs"], ops: Ops, number: int) -> Layer:
        v = presented(x, inputs)
        u = ops.linear(number, params["w"], v)
        z = ops.nonlinear(number, lambda u: rate(steady_state(u, inhibition), power), u)
        return Layer(v, u, z)

    def second(params: Params, x: Float[Array, "batch hidden"], ops: Ops, number: int) -> Layer:
        u = ops.linear(number, params["w"], x) + params.get("b", 0.0)
        return Layer(x, u, u)

    def start(key: Key[Array, ""]) -> Params:
        limit = hidden**-0.5 if read_out == "uniform" else 0.0
        shapes = {"w": (classes, hidden)} | ({"b": (classes,)} if bias else {})
        keys = jax.random.split(key, len(shapes))
        return {
            name: jax.random.uniform(key, size, minval=-limit, maxval=limit)
            for key, (name, size) in zip(keys, shapes.items(), strict=True)
        }

    return stack(
        [
            LayerMap(lambda key: {"w": jax.random.normal(key, (hidden, prod(shape)))}, first),
            LayerMap(start, second),
        ]
    )


def presented(x: Float[Array, "batch inputs"], inputs: Inputs) -> Float[Array, "batch inputs"]:
    """The images as the units see them: v."""
    if inputs == "raw":
        return x
    v = x - x.mean(axis=1, keepdims=True) if inputs == "centered" else x
    return v / jnp.sqrt(jnp.sum(v**2, axis=1, keepdims=True) + TINY)


def rate(h: Float[Array, "batch units"], power: float) -> Float[Array, "batch units"]:
    """The firing rate max(h, 0), raised to a power."""
    return jax.nn.relu(h) if power == 1 else jax.nn.relu(h) ** power


def check_inhibition(inhibition: float) -> None:
    """Raises UserError where eq. 1 has no steady state."""
    if inhibition >= 1:
        raise UserError(
            f"inhibition: must be below 1, got {inhibition:g}: eq. 1 then has no steady state, the"
            " strongest unit runs away"
        )
