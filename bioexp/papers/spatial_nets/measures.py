"""How the paper's table and sentences are measured: numbers of a net, seed by seed, for both kinds
of nets in all modes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from bioexp.experiment import Trained
from bioexp.measures.interval import student
from bioexp.papers.measuring import each, less, runs, seed_by_seed
from bioexp.papers.paper import Control, Evidence, Measure, Numbers
from bioexp.papers.spatial_nets.splits import LAYERS, Way, scores, split

CONCATENATION, MIXING, SEQUENTIAL = MODES = (
    "spatial_nets_concatenation",
    "spatial_nets_mixing",
    "spatial_nets_sequential",
)
RELU, PRINTED = "spatial_nets_relu", "spatial_nets_printed"
THREE, TURNED = "spatial_nets_three", "spatial_nets_turned"
SHORT = {mode: mode.removeprefix("spatial_nets_") for mode in MODES}
NETS = ("spatial", "regular")  # variants of the axis `net`
Row = Literal["full", "split", "silent", "drop", "silent_drop"]  # of scores
Number = Callable[[Trained], float]
Condition = Callable[[Numbers], bool]
SUCCESS = 0.6

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


def worst_task(way: Way) -> Number:
    """Accuracy after the split of the task that is worst off; chance is 0.1."""
    return lambda trained: float(scores(trained, way).split.min())


def succeeds(way: Way) -> Number:
    """1 where every task is above 0.6 after the split, else 0."""
    return lambda trained: float(worst_task(way)(trained) > SUCCESS)


def one_task(way: Way) -> Number:
    """1 where the split gives all outputs to one task, else 0."""
    return lambda trained: float(len(np.unique(split(trained, way)[LAYERS[-1]])) == 1)


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


def doublings(number: Number, experiment: str) -> Measure:
    """How often the number of the spatial net is that of the regular one of the same seed doubled;
    negative where it is less.
    """
    return seed_by_seed(lambda own: np.log2(own[0] / own[1]), *both(number, experiment))


def anywhere(*numbers: Number) -> Measure:
    """The largest of these numbers among a seed's spatial nets of all modes."""
    return seed_by_seed(max, *(of_mode for number in numbers for of_mode in of_spatial(number)))


def every(
    number: Number, what: str, name: str, of: Mapping[str, str] = SHORT
) -> tuple[Control, ...]:
    """The number of both kinds of nets in every mode, or in other experiments by their names here;
    notes call it {name}_{mode}_{net}.
    """
    return tuple(
        Control(
            f"{short}, {net}: {what}",
            each(experiment, number, net=net),
            name=f"{name}_{short.replace(' ', '_')}_{net}",
        )
        for experiment, short in of.items()
        for net in NETS
    )


# Conditions of notes.


def above(name: str, bar: float = 0.0) -> Condition:
    """Whether the whole interval of a number is above; that of one seed, which has none, is not."""
    return lambda numbers: (low := numbers[name].low) is not None and low > bar


def below(name: str, bar: float = 0.0) -> Condition:
    """Whether the whole interval of a number is below."""
    return lambda numbers: (high := numbers[name].high) is not None and high < bar


def no(*conditions: Condition) -> Condition:
    """Whether none of them is true."""
    return lambda numbers: not any(condition(numbers) for condition in conditions)


def one_of(*conditions: Condition) -> Condition:
    """Whether at least one of them is true."""
    return lambda numbers: any(condition(numbers) for condition in conditions)


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
