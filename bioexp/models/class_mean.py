"""Nearest prototype: the class whose weight vector is closest to the image. The control for every
claim about prototypes.
"""

from math import prod

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from bioexp.models.stack import LayerMap, stack
from bioexp.ops import Ops
from bioexp.types import Layer, Model, Params


def class_mean(shape: tuple[int, ...], classes: int) -> Model:
    """One prototype for each class, and logits w.x - |w|^2/2, which are -|x - w|^2/2 up to a term
    that all classes share.
    """

    def init(key: Key[Array, ""]) -> Params:
        return {"w": jnp.zeros((classes, prod(shape)))}

    def apply(params: Params, x: Float[Array, "batch inputs"], ops: Ops, number: int) -> Layer:
        u = ops.linear(number, params["w"], x)
        return Layer(x, u, u - 0.5 * jnp.sum(params["w"] ** 2, axis=1))

    return stack([LayerMap(init, apply)])
