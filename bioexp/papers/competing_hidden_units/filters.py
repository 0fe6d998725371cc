"""What the first layers have learned: likeness to digits, duplicates, continuity of color."""

from __future__ import annotations

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from bioexp.experiment import Trained
from bioexp.measures.prototypes import prototype_score
from bioexp.papers.competing_hidden_units.measures import AUTHOR_TWIN, FAST, FEW, RELU, SLOW
from bioexp.papers.measuring import accuracy, each, means, runs, weights
from bioexp.papers.paper import Evidence, Measure

ALIKE = 0.99  # cosine from which two units count as the same
SLIDES = 0.8265  # accuracy of the slides' net by backprop
Rows = Float[np.ndarray, "units inputs"]


def nearest_cosines(w: Rows) -> Float[np.ndarray, "units"]:
    """Of every unit's weights the largest cosine with those of another."""
    unit = w / np.maximum(np.linalg.norm(w, axis=1, keepdims=True), 1e-12)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -1.0)
    return cosines.max(axis=1)


def duplicates(w: Rows) -> float:
    """Share of units to whose weights those of another unit are parallel (cosine above 0.99)."""
    return float((nearest_cosines(w) > ALIKE).mean())


def duplicated(trained: Trained) -> float:
    """Share of a net's units that have a duplicate."""
    return duplicates(weights(trained, 0))


# Continuity of color.


def neighbors_alike(w: Rows, shape: tuple[int, ...]) -> float:
    """Correlation of a weight with that of the next pixel, to the right and below, in the same
    channel: mean over units, each less its own mean in every channel.
    """
    images = w.reshape(-1, *shape)
    images = images - images.mean(axis=(1, 2), keepdims=True)
    pairs = (images[:, :, :-1], images[:, :, 1:]), (images[:, :-1], images[:, 1:])
    return float(np.mean([_correlated(a, b) for a, b in pairs]))


def channels_alike(w: Rows, shape: tuple[int, ...]) -> float:
    """Correlation of a pixel's weights in two channels: mean over units and the three pairs."""
    images = w.reshape(-1, *shape)
    images = images - images.mean(axis=(1, 2), keepdims=True)
    pairs = ((0, 1), (0, 2), (1, 2))
    return float(np.mean([_correlated(images[..., a], images[..., b]) for a, b in pairs]))


def _correlated(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    sizes = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float((np.sum(a * b, axis=1) / np.maximum(sizes, 1e-12)).mean())


def neighbors(filters: str) -> Measure:
    """Continuity over pixels of the first layer with these filters, 4,000 training images."""
    return each(FEW, lambda net: neighbors_alike(*_colored(net)), filters=filters, n="4000")


def channels(filters: str) -> Measure:
    """Continuity over channels of the same."""
    return each(FEW, lambda net: channels_alike(*_colored(net)), filters=filters, n="4000")


def neighbors_in_change(trained: Trained) -> float:
    """Continuity over pixels of what training changed: filters that begin as noise may hide it."""
    key = jax.random.fold_in(jax.random.key(trained.seed), 0)  # as training begins
    before = np.asarray(trained.model.init(key)["layers"]["0"]["w"], dtype=np.float64)
    w, shape = _colored(trained)
    return neighbors_alike(w - before, shape)


def _colored(trained: Trained) -> tuple[Rows, tuple[int, ...]]:
    return weights(trained, 0), trained.dataset.shape


def few_error(filters: str, n: str) -> Measure:
    """Test error on 1,000 images of CIFAR-10 with these filters and so many training images."""
    return each(FEW, lambda trained: 1 - accuracy(trained), filters=filters, n=n)


# What figures show.


class Filters(NamedTuple):
    """Some of a first layer's filters; of the whole net the number of units, its likeness to the
    class means, and its test accuracy.
    """

    w: Float[np.ndarray, "shown inputs"]
    shape: tuple[int, ...]
    units: int
    likeness: float
    accuracy: float


def likeness(trained: Trained) -> float:
    """Mean best correlation of a unit with a class mean of the training images."""
    return prototype_score(weights(trained, 0), means(trained))


likeness_of_slow = each(SLOW, likeness)


def filters(trained: Trained, shown: int) -> Filters:
    """The first filters of a net."""
    w, shape = weights(trained, 0), trained.dataset.shape
    return Filters(w[:shown], shape, len(w), likeness(trained), accuracy(trained))


def settled_filters(trained: Trained, shown: int) -> Filters:
    """The filters of a net that are closest to unit length, in the order of the units."""
    w = weights(trained, 0)
    closest = np.argsort(np.abs(np.linalg.norm(w, axis=1) - 1))[:shown]
    return filters(trained, shown)._replace(w=w[np.sort(closest)])


def filters_side_by_side(evidence: Evidence, shown: int) -> dict[str, Filters]:
    """The first filters by both Hebbian rules and by backprop: of the first seed of each, but of
    the author's net by backprop, whose seeds differ, the one nearest to the slides' accuracy.
    """
    nearest = min(evidence[AUTHOR_TWIN], key=lambda net: abs(accuracy(net) - SLIDES))
    nets = {
        "slow Hebbian rule, 484 units": evidence[SLOW][0],
        f"backprop, the author's settings, 484 units, seed {nearest.seed}": nearest,
        "fast Hebbian rule, 2,000 units": evidence[FAST][0],
        "backprop, ReLU 2,000": evidence[RELU][0],
    }
    return {name: filters(trained, shown) for name, trained in nets.items()}


def of_few(evidence: Evidence, filters: str) -> Trained:
    """The first seed of the net with these filters on 4,000 images of CIFAR-10."""
    return runs(evidence, FEW, filters=filters, n="4000")[0]
