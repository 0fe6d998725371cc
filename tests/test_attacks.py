"""Each attack against its formula, and against Foolbox on the same net and images."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.attacks import fgsm, noise, pgd
from bioexp.attacks.ball import project
from bioexp.attacks.eps import DEFAULT_EPS, parse_eps, show_eps
from bioexp.attacks.losses import cross_entropy, margin
from bioexp.attacks.noise import signs
from bioexp.types import Attack, UserError

KEYS = jax.random.split(jax.random.key(0), 4)
V, W = jax.random.normal(KEYS[0], (64, 32)) / 8, jax.random.normal(KEYS[1], (32, 5))
IMAGES = jax.random.uniform(KEYS[2], (24, 8, 8))


def net(x):
    return jax.nn.relu(x.reshape(len(x), -1) @ V) @ W


LABELS = net(IMAGES).argmax(-1)


def attacked(attack: Attack, eps: float) -> np.ndarray:
    def one(x, y):
        return project(attack.perturb(lambda z: net(z[None])[0], x, y, jnp.float32(eps), KEYS[3]), x, jnp.float32(eps), attack.norm)

    return np.asarray(jax.jit(jax.vmap(one))(IMAGES, LABELS))


def test_fgsm_moves_every_pixel_by_eps_along_the_sign_of_the_true_gradient():
    """The gradient by the chain rule in NumPy: w1' (relu'(u) * w2' (softmax - one-hot))."""
    x, v, w = np.asarray(IMAGES, np.float64).reshape(24, -1), np.asarray(V, np.float64), np.asarray(W, np.float64)
    u = x @ v
    p = np.exp(np.maximum(u, 0) @ w)
    error = p / p.sum(1, keepdims=True) - np.eye(5)[np.asarray(LABELS)]
    expected = np.clip(x + 0.1 * np.sign(((error @ w.T) * (u > 0)) @ v.T), 0, 1)
    np.testing.assert_allclose(attacked(fgsm(), 0.1).reshape(24, -1), expected, atol=1e-6)


def test_pgd_of_one_full_step_from_the_image_is_fgsm():
    np.testing.assert_allclose(attacked(pgd(steps=1, path=1.0, start="image"), 0.1), attacked(fgsm(), 0.1), atol=1e-6)


def test_noise_is_fair_signs_of_full_size():
    drawn = signs(KEYS[0], (100, 100))
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    assert abs(float(drawn.mean())) < 0.04  # four standard errors
    change = attacked(noise(), 0.1) - np.asarray(IMAGES)
    inside = (np.asarray(IMAGES) > 0.1) & (np.asarray(IMAGES) < 0.9)
    np.testing.assert_allclose(np.abs(change[inside]), 0.1, atol=1e-6)


def test_cross_entropy_is_minus_log_softmax_and_keeps_its_direction_where_softmax_rounds_to_one():
    z = jnp.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(cross_entropy(z, jnp.int32(1)), -jax.nn.log_softmax(z)[1], rtol=1e-6)
    sure = jax.grad(cross_entropy)(jnp.array([40.0, 0.0, 0.0]), jnp.int32(0))
    np.testing.assert_allclose(sure / jnp.exp(-40.0), [-2, 1, 1], rtol=1e-5)


def test_margin_is_positive_exactly_where_the_label_is_not_the_largest_logit():
    z = jnp.array([1.0, -2.0, 0.5])
    assert [float(margin(z, jnp.int32(y))) for y in range(3)] == [-0.5, 3.0, 0.5]


@pytest.mark.parametrize(("norm", "size"), [("linf", lambda d: np.abs(d).max()), ("l2", np.linalg.norm)])
def test_projection_reaches_the_ball_and_leaves_alone_what_is_inside(norm, size):
    x, far = IMAGES[0], IMAGES[0] + 3 * jax.random.normal(KEYS[3], (8, 8))
    eps = jnp.float32(0.25)
    inside = project(far, x, eps, norm)
    assert size(np.asarray(inside - x)) <= 0.25 + 1e-6
    np.testing.assert_allclose(project(inside, x, eps, norm), inside, atol=1e-6)
    assert float(inside.min()) >= 0
    assert float(inside.max()) <= 1


@pytest.fixture(scope="module")
def foolbox():
    return pytest.importorskip("foolbox", reason="the oracle needs foolbox (extra: test)")


@pytest.mark.parametrize("eps", [8 / 255, 0.2])
def test_fgsm_agrees_with_foolbox(foolbox, eps):
    _, x_adv, _ = foolbox.attacks.LinfFastGradientAttack()(foolbox.JAXModel(net, bounds=(0, 1)), IMAGES, LABELS, epsilons=eps)
    np.testing.assert_allclose(attacked(fgsm(), eps), np.asarray(x_adv), atol=1e-6)


@pytest.mark.parametrize("eps", [8 / 255, 0.2])
def test_pgd_agrees_with_foolbox_given_its_start_steps_and_step_length(foolbox, eps):
    attack = foolbox.attacks.LinfPGD(rel_stepsize=2.5 / 10, steps=10, random_start=False)
    _, x_adv, _ = attack(foolbox.JAXModel(net, bounds=(0, 1)), IMAGES, LABELS, epsilons=eps)
    np.testing.assert_allclose(attacked(pgd(steps=10, start="image"), eps), np.asarray(x_adv), atol=1e-5)


def test_eps_is_read_as_people_write_it():
    assert parse_eps("4/255, 0.1,1,1e-3,0.1") == (4 / 255, 0.1, 1.0, 0.001)
    assert [show_eps(eps) for eps in DEFAULT_EPS] == ["4/255", "8/255", "12/255", "0.05", "0.1", "0.2", "0.3", "0.5", "1"]


@pytest.mark.parametrize("text", ["abc", "-0.1", "1.5", "", "1/0", "nan", "inf", "0.1,,0.2", "1e400"])
def test_an_eps_that_is_none_is_refused_with_the_text_that_came(text):
    with pytest.raises(UserError, match="--eps"):
        parse_eps(text)
