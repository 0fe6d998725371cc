"""Backprop as a brain model: what happens to credit assignment without its parts, and what hidden bits know of the image.

Grimmer, "Coursework: Analysing deep neural networks as brain models", November 2022. It prints no equation numbers; sections
are named instead. Everything runs twice: R has the printed settings (pixels 0 to 255, sigma 0.01, learning rate 5e-6), Q those
of a program that matches the document's figures (pixels 0 to 1, sigma 0.1, learning rate 5e-5).

Deviations, and what each costs
1. Its "epoch" is one minibatch (its code trains one batch and tests every 100): lengths are steps, 10,000 of them. The
   batch size is not printed; ours is 256. Batches are drawn without replacement within a pass through the data.
2. Gradients there are summed over the minibatch, ours are means: our learning rates are the printed ones times 256. With the
   printed rate on a mean nothing would be learned. The loss is 1/2 sum (v - t)^2 per image, whose derivative its code uses.
3. "nn.W1 = lr * dL_dW1" is read as nn.W1 -= lr * dL_dW1.
4. With pixels in [0, 1] the printed learning rate barely learns; R therefore has raw pixels, Q another rate and sigma.
5. Fashion-MNIST has 60,000 training images, of which the document mentions 10,000; ours trains on all of them.
6. In the random backward pass "dL_dW1 = U.T" has the shape of W1 only for one image, or for as many images as units. We take
   it as dL/dZ = 1 for every image (`instead: ones`), which is what broadcasting makes of one image; other readings are shown.
7. The matching program draws its feedback weights anew at every step; the document says fixed, and so are ours
   (`redrawn: true` is shown beside them).
8. A bit of Y or Z is 1 where a unit is at least the mean of |activity| over its layer, image by image, as in the matching
   program; `threshold: half` compares with 0.5. Entropies of the figures are of the first 256 test images, as there.
9. The autoencoder's settings are not printed; ours are in configs/brain_models_autoencoder.yaml.
10. Curves on test images come from snapshots, at fewer steps than every 100; curves on training images are of every step.
"""

from math import prod

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num

from bioexp.models.stack import LayerMap, stack
from bioexp.ops import Activation, Ops
from bioexp.types import Count, Layer, Model, Params, Positive


def one_hidden_layer(shape: tuple[int, ...], classes: int, *, hidden: Count = 30, sigma: Positive = 0.01, white: Positive = 255.0) -> Model:
    """Z = U W1, H = sigmoid(Z), v = H W2, without biases (section 1.1.1).

    hidden: number of hidden units, the rows of w of layers/0.
    sigma: standard deviation of the initial weights, which are normal with mean 0.
    white: value of the brightest pixel; 255 leaves images as their bytes are, 1 scales them.
    """
    return stack([matrix(prod(shape), hidden, jax.nn.sigmoid, sigma, white), matrix(hidden, classes, linear, sigma)])


def autoencoder(shape: tuple[int, ...], classes: int, *, hidden: Count = 50, sigma: Positive = 0.01, white: Positive = 1.0) -> Model:
    """The same with as many outputs as pixels (section 2.3); its hidden layer is the code. Train it with `reconstruction`.

    hidden: number of code units.
    sigma: standard deviation of the initial weights, which are normal with mean 0.
    white: value of the brightest pixel.
    """
    return stack([matrix(prod(shape), hidden, jax.nn.sigmoid, sigma, white), matrix(hidden, prod(shape), linear, sigma)])


def linear(u: Float[Array, "batch units"]) -> Float[Array, "batch units"]:
    """No activation: a layer's activity is its drive."""
    return u


def matrix(inputs: int, units: int, activation: Activation, sigma: float, white: float = 1.0) -> LayerMap:
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
