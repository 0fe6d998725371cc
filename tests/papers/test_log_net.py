"""The log network's equations again, as slow loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.objectives import cross_entropy
from bioexp.papers.log_net.model import FLOOR, log_net, own_images
from bioexp.rules import backprop
from bioexp.types import Batch


def made(signed=False, units=6, inputs=12, classes=3, n=30):
    model = log_net((3, 4), classes, hidden=units, signed=signed)
    rng = np.random.default_rng(0)
    data = Batch(
        jnp.asarray(rng.random((n, 3, 4)), jnp.float32),
        jnp.asarray(rng.integers(0, classes, n), jnp.int32),
    )
    return model, model.init(jax.random.key(0)), data


@pytest.mark.parametrize("signed", [False, True])
def test_the_forward_pass_is_the_documents_formula(signed):
    model, params, data = made(signed)
    w1, w2 = (np.asarray(params["layers"][i]["w"], dtype=np.float64) for i in "01")
    x1 = np.asarray(data.x[0], dtype=np.float64).ravel()
    x2 = [np.log(abs(sum(w1[j, k] * x1[k] for k in range(12))) / 12 + FLOOR) for j in range(6)]
    x3 = [sum(w2[i, j] * x2[j] for j in range(6)) for i in range(3)]
    logits, (first, _) = model.apply(params, data.x[:1])
    np.testing.assert_allclose(first.z[0], x2, rtol=1e-5)
    np.testing.assert_allclose(logits[0], x3, rtol=1e-5)


def test_the_output_is_the_log_of_a_product_of_powers():
    """x3[i] = log prod_j (1/N w1[j].x1)^w2[i,j]: the document's "ordinary space"."""
    model, params, data = made()
    w1, w2 = (np.asarray(params["layers"][i]["w"], dtype=np.float64) for i in "01")
    projections = np.asarray(data.x[0]).ravel() @ w1.T / 12
    product = [np.prod(projections ** w2[i]) for i in range(3)]
    np.testing.assert_allclose(
        np.exp(np.asarray(model.apply(params, data.x[:1])[0][0])), product, rtol=1e-4
    )


def test_weights_start_non_negative_unless_signed():
    assert all((leaf >= 0).all() for leaf in jax.tree.leaves(made()[1]))
    assert any((leaf < 0).any() for leaf in jax.tree.leaves(made(signed=True)[1]))


def test_prototypes_own_images_all_have_their_label():
    model, params, data = made(units=7)
    rule = own_images(model, cross_entropy(), images=4)
    state = rule.init(jax.random.key(3), params, data, 10)
    assert state.x.shape == (7, 4, 12)
    flat = np.asarray(data.x).reshape(30, -1)
    for j in range(7):
        for image in np.asarray(state.x[j]):
            (row,) = np.flatnonzero((flat == image).all(axis=1))
            assert data.y[row] == j % 3


def test_prototypes_of_a_class_have_sets_of_their_own_while_images_last():
    model, params, data = made(units=6)
    state = own_images(model, cross_entropy(), images=3).init(jax.random.key(3), params, data, 10)
    assert not {image.tobytes() for image in np.asarray(state.x[0])} & {
        image.tobytes() for image in np.asarray(state.x[3])
    }


def test_the_control_heuristic_descends_minus_x2():
    """Its direction is the gradient of -mean_s log(1/N w.x_s + floor), taken by JAX."""
    model, params, data = made()
    rule = own_images(model, cross_entropy(), images=3)
    state = rule.init(jax.random.key(3), params, data, 10)

    def minus_x2(w):
        return sum(-jnp.mean(jnp.log(state.x[j] @ w[j] / 12 + FLOOR)) for j in range(len(w)))

    expected = jax.grad(minus_x2)(params["layers"]["0"]["w"])
    learned = rule.update(params, state, data, jax.random.key(0))
    np.testing.assert_allclose(learned.direction["layers"]["0"]["w"], expected, rtol=1e-5)


def test_backprop_through_the_log_is_the_chain_rule_by_hand():
    """dL/dw1 = (p - t) w2 / (u + N floor) x, with p the softmax and t the one-hot label."""
    model, params, data = made()
    w1, w2 = (np.asarray(params["layers"][i]["w"], dtype=np.float64) for i in "01")
    x = np.asarray(data.x, dtype=np.float64).reshape(30, -1)
    u = x @ w1.T
    logits = np.log(u / 12 + FLOOR) @ w2.T
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    error = p / p.sum(axis=1, keepdims=True) - np.eye(3)[np.asarray(data.y)]
    expected = ((error @ w2) / (u + 12 * FLOOR)).T @ x / 30
    learned = backprop(model, cross_entropy()).update(params, (), data, jax.random.key(0))
    np.testing.assert_allclose(
        learned.direction["layers"]["0"]["w"], expected, rtol=2e-4, atol=1e-7
    )
