"""The STDP rule again: sample by sample in NumPy, as identities, and what must not matter to a
local rule.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.datasets import DATASETS
from bioexp.objectives import cross_entropy
from bioexp.optimizers import PROJECTIONS
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
from bioexp.types import Batch, UserError

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


def test_a_pixel_outside_0_to_1_or_nan_is_refused_before_the_rule_sees_it(tmp_path):
    for wrong, said in ((1.5, r"must lie in \[0, 1\]"), (np.nan, "NaN or infinite")):
        x = np.full((4, 3), 0.5, np.float32)
        x[0, 0] = wrong
        file = tmp_path / "wrong.npz"
        np.savez(file, x_train=x, y_train=[0, 1, 0, 1], x_test=x, y_test=[0, 1, 0, 1])
        with pytest.raises(UserError, match=said):
            DATASETS["npz"](None, path=str(file))
