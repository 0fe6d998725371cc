"""The measures behind the claims on competing hidden units, on runs small enough to know the
answer.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from made import made, stage

from bioexp.experiment import Attacked
from bioexp.files import write_arrays
from bioexp.models.mlp import mlp
from bioexp.papers.competing_hidden_units import dynamics, filters, measures, robust
from bioexp.papers.competing_hidden_units.model import competing_hidden_units
from bioexp.papers.measuring import each, more_survive, runs
from bioexp.types import Dataset, UserError
from bioexp.vouched import vouch

NET = {"hidden": 2, "inputs": "raw", "inhibition": 0.8, "power": 1.0}
RULE = {"name": "competing_dynamics", "inhibition": 0.8, "threshold": 1.0}


def trained(tmp_path, survives=None, **about):
    """A net of two units on images of one bright pixel: |v| = 1, W v is the first weight."""
    x = np.zeros((20, 2, 2), np.uint8)
    x[:, 0, 0] = 255
    y = (np.arange(20) % 2).astype(np.int32)
    network = competing_hidden_units((2, 2), 2, **NET)
    attacks = {}
    if survives is not None:
        attacks["pgd"] = Attacked(
            (0.1,), np.asarray([survives], bool), np.ones(len(survives), bool)
        )
    return made(
        model={"name": "competing_hidden_units", **NET},
        network=network,
        params=network.init(jax.random.key(0)),
        dataset=Dataset("made", "made", x, y, x, y, 2, "0"),
        stages=(stage(RULE), stage()),
        attacks=attacks,
        path=tmp_path,
        **about,
    )


def test_units_run_away_just_where_they_are_in_the_anti_hebbian_range_beyond_the_image(tmp_path):
    """Two units, one image with |v| = 1; inhibition leaves the weaker below its threshold and the
    stronger Hebbian.
    """
    net = trained(tmp_path)
    for step, weaker in ((0, 1.9), (600, 0.9)):
        w = jnp.array([[2.05 if weaker > 1 else 1.0, 0.0, 0.0, 0.0], [weaker, 0.0, 0.0, 0.0]])
        file = net.run.path / "snapshots" / f"{step:04d}.npz"
        write_arrays(file, {"layers/0/w": np.asarray(w)})
    vouch(net.run.path / "FINISHED", file.parent.iterdir())
    before, _ = dynamics.ends(net)
    assert list(dynamics.first_layer(net)) == [0, 600]
    h = dynamics.at_rest(net, before, 1)[0]
    assert 0 <= h[1] < 1 <= h[0]
    assert dynamics.runs_away_before(net) == 1
    assert dynamics.runs_away_after(net) == 0
    assert dynamics.hebbian_runs_away(net) == 0
    assert dynamics.pairs_before(net) == 20
    assert dynamics.unmoved(net) == 0
    assert dynamics.settled_before(net) == 0
    np.testing.assert_allclose(dynamics.ranges(net, before), [0, 0.5, 0.5])
    steps, lengths = dynamics.lengths(net)
    assert steps.tolist() == [0, 600]
    np.testing.assert_allclose(lengths, [[2.05, 1.9], [1.0, 0.9]], rtol=1e-6)


def test_the_smallest_advantage_is_over_losses_seed_by_seed(tmp_path):
    """Seed 1 does better under every loss; the smallest difference is that of the last loss."""

    def nets(variants, axis):
        return [
            trained(tmp_path, accuracy=value + seed / 10, seed=seed, variant={axis: loss})
            for loss, value in variants.items()
            for seed in (1, 0)
        ]

    bio = dict.fromkeys(measures.LOSSES, 0.8)
    twin = dict(zip(measures.LOSSES, (0.7, 0.5, 0.9), strict=True))
    evidence = {
        measures.SLOW: nets({"sigmoid_mse": 0.8}, "head"),
        measures.HEADS: nets({loss: bio[loss] for loss in measures.LOSSES[1:]}, "head"),
        measures.TWIN: nets(twin, "loss"),
    }
    expected = {0: pytest.approx(-0.1), 1: pytest.approx(-0.1)}
    assert measures.smallest_advantage(evidence) == expected
    assert len(runs(evidence, measures.TWIN, loss="cross_entropy")) == 2
    evidence[measures.TWIN] = evidence[measures.TWIN][:-1]
    with pytest.raises(UserError, match="seed 0"):
        measures.smallest_advantage(evidence)


def test_folds_are_averaged_for_each_seed(tmp_path):
    by_seed = {0: (0.8, 0.9, 0.8, 0.9, 0.85), 1: (0.5, 0.7, 0.6, 0.6, 0.6)}
    folds = [
        trained(
            tmp_path,
            seed=seed,
            variant={"head": f"fold-{number}"},
            metrics=[{"stage": 1, "step": 1, "validation_accuracy": value}],
        )
        for seed in (1, 0)
        for number, value in enumerate(by_seed[seed], 1)
    ]
    assert measures.held_out({measures.FOLDS: folds}) == {
        0: pytest.approx(0.85),
        1: pytest.approx(0.6),
    }
    with pytest.raises(UserError, match="seed 0"):
        measures.held_out({measures.FOLDS: folds[:-1]})


def test_blow_ups_are_those_of_one_setting_per_unit(tmp_path):
    nets = [
        trained(
            tmp_path,
            variant={"delta": delta, "presentation": "short"},
            metrics=[
                {"stage": 0, "step": 1, "blow_ups": 1.0},
                {"stage": 0, "step": 2, "blow_ups": count},
            ],
        )
        for delta, count in (("0.4", 6.0), ("0.01", 0.0))
    ]
    assert measures.blown_up("0.4", "short")({measures.DELTA: nets}) == {0: 3.0}
    assert measures.blown_up("0.01", "short")({measures.DELTA: nets}) == {0: 0.0}
    with pytest.raises(UserError, match="has no runs of"):
        measures.blown_up("0.4", "long")({measures.DELTA: nets})


def test_seconds_are_those_of_each_seed_of_a_group(tmp_path):
    slow = [trained(tmp_path, seed=seed, stage_s=(6.0, 4.0), group=(0, 1)) for seed in (0, 1)]
    twins = [trained(tmp_path, seed=seed, stage_s=(2.5,), group=(0, 1)) for seed in (0, 1)]
    evidence = {measures.AUTHOR: slow, "twin": twins}
    assert measures.unsupervised_seconds(evidence) == {0: 3.0}
    ratio = measures.time_ratio(*(each(name, measures.seconds) for name in evidence))
    assert ratio(evidence) == {0: 4.0}


def test_a_seed_is_unstable_only_where_the_one_setting_blows_up_and_the_other_does_not():
    counts = {"a": {0: 5.0, 1: 5.0, 2: 0.0}, "b": {0: 0.0, 1: 1.0, 2: 0.0}}
    measure = measures.unstable_only(lambda _: counts["a"], lambda _: counts["b"])
    assert measure({}) == {0: 1.0, 1: 0.0, 2: 0.0}


def test_a_net_that_never_answers_a_class_loses_it(tmp_path):
    net = trained(tmp_path, accuracy=0.83)
    everything_is_0 = {"w": jnp.zeros((2, 2)), "b": jnp.array([1.0, 0.0])}
    net.params["layers"]["1"] = everything_is_0
    assert measures.loses_a_class(net) == 1
    assert measures.near(net, 0.84, 0.011) == 1
    assert measures.near(net, 0.84, 0.009) == 0


def test_errors_over_epochs_run_on_through_the_stages_of_the_head(tmp_path):
    def record(stage, epoch, train, held_out):
        names = ("stage", "epoch", "train_accuracy", "validation_accuracy")
        return dict(zip(names, (stage, epoch, train, held_out), strict=True))

    metrics = [
        {"stage": 0, "epoch": 9.0},
        record(1, 1.0, 0.5, 0.4),
        record(1, 2.0, 0.75, 0.5),
        record(2, 1.0, 1.0, 0.75),
    ]
    net = trained(tmp_path, metrics=metrics, variant={"reading": "raw"})
    epochs, train, held_out = measures.errors_over_epochs(net)
    assert epochs.tolist() == [1, 2, 3]
    assert train.tolist() == [0.5, 0.25, 0]
    assert held_out.tolist() == [0.6, 0.5, 0.25]
    assert measures.held_out_error("raw")({measures.READINGS: [net]}) == {0: 0.25}
    assert measures.train_error(net) == 0


def test_units_are_duplicates_where_they_are_parallel_whatever_their_length():
    w = np.array([[1.0, 0.0], [3.0, 0.01], [0.0, 1.0], [0.0, -2.0]])
    assert filters.duplicates(w) == 0.5
    np.testing.assert_allclose(filters.nearest_cosines(w), [1, 1, 0, 0], atol=4e-3)


def test_smooth_grey_weights_are_continuous_in_pixels_and_color_and_noise_in_neither():
    rng, shape = np.random.default_rng(0), (8, 8, 3)
    y, x = np.mgrid[:8, :8] / 8
    smooth = np.stack([np.sin(a * x + b * y) for a, b in rng.uniform(0, 2, (50, 2))])
    grey = np.repeat(smooth[..., None], 3, axis=-1).reshape(50, -1)
    assert filters.neighbors_alike(grey, shape) > 0.8
    assert filters.channels_alike(grey, shape) == pytest.approx(1)
    noise = rng.normal(size=(400, 192))
    assert abs(filters.neighbors_alike(noise, shape)) < 0.05
    assert abs(filters.channels_alike(noise, shape)) < 0.05
    opposed = grey.reshape(50, *shape) * np.array([1.0, -1.0, 1.0])
    assert filters.channels_alike(opposed.reshape(50, -1), shape) == pytest.approx(-1 / 3)


def test_what_training_changed_is_seen_through_the_noise_that_weights_begin_as(tmp_path):
    shape = (8, 8, 3)
    x, y = np.zeros((2, *shape), np.uint8), np.array([0, 1], np.int32)
    network = mlp(shape, 2, hidden=(5,))
    params = network.init(jax.random.fold_in(jax.random.key(3), 0))
    smooth = np.repeat(np.linspace(0, 0.01, 8), 24).reshape(1, *shape)
    params["layers"]["0"]["w"] += smooth.reshape(1, -1)
    data = Dataset("made", "made", x, y, x, y, 2, "0")
    net = made(network=network, params=params, dataset=data, seed=3, path=tmp_path)
    assert abs(filters.neighbors_alike(np.asarray(params["layers"]["0"]["w"]), shape)) < 0.3
    assert filters.neighbors_in_change(net) > 0.9


def test_over_one_presentation_a_length_goes_to_1_stays_or_blows_up(tmp_path):
    """|v| = 1 and W v = 2: with g = -0.4 the pole lies at atanh(1/2) / 0.4 = 1.37 tau_L."""
    times = np.linspace(0, 2, 201)
    w, v = np.array([2.0, 0.5]), np.array([1.0, 0.0])
    hebbian, still, anti = (dynamics._squares(w, v, g, times) for g in (5.0, 0.0, -0.4))
    assert hebbian[-1] == pytest.approx(1, abs=1e-3)
    np.testing.assert_allclose(still, 4.25, rtol=1e-5)
    assert times[np.isnan(anti)][0] == pytest.approx(np.arctanh(0.5) / 0.4, abs=0.011)
    assert (np.diff(anti[~np.isnan(anti)]) > 0).all()


def test_an_advantage_is_paired_seed_by_seed_and_image_by_image(tmp_path):
    evidence = {
        "a": [trained(tmp_path, survives=[1, 1, 0, 1]), trained(tmp_path, [0, 0, 0, 0], seed=1)],
        "b": [trained(tmp_path, [1, 1, 1, 1], seed=1), trained(tmp_path, survives=[1, 0, 1, 0])],
    }
    assert robust.advantage("a", "b")(evidence) == {0: 0.25, 1: -1.0}
    apart = more_survive("a", "b")(evidence)
    assert apart.tolist() == [[0, 1, -1, 1], [-1, -1, -1, -1]]
