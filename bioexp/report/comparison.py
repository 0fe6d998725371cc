"""The first experiment beside the others: what their configs differ in, their scores, and which of
them is more accurate and more robust.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from bioexp.attacks.eps import show_eps
from bioexp.experiment import Run
from bioexp.records import Difference
from bioexp.report.runs import ShownExperiment
from bioexp.robustness.compare import Paired, compared, paired, same_data
from bioexp.robustness.stored import table_of
from bioexp.runs.labels import differing


@dataclass(frozen=True)
class Scores:
    """An experiment's means over its seeds, beside what the page says of its test accuracy; None
    where no seed has a value.
    """

    experiment: ShownExperiment
    train_accuracy: float | None
    train_loss: float | None
    steps: float
    wall_s: float


@dataclass(frozen=True)
class Line:
    """One accuracy of two experiments: the second's less the first's, with its 95 % interval.

    size: eps as a number to sort by. ends: None where one common seed leaves no interval.
    """

    what: str
    eps: str
    size: float
    first: float
    second: float
    difference: float
    ends: tuple[float, float] | None
    seeds: int
    says: str


@dataclass(frozen=True)
class Pair:
    """The first experiment and another.

    about: what the lines are means and intervals over. note: why something is not compared.
    """

    first: str
    second: str
    lines: tuple[Line, ...]
    about: str
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """Two or more experiments side by side. config: keys whose values differ, with each one's."""

    labels: tuple[str, ...]
    config: tuple[tuple[str, tuple[str, ...]], ...]
    scores: tuple[Scores, ...]
    pairs: tuple[Pair, ...]


def comparison(
    groups: Sequence[Sequence[Run]], experiments: Sequence[ShownExperiment]
) -> Comparison | None:
    """What the page shows of two or more experiments side by side; None for one alone."""
    if len(groups) < 2:
        return None
    labels = [experiment.label for experiment in experiments]
    differences = compared(dict(zip(labels, groups, strict=True)))
    configs = [runs[0].config.model_dump(mode="json", exclude={"name"}) for runs in groups]
    return Comparison(
        labels=tuple(labels),
        config=tuple((key, tuple(map(_value, values))) for key, values in differing(configs)),
        scores=tuple(_scores(experiment) for experiment in experiments),
        pairs=tuple(
            _pair((labels[0], label), groups[0], runs, differences)
            for label, runs in zip(labels[1:], groups[1:], strict=True)
        ),
    )


def _scores(experiment: ShownExperiment) -> Scores:
    seeds = experiment.seeds
    return Scores(
        experiment,
        _mean([seed.train_accuracy for seed in seeds]),
        _mean([seed.train_loss for seed in seeds]),
        fmean(seed.steps for seed in seeds),
        fmean(seed.wall_s for seed in seeds),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _pair(
    names: tuple[str, str],
    first: Sequence[Run],
    second: Sequence[Run],
    differences: Sequence[Difference],
) -> Pair:
    """The rows of `compared` where both were attacked, otherwise the test accuracies by seed; and
    why there are none where there are none.
    """
    rows = [row for row in differences if (row.first, row.second) == names]
    if rows:
        about = (
            f"worst case over all attacks, the same {rows[0].n:,} images, mean over"
            " seeds and images; interval: 95 %, bootstrap over both, not corrected for the number"
            " of rows"
        )
        return Pair(*names, tuple(_under_attack(row) for row in rows), about)
    about = "mean over their common seeds; interval: t over the paired differences"
    if not same_data(first[0], second[0]):
        note = "They were scored on different test images: nothing can be paired."
        return Pair(*names, (), about, note)
    sides = [{run.seed: run.summary.test_accuracy for run in side} for side in (first, second)]
    left, right = (
        {seed: value for seed, value in side.items() if value is not None} for side in sides
    )
    if not (left and right):
        note = "One of them is no classifier: there is no accuracy to pair."
        return Pair(*names, (), about, note)
    clean = paired(left, right)
    if clean is None:
        note = "They have no seed in common: train both with the same --seeds."
        return Pair(*names, (), about, note)
    return Pair(*names, (_unattacked(clean),), about, _uncompared(first, second))


def _under_attack(row: Difference) -> Line:
    return Line(
        what="accuracy" if row.eps is None else "worst case",
        eps="clean" if row.eps is None else show_eps(row.eps),
        size=row.eps or 0.0,
        first=row.of_first,
        second=row.of_second,
        difference=row.difference,
        ends=(row.low, row.high),
        seeds=row.seeds,
        says=row.says,
    )


def _unattacked(clean: Paired) -> Line:
    ends = None if clean.low is None or clean.high is None else (clean.low, clean.high)
    return Line(
        what="test accuracy",
        eps="clean",
        size=0.0,
        first=clean.first,
        second=clean.second,
        difference=clean.difference,
        ends=ends,
        seeds=len(clean.seeds),
        says=clean.says,
    )


def _uncompared(first: Sequence[Run], second: Sequence[Run]) -> str:
    """Why two experiments on the same data have no rows under attack."""
    if all(table_of(run.path) is not None for run in (*first, *second)):
        why = "they were attacked on different numbers of images"
    else:
        why = "not every seed of both was attacked; `bioexp attack` does that"
    return f"Robust accuracies are not compared: {why}."


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
