"""Robustness of the fast rule's net, of its twins by backprop, and of controls."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax

from bioexp.attacks.square import square
from bioexp.experiment import Trained
from bioexp.measures import interval
from bioexp.measures.interval import Interval
from bioexp.papers.competing_hidden_units.measures import (
    FAST,
    MATCHED,
    RANDOM,
    RAW,
    RELU,
    RELU_HEAD,
)
from bioexp.papers.measuring import EPS, accuracy, as_net, each, less, robust, survivors
from bioexp.papers.paper import Evidence, Measure
from bioexp.robustness.evaluate import evaluate

QUERIES, IMAGES = 1000, 200  # of the square attack
NETS: Mapping[str, str] = {  # whose robustness is compared, by the words of a legend
    "fast Hebbian rule": FAST,
    "the same filters, ReLU head": RELU_HEAD,
    "backprop, stopped at equal accuracy": MATCHED,
    "backprop, trained to the end": RELU,
    "training images as filters": RAW,
    "random filters": RANDOM,
}


def advantage(experiment: str, other: str) -> Measure:
    """Robust accuracy of one experiment less that of another, seed by seed."""
    return less(each(experiment, robust), each(other, robust))


def after_square(experiment: str) -> Measure:
    """Accuracy that the square attack leaves at eps 0.1, which follows no gradient."""
    return each(experiment, partial(_after_square, queries=QUERIES, images=IMAGES))


def _after_square(trained: Trained, queries: int, images: int) -> float:
    net, key = as_net(trained).first(images), jax.random.key(trained.seed)
    return float(evaluate(net, square(queries=queries), [EPS], key).correct[0].mean())


class Robustness(NamedTuple):
    """Accuracy left by the worst of all attacks at each eps, over the seeds of each net; at eps 0
    that on clean images.

    n: test images attacked.
    """

    eps: tuple[float, ...]
    accuracies: Mapping[str, list[Interval]]
    chance: float
    n: int


def robustness(evidence: Evidence) -> Robustness:
    """Robust accuracies of the fast rule's net, of its twins and of its controls."""
    first = evidence[FAST][0]
    eps = tuple(sorted(next(iter(first.attacks.values())).eps))
    n = len(survivors(first, eps[0]))
    left = {
        name: [
            interval.accuracy(
                [_left(trained, level) for trained in evidence[experiment]],
                n if level else len(first.dataset.y_test),
            )
            for level in (0.0, *eps)
        ]
        for name, experiment in NETS.items()
    }
    return Robustness((0.0, *eps), left, 1 / first.dataset.n_classes, n)


def _left(trained: Trained, eps: float) -> float:
    return float(survivors(trained, eps).mean()) if eps else accuracy(trained)
