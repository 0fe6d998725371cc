"""What the measures of the STDP paper say of small runs: by seed, by draw, by pair."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bioexp.config.reading import load
from bioexp.papers.measuring import accuracy, seed_by_seed
from bioexp.papers.stdp_rule import PAPER
from bioexp.papers.stdp_rule.figures import LINES
from bioexp.papers.stdp_rule.measures import (
    ALL_PAIRS,
    DEPTHS,
    IRIS_PAIRS,
    MNIST_PAIRS,
    Pair,
    asymmetry,
    by_draw,
    on,
    variant,
)
from bioexp.papers.stdp_rule.progress import (
    curves,
    early,
    flipped,
    kept,
    per_epoch,
    positive,
    recorded,
    settled,
    signs,
    track,
    units,
)
from bioexp.papers.stdp_rule.survival import against_eps, beside, survived, won
from bioexp.runs.nets import trained
from bioexp.runs.train import train
from bioexp.runs.workspace import Workspace
from bioexp.types import UserError

CONFIGS = Path(__file__).parents[2] / "configs"

SMALL = """\
name: stdp_iris
dataset: {name: iris, classes: [0, 1], draw: 0}
model: {name: stdp_net, hidden: [6, 4], descent: 0.5}
stages:
  - rule: {name: stdp, eps: 0.1}
    optimizer: {name: adam, learning_rate: 0.01}
    batch_size: 40
    steps: 40
    record_every: 10
snapshots: [0, 20, 40]
axes:
  rule:
    propagated: {stages.0.rule: {name: stdp, eps: 0.1, associations: propagated}}
    backprop: {stages.0.rule: backprop}
  pair: {dataset.classes: [[0, 1]]}
  draw: {dataset.draw: [0, 1]}
"""
ZERO_ONE = Pair("stdp_iris", "0-1")


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stdp")
    (folder / "small.yaml").write_text(SMALL)
    runs = [
        run
        for experiment in load(folder / "small.yaml")
        for run in train(experiment, Workspace(folder), seeds=[0, 1])
    ]
    return {"stdp_iris": list(trained(runs, None))}


def test_a_rule_on_a_pair_has_one_net_a_seed_and_draw(evidence):
    nets = variant(evidence, "backprop", ZERO_ONE)
    assert [(net.seed, net.experiment.variant["draw"]) for net in nets] == [
        (0, "0"),
        (1, "0"),
        (0, "1"),
        (1, "1"),
    ]
    assert {net.experiment.stages[0].rule.name for net in nets} == {"backprop"}
    with pytest.raises(UserError, match="stdp_iris: has no runs of"):
        variant(evidence, "stable", ZERO_ONE)


def test_the_value_of_a_seed_is_the_mean_over_its_draws_in_whatever_order_they_come(evidence):
    def number(net):
        return 10 * net.seed + int(net.experiment.variant["draw"])

    expected = {0: 0.5, 1: 10.5}
    assert on("backprop", ZERO_ONE, number)(evidence) == expected
    turned = {"stdp_iris": evidence["stdp_iris"][::-1]}
    assert on("backprop", ZERO_ONE, number)(turned) == expected


def test_a_draw_that_a_seed_lacks_or_has_twice_is_an_error(evidence):
    nets = variant(evidence, "backprop", ZERO_ONE)
    with pytest.raises(UserError, match="seed 1 has no run of draw 1"):
        on("backprop", ZERO_ONE)({"stdp_iris": nets[:-1]})
    with pytest.raises(UserError, match="several runs of a seed and a draw"):
        by_draw(evidence["stdp_iris"])


def test_twins_are_compared_seed_by_seed_and_draw_by_draw(evidence):
    backprop = variant(evidence, "backprop", ZERO_ONE)
    turned = {"stdp_iris": [*variant(evidence, "propagated", ZERO_ONE), *backprop[::-1]]}
    pairs = beside(turned, "propagated", "backprop", ZERO_ONE)
    assert list(pairs) == [(0, "0"), (1, "0"), (0, "1"), (1, "1")]
    for (seed, draw), nets in pairs.items():
        assert all((net.seed, net.experiment.variant["draw"]) == (seed, draw) for net in nets)
    shares = won("propagated", (ZERO_ONE,))
    assert shares(turned) == shares(evidence)
    assert won("backprop", (ZERO_ONE,))(evidence) == {
        seed: pytest.approx(1 - share) for seed, share in shares(evidence).items()
    }
    with pytest.raises(UserError, match="only one has every run of seed 1"):
        shares({"stdp_iris": turned["stdp_iris"][:4] + backprop[:3]})


def test_the_lag_of_a_seed_is_that_of_its_worst_pair():
    first, second = (lambda evidence: {1: 0.1, 0: 0.4}), (lambda evidence: {0: 0.2, 1: 0.3})
    assert seed_by_seed(max, first, second)({}) == {1: 0.3, 0: 0.4}
    with pytest.raises(UserError, match="seed 1 is missing from one of the experiments"):
        seed_by_seed(max, first, lambda evidence: {0: 0.2})({})


def test_a_pair_is_called_by_its_classes():
    assert ZERO_ONE.classes == (0, 1)
    assert ZERO_ONE.title == "IRIS 0 vs 1"
    assert ALL_PAIRS[-1].title == "MNIST 8 vs 9"
    assert len(set(ALL_PAIRS)) == 45


def test_propagated_signs_are_counted_from_the_snapshots(evidence):
    net = evidence["stdp_iris"][0]
    z = signs(net)
    assert list(z) == [0, 20, 40]
    assert z[40].shape == (2, 10)
    assert settled(net) == pytest.approx((z[20][1] == z[40][1]).mean())
    assert positive(net) == pytest.approx((z[40][1] == 1).mean())
    assert kept(net) == pytest.approx((z[0][1] == z[40][1]).mean())
    assert flipped(net) == 1


def test_the_track_of_the_signs_ends_where_the_numbers_are(evidence):
    net = evidence["stdp_iris"][0]
    same, above = track(net)
    assert list(same) == list(above) == [0, 50, 100]
    assert (same[0], same[100]) == (kept(net), 1)
    assert above[100] == positive(net)


def test_units_have_the_associations_their_rule_began_with(evidence):
    net = units(variant(evidence, "propagated", ZERO_ONE)[0])
    assert (
        [z.shape for z in net.z] == [rates.shape for rates in net.rates] == [(2, 6), (2, 4), (2, 1)]
    )
    assert [w.shape for w in net.weights] == [(6, 4), (4, 6), (1, 4)]
    assert net.images == [10, 10]
    assert all(0 < rates.min() < rates.max() < 1 for rates in net.rates)
    np.testing.assert_array_equal(net.z[-1], [[-1], [1]])


def test_accuracy_under_attack_falls_with_eps_and_starts_at_the_test_accuracy(evidence):
    net = evidence["stdp_iris"][-1]
    left = survived(net, "fgsm", (0.0, 0.1, 1.0))
    assert left[0] == accuracy(net)
    assert list(left) == sorted(left, reverse=True)
    np.testing.assert_array_equal(against_eps([net], "fgsm", (0.1, 1.0)), [left])


def test_the_curve_of_accuracy_ends_at_the_test_accuracy(evidence):
    net = evidence["stdp_iris"][-1]
    assert curves(net).test[40] == pytest.approx(accuracy(net))


def test_the_first_tenth_of_training_has_at_least_its_first_record(evidence):
    net = evidence["stdp_iris"][0]
    right = recorded(net, "train_accuracy")
    assert list(right) == [10, 20, 30, 40]
    assert early(0.1)(net) == right[10]
    assert early(0.5)(net) == pytest.approx((right[10] + right[20]) / 2)


def test_an_epoch_of_iris_has_two_steps_of_40_flowers(evidence):
    assert per_epoch(evidence["stdp_iris"][0]) == 2


def grid(**axes):
    """Every combination of these axes, as variants are named."""
    return {frozenset(zip(axes, names, strict=True)) for names in product(*axes.values())}


TWO, BOTH = ("stable", "backprop"), ("mnist", "fashion_mnist")
ASKED = {
    "stdp_mnist": grid(
        rule=[*(LINES.keys() - {"flat"}), "no_hidden"], pair=[pair.name for pair in MNIST_PAIRS]
    ),
    "stdp_iris": grid(
        rule=LINES.keys() - {"decayed"}, pair=[pair.name for pair in IRIS_PAIRS], draw="01"
    ),
    "stdp_pairs": grid(rule=TWO, pair=[pair.name for pair in ALL_PAIRS]),
    "stdp_iris_splits": grid(pair=["0-2", "1-2"], split=["even", "random"], draw="01234567"),
    "stdp_ladder": grid(rule=TWO),
    "stdp_multiclass": grid(dataset=BOTH, rule=TWO, depth=DEPTHS),
    "stdp_codes": grid(dataset=BOTH, associations=["halves", "unbalanced"]),
}


@pytest.mark.parametrize("config", PAPER.study.configs)
def test_variants_have_the_names_that_measures_ask_for(config):
    read = load(CONFIGS / f"{config}.yaml")
    (name,) = {experiment.name for experiment in read}
    assert {frozenset(experiment.variant.items()) for experiment in read} == ASKED[name]


def test_equation_6_has_the_asymmetry_that_is_claimed():
    assert asymmetry() == pytest.approx(2 * np.log10(1.05 / 0.95))
