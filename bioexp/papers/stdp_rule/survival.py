"""How much accuracy is left under attack, and where a rule keeps more of it than backprop.

Attacks follow the true gradient of the deployed net, on all test examples of a pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from bioexp.attacks import ATTACKS
from bioexp.experiment import Trained
from bioexp.measures.estimators import mean as by_t
from bioexp.measures.verdict import Part, holm
from bioexp.papers.measuring import Measure, accuracy, each, less, survivors
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.measures import (
    ALL_PAIRS,
    EIGHT,
    EPS,
    IRIS_PAIRS,
    LADDER,
    POINT,
    Number,
    Pair,
    Pick,
    deployed,
    mean,
    mean_over,
    of_shared_seeds,
    on,
    over_draws,
    twins,
)
from bioexp.robustness.evaluate import Net, evaluate
from bioexp.types import Attack


@cache
def _attack(name: str) -> Attack:
    return ATTACKS[name](steps=20, restarts=1) if name.startswith("pgd") else ATTACKS[name]()


def survived(
    trained: Trained, attack: str = "fgsm", eps: Sequence[float] = EPS
) -> Float[np.ndarray, "eps"]:
    """Accuracy under an attack at every eps, on all test examples; those that are wrong when clean
    count as broken.
    """
    data = trained.dataset
    net = Net(deployed(trained), trained.params, data.x_test, data.y_test)
    outcome = evaluate(net, _attack(attack), eps, jax.random.key(trained.seed))
    return outcome.correct.mean(axis=1)


def against_eps(
    trained: Sequence[Trained], attack: str, eps: Sequence[float]
) -> Float[np.ndarray, "nets eps"]:
    """Accuracy of each net, clean first and then under an attack at every eps."""
    return np.asarray([[accuracy(net), *survived(net, attack, eps)] for net in trained])


def under(attack: str, eps: float) -> Number:
    """Accuracy under an attack at one eps."""
    return lambda trained: float(survived(trained, attack, (eps,))[0])


def won(
    rule: str | Pick,
    pairs: Sequence[Pair] = EIGHT,
    attack: str = "fgsm",
    eps: Sequence[float] = EPS,
    twin: str | Pick = "backprop",
) -> Measure:
    """Share of the comparisons, pair by eps, in which the rule keeps more accuracy than its twin,
    by seed; a tie is half.
    """

    def share(trained: Trained, other: Trained) -> float:
        ours, theirs = (survived(net, attack, eps) for net in (trained, other))
        return float(np.mean((ours > theirs) + 0.5 * (ours == theirs)))

    def on_pair(pair: Pair) -> Measure:
        return lambda evidence: over_draws(
            {draw: share(*nets) for draw, nets in twins(evidence, rule, twin, pair).items()}
        )

    return of_shared_seeds(*(on_pair(pair) for pair in pairs))


def gap(
    rule: str | Pick,
    pairs: Sequence[Pair],
    attack: str,
    eps: float,
    twin: str | Pick = "backprop",
) -> Measure:
    """Accuracy under attack less the twin's, mean over pairs, seed by seed."""
    ours, theirs = (mean_over(name, pairs, under(attack, eps)) for name in (rule, twin))
    return less(ours, theirs)


def left_at(eps: float, twin: str) -> Measure:
    """Survivors of the whole ladder at the attacked eps nearest to this one, the stable rule less
    its twin.
    """

    def left(trained: Trained) -> float:
        attacked = next(iter(trained.attacks.values())).eps
        nearest = min(attacked, key=lambda own: abs(own - eps))
        return float(survivors(trained, nearest).mean())

    return less(each(LADDER, left, rule="stable"), each(LADDER, left, rule=twin))


# All pairs.


def ahead(pair: Pair, measure: Number = accuracy) -> Measure:
    """A measure of the stable rule less backprop's."""
    return less(on("stable", pair, measure), on("backprop", pair, measure))


def equivalent(differences: Sequence[Sequence[float]]) -> int:
    """How many of several differences, each over seeds, are within a point by tests of equivalence
    at a joint level of 95 % (Holm).
    """
    said = holm([Part(values, by_t, POINT) for values in differences])
    return said.count("reproduced")


def alike(evidence: Evidence) -> dict[int, float]:
    """How many of the 45 pairs are within a point of backprop; the same for every seed, as all of
    them decide it.
    """
    found = [ahead(pair)(evidence) for pair in ALL_PAIRS]
    count = equivalent([list(own.values()) for own in found])
    return dict.fromkeys(found[0], float(count))


class Ahead(NamedTuple):
    """Of a measure, the stable rule less backprop, mean over seeds: on each of the 45 pairs of
    digits, and on the three of IRIS.
    """

    digits: dict[Pair, float]
    iris: list[float]


def all_pairs(evidence: Evidence, measure: Number) -> Ahead:
    """How far the stable rule is ahead on every pair."""
    digits, iris = (
        {pair: mean(list(ahead(pair, measure)(evidence).values())) for pair in pairs}
        for pairs in (ALL_PAIRS, IRIS_PAIRS)
    )
    return Ahead(digits, list(iris.values()))
