"""What is measured of a net over its training: accuracy, updates, and the associations Z that its
weights make.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bioexp.experiment import Trained
from bioexp.measures.alignment import rule_of
from bioexp.papers.measuring import Measure, seed_by_seed, snapshots
from bioexp.papers.stdp_rule.measures import Number, Pair, deployed, mean_over
from bioexp.papers.stdp_rule.model import of_outputs, propagated
from bioexp.training import as_float

Curve = dict[int, float]  # a value by step


class Curves(NamedTuple):
    """Accuracy on all training and on all test examples, by step."""

    train: Curve
    test: Curve


def curves(trained: Trained) -> Curves:
    """Of every snapshot."""
    data, apply, nets = trained.dataset, deployed(trained), snapshots(trained)

    def of(x: np.ndarray, y: np.ndarray) -> Curve:
        images = as_float(jnp.asarray(x))
        return {
            step: float(np.mean(np.asarray(apply(params, images)).argmax(axis=1) == y))
            for step, params in nets.items()
        }

    return Curves(of(data.x_train, data.y_train), of(data.x_test, data.y_test))


def per_epoch(trained: Trained) -> float:
    """Steps of one epoch."""
    batch = trained.experiment.stages[0].batch_size
    n = len(trained.dataset.y_train)
    return 1.0 if batch == "all" else n / batch


def recorded(trained: Trained, name: str) -> Curve:
    """A metric of every record."""
    return {int(record["step"]): float(record[name]) for record in trained.run.metrics}


def epochs_to(level: float) -> Number:
    """Epochs until the training accuracy of a record is this; all of training where it never is."""

    def value(trained: Trained) -> float:
        right = recorded(trained, "train_accuracy")
        reached = [step for step, accuracy in right.items() if accuracy >= level]
        return min(reached, default=max(right)) / per_epoch(trained)

    return value


def reached(level: float) -> Number:
    """1 where a record has this training accuracy, else 0."""
    return lambda trained: float(max(recorded(trained, "train_accuracy").values()) >= level)


def sooner(rule: str, pairs: Sequence[Pair]) -> Measure:
    """The share of the stable rule's epochs to 0.9 training accuracy that this one saves, by seed;
    epochs are means over pairs.
    """
    ours, fixed = (mean_over(name, pairs, epochs_to(0.9)) for name in (rule, "stable"))
    return seed_by_seed(lambda epochs: 1 - epochs[0] / epochs[1], ours, fixed)


def peak(trained: Trained) -> float:
    """Largest change of a weight that the rule ever asked for in one step."""
    return max(recorded(trained, "peak_update").values())


# Associations.


class Units(NamedTuple):
    """The units of a net and what they are wired to, layer by layer from the input on.

    z: their associations, by class. rates: their mean rates on the test images of each class.
    weights: into each layer. images: how many test images each class has.
    """

    z: list[Float[np.ndarray, "classes units"]]
    rates: list[Float[np.ndarray, "classes units"]]
    weights: list[Float[np.ndarray, "units inputs"]]
    images: list[int]


def units(trained: Trained) -> Units:
    """A net with the fixed associations that its rule began with."""
    numbers = sorted(trained.params["layers"], key=int)
    z = rule_of(trained).state.z
    data = trained.dataset
    images = [data.x_test[data.y_test == label] for label in (0, 1)]
    layers = [trained.model.apply(trained.params, as_float(jnp.asarray(x)))[1] for x in images]
    rates = [
        np.stack(
            [
                (1 / (1 + np.exp(-np.asarray(layer.u, np.float64)))).mean(axis=0)
                for layer in of_label
            ]
        )
        for of_label in zip(*layers, strict=True)
    ]
    return Units(
        [np.asarray(z[number]) for number in numbers],
        rates,
        [np.asarray(trained.params["layers"][number]["w"]) for number in numbers],
        [len(x) for x in images],
    )


def signs(trained: Trained) -> dict[int, Float[np.ndarray, "classes units"]]:
    """Z of all hidden units at every snapshot, as the weights propagate it, of y = 0 and y = 1."""
    by_step = {}
    for step, params in snapshots(trained).items():
        z = propagated(of_outputs(1), jax.tree.map(jnp.asarray, params))
        hidden = sorted(z, key=int)[:-1]
        by_step[step] = np.concatenate([np.asarray(z[number]) for number in hidden], axis=1)
    return by_step


class Track(NamedTuple):
    """Shares of the hidden units by percent of training: those whose propagated Z is as at its end,
    and those with +1 for y = 1.
    """

    same: Curve
    positive: Curve


def track(trained: Trained) -> Track:
    """Of every snapshot."""
    z = signs(trained)
    last = max(z)
    percent = {step: 100 * step // last for step in z}
    return Track(
        {percent[step]: float((own[1] == z[last][1]).mean()) for step, own in z.items()},
        {percent[step]: float((own[1] > 0).mean()) for step, own in z.items()},
    )


def settled(trained: Trained) -> float:
    """Share of the hidden units whose propagated Z is the same in the second half of training as at
    its end.
    """
    z = signs(trained)
    late = np.stack([own[1] for step, own in z.items() if step >= max(z) / 2])
    return float((late == late[-1]).all(axis=0).mean())


def positive(trained: Trained) -> float:
    """Share of the hidden units whose propagated Z is +1 at the end, for y = 1."""
    z = signs(trained)
    return float((z[max(z)][1] > 0).mean())


def kept(trained: Trained) -> float:
    """Share of the hidden units whose propagated Z at the end is that of the initial weights."""
    z = signs(trained)
    return float((z[max(z)][1] == z[0][1]).mean())


def flipped(trained: Trained) -> float:
    """Share of the hidden units whose propagated Z has the other sign for the other label, mean
    over snapshots.
    """
    return float(np.mean([(z[0] == -z[1]).mean() for z in signs(trained).values()]))
