"""Spatial networks: the paper's equations again as slow loops, splits by hand, what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.heads import answer, cross_entropy, right, together
from bioexp.papers.spatial_nets.model import (
    dealt,
    density,
    disabled,
    greedy,
    spatial_cross_entropy,
    spatial_net,
    transport,
    turned,
    turned_net,
)
from bioexp.types import Batch, UserError

SHAPE, CLASSES, HIDDEN = (3, 4), 4, (5, 6, 7, 8)
RNG = np.random.default_rng(0)


def params(seed=0, **options):
    return spatial_net(SHAPE, CLASSES, hidden=HIDDEN, **options).init(jax.random.key(seed))


def slow_transport(w, here, below, over):
    total = 0.0
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            total += abs(w[i, j]) * np.sqrt(((here[i] - below[j]) ** 2).sum())
    return total / over


def slow_density(here):
    n = len(here)
    return (
        sum(np.exp(-np.sqrt(((here[i] - here[j]) ** 2).sum())) for i in range(n) for j in range(n))
        / n**2
    )


def test_transport_and_density_match_the_loops_of_section_2():
    w, here, below = (RNG.normal(size=size).astype(np.float32) for size in ((6, 5), (6, 2), (5, 2)))
    np.testing.assert_allclose(
        transport(jnp.asarray(w), jnp.asarray(here), jnp.asarray(below)),
        slow_transport(w, here, below, 30),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        transport(jnp.asarray(w), jnp.asarray(here), jnp.asarray(below), printed=True),
        slow_transport(w, here, below, 6),
        rtol=1e-5,
    )
    np.testing.assert_allclose(density(jnp.asarray(here)), slow_density(here), rtol=1e-4)


def test_the_penalty_is_the_mean_over_the_layers_that_pay():
    own = params()["layers"]
    penalty = spatial_cross_entropy(alpha=2.0, beta=0.5).penalty(params())
    costs = [
        2
        * slow_transport(
            *(np.asarray(own[str(n)][k]) for k in "wp"),
            np.asarray(own[str(n - 1)]["p"]),
            own[str(n)]["w"].size,
        )
        + 0.5 * slow_density(np.asarray(own[str(n)]["p"]))
        for n in (2, 3, 4)
    ]
    np.testing.assert_allclose(penalty, np.mean(costs), rtol=1e-4)


def test_positions_of_the_layers_that_pay_move_and_the_first_layers_do_not():
    slope = jax.grad(spatial_cross_entropy().penalty)(params())["layers"]
    assert [bool(jnp.any(slope[str(n)]["p"] != 0)) for n in range(5)] == [
        False,
        True,
        True,
        True,
        True,
    ]
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(slope))


def test_without_penalties_it_is_the_regular_net():
    assert spatial_cross_entropy(alpha=0.0, beta=0.0).penalty(params()) == 0


def test_a_penalty_on_neurons_without_positions_is_refused():
    bare = {
        "layers": {
            n: {k: v for k, v in layer.items() if k != "p"}
            for n, layer in params()["layers"].items()
        }
    }
    with pytest.raises(UserError, match="use the model spatial_net"):
        spatial_cross_entropy().penalty(bare)
    with pytest.raises(UserError, match="layers: 0 and the layer below"):
        spatial_cross_entropy(layers=(0,)).penalty(params())


def test_each_head_has_a_softmax_of_its_own():
    logits, y = (
        RNG.normal(size=(9, 6)).astype(np.float32),
        np.stack([RNG.integers(0, 3, 9), RNG.integers(3, 6, 9)], axis=1),
    )
    slow = [
        np.mean(
            [
                np.log(np.exp(row[3 * t : 3 * t + 3]).sum()) - row[label]
                for t, label in enumerate(own)
            ]
        )
        for row, own in zip(logits, y, strict=True)
    ]
    np.testing.assert_allclose(
        cross_entropy(jnp.asarray(logits), jnp.asarray(y), 2), slow, rtol=1e-5
    )
    of_first = cross_entropy(
        jnp.asarray(logits), jnp.asarray(y[:, 0]), 2
    )  # sequential: the label's own head alone
    np.testing.assert_allclose(
        of_first, cross_entropy(jnp.asarray(logits[:, :3]), jnp.asarray(y[:, 0])), rtol=1e-6
    )


def test_heads_attacked_together_are_right_when_all_are():
    logits, y = (
        RNG.normal(size=(200, 6)).astype(np.float32),
        np.stack([RNG.integers(0, 3, 200), RNG.integers(3, 6, 200)], axis=1),
    )
    alone = np.asarray(right(jnp.asarray(logits), jnp.asarray(y), 2))
    as_one, labels = together(jnp.asarray(logits), 2), answer(y, 3)
    np.testing.assert_array_equal(right(as_one, jnp.asarray(labels)), alone.all(axis=1))
    np.testing.assert_allclose(
        cross_entropy(as_one, jnp.asarray(labels)),
        2 * cross_entropy(jnp.asarray(logits), jnp.asarray(y), 2),
        rtol=1e-4,
    )
    assert 0 < alone.all(axis=1).mean() < 1


def test_a_mixing_net_sees_the_sum_of_what_stands_side_by_side():
    images = RNG.random((4, 3, 8)).astype(np.float32)
    mixing, plain = (
        spatial_net((3, 8), CLASSES, hidden=HIDDEN, mixed=2),
        spatial_net(SHAPE, CLASSES, hidden=HIDDEN),
    )
    weights = mixing.init(jax.random.key(0))
    both = images[:, :, :4] + images[:, :, 4:]
    np.testing.assert_allclose(
        mixing.apply(weights, jnp.asarray(images))[0],
        plain.apply(weights, jnp.asarray(both))[0],
        rtol=1e-5,
    )
    with pytest.raises(UserError, match="mixed: 3 examples"):
        spatial_net((3, 8), CLASSES, mixed=3)


def test_a_turned_net_sees_sums_and_differences_which_lose_nothing():
    images = RNG.random((4, 3, 8)).astype(np.float32)
    first, second = images[:, :, :4], images[:, :, 4:]
    seen = np.concatenate([first + second, first - second], axis=2) / np.sqrt(2)
    weights = turned_net((3, 8), CLASSES, hidden=HIDDEN).init(jax.random.key(0))
    plain = spatial_net((3, 8), CLASSES, hidden=HIDDEN)
    np.testing.assert_allclose(
        turned_net((3, 8), CLASSES, hidden=HIDDEN).apply(weights, jnp.asarray(images))[0],
        plain.apply(weights, jnp.asarray(seen))[0],
        rtol=1e-4,
    )
    np.testing.assert_allclose(turned(turned(jnp.asarray(images))), images, rtol=1e-4, atol=1e-6)
    with pytest.raises(UserError, match="two images side by side"):
        turned_net((3, 7), CLASSES)


def test_dealing_keeps_every_example_with_its_label_and_changes_its_neighbor():
    n = 50
    x = np.concatenate(
        [np.full((n, 2, 3), i)[:, :, :] * np.arange(1, n + 1)[:, None, None] for i in (1, 100)],
        axis=2,
    ).astype(np.float32)
    y = np.stack([np.arange(n), 100 + np.arange(n)], axis=1)
    batch = dealt(Batch(jnp.asarray(x), jnp.asarray(y)), jax.random.key(0))
    np.testing.assert_array_equal(batch.x[:, 0, 0], batch.y[:, 0] + 1)
    np.testing.assert_array_equal(batch.x[:, 0, 3], 100 * (batch.y[:, 1] - 99))
    np.testing.assert_array_equal(np.sort(batch.y[:, 1]), y[:, 1])
    assert (np.asarray(batch.y[:, 1]) != y[:, 1]).mean() > 0.8


@pytest.mark.parametrize("heads", [2, 4])
def test_the_greedy_split_matches_the_loops_of_section_3(heads):
    weights = jax.tree.map(np.asarray, params())
    groups = greedy(weights, heads)
    group = {("4", n): n // (CLASSES // heads) for n in range(CLASSES)}
    for layer, above in (("3", "4"), ("2", "3")):
        for n in range(len(weights["layers"][layer]["b"])):
            w = weights["layers"][above]["w"]
            sums = [
                sum(abs(w[m, n]) for m in range(len(w)) if group[above, m] == i)
                for i in range(heads)
            ]
            group[layer, n] = sums.index(max(sums))
    assert {
        (str(layer), n): int(g) for layer, own in groups.items() for n, g in enumerate(own)
    } == group


def test_a_disabled_neuron_emits_its_bias_or_nothing():
    weights, groups = jax.tree.map(np.asarray, params()), {3: np.array([0] * 4 + [1] * 4)}
    net = spatial_net(SHAPE, CLASSES, hidden=HIDDEN)
    x = jnp.asarray(RNG.random((3, *SHAPE)), jnp.float32)
    z = net.apply(disabled(weights, groups, 0), x)[1][3].z
    np.testing.assert_allclose(
        z[:, 4:], np.tile(jax.nn.sigmoid(weights["layers"]["3"]["b"][4:]), (3, 1)), rtol=1e-6
    )
    before = net.apply(weights, x)[1][3].z
    np.testing.assert_array_equal(z[:, :4], before[:, :4])
    silent = net.apply(disabled(weights, groups, 0, silent=True), x)[0]
    top = weights["layers"]["4"]
    np.testing.assert_allclose(
        silent, before[:, :4] @ top["w"][:, :4].T + top["b"], rtol=1e-4, atol=1e-6
    )
