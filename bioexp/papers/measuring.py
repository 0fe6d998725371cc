"""From runs to one number a seed: how claims pick their runs and measure them.

Measures look at test images, and nothing is chosen by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from bioexp.experiment import Trained
from bioexp.files import read_arrays
from bioexp.measures.prototypes import ClassMeans, class_means
from bioexp.papers.paper import Evidence, Measure
from bioexp.robustness.evaluate import Net, logits
from bioexp.tree import unflatten
from bioexp.types import Params, UserError
from bioexp.vouched import vouched

Value = TypeVar("Value")
EPS = 0.1  # at which robustness is compared


def runs(evidence: Evidence, experiment: str, **variant: str) -> list[Trained]:
    """The runs of an experiment, one a seed; of one with axes those of the variants named, such as
    rule="stable". Raises UserError where there is no such variant.
    """
    chosen = [
        trained
        for trained in evidence[experiment]
        if variant.items() <= trained.experiment.variant.items()
    ]
    if not chosen:
        raise UserError(f"{experiment}: has no runs of {variant}")
    return chosen


def each(experiment: str, measure: Callable[[Trained], float], **variant: str) -> Measure:
    """The measure of every seed of an experiment, or of one variant of it."""
    return lambda evidence: by_seed(runs(evidence, experiment, **variant), measure)


def by_seed(trained: Sequence[Trained], measure: Callable[[Trained], float]) -> dict[int, float]:
    """A value of each run by its seed. Raises UserError where a seed stands twice."""
    values = {run.seed: float(measure(run)) for run in trained}
    if len(values) < len(trained):
        name = trained[0].run.path.parent.name
        raise UserError(f"{name}: has several runs of a seed; name the variant that is meant")
    return values


def less(first: Measure, second: Measure) -> Measure:
    """The difference, seed by seed. Raises UserError for a seed that only one of them has."""
    return seed_by_seed(lambda values: values[0] - values[1], first, second)


def seed_by_seed(combine: Callable[[Sequence[float]], float], *measures: Measure) -> Measure:
    """Several measures made into one, each seed for itself. Raises UserError for a seed that one of
    them lacks.
    """

    def combined(evidence: Evidence) -> dict[int, float]:
        values = paired([measure(evidence) for measure in measures])
        return {seed: float(combine(own)) for seed, own in values.items()}

    return combined


def paired(values: Sequence[Mapping[int, Value]]) -> dict[int, list[Value]]:
    """What several measures say of each seed, in the order of the measures. Raises UserError for a
    seed that one of them lacks.
    """
    seeds = dict.fromkeys(seed for own in values for seed in own)
    for own in values:
        if missing := seeds.keys() - own.keys():
            raise UserError(
                f"seed {min(missing)} is missing from one of the experiments or variants that are "
                f"compared (it has seeds {sorted(own)}); train all of them with the same seeds"
            )
    return {seed: [own[seed] for own in values] for seed in seeds}


def weights(trained: Trained, layer: int) -> Float[np.ndarray, "units inputs"]:
    return np.asarray(trained.params["layers"][str(layer)]["w"], dtype=np.float64)


def snapshots(trained: Trained) -> dict[int, Params]:
    """A run's weights by step. Raises UserError where its config asked for none."""
    written = vouched(trained.run.path / "FINISHED")
    files = sorted(
        (file for file in written if file.parent.name == "snapshots"),
        key=lambda file: int(file.stem),
    )
    if not files:
        raise UserError(
            f"{trained.run.name}: has no snapshots to draw or measure; its config needs `snapshots:"
            " [...]`"
        )
    return {int(file.stem): unflatten(read_arrays(file)) for file in files}


def pixels(trained: Trained, n: int | None = None) -> Float[np.ndarray, "n inputs"]:
    """The first n test images, flat and in [0, 1]."""
    x = trained.dataset.x_test[:n]
    return x.reshape(len(x), -1).astype(np.float64) / 255


def means(trained: Trained) -> ClassMeans:
    """Mean training image of each class, and of all."""
    return class_means(trained.dataset.x_train, trained.dataset.y_train, trained.dataset.n_classes)


def accuracy(trained: Trained) -> float:
    """Test accuracy, as the run recorded it."""
    return float(trained.run.summary.test_accuracy or 0.0)


def as_net(trained: Trained) -> Net:
    """The net as attacks see it, on all test images."""
    data = trained.dataset
    return Net(
        lambda params, x: trained.model.apply(params, x)[0],
        trained.params,
        data.x_test,
        data.y_test,
    )


def predictions(trained: Trained) -> Int[np.ndarray, "n"]:
    """The classes that the net finds in the test images."""
    return logits(as_net(trained)).argmax(axis=1)


def grouped(trained: Trained) -> Params:
    """The weights as those of a group of one seed."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], trained.params)


def survivors(trained: Trained, eps: float) -> Bool[np.ndarray, "n"]:
    """Which test images survive every attack at this eps."""
    return np.logical_and.reduce(
        [attacked.correct[attacked.eps.index(eps)] for attacked in trained.attacks.values()]
    )


def under_noise(trained: Trained) -> float:
    """Accuracy at eps 0.1 under random noise alone."""
    noise = trained.attacks["noise"]
    return float(noise.correct[noise.eps.index(EPS)].mean())


def robust(trained: Trained) -> float:
    """Robust accuracy at eps 0.1: the mean over images of the minimum over attacks."""
    return float(survivors(trained, EPS).mean())


def more_survive(first: str, second: str) -> Callable[[Evidence], Float[np.ndarray, "seeds n"]]:
    """Image by image, for the seeds that both experiments have: 1 where only the first net's answer
    survives every attack at eps 0.1, -1 where only the second's does.
    """

    def apart(evidence: Evidence) -> Float[np.ndarray, "seeds n"]:
        nets = [
            {trained.seed: survivors(trained, EPS).astype(float) for trained in evidence[name]}
            for name in (first, second)
        ]
        return np.stack([own[0] - own[1] for own in paired(nets).values()])

    return apart
