"""What every attack in the table promises, whatever it does inside."""

import inspect
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.attacks import ATTACKS, LADDER
from bioexp.robustness.evaluate import Net, evaluate, key_of, logits
from bioexp.types import Attack

EPS = (0.0, 8 / 255, 0.3)
SMALL = {"steps": 3, "restarts": 2, "draws": 3, "queries": 30}  # enough to see a promise broken


@cache
def build(name: str) -> Attack:
    """The attack with few steps; always the same object, so that it compiles once."""
    taken = inspect.signature(ATTACKS[name]).parameters
    return ATTACKS[name](**{option: value for option, value in SMALL.items() if option in taken})


@pytest.fixture(scope="module")
def net() -> Net:
    """A random net of 6 x 6 images that is always right, as its own answers are the labels."""
    keys = jax.random.split(jax.random.key(0), 3)
    params = {"v": jax.random.normal(keys[0], (36, 16)), "w": jax.random.normal(keys[1], (16, 3))}
    images = np.asarray(jax.random.randint(keys[2], (20, 6, 6), 0, 256), np.uint8)
    images[0], images[1] = 0, 255  # corners of the box
    net = Net(
        lambda params, x: jnp.tanh(x.reshape(len(x), -1) @ params["v"]) @ params["w"],
        params,
        images,
        np.zeros(20, np.int32),
    )
    return Net(net.apply, params, images, logits(net).argmax(-1).astype(np.int32))


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_stays_in_its_ball_and_in_the_box(name, net):
    outcome = evaluate(net, build(name), EPS, jax.random.key(1))
    change = np.abs(outcome.x_adv / 255 - net.images / 255).reshape(len(EPS), 20, -1)
    size, rounding = (
        (change.max(-1), 1) if outcome.attack.norm == "linf" else (np.sqrt((change**2).sum(-1)), 6)
    )
    assert outcome.x_adv.dtype == np.uint8
    for eps, moved, unrounded in zip(EPS, size, outcome.moved, strict=True):
        assert moved.max() <= eps + rounding * 0.5 / 255 + 1e-6
        np.testing.assert_allclose(
            unrounded, moved if outcome.attack.norm == "l2" else 0, atol=rounding * 0.5 / 255 + 1e-6
        )
    assert (outcome.x_adv[0] == net.images).all()


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_gives_the_same_answer_for_the_same_key(name, net):
    first, second = (evaluate(net, build(name), EPS, jax.random.key(1)) for _ in range(2))
    assert (first.x_adv == second.x_adv).all()
    assert (first.tries == second.tries).all()


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_depends_on_other_images_or_on_the_block(name, net):
    alone = evaluate(net.first(7), build(name), EPS, jax.random.key(1), block=24)
    assert (evaluate(net, build(name), EPS, jax.random.key(1)).tries[:, :7] == alone.tries).all()


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_touches_an_image_that_is_wrong_already(name, net):
    wrong = Net(net.apply, net.params, net.images, (net.labels + 1) % 3)
    outcome = evaluate(wrong, build(name), EPS, jax.random.key(1))
    assert not outcome.correct.any()
    assert (outcome.tries == -1).all()
    assert (outcome.x_adv == net.images).all()


@pytest.mark.parametrize("name", ATTACKS)
def test_every_option_of_an_attack_is_keyword_only_typed_and_explained(name):
    document = inspect.getdoc(ATTACKS[name]) or ""
    for option in inspect.signature(ATTACKS[name]).parameters.values():
        assert option.kind is inspect.Parameter.KEYWORD_ONLY
        assert option.annotation is not inspect.Parameter.empty
        assert f"\n{option.name}: " in document


def test_the_ladder_names_attacks_that_exist_and_each_has_a_key_of_its_own():
    assert set(LADDER) <= set(ATTACKS)
    assert len(
        {int(jax.random.key_data(key_of(name, jax.random.key(0)))[1]) for name in ATTACKS}
    ) == len(ATTACKS)
