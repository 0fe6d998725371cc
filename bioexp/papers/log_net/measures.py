"""How the paper's sentences on accuracy and hidden values are measured on trained nets; prototypes
and perturbations have files of their own.

Measures look at test images, and nothing is chosen by them: label pairs are chosen on training
images, units by their weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from bioexp.experiment import Trained
from bioexp.measures import line_fits as lines
from bioexp.measures.accuracy import correct
from bioexp.models import mlp
from bioexp.papers.log_net.model import FLOOR, log_net
from bioexp.papers.measuring import accuracy, grouped, pixels, weights
from bioexp.types import Model

CHOOSING = 20_000  # training images on which label pairs are chosen

Labels = tuple[int, int]


# Linearized: the same weights, the activation dropped.


def linearized(trained: Trained) -> Model:
    """The net of the same weights without its activation."""
    data, model = trained.dataset, trained.experiment.model
    if model.name == "log_net":
        return log_net(data.shape, data.n_classes, **(dict(model.options) | {"log": False}))
    options = dict(model.options) | {"activation": "linear"}
    return mlp(data.shape, data.n_classes, **options)


def linearized_accuracy(trained: Trained) -> float:
    """Test accuracy that is left without the activation."""
    data = trained.dataset
    right = correct(linearized(trained).apply, grouped(trained), data.x_test, data.y_test)
    return float(right.mean())


def most_frequent(trained: Trained) -> float:
    """Share of test images that the linearized net gives to its favorite class."""
    logits = linearized(trained).apply(trained.params, jnp.asarray(pixels(trained), jnp.float32))[0]
    return float(np.bincount(np.asarray(logits.argmax(axis=1))).max() / len(logits))


def lost(trained: Trained) -> float:
    """Test accuracy that goes with the activation."""
    return accuracy(trained) - linearized_accuracy(trained)


# Lines in the plane of two hidden units, one for each of two labels.


def hidden(trained: Trained, images: UInt8[np.ndarray, "n *shape"]) -> Float[np.ndarray, "n units"]:
    """x2 of the images; for a relu net its dot products, biases included."""
    x = jnp.asarray(images.reshape(len(images), -1).astype(np.float64) / 255, jnp.float32)
    layer = trained.model.apply(trained.params, x)[1][0]
    return np.asarray(layer.u if _is_ordinary(trained) else layer.z, dtype=np.float64)


def _is_ordinary(trained: Trained) -> bool:
    return trained.experiment.model.name == "mlp"


def unit_per_class(trained: Trained) -> list[int]:
    """One unit for each class: the control net's first; elsewhere the one that w2 favors most for
    the class over the others.
    """
    w2 = weights(trained, 1)
    if trained.experiment.stages[0].rule.name == "own_images":
        return list(range(len(w2)))
    return [int(unit) for unit in (w2 - w2.mean(axis=0)).argmax(axis=1)]


def label_values(trained: Trained) -> Float[np.ndarray, "n classes"]:
    """Hidden values of the test images, of one unit for each class."""
    return hidden(trained, trained.dataset.x_test)[:, unit_per_class(trained)]


def label_pairs(trained: Trained) -> Sequence[lines.Pair]:
    """The lines of every two labels, in the plane of the labels' units."""
    return lines.pairs(label_values(trained), trained.dataset.y_test)


def random_pairs(trained: Trained) -> Sequence[lines.Pair]:
    """The same with untrained prototypes, uniform in [0, 1], behind the log."""
    w = np.random.default_rng(trained.seed).random(
        (trained.dataset.n_classes, prod(trained.dataset.shape))
    )
    return lines.pairs(np.log(pixels(trained) @ w.T / w.shape[1] + FLOOR), trained.dataset.y_test)


def ordinary_pairs(trained: Trained) -> Sequence[lines.Pair]:
    """The lines of every two labels in ordinary space, where a power law would bend."""
    return lines.pairs(np.exp(label_values(trained)), trained.dataset.y_test)


Pairs = Callable[[Trained], Sequence[lines.Pair]]


def median_angle(pairs: Pairs, trained: Trained) -> float:
    """Degrees between the lines of two labels, median over pairs."""
    return float(np.median([pair.angle for pair in pairs(trained)]))


def separability(pairs: Pairs, trained: Trained) -> float:
    """Share of two labels' images on their side of the best logistic line, mean over pairs."""
    return float(np.mean([pair.separability for pair in pairs(trained)]))


def median_r2(pairs: Pairs, trained: Trained) -> float:
    """Squared correlation along a line, median over labels and pairs."""
    return float(np.median([line.r2 for pair in pairs(trained) for line in pair.lines]))


def median_slope(pairs: Pairs, trained: Trained) -> float:
    """Slope of a line, median over labels and pairs."""
    return float(np.median([line.slope for pair in pairs(trained) for line in pair.lines]))


class Clusters(NamedTuple):
    """The test images of two labels in the plane of the labels' units, with what is fitted to them.

    structure: of each label, the share of its residuals' variance that their place along the line
        explains. by_chance: about what it is where residuals are random.
    """

    units: tuple[int, int]
    points: tuple[lines.Points, lines.Points]
    pair: lines.Pair
    structure: tuple[float, float]
    by_chance: tuple[float, float]


def clusters(trained: Trained, labels: Labels) -> Clusters:
    """Two labels' clusters."""
    units = unit_per_class(trained)
    pair = lines.pair(label_values(trained), trained.dataset.y_test, *labels)
    points = lines.clusters(label_values(trained), trained.dataset.y_test, *labels)
    first, second = ((lines.BINS - 1) / len(cluster) for cluster in points)
    both = (units[labels[0]], units[labels[1]])
    return Clusters(both, points, pair, _structure(pair, points), (first, second))


def structured(trained: Trained) -> float:
    """Share of the 90 clusters whose residuals depend on their place along the line: a permutation
    test on the correlation ratio rejects at 5 %, which it does for 0.05 of random ones.
    """
    rng = np.random.default_rng(trained.seed)
    return float(np.mean([lines.permuted(*found, rng) < 0.05 for found in _residuals(trained)]))


def uneven(trained: Trained) -> float:
    """Share of the 90 clusters whose residuals grow or shrink along the line: Spearman's
    correlation of their size with the place is not 0 at 5 %.
    """
    from scipy.stats import spearmanr

    found = [spearmanr(along, np.abs(across)).pvalue for along, across in _residuals(trained)]
    return float(np.mean(np.array(found) < 0.05))


def _residuals(trained: Trained) -> list[tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]]:
    values, labels = label_values(trained), trained.dataset.y_test
    return [
        lines.residuals(line, cluster)
        for pair in lines.pairs(values, labels)
        for line, cluster in zip(
            pair.lines, lines.clusters(values, labels, *pair.labels), strict=True
        )
    ]


def _structure(pair: lines.Pair, points: tuple[lines.Points, lines.Points]) -> tuple[float, float]:
    first, second = (
        lines.structure(*lines.residuals(line, cluster))
        for line, cluster in zip(pair.lines, points, strict=True)
    )
    return first, second


def extreme_pairs(trained: Trained) -> tuple[lines.Pair, lines.Pair]:
    """The label pairs whose clusters of training images are the easiest and the hardest to
    separate, as those images have them.
    """
    values = hidden(trained, trained.dataset.x_train[:CHOOSING])[:, unit_per_class(trained)]
    pairs = lines.pairs(values, trained.dataset.y_train[:CHOOSING])
    ordered = sorted(pairs, key=lambda pair: pair.separability)
    return ordered[-1], ordered[0]


class Separated(NamedTuple):
    """Two labels' test images beside the line that separates their training images, and the share
    of the former on their side of it.
    """

    clusters: Clusters
    separator: lines.Separator
    accuracy: float


def easiest_separated(trained: Trained) -> Separated:
    """Of all label pairs the one that is the easiest to separate on training images."""
    easiest, _ = extreme_pairs(trained)
    found = clusters(trained, easiest.labels)
    return Separated(found, easiest.separator, easiest.separator.accuracy(*found.points))
