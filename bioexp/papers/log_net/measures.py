"""How the sentences of the log network's document are measured: functions of trained nets, one
value per seed.

Measures look at test images, and nothing is chosen by them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bioexp.attacks.losses import margin
from bioexp.experiment import Trained
from bioexp.measures import line_fits as lines
from bioexp.measures.accuracy import correct
from bioexp.measures.prototypes import correlations, prototype_score
from bioexp.models import mlp
from bioexp.papers.log_net.model import FLOOR, log_net
from bioexp.papers.measuring import EPS, Measure, accuracy, each, grouped, means, pixels, weights
from bioexp.robustness.perturbation import directions, log_response, reach, relative_error
from bioexp.types import Model

SIZES = np.geomspace(0.003, 1, 16)  # of a perturbation; 1 is the image's brightest pixel
SHOWN = 200  # test images behind the measures of perturbations


def score(trained: Trained) -> float:
    """Mean best correlation of a row of w1 with a class mean of the training images."""
    return prototype_score(weights(trained, 0), means(trained))


# Linearized: the same weights, the activation dropped.


def linearized(trained: Trained) -> Model:
    """The net of the same weights without its activation."""
    data, options = trained.dataset, dict(trained.run.config["model"])
    if options.pop("name") == "log_net":
        return log_net(data.shape, data.n_classes, **(options | {"log": False}))
    return mlp(
        data.shape,
        data.n_classes,
        **(options | {"hidden": tuple(options["hidden"]), "activation": "linear"}),
    )


def linearized_accuracy(trained: Trained) -> float:
    return float(
        correct(
            linearized(trained).apply,
            grouped(trained),
            trained.dataset.x_test,
            trained.dataset.y_test,
        ).mean()
    )


def most_frequent(trained: Trained) -> float:
    """Share of test images that the linearized net gives to its favorite class."""
    logits = linearized(trained).apply(trained.params, jnp.asarray(pixels(trained), jnp.float32))[0]
    return float(np.bincount(np.asarray(logits.argmax(axis=1))).max() / len(logits))


def lost(trained: Trained) -> float:
    return accuracy(trained) - linearized_accuracy(trained)


# Prototypes and w2.


def decades(trained: Trained) -> float:
    """Orders of magnitude between the 5th and the 95th percentile of |w1[j]|."""
    norms = np.linalg.norm(weights(trained, 0), axis=1)
    return float(np.log10(np.percentile(norms, 95) / max(np.percentile(norms, 5), 1e-12)))


def average_over_minimizer(trained: Trained) -> float:
    """-x2 of a class's images at w1 = 1 on every pixel the class ever lights, less that at their
    average; negative: the former is lower.
    """
    x, y = trained.dataset.x_train, trained.dataset.y_train
    differences = []
    for label in range(trained.dataset.n_classes):
        images = x[y == label].reshape((y == label).sum(), -1).astype(np.float64) / 255
        average = images.mean(axis=0)
        at = [
            -np.log(images @ w / w.size + FLOOR).mean()
            for w in ((average > 0).astype(float), average / average.max())
        ]
        differences.append(at[0] - at[1])
    return float(np.mean(differences))


def own_class(trained: Trained) -> float:
    """Share of the control net's prototypes j whose largest w2[i,j] is at i = j mod 10."""
    w2 = weights(trained, 1)
    return float((w2.argmax(axis=0) == np.arange(w2.shape[1]) % len(w2)).mean())


def named_class(trained: Trained) -> float:
    """Share of prototypes whose largest w2[i,j] is at the class whose mean image w1[j] resembles
    most.
    """
    return float(
        (
            weights(trained, 1).argmax(axis=0)
            == correlations(weights(trained, 0), means(trained)).argmax(axis=1)
        ).mean()
    )


def sawtooth(rate: float, decay_to: float, subtract: float, below: float = 1.0) -> Measure:
    """own_class of the runs of log_net_sawtooth with this schedule, regularization and initial w2."""
    where = {
        "stages.1.optimizer.learning_rate": rate,
        "stages.1.optimizer.decay_to": decay_to,
        "stages.1.project.layers/1.subtract": subtract,
        "model.w2_below": below,
    }
    return each("log_net_sawtooth", own_class, where)


# Lines in the plane of two hidden units, one for each of two labels.


def hidden(trained: Trained) -> Float[np.ndarray, "n hidden"]:
    """x2 of the test images; for a relu net its dot products."""
    layer = trained.model.apply(trained.params, jnp.asarray(pixels(trained), jnp.float32))[1][0]
    return np.asarray(
        layer.u if trained.run.config["model"]["name"] == "mlp" else layer.z, dtype=np.float64
    )


def unit_per_class(trained: Trained) -> list[int]:
    """One unit for each class: the control net's first; elsewhere the one that w2 favors most for
    the class over the others.
    """
    w2 = weights(trained, 1)
    if trained.run.config["name"].startswith("log_net_control"):
        return list(range(len(w2)))
    return [int(unit) for unit in (w2 - w2.mean(axis=0)).argmax(axis=1)]


def label_pairs(trained: Trained) -> Sequence[lines.Pair]:
    return lines.pairs(hidden(trained)[:, unit_per_class(trained)], trained.dataset.y_test)


def random_pairs(trained: Trained) -> Sequence[lines.Pair]:
    """The same with untrained prototypes, uniform in [0, 1], behind the log."""
    w = np.random.default_rng(trained.run.seed).random(
        (trained.dataset.n_classes, prod(trained.dataset.shape))
    )
    return lines.pairs(np.log(pixels(trained) @ w.T / w.shape[1] + FLOOR), trained.dataset.y_test)


def median_angle(pairs: Callable[[Trained], Sequence[lines.Pair]], trained: Trained) -> float:
    return float(np.median([pair.angle for pair in pairs(trained)]))


def separability(pairs: Callable[[Trained], Sequence[lines.Pair]], trained: Trained) -> float:
    return float(np.mean([pair.separability for pair in pairs(trained)]))


def median_r2(pairs: Callable[[Trained], Sequence[lines.Pair]], trained: Trained) -> float:
    return float(np.median([line.r2 for pair in pairs(trained) for line in pair.lines]))


def median_slope(pairs: Callable[[Trained], Sequence[lines.Pair]], trained: Trained) -> float:
    return float(np.median([line.slope for pair in pairs(trained) for line in pair.lines]))


def residual_structure(trained: Trained) -> float:
    """Median over pairs and labels of the share of the residuals' variance that their place along
    the line explains.
    """
    values, labels = hidden(trained)[:, unit_per_class(trained)], trained.dataset.y_test
    found = []
    for pair in lines.pairs(values, labels):
        for line, points in zip(
            pair.lines, lines.clusters(values, labels, *pair.labels), strict=True
        ):
            found.append(lines.structure(*lines.residuals(line, points)))
    return float(np.median(found))


# Perturbations.


def predicted_reach(predictor: str, trained: Trained) -> float:
    """The largest size of a random perturbation up to which a prediction of dx3 is within 5 %,
    median over images and classes.
    """
    x = pixels(trained, SHOWN)
    d = directions(x, np.random.default_rng(trained.run.seed))
    response = log_response(weights(trained, 0), weights(trained, 1), x, d, SIZES, FLOOR)
    return reach(SIZES, relative_error(response.predicted[predictor], response.measured))


def exponential_fit(trained: Trained) -> float:
    """R2 of a straight line through log x3 of the true class against t, median over images; t
    counts equal small perturbations.
    """
    x = pixels(trained, SHOWN)
    d = directions(x, np.random.default_rng(trained.run.seed)) * 0.01
    t = np.arange(21)
    response = log_response(weights(trained, 0), weights(trained, 1), x, d, t.astype(float), FLOOR)
    change = np.take_along_axis(
        response.measured, trained.dataset.y_test[None, :SHOWN, None].astype(int), axis=2
    )[:, :, 0]
    return float(
        np.nanmedian([np.corrcoef(t, change[:, i])[0, 1] ** 2 for i in range(change.shape[1])])
    )


def shielding(trained: Trained) -> float:
    """Rank correlation over prototypes of w1[j].x1 with the size of the change of x2[j] under small
    noise, mean over images.
    """
    x, w1 = pixels(trained, SHOWN), weights(trained, 0)
    u = x @ w1.T
    change = np.abs(
        (directions(x, np.random.default_rng(trained.run.seed)) * 0.01) @ w1.T / (u + FLOOR)
    )
    ranks = [
        np.apply_along_axis(lambda row: row.argsort().argsort(), 1, values)
        for values in (u, change)
    ]
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(*ranks, strict=True)]))


def staleness(trained: Trained) -> float:
    """Cosine between the input gradient of the margin loss at an image and after one signed step of
    0.1, mean over images.
    """
    x, y = (
        jnp.asarray(trained.dataset.x_test[:SHOWN], jnp.float32) / 255,
        jnp.asarray(trained.dataset.y_test[:SHOWN]),
    )

    def gradient(image: Float[Array, "*shape"], label: Array) -> Array:
        return jax.grad(
            lambda z: margin(trained.model.apply(trained.params, z[None])[0][0], label)
        )(image)

    here = jax.vmap(gradient)(x, y)
    there = jax.vmap(gradient)(jnp.clip(x + EPS * jnp.sign(here), 0, 1), y)
    flat = [np.asarray(g).reshape(len(g), -1) for g in (here, there)]
    size = np.linalg.norm(flat[0], axis=1) * np.linalg.norm(flat[1], axis=1)
    return float(np.mean((flat[0] * flat[1]).sum(axis=1) / np.maximum(size, 1e-30)))
