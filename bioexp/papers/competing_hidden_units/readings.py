"""Other nets around the same rules: those of the program that the slides' author published, and
another reading of the paper's forward pass.
"""

from math import prod
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, Num

from bioexp.models.stack import Forward, LayerMap, stack
from bioexp.ops import Ops, exact
from bioexp.papers.competing_hidden_units.model import (
    Exponent,
    Inputs,
    competing_hidden_units,
    presented,
    rate,
)
from bioexp.types import Count, Layer, Model, Params


def competing_currents(
    shape: tuple[int, ...],
    classes: int,
    *,
    hidden: Count = 484,
    inputs: Inputs = "raw",
    p: Exponent = 2.0,
    rectified: bool = False,
    power: Exponent = 1.0,
    start: Literal["uniform", "normal"] = "uniform",
    bias: bool = True,
    read_out: Literal["zero", "uniform"] = "uniform",
) -> Model:
    """Units whose currents feed the read-out, without inhibition: z[mu] = <W[mu], v>_p.

    <W, v>_p = sum_i sign(W_i) |W_i|^(p-1) v_i. The defaults are those of the slides' author.

    hidden: number of units. inputs: how images are presented, as in competing_hidden_units.
    p: Lebesgue norm of the product; 2 is W v.
    rectified: whether z is max(<W, v>_p, 0)^power in place of the current.
    power: n, the exponent of the rectified activity.
    start: weights begin uniform in [0, 1], or standard normal.
    bias, read_out: as in competing_hidden_units.
    """
    head = competing_hidden_units(
        shape, classes, hidden=hidden, power=1.0, bias=bias, read_out=read_out
    )

    def init(key: Key[Array, ""]) -> Params:
        layers = head.init(key)["layers"]
        if start == "uniform":
            w = jax.random.uniform(jax.random.fold_in(key, 0), (hidden, prod(shape)))
            layers = {**layers, "0": {"w": w}}
        return {"layers": layers}

    def apply(
        params: Params, x: Num[Array, "batch *shape"], ops: Ops = exact, start: int = 0
    ) -> Forward:
        if start:
            return head.apply(params, x, ops, start)
        v, w = presented(x.reshape(len(x), -1), inputs), params["layers"]["0"]["w"]
        u = ops.linear(0, w if p == 2 else jnp.sign(w) * jnp.abs(w) ** (p - 1), v)
        z = ops.nonlinear(0, lambda u: rate(u, power) if rectified else u, u)
        logits, above = head.apply(params, z, ops, 1)
        return logits, (Layer(v, u, z), *above)

    return Model(init, apply)


def sigmoid_throughout(shape: tuple[int, ...], classes: int, *, hidden: Count = 484) -> Model:
    """The author's net for backprop: a sigmoid on the pixels and on the hidden units; the outputs'
    own is in the objective. Weights and biases start as in a linear layer of PyTorch.

    hidden: number of hidden units.
    """

    def layer(inputs: int, units: int, *, squashed: bool) -> LayerMap:
        def init(key: Key[Array, ""]) -> Params:
            shapes = {"w": (units, inputs), "b": (units,)}
            return {
                name: jax.random.uniform(own, size, minval=-(inputs**-0.5), maxval=inputs**-0.5)
                for own, (name, size) in zip(jax.random.split(key), shapes.items(), strict=True)
            }

        def apply(params: Params, x: Float[Array, "batch inputs"], ops: Ops, number: int) -> Layer:
            seen = x if number else jax.nn.sigmoid(x)
            u = ops.linear(number, params["w"], seen) + params["b"]
            return Layer(x, u, ops.nonlinear(number, jax.nn.sigmoid, u) if squashed else u)

        return LayerMap(init, apply)

    pixels = prod(shape)
    return stack([layer(pixels, hidden, squashed=True), layer(hidden, classes, squashed=False)])
