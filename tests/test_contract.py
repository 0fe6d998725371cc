"""The gradient contract, the self-test, and the checks that need more than the ladder's own
attacks.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp import ops
from bioexp.attacks import fgsm, pgd
from bioexp.robustness import contract, self_test
from bioexp.robustness.checks import Doubled, Evidence, black_box_is_stronger, more_effort_helps
from bioexp.robustness.contract import forward_is_random, gradient_is_another, slopes
from bioexp.robustness.evaluate import Net, Outcome, evaluate
from bioexp.robustness.flags import check
from bioexp.types import Attack


@pytest.fixture(scope="module")
def net() -> Net:
    """The self-test's honest net."""
    return self_test.plain()[0]


def with_forward(net: Net, change) -> Net:
    """The same net behind a change of its images."""
    return replace(net, apply=lambda params, x: net.apply(params, change(x)))


def red(finding) -> bool:
    return isinstance(finding, tuple)


@jax.custom_vjp
def rounded_straight_through(x):
    return jnp.round(x * 8) / 8


rounded_straight_through.defvjp(
    lambda x: (rounded_straight_through(x), None), lambda _, error: (error,)
)


def test_the_derivative_of_an_honest_net_is_that_of_its_values(net):
    found = slopes(net.first(32))
    smooth = np.abs(found.ahead - found.behind) <= 1e-3 * found.scale
    assert smooth.sum() > 20
    np.testing.assert_allclose(found.derivative[smooth], found.ahead[smooth], rtol=1e-4)
    assert gradient_is_another(Evidence(net, {})) is None
    assert forward_is_random(Evidence(net, {})) is None


@pytest.mark.parametrize(
    "change",
    [
        rounded_straight_through,
        lambda x: x + jax.lax.stop_gradient(x**2),
        lambda x: jnp.where(x > 0.5, jax.lax.stop_gradient(x), x),
    ],
)
def test_a_derivative_that_is_not_that_of_the_values_is_noticed(net, change):
    assert red(gradient_is_another(Evidence(with_forward(net, change), {})))


@pytest.mark.parametrize(
    "op",
    [
        ops.feedback({0: jnp.ones((4, 3))}),
        lambda layer, w, x: ops.straight(layer, jnp.tanh, x @ w.T),
    ],
)
def test_a_replaced_backward_is_found_inside_loops_and_jitted_parts(op):
    """Even where its derivative happens to be right: a transpose that equals w, or a slope of 1."""
    w = jnp.ones((4, 3))

    def apply(params, x):
        return jax.lax.fori_loop(
            0,
            1,
            lambda i, u: jax.jit(op, static_argnums=0)(0, w, x.reshape(len(x), -1)),
            jnp.zeros((len(x), 4)),
        )

    net = Net(apply, {}, np.full((8, 3, 1), 0.5, np.float32), np.zeros(8, np.int32))
    assert "replaced" in gradient_is_another(Evidence(net, {}))[1]


def test_derivatives_that_jax_itself_replaces_are_no_breach(net):
    soft = replace(
        net, apply=lambda params, x: jax.nn.relu(jax.nn.log_softmax(net.apply(params, x)) + 9)
    )
    assert gradient_is_another(Evidence(soft, {})) is None


def test_where_nothing_is_smooth_nothing_is_said(net):
    jagged = with_forward(
        net, lambda x: jnp.floor(x * 1e6) / 1e6
    )  # steps as wide as the difference
    assert "kinks" in gradient_is_another(Evidence(jagged, {}))


def test_a_forward_pass_that_is_random_or_draws_numbers_is_noticed(net):
    rng = np.random.default_rng(0)

    def thrown(x):
        shape = jax.ShapeDtypeStruct(x.shape, jnp.float32)
        return x + jax.pure_callback(
            lambda z: rng.normal(size=z.shape).astype(np.float32),
            shape,
            x,
            vmap_method="expand_dims",
        )

    assert "two calls" in forward_is_random(Evidence(with_forward(net, thrown), {}))[1]
    drawn = with_forward(net, lambda x: x + 0.1 * jax.random.normal(jax.random.key(0), x.shape))
    assert "draws random numbers" in forward_is_random(Evidence(drawn, {}))[1]


def test_the_self_test_passes_and_each_of_its_parts_can_fail(monkeypatch):
    assert self_test.self_test() == ()
    idle = Attack("linf", lambda logits, x, y, eps, key: x)
    assert self_test.failures(fgsm(), idle) == ("a plain backprop net keeps 100.0% at eps 0.3",)
    monkeypatch.setattr(self_test, "gradient_is_useless", lambda evidence: None)
    monkeypatch.setattr(self_test, "like_noise", lambda evidence: "cannot tell")
    found = self_test.failures(fgsm(), pgd(steps=20, restarts=1))
    assert found == (
        "logits scaled by 10,000 raise no flag",
        "an attack along a feedback gradient raises no flag",
    )


def test_a_self_test_that_fails_is_a_flag(net, monkeypatch):
    assert {flag.code: flag.state for flag in check(Evidence(net, {}))}["S14"] == "quiet"
    monkeypatch.setattr(
        self_test, "self_test", lambda: ("a plain backprop net keeps 9.0% at eps 0.3",)
    )
    flag = {flag.code: flag for flag in check(Evidence(net, {}))}["S14"]
    assert (flag.state, flag.words) == ("red", "test broken")


def outcome(net: Net, left: list[int], **options) -> Outcome:
    """An attack that the first `left` images survive, at eps 0.1, 0.2, ..."""
    survives = np.arange(len(net.labels)) < np.array(left)[:, None]
    attack = Attack("linf", lambda logits, x, y, eps, key: x, **options)
    tries = survives * np.int16(attack.restarts)
    eps = (0.1, 0.2)[: len(left)]
    return Outcome(
        attack,
        eps,
        tries,
        np.repeat(net.images[None], len(left), 0),
        np.zeros(len(left), int),
        np.zeros(tries.shape, np.float32),
    )


@pytest.mark.parametrize("kind", ["queries", "transfer"])
def test_a_black_box_that_beats_every_gradient_is_a_flag_at_its_eps(net, kind):
    white = {"fgsm": outcome(net, [120, 40]), "pgd": outcome(net, [100, 50])}
    assert black_box_is_stronger(
        Evidence(net, white | {"black": outcome(net, [100, 30], kind=kind)})
    )[0] == [0.2]
    assert (
        black_box_is_stronger(Evidence(net, white | {"black": outcome(net, [100, 38], kind=kind)}))
        is None
    )


def test_noise_alone_is_no_black_box(net):
    evidence = Evidence(net, {"noise": outcome(net, [10], kind="noise"), "pgd": outcome(net, [50])})
    assert "needs square" in black_box_is_stronger(evidence)


@pytest.mark.parametrize(("broken", "state"), [(10, True), (2, False)])
def test_steps_that_still_help_are_a_flag(net, broken, state):
    """Twice the steps on 40 of the 80 survivors break 10: 20 of 200 images, or 10 points."""
    places = np.arange(40)
    few = Net(net.apply, net.params, net.images[places], net.labels[places])
    doubled = Doubled(places, outcome(few, [40 - broken]))
    found = more_effort_helps(
        Evidence(net, {"pgd": outcome(net, [80], multi_step=True, restarts=4)}, doubled=doubled)
    )
    assert red(found) is state
    if state:
        assert "doubling the steps" in found[1]
        assert "20 images" in found[1]


def test_the_net_of_the_self_test_falls_and_noise_does_not_hurt_it(net):
    assert evaluate(net, pgd(steps=20, restarts=1), (0.3,), jax.random.key(1)).left == [0]
    assert len(net.labels) >= contract.POINTS
