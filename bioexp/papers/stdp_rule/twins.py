"""Nets as they were on their way: before training, stopped where they are as accurate as another
net, or at their best epoch.

Both are chosen by accuracy on training images; no test image chooses anything.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int, Num

from bioexp.experiment import Trained
from bioexp.papers.measuring import snapshots
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.measures import Pair, Pick, deployed, twins, variant
from bioexp.training import as_float
from bioexp.types import Params

SEEN = 4000  # training images by which nets are matched, or all there are


def share_right(
    trained: Trained,
    params: Params,
    x: Num[np.ndarray, "n *shape"],
    y: Int[np.ndarray, "n"],
) -> float:
    """Accuracy that the net has with these weights."""
    logits = deployed(trained)(params, as_float(jnp.asarray(x)))
    return float(np.mean(np.asarray(logits).argmax(axis=1) == y))


def on_training(trained: Trained, params: Params) -> float:
    """Accuracy with these weights on the first training images."""
    data = trained.dataset
    return share_right(trained, params, data.x_train[:SEEN], data.y_train[:SEEN])


def at(trained: Trained, params: Params) -> Trained:
    """The net with these weights, and with the test accuracy they give it."""
    data, run = trained.dataset, trained.run
    right = share_right(trained, params, data.x_test, data.y_test)
    summary = run.summary.model_copy(update={"test_accuracy": right})
    return replace(trained, params=params, run=replace(run, summary=summary), attacks={})


def nearest(trained: Trained, accuracy: float) -> Trained:
    """The net at the first snapshot whose training accuracy is nearest to this one."""
    kept = snapshots(trained)
    step = min(kept, key=lambda step: abs(on_training(trained, kept[step]) - accuracy))
    return at(trained, kept[step])


def best(trained: Trained) -> Trained:
    """The net at the first snapshot with its largest training accuracy."""
    kept = snapshots(trained)
    step = max(kept, key=lambda step: on_training(trained, kept[step]))
    return at(trained, kept[step])


def untrained(trained: Trained) -> float:
    """Test accuracy of the net before training."""
    data, params = trained.dataset, trained.model.init(jax.random.key(trained.seed))
    return share_right(trained, params, data.x_test, data.y_test)


def shuffled(trained: Trained) -> float:
    """Test accuracy of the net where the labels are in an order that the seed draws."""
    data = trained.dataset
    labels = np.random.default_rng(trained.seed).permutation(data.y_test)
    return share_right(trained, trained.params, data.x_test, labels)


def at_best(rule: str) -> Pick:
    """The nets of a rule, each at its best epoch."""
    return lambda evidence, pair: [best(trained) for trained in variant(evidence, rule, pair)]


def stopped(rule: str) -> Pick:
    """Backprop's nets, each stopped where its training accuracy is nearest to that at which the
    rule's net of the same seed and draw ends.
    """

    def pick(evidence: Evidence, pair: Pair) -> list[Trained]:
        both = twins(evidence, rule, "backprop", pair).values()
        return [nearest(theirs, on_training(ours, ours.params)) for ours, theirs in both]

    return pick
