"""What the measures of the STDP paper say of small runs: by seed, by draw, by pair."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import jax
import numpy as np
import pytest

from bioexp.config.reading import load
from bioexp.papers.measuring import accuracy, predictions, snapshots
from bioexp.papers.stdp_rule import PAPER
from bioexp.papers.stdp_rule.curve import BEYOND, NEAR, asymmetry, of_eq6, power
from bioexp.papers.stdp_rule.figures import LINES
from bioexp.papers.stdp_rule.measures import (
    ALL_PAIRS,
    DEPTHS,
    IRIS_PAIRS,
    MNIST_PAIRS,
    Pair,
    by_draw,
    of_shared_seeds,
    on,
    twins,
    variant,
)
from bioexp.papers.stdp_rule.progress import (
    curves,
    epochs_to,
    flipped,
    kept,
    per_epoch,
    positive,
    reached,
    recorded,
    settled,
    signs,
    sooner,
    track,
    units,
)
from bioexp.papers.stdp_rule.survival import against_eps, equivalent, survived, won
from bioexp.papers.stdp_rule.twins import (
    at_best,
    nearest,
    on_training,
    share_right,
    shuffled,
    stopped,
    untrained,
)
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
    pairs = twins(turned, "propagated", "backprop", ZERO_ONE)
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


def test_measures_with_different_seeds_meet_in_those_that_all_have():
    first, second = (lambda evidence: {1: 0.1, 0: 0.4}), (lambda evidence: {0: 0.2, 1: 0.3, 2: 9})
    assert of_shared_seeds(first, second)({}) == {1: pytest.approx(0.2), 0: pytest.approx(0.3)}


def test_a_stopped_twin_is_as_accurate_in_training_as_its_net_as_nearly_as_snapshots_allow(
    evidence,
):
    pairs = twins(evidence, "propagated", "backprop", ZERO_ONE)
    for twin, (ours, theirs) in zip(
        stopped("propagated")(evidence, ZERO_ONE), pairs.values(), strict=True
    ):
        target = on_training(ours, ours.params)
        apart = [abs(on_training(theirs, kept) - target) for kept in snapshots(theirs).values()]
        assert abs(on_training(twin, twin.params) - target) == min(apart)
        assert (twin.seed, twin.experiment.variant) == (theirs.seed, theirs.experiment.variant)


def test_a_net_stopped_at_the_accuracy_it_ends_with_is_at_its_first_such_snapshot(evidence):
    net = evidence["stdp_iris"][-1]
    twin = nearest(net, on_training(net, net.params))
    assert on_training(twin, twin.params) == on_training(net, net.params)
    assert accuracy(nearest(net, 1.0)) == accuracy(at_best("backprop")(evidence, ZERO_ONE)[-1])


def test_the_accuracy_of_a_net_that_was_stopped_is_that_of_its_own_weights(evidence):
    """Clean accuracy under attack, and the one its summary tells."""
    for twin in stopped("propagated")(evidence, ZERO_ONE):
        assert survived(twin, "fgsm", (0.0,))[0] == pytest.approx(accuracy(twin))


def test_nets_before_training_and_with_shuffled_labels_are_scored_by_their_own(evidence):
    net = evidence["stdp_iris"][-1]
    data, begun = net.dataset, net.model.init(jax.random.key(net.seed))
    assert untrained(net) == share_right(net, begun, data.x_test, data.y_test)
    right = predictions(net) == np.random.default_rng(net.seed).permutation(data.y_test)
    assert shuffled(net) == pytest.approx(right.mean())


def test_pairs_are_alike_where_their_joint_intervals_lie_within_a_point():
    """One clear, one far, one that its interval leaves open."""
    near, far, wide = [0.001, 0.0012, 0.0011], [0.2, 0.21, 0.19], [0.0, 0.009, 0.02]
    assert equivalent([near, far, wide]) == 1
    assert equivalent([near] * 45) == 45
    assert equivalent([[0.004, 0.0, -0.002]]) == 1
    assert equivalent([[0.004, 0.0, -0.002]] * 45) == 0  # asked so often, three seeds are too few


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


def test_epochs_are_counted_to_the_first_record_with_an_accuracy_or_to_the_end(evidence):
    net = evidence["stdp_iris"][-1]
    right = recorded(net, "train_accuracy")
    assert list(right) == [10, 20, 30, 40]
    assert epochs_to(0.0)(net) == 5
    assert epochs_to(right[20])(net) == min(s for s in right if right[s] >= right[20]) / 2
    assert epochs_to(1.1)(net) == 20
    assert (reached(0.0)(net), reached(1.1)(net)) == (1, 0)


def test_a_rule_saves_nothing_over_itself(evidence):
    fixed = [
        replace(net, experiment=replace(net.experiment, variant=net.experiment.variant | own))
        for net in variant(evidence, "backprop", ZERO_ONE)
        for own in ({}, {"rule": "stable"})
    ]
    assert sooner("backprop", (ZERO_ONE,))({"stdp_iris": fixed}) == {0: 0, 1: 0}


def test_an_epoch_of_iris_has_two_steps_of_40_flowers(evidence):
    assert per_epoch(evidence["stdp_iris"][0]) == 2


def grid(**axes):
    """Every combination of these axes, as variants are named."""
    return {frozenset(zip(axes, names, strict=True)) for names in product(*axes.values())}


TWO, BOTH = ("stable", "backprop"), ("mnist", "fashion_mnist")
ASKED = {
    "stdp_mnist": grid(
        rule=[*(LINES.keys() - {"flat", "stopped"}), "no_hidden", "output_alone", "top_two"],
        pair=[pair.name for pair in MNIST_PAIRS],
    ),
    "stdp_iris": grid(
        rule=LINES.keys() - {"decayed", "stopped", "product"},
        pair=[pair.name for pair in IRIS_PAIRS],
        draw="01",
    ),
    "stdp_pairs": grid(rule=TWO, pair=[pair.name for pair in ALL_PAIRS]),
    "stdp_iris_splits": grid(pair=["0-2", "1-2"], split=["even", "random"], draw="01234567"),
    "stdp_ladder": grid(rule=[*TWO, "early"]),
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


def test_the_power_of_a_change_is_the_slope_of_its_logarithm():
    assert power(lambda dt: 3 * dt**-1, NEAR) == pytest.approx(-1)
    assert power(lambda dt: -(dt**2), NEAR) == pytest.approx(2)
    assert power(of_eq6, NEAR) > 1
    assert power(of_eq6, 1000 * BEYOND) == pytest.approx(-1, abs=0.01)
