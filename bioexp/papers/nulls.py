"""Where a claim cannot be true: the same nets before training, with shuffled labels, or with both
sides of a comparison exchanged. A measure that passes its bar there says nothing of the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import jax
import numpy as np
from jaxtyping import Int

from bioexp.experiment import Trained
from bioexp.papers.measuring import paired, predictions
from bioexp.papers.paper import Evidence, Measure


class _Changed(Mapping[str, Sequence[Trained]]):
    """The runs with each of them changed, as far as they are asked for."""

    def __init__(self, evidence: Evidence, change: Callable[[Trained], Trained]) -> None:
        self.evidence, self.change = evidence, change

    def __getitem__(self, experiment: str) -> Sequence[Trained]:
        return [self.change(trained) for trained in self.evidence[experiment]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.evidence)

    def __len__(self) -> int:
        return len(self.evidence)


def untrained(measure: Measure) -> Measure:
    """The measure of the same nets with weights as training begins with them, drawn by the seed."""
    return lambda evidence: measure(_Changed(evidence, _before_training))


def shuffled(measure: Measure) -> Measure:
    """The measure with the labels of all images, training and test, in an order the seed draws:
    no image keeps its own but by chance.
    """
    return lambda evidence: measure(_Changed(evidence, _with_shuffled_labels))


def exchanged(first: Measure, second: Measure) -> Measure:
    """The difference of two measures with the sides exchanged for every other seed, as if nothing
    told them apart.
    """

    def null(evidence: Evidence) -> dict[int, float]:
        values = paired([first(evidence), second(evidence)])
        return {
            seed: (own[0] - own[1]) * (-1) ** place
            for place, (seed, own) in enumerate(sorted(values.items()))
        }

    return null


def _before_training(trained: Trained) -> Trained:
    return _scored(replace(trained, params=trained.model.init(jax.random.key(trained.seed))))


def _with_shuffled_labels(trained: Trained) -> Trained:
    data, rng = trained.dataset, np.random.default_rng(trained.seed)

    def order(labels: Int[np.ndarray, "n *heads"]) -> Int[np.ndarray, "n *heads"]:
        return labels[rng.permutation(len(labels))]

    changed = replace(data, y_train=order(data.y_train), y_test=order(data.y_test))
    return _scored(replace(trained, dataset=changed))


def _scored(trained: Trained) -> Trained:
    """With the test accuracy that it has now, and without attacks, which were made before."""
    if trained.run.summary.test_accuracy is None:  # a net without classes
        return replace(trained, attacks={})
    right = float((predictions(trained) == trained.dataset.y_test).mean())
    run = trained.run
    summary = run.summary.model_copy(update={"test_accuracy": right})
    return replace(trained, run=replace(run, summary=summary), attacks={})
