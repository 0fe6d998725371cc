"""The first experiment beside the others: what their configs differ in, their scores, and which of
them is more accurate and more robust.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from bioexp.attacks.eps import show_eps
from bioexp.experiment import Attacked, Run
from bioexp.records import Difference
from bioexp.report.runs import ShownExperiment
from bioexp.robustness.compare import (
    Paired,
    Survived,
    compare,
    compared,
    paired,
    same_data,
    survived,
)
from bioexp.robustness.stored import attacked, table_of
from bioexp.robustness.table import WORST
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

    lines: test accuracy, then all attacks together at each eps. by_attack: each attack by itself.
    about: what the lines are means and intervals over. note: why something is not compared.
    """

    first: str
    second: str
    lines: tuple[Line, ...] = ()
    by_attack: tuple[Line, ...] = ()
    about: str = ""
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
    at_hand = {
        label: runs
        for label, runs in zip(labels, groups, strict=True)
        if all(map(_is_attacked, runs))
    }
    differences = compared(at_hand)
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
    """Test accuracies by seed, then what `compared` says of them under attack; and why there is
    none where there is none.
    """
    if not same_data(first[0], second[0]):
        note = "They were scored on different test images: nothing can be paired."
        return Pair(*names, note=note)
    left, right = (
        {
            run.seed: run.summary.test_accuracy
            for run in side
            if run.summary.test_accuracy is not None
        }
        for side in (first, second)
    )
    if not (left and right):
        note = "One of them is no classifier: there is no accuracy to pair."
        return Pair(*names, note=note)
    clean = paired(left, right)
    if clean is None:
        note = "They have no seed in common: train both with the same --seeds."
        return Pair(*names, note=note)
    about = "Mean over their common seeds; interval: 95 %, t over the paired differences"
    rows = [row for row in differences if (row.first, row.second) == names]
    if all(row.eps is None for row in rows):
        note = _unpaired(first, second)
        return Pair(*names, lines=(_unattacked(clean),), about=f"{about}.", note=note)
    return Pair(
        *names,
        lines=(_unattacked(clean), *(_under_attack(row, WORST) for row in rows)),
        by_attack=tuple(_by_attack(names, first, second)),
        about=(
            f"{about}. Under attack: the same {rows[0].n:,} images, mean over seeds and images; "
            "interval: 95 %, bootstrap over both. Not corrected for the number of rows."
        ),
    )


def _by_attack(
    names: tuple[str, str], first: Sequence[Run], second: Sequence[Run]
) -> Iterator[Line]:
    """Every attack by itself that all of them were attacked by."""
    sides = [
        {run.seed: (attacked(run.path), survived(run).doubts) for run in side}
        for side in (first, second)
    ]
    made = [attacks for side in sides for attacks, _ in side.values()]
    for name in (name for name in made[0] if all(name in attacks for attacks in made)):
        left, right = (
            {seed: _alone(attacks[name], doubts) for seed, (attacks, doubts) in side.items()}
            for side in sides
        )
        yield from (_under_attack(row, name) for row in compare(left, right, names))


def _alone(attack: Attacked, doubts: Mapping[float | None, str]) -> Survived:
    """The images that survive one attack, with the doubts of them all."""
    return Survived(dict(zip(attack.eps, attack.correct, strict=True)), doubts)


def _is_attacked(run: Run) -> bool:
    """Whether it was attacked, and what every attack left is still there."""
    table = table_of(run.path)
    made = {row.attack for row in table.rows if row.eps is not None} if table else set()
    return bool(made) and made - {WORST} <= attacked(run.path).keys()


def _under_attack(row: Difference, attack: str) -> Line:
    return Line(
        what="the same images" if row.eps is None else attack,
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


def _unpaired(first: Sequence[Run], second: Sequence[Run]) -> str:
    """Why two experiments on the same data have no rows under attack."""
    if all(map(_is_attacked, (*first, *second))):
        why = "they were attacked at other eps, or on other numbers of images"
    else:
        why = "not every seed of both was attacked; `bioexp attack` does that"
    return f"Robust accuracies are not compared: {why}."


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
