"""The net with one hidden layer, the autoencoder, and the brightest quadrant."""

from math import prod

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from bioexp.models.stack import LayerMap, stack
from bioexp.ops import Activation, Ops
from bioexp.types import Count, Layer, Model, Params, Positive


def one_hidden_layer(
    shape: tuple[int, ...],
    classes: int,
    *,
    hidden: Count = 30,
    sigma: Positive = 0.01,
    white: Positive = 255.0,
) -> Model:
    """Z = U W1, H = sigmoid(Z), v = H W2, without biases (section 1.1.1).

    hidden: number of hidden units, the rows of w of layers/0.
    sigma: standard deviation of the initial weights, which are normal with mean 0.
    white: value of the brightest pixel; 255 leaves images as their bytes are, 1 scales them.
    """
    return stack(
        [
            matrix(prod(shape), hidden, jax.nn.sigmoid, sigma, white),
            matrix(hidden, classes, linear, sigma),
        ]
    )


def autoencoder(
    shape: tuple[int, ...],
    classes: int,
    *,
    hidden: Count = 50,
    sigma: Positive = 0.01,
    white: Positive = 1.0,
) -> Model:
    """The same with as many outputs as pixels (section 2.3); its hidden layer is the code. Train it
    with `reconstruction`.

    hidden: number of code units.
    sigma: standard deviation of the initial weights, which are normal with mean 0.
    white: value of the brightest pixel.
    """
    return stack(
        [
            matrix(prod(shape), hidden, jax.nn.sigmoid, sigma, white),
            matrix(hidden, prod(shape), linear, sigma),
        ]
    )


def linear(u: Float[Array, "batch units"]) -> Float[Array, "batch units"]:
    """No activation: a layer's activity is its drive."""
    return u


def matrix(
    inputs: int, units: int, activation: Activation, sigma: float, white: float = 1.0
) -> LayerMap:
    """u = white x w', z = activation(u)."""

    def init(key: Key[Array, ""]) -> Params:
        return {"w": sigma * jax.random.normal(key, (units, inputs))}

    def apply(params: Params, x: Float[Array, "batch inputs"], ops: Ops, number: int) -> Layer:
        u = white * ops.linear(number, params["w"], x)
        return Layer(x, u, ops.nonlinear(number, activation, u))

    return LayerMap(init, apply)


# Section 2: what is known of an image.


def brightest_quadrant(images: Num[np.ndarray, "n height width"]) -> Int[np.ndarray, "n"]:
    """W: 0 to 3 for the quadrant with the largest sum of pixels, row by row (section 2.2)."""
    n, height, width = images.shape
    quadrants = images.reshape(n, 2, height // 2, 2, width // 2).sum(axis=(2, 4), dtype=np.float64)
    return quadrants.reshape(n, 4).argmax(axis=1)
