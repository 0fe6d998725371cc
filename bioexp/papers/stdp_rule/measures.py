"""What the claims and figures measure: the runs of a variant, and numbers of a pair of classes, of
many pairs, or of ten classes.

Adversarial accuracies are along the true gradient of the deployed net, on all test examples of a
pair. On IRIS every seed trains on several draws of the split, and its value is the mean over them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from jaxtyping import Array

from bioexp.experiment import Trained
from bioexp.measures.interval import Interval
from bioexp.measures.interval import accuracy as interval
from bioexp.papers.measuring import Measure, accuracy, less, runs, seed_by_seed
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.model import stdp_net
from bioexp.types import Params, UserError

IRIS, MNIST, PAIRS, SPLITS, MANY, CODES, LADDER = (
    "stdp_iris",
    "stdp_mnist",
    "stdp_pairs",
    "stdp_iris_splits",
    "stdp_multiclass",
    "stdp_codes",
    "stdp_ladder",
)


class Pair(NamedTuple):
    """Two classes of a dataset, by the experiment that trains on them and the name of its variant:
    stdp_iris and 0-2.
    """

    experiment: str
    name: str

    @property
    def classes(self) -> tuple[int, int]:
        """Those of y = 0 and y = 1."""
        first, second = self.name.split("-")
        return int(first), int(second)

    @property
    def title(self) -> str:
        """As figures call it."""
        data = "MNIST" if self.experiment in (MNIST, PAIRS) else "IRIS"
        return f"{data} {self.name.replace('-', ' vs ')}"


IRIS_PAIRS = tuple(Pair(IRIS, name) for name in ("0-1", "0-2", "1-2"))
MNIST_PAIRS = tuple(Pair(MNIST, f"0-{other}") for other in range(1, 6))
EIGHT = (*IRIS_PAIRS, *MNIST_PAIRS)
ALL_PAIRS = tuple(Pair(PAIRS, f"{a}-{b}") for a, b in combinations(range(10), 2))
ZERO_TWO = MNIST_PAIRS[1]
EPS = (4 / 255, 8 / 255, 12 / 255)  # the paper's
POINT = (-0.01, 0.01)  # alike: within a point of accuracy
FAR = (25 / 255, 40 / 255, 60 / 255)  # beyond it

Number = Callable[[Trained], float]
Draw = tuple[int, str]  # a seed, and which of its splits; "" where there is one


Pick = Callable[[Evidence, Pair], list[Trained]]  # nets of a pair that no rule's name names


def variant(evidence: Evidence, rule: str | Pick, pair: Pair) -> list[Trained]:
    """The nets of a rule on a pair, one a seed (of IRIS one a seed and draw)."""
    if callable(rule):
        return rule(evidence, pair)
    return runs(evidence, pair.experiment, rule=rule, pair=pair.name)


def by_draw(trained: Sequence[Trained]) -> dict[Draw, Trained]:
    """The runs by seed and draw. Raises UserError where two runs are of the same one."""
    found = {(net.seed, net.experiment.variant.get("draw", "")): net for net in trained}
    if len(found) < len(trained):
        raise UserError(
            f"{trained[0].run.path.parent.name}: has several runs of a seed and a draw; name the "
            "variant that is meant"
        )
    return found


def over_draws(values: Mapping[Draw, float]) -> dict[int, float]:
    """The mean over draws, by seed. Raises UserError where a seed lacks a draw that another has."""
    seeds, draws = (dict.fromkeys(part) for part in zip(*values, strict=True))
    if missing := [draw for draw in product(seeds, draws) if draw not in values]:
        seed, draw = missing[0]
        raise UserError(
            f"seed {seed} has no run of draw {draw}, which another seed has; train every draw with "
            "the same seeds"
        )
    return {seed: float(np.mean([values[seed, draw] for draw in draws])) for seed in seeds}


def measure_of(trained: Sequence[Trained], measure: Number) -> dict[int, float]:
    """A measure of these runs by seed, the mean over draws where there are several."""
    return over_draws({draw: float(measure(net)) for draw, net in by_draw(trained).items()})


def twins(
    evidence: Evidence, rule: str | Pick, twin: str | Pick, pair: Pair
) -> dict[Draw, tuple[Trained, Trained]]:
    """Each net of a rule with the net of its twin of the same seed and draw. Raises UserError where
    only one of the two is there.
    """
    ours, theirs = (by_draw(variant(evidence, name, pair)) for name in (rule, twin))
    if missing := ours.keys() ^ theirs.keys():
        raise UserError(
            f"{pair.experiment}: of two rules that are compared on {pair.name} only one has every "
            f"run of seed {min(missing)[0]}; train both with the same seeds"
        )
    return {draw: (ours[draw], theirs[draw]) for draw in ours}


def on(rule: str | Pick, pair: Pair, measure: Number = accuracy) -> Measure:
    """A measure of a rule on a pair, by seed."""
    return lambda evidence: measure_of(variant(evidence, rule, pair), measure)


def mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def mean_over(rule: str | Pick, pairs: Sequence[Pair], measure: Number = accuracy) -> Measure:
    """The mean over pairs, seed by seed."""
    return seed_by_seed(mean, *(on(rule, pair, measure) for pair in pairs))


def lag(rule: str | Pick, pairs: Sequence[Pair], behind: str | Pick = "backprop") -> Measure:
    """How far the rule is behind backprop in test accuracy, mean over pairs, seed by seed."""
    return less(mean_over(behind, pairs), mean_over(rule, pairs))


def of_shared_seeds(*measures: Measure) -> Measure:
    """The mean of several measures, for the seeds that all of them have."""

    def shared(evidence: Evidence) -> dict[int, float]:
        values = [measure(evidence) for measure in measures]
        seeds = [seed for seed in values[0] if all(seed in own for own in values)]
        return {seed: mean([own[seed] for own in values]) for seed in seeds}

    return shared


def mean_of(
    evidence: Evidence, rule: str, pairs: Sequence[Pair], measure: Number = accuracy
) -> list[float]:
    """A measure of a rule on each of these pairs, mean over seeds."""
    return [mean(list(on(rule, pair, measure)(evidence).values())) for pair in pairs]


# Splits of IRIS.


def on_splits(split: str, pair: str) -> Measure:
    """Test accuracy on a pair of IRIS, of splits that are even or random, mean over them, by
    seed.
    """
    return lambda evidence: measure_of(runs(evidence, SPLITS, split=split, pair=pair), accuracy)


class Splits(NamedTuple):
    """Of each net: how many training flowers are of class 1, and its test accuracy."""

    flowers: list[int]
    accuracy: list[float]


def of_splits(evidence: Evidence, split: str, pair: str) -> Splits:
    """Every net that was trained on splits of this kind."""
    found = runs(evidence, SPLITS, split=split, pair=pair)
    flowers = [int((trained.dataset.y_train == 1).sum()) for trained in found]
    return Splits(flowers, [accuracy(trained) for trained in found])


@cache
def _apply(
    shape: tuple[int, ...], hidden: tuple[int, ...], classes: int
) -> Callable[[Params, Array], Array]:
    """The deployed forward pass; one object for all nets of one shape, which then share compiled
    attacks.
    """
    model = stdp_net(shape, classes, hidden=hidden)
    return lambda params, x: model.apply(params, x)[0]


def deployed(trained: Trained) -> Callable[[Params, Array], Array]:
    """The forward pass of a net, the same object for all nets of its shape."""
    data, hidden = trained.dataset, tuple(trained.experiment.model.options["hidden"])
    return _apply(data.shape, hidden, data.n_classes)


# Ten classes.

DEPTHS = tuple(str(depth) for depth in range(5))


class TenClasses(NamedTuple):
    """Test accuracy on one dataset: by rule at every depth, and by other associations, net by net,
    at depth 2.
    """

    rules: dict[str, list[Interval]]
    associations: dict[str, list[float]]
    n_train: int
    n_test: int
    seeds: int


def ten_classes(evidence: Evidence, dataset: str) -> TenClasses:
    """MANY and CODES on a dataset; intervals are over images where there is one seed."""
    found = {
        rule: [runs(evidence, MANY, dataset=dataset, rule=rule, depth=depth) for depth in DEPTHS]
        for rule in ("stable", "backprop")
    }
    first = found["stable"][0]
    n = first[0].run.summary.n_test
    ends = {
        rule: [interval([accuracy(trained) for trained in seeds], n) for seeds in depths]
        for rule, depths in found.items()
    }
    others = {
        name: [
            accuracy(trained)
            for trained in runs(evidence, CODES, dataset=dataset, associations=name)
        ]
        for name in ("halves", "unbalanced")
    }
    return TenClasses(ends, others, first[0].run.provenance.dataset.n_train, n, len(first))
