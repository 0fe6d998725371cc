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
from bioexp.papers.competing_hidden_units import dynamics, measures
from bioexp.papers.competing_hidden_units.model import competing_hidden_units
from bioexp.papers.measuring import more_survive, runs
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
    assert measures.unsupervised_seconds({measures.SLOW: slow}) == {0: 3.0}
    twins = [
        trained(tmp_path, seed=seed, stage_s=(2.5,), group=(0, 1), variant={"loss": "sigmoid_mse"})
        for seed in (0, 1)
    ]
    assert measures.time_ratio({measures.SLOW: slow, measures.TWIN: twins}) == {0: 4.0}


def test_an_advantage_is_paired_seed_by_seed_and_image_by_image(tmp_path):
    evidence = {
        "a": [trained(tmp_path, survives=[1, 1, 0, 1]), trained(tmp_path, [0, 0, 0, 0], seed=1)],
        "b": [trained(tmp_path, [1, 1, 1, 1], seed=1), trained(tmp_path, survives=[1, 0, 1, 0])],
    }
    assert measures.advantage("a", "b")(evidence) == {0: 0.25, 1: -1.0}
    apart = more_survive("a", "b")(evidence)
    assert apart.tolist() == [[0, 1, -1, 1], [-1, -1, -1, -1]]
