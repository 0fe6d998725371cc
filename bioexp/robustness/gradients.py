"""What the input gradient of a net is worth to an attack: where it is NaN, infinite, or zero
altogether.
"""

from collections.abc import Iterator
from functools import partial
from typing import Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Num

from bioexp.attacks.losses import LOSSES
from bioexp.robustness.evaluate import Apply, Net
from bioexp.types import Params

Loss = Literal["cross_entropy", "margin"]
BATCH = 2048  # images differentiated together


class Gradients(NamedTuple):
    """Counts over the n images asked for: gradients with a NaN or infinite entry, and gradients
    that are 0 everywhere.
    """

    n: int
    nonfinite: int
    zero: int


def count_gradients(
    net: Net, chosen: Bool[np.ndarray, "n"], loss: Loss, dtype: type = np.float32
) -> Gradients:
    """Look at the gradient of `loss` with respect to each chosen image, in float32 or (the weights
    cast) float64.
    """
    nonfinite, zero = 0, 0
    for _, gradient in _gradients(net, np.flatnonzero(chosen), loss, dtype):
        nonfinite += int((~np.isfinite(gradient)).any(1).sum())
        zero += int((gradient == 0).all(1).sum())
    return Gradients(int(chosen.sum()), nonfinite, zero)


def on_the_edge(net: Net) -> Bool[np.ndarray, "n"]:
    """Whether rounding an image to uint8 can have changed its class: |margin| <= 2 x 0.5/255 x
    |gradient of the margin|_1.

    A change of at most 0.5/255 in each pixel moves the margin by that much to first order; the 2
    allows for curvature.
    """
    edge = [
        np.abs(value) <= np.abs(gradient).sum(1) / 255
        for value, gradient in _gradients(net, np.arange(len(net.images)), "margin", np.float32)
    ]
    return np.concatenate(edge)


def _gradients(
    net: Net, index: Int[np.ndarray, "some"], loss: Loss, dtype: type
) -> Iterator[tuple[Float[np.ndarray, "batch"], Float[np.ndarray, "batch pixels"]]]:
    with jax.enable_x64(dtype == np.float64):
        params = jax.tree.map(
            lambda w: np.asarray(w).astype(dtype) if np.issubdtype(w.dtype, np.floating) else w,
            net.params,
        )
        for start in range(0, len(index), BATCH):
            rows = index[start : start + BATCH]
            images = net.images[rows].astype(dtype) / dtype(
                255 if net.images.dtype == np.uint8 else 1
            )
            value, gradient = _differentiate(net.apply, loss, params, images, net.labels[rows])
            # counted in NumPy: XLA spends seconds on folding the counts of a gradient that it knows
            # to be 0
            yield np.asarray(value), np.asarray(gradient).reshape(len(rows), -1)


@partial(jax.jit, static_argnames=("apply", "loss"))
def _differentiate(
    apply: Apply,
    loss: Loss,
    params: Params,
    images: Num[Array, "batch *shape"],
    labels: Int[Array, "batch"],
) -> tuple[Float[Array, "batch"], Float[Array, "batch *shape"]]:
    """The loss of each image and its gradient with respect to that image."""

    def value(z: Float[Array, "*shape"], y: Int[Array, ""]) -> Float[Array, ""]:
        return LOSSES[loss](apply(params, z[None])[0], y)

    return jax.vmap(jax.value_and_grad(value))(images, labels)
