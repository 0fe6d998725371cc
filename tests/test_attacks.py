"""Each attack against its formula, and against Foolbox on the same net and images."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.attacks import ATTACKS, deepfool, fgsm, noise, pgd, pgd_l2, transfer
from bioexp.attacks.apgd import _lengths
from bioexp.attacks.ball import project
from bioexp.attacks.eps import DEFAULT_EPS, L2_EPS, LARGEST_L2, radii, show_eps
from bioexp.attacks.losses import cross_entropy, dlr, margin
from bioexp.attacks.noise import signs
from bioexp.attacks.square import _sides
from bioexp.robustness.evaluate import Net, evaluate
from bioexp.types import Attack, UserError

KEYS = jax.random.split(jax.random.key(0), 4)
V, W = jax.random.normal(KEYS[0], (64, 32)) / 8, jax.random.normal(KEYS[1], (32, 5))
IMAGES = jax.random.uniform(KEYS[2], (24, 8, 8))


def net(x):
    return jax.nn.relu(x.reshape(len(x), -1) @ V) @ W


LABELS = net(IMAGES).argmax(-1)


def attacked(attack: Attack, eps: float) -> np.ndarray:
    def one(x, y):
        return project(
            attack.perturb(lambda z: net(z[None])[0], x, y, jnp.float32(eps), KEYS[3]),
            x,
            jnp.float32(eps),
            attack.norm,
        )

    return np.asarray(jax.jit(jax.vmap(one))(IMAGES, LABELS))


def test_fgsm_moves_every_pixel_by_eps_along_the_sign_of_the_true_gradient():
    """The gradient by the chain rule in NumPy: w1' (relu'(u) * w2' (softmax - one-hot))."""
    x, v, w = (
        np.asarray(IMAGES, np.float64).reshape(24, -1),
        np.asarray(V, np.float64),
        np.asarray(W, np.float64),
    )
    u = x @ v
    p = np.exp(np.maximum(u, 0) @ w)
    error = p / p.sum(1, keepdims=True) - np.eye(5)[np.asarray(LABELS)]
    expected = np.clip(x + 0.1 * np.sign(((error @ w.T) * (u > 0)) @ v.T), 0, 1)
    np.testing.assert_allclose(attacked(fgsm(), 0.1).reshape(24, -1), expected, atol=1e-6)


def test_pgd_of_one_full_step_from_the_image_is_fgsm():
    np.testing.assert_allclose(
        attacked(pgd(steps=1, path=1.0, start="image"), 0.1), attacked(fgsm(), 0.1), atol=1e-6
    )


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


def test_dlr_does_not_change_with_the_scale_of_the_logits_and_is_the_margin_below_four_classes():
    z = jnp.array([4.0, 1.0, 3.0, 0.0])
    assert float(dlr(z, jnp.int32(0))) == pytest.approx(-(4 - 3) / (4 - 1))
    assert float(dlr(1e4 * z, jnp.int32(2))) == pytest.approx((4 - 3) / (4 - 1))
    assert float(dlr(z[:3], jnp.int32(0))) == -1.0
    assert np.isfinite(jax.grad(dlr)(jnp.zeros(5), jnp.int32(0))).all()


def test_the_checkpoints_of_apgd_are_those_of_the_paper():
    """Croce & Hein 2020, section 3.2: p = 0, 0.22, 0.41, 0.57, 0.70, 0.80, 0.87, 0.93, 0.99 of 100
    steps.
    """
    assert (np.flatnonzero(_lengths(100)) + 1).tolist() == [22, 41, 57, 70, 80, 87, 93, 99, 100]
    assert _lengths(100).sum() == 100


def test_the_squares_shrink_as_in_the_paper():
    """Of 10,000 queries on 28 x 28 pixels, p = 0.8 halved after 10, 50, 200, 500, ... of them."""
    sides = _sides(10_000, 0.8, 28, 28)
    assert sides[[10, 50, 200, 500, 1000, 9999]].tolist() == [25, 18, 13, 9, 6, 1]
    assert (_sides(1000, 0.8, 28, 28) == sides[::10]).all()


@pytest.mark.parametrize("name", ["apgd", "apgd_dlr", "square"])
def test_a_search_breaks_at_least_as_many_as_one_step(name):
    target = Net(lambda params, x: net(x), {}, np.asarray(IMAGES), np.asarray(LABELS))
    for eps in (0.02, 0.05):
        found, single = (
            evaluate(target, attack, (eps,), KEYS[3]).correct.sum()
            for attack in (ATTACKS[name](), fgsm())
        )
        assert found <= single + (2 if name == "square" else 0)
    assert not evaluate(target, ATTACKS[name](), (1.0,), KEYS[3]).correct.any()


def test_pgd_in_the_l2_ball_reaches_its_edge_and_breaks_what_deepfool_says_can_be_broken():
    target = Net(lambda params, x: net(x), {}, np.asarray(IMAGES), np.asarray(LABELS))
    nearest = evaluate(target, deepfool(), (np.inf,), KEYS[3])
    assert not nearest.correct.any()
    eps = float(np.median(nearest.moved))
    outcome = evaluate(target, pgd_l2(), (eps,), KEYS[3])
    assert outcome.moved.max() <= eps + 1e-6
    assert outcome.correct.mean() <= 0.5
    assert evaluate(target, pgd_l2(), (eps / 10,), KEYS[3]).correct.any()


def test_transfer_follows_the_source_and_asks_the_net_only_for_its_answer():
    """The net's own gradient is 0 everywhere; images made against the source break it anyway."""
    source = Net(lambda params, x: net(x), {}, np.asarray(IMAGES), np.asarray(LABELS))
    masked = Net(
        lambda params, x: jax.lax.stop_gradient(net(x)), {}, np.asarray(IMAGES), np.asarray(LABELS)
    )
    assert evaluate(masked, pgd(restarts=1, start="image"), (0.1,), KEYS[3]).correct.all()
    assert not evaluate(masked, transfer(), (0.5,), KEYS[3], sources=[source]).correct.any()


@pytest.mark.parametrize(
    ("norm", "size"), [("linf", lambda d: np.abs(d).max()), ("l2", np.linalg.norm)]
)
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
    _, x_adv, _ = foolbox.attacks.LinfFastGradientAttack()(
        foolbox.JAXModel(net, bounds=(0, 1)), IMAGES, LABELS, epsilons=eps
    )
    np.testing.assert_allclose(attacked(fgsm(), eps), np.asarray(x_adv), atol=1e-6)


@pytest.mark.parametrize("eps", [8 / 255, 0.2])
def test_pgd_agrees_with_foolbox_given_its_start_steps_and_step_length(foolbox, eps):
    attack = foolbox.attacks.LinfPGD(rel_stepsize=2.5 / 10, steps=10, random_start=False)
    _, x_adv, _ = attack(foolbox.JAXModel(net, bounds=(0, 1)), IMAGES, LABELS, epsilons=eps)
    np.testing.assert_allclose(
        attacked(pgd(steps=10, start="image"), eps), np.asarray(x_adv), atol=1e-5
    )


def test_deepfool_agrees_with_foolbox(foolbox):
    _, x_adv, _ = foolbox.attacks.L2DeepFoolAttack(candidates=5)(
        foolbox.JAXModel(net, bounds=(0, 1)), IMAGES, LABELS, epsilons=None
    )
    np.testing.assert_allclose(attacked(deepfool(), np.inf), np.asarray(x_adv), atol=1e-4)


def test_eps_is_read_as_people_write_it():
    asked = radii(named("pgd"), "4/255, 0.1,1,1e-3,0.1")
    assert (asked.linf, asked.notes) == ((4 / 255, 0.1, 1.0, 0.001), ())
    assert [show_eps(eps) for eps in DEFAULT_EPS] == [
        "4/255",
        "8/255",
        "12/255",
        "0.05",
        "0.1",
        "0.2",
        "0.3",
        "0.5",
        "1",
    ]


def named(*names: str) -> dict[str, Attack]:
    return {name: ATTACKS[name]() for name in names}


NO_EPS = [
    *("abc", "-0.1", "", "1/0", "nan", "inf", "0.1,,0.2", "1e400", "1e999999999", "1/2/3"),
    *(-0.1, np.nan, np.inf, 10**400, True, np.True_, [], [[0.1]], {}, [0.1, ""], object()),
]


@pytest.mark.parametrize("eps", [*NO_EPS, "1.5", 1.5])
def test_an_eps_that_is_none_is_refused_with_its_option(eps):
    with pytest.raises(UserError, match=r"^--eps: "):
        radii(named("pgd"), eps)


@pytest.mark.parametrize("eps", NO_EPS)
def test_a_length_that_is_none_is_refused_with_its_option(eps):
    with pytest.raises(UserError, match=r"^--eps-l2: "):
        radii(named("pgd_l2"), None, eps)
    with pytest.raises(UserError, match=r"^--eps: "):
        radii(named("pgd_l2"), eps)


@pytest.mark.parametrize(
    "eps",
    [
        *(0.25, "0.25", "1/4", [0.25], (0.25, "1/4"), np.float32(0.25), np.array(0.25)),
        *(np.array([0.25]), jnp.float32(0.25), Fraction(1, 4), iter([0.25]), {0.25}),
    ],
)
def test_eps_are_one_or_several_numbers_of_any_kind(eps):
    assert radii(named("fgsm"), eps).linf == (0.25,)


@pytest.mark.parametrize(
    ("attacks", "eps", "eps_l2", "linf", "l2", "notes"),
    [
        ("fgsm", (0.1,), None, (0.1,), L2_EPS, []),
        ("pgd_l2", None, None, DEFAULT_EPS, L2_EPS, []),
        ("pgd_l2", (1.5, 0.5), None, DEFAULT_EPS, (1.5, 0.5), ["read as Euclidean lengths"]),
        ("pgd_l2", (0.1,), (1.5,), (0.1,), (1.5,), []),
        ("pgd_l2 deepfool", (1.5,), None, DEFAULT_EPS, (1.5,), ["read as Euclidean lengths"]),
        (
            "fgsm pgd_l2",
            (0.1,),
            None,
            (0.1,),
            L2_EPS,
            ["the usual lengths are used (0.25, 0.5, 1, "],
        ),
        (
            "noise pgd_l2",
            (0.1,),
            None,
            (0.1,),
            L2_EPS,
            ["in the Euclidean one (pgd_l2) the usual lengths"],
        ),
        ("fgsm pgd_l2", (0.1,), (1.5,), (0.1,), (1.5,), []),
        ("fgsm pgd_l2", None, (1.5,), DEFAULT_EPS, (1.5,), []),
        ("fgsm", None, (1.5,), DEFAULT_EPS, (1.5,), ["--eps-l2: not used"]),
        ("deepfool", (1.5,), None, DEFAULT_EPS, L2_EPS, ["--eps: not used"]),
        (
            "deepfool",
            (0.1,),
            (1.5,),
            DEFAULT_EPS,
            (1.5,),
            ["--eps-l2: not used", "--eps: not used"],
        ),
        ("fgsm deepfool", (0.1,), None, (0.1,), L2_EPS, []),
    ],
)
def test_eps_are_of_the_ball_that_all_attacks_are_in_and_no_others_are_used_silently(
    attacks, eps, eps_l2, linf, l2, notes
):
    found = radii(named(*attacks.split()), eps, eps_l2)
    assert (found.linf, found.l2) == (linf, l2)
    assert len(found.notes) == len(notes)
    for said, words in zip(found.notes, notes, strict=True):
        assert words in said


def test_an_attack_in_the_euclidean_ball_breaks_more_the_farther_it_may_go_to_any_length():
    attack = pgd_l2(steps=5, restarts=1)
    left = [
        float((net(attacked(attack, eps)).argmax(-1) == LABELS).mean())
        for eps in (0.0, 1.0, 28.0, LARGEST_L2)
    ]
    assert left[0] == 1
    assert left == sorted(left, reverse=True)
    assert left[-1] < 1
