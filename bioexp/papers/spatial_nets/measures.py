"""How the paper's table and sentences are measured: numbers of a net, seed by seed, for both kinds
of nets in all modes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float

from bioexp.experiment import Trained
from bioexp.measures.interval import student
from bioexp.papers.measuring import each, less, paired, runs, seed_by_seed
from bioexp.papers.paper import Evidence, Measure
from bioexp.papers.spatial_nets.regions import free_weight
from bioexp.papers.spatial_nets.splits import Way, scores

CONCATENATION, MIXING, SEQUENTIAL = MODES = (
    "spatial_nets_concatenation",
    "spatial_nets_mixing",
    "spatial_nets_sequential",
)
RELU, PRINTED, THREE = "spatial_nets_relu", "spatial_nets_printed", "spatial_nets_three"
SHORT = {mode: mode.removeprefix("spatial_nets_") for mode in MODES}
NETS = ("spatial", "regular")  # variants of the axis `net`
Row = Literal["full", "split", "silent", "drop", "silent_drop"]  # of scores
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


def task_mean(row: Row, way: Way = "greedy") -> Number:
    """Accuracy of the whole net, after a split, with disabled neurons silent, or lost by a split;
    mean over tasks.
    """
    return lambda trained: float(getattr(scores(trained, way), row).mean())


def left(attacks: Sequence[str] = ()) -> Number:
    """Share of images with all tasks right at the least eps attacked, after these attacks or, where
    none is named, after every one.
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


def both(number: Number, experiment: str) -> list[Measure]:
    """The number of spatial and of regular nets."""
    return [each(experiment, number, net=net) for net in NETS]


def gained(number: Number, experiment: str) -> Measure:
    """What the spatial net has more than the regular one of the same seed."""
    return less(*both(number, experiment))


def grown(experiment: str) -> Measure:
    """How often weights that cost nothing are doubled in the spatial net, against the regular."""
    return seed_by_seed(lambda own: np.log2(own[0] / own[1]), *both(free_weight, experiment))


def lost(mode: str) -> Measure:
    """Accuracy that a split costs, mean of both kinds of nets."""
    return seed_by_seed(np.mean, *both(task_mean("drop"), mode))


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


def pooled(evidence: Evidence, mode: str, net: str, row: Row) -> tuple[float, float]:
    """Mean and standard deviation over runs and tasks together, as the paper's +- seems to be."""
    tasks = [getattr(scores(trained), row) for trained in runs(evidence, mode, net=net)]
    values = np.concatenate(tasks)
    return float(values.mean()), float(values.std())


def over_runs(evidence: Evidence, mode: str, net: str, row: Row) -> tuple[float, float] | None:
    """The 95 % interval over runs; None of one run."""
    values = list(each(mode, task_mean(row), net=net)(evidence).values())
    if len(values) == 1:
        return None
    interval = student(values)
    return interval.low, interval.high
