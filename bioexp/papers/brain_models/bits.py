"""What the bits of hidden layer and outputs tell of an image's label and of its brightest quadrant,
measured from snapshots.

A bit is 1 where a unit is at least the mean of |activity| over its layer. Snapshots are looked at
with the test images, and nothing is chosen by them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from bioexp.experiment import Trained
from bioexp.measures import information
from bioexp.measures.information import Codes, Entropy, Labels, Threshold
from bioexp.papers.brain_models.measures import (
    AUTOENCODER,
    COMPARED,
    FEW,
    Curve,
    Number,
    Preset,
    after,
    by_size,
    last_up_to,
    of_size,
)
from bioexp.papers.brain_models.model import brightest_quadrant
from bioexp.papers.measuring import paired, runs, seed_by_seed, snapshots
from bioexp.papers.paper import Evidence, Measure
from bioexp.training import as_float
from bioexp.types import Params

MANY = 10_000  # all test images; FEW is the paper's sample
DECODER = 20_000  # training images that a decoder learns from
CODES = ("R", "Q", "Adam")  # variants of the autoencoder
CHECKPOINTS = (0, 100, 300, 1000, 3000, 10_000)  # at which decoders read the hidden bits
CODE_CHECKPOINTS = (0, 100, 300, 1000, 2000, 4000)  # and those of the autoencoder

Layer = Literal["y", "z"]  # hidden layer, outputs
Target = Literal["x", "w"]  # label, brightest quadrant


class Strings(NamedTuple):
    """Bit strings of hidden layer (y) and outputs (z) for some images, with each image's label x
    and brightest quadrant w; and the number of hidden units.
    """

    y: Codes
    z: Codes
    x: Labels
    w: Labels
    units: int


Quantity = Callable[[Strings], float]


# From images to strings.


def activity(
    trained: Trained, params: Params, images: Float[np.ndarray, "n *shape"]
) -> tuple[np.ndarray, np.ndarray]:
    """Hidden activity and outputs, image by image."""
    outputs, layers = trained.model.apply(params, jnp.asarray(images))
    return np.asarray(layers[0].z), np.asarray(outputs)


def _test_images(trained: Trained, n: int | None) -> Float[np.ndarray, "n *shape"]:
    return np.asarray(as_float(jnp.asarray(trained.dataset.x_test[:n])))


def strings(
    trained: Trained,
    n: int = FEW,
    threshold: Threshold = "row_mean",
    steps: Sequence[int] | None = None,
) -> dict[int, Strings]:
    """The bit strings of the first n test images at every snapshot, or at those of these steps that
    there are.
    """
    images = _test_images(trained, n)
    x, w = trained.dataset.y_test[:n], brightest_quadrant(images)
    at_step = {}
    for step, params in _at(snapshots(trained), steps).items():
        y, z = activity(trained, params, images)
        codes = [information.packed(information.binarized(some, threshold)) for some in (y, z)]
        at_step[step] = Strings(codes[0], codes[1], x, w, y.shape[1])
    return at_step


def _at(kept: Mapping[int, Params], steps: Sequence[int] | None) -> dict[int, Params]:
    """Snapshots at these steps; a shorter run has its last one in place of each later step."""
    if steps is None:
        return dict(kept)
    return {step: kept[last_up_to(step, kept)] for step in steps}


# Quantities of strings.


def of(layer: Layer, target: Target, entropy: Entropy = information.plug_in) -> Quantity:
    """I(layer; target)."""
    return lambda some: information.mutual(getattr(some, layer), getattr(some, target), entropy)


def given(layer: Layer) -> Quantity:
    """H(layer|X)."""
    return lambda some: information.conditional(getattr(some, layer), some.x)


def of_shuffled(layer: Layer, target: Target) -> Quantity:
    """I(layer; target) where the labels were dealt out anew: bias alone."""
    return lambda some: information.shuffled(
        information.mutual, getattr(some, layer), getattr(some, target)
    )


def given_shuffled(layer: Layer) -> Quantity:
    """H(layer|X) where the labels were dealt out anew: what X tells nothing of."""
    return lambda some: information.shuffled(information.conditional, getattr(some, layer), some.x)


def most_of(target: Target) -> Quantity:
    """The ceiling of I about a target."""
    return lambda some: information.ceiling(getattr(some, target), some.units)


def most_given(some: Strings) -> float:
    """The ceiling of H(Y|X)."""
    return information.conditional_ceiling(some.x, some.units)


# Curves over snapshots.


def curve(
    trained: Trained, quantity: Quantity, n: int = FEW, steps: Sequence[int] | None = None
) -> dict[int, float]:
    """A quantity of the bit strings at every snapshot, or at these steps."""
    return {step: quantity(some) for step, some in strings(trained, n, steps=steps).items()}


def ceilings(trained: Trained, most: Quantity, n: int = FEW) -> float:
    """The most that a quantity of the first n test images can be."""
    (some,) = strings(trained, n, steps=(0,)).values()
    return most(some)


def decoded(trained: Trained, target: Target, steps: Sequence[int]) -> dict[int, float]:
    """What a decoder proves, on the 10,000 test images, that the hidden bits tell; it learned from
    training images.
    """
    data = trained.dataset
    learned = np.asarray(as_float(jnp.asarray(data.x_train[:DECODER])))
    unseen = _test_images(trained, None)
    labels = [data.y_train[:DECODER], data.y_test]
    if target == "w":
        labels = [brightest_quadrant(images) for images in (learned, unseen)]
    chosen = _at(snapshots(trained), steps)
    bits = [
        np.stack([_bits(trained, params, images) for params in chosen.values()])
        for images in (learned, unseen)
    ]
    bounds = information.decoded(bits[0], labels[0], bits[1], labels[1])
    return dict(zip(chosen, bounds.tolist(), strict=True))


def _bits(
    trained: Trained, params: Params, images: Float[np.ndarray, "n *shape"]
) -> Bool[np.ndarray, "n units"]:
    return information.binarized(activity(trained, params, images)[0])


# One number a seed.


def proven(target: Target, start: int, end: int) -> Number:
    """How much more a decoder proves at one step than at another."""

    def value(trained: Trained) -> float:
        first, *_, last = decoded(trained, target, (start, end)).values()
        return last - first

    return value


def change(quantity: Quantity, start: int, end: int, n: int = FEW) -> Number:
    """How much a quantity of the bit strings grows between two steps."""

    def value(trained: Trained) -> float:
        values = curve(trained, quantity, n, steps=(start, end))
        return values[end] - values[start]

    return value


def entropy_margin(preset: Preset, n: int = FEW) -> Measure:
    """The smallest margin of three: H(Y|X) falls at every size, is larger for larger layers, and
    ends within half a bit of H(Z|X) at 15.

    Sizes are those of the paper's figure but 20, which it does not compare; 5 is in the first part
    alone.
    """
    sizes = (5, *COMPARED)

    def ends(trained: Trained) -> tuple[float, float]:
        start, end = curve(trained, given("y"), n, steps=(0, 10_000)).values()
        return start, end

    def measure(evidence: Evidence) -> dict[int, float]:
        of_sizes = paired(
            [
                {trained.seed: ends(trained) for trained in of_size(evidence, preset, hidden)}
                for hidden in sizes
            ]
        )
        gaps = by_size(preset, 15, meeting(n))(evidence)
        margins = {}
        for seed, pairs in of_sizes.items():
            start, end = np.array(pairs).T
            meets = 0.5 - abs(gaps[seed])
            margins[seed] = float(min(*(start - end), *np.diff(end[1:]), meets))
        return margins

    return measure


def meeting(n: int = FEW) -> Number:
    """H(Y|X) - H(Z|X) at the end."""

    def gap(some: Strings) -> float:
        return given("y")(some) - given("z")(some)

    return after(10_000, partial(curve, quantity=gap, n=n, steps=(10_000,)))


def processed(n: int = FEW) -> Number:
    """Share of the snapshots at which I(Y;X) >= I(Z;X)."""

    def share(trained: Trained) -> float:
        holds = [
            of("y", "x")(some) >= of("z", "x")(some) - 1e-9 for some in strings(trained, n).values()
        ]
        return float(np.mean(holds))

    return share


def shape_margin(preset: Preset) -> Measure:
    """The smallest margin by which I(Y;X) rises for 5 and 15 units, falls for 30 and changes by
    less than 0.1 bit for 60 and 120.
    """

    def margin(changes: Sequence[float]) -> float:
        rises_5, rises_15, rises_30, *flat = changes
        return min(rises_5, rises_15, -rises_30, *(0.1 - abs(moved) for moved in flat))

    moved = change(of("y", "x"), 0, 10_000)
    return seed_by_seed(margin, *(by_size(preset, hidden, moved) for hidden in (5, *COMPARED)))


def unsettled(trained: Trained) -> float:
    """The larger of the changes of I(Y;X) and I(Z;X) after step 4,000, in bits."""
    hidden, outputs = (change(of(layer, "x"), 4000, 10_000) for layer in ("y", "z"))
    return max(abs(hidden(trained)), abs(outputs(trained)))


def rise_and_fall(curve_of: Callable[[Trained], Curve]) -> Number:
    """The smaller of a curve's rise from step 0 to 500 and of its fall from there to the end."""

    def value(trained: Trained) -> float:
        values = curve_of(trained)
        peak = values[last_up_to(500, values)]
        return min(peak - values[min(values)], peak - values[max(values)])

    return value


def spread(quantity: Quantity, start: int = 0) -> Number:
    """Largest less smallest value of a quantity from a step on."""

    def value(trained: Trained) -> float:
        values = curve(trained, quantity)
        start_here = min(start, max(values))
        return float(np.ptp([value for step, value in values.items() if step >= start_here]))

    return value


# What is drawn.


class Written(NamedTuple):
    """How one image becomes a bit string: the activity of a layer, the threshold, the bits."""

    activity: Float[np.ndarray, "units"]
    threshold: float
    bits: Bool[np.ndarray, "units"]

    @property
    def word(self) -> str:
        """The bits as they are written: 01101."""
        return "".join(str(int(bit)) for bit in self.bits)


class FirstImage(NamedTuple):
    """The first test image, its label, and what both layers make of it."""

    image: Float[np.ndarray, "height width"]
    label: int
    hidden: Written
    outputs: Written


def first_image(trained: Trained) -> FirstImage:
    """What the trained net makes of the first test image."""
    image = _test_images(trained, 1)
    hidden, outputs = (
        Written(values[0], float(np.abs(values).mean()), information.binarized(values)[0])
        for values in activity(trained, trained.params, image)
    )
    return FirstImage(image[0], int(trained.dataset.y_test[0]), hidden, outputs)


class Coded(NamedTuple):
    """Images, the codes of an autoencoder, and what it makes of them."""

    images: Float[np.ndarray, "n *shape"]
    codes: Float[np.ndarray, "n units"]
    outputs: Float[np.ndarray, "n *shape"]


def one_of_each_label(evidence: Evidence, preset: str) -> Coded:
    """The first test image of every label through the first seed's autoencoder."""
    trained = runs(evidence, AUTOENCODER, preset=preset)[0]
    labels = trained.dataset.y_test
    chosen = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)]
    images = _test_images(trained, None)[chosen]
    codes, outputs = activity(trained, trained.params, images)
    return Coded(images, codes, outputs.reshape(images.shape))


class Bracket(NamedTuple):
    """I(Y;X) over training, seed by seed: as the paper estimates it, with shuffled labels, and
    between what a decoder proves and a corrected estimate of a large sample; and H(X).
    """

    plug_in: list[Curve]
    shuffled: list[Curve]
    proven: list[Curve]
    corrected: list[Curve]
    most: float


def bracket(evidence: Evidence, preset: Preset, hidden: int) -> Bracket:
    """The bracket of one size of the hidden layer at CHECKPOINTS."""
    seeds = of_size(evidence, preset, hidden)
    corrected = of("y", "x", information.grassberger)

    def curves(quantity: Quantity, n: int) -> list[Curve]:
        return [curve(trained, quantity, n, CHECKPOINTS) for trained in seeds]

    return Bracket(
        plug_in=curves(of("y", "x"), FEW),
        shuffled=curves(of_shuffled("y", "x"), FEW),
        proven=[decoded(trained, "x", CHECKPOINTS) for trained in seeds],
        corrected=curves(corrected, MANY),
        most=ceilings(seeds[0], most_of("x")),
    )
