"""The equations of competing hidden units again: as slow loops, by an ODE solver, and as
identities.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.objectives import cross_entropy
from bioexp.optimizers import sgd
from bioexp.papers.competing_hidden_units.equations import (
    euler_activity,
    plasticity,
    riccati,
    steady_state,
)
from bioexp.papers.competing_hidden_units.model import competing_hidden_units, presented
from bioexp.papers.competing_hidden_units.readings import competing_currents, sigmoid_throughout
from bioexp.papers.competing_hidden_units.rules import (
    competing_dynamics,
    competing_ranks,
    settled,
    unlearned_filters,
)
from bioexp.training import fit, order
from bioexp.types import Batch, Examples, Rows, Stage, UserError

W_INH = 0.8
RNG = np.random.default_rng(0)


def currents(batch=6, units=9):
    return jnp.asarray(RNG.normal(0, 3, (batch, units)), jnp.float32)


# Eq. 1


def test_at_rest_every_activity_is_its_current_less_the_inhibition_by_the_others():
    current = np.asarray(currents(), np.float64)
    h = np.asarray(steady_state(jnp.asarray(current, jnp.float32), W_INH))
    for b in range(len(h)):
        for mu in range(h.shape[1]):
            others = sum(max(h[b, nu], 0) for nu in range(h.shape[1]) if nu != mu)
            assert h[b, mu] == pytest.approx(current[b, mu] - W_INH * others, abs=1e-4)


def test_the_newton_iteration_finds_what_sorting_finds():
    """S = max over k of the k largest currents' sum over 1 - w + w k, as the projection onto a
    simplex is computed.
    """
    current = np.asarray(currents(20, 50), np.float64)
    largest = np.cumsum(np.sort(current, axis=1)[:, ::-1], axis=1)
    k = np.arange(1, 51)
    s = np.maximum((largest / (1 - W_INH + W_INH * k)).max(axis=1, keepdims=True), 0)
    u = current - W_INH * s
    np.testing.assert_allclose(
        steady_state(jnp.asarray(current, jnp.float32), W_INH),
        np.where(u > 0, u / (1 - W_INH), u),
        atol=1e-4,
    )


def test_without_inhibition_the_activity_is_the_current_and_with_no_positive_current_too():
    current = currents()
    np.testing.assert_array_equal(steady_state(current, 0.0), current)
    np.testing.assert_array_equal(steady_state(-jnp.abs(current), W_INH), -jnp.abs(current))


def test_the_steady_state_has_the_derivative_of_finite_differences():
    with jax.enable_x64(True):
        current, toward = (jnp.asarray(RNG.normal(0, 3, (4, 9))) for _ in range(2))
        small = 1e-6
        _, derivative = jax.jvp(partial(steady_state, inhibition=W_INH), (current,), (toward,))
        differences = (
            steady_state(current + small * toward, W_INH)
            - steady_state(current - small * toward, W_INH)
        ) / (2 * small)
        np.testing.assert_allclose(derivative, differences, atol=1e-6)


def test_eulers_method_and_an_adaptive_solver_rest_where_the_steady_state_is():
    diffrax = pytest.importorskip("diffrax", reason="diffrax is not installed (extra: test)")
    current = currents(1, 20)
    rest = steady_state(current, W_INH)[0]
    np.testing.assert_allclose(euler_activity(current, W_INH, 0.02, 60.0)[-1, 0], rest, atol=1e-3)

    def change(t, h, args):
        rates = jax.nn.relu(h)
        return current[0] - W_INH * (rates.sum() - rates) - h

    solved = diffrax.diffeqsolve(
        diffrax.ODETerm(change),
        diffrax.Tsit5(),
        0.0,
        60.0,
        0.01,
        jnp.zeros(20),
        stepsize_controller=diffrax.PIDController(1e-5, 1e-5),
    )
    np.testing.assert_allclose(solved.ys[-1], rest, atol=1e-3)


# Eqs 2 and 3


@pytest.mark.parametrize(("delta", "middle"), [(0.4, -0.4), (0.01, -0.01), (-0.01, 0.01)])
def test_plasticity_is_silent_anti_hebbian_and_hebbian_and_a_negative_delta_turns_the_middle(
    delta, middle
):
    h = jnp.array([-1.0, -1e-6, 0.0, 0.99, 1.0, 5.0])
    np.testing.assert_allclose(plasticity(h, 1.0, delta), [0, 0, middle, middle, 1, 1], rtol=1e-6)


@pytest.mark.parametrize("g", [1.0, 0.0, -0.01, -0.4])
def test_the_exact_solution_of_equation_3_is_what_an_adaptive_solver_finds(g):
    diffrax = pytest.importorskip("diffrax", reason="diffrax is not installed (extra: test)")
    w, v = (
        jnp.asarray(RNG.normal(0, 0.4, (5, 8)), jnp.float32),
        jnp.asarray(RNG.random(8), jnp.float32),
    )

    def change(t, w, args):
        return g * (v - (w @ v)[:, None] * w)

    solver = diffrax.diffeqsolve(
        diffrax.ODETerm(change),
        diffrax.Tsit5(),
        0.0,
        0.3,
        0.001,
        w,
        stepsize_controller=diffrax.PIDController(1e-6, 1e-7),
    )
    moved, blown = riccati(w, v, jnp.full(5, g), 0.3)
    assert not blown.any()
    np.testing.assert_allclose(moved, solver.ys[-1], atol=2e-5)


def test_shown_for_long_a_hebbian_unit_becomes_the_image_at_unit_length():
    w, v = (
        jnp.asarray(RNG.normal(0, 1, (5, 8)), jnp.float32),
        jnp.asarray(RNG.random(8), jnp.float32),
    )
    w = w * jnp.sign(w @ v)[:, None]
    moved, blown = riccati(w, v, jnp.ones(5), 1e4)
    assert not blown.any()
    np.testing.assert_allclose(moved, jnp.tile(v / jnp.linalg.norm(v), (5, 1)), atol=1e-6)


def test_an_anti_hebbian_unit_blows_up_in_finite_time_just_where_it_is_beyond_the_image():
    """With W v / |v| = a > 1 the pole lies at tanh(|g| |v| t) = 1 / a; with a < 1 there is none and
    W tends to -v / |v|.
    """
    v, g, a = jnp.array([2.0, 0.0]), jnp.full(1, -0.5), 1.5
    pole = np.arctanh(1 / a) / (0.5 * 2)
    assert not riccati(jnp.array([[a, 0.3]]), v, g, 0.99 * pole)[1][0]
    assert riccati(jnp.array([[a, 0.3]]), v, g, 1.01 * pole)[1][0]
    moved, blown = riccati(jnp.array([[0.9, 0.3]]), v, g, 1e3)
    assert not blown[0]
    np.testing.assert_allclose(moved, [[-1.0, 0.0]], atol=1e-5)


# The slow rule


def slow(units=12, hidden_inputs="raw", **options):
    model = competing_hidden_units(
        (3, 4), 3, hidden=units, inputs=hidden_inputs, inhibition=W_INH, power=1.0
    )
    return model, competing_dynamics(model, cross_entropy(), **options)


def images(n=4):
    return Batch(jnp.asarray(RNG.random((n, 3, 4)), jnp.float32), jnp.zeros(n, jnp.int32))


def step(model, rule, batch, params=None):
    params = model.init(jax.random.key(0)) if params is None else params
    learned = rule.update(
        params, rule.init(jax.random.key(1), params, batch, len(batch.y)), batch, jax.random.key(2)
    )
    return np.asarray(params["layers"]["0"]["w"]), learned


def test_one_image_moves_the_weights_as_the_loops_of_equations_1_to_3():
    model, rule = slow(presentation=0.2)
    batch = images(1)
    before, learned = step(model, rule, batch)
    v, w = np.asarray(batch.x[0], np.float64).ravel(), before.astype(np.float64)
    h, current = np.zeros(12), w @ v
    for _ in range(20_000):
        rates = np.maximum(h, 0)
        h = h + 0.005 * (current - W_INH * (rates.sum() - rates) - h)
    for _ in range(20_000):
        for mu in range(12):
            g = 0 if h[mu] < 0 else -0.01 if h[mu] < 1 else 1
            w[mu] += 0.2 / 20_000 * g * (v - (w[mu] @ v) * w[mu])
    np.testing.assert_allclose(
        before - np.asarray(learned.direction["layers"]["0"]["w"]), w, atol=2e-4
    )
    assert learned.state.wins[int(h.argmax())] == 1


def test_the_images_of_a_minibatch_move_the_weights_one_after_another():
    model, rule = slow()
    batch = images(3)
    before, learned = step(model, rule, batch)
    v = np.asarray(batch.x).reshape(3, -1)
    g = plasticity(steady_state(jnp.asarray(v @ before.T), W_INH), 1.0, 0.01)
    w = jnp.asarray(before)
    for b in range(3):
        w, _ = riccati(w, jnp.asarray(v[b]), g[b], 0.03)
    np.testing.assert_allclose(
        before - np.asarray(learned.direction["layers"]["0"]["w"]), w, atol=1e-6
    )


def test_eulers_method_comes_to_the_same_update_as_the_exact_solution():
    batch = images(1)
    _, exact = step(*slow(), batch)
    _, euler = step(
        *slow(activity="euler", time_step=0.02, weights="euler", weight_steps=2000), batch
    )
    np.testing.assert_allclose(
        euler.direction["layers"]["0"]["w"], exact.direction["layers"]["0"]["w"], atol=1e-3
    )


def test_a_unit_that_blows_up_stays_where_it_was_and_is_counted():
    model, rule = slow(units=2, delta=1.0, presentation=50.0, threshold=1e6)
    params = model.init(jax.random.key(0))
    params["layers"]["0"]["w"] = jnp.stack([jnp.full(12, 5.0), jnp.full(12, -5.0)])
    before, learned = step(model, rule, images(1), params)
    np.testing.assert_array_equal(learned.direction["layers"]["0"]["w"], np.zeros_like(before))
    assert int(learned.state.blow_ups) == 1
    metrics, state = rule.observe(params, learned.state)
    assert int(metrics["blow_ups"]) == int(state.blow_ups) == 1
    assert int(state.wins.sum()) == 0


# The fast rule


def published(w, v, p, rank, delta, rate, share="largest"):
    """A minibatch of the paper's program, unit by unit and image by image, in float64."""
    change, ranked = np.zeros_like(w), np.zeros(len(w))
    for image in v:
        q = [
            sum(np.sign(w[mu, i]) * abs(w[mu, i]) ** (p - 1) * image[i] for i in range(len(image)))
            for mu in range(len(w))
        ]
        by_current = np.argsort(q)[::-1]
        for unit, g in ((by_current[0], 1.0), (by_current[rank - 1], -delta)):
            change[unit] += g * (image - q[unit] * w[unit])
            ranked[unit] += 1
    by = np.abs(change).max() if share == "largest" else np.maximum(ranked, 1)[:, None]
    return w + rate * change / by


@pytest.mark.parametrize(
    ("p", "rank", "share"),
    [(3.0, 7, "largest"), (2.0, 2, "largest"), (2.5, 3, "largest"), (2.0, 2, "wins")],
    ids=str,
)
def test_the_ranking_rule_matches_the_loops_of_the_published_program(p, rank, share):
    """Through the training loop, on the same minibatches; units win several images, and one may be
    first and k-th.
    """
    model = competing_hidden_units((3, 4), 3, hidden=10)
    rule = competing_ranks(model, cross_entropy(), p=p, rank=rank, delta=0.4, step=share)
    data = Examples(RNG.random((40, 3, 4)).astype(np.float32), np.zeros(40, np.int32))
    rate = 0.04
    stage = Stage(
        model,
        rule,
        sgd(5, learning_rate=rate, decay_to=0.0, schedule="linear"),
        lambda params: params,
        (0,),
        8,
        5,
        2,
    )
    records = list(fit([stage], data, [3]))
    w = np.asarray(
        model.init(jax.random.fold_in(jax.random.key(3), 0))["layers"]["0"]["w"], np.float64
    )
    v = np.asarray(presented(jnp.asarray(data.x.reshape(40, -1)), "unit"), np.float64)
    for number, rows in enumerate(order(3, 0, 0, 5, 40, 8)):
        w = published(w, v[rows], p, rank, 0.4, rate * (1 - number / 5), share)
    np.testing.assert_allclose(records[-1].params["layers"]["0"]["w"][0], w, atol=2e-6)


def test_a_direction_of_rows_does_what_the_whole_matrix_would_do():
    model = competing_hidden_units((3, 4), 3, hidden=10)
    rule = competing_ranks(model, cross_entropy(), rank=3)

    def dense(params, state, batch, key):
        learned = rule.update(params, state, batch, key)
        rows: Rows = learned.direction["layers"]["0"]["w"]
        matrix = jnp.zeros((10, 12)).at[rows.units].set(rows.values)
        return learned._replace(direction={"layers": {"0": {"w": matrix}}})

    data = Examples(RNG.random((40, 3, 4)).astype(np.float32), np.zeros(40, np.int32))
    stage = Stage(model, rule, sgd(6, learning_rate=0.1), lambda params: params, (0,), 8, 6, 3)
    whole = stage._replace(rule=rule._replace(update=dense))
    for seeds in ([0], [0, 1]):
        ends = [
            list(fit([one], data, seeds))[-1].params["layers"]["0"]["w"] for one in (stage, whole)
        ]
        np.testing.assert_allclose(*ends, atol=1e-6)
    with pytest.raises(UserError, match="give it the optimizer sgd, without momentum"):
        list(fit([stage._replace(optimizer=sgd(6, learning_rate=0.1, momentum=0.9))], data, [0]))


def test_units_have_settled_when_their_norm_is_one():
    w = jnp.array([[1.0, 0.0], [0.0, 1.004], [1.03, 0.0], [2.0, 0.0]])
    found = settled(w, jnp.array([5, 5, 0, 0]), 3.0)
    assert float(found["within_1_percent"]) == 0.5
    assert float(found["within_5_percent"]) == 0.75
    assert float(found["dead_units"]) == 0.5
    assert float(found["winner_entropy"]) == pytest.approx(0.5)
    assert float(settled(w, jnp.full(4, 3), 3.0)["winner_entropy"]) == pytest.approx(1.0)


# The model and its controls


def test_images_are_presented_at_unit_length_or_centered_first_and_a_black_one_has_a_gradient():
    x = jnp.asarray(RNG.random((5, 12)), jnp.float32)
    np.testing.assert_array_equal(presented(x, "raw"), x)
    np.testing.assert_allclose(jnp.linalg.norm(presented(x, "unit"), axis=1), 1, rtol=1e-5)
    centered = presented(x, "centered")
    np.testing.assert_allclose(centered.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(jnp.linalg.norm(centered, axis=1), 1, rtol=1e-5)
    for inputs in ("unit", "centered"):
        gradient = jax.grad(lambda x, inputs=inputs: presented(x, inputs).sum())
        assert jnp.isfinite(gradient(jnp.zeros((1, 12)))).all()


def test_the_forward_pass_is_the_rectified_current_to_the_power_n():
    model = competing_hidden_units((3, 4), 3, hidden=6, power=4.5, bias=True, read_out="uniform")
    params, batch = model.init(jax.random.key(0)), images(5)
    w, s, b = (
        np.asarray(params["layers"][i][j], np.float64)
        for i, j in (("0", "w"), ("1", "w"), ("1", "b"))
    )
    v = np.asarray(batch.x, np.float64).reshape(5, -1)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    np.testing.assert_allclose(
        model.apply(params, batch.x)[0],
        np.maximum(v @ w.T, 0) ** 4.5 @ s.T + b,
        rtol=2e-4,
        atol=1e-5,
    )
    assert np.abs(s).max() <= 6**-0.5


def test_the_authors_head_sees_currents_of_weights_that_begin_between_0_and_1():
    model, batch = competing_currents((3, 4), 3, hidden=6), images(5)
    params = model.init(jax.random.key(0))
    w, s, b = (params["layers"][i][j] for i, j in (("0", "w"), ("1", "w"), ("1", "b")))
    assert w.min() >= 0
    assert w.max() <= 1
    v = batch.x.reshape(5, -1)
    logits, layers = model.apply(params, batch.x)
    np.testing.assert_allclose(layers[0].u, v @ w.T, rtol=1e-5)
    np.testing.assert_allclose(logits, v @ w.T @ s.T + b, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.apply(params, layers[0].z, start=1)[0], logits, rtol=1e-5)


def test_another_reading_of_the_forward_pass_takes_powers_of_the_weights():
    options = {"hidden": 6, "p": 3.0, "rectified": True, "power": 2.0, "start": "normal"}
    model, batch = competing_currents((3, 4), 3, **options), images(5)
    params = model.init(jax.random.key(0))
    w, v = np.asarray(params["layers"]["0"]["w"]), np.asarray(batch.x).reshape(5, -1)
    assert w.min() < 0
    current = v @ (np.sign(w) * w**2).T
    _, layers = model.apply(params, batch.x)
    np.testing.assert_allclose(layers[0].z, np.maximum(current, 0) ** 2, rtol=1e-4, atol=1e-5)


def test_the_authors_twin_has_a_sigmoid_on_its_pixels_too():
    model, batch = sigmoid_throughout((3, 4), 3, hidden=6), images(5)
    params = model.init(jax.random.key(0))
    (w, b), (s, c) = ([params["layers"][i][j] for j in "wb"] for i in "01")

    def squashed(u):
        return 1 / (1 + np.exp(-np.asarray(u)))

    z = squashed(squashed(batch.x.reshape(5, -1)) @ w.T + b)
    np.testing.assert_allclose(model.apply(params, batch.x)[0], z @ s.T + c, rtol=1e-4, atol=1e-5)
    assert 0 < np.abs(w).max() <= 12**-0.5


@pytest.mark.parametrize("source", ["images", "noise"])
def test_unlearned_filters_have_norm_one_and_are_training_images_or_none(source):
    model = competing_hidden_units((3, 4), 3, hidden=6)
    rule, batch = unlearned_filters(model, cross_entropy(), source=source, p=3.0), images(20)
    before, learned = step(model, rule, batch)
    filters = before - np.asarray(learned.direction["layers"]["0"]["w"])
    np.testing.assert_allclose((np.abs(filters) ** 3).sum(axis=1), 1, rtol=1e-4)
    v = np.asarray(presented(batch.x.reshape(20, -1), "unit"))
    along = filters / np.linalg.norm(filters, axis=1, keepdims=True) @ v.T
    assert (along.max(axis=1) > 0.9999).all() == (source == "images")


def test_more_filters_than_training_images_are_refused():
    model = competing_hidden_units((3, 4), 3, hidden=30)
    with pytest.raises(UserError, match="needs 30 training images, one for each unit, got 20"):
        step(model, unlearned_filters(model, cross_entropy()), images(20))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (
            lambda: slow(inhibition=1.0),
            "inhibition: must be below 1, got 1: eq. 1 then has no steady state",
        ),
        (
            lambda: competing_hidden_units((3,), 2, inhibition=1.2),
            "inhibition: must be below 1, got 1.2",
        ),
        (
            lambda: slow(activity="euler", time_step=0.3),
            r"time_step: must be below 0\.204, where Euler's method is stable",
        ),
        (
            lambda: competing_ranks(
                competing_hidden_units((3,), 2, hidden=5), cross_entropy(), rank=7
            ),
            "rank: must be at most 5, the number of hidden units, got 7",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_it_is_trained(build, words):
    with pytest.raises(UserError, match=words):
        build()
