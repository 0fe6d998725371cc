"""Measured and predicted changes of the outputs, against loops and against JAX's own derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.robustness.perturbation import (
    directions,
    gradient_ascent,
    log_response,
    reach,
    relative_error,
    relu_response,
    undefined,
)

RNG = np.random.default_rng(1)
X, W1, B1 = RNG.uniform(size=(4, 6)), RNG.uniform(size=(5, 6)), RNG.normal(size=5)
W2 = RNG.uniform(size=(3, 5))
D = directions(X, RNG)
SIZES = np.array([1e-4, 0.01, 0.3])
FLOOR = 1e-7


def test_a_perturbation_of_size_1_changes_a_pixel_by_as_much_as_the_brightest():
    np.testing.assert_allclose(np.abs(D).max(axis=1), X.max(axis=1))


def test_the_log_response_matches_the_papers_product_of_projections():
    got = log_response(W1, W2, X, D, SIZES, FLOOR)
    for s, size in enumerate(SIZES):
        for n, (x, d) in enumerate(zip(X, D, strict=True)):
            for i in range(3):
                x3, after, total = 1.0, 1.0, 0.0
                for j in range(5):
                    x3 *= (W1[j] @ x / 6 + FLOOR) ** W2[i, j]
                    after *= (W1[j] @ (x + size * d) / 6 + FLOOR) ** W2[i, j]
                    total += W2[i, j] * (W1[j] @ d) * size / (W1[j] @ x + 6 * FLOOR)
                assert got.measured[s, n, i] == pytest.approx(np.log(after) - np.log(x3), rel=1e-6)
                assert got.predicted["first order"][s, n, i] == pytest.approx(total)
                assert got.predicted["log(1+dx3/x3)"][s, n, i] == pytest.approx(np.log(1 + total))


def test_the_relu_response_matches_two_forward_passes():
    got = relu_response(W1 - 0.5, B1, W2, X, D, SIZES)

    def outputs(x):
        return np.maximum(x @ (W1 - 0.5).T + B1, 0) @ W2.T

    for s, size in enumerate(SIZES):
        np.testing.assert_allclose(got.measured[s], outputs(X + size * D) - outputs(X), atol=1e-12)


def test_without_a_kink_a_relu_net_is_linear_and_both_predictions_are_exact():
    got = relu_response(W1, B1 + 100, W2, X, D, SIZES)
    np.testing.assert_allclose(got.predicted["first order"], got.measured, atol=1e-10)
    np.testing.assert_allclose(got.predicted["linear net"], got.measured, atol=1e-10)


def test_every_first_order_prediction_is_right_for_tiny_perturbations():
    for response in (
        log_response(W1, W2, X, D, SIZES, FLOOR),
        relu_response(W1 - 0.5, B1, W2, X, D, SIZES),
    ):
        errors = relative_error(response.predicted["first order"], response.measured)
        assert errors[0] < 1e-3
        assert errors[0] <= errors[2]


def test_the_log_prediction_is_undefined_where_the_sum_is_below_minus_one():
    got = log_response(
        W1, 50 * W2, X, -X, np.array([0.001, 0.5]), FLOOR
    )  # eps is -0.5, the sum far below -1
    assert undefined(got.predicted["log(1+dx3/x3)"]).tolist() == [0, 1]
    assert undefined(got.measured).tolist() == [0, 0]
    assert np.isnan(relative_error(got.predicted["log(1+dx3/x3)"], got.measured)[1])


def test_the_reach_ends_where_the_error_first_passes_what_is_allowed():
    """Between two sizes on a line through the logarithms: here the error is the size's square."""
    sizes = np.array([0.1, 0.2, 0.3, 0.4])
    assert reach(sizes, sizes**2, 0.05) == pytest.approx(0.05**0.5)
    assert reach(sizes, np.array([0.06, 0.01, 0.01, 0.01])) == 0.1
    assert reach(sizes, np.array([0.01, 0.01, 0.01, 0.01])) == 0.4
    assert reach(sizes, np.array([0.01, np.nan, 0.01, 0.01])) == 0.1


def test_gradient_ascent_crosses_a_linear_boundary_by_the_shortest_way():
    w = jnp.array([[1.0, 0.0], [0.0, 1.0]])
    x = jnp.array([0.7, 0.5])  # the boundary is 0.2 / sqrt(2) = 0.141 away
    attack = gradient_ascent(steps=20)
    for eps, crosses in ((0.13, False), (0.15, True)):
        z = attack.perturb(lambda z: w @ z, x, jnp.array(0), jnp.array(eps), jax.random.key(0))
        assert (float(z[1] - z[0]) > 0) == crosses
        assert float(jnp.linalg.norm(z - x)) <= eps + 1e-6
