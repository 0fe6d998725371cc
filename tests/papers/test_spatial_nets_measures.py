"""Spatial networks: splits, regions and comparisons on nets made by hand, whose answer is known."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from made import made, stage

from bioexp.datasets import DATASETS
from bioexp.measures.estimators import Estimate
from bioexp.papers.measuring import each, seed_by_seed
from bioexp.papers.paper import Numbers
from bioexp.papers.spatial_nets import measures
from bioexp.papers.spatial_nets.measures import (
    DROP,
    NETS,
    SPLIT,
    above,
    below,
    doublings,
    gained,
    no,
    one_of,
    one_task,
    over_runs,
    pooled,
    succeeds,
)
from bioexp.papers.spatial_nets.model import greedy, spatial_net
from bioexp.papers.spatial_nets.regions import (
    by_chance,
    by_permuted_groups,
    connections,
    crossing,
    crossing_into,
    free_weight,
    layer_mean,
    mean_share_between,
    planes,
    purity,
    share_between,
    silhouette,
    sorting,
)
from bioexp.papers.spatial_nets.splits import Scores, scores, spectral
from bioexp.papers.spatial_nets.table_claims import TABLE_CLAIMS
from bioexp.types import UserError

SHAPE, CLASSES, HIDDEN = (3, 4), 4, (5, 6, 7, 8)
RNG = np.random.default_rng(0)


def params(seed=0):
    return spatial_net(SHAPE, CLASSES, hidden=HIDDEN).init(jax.random.key(seed))


def separated():
    """A net of two parts that share no weight in the split layers."""
    weights = jax.tree.map(np.array, params())
    halves = {
        n: np.arange(len(layer["b"])) >= len(layer["b"]) // 2
        for n, layer in weights["layers"].items()
    }
    for n in ("3", "4"):
        weights["layers"][n]["w"] = np.where(
            halves[n][:, None] == halves[str(int(n) - 1)][None], weights["layers"][n]["w"] + 3, 0
        )
    return weights, {int(n): half.astype(int) for n, half in halves.items() if int(n) >= 2}


def test_both_splits_find_two_parts_that_share_no_weight():
    weights, parts = separated()
    for groups in (greedy(weights, 2), spectral(weights, 2)):
        for number, group in groups.items():
            np.testing.assert_array_equal(group, parts[number])
    assert crossing(weights, parts, 3) == 0


def trained(weights, path, **about):
    """A net of two heads with these weights on made images, as claims see it."""
    data = DATASETS["concatenation"](
        None,
        of=tuple({"name": "blobs", "features": (3, 2), "classes": 2, "seed": s} for s in range(2)),
    )
    return made(
        network=spatial_net(SHAPE, CLASSES, hidden=HIDDEN),
        params=weights,
        dataset=data,
        stages=(stage(objective={"name": "spatial_cross_entropy", "heads": 2}),),
        tasks=(0.5, 0.5),
        path=path,
        **about,
    )


def lively(weights):
    """The same net with drives around 0, so that its answers depend on the image."""
    layers = {
        number: layer | {"w": 20 * layer["w"], "b": -10 * layer["w"].sum(axis=1)}
        for number, layer in weights["layers"].items()
    }
    return {"layers": layers}


def test_a_net_of_two_parts_loses_nothing_by_the_split_and_an_ordinary_one_does(tmp_path):
    of_parts = scores(trained(lively(separated()[0]), tmp_path / "parts"))
    np.testing.assert_array_equal(of_parts.drop, 0)
    np.testing.assert_array_equal(of_parts.silent, of_parts.full)
    ordinary = scores(trained(lively(params()), tmp_path / "ordinary"))
    assert (ordinary.drop != 0).all()
    assert (ordinary.silent != ordinary.split).any()


def test_a_net_whose_labels_or_weights_were_changed_is_scored_anew(tmp_path):
    net = trained(lively(params()), tmp_path)
    before = scores(net).full
    data = replace(net.dataset, y_test=net.dataset.y_test[::-1])
    assert (scores(replace(net, dataset=data)).full != before).any()
    assert (scores(replace(net, params=lively(params(seed=1)))).full != before).any()
    np.testing.assert_array_equal(scores(net).full, before)


def test_a_task_that_is_left_without_neurons_is_a_number_and_not_nan(tmp_path):
    weights = jax.tree.map(np.array, params())
    weights["layers"]["4"]["w"][2:] = 0  # no neuron leads to the second task
    assert all(np.isfinite(own).all() for own in scores(trained(weights, tmp_path)))
    alone = greedy(weights, 2)
    assert set(alone[3]) == {0}
    position = weights["layers"]["3"]["p"]
    assert (silhouette(position, alone[3]), purity(position, alone[3])) == (0, 1)
    assert sorting(position, alone[3]) == 0  # pure as chance has it, which shows no two clusters


def test_clusters_far_apart_are_pure_and_mingled_ones_are_not():
    first = RNG.normal(size=(30, 2))
    position, group = np.concatenate([first, first + 20]), np.repeat([0, 1], 30)
    assert purity(position, group) == 1
    assert silhouette(position, group) > 0.8
    mingled = RNG.permutation(group)
    assert purity(position, mingled) < 0.75
    assert silhouette(position, mingled) < 0.1
    assert sorting(position, group) == 1
    assert abs(sorting(position, mingled)) < 0.4


@pytest.mark.parametrize("of_first", [10, 50])
def test_groups_dealt_out_at_random_are_as_pure_as_chance_has_it(of_first):
    n, p = 100, of_first / 100
    group = (np.arange(n) >= of_first).astype(int)
    assert by_chance(group) == pytest.approx(p**2 + (1 - p) ** 2, abs=0.01)
    position, rng = RNG.normal(size=(n, 2)), np.random.default_rng(3)
    dealt_out = [rng.permutation(group) for _ in range(400)]
    assert np.mean([purity(position, own) for own in dealt_out]) == pytest.approx(
        by_chance(group), abs=0.01
    )
    assert np.mean([sorting(position, own) for own in dealt_out]) == pytest.approx(0, abs=0.03)


def test_permuted_groups_cross_as_often_as_chance_has_it(tmp_path):
    net = trained(separated()[0], tmp_path)
    crossed = by_permuted_groups(crossing_into(3))(net)
    assert share_between(3)(net) == 0
    assert 0.3 < crossed < 0.7  # of two halves one half
    assert crossed == by_permuted_groups(crossing_into(3))(net)


def test_a_split_succeeds_where_both_tasks_are_right_and_not_where_one_is(monkeypatch):
    rights = {"both": [0.9, 0.7], "one": [1.0, 0.5]}
    monkeypatch.setattr(measures, "scores", lambda of, way: Scores(*[np.array(rights[of])] * 3))
    assert [succeeds("spectral")(of) for of in ("both", "one")] == [1, 0]


def test_all_outputs_in_one_group_are_told_from_outputs_in_two(monkeypatch):
    monkeypatch.setattr(measures, "split", lambda of, way: {4: np.array(of)})
    assert [one_task("activity")(outputs) for outputs in ([1, 1, 1], [0, 1, 1])] == [1, 0]


def test_what_is_drawn_of_a_layer_is_what_is_measured(tmp_path):
    net = trained(separated()[0], tmp_path)
    layers = planes(net)
    assert list(layers) == [2, 3, 4]
    for number, layer in layers.items():
        alive = len(layer.group) if number == 4 else layer.live
        assert layer.live == alive <= len(layer.position)
    assert mean_share_between(net) == share_between(3)(net) == share_between(4)(net) == 0
    assert layer_mean("purity")(net) == np.mean([layer.purity for layer in layers.values()])
    assert layer_mean("length")(net) == np.mean([layer.length for layer in layers.values()])
    strong = connections(net, 3)
    assert set(strong.group) == {0, 1}  # none between the groups
    w = np.abs(net.params["layers"]["3"]["w"])
    shown = np.outer(layers[3].shown, layers[2].shown)
    assert len(strong.here) == len(strong.below) == ((w > 0.01) & shown).sum()


def nets(values):
    """Made runs of every mode and both kinds of nets, with these accuracies by seed."""
    return {
        mode: [
            made(name=mode, variant={"net": net}, seed=seed, accuracy=value)
            for net in NETS
            for seed, value in values[mode, net].items()
        ]
        for mode in SPLIT
    }


def accuracy(trained):
    return trained.run.summary.test_accuracy


def test_kinds_of_nets_are_compared_seed_by_seed_in_whatever_order_they_come():
    cells = {(mode, net): {0: 0.5, 1: 0.6} for mode in SPLIT for net in NETS}
    cells["spatial_nets_mixing", "spatial"] = {1: 0.9, 0: 0.6}
    evidence = nets(cells)
    gain = gained(accuracy, "spatial_nets_mixing")
    assert gain(evidence) == {0: pytest.approx(0.1), 1: pytest.approx(0.3)}
    both = seed_by_seed(max, gain, each("spatial_nets_sequential", accuracy, net="regular"))
    assert both(evidence) == {0: 0.5, 1: 0.6}
    evidence["spatial_nets_mixing"] = evidence["spatial_nets_mixing"][1:]
    with pytest.raises(UserError, match="seed 1"):
        gain(evidence)


def test_weights_that_cost_nothing_are_compared_with_the_regular_twin_of_the_same_seed():
    def net(kind, seed, scale):
        layers = {number: {"w": np.full((2, 2), scale)} for number in "01"}
        return made(variant={"net": kind}, seed=seed, params={"layers": layers})

    evidence = {
        "mode": [
            *(net("spatial", seed, scale) for seed, scale in ((0, 2.0), (1, 8.0))),
            *(net("regular", seed, scale) for seed, scale in ((1, 4.0), (0, 0.5))),
        ]
    }
    assert doublings(free_weight, "mode")(evidence) == {0: pytest.approx(2), 1: pytest.approx(1)}


def test_a_cell_is_pooled_over_runs_and_tasks_as_the_paper_seems_to_do(tmp_path):
    first, second = (
        trained(weights, tmp_path / str(seed), variant={"net": "spatial"}, seed=seed)
        for seed, weights in enumerate((lively(separated()[0]), lively(params(seed=1))))
    )
    evidence = {"mode": [first, second]}
    of_both = np.stack([scores(first).split, scores(second).split])
    assert of_both.mean(axis=1).std() > 0  # else no mistake would show
    own = (evidence, "mode", "spatial")
    assert pooled(*own, "split") == (pytest.approx(of_both.mean()), pytest.approx(of_both.std()))
    low, high = over_runs(*own, "split")
    assert low < of_both.mean() < high
    assert (low + high) / 2 == pytest.approx(of_both.mean())
    alone = {"mode": [first]}
    assert over_runs(alone, "mode", "spatial", "split") is None
    assert pooled(alone, "mode", "spatial", "drop") == (0, 0)


def test_every_cell_of_table_1_is_judged_once_against_its_own_deviation():
    for claim, cells in zip(TABLE_CLAIMS, (SPLIT, DROP), strict=False):
        judged = [(claim.expected, claim.accepted)]
        judged += [(part.expected, part.accepted) for part in claim.parts]
        printed = [cell for of_nets in cells.values() for cell in of_nets.values()]
        bars = [(mean, (mean - std, mean + std)) for mean, std in printed]
        assert sorted(judged) == sorted(bars)


def test_a_note_is_made_where_the_whole_interval_says_so():
    numbers = Numbers(
        "undecided",
        None,
        {
            "high": Estimate(2.0, 1.0, 3.0, ""),
            "wide": Estimate(2.0, -1.0, 5.0, ""),
            "single": Estimate(2.0, None, None, ""),
        },
    )
    assert [above(name)(numbers) for name in numbers.named] == [True, False, False]
    assert [below(name, 4.0)(numbers) for name in numbers.named] == [True, False, False]
    assert one_of(above("wide"), above("high"))(numbers)
    assert no(above("wide"), below("wide"))(numbers)
