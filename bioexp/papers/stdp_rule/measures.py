"""How the sentences of the paper are measured: which runs a variant is, and numbers of one run or
of many pairs.

Adversarial accuracies are along the true gradient of the deployed net, on all test examples of a
pair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from bioexp.attacks import ATTACKS
from bioexp.experiment import Trained
from bioexp.papers.measuring import Measure, accuracy, runs, snapshots
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.model import eq5, eq6, of_outputs, propagated, stdp_net
from bioexp.robustness.evaluate import Net, evaluate
from bioexp.training import as_float
from bioexp.types import Attack, Params

IRIS, MNIST, PAIRS, SPLITS, MANY, CODES, LADDER = (
    "stdp_iris",
    "stdp_mnist",
    "stdp_pairs",
    "stdp_iris_splits",
    "stdp_multiclass",
    "stdp_codes",
    "stdp_ladder",
)
Pair = tuple[str, tuple[int, int]]
IRIS_PAIRS: tuple[Pair, ...] = tuple((IRIS, pair) for pair in ((0, 1), (0, 2), (1, 2)))
MNIST_PAIRS: tuple[Pair, ...] = tuple((MNIST, (0, other)) for other in range(1, 6))
EIGHT = (*IRIS_PAIRS, *MNIST_PAIRS)
EPS = (4 / 255, 8 / 255, 12 / 255)  # the paper's
FAR = (25 / 255, 40 / 255, 60 / 255)  # beyond it

Number = Callable[[Trained], float]
STDP: Mapping[str, Any] = {"stages.0.rule.name": "stdp"}
FIXED = {**STDP, "stages.0.rule.form": "quotient", "stages.0.rule.associations": "balanced"}
BACKPROP: Mapping[str, Any] = {"stages.0.rule.name": "backprop", "stages.0.project": {}}
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "printed": {**FIXED, "stages.0.rule.eps": 1e-9, "model.descent": 0.0},
    "stable": {**FIXED, "stages.0.rule.eps": 0.1, "model.descent": 0.5},
    "flat": {**FIXED, "stages.0.rule.eps": 0.1, "model.descent": 0.0},
    "product": {**STDP, "stages.0.rule.form": "product"},
    "propagated": {**STDP, "stages.0.rule.associations": "propagated"},
    "backprop": BACKPROP,
    "decayed": {
        "stages.0.rule.name": "backprop",
        "stages.0.project": {"layers": {"name": "decayed", "share": 1e-3}},
    },
}


def variant(
    evidence: Evidence, name: str, pair: Pair, hidden: Sequence[int] = (32, 16)
) -> list[Trained]:
    """The runs of a variant on a pair, one a seed (of IRIS one a seed and split)."""
    return runs(
        evidence,
        pair[0],
        {**VARIANTS[name], "dataset.classes": list(pair[1]), "model.hidden": list(hidden)},
    )


def on(
    name: str, pair: Pair, measure: Number = accuracy, hidden: Sequence[int] = (32, 16)
) -> Measure:
    """A measure of every run of a variant on a pair."""
    return lambda evidence: [measure(one) for one in variant(evidence, name, pair, hidden)]


def worst_lag(
    name: str, pairs: Sequence[Pair] = EIGHT, hidden: Sequence[int] = (32, 16)
) -> Measure:
    """How far the variant's test accuracy is behind backprop's on the pair where it is farthest
    behind, seed by seed.
    """

    def measure(evidence: Evidence) -> list[float]:
        behind = [
            _less(on("backprop", pair), on(name, pair, hidden=hidden), evidence) for pair in pairs
        ]
        return [float(max(of_seed)) for of_seed in zip(*behind, strict=False)]

    return measure


def mean_over(name: str, pairs: Sequence[Pair], measure: Number) -> Measure:
    """The mean over pairs, seed by seed."""
    return lambda evidence: [
        float(np.mean(found))
        for found in zip(*(on(name, pair, measure)(evidence) for pair in pairs), strict=False)
    ]


def _less(first: Measure, second: Measure, evidence: Evidence) -> list[float]:
    return [a - b for a, b in zip(first(evidence), second(evidence), strict=True)]


# Robustness.


@cache
def _apply(
    shape: tuple[int, ...], hidden: tuple[int, ...], classes: int
) -> Callable[[Params, Array], Array]:
    """The deployed forward pass; one object for all nets of one shape, which then share compiled
    attacks.
    """
    model = stdp_net(shape, classes, hidden=hidden)
    return lambda params, x: model.apply(params, x)[0]


@cache
def _attack(name: str) -> Attack:
    return ATTACKS[name](steps=20, restarts=1) if name.startswith("pgd") else ATTACKS[name]()


def survived(
    trained: Trained, attack: str = "fgsm", eps: Sequence[float] = EPS
) -> Float[np.ndarray, "eps"]:
    """Accuracy under an attack at every eps, on all test examples; those that are wrong when clean
    count as broken.
    """
    data, hidden = trained.dataset, tuple(trained.run.config["model"]["hidden"])
    net = Net(_apply(data.shape, hidden, data.n_classes), trained.params, data.x_test, data.y_test)
    return evaluate(net, _attack(attack), eps, jax.random.key(trained.run.seed)).correct.mean(
        axis=1
    )


def under(attack: str, eps: float) -> Number:
    """Accuracy under an attack at one eps."""
    return lambda trained: float(survived(trained, attack, (eps,))[0])


def won(
    name: str,
    pairs: Sequence[Pair] = EIGHT,
    attack: str = "fgsm",
    eps: Sequence[float] = EPS,
    twin: str = "backprop",
) -> Measure:
    """Share of the comparisons, pair by eps, in which the variant keeps more accuracy than its
    twin, seed by seed; a tie is half.
    """

    def measure(evidence: Evidence) -> list[float]:
        shares = []
        for pair in pairs:
            ours, theirs = (
                [survived(one, attack, eps) for one in variant(evidence, rule, pair)]
                for rule in (name, twin)
            )
            shares.append(
                [np.mean((a > b) + 0.5 * (a == b)) for a, b in zip(ours, theirs, strict=True)]
            )
        return [float(np.mean(of_seed)) for of_seed in zip(*shares, strict=False)]

    return measure


def gap(
    name: str, pairs: Sequence[Pair], attack: str, eps: float, twin: str = "backprop"
) -> Measure:
    """Accuracy under attack less the twin's, mean over pairs, seed by seed."""
    ours, theirs = (mean_over(rule, pairs, under(attack, eps)) for rule in (name, twin))
    return lambda evidence: [a - b for a, b in zip(ours(evidence), theirs(evidence), strict=True)]


# All pairs.


def all_pairs(evidence: Evidence, measure: Number) -> dict[tuple[int, int], float]:
    """A measure of the stable rule less backprop's on each of the 45 pairs of digits, mean over
    seeds.
    """
    found = {}
    for pair in ((a, b) for a in range(10) for b in range(a + 1, 10)):
        where = {"dataset.classes": list(pair)}
        ours, theirs = (runs(evidence, PAIRS, {**where, **rule}) for rule in (STDP, BACKPROP))
        found[pair] = float(
            np.mean([measure(a) - measure(b) for a, b in zip(ours, theirs, strict=True)])
        )
    return found


def alike(evidence: Evidence, seed: int) -> list[bool]:
    """For each pair of digits: within a point of backprop clean, and not below it by more than that
    under FGSM at 12/255.
    """
    found = []
    for a in range(10):
        for b in range(a + 1, 10):
            one, twin = (
                next(
                    some
                    for some in runs(evidence, PAIRS, {**rule, "dataset.classes": [a, b]})
                    if some.run.seed == seed
                )
                for rule in (STDP, BACKPROP)
            )
            clean = accuracy(one) - accuracy(twin)
            attacked = under("fgsm", EPS[-1])(one) - under("fgsm", EPS[-1])(twin)
            found.append(abs(clean) <= 0.01 and attacked >= -0.01)
    return found


def share_alike(evidence: Evidence) -> list[float]:
    """Share of the 45 pairs that behave alike, seed by seed."""
    return [
        float(np.mean(alike(evidence, seed)))
        for seed in sorted({one.run.seed for one in evidence[PAIRS]})
    ]


# Curves over training.


def curves(trained: Trained) -> tuple[dict[int, float], dict[int, float]]:
    """Accuracy on all training and on all test examples at every snapshot."""
    data, found = trained.dataset, []
    apply = _apply(data.shape, tuple(trained.run.config["model"]["hidden"]), data.n_classes)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        images = as_float(jnp.asarray(x))
        found.append(
            {
                step: float(np.mean(np.asarray(apply(params, images)).argmax(axis=1) == y))
                for step, params in snapshots(trained).items()
            }
        )
    train, test = found
    return train, test


def per_epoch(trained: Trained) -> float:
    """Steps of one epoch."""
    return len(trained.dataset.y_train) / int(trained.run.config["stages"][0]["batch_size"])


def recorded(trained: Trained, name: str) -> dict[int, float]:
    """A metric of every record."""
    return {record["step"]: record[name] for record in trained.run.metrics}


def early(share: float) -> Number:
    """Mean training accuracy of the first share of training."""

    def value(trained: Trained) -> float:
        found = recorded(trained, "train_accuracy")
        return float(
            np.mean(
                [
                    right
                    for step, right in found.items()
                    if step <= max(share * max(found), min(found))
                ]
            )
        )

    return value


def peak(trained: Trained) -> float:
    """Largest change of a weight that the rule ever asked for in one step."""
    return max(recorded(trained, "peak_update").values())


# Associations.


def signs(trained: Trained) -> dict[int, Float[np.ndarray, "classes units"]]:
    """At every snapshot: Z of all hidden units as the weights propagate them, of y = 0 and y = 1."""
    found = {}
    for step, params in snapshots(trained).items():
        z = propagated(of_outputs(1), jax.tree.map(jnp.asarray, params))
        found[step] = np.concatenate(
            [np.asarray(z[number]) for number in sorted(z, key=int)[:-1]], axis=1
        )
    return found


def settled(trained: Trained) -> float:
    """Share of the hidden units whose propagated Z is the same in the second half of training as at
    its end.
    """
    found = signs(trained)
    late = np.stack([z[1] for step, z in found.items() if step >= max(found) / 2])
    return float((late == late[-1]).all(axis=0).mean())


def positive(trained: Trained) -> float:
    """Share of the hidden units whose propagated Z is +1 at the end, for y = 1."""
    found = signs(trained)
    return float((found[max(found)][1] > 0).mean())


def kept(trained: Trained) -> float:
    """Share of the hidden units whose propagated Z at the end is that of the initial weights."""
    found = signs(trained)
    return float((found[max(found)][1] == found[0][1]).mean())


def flipped(trained: Trained) -> float:
    """Share of the hidden units whose propagated Z has the other sign for the other label, at every
    snapshot.
    """
    return float(np.mean([(z[0] == -z[1]).mean() for z in signs(trained).values()]))


def fixed_set(trained: Trained) -> float:
    """The smallest of three margins: nine tenths settled, 0.35 to 0.65 positive, and nine tenths
    flipped.
    """
    return min(settled(trained) - 0.9, 0.15 - abs(positive(trained) - 0.5), flipped(trained) - 0.9)


def asymmetry() -> float:
    """log10 |dW(dT)| - log10 |dW(-dT)|: that of eq. 6 or minus that of eq. 5, whichever is smaller,
    least over dT of 0.05 to 0.95 T_pre.
    """
    dt = np.linspace(0.05, 0.95, 19)
    six, five = (np.log10(np.abs(curve(1.0, dt) / curve(1.0, -dt))) for curve in (eq6, eq5))
    return float(min(six.min(), (-five).min()))
