"""How the paper's table and sentences are measured: networks split in several ways, and where their
neurons lie.

Accuracies are on all test examples: of concatenation and mixing the same fixed pairs for every net.
    A split is scored task by
task, each by the subnetwork that is left for it, and averaged over tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from bioexp.experiment import Trained
from bioexp.papers.measuring import Measure, runs
from bioexp.papers.paper import Evidence
from bioexp.papers.spatial_nets.model import Groups, distances
from bioexp.papers.spatial_nets.splits import LAYERS, Way, heads, scores, split
from bioexp.types import Params

CONCATENATION, MIXING, SEQUENTIAL = MODES = (
    "spatial_nets_concatenation",
    "spatial_nets_mixing",
    "spatial_nets_sequential",
)
RELU, PRINTED, THREE = "spatial_nets_relu", "spatial_nets_printed", "spatial_nets_three"
SPATIAL: Mapping[str, Any] = {"stages.0.objective.alpha": 1.0, "stages.0.objective.beta": 3.0}
REGULAR: Mapping[str, Any] = {"stages.0.objective.alpha": 0.0, "stages.0.objective.beta": 0.0}
WEAK = 0.1  # a neuron whose absolute weights sum to less is not shown in the paper (footnote 4)
Number = Callable[[Trained], float]

# Table 1: mode -> mean and standard deviation of regular and of spatial nets.
Cells = Mapping[str, tuple[tuple[float, float], tuple[float, float]]]
SPLIT: Cells = {
    CONCATENATION: ((0.80, 0.13), (0.92, 0.04)),
    MIXING: ((0.70, 0.17), (0.89, 0.03)),
    SEQUENTIAL: ((0.33, 0.20), (0.84, 0.08)),
}
DROP: Cells = {
    CONCATENATION: ((0.11, 0.15), (0.00, 0.01)),  # a printed deviation of 0.00 counts as 0.01
    MIXING: ((0.19, 0.20), (0.00, 0.01)),
    SEQUENTIAL: ((0.60, 0.20), (0.07, 0.07)),
}


# Where neurons lie.


def live(params: Params, number: int) -> Bool[np.ndarray, "units"]:
    """Neurons whose absolute weights sum to more than 0.1, those that reach them and, below the
    outputs, those that leave them.
    """
    layers = params["layers"]
    strong = np.abs(np.asarray(layers[str(number)]["w"])).sum(axis=1) > WEAK
    above = layers.get(str(number + 1))
    return strong if above is None else strong & (np.abs(np.asarray(above["w"])).sum(axis=0) > WEAK)


def places(
    params: Params, groups: Groups, number: int
) -> tuple[Float[np.ndarray, "live 2"], Int[np.ndarray, "live"]]:
    """Positions and groups of a layer's live neurons."""
    alive = live(params, number)
    return np.asarray(params["layers"][str(number)]["p"], np.float64)[alive], groups[number][alive]


def silhouette(position: Float[np.ndarray, "n 2"], group: Int[np.ndarray, "n"]) -> float:
    """How much nearer a neuron's own group is than the other: 1 far apart, 0 mingled; 0 where there
    are no two groups.
    """
    from sklearn.metrics import silhouette_score

    return (
        float(silhouette_score(position, group)) if 2 <= len(np.unique(group)) < len(group) else 0.0
    )


def purity(position: Float[np.ndarray, "n 2"], group: Int[np.ndarray, "n"]) -> float:
    """Share of neurons whose nearest neighbor is of their own group; 0 where there are no two
    neurons or no two groups.
    """
    if len(np.unique(group)) < 2:
        return 0.0
    apart = np.linalg.norm(position[:, None] - position[None], axis=2) + np.diag(
        np.full(len(position), np.inf)
    )
    return float((group[apart.argmin(axis=1)] == group).mean())


def crossing(params: Params, groups: Groups, number: int) -> float:
    """Share of a layer's absolute weight that connects neurons of different groups; 0 where there
    is no weight.
    """
    w = np.abs(np.asarray(params["layers"][str(number)]["w"], np.float64))
    return float(
        (w * (groups[number][:, None] != groups[number - 1][None])).sum() / max(w.sum(), 1e-12)
    )


def cost(params: Params, number: int) -> tuple[float, float]:
    """T(l), the mean over connections of absolute weight times length, and the mean length of a
    unit of weight.
    """
    layers = params["layers"]
    w = np.abs(np.asarray(layers[str(number)]["w"], np.float64))
    length = np.asarray(
        distances(layers[str(number)]["p"], layers[str(number - 1)]["p"], 0.0), np.float64
    )
    return float((w * length).mean()), float((w * length).sum() / max(w.sum(), 1e-12))


def paired(trained: Trained) -> float:
    """Share of a live neuron's weights to the outputs that goes to one output alone, mean over the
    last hidden layer.
    """
    out = np.abs(np.asarray(trained.params["layers"][str(LAYERS[-1])]["w"], np.float64))[
        :, live(trained.params, LAYERS[-2])
    ]
    return float((out.max(axis=0) / out.sum(axis=0)).mean()) if out.size else 0.0


# Numbers of a run, and of configs.


def whole(trained: Trained) -> float:
    """Accuracy of the whole net, mean over tasks."""
    return float(scores(trained).full.mean())


def after(way: Way = "greedy") -> Number:
    """Accuracy after a split, mean over tasks."""
    return lambda trained: float(scores(trained, way).split.mean())


def silenced(trained: Trained) -> float:
    """Accuracy after the greedy split with disabled neurons silent, mean over tasks."""
    return float(scores(trained).silent.mean())


def dropped(trained: Trained) -> float:
    """Accuracy that the greedy split costs, mean over tasks."""
    return float(scores(trained).drop.mean())


def region_purity(trained: Trained) -> float:
    """Share of live neurons whose nearest neighbor is of their own group, mean over the split
    layers.
    """
    groups = split(trained)
    return float(np.mean([purity(*places(trained.params, groups, number)) for number in LAYERS]))


def region_silhouette(trained: Trained) -> float:
    """Silhouette of the groups of live neurons, mean over the split layers."""
    groups = split(trained)
    return float(
        np.mean([silhouette(*places(trained.params, groups, number)) for number in LAYERS])
    )


def most_crossing(trained: Trained) -> float:
    """Share of absolute weight between groups, in the split layer where it is largest; the lowest
    one reads no grouped neurons.
    """
    groups = split(trained)
    return max(crossing(trained.params, groups, number) for number in LAYERS[1:])


def smallest_group(trained: Trained) -> float:
    """Share of the smallest group in the split layer where it is least; 0 means that a task was
    left without neurons.
    """
    groups = split(trained)
    return float(
        min(np.bincount(of, minlength=heads(trained)).min() / len(of) for of in groups.values())
    )


def free_weight(trained: Trained) -> float:
    """Root mean square of the weights of the layers that pay nothing, the first two; their
    geometric mean.
    """
    rms = [
        np.sqrt(
            np.square(np.asarray(trained.params["layers"][str(number)]["w"], np.float64)).mean()
        )
        for number in (0, 1)
    ]
    return float(np.sqrt(rms[0] * rms[1]))


def total_cost(trained: Trained) -> float:
    """T(l), mean over the layers that pay."""
    return float(np.mean([cost(trained.params, number)[0] for number in LAYERS]))


def mean_length(trained: Trained) -> float:
    """Mean length of a unit of weight, mean over the layers that pay."""
    return float(np.mean([cost(trained.params, number)[1] for number in LAYERS]))


def left(attacks: Sequence[str] = ()) -> Number:
    """Share of images with all tasks right after these attacks, after every one where none is
    named, at the least eps attacked.
    """

    def survivors(trained: Trained) -> float:
        found = [
            attacked for name, attacked in trained.attacks.items() if name in attacks or not attacks
        ]
        return float(
            np.logical_and.reduce(
                [attacked.correct[int(np.argmin(attacked.eps))] for attacked in found]
            ).mean()
        )

    return survivors


def of(config: str, net: Mapping[str, Any], number: Number) -> Measure:
    """A number of every run of a config's spatial or regular nets."""
    return lambda evidence: [number(trained) for trained in runs(evidence, config, net)]


def seed_by_seed(combine: Callable[[Sequence[float]], float], *measures: Measure) -> Measure:
    """Several measures of one seed made into one, for the seeds that all of them have."""
    return lambda evidence: [
        float(combine(values))
        for values in zip(*(measure(evidence) for measure in measures), strict=False)
    ]


def gained(number: Number, config: str) -> Measure:
    """What the spatial net has more than the regular one of the same seed."""
    return seed_by_seed(
        lambda pair: pair[0] - pair[1], of(config, SPATIAL, number), of(config, REGULAR, number)
    )


def grown(config: str) -> Measure:
    """How often the spatial net's weights that cost nothing are doubled against those of the
    regular one of the same seed.
    """
    return seed_by_seed(
        lambda pair: np.log2(pair[0] / pair[1]),
        of(config, SPATIAL, free_weight),
        of(config, REGULAR, free_weight),
    )


def farthest(cells: Cells, number: Number) -> Measure:
    """The cell of Table 1 whose mean is farthest from the paper's, in the paper's standard
    deviations.

    The criterion is of means over seeds. So that it has an interval, it is jackknifed (Tukey 1958):
    of n seeds each stands for n times the criterion of all less n - 1 times that of the others.
    """

    def criterion(
        table: Float[np.ndarray, "cells seeds"], paper: Float[np.ndarray, "cells 2"]
    ) -> float:
        return float((np.abs(table.mean(axis=1) - paper[:, 0]) / paper[:, 1]).max())

    def measure(evidence: Evidence) -> list[float]:
        measures = [of(mode, net, number) for mode in cells for net in (REGULAR, SPATIAL)]
        values = [found(evidence) for found in measures]
        n = min(map(len, values))
        table = np.array([own[:n] for own in values])
        paper = np.array([cell for pair in cells.values() for cell in pair])
        everything = criterion(table, paper)
        if n == 1:
            return [everything]
        return [
            n * everything - (n - 1) * criterion(np.delete(table, seed, axis=1), paper)
            for seed in range(n)
        ]

    return measure


def pooled(
    evidence: Evidence, config: str, net: Mapping[str, Any], which: str
) -> tuple[float, float]:
    """Mean and standard deviation over runs and tasks together, as the paper's +- seems to be."""
    values = np.concatenate(
        [getattr(scores(trained), which) for trained in runs(evidence, config, net)]
    )
    return float(values.mean()), float(values.std())
