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
from bioexp.papers.measuring import Measure, accuracy, each, less, seed_by_seed, survivors
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.measures import (
    ALL_PAIRS,
    EIGHT,
    EPS,
    IRIS_PAIRS,
    LADDER,
    Draw,
    Number,
    Pair,
    by_draw,
    deployed,
    mean,
    mean_over,
    on,
    over_draws,
    variant,
)
from bioexp.robustness.evaluate import Net, evaluate
from bioexp.types import Attack, UserError


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
    rule: str,
    pairs: Sequence[Pair] = EIGHT,
    attack: str = "fgsm",
    eps: Sequence[float] = EPS,
    twin: str = "backprop",
) -> Measure:
    """Share of the comparisons, pair by eps, in which the rule keeps more accuracy than its twin,
    seed by seed; a tie is half.
    """

    def share(trained: Trained, other: Trained) -> float:
        ours, theirs = (survived(net, attack, eps) for net in (trained, other))
        return float(np.mean((ours > theirs) + 0.5 * (ours == theirs)))

    def on_pair(pair: Pair) -> Measure:
        return lambda evidence: over_draws(
            {
                draw: share(trained, other)
                for draw, (trained, other) in beside(evidence, rule, twin, pair).items()
            }
        )

    return seed_by_seed(mean, *(on_pair(pair) for pair in pairs))


def beside(
    evidence: Evidence, rule: str, twin: str, pair: Pair
) -> dict[Draw, tuple[Trained, Trained]]:
    """Each net of a rule with the net of its twin of the same seed and draw. Raises UserError where
    only one of the two is there.
    """
    ours, theirs = (by_draw(variant(evidence, name, pair)) for name in (rule, twin))
    if missing := ours.keys() ^ theirs.keys():
        seed = min(missing)[0]
        raise UserError(
            f"{pair.experiment}: of {rule} and {twin} on {pair.name} only one has every run of "
            f"seed {seed}; train both with the same seeds"
        )
    return {draw: (ours[draw], theirs[draw]) for draw in ours}


def gap(
    rule: str, pairs: Sequence[Pair], attack: str, eps: float, twin: str = "backprop"
) -> Measure:
    """Accuracy under attack less the twin's, mean over pairs, seed by seed."""
    ours, theirs = (mean_over(name, pairs, under(attack, eps)) for name in (rule, twin))
    return less(ours, theirs)


def left_at(eps: float) -> Measure:
    """Survivors of the whole ladder at the attacked eps nearest to this one, the stable rule less
    backprop.
    """

    def left(trained: Trained) -> float:
        attacked = next(iter(trained.attacks.values())).eps
        nearest = min(attacked, key=lambda own: abs(own - eps))
        return float(survivors(trained, nearest).mean())

    return less(each(LADDER, left, rule="stable"), each(LADDER, left, rule="backprop"))


# All pairs.


def ahead(pair: Pair, measure: Number) -> Measure:
    """A measure of the stable rule less backprop's."""
    return less(on("stable", pair, measure), on("backprop", pair, measure))


def alike(pair: Pair) -> Measure:
    """1 where the stable rule is within a point of backprop clean, and not below it by more than
    that under FGSM at 12/255; otherwise 0.
    """

    def measure(evidence: Evidence) -> dict[int, float]:
        clean = ahead(pair, accuracy)(evidence)
        attacked = ahead(pair, under("fgsm", EPS[-1]))(evidence)
        return {seed: float(abs(clean[seed]) <= 0.01 and attacked[seed] >= -0.01) for seed in clean}

    return measure


# Share of the 45 pairs of digits that behave alike, seed by seed.
share_alike = seed_by_seed(mean, *(alike(pair) for pair in ALL_PAIRS))


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
