"""Prototypes, the rows of w1: how much they look like digits, what else looks as much like digits,
and what w2 makes of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from bioexp.experiment import Trained
from bioexp.measures.prototypes import correlations, prototype_score
from bioexp.papers.log_net.model import FLOOR
from bioexp.papers.measuring import each, means, paired, runs, weights
from bioexp.papers.paper import Evidence, Measure

ROWS = 100  # images behind each score of what is no prototype
WIDTH = 5.0  # pixels, the standard deviation of a blob
RATES = ("log_net_linear_300", "log_net_linear_1000", "log_net_linear_3000")


def resemblance(trained: Trained) -> Float[np.ndarray, "units classes"]:
    """Correlation of every row of w1 with every class mean of the training images, the mean of all
    projected out.
    """
    return correlations(weights(trained, 0), means(trained))


def score(trained: Trained) -> float:
    """Mean best correlation of a row of w1 with a class mean, the mean of all projected out."""
    return float(resemblance(trained).max(axis=1).mean())


def blob(trained: Trained) -> float:
    """The score of a Gaussian blob in the middle of the image."""
    axes = [np.arange(n) - (n - 1) / 2 for n in trained.dataset.shape[:2]]
    square = axes[0][:, None] ** 2 + axes[1][None] ** 2
    return prototype_score(np.exp(-square / (2 * WIDTH**2)).reshape(1, -1), means(trained))


def mixture(images: int) -> Callable[[Trained], float]:
    """The score of rows that are means of so many training images of any class."""

    def mixed(trained: Trained) -> float:
        x, rng = trained.dataset.x_train, np.random.default_rng(trained.seed)
        chosen = [rng.choice(len(x), images, replace=False) for _ in range(ROWS)]
        rows = np.stack([x[few].reshape(images, -1).mean(axis=0) for few in chosen])
        return prototype_score(rows, means(trained))

    return mixed


def no_prototypes(trained: Trained) -> float:
    """The best score of what is no prototype: a blob, an image, means of twenty of any class."""
    return max(blob(trained), mixture(1)(trained), mixture(20)(trained))


def at_the_best_rate(number: Callable[[Trained], float]) -> Measure:
    """Of nets trained without the log by SGD, for each seed the one of the rate that reaches the
    highest training accuracy.
    """

    def training_accuracy(trained: Trained) -> float:
        return float(trained.run.metrics[-1]["train_accuracy"])

    def measured(evidence: Evidence) -> dict[int, float]:
        nets = [{net.seed: net for net in runs(evidence, name)} for name in RATES]
        return {
            seed: float(number(max(own, key=training_accuracy)))
            for seed, own in paired(nets).items()
        }

    return measured


def decades(trained: Trained) -> float:
    """Orders of magnitude between the 5th and the 95th percentile of |w1[j]|."""
    norms = np.linalg.norm(weights(trained, 0), axis=1)
    return float(np.log10(np.percentile(norms, 95) / max(np.percentile(norms, 5), 1e-12)))


def size_tells(trained: Trained) -> float:
    """How much |w1[j]| tells of |w2[:,j]|: the size of Spearman's correlation over hidden units."""
    from scipy.stats import spearmanr

    sizes = (np.linalg.norm(weights(trained, layer), axis=1 - layer) for layer in (0, 1))
    return abs(float(spearmanr(*sizes).statistic))


def average_over_minimizer(trained: Trained) -> float:
    """-x2 of a class's images at w1 = 1 on every pixel the class ever lights, less -x2 at their
    average; negative where the former is lower.
    """
    x, y = trained.dataset.x_train, trained.dataset.y_train
    differences = []
    for label in range(trained.dataset.n_classes):
        images = x[y == label].reshape((y == label).sum(), -1).astype(np.float64) / 255
        average = images.mean(axis=0)
        ever_lit, scaled = (average > 0).astype(float), average / average.max()
        at = [-np.log(images @ w / w.size + FLOOR).mean() for w in (ever_lit, scaled)]
        differences.append(at[0] - at[1])
    return float(np.mean(differences))


def own_class(trained: Trained) -> float:
    """Share of the control net's prototypes j whose largest w2[i,j] is at i = j mod 10."""
    w2 = weights(trained, 1)
    return float((w2.argmax(axis=0) == np.arange(w2.shape[1]) % len(w2)).mean())


class Names(NamedTuple):
    """The class of each prototype: as w2 tells it, and whose mean image it is most like."""

    told: Int[np.ndarray, "units"]
    alike: Int[np.ndarray, "units"]


def names(trained: Trained) -> Names:
    """What w2 and the class means call each prototype."""
    return Names(weights(trained, 1).argmax(axis=0), resemblance(trained).argmax(axis=1))


def named_class(trained: Trained) -> float:
    """Share of prototypes whose largest w2[i,j] is at the class whose mean image w1[j] resembles
    most.
    """
    told, alike = names(trained)
    return float((told == alike).mean())


def named_by_chance(trained: Trained) -> float:
    """The same with the columns of w2 in an order that the seed draws."""
    told, alike = names(trained)
    return float((np.random.default_rng(trained.seed).permutation(told) == alike).mean())


def sawtooth(*, start: str = "large", schedule: str, regularization: str) -> Measure:
    """own_class of one variant of log_net_sawtooth."""
    return each(
        "log_net_sawtooth",
        own_class,
        start=start,
        schedule=schedule,
        regularization=regularization,
    )
