"""The ordinary network: affine layers with one activation between them, linear logits."""

from math import prod
from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bioexp.models.stack import LayerMap, glorot, stack
from bioexp.ops import Activation, Ops
from bioexp.types import Layer, Model, Params, Widths

ACTIVATIONS: dict[str, Activation] = {
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "linear": lambda u: u,
}


def mlp(
    shape: tuple[int, ...],
    classes: int,
    *,
    hidden: Widths = (100,),
    activation: Literal["relu", "sigmoid", "tanh", "linear"] = "relu",
    bias: bool = True,
) -> Model:
    """Multilayer perceptron, Glorot-uniform weights and zero biases.

    hidden: units of each hidden layer, from input to output; [] is a linear classifier.
    activation: what follows every hidden layer.
    bias: whether every layer has one.
    """
    sizes = [prod(shape), *hidden, classes]
    activations = [ACTIVATIONS[activation]] * len(hidden) + [ACTIVATIONS["linear"]]
    layers = zip(sizes[:-1], sizes[1:], activations, strict=True)
    return stack([affine(inputs, units, f, bias=bias) for inputs, units, f in layers])


def affine(inputs: int, units: int, activation: Activation, *, bias: bool) -> LayerMap:
    """u = x w' + b, z = activation(u)."""

    def init(key: Key[Array, ""]) -> Params:
        w = glorot(key, units, inputs)
        return {"w": w, "b": jnp.zeros(units)} if bias else {"w": w}

    def apply(params: Params, x: Float[Array, "batch inputs"], ops: Ops, number: int) -> Layer:
        u = ops.linear(number, params["w"], x) + params.get("b", 0.0)
        return Layer(x, u, ops.nonlinear(number, activation, u))

    return LayerMap(init, apply)
