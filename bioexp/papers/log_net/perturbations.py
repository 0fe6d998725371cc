"""How the paper's sentences on perturbed images are measured on trained nets: how far a prediction
of the outputs holds, what shields them, and how little fools the net.

Everything is measured on test images, and nothing is chosen by it. Figures draw the same values, on
the same sizes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bioexp.attacks.losses import margin
from bioexp.attacks.pgd import pgd
from bioexp.experiment import Trained
from bioexp.papers.log_net.model import FLOOR
from bioexp.papers.measuring import (
    EPS,
    as_net,
    each,
    pixels,
    predictions,
    seed_by_seed,
    weights,
)
from bioexp.papers.paper import Measure
from bioexp.robustness import perturbation
from bioexp.robustness.evaluate import Net
from bioexp.robustness.perturbation import Fooled, Response, directions

SIZES = np.geomspace(0.003, 1, 16)  # of a random perturbation; 1 is the image's brightest pixel
SIGNED = np.linspace(-1, 1, 33)  # the same for one digit, in either direction
SHOWN = 200  # test images behind the measures of random perturbations
ALLOWED = 0.05  # relative error up to which a prediction holds
LEVELS = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128)
PGD_EPS = tuple(level / 255 for level in LEVELS)
ASCENT_EPS = tuple(0.25 * step for step in range(1, 41))  # Euclidean; a digit is about 9 long


# How far a prediction of dx3 holds.


def respond(
    trained: Trained,
    x: Float[np.ndarray, "n inputs"],
    d: Float[np.ndarray, "n inputs"],
    sizes: Float[np.ndarray, "sizes"],
) -> Response:
    """Change of the outputs when d, times each size, is added to x, beside the predictions that
    there are for a net of this kind: a relu net or a log net.
    """
    w1, w2 = weights(trained, 0), weights(trained, 1)
    if trained.experiment.model.name == "mlp":
        b1 = np.asarray(trained.params["layers"]["0"]["b"])
        return perturbation.relu_response(w1, b1, w2, x, d, sizes)
    return perturbation.log_response(w1, w2, x, d, sizes, FLOOR)


def response(trained: Trained) -> Response:
    """Change of the first test images' outputs, at every one of SIZES; each image has a
    perturbation of its own.
    """
    x = pixels(trained, SHOWN)
    return respond(trained, x, _random(trained, x), SIZES)


def errors(trained: Trained) -> dict[str, Float[np.ndarray, "sizes"]]:
    """Relative error of each prediction of dx3 at every one of SIZES, median over images and
    classes.
    """
    found = response(trained)
    return {
        predictor: perturbation.relative_error(values, found.measured)
        for predictor, values in found.predicted.items()
    }


def undefined(trained: Trained) -> dict[str, Float[np.ndarray, "sizes"]]:
    """Share of the outputs for which each prediction is undefined, at every one of SIZES."""
    predicted = response(trained).predicted
    return {name: perturbation.undefined(values) for name, values in predicted.items()}


def predicted_reach(predictor: str, trained: Trained) -> float:
    """The largest of SIZES up to which a prediction of dx3 is within 5 %, median over images and
    classes; 0 if it is at none.
    """
    return perturbation.reach(SIZES, errors(trained)[predictor], ALLOWED)


def shorter_reach(net: str) -> Measure:
    """log10 of how much farther the gradient's prediction holds in the relu net than the paper's
    prediction does in a log net.
    """
    return seed_by_seed(
        lambda reach: float(np.log10(reach[0] / reach[1])),
        each("relu_net", partial(predicted_reach, "first order")),
        each(net, partial(predicted_reach, "log(1+dx3/x3)")),
    )


def error_at(predictor: str, size: float, trained: Trained) -> float:
    """Relative error of a prediction of dx3 at a size, median over images and classes."""
    return float(np.interp(np.log(size), np.log(SIZES), errors(trained)[predictor]))


class OneDigit(NamedTuple):
    """The first test image with one random perturbation, at every one of SIGNED.

    outputs: those of its label, of the best other class and of the last.
    """

    label: int
    outputs: tuple[int, int, int]
    response: Response


def one_digit(trained: Trained) -> OneDigit:
    """The outputs for one perturbed digit."""
    x, label = pixels(trained, 1), int(trained.dataset.y_test[0])
    x3 = np.asarray(trained.model.apply(trained.params, jnp.asarray(x, jnp.float32))[0])[0]
    others = [int(i) for i in x3.argsort()[::-1] if i != label]
    found = respond(trained, x, _random(trained, x), SIGNED)
    return OneDigit(label, (label, others[0], others[-1]), found)


def exponential_fit(trained: Trained) -> float:
    """R2 of a straight line through log x3 of the true class against t, median over images; t
    counts equal small perturbations.
    """
    x, t = pixels(trained, SHOWN), np.arange(21)
    found = respond(trained, x, _random(trained, x) * 0.01, t.astype(float))
    own = trained.dataset.y_test[None, :SHOWN, None].astype(int)
    change = np.take_along_axis(found.measured, own, axis=2)[:, :, 0]
    return float(
        np.nanmedian([np.corrcoef(t, change[:, i])[0, 1] ** 2 for i in range(change.shape[1])])
    )


def straight_fit(trained: Trained) -> float:
    """The same of x3 itself, in ordinary space: R2 of a straight line against t."""
    x, t = pixels(trained, SHOWN), np.arange(21)
    change = respond(trained, x, _random(trained, x) * 0.01, t.astype(float)).measured
    own = trained.dataset.y_test[None, :SHOWN, None].astype(int)
    x3 = np.exp(np.take_along_axis(change, own, axis=2)[:, :, 0])
    return float(np.nanmedian([np.corrcoef(t, x3[:, i])[0, 1] ** 2 for i in range(x3.shape[1])]))


def shielding_without_log(trained: Trained) -> float:
    """The rank correlation of shielding with the change of w1[j].x1 itself."""
    x, w1 = pixels(trained, SHOWN), weights(trained, 0)
    return _rank_correlation(x @ w1.T, np.abs((_random(trained, x) * 0.01) @ w1.T))


def shielding(trained: Trained) -> float:
    """Rank correlation over prototypes of w1[j].x1 with the size of the change of x2[j] under small
    noise, mean over images.
    """
    x, w1 = pixels(trained, SHOWN), weights(trained, 0)
    u = x @ w1.T
    return _rank_correlation(u, np.abs((_random(trained, x) * 0.01) @ w1.T / (u + FLOOR)))


def _rank_correlation(a: Float[np.ndarray, "n units"], b: Float[np.ndarray, "n units"]) -> float:
    """Mean over images of the rank correlation over units."""
    ranks = [values.argsort(axis=1).argsort(axis=1) for values in (a, b)]
    return float(np.mean([np.corrcoef(*pair)[0, 1] for pair in zip(*ranks, strict=True)]))


def _random(trained: Trained, x: Float[np.ndarray, "n inputs"]) -> Float[np.ndarray, "n inputs"]:
    """A random perturbation of size 1 for each image, drawn by the run's seed."""
    return directions(x, np.random.default_rng(trained.seed))


# What an attacker meets.


def staleness(trained: Trained) -> float:
    """Cosine between the input gradient of the margin loss at an image and after one signed step of
    0.1, mean over images.
    """
    x = jnp.asarray(trained.dataset.x_test[:SHOWN], jnp.float32) / 255
    y = jnp.asarray(trained.dataset.y_test[:SHOWN])

    def gradient(image: Float[Array, "*shape"], label: Array) -> Array:
        return jax.grad(
            lambda z: margin(trained.model.apply(trained.params, z[None])[0][0], label)
        )(image)

    here = jax.vmap(gradient)(x, y)
    there = jax.vmap(gradient)(jnp.clip(x + EPS * jnp.sign(here), 0, 1), y)
    flat = [np.asarray(g).reshape(len(g), -1) for g in (here, there)]
    size = np.linalg.norm(flat[0], axis=1) * np.linalg.norm(flat[1], axis=1)
    return float(np.mean((flat[0] * flat[1]).sum(axis=1) / np.maximum(size, 1e-30)))


class FooledDigits(NamedTuple):
    """Digits that the net gets right, and the same changed as little as fools it."""

    shown: Net
    fooled: Fooled


def fooled_by_pgd(trained: Trained) -> FooledDigits:
    """By PGD in the L∞ ball: every pixel moves by at most eps, one of PGD_EPS."""
    shown = digits(trained)
    found = perturbation.fool(shown, pgd(), PGD_EPS, jax.random.key(trained.seed))
    return FooledDigits(shown, found)


def fooled_by_ascent(trained: Trained) -> FooledDigits:
    """By the paper's gradient ascent, up to a Euclidean length, one of ASCENT_EPS."""
    shown, ascent = digits(trained), perturbation.gradient_ascent()
    found = perturbation.fool(shown, ascent, ASCENT_EPS, jax.random.key(trained.seed))
    return FooledDigits(shown, found)


def digits(trained: Trained) -> Net:
    """The net with the first test image of every label that it gets right."""
    data = trained.dataset
    right = predictions(trained) == data.y_test
    first = [np.flatnonzero(right & (data.y_test == label))[:1] for label in range(data.n_classes)]
    chosen = np.concatenate(first)
    return replace(as_net(trained), images=data.x_test[chosen], labels=data.y_test[chosen])
