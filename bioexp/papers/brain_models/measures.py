"""How the sentences of the document are measured: curves over a run's snapshots or records, and one
number a seed of them.

Snapshots are looked at with the test images, and nothing is chosen by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bioexp.experiment import Trained
from bioexp.measures import information
from bioexp.measures.information import Codes, Entropy, Labels, Threshold
from bioexp.objectives import squared_error
from bioexp.papers.brain_models.model import brightest_quadrant
from bioexp.papers.measuring import Measure, each, runs, snapshots
from bioexp.papers.paper import Evidence
from bioexp.rules.gradient import descent
from bioexp.training import as_float
from bioexp.types import Batch, Params

BASE, RULES, STOCHASTIC, AUTOENCODER, DEEP, MASKING = (
    "brain_models",
    "brain_models_rules",
    "brain_models_stochastic",
    "brain_models_autoencoder",
    "brain_models_deep",
    "masking_demo",
)
PRESETS: Mapping[str, Mapping[str, Any]] = {"R": {"model.white": 255.0}, "Q": {"model.white": 1.0}}
CODES: Mapping[str, Mapping[str, Any]] = {
    "R": {"model.sigma": 0.01},
    "Q": {"model.sigma": 0.1},
    "Adam": {"model.sigma": 0.05},
}
SIZES = (5, 15, 20, 30, 60, 120)
FEW, MANY = 256, 10_000  # test images behind an entropy: the document's, and all of them
DECODER = 20_000  # training images that a decoder learns from

Layer = Literal["y", "z"]
LAYERS: tuple[Layer, ...] = ("y", "z")
Quantity = Callable[["Strings"], float]


class Strings(NamedTuple):
    """Bit strings of hidden layer (y) and outputs (z) for some images, with each image's label x
    and brightest quadrant w.
    """

    y: Codes
    z: Codes
    x: Labels
    w: Labels
    units: int


def size(preset: str, hidden: int) -> dict[str, Any]:
    """Which runs of brain_models these are."""
    return {**PRESETS[preset], "model.hidden": hidden}


def ruled(preset: str, name: str, **options: Any) -> dict[str, Any]:
    """Which runs of brain_models_rules, or of brain_models_stochastic, these are; options that are
    not named have their defaults.
    """
    defaults = {"feedback_alignment": {"scale": 1.0, "redrawn": False, "derivative": True}}.get(
        name, {}
    )
    return {
        **PRESETS[preset],
        "stages.0.rule.name": name,
        **{f"stages.0.rule.{key}": value for key, value in (defaults | options).items()},
    }


# Curves over snapshots.


def activity(
    trained: Trained, params: Params, images: Float[np.ndarray, "n *shape"]
) -> tuple[np.ndarray, np.ndarray]:
    """Hidden activity and outputs, image by image."""
    outputs, layers = trained.model.apply(params, jnp.asarray(images))
    return np.asarray(layers[0].z), np.asarray(outputs)


def strings(
    trained: Trained,
    n: int = FEW,
    threshold: Threshold = "row_mean",
    steps: Sequence[int] | None = None,
) -> dict[int, Strings]:
    """The bit strings of the first n test images at every snapshot, or at those of these steps that
    there are.
    """
    images = np.asarray(as_float(jnp.asarray(trained.dataset.x_test[:n])))
    x, w = trained.dataset.y_test[:n], brightest_quadrant(images)
    found = {}
    for step, params in _at(snapshots(trained), steps).items():
        y, z = activity(trained, params, images)
        codes = [information.packed(information.binarized(some, threshold)) for some in (y, z)]
        found[step] = Strings(codes[0], codes[1], x, w, y.shape[1])
    return found


def _at(found: Mapping[int, Params], steps: Sequence[int] | None) -> dict[int, Params]:
    """Snapshots at these steps; a shorter run has its last one in place of each later step."""
    if steps is None:
        return dict(found)
    nearest = {
        step: max((own for own in found if own <= step), default=min(found)) for step in steps
    }
    return {step: found[own] for step, own in nearest.items()}


def curve(trained: Trained, quantity: Quantity, **options: Any) -> dict[int, float]:
    """A quantity of the bit strings at every snapshot."""
    return {step: quantity(some) for step, some in strings(trained, **options).items()}


def of(layer: Layer, target: Literal["x", "w"], entropy: Entropy = information.plug_in) -> Quantity:
    """I(layer; target)."""
    return lambda some: information.mutual(getattr(some, layer), getattr(some, target), entropy)


def given(layer: Layer) -> Quantity:
    """H(layer|X)."""
    return lambda some: information.conditional(getattr(some, layer), some.x)


def of_shuffled(layer: Layer, target: Literal["x", "w"]) -> Quantity:
    """I(layer; target) where the labels were dealt out anew: bias alone."""
    return lambda some: information.shuffled(
        information.mutual, getattr(some, layer), getattr(some, target)
    )


def given_shuffled(layer: Layer) -> Quantity:
    """H(layer|X) where the labels were dealt out anew: what X tells nothing of."""
    return lambda some: information.shuffled(information.conditional, getattr(some, layer), some.x)


def on_test_images(trained: Trained) -> tuple[dict[int, float], dict[int, float]]:
    """Loss and accuracy on the 10,000 test images at every snapshot."""
    x, y = as_float(jnp.asarray(trained.dataset.x_test)), trained.dataset.y_test
    loss, accuracy = {}, {}
    for step, params in snapshots(trained).items():
        outputs = np.asarray(trained.model.apply(params, x)[0])
        loss[step] = float(0.5 * ((outputs - np.eye(outputs.shape[1])[y]) ** 2).sum(axis=1).mean())
        accuracy[step] = float((outputs.argmax(axis=1) == y).mean())
    return loss, accuracy


def recorded(trained: Trained, name: str) -> dict[int, float]:
    """A metric of every record: the mean over the steps since the one before."""
    return {record["step"]: record[name] for record in trained.run.metrics}


def differentials(trained: Trained) -> dict[str, dict[int, float]]:
    """Mean sizes of the derivatives and of the weight changes of one step at every snapshot, on the
    first 256 training images.

    dL/dv, dL/dH and dL/dZ are per image, as in a sum over the minibatch, dL/dW2 and dL/dW1 summed
    over it; dW1 and dW2 are what the step would change. Everything is the mean of absolute values.
    """
    batch = Batch(
        as_float(jnp.asarray(trained.dataset.x_train[:FEW])),
        jnp.asarray(trained.dataset.y_train[:FEW]),
    )
    rate = trained.run.config["stages"][0]["optimizer"]["learning_rate"]
    found: dict[str, dict[int, float]] = {}
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
            found.setdefault(name, {})[step] = float(jnp.abs(value).mean())
    return found


def decoded(trained: Trained, target: Literal["x", "w"], steps: Sequence[int]) -> dict[int, float]:
    """What a decoder proves, on the 10,000 test images, that the hidden bits tell; it learned from
    training images.
    """
    data = trained.dataset
    learned, unseen = (
        np.asarray(as_float(jnp.asarray(x))) for x in (data.x_train[:DECODER], data.x_test)
    )
    labels = (
        [data.y_train[:DECODER], data.y_test]
        if target == "x"
        else [brightest_quadrant(x) for x in (learned, unseen)]
    )
    chosen = _at(snapshots(trained), steps)
    bits = [
        np.stack(
            [information.binarized(activity(trained, params, x)[0]) for params in chosen.values()]
        )
        for x in (learned, unseen)
    ]
    bounds = information.decoded(bits[0], labels[0], bits[1], labels[1])
    return dict(zip(chosen, bounds.tolist(), strict=True))


# One number a seed.


def proven(target: Literal["x", "w"], start: int, end: int) -> Callable[[Trained], float]:
    """How much more a decoder proves at one step than at another."""

    def value(trained: Trained) -> float:
        found = list(decoded(trained, target, (start, end)).values())
        return found[-1] - found[0]

    return value


def after(
    step: int, curve_of: Callable[[Trained], Mapping[int, float]]
) -> Callable[[Trained], float]:
    """A curve's value at its last point up to this step."""

    def value(trained: Trained) -> float:
        found = curve_of(trained)
        return found[max((own for own in found if own <= step), default=min(found))]

    return value


def change(quantity: Quantity, start: int, end: int, **options: Any) -> Callable[[Trained], float]:
    """How much a quantity of the bit strings grows between two steps."""

    def value(trained: Trained) -> float:
        found = curve(trained, quantity, steps=(start, end), **options)
        return found[end] - found[start]

    return value


def by_seed(*measures: Measure, combine: Callable[..., float]) -> Measure:
    """Several measures of the same seeds, made one."""
    return lambda evidence: [
        combine(*values)
        for values in zip(*(measure(evidence) for measure in measures), strict=False)
    ]


def left(name: str) -> Callable[[Trained], float]:
    """The share of one matrix's change per step at step 100 that is left at the end."""

    def value(trained: Trained) -> float:
        found = differentials(trained)[name]
        return found[max(found)] / found[max(step for step in found if step <= 100)]

    return value


def left_of_w2(trained: Trained) -> float:
    """The share of W2's change per step at step 100 that is left at the end, over the same share of
    W1.
    """
    return left("change of W2")(trained) / left("change of W1")(trained)


def gains(preset: str, name: str, sizes: Sequence[int] = (15, 30, 60, 120)) -> Measure:
    """The smallest gain in a recorded metric at step 1,000 from one size of the hidden layer to the
    next larger.
    """
    sign = -1 if "loss" in name else 1
    each_size = [
        each(BASE, after(1000, lambda trained: recorded(trained, name)), size(preset, hidden))
        for hidden in sizes
    ]
    return by_seed(*each_size, combine=lambda *values: min(sign * np.diff(values)))


def mean_accuracy(trained: Trained) -> float:
    """Training accuracy, mean over the whole of training: the faster, the higher."""
    return float(np.mean(list(recorded(trained, "train_accuracy").values())))


def entropy_margin(preset: str, n: int = FEW) -> Measure:
    """The smallest margin of three: H(Y|X) falls at every size, is larger for larger layers, and
    ends within half a bit of H(Z|X) at 15.

    Sizes are those of the document's figure but 20, which it does not compare: 15, 30, 60 and 120,
    with 5 in the first part.
    """

    def ends(trained: Trained) -> list[float]:
        return list(curve(trained, given("y"), n=n, steps=(0, 10_000)).values())

    def measure(evidence: Evidence) -> list[float]:
        found = np.asarray(
            [
                [ends(one) for one in runs(evidence, BASE, size(preset, hidden))]
                for hidden in (5, 15, 30, 60, 120)
            ]
        )
        falls = (found[:, :, 0] - found[:, :, 1]).min(axis=0)
        grows = np.diff(found[1:, :, 1], axis=0).min(axis=0)
        meets = [0.5 - abs(gap) for gap in each(BASE, meeting(n), size(preset, 15))(evidence)]
        return [float(min(parts)) for parts in zip(falls, grows, meets, strict=True)]

    return measure


def meeting(n: int = FEW) -> Callable[[Trained], float]:
    """H(Y|X) - H(Z|X) at the end."""
    return after(
        10_000,
        lambda trained: curve(
            trained, lambda some: given("y")(some) - given("z")(some), n=n, steps=(10_000,)
        ),
    )


def processed(n: int = FEW) -> Callable[[Trained], float]:
    """Share of the snapshots at which I(Y;X) >= I(Z;X)."""
    return lambda trained: float(
        np.mean(
            [
                of("y", "x")(some) >= of("z", "x")(some) - 1e-9
                for some in strings(trained, n=n).values()
            ]
        )
    )


def shape_margin(preset: str) -> Measure:
    """The smallest margin by which I(Y;X) rises for 5 and 15 units, falls for 30 and changes by
    less than 0.1 bit for 60 and 120.
    """
    margins = {
        5: lambda d: d,
        15: lambda d: d,
        30: lambda d: -d,
        60: lambda d: 0.1 - abs(d),
        120: lambda d: 0.1 - abs(d),
    }
    changes = [
        each(BASE, change(of("y", "x"), 0, 10_000), size(preset, hidden)) for hidden in margins
    ]
    return by_seed(
        *changes,
        combine=lambda *found: min(
            margin(d) for margin, d in zip(margins.values(), found, strict=True)
        ),
    )


def unsettled(trained: Trained) -> float:
    """The larger of the changes of I(Y;X) and I(Z;X) after step 4,000, in bits."""
    return max(abs(change(of(layer, "x"), 4000, 10_000)(trained)) for layer in LAYERS)


def rise_and_fall(
    quantity_of: Callable[[Trained], Mapping[int, float]],
) -> Callable[[Trained], float]:
    """The smaller of a curve's rise from step 0 to 500 and of its fall from there to the end."""

    def value(trained: Trained) -> float:
        found = quantity_of(trained)
        peak = found[max(step for step in found if step <= 500)]
        return min(peak - found[min(found)], peak - found[max(found)])

    return value


def spread(quantity: Quantity, start: int = 0) -> Callable[[Trained], float]:
    """Largest less smallest value of a quantity from a step on."""

    def value(trained: Trained) -> float:
        found = curve(trained, quantity)
        return float(
            np.ptp([value for step, value in found.items() if step >= min(start, max(found))])
        )

    return value


def pixel_error(trained: Trained) -> float:
    """Mean squared error per pixel on the test images."""
    return 2 * float(trained.run.summary["test_loss"]) / int(np.prod(trained.dataset.shape))


def pixel_errors(trained: Trained) -> dict[int, float]:
    """The same at every record, on the training images of its steps."""
    return {
        step: 2 * loss / int(np.prod(trained.dataset.shape))
        for step, loss in recorded(trained, "train_loss").items()
    }
