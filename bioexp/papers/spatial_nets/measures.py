"""How the paper's table and sentences are measured: numbers of a net, seed by seed, for both kinds
of nets in all modes.

An accuracy after a split is the mean over tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from bioexp.experiment import Trained
from bioexp.measures.interval import student
from bioexp.papers.measuring import each, less, paired, runs, seed_by_seed
from bioexp.papers.paper import Evidence, Measure
from bioexp.papers.spatial_nets.regions import free_weight, region_purity, shares_between
from bioexp.papers.spatial_nets.splits import LAYERS, Way, scores

CONCATENATION, MIXING, SEQUENTIAL = MODES = (
    "spatial_nets_concatenation",
    "spatial_nets_mixing",
    "spatial_nets_sequential",
)
RELU, PRINTED, THREE = "spatial_nets_relu", "spatial_nets_printed", "spatial_nets_three"
SHORT = {mode: mode.removeprefix("spatial_nets_") for mode in MODES}
NETS = ("spatial", "regular")  # variants of the axis `net`
Number = Callable[[Trained], float]

# Table 1: mode -> net -> mean and standard deviation.
Cells = Mapping[str, Mapping[str, tuple[float, float]]]
SPLIT: Cells = {
    CONCATENATION: {"regular": (0.80, 0.13), "spatial": (0.92, 0.04)},
    MIXING: {"regular": (0.70, 0.17), "spatial": (0.89, 0.03)},
    SEQUENTIAL: {"regular": (0.33, 0.20), "spatial": (0.84, 0.08)},
}
# A printed deviation of 0.00 counts as 0.01.
DROP: Cells = {
    CONCATENATION: {"regular": (0.11, 0.15), "spatial": (0.00, 0.01)},
    MIXING: {"regular": (0.19, 0.20), "spatial": (0.00, 0.01)},
    SEQUENTIAL: {"regular": (0.60, 0.20), "spatial": (0.07, 0.07)},
}


# Numbers of a run.


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


def left(attacks: Sequence[str] = ()) -> Number:
    """Share of images with all tasks right after these attacks, after every one where none is
    named, at the least eps attacked.
    """

    def survivors(trained: Trained) -> float:
        made = trained.attacks.items()
        chosen = [attacked for name, attacked in made if name in attacks or not attacks]
        survived = [attacked.correct[int(np.argmin(attacked.eps))] for attacked in chosen]
        return float(np.logical_and.reduce(survived).mean())

    return survivors


# Measures of experiments.


def of_spatial(number: Number) -> list[Measure]:
    """The number of spatial nets, mode by mode."""
    return [each(mode, number, net="spatial") for mode in MODES]


def gained(number: Number, experiment: str) -> Measure:
    """What the spatial net has more than the regular one of the same seed."""
    return less(each(experiment, number, net="spatial"), each(experiment, number, net="regular"))


def grown(experiment: str) -> Measure:
    """How often the spatial net's weights that cost nothing are doubled against those of the
    regular one of the same seed.
    """
    return seed_by_seed(
        lambda both: np.log2(both[0] / both[1]),
        *(each(experiment, free_weight, net=net) for net in ("spatial", "regular")),
    )


def excess_drop(evidence: Evidence) -> dict[int, float]:
    """Accuracy that a split costs in sequential mode, less the larger loss of the other two; mean
    of both kinds of nets.
    """

    def lost(mode: str) -> Measure:
        return seed_by_seed(np.mean, *(each(mode, dropped, net=net) for net in NETS))

    others = seed_by_seed(max, lost(CONCATENATION), lost(MIXING))
    return dict(less(lost(SEQUENTIAL), others)(evidence))


def rescaling_margin(evidence: Evidence) -> dict[int, float]:
    """The lesser of two margins of spatial nets with ReLU: doublings of their free weights above
    one, and how far their purity is below 0.75.
    """
    below = each(RELU, lambda trained: 0.75 - region_purity(trained), net="spatial")
    return dict(seed_by_seed(lambda both: min(both[0] - 1, both[1]), grown(RELU), below)(evidence))


def farthest(cells: Cells, number: Number) -> Measure:
    """The cell of Table 1 whose mean is farthest from the paper's, in the paper's standard
    deviations.

    The criterion is of means over seeds. So that it has an interval, it is jackknifed (Tukey 1958):
    of n seeds each stands for n times the criterion of all less n - 1 times that of the others.
    Raises UserError for a seed that one of the cells lacks.
    """
    paper = np.array([cell for mode in cells.values() for cell in mode.values()])

    def criterion(table: Float[np.ndarray, "seeds cells"]) -> float:
        return float((np.abs(table.mean(axis=0) - paper[:, 0]) / paper[:, 1]).max())

    def measure(evidence: Evidence) -> dict[int, float]:
        measures = [each(mode, number, net=net) for mode in cells for net in cells[mode]]
        seeds = paired([of_cell(evidence) for of_cell in measures])
        table, n = np.array(list(seeds.values())), len(seeds)
        everything = criterion(table)
        if n == 1:
            return dict.fromkeys(seeds, everything)
        return {
            seed: n * everything - (n - 1) * criterion(np.delete(table, place, axis=0))
            for place, seed in enumerate(seeds)
        }

    return measure


# What is drawn.


class Cell(NamedTuple):
    """A cell of Table 1 as we have it.

    pooled: mean and standard deviation over runs and tasks together, as the paper's +- seems to be.
    interval: 95 % over runs, None of one run. silent: the mean with disabled neurons silent.
    """

    pooled: tuple[float, float]
    interval: tuple[float, float] | None
    silent: float


def measured_cell(evidence: Evidence, mode: str, net: str, row: Literal["split", "drop"]) -> Cell:
    """A cell of the row after the split, or of what it costs."""
    found = [scores(trained) for trained in runs(evidence, mode, net=net)]
    per_run = [float(getattr(own, row).mean()) for own in found]
    interval = student(per_run) if len(per_run) > 1 else None
    silent = [own.silent if row == "split" else own.silent_drop for own in found]
    return Cell(
        pooled=_pooled([getattr(own, row) for own in found]),
        interval=(interval.low, interval.high) if interval else None,
        silent=float(np.mean([tasks.mean() for tasks in silent])),
    )


def pooled_whole(evidence: Evidence, mode: str, net: str) -> tuple[float, float]:
    """Mean and standard deviation of whole nets over runs and tasks together."""
    return _pooled([scores(trained).full for trained in runs(evidence, mode, net=net)])


def _pooled(tasks: Sequence[Float[np.ndarray, "tasks"]]) -> tuple[float, float]:
    values = np.concatenate(tasks)
    return float(values.mean()), float(values.std())


def between_groups(evidence: Evidence, mode: str, net: str) -> dict[int, dict[int, float]]:
    """Share of absolute weight between groups of each seed, for each split layer but the lowest."""
    found = runs(evidence, mode, net=net)
    shares = {trained.seed: shares_between(trained) for trained in found}
    return {number: {seed: own[number] for seed, own in shares.items()} for number in LAYERS[1:]}
