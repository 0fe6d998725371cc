"""The measures behind the log network's claims, on nets small enough to know the answer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made import made, stage

from bioexp.experiment import Attacked
from bioexp.measures import line_fits
from bioexp.models import mlp
from bioexp.papers.log_net import least_change, measures, perturbations, prototypes
from bioexp.papers.log_net.model import log_net
from bioexp.papers.measuring import EPS, accuracy, less, pixels, robust
from bioexp.types import Dataset, UserError

SHAPE, CLASSES, HIDDEN = (3, 4), 3, 6


def data(n=60):
    rng = np.random.default_rng(0)
    y = (np.arange(n) % CLASSES).astype(np.int32)
    x = rng.integers(0, 60, (n, *SHAPE)).astype(np.uint8)
    x[np.arange(n), y] += 180  # a class is a bright row
    return Dataset("made", "made", x, y, x, y, CLASSES, "0")


def trained(w1=None, w2=None, attacks=None, **options):
    rows = np.repeat(np.eye(3), 4, axis=1)
    w1 = rows[np.arange(HIDDEN) % 3] + 0.01 if w1 is None else w1
    w2 = np.eye(3)[:, np.arange(HIDDEN) % 3] if w2 is None else w2
    layers = {"0": w1, "1": w2}
    return made(
        model={"name": "log_net", "hidden": HIDDEN, "log": True} | options,
        network=log_net(SHAPE, CLASSES, hidden=HIDDEN, **options),
        params={"layers": {i: {"w": jnp.asarray(w, jnp.float32)} for i, w in layers.items()}},
        dataset=data(),
        stages=(stage({"name": "own_images"}),),
        attacks=attacks,
    )


def test_prototypes_that_are_class_rows_look_like_the_class_means_and_are_named_by_w2():
    assert prototypes.score(trained()) > 0.95
    assert prototypes.named_class(trained()) == 1
    assert prototypes.own_class(trained()) == 1
    assert prototypes.own_class(trained(w2=np.eye(3)[:, (np.arange(HIDDEN) + 1) % 3])) == 0


def test_the_linearized_net_has_the_same_weights_and_no_log():
    net = trained()
    x = jnp.asarray(pixels(net), jnp.float32)
    w1, w2 = (np.asarray(net.params["layers"][i]["w"]) for i in "01")
    np.testing.assert_allclose(
        measures.linearized(net).apply(net.params, x)[0],
        np.asarray(x) @ w1.T / 12 @ w2.T,
        rtol=1e-5,
    )
    assert measures.linearized_accuracy(net) == 1
    assert measures.most_frequent(net) == pytest.approx(1 / 3)
    assert measures.lost(net) == 0


def test_one_everywhere_is_a_lower_loss_than_the_average():
    """-x2 only falls as weights grow, so the average cannot be its minimum."""
    assert prototypes.average_over_minimizer(trained()) < 0


def test_decades_are_orders_of_magnitude_between_rows():
    assert prototypes.decades(trained()) == pytest.approx(0, abs=1e-6)
    sizes = np.repeat([1.0, 1000.0], HIDDEN // 2)[:, None]
    assert prototypes.decades(trained(w1=sizes * np.ones((HIDDEN, 12)))) == pytest.approx(3)


def test_robust_accuracy_is_the_mean_of_the_minimum_over_attacks():
    halves = np.zeros((2, 60), bool)
    halves[1, :30] = True
    others = np.zeros((2, 60), bool)
    others[1, 15:45] = True
    clean = np.ones(60, bool)
    net = trained(
        attacks={
            "a": Attacked((0.05, EPS), halves, clean),
            "b": Attacked((0.05, EPS), others, clean),
        }
    )
    assert robust(net) == pytest.approx(0.25)


def test_log_x3_grows_in_a_straight_line_under_small_equal_steps():
    assert perturbations.exponential_fit(trained()) > 0.99


def test_differences_are_taken_seed_by_seed_and_a_missing_seed_is_named():
    """Five seeds beside three others: by place 0 would meet 1, 1 meet 2, and 3 and 4 nobody."""
    many = {seed: float(seed) for seed in range(5)}
    assert less(lambda evidence: many, lambda evidence: dict(reversed(many.items())))({}) == (
        dict.fromkeys(range(5), 0.0)
    )
    with pytest.raises(UserError, match=r"seed 0 is missing from .*it has seeds \[1, 2, 3\]"):
        less(lambda evidence: many, lambda evidence: {1: 1.0, 2: 2.0, 3: 3.0})({})


def test_the_response_of_the_figure_is_the_one_that_the_claim_measures():
    """The reach of a prediction lies on the axis of the figure."""
    net = trained()
    errors = perturbations.errors(net)
    assert {len(values) for values in errors.values()} == {len(perturbations.SIZES)}
    for predictor in errors:
        reach = perturbations.predicted_reach(predictor, net)
        assert perturbations.SIZES[0] <= reach <= perturbations.SIZES[-1]


def test_the_gradient_of_a_linear_net_does_not_turn():
    linear = trained(log=False)
    assert perturbations.staleness(linear) > 0.999
    assert perturbations.staleness(trained()) < perturbations.staleness(linear)


def test_random_prototypes_are_the_same_for_a_seed():
    first, again = (measures.median_angle(measures.random_pairs, trained()) for _ in range(2))
    assert first == again
    assert jax.tree.all(jax.tree.map(lambda leaf: bool(jnp.isfinite(leaf).all()), trained().params))


def test_rows_of_no_class_look_less_like_classes_than_class_rows_do():
    net = trained()
    assert prototypes.score(net) > 0.95
    assert prototypes.mixture(20)(net) < 0.8
    assert prototypes.no_prototypes(net) >= prototypes.blob(net)
    assert prototypes.named_by_chance(net) < prototypes.named_class(net)


def test_the_size_of_a_row_may_tell_that_of_its_column():
    sizes = np.arange(1.0, HIDDEN + 1)
    alike = trained(w1=sizes[:, None] * np.ones((HIDDEN, 12)), w2=sizes * np.ones((3, HIDDEN)))
    assert prototypes.size_tells(alike) == pytest.approx(1)
    assert prototypes.size_tells(trained(w2=np.random.default_rng(0).random((3, HIDDEN)))) < 1


def test_of_nets_without_the_log_the_one_that_trains_best_counts_seed_by_seed():
    def net(seed, right, value):
        return made(seed=seed, accuracy=value, metrics=[{"train_accuracy": right}])

    names = prototypes.RATES
    right = {0: (0.5, 0.9, 0.1), 1: (0.8, 0.2, 0.3)}
    evidence = {
        name: [net(seed, right[seed][at], at / 10) for seed in right]
        for at, name in enumerate(names)
    }
    assert prototypes.at_the_best_rate(accuracy)(evidence) == {0: 0.1, 1: 0.0}


def test_a_permutation_test_finds_a_bend_and_calls_random_residuals_random():
    rng = np.random.default_rng(0)
    along = rng.normal(size=300)
    random = [line_fits.permuted(along, rng.normal(size=300), rng) for _ in range(60)]
    assert line_fits.permuted(along, along**2 + rng.normal(size=300), rng) == 1 / 200
    assert np.mean(np.array(random) < 0.05) < 0.2
    assert 0.3 < np.mean(random) < 0.7


def linear(w2):
    """A net without a hidden layer of its own: its boundary between two classes is a plane."""
    return made(
        network=mlp(SHAPE, CLASSES, hidden=(), bias=False),
        params={"layers": {"0": {"w": jnp.asarray(w2, jnp.float32)}}},
        dataset=data(),
    )


ROWS = np.repeat(np.eye(3), 4, axis=1)  # a class is a bright row


def test_the_least_change_of_a_linear_net_is_the_distance_to_its_boundary():
    net = linear(ROWS)
    found = least_change.least(net)
    x = pixels(net)
    scores, own = x @ ROWS.T, net.dataset.y_test
    behind = scores[np.arange(60), own][:, None] - scores
    gaps = np.where(np.eye(3, dtype=bool)[own], np.inf, behind)
    np.testing.assert_allclose(found.length, gaps.min(axis=1) / 8**0.5, rtol=0.05)
    assert (found.found != own).all()


def test_what_fools_a_linear_net_of_class_rows_are_features_of_the_class_found():
    assert least_change.features(linear(ROWS)) > 0.9
    noise = np.random.default_rng(0).normal(size=ROWS.shape)
    assert least_change.features(linear(ROWS + 3 * noise)) < 0.7


def test_a_net_with_useless_weights_needs_less_change_than_one_without():
    tilted = ROWS + 0.5 * np.random.default_rng(1).normal(size=ROWS.shape)
    evidence = {"plain": [linear(ROWS)], "tilted": [linear(tilted)]}
    assert least_change.harder("plain", "tilted")(evidence)[0] > 0
    assert least_change.harder("plain", "plain")(evidence) == {0: pytest.approx(0, abs=1e-6)}
