"""What must be equal between learning rules, and what each one's direction is, written as NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.models import mlp
from bioexp.objectives import cross_entropy, reconstruction, squared_error
from bioexp.ops import Ops, direct, exact, feedback, straight
from bioexp.rules import RULES, backprop
from bioexp.rules.gradient import descent
from bioexp.types import Batch, UserError

RNG = np.random.default_rng(0)
BATCH = Batch(jnp.asarray(RNG.random((8, 3, 4)), jnp.float32), jnp.arange(8, dtype=jnp.int32) % 3)
WITH_FEEDBACK = ["feedback_alignment", "direct_feedback_alignment", "sign_symmetry"]


def net(*hidden, activation="tanh"):
    model = mlp((3, 4), 3, hidden=hidden, activation=activation, bias=True)
    return model, model.init(jax.random.key(0))


def direction(name, model, params, key=1, **options):
    rule = RULES[name](model, cross_entropy(), **options)
    return rule.update(
        params, rule.init(jax.random.key(0), params, BATCH, 8), BATCH, jax.random.key(key)
    ).direction["layers"]


def same(a, b):
    jax.tree.map(
        lambda left, right: np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-7), a, b
    )


def differ(a, b):
    return not np.allclose(a, b, rtol=1e-3)


def test_feedback_alignment_through_the_transpose_is_backprop():
    model, params = net(5, 4)
    transpose = {
        int(number): layer["w"] for number, layer in params["layers"].items() if number != "0"
    }
    through, _ = descent(
        model, cross_entropy(), params, BATCH, Ops(feedback(transpose), exact.nonlinear)
    )
    same(through["layers"], direction("backprop", model, params))


def test_direct_feedback_through_the_product_of_the_weights_is_backprop_in_a_linear_net():
    model, params = net(5, 4, activation="linear")
    w = [layer["w"] for layer in params["layers"].values()]
    through, _ = descent(
        model,
        cross_entropy(),
        params,
        BATCH,
        Ops(direct({1: w[2] @ w[1], 2: w[2]}), exact.nonlinear),
    )
    same(through["layers"], direction("backprop", model, params))


def test_no_derivative_in_a_linear_net_is_backprop():
    model, params = net(5, 4, activation="linear")
    same(direction("no_derivative", model, params), direction("backprop", model, params))


def test_no_derivative_in_a_curved_net_is_not():
    model, params = net(5, 4)
    assert differ(
        direction("no_derivative", model, params)["0"]["w"],
        direction("backprop", model, params)["0"]["w"],
    )


@pytest.mark.parametrize(
    "name",
    [*WITH_FEEDBACK, "frozen_hidden", "stochastic_backward", "no_derivative", "oja", "soft_hebb"],
)
def test_the_read_out_learns_by_backprops_gradient_under_every_rule(name):
    model, params = net(5, 4)
    same(direction(name, model, params)["2"], direction("backprop", model, params)["2"])


@pytest.mark.parametrize("name", WITH_FEEDBACK)
def test_hidden_layers_learn_by_another_gradient(name):
    model, params = net(5, 4)
    assert differ(
        direction(name, model, params)["0"]["w"], direction("backprop", model, params)["0"]["w"]
    )


def test_a_frozen_hidden_layer_does_not_move():
    model, params = net(5, 4)
    assert all(
        (leaf == 0).all()
        for number in "01"
        for leaf in direction("frozen_hidden", model, params)[number].values()
    )


@pytest.mark.parametrize(
    "ops",
    [Ops(direct({1: jnp.ones((3, 5))}), straight), Ops(feedback({1: jnp.ones((3, 5))}), straight)],
)
def test_a_replaced_backward_pass_leaves_the_forward_pass_as_it_is(ops):
    model, params = net(5)
    np.testing.assert_array_equal(
        model.apply(params, BATCH.x, ops)[0], model.apply(params, BATCH.x)[0]
    )


@pytest.mark.parametrize("derivative", [True, False])
def test_feedback_alignment_is_its_equation(derivative):
    """dL/dZ = f'(Z) * (e B), or e B; dL/dW1 = dL/dZ' U, mean over the minibatch."""
    model, params = net(5)
    rule = RULES["feedback_alignment"](model, squared_error(), scale=2.0, derivative=derivative)
    b = rule.init(jax.random.key(0), params, BATCH, 8)
    (w1, b1), (w2, b2) = (
        (np.asarray(layer["w"]), np.asarray(layer["b"])) for layer in params["layers"].values()
    )
    u = np.asarray(BATCH.x).reshape(8, -1)
    hidden = np.tanh(u @ w1.T + b1)
    error = hidden @ w2.T + b2 - np.eye(3)[np.asarray(BATCH.y)]
    d_z = error @ np.asarray(b[1]) * (1 - hidden**2 if derivative else 1)
    found = rule.update(params, b, BATCH, jax.random.key(1)).direction["layers"]
    np.testing.assert_allclose(found["0"]["w"], d_z.T @ u / 8, rtol=1e-4)
    np.testing.assert_allclose(found["1"]["w"], error.T @ hidden / 8, rtol=1e-4, atol=1e-6)


def test_fixed_feedback_stays_and_redrawn_feedback_changes():
    model, params = net(5)
    fixed, redrawn = (
        [direction("feedback_alignment", model, params, key, redrawn=again) for key in (1, 2)]
        for again in (False, True)
    )
    same(*fixed)
    assert differ(redrawn[0]["0"]["w"], redrawn[1]["0"]["w"])


@pytest.mark.parametrize("magnitude", ["uniform", "fixed"])
def test_symmetric_signs_are_those_of_the_weights(magnitude):
    model, params = net(5)
    rule = RULES["sign_symmetry"](model, cross_entropy(), magnitude=magnitude, scale=0.5)
    m = rule.init(jax.random.key(0), params, BATCH, 8)[1]
    assert (m > 0).all()
    assert (m == 0.5).all() == (magnitude == "uniform")
    through, _ = descent(
        model,
        cross_entropy(),
        params,
        BATCH,
        Ops(feedback({1: m * jnp.sign(params["layers"]["1"]["w"])}), exact.nonlinear),
    )
    same(
        through["layers"], direction("sign_symmetry", model, params, magnitude=magnitude, scale=0.5)
    )


@pytest.mark.parametrize("instead", ["ones", "images", "noise", "feedback", "skip"])
def test_a_stochastic_backward_pass_is_backprop_at_p_0_and_never_at_p_1(instead):
    model, params = net(5)
    exactly = direction("backprop", model, params)
    same(direction("stochastic_backward", model, params, p=0.0, instead=instead), exactly)
    assert differ(
        direction("stochastic_backward", model, params, p=1.0, instead=instead)["0"]["w"],
        exactly["0"]["w"],
    )


@pytest.mark.parametrize(
    ("instead", "growth"),
    [("ones", lambda u: np.tile(u.mean(axis=0), (5, 1))), ("images", lambda u: u[:5] / 8)],
)
def test_a_backward_pass_of_ones_moves_every_unit_alike_and_one_of_images_each_by_its_own(
    instead, growth
):
    model, params = net(5)
    found = direction("stochastic_backward", model, params, p=1.0, instead=instead)["0"]["w"]
    np.testing.assert_allclose(found, growth(np.asarray(BATCH.x).reshape(8, -1)), rtol=1e-5)


def test_oja_is_its_equation_and_rests_at_the_principal_subspace():
    model, params = net(2)
    w, x = np.asarray(params["layers"]["0"]["w"]), np.asarray(BATCH.x).reshape(8, -1)
    slow = np.zeros_like(w)
    for image in x:
        y = w @ image
        for i in range(2):
            slow[i] += y[i] * (image - sum(y[j] * w[j] for j in range(2))) / 8
    np.testing.assert_allclose(
        direction("oja", model, params)["0"]["w"], -slow, rtol=1e-4, atol=1e-6
    )
    params["layers"]["0"]["w"] = jnp.asarray(np.linalg.svd(x)[2][:2])
    np.testing.assert_allclose(direction("oja", model, params)["0"]["w"], 0, atol=1e-5)


def test_soft_hebb_is_its_equation():
    model, params = net(4)
    w, x = np.asarray(params["layers"]["0"]["w"]), np.asarray(BATCH.x).reshape(8, -1)
    slow = np.zeros_like(w)
    for image in x:
        u = w @ image
        y = np.exp(u / 0.5) / np.exp(u / 0.5).sum()
        for i in range(4):
            slow[i] += y[i] * (image - u[i] * w[i]) / 8
    np.testing.assert_allclose(
        direction("soft_hebb", model, params, temperature=0.5)["0"]["w"],
        -slow,
        rtol=1e-4,
        atol=1e-6,
    )


@pytest.mark.parametrize("name", [*WITH_FEEDBACK, "stochastic_backward", "oja", "soft_hebb"])
def test_a_rule_for_hidden_layers_refuses_a_net_without_any(name):
    model, params = net()
    with pytest.raises(
        UserError, match=f"name: {name} needs a hidden layer that learns, and only layers/0 does"
    ):
        RULES[name](model, cross_entropy()).init(jax.random.key(0), params, BATCH, 8)


def test_reconstruction_is_compared_with_the_input_and_counts_no_accuracy():
    model = mlp((3, 4), 12, hidden=(5,))
    params = model.init(jax.random.key(0))
    learned = backprop(model, reconstruction()).update(params, (), BATCH, jax.random.key(1))
    wrong = np.asarray(model.apply(params, BATCH.x)[0]) - np.asarray(BATCH.x).reshape(8, -1)
    np.testing.assert_allclose(
        learned.metrics["loss"], 0.5 * (wrong**2).sum(axis=1).mean(), rtol=1e-5
    )
    assert set(learned.metrics) == {"loss"}
