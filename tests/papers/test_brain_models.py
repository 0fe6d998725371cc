"""The paper's equations and its code again, as slow loops; and what its measures say of made-up
runs.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from made import made as made_by_hand

from bioexp.config.reading import load
from bioexp.measures import information
from bioexp.measures.alignment import angle, rule_of, update_angles
from bioexp.objectives import squared_error
from bioexp.papers.brain_models.bits import change, curve, of, rise_and_fall, spread, strings
from bioexp.papers.brain_models.measures import (
    BASE,
    COMPARED,
    by_rule,
    by_size,
    differentials,
    faster,
    gains,
    gradient_angles,
    left,
)
from bioexp.papers.brain_models.measures import (
    RULES as BY_RULE,
)
from bioexp.papers.brain_models.model import autoencoder, brightest_quadrant, one_hidden_layer
from bioexp.papers.measuring import snapshots
from bioexp.rules import RULES
from bioexp.runs.nets import trained
from bioexp.runs.train import train
from bioexp.runs.workspace import Workspace
from bioexp.training import members, order
from bioexp.types import Batch, Stage, UserError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 4, 4)).astype(np.uint8)
BATCH = Batch(jnp.asarray(IMAGES, jnp.float32) / 255, jnp.arange(6, dtype=jnp.int32) % 3)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def the_papers_step(w1, w2, u, t, lr, feedback=None, activate=True, prob_not_backprop=0.0):
    """Its backprop() and train_one_batch(), loop by loop, summed over the minibatch; w1 is (inputs,
    hidden).
    """
    d_w1, d_w2 = np.zeros_like(w1), np.zeros_like(w2)
    for image, target in zip(u, t, strict=True):
        z = np.asarray(
            [sum(image[k] * w1[k, h] for k in range(len(image))) for h in range(w1.shape[1])]
        )
        hidden = sigmoid(z)
        error = hidden @ w2 - target
        for h in range(len(hidden)):
            d_w2[h] += hidden[h] * error
            d_h = sum(
                error[c] * (w2 if feedback is None else feedback)[h, c] for c in range(len(error))
            )
            d_z = d_h * (hidden[h] * (1 - hidden[h]) if activate else 1)
            if prob_not_backprop == 1:
                d_z = 1.0
            d_w1[:, h] += image * d_z
    return w1 - lr * d_w1, w2 - lr * d_w2


@pytest.mark.parametrize("white", [255.0, 1.0])
@pytest.mark.parametrize(
    ("name", "options", "like"),
    [
        ("backprop", {}, {}),
        ("no_derivative", {}, {"activate": False}),
        ("feedback_alignment", {"scale": 1.0}, {"feedback": True}),
        (
            "feedback_alignment",
            {"scale": 1.0, "derivative": False},
            {"feedback": True, "activate": False},
        ),
        ("stochastic_backward", {"p": 1.0, "instead": "ones"}, {"prob_not_backprop": 1}),
    ],
)
def test_a_step_is_the_papers_code(white, name, options, like):
    """A learning rate times the batch size on a mean is the printed rate on a sum (deviation 2)."""
    model, lr = one_hidden_layer((4, 4), 3, hidden=5, sigma=0.01, white=white), 1e-3
    params = model.init(jax.random.key(0))
    rule = RULES[name](model, squared_error(), **options)
    state = rule.init(jax.random.key(1), params, BATCH, 6)
    learned = rule.update(params, state, BATCH, jax.random.key(2))
    w1, w2 = (np.asarray(params["layers"][i]["w"], dtype=np.float64).T for i in "01")
    if "feedback" in like:
        like = like | {"feedback": np.asarray(state[1], dtype=np.float64).T}
    slow = the_papers_step(
        w1,
        w2,
        white * np.asarray(BATCH.x).reshape(6, -1),
        np.eye(3)[np.asarray(BATCH.y)],
        lr,
        **like,
    )
    for i, expected in zip("01", slow, strict=True):
        moved = params["layers"][i]["w"] - len(BATCH.y) * lr * learned.direction["layers"][i]["w"]
        np.testing.assert_allclose(moved, expected.T, rtol=1e-4, atol=1e-6)


def test_the_loss_is_half_the_sum_of_squares_over_n():
    model = one_hidden_layer((4, 4), 3, hidden=5)
    params = model.init(jax.random.key(0))
    learned = RULES["backprop"](model, squared_error()).update(params, (), BATCH, jax.random.key(1))
    error = np.asarray(model.apply(params, BATCH.x)[0]) - np.eye(3)[np.asarray(BATCH.y)]
    np.testing.assert_allclose(learned.metrics["loss"], 0.5 * (error**2).sum() / 6, rtol=1e-5)


def test_the_brightest_quadrant_is_the_papers_function():
    def brightest_corner(image):
        corners = np.array([image[0:2, 0:2], image[0:2, 2:4], image[2:4, 0:2], image[2:4, 2:4]])
        return np.argmax(corners.sum(axis=1).sum(axis=1))

    assert brightest_quadrant(IMAGES.astype(np.float64)).tolist() == [
        brightest_corner(image.astype(int)) for image in IMAGES
    ]


def test_the_autoencoder_has_as_many_outputs_as_pixels_and_a_code_of_its_own_size():
    model = autoencoder((4, 4), 3, hidden=5)
    outputs, (code, _) = model.apply(model.init(jax.random.key(0)), BATCH.x)
    assert outputs.shape == (6, 16)
    assert code.z.shape == (6, 5)


CONFIG = """\
name: made
dataset: mnist5k
model: {name: one_hidden_layer, hidden: 5, white: 1.0, sigma: 0.1}
stages:
  - rule: {name: feedback_alignment, scale: 1.0}
    objective: squared_error
    optimizer: {name: sgd, learning_rate: 0.01}
    batch_size: 32
    steps: 40
    record_every: 20
snapshots: [0, 20, 40]
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A short run with its network and data."""
    folder = tmp_path_factory.mktemp("made")
    path = folder / "made.yaml"
    path.write_text(CONFIG)
    (experiment,) = load(path, ["examples=320"])
    (net,) = trained(train(experiment, Workspace(folder), seeds=[3]), None)
    return net


def test_feedback_weights_are_found_again_from_the_seed(made):
    """B is not stored: the run's first steps can only be repeated with the B that it had."""
    rule, _, b = rule_of(made)
    data, params = made.dataset, snapshots(made)[0]
    stage = Stage(made.model, rule, optax.identity(), lambda params: params, (0, 1), 32, 40, 20)
    rows = members(stage, 3, 0, data.y_train[:320])[order(3, 0, 0, 20, 320, 32)]
    for chosen in rows:
        batch = Batch(jnp.asarray(data.x_train[chosen]) / 255, jnp.asarray(data.y_train[chosen]))
        learned = rule.update(params, b, batch, jax.random.key(0))
        params = jax.tree.map(lambda w, d: w - 0.01 * d, params, learned.direction)
    np.testing.assert_allclose(
        params["layers"]["0"]["w"], snapshots(made)[20]["layers"]["0"]["w"], atol=1e-5
    )


def test_the_read_outs_update_has_no_angle_to_its_gradient_and_the_hidden_layers_has(made):
    angles = update_angles(made, made.dataset.x_test[:50], made.dataset.y_test[:50])(made.params)
    assert angles[1] < 0.1
    assert 5 < angles[0] < 175
    assert angle(np.eye(3), np.eye(3)) < 1e-3
    np.testing.assert_allclose(angle(np.eye(2), np.asarray([[0.0, 1.0], [1.0, 0.0]])), 90)


def test_strings_are_those_of_the_layers_at_every_snapshot(made):
    found = strings(made, n=40)
    assert list(found) == [0, 20, 40]
    w = [np.asarray(snapshots(made)[20]["layers"][i]["w"], dtype=np.float64) for i in "01"]
    hidden = sigmoid(made.dataset.x_test[:40].reshape(40, -1) / 255 @ w[0].T)
    slow = ["".join("1" if unit >= np.abs(row).mean() else "0" for unit in row) for row in hidden]
    assert sorted(information.counts(found[20].y)) == sorted(np.unique(slow, return_counts=True)[1])
    assert found[20].units == 5


def test_the_change_of_a_weight_is_that_of_one_step(made):
    found = differentials(made)
    assert found["change of W1"].keys() == {0, 20, 40}
    assert left("change of W1")(made) == 1  # its last point up to step 100 is its end
    assert gradient_angles(made).keys() == {0, 20, 40}
    np.testing.assert_allclose(found["change of W2"][0], 0.01 * found["dL/dW2"][0] / 256, rtol=1e-5)


def test_rising_and_falling_is_judged_by_the_smaller_of_the_two(made):
    assert rise_and_fall(lambda trained: {0: 1.0, 500: 3.0, 10_000: 2.5})(made) == 0.5
    assert rise_and_fall(lambda trained: {0: 3.5, 500: 3.0, 10_000: 2.0})(made) == -0.5


def test_changes_and_spreads_are_those_of_the_curve(made):
    quantity = of("y", "x")
    found = curve(made, quantity, n=40)
    assert change(quantity, 0, 40, n=40)(made) == found[40] - found[0]
    values = [value for step, value in curve(made, quantity).items() if step >= 20]
    assert spread(quantity, 20)(made) == pytest.approx(max(values) - min(values))


def test_a_run_without_snapshots_says_what_its_config_needs(tmp_path):
    with pytest.raises(UserError, match="has no snapshots to draw or measure"):
        snapshots(made_by_hand(path=tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "stages.0.rule={name: stochastic_backward, p: 1.5}",
            r"stages\[0\].rule.p: must be at most 1, got 1.5",
        ),
        (
            "stages.0.rule={name: stochastic_backward, p: -0.1}",
            r"stages\[0\].rule.p: must be at least 0, got -0.1",
        ),
        ("model.hidden=0", r"model.hidden: must be at least 1, got 0"),
    ],
)
def test_what_is_out_of_range_is_refused_with_its_place(write_config, change, message):
    with pytest.raises(UserError, match=message):
        load(write_config(CONFIG), [change])


def test_a_rule_that_does_not_fit_is_refused_before_training_with_its_place(write_config, tmp_path):
    (experiment,) = load(write_config(), ["stages.0.rule=feedback_alignment", "model.hidden=[]"])
    with pytest.raises(
        UserError,
        match=r"stages\[0\].rule.name: feedback_alignment needs a hidden layer that learns",
    ):
        train(experiment, Workspace(tmp_path), seeds=[0])
    assert not list(tmp_path.rglob("metrics.jsonl"))


def net(name, value, seed, **variant):
    """A made net with this accuracy, on test and training images and at every record."""
    records = [
        {"stage": 0, "step": step, "train_accuracy": value, "train_loss": 1 - value}
        for step in (500, 1000)
    ]
    return made_by_hand(name=name, variant=variant, seed=seed, accuracy=value, metrics=records)


def test_a_gain_from_size_to_size_is_the_smallest_of_each_seed_in_whatever_order_seeds_come():
    sizes = {15: (0.5, 0.1), 30: (0.6, 0.4), 60: (0.8, 0.6), 120: (0.85, 0.9)}
    assert tuple(sizes) == COMPARED
    nets = [
        net(BASE, values[seed], seed, preset="R", hidden=str(hidden))
        for hidden, values in sizes.items()
        for seed in ((0, 1) if hidden == 30 else (1, 0))
    ]
    expected = {0: pytest.approx(0.05), 1: pytest.approx(0.2)}
    assert gains("R", "train_accuracy")({BASE: nets}) == expected
    assert gains("R", "train_loss")({BASE: nets}) == expected  # of a loss it is a fall
    with pytest.raises(UserError, match="seed 0 is missing"):
        gains("R", "train_accuracy")({BASE: nets[:-1]})


def test_a_rule_is_compared_with_backprop_of_its_own_preset_and_size():
    evidence = {
        BASE: [
            net(BASE, 0.7, 0, preset="R", hidden="30"),
            net(BASE, 0.2, 0, preset="R", hidden="5"),
            net(BASE, 0.1, 0, preset="Q", hidden="30"),
        ],
        BY_RULE: [
            net(BY_RULE, 0.9, 0, preset="R", rule="feedback"),
            net(BY_RULE, 0.4, 0, preset="R", rule="no_derivative"),
        ],
    }
    assert by_size("Q", 30)(evidence) == {0: 0.1}
    assert by_rule("R", "no_derivative")(evidence) == {0: 0.4}
    assert faster("R", "feedback")(evidence) == {0: pytest.approx(0.2)}
    with pytest.raises(UserError, match="has no runs of"):
        by_rule("Q", "feedback")(evidence)
