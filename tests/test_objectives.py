"""Every loss, written out class by class."""

import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.objectives import OBJECTIVES, sigmoid_cross_entropy, tanh_power

RNG = np.random.default_rng(0)
LOGITS, LABELS = RNG.normal(0, 2, (20, 4)), RNG.integers(0, 4, 20)
TARGETS = {"reconstruction": RNG.random((20, 4)).astype(np.float32)}  # where they are no labels


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax_loss(scores, y):
    return np.log(sum(np.exp(score - scores[y]) for score in scores))


WRITTEN_OUT = {
    "cross_entropy": softmax_loss,
    "true_class_logit": lambda c, y: -c[y],
    "squared_error": lambda c, y: sum((c[i] - (i == y)) ** 2 for i in range(4)) / 2,
    "reconstruction": lambda c, x: sum((c[i] - x[i]) ** 2 for i in range(4)) / 2,
    "sigmoid_mse": lambda c, y: np.mean([(sigmoid(c[i]) - (i == y)) ** 2 for i in range(4)]),
    "sigmoid_cross_entropy": lambda c, y: softmax_loss(sigmoid(c), y),
    "tanh_power": lambda c, y: sum(
        abs(np.tanh(c[i]) - (1 if i == y else -1)) ** 6 for i in range(4)
    ),
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_loss_is_its_formula(name):
    targets = TARGETS.get(name, LABELS)
    found = OBJECTIVES[name]().per_example(jnp.asarray(LOGITS, jnp.float32), jnp.asarray(targets))
    np.testing.assert_allclose(
        found,
        [WRITTEN_OUT[name](c, y) for c, y in zip(LOGITS, targets, strict=True)],
        rtol=2e-4,
        atol=1e-5,
    )


def test_beta_and_the_exponent_of_the_tanh_loss_are_options():
    found = tanh_power(beta=0.5, m=2.0).per_example(
        jnp.asarray(LOGITS, jnp.float32), jnp.asarray(LABELS)
    )
    target = 2 * np.eye(4)[LABELS] - 1
    np.testing.assert_allclose(
        found, ((np.tanh(0.5 * LOGITS) - target) ** 2).sum(axis=1), rtol=1e-4
    )


def test_the_softmax_of_sigmoids_cannot_fall_below_its_bound():
    """Outputs in (0, 1) leave the best softmax at e / (e + 9)."""
    best = jnp.where(jnp.arange(10) == 3, 50.0, -50.0)[None]
    assert float(sigmoid_cross_entropy().per_example(best, jnp.array([3]))[0]) == pytest.approx(
        np.log(1 + 9 / np.e), abs=1e-5
    )
