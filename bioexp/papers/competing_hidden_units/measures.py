"""How what the slides on competing hidden units say is measured on trained nets: accuracies, times,
filters and robustness.

Measures have one value for each seed. What the units of the slow rule do is measured in `dynamics`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from bioexp.experiment import Trained
from bioexp.measures import interval
from bioexp.measures.interval import Interval
from bioexp.measures.prototypes import prototype_score
from bioexp.papers.competing_hidden_units.dynamics import runs_away_after, runs_away_before
from bioexp.papers.measuring import (
    accuracy,
    each,
    less,
    means,
    paired,
    robust,
    runs,
    seed_by_seed,
    survivors,
    weights,
)
from bioexp.papers.paper import Evidence, Measure

SLOW, HEADS = "competing_hidden_units_slow", "competing_hidden_units_slow_losses"
FOLDS, DELTA = "competing_hidden_units_slow_folds", "competing_hidden_units_slow_delta"
TWIN = "competing_hidden_units_slow_backprop"
FAST, RELU = "competing_hidden_units", "competing_hidden_units_backprop"
RAW, RANDOM = "competing_hidden_units_raw", "competing_hidden_units_random"
CIFAR = "competing_hidden_units_cifar10"
LOSSES = ("sigmoid_mse", "sigmoid_cross_entropy", "cross_entropy")
NETS: Mapping[str, str] = {  # whose robustness is compared, by the words of a legend
    "fast Hebbian rule": FAST,
    "backprop, ReLU": RELU,
    "training images as filters": RAW,
    "random filters": RANDOM,
}


def error(trained: Trained) -> float:
    """Test error."""
    return 1 - accuracy(trained)


def last(name: str, trained: Trained, stage: int = 0) -> float:
    """What the last record of a stage says."""
    return float([record for record in trained.run.metrics if record["stage"] == stage][-1][name])


within_1_percent = each(SLOW, partial(last, "within_1_percent"))
within_5_percent = each(SLOW, partial(last, "within_5_percent"))
running_away_before = each(SLOW, runs_away_before)
running_away_after = each(SLOW, runs_away_after)


def blown_up(delta: str, presentation: str) -> Measure:
    """Blow-ups per unit with this Delta and length of a presentation, both as the config calls
    them.
    """
    return each(
        DELTA,
        lambda trained: last("blow_ups", trained) / len(weights(trained, 0)),
        delta=delta,
        presentation=presentation,
    )


# Accuracies of the slow rule's net and of its twin.


def bio(loss: str) -> Measure:
    """Test accuracy of the slow rule's net, its head trained by this loss."""
    return each(SLOW if loss == LOSSES[0] else HEADS, accuracy, head=loss)


def twin(loss: str) -> Measure:
    """Test accuracy of the same architecture by backprop of this loss."""
    return each(TWIN, accuracy, loss=loss)


def _on_fold(number: int) -> Measure:
    on_part = partial(last, "validation_accuracy", stage=1)
    return each(FOLDS, on_part, head=f"fold-{number}")


# On the parts that were held out: of each seed the mean over its five folds.
held_out = seed_by_seed(np.mean, *(_on_fold(number) for number in range(1, 6)))

# The slow rule's net less its twin, of each seed under the loss that is kindest to the twin.
smallest_advantage = seed_by_seed(min, *(less(bio(loss), twin(loss)) for loss in LOSSES))


# Times, which all seeds of a group share: one value for the group, under its first seed.


def unsupervised_seconds(evidence: Evidence) -> dict[int, float]:
    """Wall seconds of the slow rule's first stage, compiling included, for each seed of a group."""
    trained = evidence[SLOW][0]
    provenance = trained.run.provenance
    return {trained.seed: provenance.stage_s[0] / len(provenance.group)}


def seconds(trained: Trained) -> float:
    """Wall seconds of the whole training, for each seed of its group."""
    return trained.run.provenance.wall_s / len(trained.run.provenance.group)


def time_ratio(evidence: Evidence) -> dict[int, float]:
    """Seconds of the slow rule's net over those of its twin by backprop."""
    both = paired([each(SLOW, seconds)(evidence), each(TWIN, seconds, loss=LOSSES[0])(evidence)])
    seed, (slow, twin) = next(iter(both.items()))
    return {seed: slow / twin}


# Filters and predictions.


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


def unlabeled(trained: Trained) -> int:
    """How many training images the slow rule sees."""
    return (trained.experiment.stages[0].per_class or 0) * trained.dataset.n_classes


def filters_side_by_side(evidence: Evidence, shown: int) -> dict[str, Filters]:
    """The first filters by both Hebbian rules and by backprop, of the first seed of each."""
    nets = {
        "slow Hebbian rule, 484 units": evidence[SLOW],
        "backprop, sigmoid 484 (cross-entropy)": runs(evidence, TWIN, loss="cross_entropy"),
        "fast Hebbian rule, 2,000 units": evidence[FAST],
        "backprop, ReLU 2,000": evidence[RELU],
    }
    return {name: filters(trained[0], shown) for name, trained in nets.items()}


def learned_on_cifar10(evidence: Evidence) -> Trained:
    """The first seed of the net whose filters were learned on CIFAR-10."""
    return runs(evidence, CIFAR, filters="learned")[0]


# Robustness.


def advantage(experiment: str, other: str) -> Measure:
    """Robust accuracy of one experiment less that of another, seed by seed."""
    return less(each(experiment, robust), each(other, robust))


class Robustness(NamedTuple):
    """Accuracy left by the worst of all attacks at each eps, over the seeds of each net.

    clean: of the fast rule's net, on all test images. n: test images attacked.
    """

    eps: tuple[float, ...]
    accuracies: Mapping[str, list[Interval]]
    clean: Interval
    chance: float
    n: int


def robustness(evidence: Evidence) -> Robustness:
    """Robust accuracies of the fast rule's net, of its twin and of its controls."""
    first = evidence[FAST][0]
    eps = tuple(sorted(next(iter(first.attacks.values())).eps))
    n = len(survivors(first, eps[0]))
    left = {
        name: [
            interval.accuracy(
                [float(survivors(trained, level).mean()) for trained in evidence[experiment]], n
            )
            for level in eps
        ]
        for name, experiment in NETS.items()
    }
    scores = [accuracy(trained) for trained in evidence[FAST]]
    clean = interval.accuracy(scores, len(first.dataset.y_test))
    return Robustness(eps, left, clean, 1 / first.dataset.n_classes, n)
