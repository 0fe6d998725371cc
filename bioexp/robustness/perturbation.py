"""What small random perturbations do to a net's outputs, and what a first-order calculation says
they do.

Everything is float64: at a size of 0.001 the change is a millionth of the outputs, which float32
    could not show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from bioexp.attacks.ball import project
from bioexp.attacks.losses import margin
from bioexp.robustness.evaluate import Net, evaluate, logits
from bioexp.types import Attack, Count, Logits, Positive

TINY = np.finfo(np.float64).tiny


class Response(NamedTuple):
    """Change of every output, measured and predicted, at each size of the perturbation; NaN where
    it is undefined.
    """

    measured: Float[np.ndarray, "sizes n classes"]
    predicted: Mapping[str, Float[np.ndarray, "sizes n classes"]]


class Fooled(NamedTuple):
    """Every image changed as little as fools the net, in [0, 1], with the class it then finds."""

    eps: Float[np.ndarray, "n"]
    images: Float[np.ndarray, "n *shape"]
    predictions: Int[np.ndarray, "n"]


def directions(
    x: Float[np.ndarray, "n inputs"], rng: np.random.Generator
) -> Float[np.ndarray, "n inputs"]:
    """One random perturbation of size 1 for each image: Gaussian, its largest change as large as
    the image's brightest pixel.
    """
    noise = rng.standard_normal(x.shape)
    return noise * (x.max(axis=1) / np.abs(noise).max(axis=1))[:, None]


def relu_response(
    w1: Float[np.ndarray, "hidden inputs"],
    b1: Float[np.ndarray, "hidden"],
    w2: Float[np.ndarray, "classes hidden"],
    x: Float[np.ndarray, "n inputs"],
    d: Float[np.ndarray, "n inputs"],
    sizes: Float[np.ndarray, "sizes"],
) -> Response:
    """A relu net's outputs when s d is added to x, for every size s.

    first order: sum_j w2[i,j] sum_k w1[j,k] dx1[k] over the units that x makes active, the
        gradient's prediction.
    linear net: the same over all units, as in the equation for a net without activations.
    """
    w1, w2 = w1.astype(np.float64), w2.astype(np.float64)
    u, du = x @ w1.T + b1, sizes[:, None, None] * (d @ w1.T)
    measured = (np.maximum(u + du, 0) - np.maximum(u, 0)) @ w2.T
    return Response(measured, {"first order": ((u > 0) * du) @ w2.T, "linear net": du @ w2.T})


def log_response(
    w1: Float[np.ndarray, "hidden inputs"],
    w2: Float[np.ndarray, "classes hidden"],
    x: Float[np.ndarray, "n inputs"],
    d: Float[np.ndarray, "n inputs"],
    sizes: Float[np.ndarray, "sizes"],
    floor: float,
) -> Response:
    """A log net's outputs when s d is added to x, in log space (x3 as the net computes it), for
    every size s.

    With eps[j] = w1[j].dx1 / w1[j].x1 the change is sum_j w2[i,j] log(1 + eps[j]).
    first order: sum_j w2[i,j] eps[j].
    log(1+dx3/x3): log(1 + sum_j w2[i,j] eps[j]), first order in ordinary space; undefined where the
    sum is below -1.

    floor: what the net adds under its logarithm, to the mean over pixels.
    """
    w1, w2 = w1.astype(np.float64), w2.astype(np.float64)
    eps = sizes[:, None, None] * (d @ w1.T) / (x @ w1.T + floor * x.shape[1])
    total = eps @ w2.T
    return Response(
        _logarithm(1 + eps) @ w2.T, {"first order": total, "log(1+dx3/x3)": _logarithm(1 + total)}
    )


def undefined(values: Float[np.ndarray, "sizes n classes"]) -> Float[np.ndarray, "sizes"]:
    """Share of the values that are not defined, at each size."""
    return np.isnan(values).mean(axis=(1, 2))


def relative_error(
    predicted: Float[np.ndarray, "sizes n classes"], measured: Float[np.ndarray, "sizes n classes"]
) -> Float[np.ndarray, "sizes"]:
    """Median of |predicted - measured| / |measured| at each size, over images and outputs; the
    undefined are left out.
    """
    error = np.abs(predicted - measured) / np.maximum(np.abs(measured), TINY)
    return np.array(
        [np.median(row[~np.isnan(row)]) if not np.isnan(row).all() else np.nan for row in error]
    )


def reach(
    sizes: Float[np.ndarray, "sizes"], error: Float[np.ndarray, "sizes"], allowed: float = 0.05
) -> float:
    """The size at which the error first passes `allowed`, between sizes on a line through the
    logarithms of both; the first size if it is there already, the last if it never does.
    """
    above = np.flatnonzero(~(error <= allowed))
    if not len(above) or above[0] == 0:
        return float(sizes[0] if len(above) else sizes[-1])
    low, high = above[0] - 1, above[0]
    size, miss = np.log(sizes[[low, high]]), np.log(np.maximum(error[[low, high]], TINY))
    if not np.isfinite(miss[1]):
        return float(sizes[low])
    return float(np.exp(np.interp(np.log(allowed), miss, size)))


def fool(net: Net, attack: Attack, eps: Sequence[float], key: Key[Array, ""]) -> Fooled:
    """Each image at the smallest of the ascending eps that fools the net, or at the last one where
    none does.
    """
    found = evaluate(net, attack, eps, key).x_adv
    predictions = np.stack([logits(replace(net, images=images)).argmax(axis=1) for images in found])
    wrong = predictions != net.labels
    level = np.where(wrong.any(axis=0), wrong.argmax(axis=0), len(eps) - 1)
    image = np.arange(len(net.labels))
    return Fooled(np.array(eps)[level], found[level, image] / 255, predictions[level, image])


def gradient_ascent(*, steps: Count = 40, path: Positive = 2.5) -> Attack:
    """Add the loss's gradient to the image again and again, as the log network's paper does: z
    <- z + a g / |g|_2.

    In the L2 ball, from the image itself; a = path eps / steps. The loss is the margin, the best
    wrong output minus the true
    one: the printed -x3[y] has only negative gradients in a net of positive weights, so it could do
        no more than darken.
    """

    def perturb(
        logits: Logits,
        x: Float[Array, "*shape"],
        y: Int[Array, ""],
        eps: Float[Array, ""],
        key: Key[Array, ""],
    ) -> Float[Array, "*shape"]:
        gradient = jax.grad(lambda z: margin(logits(z), y))

        def step(_: int | Int[Array, ""], z: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
            g = gradient(z)
            return project(
                z
                + path / steps * eps * g / jnp.maximum(jnp.linalg.norm(g), jnp.finfo(g.dtype).tiny),
                x,
                eps,
                "l2",
            )

        return jax.lax.fori_loop(0, steps, step, x)

    return Attack("l2", perturb, multi_step=True)


def _logarithm(values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The natural logarithm, NaN instead of a warning where there is none."""
    return np.log(np.where(values > 0, values, np.nan))
