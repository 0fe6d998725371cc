"""How what the slides on competing hidden units say is measured on trained nets: convergence,
accuracies and times.

Measures have one value for each seed. What the units of the slow rule do is measured in `dynamics`,
their weights in `filters`, robustness in `robust`.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from jaxtyping import Float

from bioexp.experiment import Trained
from bioexp.papers.competing_hidden_units.dynamics import seconds_of_pattern
from bioexp.papers.measuring import (
    accuracy,
    each,
    less,
    paired,
    predictions,
    seed_by_seed,
    weights,
)
from bioexp.papers.paper import Evidence, Measure

AUTHOR, AUTHOR_TWIN = "competing_hidden_units_author", "competing_hidden_units_author_backprop"
AUTHOR_RULES = "competing_hidden_units_author_rules"
SLOW, HEADS = "competing_hidden_units_slow", "competing_hidden_units_slow_losses"
FOLDS, DELTA = "competing_hidden_units_slow_folds", "competing_hidden_units_slow_delta"
TWIN = "competing_hidden_units_slow_backprop"
LESS = "competing_hidden_units_less_data"
FAST, RELU = "competing_hidden_units", "competing_hidden_units_backprop"
STEPPED, READINGS = "competing_hidden_units_stepped", "competing_hidden_units_readings"
RAW, RANDOM = "competing_hidden_units_raw", "competing_hidden_units_random"
MATCHED, RELU_HEAD = "competing_hidden_units_matched", "competing_hidden_units_relu_head"
CIFAR, FEW = "competing_hidden_units_cifar10", "competing_hidden_units_cifar10_few"
LOSSES = ("sigmoid_mse", "sigmoid_cross_entropy", "cross_entropy")


def error(trained: Trained) -> float:
    """Test error."""
    return 1 - accuracy(trained)


def train_error(trained: Trained) -> float:
    """Error on the training images in the last epoch, each before its update."""
    return 1 - float(trained.run.metrics[-1]["train_accuracy"])


def held_out_error(reading: str) -> Measure:
    """Error on the 10,000 training images that were held out, by a reading of the paper's
    method.
    """
    return each(
        READINGS,
        lambda trained: 1 - float(trained.run.metrics[-1]["validation_accuracy"]),
        reading=reading,
    )


def errors_over_epochs(
    trained: Trained,
) -> tuple[
    Float[np.ndarray, "records"], Float[np.ndarray, "records"], Float[np.ndarray, "records"]
]:
    """Epochs on labeled images, and the training and held-out error there."""
    labeled = [record for record in trained.run.metrics if "train_accuracy" in record]
    lengths: dict[float, float] = {}
    for record in labeled:
        lengths[record["stage"]] = record["epoch"]
    before = dict(zip(lengths, np.cumsum([0, *lengths.values()]), strict=False))
    epochs = [before[record["stage"]] + record["epoch"] for record in labeled]
    train, held_out = (
        np.array([1 - record[name] for record in labeled])
        for name in ("train_accuracy", "validation_accuracy")
    )
    return np.array(epochs), train, held_out


def last(name: str, trained: Trained, stage: int = 0) -> float:
    """What the last record of a stage says."""
    return float([record for record in trained.run.metrics if record["stage"] == stage][-1][name])


def unlabeled(trained: Trained) -> int:
    """How many training images the slow rule sees."""
    return (trained.experiment.stages[0].per_class or 0) * trained.dataset.n_classes


def settled(experiment: str, percent: int) -> Measure:
    """Share of units so close to unit length, 1 or 5 percent, when the rule had ended."""
    return each(experiment, partial(last, f"within_{percent}_percent"))


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


def blow_ups(experiment: str, **variant: str) -> Measure:
    """How often units blew up."""
    return each(experiment, partial(last, "blow_ups"), **variant)


def unstable_only(unstable: Measure, stable: Measure) -> Measure:
    """1 for the seeds in which units blow up in the first setting and none does in the second."""
    return seed_by_seed(lambda counts: float(counts[0] > 0 and counts[1] == 0), unstable, stable)


def unstable_less_stable(presentation: str) -> Measure:
    """Blow-ups per unit, Delta 0.4 less 0.01, by the length of a presentation."""
    return less(blown_up("0.4", presentation), blown_up("0.01", presentation))


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


def loses_a_class(trained: Trained) -> float:
    """1 where the net answers some class for less than one in a hundred test images of it."""
    labels, answers = trained.dataset.y_test, predictions(trained)
    found = [
        (answers[labels == label] == label).mean() for label in range(trained.dataset.n_classes)
    ]
    return float(min(found) < 0.01)


def near(trained: Trained, expected: float, margin: float) -> float:
    """1 where the test accuracy is within a margin of this one."""
    return float(abs(accuracy(trained) - expected) <= margin)


def features(of: str) -> Measure:
    """Test accuracy of the same head on features of 600 images, by the name of their rule."""
    return each(LESS, accuracy, features=of)


# Times, which all seeds of a group share: one value for the group, under its first seed.


def unsupervised_seconds(evidence: Evidence) -> dict[int, float]:
    """Wall seconds of the author's single pass, compiling included, for each seed of a group."""
    trained = evidence[AUTHOR][0]
    provenance = trained.run.provenance
    return {trained.seed: provenance.stage_s[0] / len(provenance.group)}


def seconds(trained: Trained) -> float:
    """Wall seconds of the whole training, for each seed of its group."""
    return trained.run.provenance.wall_s / len(trained.run.provenance.group)


def time_ratio(slow: Measure, twin: Measure) -> Measure:
    """Seconds of a net by the slow rule over those of its twin by backprop."""

    def ratio(evidence: Evidence) -> dict[int, float]:
        seed, (bio, by_backprop) = next(iter(paired([slow(evidence), twin(evidence)]).items()))
        return {seed: bio / by_backprop}

    return ratio


def pattern_seconds(part: str) -> Measure:
    """Median wall seconds that one pattern takes, compiled: part "h", its activities at rest (eq.
    1), or "W", what it does to the weights (eq. 3).
    """

    def measure(evidence: Evidence) -> dict[int, float]:
        trained = evidence[AUTHOR][0]
        return {trained.seed: seconds_of_pattern(trained)[part]}

    return measure
