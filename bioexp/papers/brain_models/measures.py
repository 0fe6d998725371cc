"""How nets are measured while they learn: curves over a run's snapshots or records, one number a
seed of them, and what attacks leave of nets trained by random feedback.

Snapshots are looked at with the test images, and nothing is chosen by them. What hidden bits tell
is measured in bits.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from bioexp.attacks.fgsm import fgsm
from bioexp.attacks.noise import noise
from bioexp.attacks.pgd import pgd
from bioexp.experiment import Trained
from bioexp.measures.alignment import error_angle, rule_of, update_angles
from bioexp.objectives import squared_error
from bioexp.ops import exact
from bioexp.papers.measuring import accuracy, each, less, runs, seed_by_seed, snapshots
from bioexp.papers.paper import Evidence, Measure
from bioexp.records import Gradient
from bioexp.robustness.evaluate import Net, evaluate
from bioexp.rules.gradient import descent
from bioexp.training import as_float
from bioexp.types import Attack, Batch, Params

BASE, RULES, STOCHASTIC, AUTOENCODER, DEEP, MASKING = (
    "brain_models",
    "brain_models_rules",
    "brain_models_stochastic",
    "brain_models_autoencoder",
    "brain_models_deep",
    "masking_demo",
)
Preset = Literal["R", "Q"]
PRESETS: tuple[Preset, ...] = ("R", "Q")  # the printed settings, and a matching program's
SIZES = (5, 15, 20, 30, 60, 120)  # hidden units
COMPARED = (15, 30, 60, 120)  # the sizes that the text compares
FEW = 256  # images behind an entropy or a derivative, as in the paper
ANGLED = 2000  # test images over which angles are taken
EPS = (0.05, 0.1, 0.15, 0.2, 0.3)
ATTACKED = 500  # test images

Number = Callable[[Trained], float]
Curve = Mapping[int, float]  # a value by step


# Which runs are meant.


def of_size(evidence: Evidence, preset: Preset, hidden: int) -> list[Trained]:
    """The runs by backprop with this many hidden units."""
    return runs(evidence, BASE, preset=preset, hidden=str(hidden))


def by_size(preset: Preset, hidden: int, measure: Number = accuracy) -> Measure:
    """A measure of the nets that backprop trained, for one size of the hidden layer."""
    return each(BASE, measure, preset=preset, hidden=str(hidden))


def by_rule(preset: Preset, rule: str, measure: Number = accuracy) -> Measure:
    """A measure of the nets of 30 hidden units, for one way to assign credit."""
    return each(RULES, measure, preset=preset, rule=rule)


def random_backward(preset: Preset, instead: str) -> Measure:
    """Test accuracy where the backward pass was replaced now and then; instead: "ones-0.2", say,
    for ones with probability 0.2.
    """
    return each(STOCHASTIC, accuracy, preset=preset, instead=instead)


# Curves over snapshots and records.


def recorded(trained: Trained, name: str) -> dict[int, float]:
    """A metric of every record: the mean over the steps since the one before."""
    return {int(record["step"]): record[name] for record in trained.run.metrics}


def on_test_images(trained: Trained) -> tuple[dict[int, float], dict[int, float]]:
    """Loss and accuracy on the 10,000 test images at every snapshot."""
    x, y = as_float(jnp.asarray(trained.dataset.x_test)), trained.dataset.y_test
    losses, accuracies = {}, {}
    for step, params in snapshots(trained).items():
        outputs = np.asarray(trained.model.apply(params, x)[0])
        squares = ((outputs - np.eye(outputs.shape[1])[y]) ** 2).sum(axis=1)
        losses[step] = float(0.5 * squares.mean())
        accuracies[step] = float((outputs.argmax(axis=1) == y).mean())
    return losses, accuracies


def differentials(trained: Trained) -> dict[str, dict[int, float]]:
    """Mean sizes of the derivatives and of the weight changes of one step at every snapshot, on the
    first 256 training images.

    dL/dv, dL/dH and dL/dZ are per image, as in a sum over the minibatch; dL/dW2 and dL/dW1 are
    summed over it; dW1 and dW2 are what the step would change. All are means of absolute values.
    """
    batch = Batch(
        as_float(jnp.asarray(trained.dataset.x_train[:FEW])),
        jnp.asarray(trained.dataset.y_train[:FEW]),
    )
    rate = trained.experiment.stages[0].optimizer.options["learning_rate"]
    curves: dict[str, dict[int, float]] = {}
    for step, params in snapshots(trained).items():
        gradient, _ = descent(trained.model, squared_error(), params, batch)
        outputs, layers = trained.model.apply(params, batch.x)
        error = outputs - jax.nn.one_hot(batch.y, outputs.shape[1])
        d_h = error @ params["layers"]["1"]["w"]
        w1, w2 = gradient["layers"]["0"]["w"], gradient["layers"]["1"]["w"]
        n = len(batch.y)
        values = {
            "dL/dv": error,
            "dL/dH": d_h,
            "dL/dZ": d_h * layers[0].z * (1 - layers[0].z),
            "dL/dW2": n * w2,
            "dL/dW1": n * w1,
            "change of W2": rate * w2,
            "change of W1": rate * w1,
        }
        for name, value in values.items():
            curves.setdefault(name, {})[step] = float(jnp.abs(value).mean())
    return curves


def gradient_angles(trained: Trained) -> dict[int, list[float]]:
    """Every layer's angle of its update to the true gradient at every snapshot, in degrees."""
    angles = update_angles(trained, *_first_images(trained))
    return {step: angles(params) for step, params in snapshots(trained).items()}


def feedback_angles(trained: Trained) -> dict[int, tuple[float, float]]:
    """The angles of B to W2, and of e B to e W2 image by image, at every snapshot, in degrees."""
    angles = error_angle(trained, *_first_images(trained))
    return {step: angles(params) for step, params in snapshots(trained).items()}


def _first_images(trained: Trained) -> tuple[np.ndarray, Int[np.ndarray, "n"]]:
    return trained.dataset.x_test[:ANGLED], trained.dataset.y_test[:ANGLED]


def pixel_errors(trained: Trained) -> dict[int, float]:
    """Mean squared error per pixel at every record, on the training images of its steps."""
    pixels = int(np.prod(trained.dataset.shape))
    return {step: 2 * loss / pixels for step, loss in recorded(trained, "train_loss").items()}


# One number a seed.


def after(step: int, curve_of: Callable[[Trained], Curve]) -> Number:
    """A curve's value at its last point up to this step."""

    def value(trained: Trained) -> float:
        curve = curve_of(trained)
        return curve[last_up_to(step, curve)]

    return value


def last_up_to(step: int, curve: Mapping[int, object]) -> int:
    """The last point of a curve up to this step; its first one where all are later."""
    return max((point for point in curve if point <= step), default=min(curve))


def share_left(curve: Curve) -> float:
    """A curve's value at the end as a share of that at step 100."""
    return curve[max(curve)] / curve[last_up_to(100, curve)]


def left(name: str) -> Number:
    """The share of one differential at step 100 that is left at the end."""
    return lambda trained: share_left(differentials(trained)[name])


def left_of_w2(trained: Trained) -> float:
    """The share of W2's change per step that is left at the end, over the same share of W1's."""
    curves = differentials(trained)
    return share_left(curves["change of W2"]) / share_left(curves["change of W1"])


def gains(preset: Preset, name: str) -> Measure:
    """The smallest gain in a recorded metric at step 1,000 from one size of the hidden layer to the
    next larger.
    """
    sign = -1 if "loss" in name else 1
    at_1000 = after(1000, lambda trained: recorded(trained, name))
    sizes = [by_size(preset, hidden, at_1000) for hidden in COMPARED]
    return seed_by_seed(lambda values: min(sign * np.diff(values)), *sizes)


def mean_accuracy(trained: Trained) -> float:
    """Training accuracy, mean over the whole of training: the faster, the higher."""
    return float(np.mean(list(recorded(trained, "train_accuracy").values())))


def faster(preset: Preset, rule: str) -> Measure:
    """Mean training accuracy over training by a rule, less that by backprop."""
    return less(by_rule(preset, rule, mean_accuracy), by_size(preset, 30, mean_accuracy))


def lost(preset: Preset) -> Measure:
    """Test accuracy of backprop less that without the derivative."""
    return less(by_size(preset, 30), by_rule(preset, "no_derivative"))


def pixel_error(trained: Trained) -> float:
    """Mean squared error per pixel on the test images."""
    loss = trained.run.summary.test_loss
    assert loss is not None, "an autoencoder's outputs are no classes"
    return 2 * loss / int(np.prod(trained.dataset.shape))


# What attacks leave of nets trained by random feedback.


class Attempt(NamedTuple):
    """An attack, and the gradient that it follows."""

    attack: Attack
    gradient: Gradient


NOISE = Attempt(noise(), "true")
MASKED_FGSM = Attempt(fgsm(), "training")
FGSM = Attempt(fgsm(), "true")
PGD = Attempt(pgd(steps=10, restarts=1), "true")


def masked_nets(evidence: Evidence) -> dict[str, dict[str, list[Trained]]]:
    """The runs that are attacked, by hidden layers and rule: 200-200 and 400."""
    nets: dict[str, dict[str, list[Trained]]] = {}
    for trained in evidence[MASKING]:
        variant = trained.experiment.variant
        nets.setdefault(variant["hidden"], {}).setdefault(variant["rule"], []).append(trained)
    return nets


def accuracies_under(group: Sequence[Trained], attempt: Attempt) -> Float[np.ndarray, "seeds eps"]:
    """Accuracy of every seed of one variant: clean, then at every eps of EPS."""
    rules = [rule_of(trained) for trained in group]
    model, backward = group[0].model, rules[0].rule.ops

    # One function for all seeds, so that it is compiled once: their feedback weights go in as if
    # they were weights. The training gradient of a rule without ops is the true one.
    def forward(params: Params, x: Float[Array, "batch *shape"]) -> Float[Array, "batch classes"]:
        follows = backward if attempt.gradient == "training" else None
        ops = follows(params["weights"], params["state"]) if follows else exact
        return model.apply(params["weights"], x, ops)[0]

    x, y = group[0].dataset.x_test[:ATTACKED], group[0].dataset.y_test[:ATTACKED]
    outcomes = [
        evaluate(
            Net(forward, {"weights": trained.params, "state": rule.state}, x, y),
            attempt.attack,
            EPS,
            jax.random.key(trained.seed),
        )
        for trained, rule in zip(group, rules, strict=True)
    ]
    return np.asarray(
        [[outcome.clean.mean(), *outcome.correct.mean(axis=1)] for outcome in outcomes]
    )
