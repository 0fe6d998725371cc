"""The measures behind the claims on competing hidden units, on runs small enough to know the
answer.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.experiment import Attacked, Run, Trained
from bioexp.files import write_arrays
from bioexp.papers.competing_hidden_units import measures
from bioexp.papers.competing_hidden_units.model import competing_hidden_units
from bioexp.papers.measuring import runs
from bioexp.types import Dataset

MODEL = {
    "name": "competing_hidden_units",
    "hidden": 2,
    "inputs": "raw",
    "inhibition": 0.8,
    "power": 1.0,
}
RULE = {
    "name": "competing_dynamics",
    "inhibition": 0.8,
    "threshold": 1.0,
    "delta": 0.01,
    "presentation": 0.03,
}


def trained(
    path,
    accuracy=0.9,
    loss="sigmoid_mse",
    rule=RULE,
    seed=0,
    metrics=(),
    survives=None,
    stage_s=(6.0, 4.0),
):
    x = np.zeros((20, 2, 2), np.uint8)
    x[:, 0, 0] = 255  # one bright pixel: |v| = 1, W v is the first weight
    y = (np.arange(20) % 2).astype(np.int32)
    dataset = Dataset("made", "made", x, y, x, y, 2, "0")
    model = competing_hidden_units((2, 2), 2, hidden=2, inputs="raw", inhibition=0.8, power=1.0)
    params = model.init(jax.random.key(0))
    objective = {"objective": {"name": loss}}
    config = {
        "name": "made",
        "model": MODEL,
        "stages": [{"rule": rule, **objective}, {"rule": {"name": "backprop"}, **objective}],
    }
    about = {"stage_s": list(stage_s), "wall_s": sum(stage_s), "group": [0, 1]}
    attacks = {} if survives is None else {"pgd": Attacked((0.1,), np.asarray([survives]))}
    return Trained(
        Run(path, config, seed, about, {"test_accuracy": accuracy}, tuple(metrics), params),
        model,
        params,
        dataset,
        attacks,
    )


def test_units_run_away_just_where_they_are_in_the_anti_hebbian_range_beyond_the_image(tmp_path):
    """Two units, one image with |v| = 1; inhibition leaves the weaker below its threshold and the
    stronger Hebbian.
    """
    for step, weaker in ((0, 1.9), (600, 0.9)):
        w = jnp.array([[2.05 if weaker > 1 else 1.0, 0.0, 0.0, 0.0], [weaker, 0.0, 0.0, 0.0]])
        write_arrays(tmp_path / "snapshots" / f"{step:04d}.npz", {"layers/0/w": np.asarray(w)})
    one = trained(tmp_path)
    assert list(measures.first_layer(one)) == [0, 600]
    h = measures.at_rest(one, measures.first_layer(one)[0], 1)[0]
    assert 0 <= h[1] < 1 <= h[0]
    assert measures.first_weights(one) == 1
    assert measures.last_weights(one) == 0
    np.testing.assert_allclose(measures.ranges(one, measures.first_layer(one)[0]), [0, 0.5, 0.5])


def test_the_smallest_advantage_is_over_losses_seed_by_seed(tmp_path):
    losses = dict(zip(measures.LOSSES, ((0.8, 0.7), (0.8, 0.5), (0.8, 0.9)), strict=True))
    evidence = {
        measures.SLOW: [trained(tmp_path, 0.8, seed=seed) for seed in (0, 1)],
        "competing_hidden_units_slow_losses": [
            trained(tmp_path, losses[loss][0], loss) for loss in measures.LOSSES[1:] for _ in (0, 1)
        ],
        measures.TWIN: [
            trained(tmp_path, losses[loss][1], loss, seed=seed)
            for loss in measures.LOSSES
            for seed in (0, 1)
        ],
    }
    assert measures.smallest_advantage(evidence) == [pytest.approx(-0.1)] * 2
    assert len(runs(evidence, measures.TWIN, {"stages.0.objective.name": "cross_entropy"})) == 2


def test_folds_are_averaged_for_each_seed(tmp_path):
    found = ((0, 0.8), (0, 0.9), (1, 0.5), (1, 0.7))
    folds = [
        trained(tmp_path, seed=seed, metrics=[{"stage": 1, "validation_accuracy": value}])
        for seed, value in found
    ]
    assert measures.held_out({"competing_hidden_units_slow_folds": folds}) == [
        pytest.approx(0.85),
        pytest.approx(0.6),
    ]


def test_blow_ups_are_those_of_one_setting_per_unit(tmp_path):
    made = [
        trained(
            tmp_path,
            rule=RULE | {"delta": delta},
            metrics=[{"stage": 0, "blow_ups": 1.0}, {"stage": 0, "blow_ups": count}],
        )
        for delta, count in ((0.4, 6.0), (0.01, 0.0))
    ]
    assert measures.blown_up(0.4, 0.03)({measures.DELTA: made}) == [3.0]
    assert measures.blown_up(0.01, 0.03)({measures.DELTA: made}) == [0.0]


def test_seconds_are_those_of_each_seed_of_a_group(tmp_path):
    assert measures.unsupervised_seconds({measures.SLOW: [trained(tmp_path)] * 2}) == [3.0]
    twins = [trained(tmp_path, stage_s=(2.5,))]
    assert measures.time_ratio({measures.SLOW: [trained(tmp_path)], measures.TWIN: twins}) == [4.0]


def test_an_advantage_is_paired_image_by_image(tmp_path):
    evidence = {
        "a": [trained(tmp_path, survives=[1, 1, 0, 1])],
        "b": [trained(tmp_path, survives=[1, 0, 1, 0])],
    }
    assert measures.advantage("a", "b")(evidence) == [0.25]
    assert measures.advantage_per_image("a", "b", evidence).tolist() == [0, 1, -1, 1]
