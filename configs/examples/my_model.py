"""A model of one's own: a hidden layer whose units square what they receive."""

from math import prod

import jax.numpy as jnp

from bioexp.models.mlp import affine
from bioexp.models.stack import stack
from bioexp.types import Count, Model


def squares(shape: tuple[int, ...], classes: int, *, hidden: Count = 50) -> Model:
    """z = (w x + b)^2 below, logits above; `stack` brings all the rest.

    hidden: units of the hidden layer.
    """
    below = affine(prod(shape), hidden, jnp.square, bias=True)
    above = affine(hidden, classes, lambda u: u, bias=True)
    return stack([below, above])
