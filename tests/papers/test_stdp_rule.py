"""The STDP rule again: sample by sample in NumPy, as identities, and what must not matter to a
local rule.
"""

from itertools import product
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.config.reading import load
from bioexp.datasets import DATASETS
from bioexp.objectives import cross_entropy
from bioexp.optimizers import PROJECTIONS
from bioexp.papers.measuring import accuracy
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
    together,
    variant,
)
from bioexp.papers.stdp_rule.model import (
    balanced,
    codes,
    eq4,
    eq5,
    eq6,
    eq7,
    of_outputs,
    propagated,
    stdp,
    stdp_net,
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
from bioexp.types import Batch, UserError

CONFIGS = Path(__file__).parents[2] / "configs"
RNG = np.random.default_rng(0)
X = RNG.random((7, 5)).astype(np.float32)


def begun(classes=2, hidden=(6, 4), descent=0.5, seed=0, **options):
    model = stdp_net((5,), classes, hidden=hidden, descent=descent)
    rule, params = stdp(model, cross_entropy(), **options), model.init(jax.random.key(seed))
    batch = Batch(jnp.asarray(X), jnp.arange(7, dtype=jnp.int32) % classes)
    return model, rule, params, batch, rule.init(jax.random.key(1), params, batch, 7)


def sample_by_sample(params, z, x, y, eps, form):
    """Eq. 3 as a person would write it down: every image, every synapse, in double precision."""
    layers = [params["layers"][number] for number in sorted(params["layers"], key=int)]
    change = [
        {"w": np.zeros(np.shape(layer["w"])), "b": np.zeros(np.shape(layer["b"]))}
        for layer in layers
    ]
    for image, label in zip(x.astype(np.float64), y, strict=True):
        pre = image
        for number, layer in enumerate(layers):
            w, b = np.asarray(layer["w"], np.float64), np.asarray(layer["b"], np.float64)
            post = np.zeros(len(w))
            for j in range(len(w)):
                p = post[j] = 1 / (
                    1 + np.exp(-(sum(w[j, i] * pre[i] for i in range(len(pre))) + b[j]))
                )
                wants = float(z[str(number)][label, j]) / len(x)
                for i, rate in enumerate([*pre, 1.0]):
                    r = (
                        rate * p * (rate - p)
                        if form == "product"
                        else rate**3 * p * (rate - p) / ((2 * p - rate) ** 2 + eps)
                    )
                    if i < len(pre):
                        change[number]["w"][j, i] += wants * r
                    else:
                        change[number]["b"][j] += wants * r
            pre = post
    return change


@pytest.mark.parametrize(
    ("classes", "eps", "form"), [(2, 0.1, "quotient"), (2, 1e-9, "product"), (4, 0.1, "quotient")]
)
def test_a_step_is_equation_3_sample_by_sample(classes, eps, form):
    _, rule, params, batch, state = begun(classes, eps=eps, form=form)
    learned = rule.update(params, state, batch, jax.random.key(2))
    for number, expected in enumerate(
        sample_by_sample(params, state.z, X, np.asarray(batch.y), eps, form)
    ):
        for name, values in expected.items():
            np.testing.assert_allclose(
                -np.asarray(learned.direction["layers"][str(number)][name]), values, atol=1e-6
            )


def test_the_printed_eps_is_equation_3_too_where_the_quotient_is_not_singular():
    with jax.enable_x64(True):
        _, rule, params, batch, state = begun(eps=1e-9)
        params = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), params)
        learned = rule.update(
            params, state, Batch(batch.x.astype(jnp.float64), batch.y), jax.random.key(2)
        )
    for number, expected in enumerate(
        sample_by_sample(params, state.z, X, np.asarray(batch.y), 1e-9, "quotient")
    ):
        np.testing.assert_allclose(
            -np.asarray(learned.direction["layers"][str(number)]["w"]),
            expected["w"],
            rtol=1e-5,
            atol=1e-6,
        )


def test_equation_5_is_equation_4_and_equation_6_is_equation_7():
    x, p = RNG.uniform(0.05, 1, 1000), RNG.uniform(0.05, 1, 1000)
    t_pre, dt = 1 / x, 1 / p - 1 / x
    np.testing.assert_allclose(eq5(t_pre, dt), eq4(x, p), rtol=1e-9)
    np.testing.assert_allclose(eq6(t_pre, dt), eq7(x, p), rtol=1e-6)


def test_equation_6_is_equation_5_mirrored():
    t_pre, dt = RNG.uniform(1, 5, 100), RNG.uniform(-0.9, 0.9, 100)
    np.testing.assert_allclose(eq6(t_pre, dt), -eq5(t_pre, -dt))


@pytest.mark.parametrize(
    ("associations", "local"), [("balanced", True), ("codes", True), ("propagated", False)]
)
def test_no_layer_depends_on_the_weights_of_a_later_one_unless_z_is_propagated(associations, local):
    _, rule, params, batch, state = begun(associations=associations, eps=0.1)
    before = rule.update(params, state, batch, jax.random.key(2)).direction["layers"]
    for later in (1, 2):
        others = {
            "layers": {
                k: jax.tree.map(lambda w: -2 * w, v) if int(k) == later else v
                for k, v in params["layers"].items()
            }
        }
        after = rule.update(others, state, batch, jax.random.key(2)).direction["layers"]
        same = all((before[str(k)]["w"] == after[str(k)]["w"]).all() for k in range(later))
        assert same == local


def test_two_logits_of_one_unit_have_the_binary_cross_entropy():
    model, _, params, batch, _ = begun()
    logits, layers = model.apply(params, batch.x)
    p = 1 / (1 + np.exp(-np.asarray(layers[-1].u, np.float64)[:, 0]))
    y = np.asarray(batch.y)
    np.testing.assert_allclose(
        cross_entropy().per_example(logits, batch.y), -np.log(np.where(y == 1, p, 1 - p)), rtol=1e-5
    )


@pytest.mark.parametrize("units", [1, 7, 32])
def test_half_of_the_fixed_associations_are_positive_and_all_flip_with_the_label(units):
    z = np.asarray(balanced(of_outputs(1), units, jax.random.key(0)))
    assert (z[1] > 0).sum() == (units + 1) // 2  # the odd one out is positive
    np.testing.assert_array_equal(z[0], -z[1])


def test_of_many_classes_every_unit_is_wanted_as_much_as_not():
    for z in (
        of_outputs(10),
        balanced(of_outputs(10), 60, jax.random.key(0)),
        codes(of_outputs(10), 60, jax.random.key(0)),
    ):
        np.testing.assert_allclose(np.asarray(z).sum(axis=0), 0, atol=1e-6)
    assert np.asarray(of_outputs(10, 1.0)).sum() == -80


def test_propagated_associations_are_signs_of_paths_to_the_output():
    _, _, params, _, _ = begun()
    w = [np.asarray(params["layers"][number]["w"]) for number in "012"]
    z = propagated(of_outputs(1), params)
    top = np.sign(w[2][0])
    np.testing.assert_array_equal(z["1"][1], top)
    np.testing.assert_array_equal(z["0"][1], np.sign(top @ w[1]))
    np.testing.assert_array_equal(z["0"][0], -z["0"][1])


def test_the_printed_eps_lets_single_updates_explode():
    """x = 2p = 1: the quotient is 1/4 over eps."""
    assert eq7(1.0, 0.5, 1e-9) == pytest.approx(0.25e9)
    assert abs(eq7(RNG.random(10000), RNG.random(10000), 0.1)).max() < 5


def test_biases_start_lower_layer_by_layer():
    params = stdp_net((5,), 2, hidden=(6, 4), descent=0.5).init(jax.random.key(0))
    assert [float(params["layers"][number]["b"][0]) for number in "012"] == [0.0, -0.5, -1.0]


def test_what_the_rule_observes_starts_anew_at_every_record():
    _, rule, params, batch, state = begun(eps=0.1)
    learned = rule.update(params, state, batch, jax.random.key(2))
    seen, again = rule.observe(params, learned.state)
    largest = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(learned.direction))
    assert float(seen["peak_update"]) == pytest.approx(largest)
    assert float(seen["second_moment"]) == pytest.approx(0.001 * largest**2, rel=1e-4)
    assert float(again.peak) == 0


def test_a_drawn_split_of_iris_is_balanced_or_of_whatever_was_dealt():
    even = DATASETS["iris"](None, classes=(0, 2), draw=3)
    assert np.bincount(even.y_train).tolist() == [40, 40]
    counts = [
        np.bincount(DATASETS["iris"](None, classes=(0, 2), draw=n, balanced=False).y_train)
        for n in range(5)
    ]
    assert all(count.sum() == 80 for count in counts)
    assert any(count[0] != count[1] for count in counts)
    with pytest.raises(UserError, match="iris: a split that is not balanced"):
        DATASETS["iris"](None, balanced=False)


def test_decayed_weights_lose_their_share():
    np.testing.assert_allclose(
        PROJECTIONS["decayed"](share=0.25)(jnp.array([4.0, -8.0])), [3.0, -6.0]
    )


# What the measures say of made-up runs.

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
    assert together([first, second], max)({}) == {1: 0.3, 0: 0.4}
    with pytest.raises(UserError, match="seed 1 is there for some of the pairs alone"):
        together([first, lambda evidence: {0: 0.2}], max)({})


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


def test_a_pixel_outside_0_to_1_or_nan_is_refused_before_the_rule_sees_it(tmp_path):
    for wrong, said in ((1.5, r"must lie in \[0, 1\]"), (np.nan, "NaN or infinite")):
        x = np.full((4, 3), 0.5, np.float32)
        x[0, 0] = wrong
        file = tmp_path / "wrong.npz"
        np.savez(file, x_train=x, y_train=[0, 1, 0, 1], x_test=x, y_test=[0, 1, 0, 1])
        with pytest.raises(UserError, match=said):
            DATASETS["npz"](None, path=str(file))
