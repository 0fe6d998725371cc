"""The figures of the document on information, 7 to 12, drawn again from snapshots of finished runs.

Entropies are plug-in estimates over the first 256 test images, as in the document. Beside each
stands what shuffled labels give, which is bias alone, and the most that the estimate can be;
`bias_aware_information` shows what larger samples and decoders make of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import jax.numpy as jnp
import numpy as np

from bioexp.experiment import Trained
from bioexp.figures.bands import BAND, against_steps, band
from bioexp.figures.canvas import COLORS, canvas, explain, named, plain
from bioexp.measures import information
from bioexp.papers.brain_models.figures import SIZE_COLORS
from bioexp.papers.brain_models.measures import (
    AUTOENCODER,
    BASE,
    CODES,
    FEW,
    MANY,
    PRESETS,
    SIZES,
    Quantity,
    Strings,
    activity,
    curve,
    decoded,
    given,
    given_shuffled,
    of,
    of_shuffled,
    pixel_error,
    pixel_errors,
    size,
    strings,
)
from bioexp.papers.measuring import runs
from bioexp.papers.paper import Evidence
from bioexp.training import as_float

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHECKPOINTS = (0, 100, 300, 1000, 3000, 10_000)  # of the bracket
CODE_CHECKPOINTS = (0, 100, 300, 1000, 2000, 4000)
BRACKETED = (5, 15, 30, 60, 120)
SHOWN = 10  # images through the autoencoder
BESIDE = (
    "Solid: plug-in; dotted: the same with shuffled labels, where nothing is known of them; dashed:"
    " the most it can be."
)


def fig7(evidence: Evidence) -> Figure:
    """How an image becomes the bit strings Y and Z."""
    trained = runs(evidence, BASE, size("R", 15))[0]
    image = np.asarray(as_float(jnp.asarray(trained.dataset.x_test[:1])))
    layers = activity(trained, trained.params, image)
    figure = canvas(10.4, 4.4)
    picture, *bars = figure.subplots(1, 3, width_ratios=(1, 1.5, 1.2))
    picture.imshow(image[0], cmap="gray", vmin=0, vmax=1)
    picture.set_title(f"test image 0, label X = {trained.dataset.y_test[0]}", fontsize=9)
    picture.set_xticks([])
    picture.set_yticks([])
    written = []
    for axes, name, values, what in zip(
        bars, "YZ", layers, ("hidden activity H", "output v"), strict=True
    ):
        bits = information.binarized(values)[0]
        mean = float(np.abs(values).mean())
        written.append("".join(str(int(bit)) for bit in bits))
        axes.bar(
            range(len(bits)), values[0], color=[COLORS[1] if bit else COLORS[0] for bit in bits]
        )
        axes.axhline(
            mean,
            color="black",
            linestyle="--",
            linewidth=0.9,
            label=f"threshold: mean |activity| = {mean:.2f}",
        )
        axes.set_xticks(range(len(bits)), [str(int(bit)) for bit in bits], fontsize=8)
        axes.set_xlabel(f"bit of each unit: {name} = {written[-1]}", fontsize=9)
        axes.set_ylabel(f"{what} [1]", fontsize=9)
        axes.set_ylim(top=1.15 * max(float(values.max()), mean))
        axes.legend(fontsize=8, frameon=False)
        plain(axes)
    figure.suptitle(
        f"from an image to Y and Z: {named(trained)}, preset R, 15 hidden units", fontsize=11
    )
    explain(
        figure,
        "how the activity of a layer becomes a bit string.",
        f"Y = {written[0]} (15 bits), Z = {written[1]} (10 bits); orange where a unit is at least"
        " the mean of |activity| over its layer.",
    )
    return figure


def fig8a(evidence: Evidence) -> Figure:
    """H(Y|X) over training for all sizes."""
    says = (
        "H(Y|X) decreases during training for all sizes, is larger for larger layers, and lowest"
        " for 15."
    )
    return _all_sizes(
        evidence, given("y"), given_shuffled("y"), _most_given, y="H(Y|X) [bits]", document=says
    )


def fig8b(evidence: Evidence) -> Figure:
    """H(Y|X) beside H(Z|X) for 15 units."""
    says = "with 15 units H(Y|X) and H(Z|X) of test images converge to near equality."
    pair = (
        ("H(Y|X)", given("y"), given_shuffled("y")),
        ("H(Z|X)", given("z"), given_shuffled("z")),
    )
    return _two_layers(evidence, pair, _most_given, y="conditional entropy [bits]", document=says)


def fig9a(evidence: Evidence) -> Figure:
    """I(Y;X) over training for all sizes."""
    says = "I(Y;X) rises for 5 and 15 units, falls for 30, and is flat for 60 and 120."
    return _all_sizes(
        evidence, of("y", "x"), of_shuffled("y", "x"), _most("x"), y="I(Y;X) [bits]", document=says
    )


def fig9b(evidence: Evidence) -> Figure:
    """I(Y;X) beside I(Z;X) for 15 units."""
    says = "I(Y;X) >= I(Z;X) throughout training, and both plateau after 4,000 epochs."
    pair = (
        ("I(Y;X)", of("y", "x"), of_shuffled("y", "x")),
        ("I(Z;X)", of("z", "x"), of_shuffled("z", "x")),
    )
    return _two_layers(evidence, pair, _most("x"), y="mutual information [bits]", document=says)


def fig10a(evidence: Evidence) -> Figure:
    """I(Y;W), W the brightest quadrant, over training for all sizes."""
    says = (
        "I(Y;W) during training for different sizes of the hidden layer (its text describes 15"
        " units only)."
    )
    return _all_sizes(
        evidence, of("y", "w"), of_shuffled("y", "w"), _most("w"), y="I(Y;W) [bits]", document=says
    )


def fig10b(evidence: Evidence) -> Figure:
    """I(Y;W) beside I(Z;W) for 15 units."""
    says = (
        "I(Y;W) rises to 500, falls to 2,000, rises to 4,000 and falls to 10,000 epochs; I(Z;W) is"
        " about constant."
    )
    pair = (
        ("I(Y;W)", of("y", "w"), of_shuffled("y", "w")),
        ("I(Z;W)", of("z", "w"), of_shuffled("z", "w")),
    )
    return _two_layers(evidence, pair, _most("w"), y="mutual information [bits]", document=says)


def fig11(evidence: Evidence) -> Figure:
    """Images, their 50-unit codes, and what the autoencoder makes of them."""
    shown = {name: runs(evidence, AUTOENCODER, where) for name, where in CODES.items()}
    first = shown["R"][0]
    labels = first.dataset.y_test
    chosen = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)][:SHOWN]
    images = np.asarray(as_float(jnp.asarray(first.dataset.x_test[chosen])))
    rows = [("image", images)]
    for name, seeds in shown.items():
        code, output = activity(seeds[0], seeds[0].params, images)
        rows += [
            (f"{name}: code", code.reshape(len(code), 5, -1)),
            (f"{name}: output", output.reshape(images.shape)),
        ]
    figure = canvas(9.6, 8.0)
    for line, (label, pictures) in zip(
        figure.subplots(len(rows), len(chosen), squeeze=False), rows, strict=True
    ):
        for axes, picture in zip(line, pictures, strict=True):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
        line[0].set_ylabel(label, fontsize=9, rotation=0, ha="right", va="center")
    figure.suptitle(
        "autoencoder 784-50-784: images, codes (5 x 10 units, 0 black to 1 white) and outputs,"
        " seed 0",
        fontsize=11,
    )
    errors = ", ".join(
        f"{name} {np.mean([pixel_error(one) for one in seeds]):.4f}"
        for name, seeds in shown.items()
    )
    explain(
        figure,
        "input images, bottleneck encodings, reconstructed images; the code removes noisy and"
        " extraneous data.",
        f"test error per pixel, mean square of pixels in 0 to 1, mean of {len(shown['R'])} seeds, n"
        f" = 10,000: {errors}. Shapes stay; textures, prints and fine lines go. The first test"
        " image of every label.",
    )
    return figure


def fig12(evidence: Evidence) -> Figure:
    """I(Y;W) and the squared error of the autoencoder over training."""
    figure = canvas(10.4, 4.8)
    left, right = figure.subplots(1, 2)
    numbers = []
    for color, (name, where) in zip(COLORS, CODES.items(), strict=False):
        seeds = runs(evidence, AUTOENCODER, where)
        found = [curve(one, of("y", "w")) for one in seeds]
        band(left, found, color=color, label=f"{name}: plug-in")
        band(
            left,
            [curve(one, of_shuffled("y", "w")) for one in seeds],
            color=color,
            style=":",
            width=1.2,
            shade=False,
        )
        proven = [decoded(one, "w", CODE_CHECKPOINTS) for one in seeds[:1]]
        band(left, proven, color=color, style="-.", width=1.2)
        band(
            right,
            [pixel_errors(one) for one in seeds],
            color=color,
            label=f"{name} ({len(seeds)} seeds)",
        )
        numbers.append(
            f"{name} from {_first(found):.2f} at step 0 to {_last(found):.2f}, a decoder proves"
            f" {_last(proven):.2f}"
        )
    left.axhline(
        _most("w")(next(iter(strings(seeds[0]).values()))),
        color="0.4",
        linestyle="--",
        linewidth=0.9,
        label="the most it can be: H(W)",
    )
    against_steps(left, y="I(Y;W) of the code [bits]", title=f"first {FEW} test images", early=True)
    left.set_ylim(bottom=0)
    left.legend(fontsize=8, frameon=False)
    against_steps(
        right, y="squared error per pixel", title="training images, mean over 100 minibatches"
    )
    right.set_yscale("log")
    right.legend(fontsize=8, frameon=False)
    explain(
        figure,
        "I(Y;W) increases throughout training; the MSE falls.",
        f"{'; '.join(numbers)}. {BESIDE} Dash-dotted: what a decoder proves on 10,000 test images"
        f" (seed 0). {_warning(50)}. {BAND}",
    )
    return figure


def bias_aware_information(evidence: Evidence) -> Figure:
    """I(Y;X) as the document estimates it, and the bracket between what a decoder proves and a
    corrected large sample.
    """
    figure = canvas(12.6, 6.4)
    grid = figure.subplots(2, len(BRACKETED), sharex=True, sharey=True)
    numbers = []
    for row, preset in zip(grid, PRESETS, strict=True):
        for axes, hidden in zip(row, BRACKETED, strict=True):
            seeds = runs(evidence, BASE, size(preset, hidden))
            steps = {"steps": CHECKPOINTS}
            band(
                axes,
                [curve(one, of("y", "x"), **steps) for one in seeds],
                color=COLORS[1],
                label=f"plug-in, n = {FEW}",
            )
            band(
                axes,
                [curve(one, of_shuffled("y", "x"), **steps) for one in seeds],
                color=COLORS[1],
                style=":",
                label=f"shuffled labels, n = {FEW}",
            )
            upper = [
                curve(one, of("y", "x", information.grassberger), n=MANY, **steps) for one in seeds
            ]
            lower = [decoded(one, "x", CHECKPOINTS) for one in seeds]
            band(axes, upper, color=COLORS[0], style="--", label="Grassberger, n = 10,000")
            band(axes, lower, color=COLORS[2], label="a decoder proves, n = 10,000")
            points = sorted(upper[0])
            means = [
                [float(np.mean([seed[step] for seed in side])) for step in points]
                for side in (lower, upper)
            ]
            axes.fill_between(points, *means, color=COLORS[5], alpha=0.15, linewidth=0)
            axes.axhline(
                _most("x")(next(iter(strings(seeds[0], steps=(0,)).values()))),
                color="0.4",
                linestyle="--",
                linewidth=0.8,
            )
            against_steps(
                axes,
                y="I(Y;X) [bits]" if hidden == 5 else "",
                title=f"{preset}, {hidden} units",
                early=True,
            )
            axes.set_xlabel("minibatches", fontsize=8)
            axes.set_xticks([0, 100, 1000, 10_000], ["0", "100", "1k", "10k"])
            axes.set_ylim(0, 3.5)
            if preset == "R":
                numbers.append(
                    f"{hidden}: [{_first(lower):.2f}, {_first(upper):.2f}] to [{_last(lower):.2f},"
                    f" {_last(upper):.2f}]"
                )
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(),
        fontsize=8.5,
        frameon=False,
        ncols=5,
        loc="outside upper center",
    )
    explain(
        figure,
        "I(Y;X) of 256 images only (Fig. 9a).",
        f"brackets from step 0 to the end in R, by size: {'; '.join(numbers)}. With 30 units and"
        " more the document's curves follow the dashed line, H(X): nearly every string is unique."
        f" The upper end is a corrected estimate, not a bound. {len(seeds)} seeds. {BAND}",
    )
    return figure


def _most(target: Literal["x", "w"]) -> Quantity:
    """The ceiling of I about a label."""
    return lambda some: information.ceiling(getattr(some, target), some.units)


def _most_given(some: Strings) -> float:
    """The ceiling of H(Y|X)."""
    return information.conditional_ceiling(some.x, some.units)


def _all_sizes(
    evidence: Evidence,
    quantity: Quantity,
    baseline: Quantity,
    most: Quantity,
    *,
    y: str,
    document: str,
) -> Figure:
    """A quantity of every size of the hidden layer, with its baseline and its ceilings."""
    figure = canvas(10.4, 5.0)
    numbers = []
    for axes, preset in zip(figure.subplots(1, 2, sharey=True), PRESETS, strict=True):
        ends = []
        for hidden in SIZES:
            seeds = runs(evidence, BASE, size(preset, hidden))
            found = [curve(one, quantity) for one in seeds]
            band(axes, found, color=SIZE_COLORS[hidden], label=f"{hidden} units")
            band(
                axes,
                [curve(one, baseline) for one in seeds],
                color=SIZE_COLORS[hidden],
                style=":",
                width=1.1,
                shade=False,
            )
            ends.append(f"{hidden}: {_first(found):.2f} to {_last(found):.2f}")
        for height in {
            most(some)
            for hidden in (5, 120)
            for some in strings(_one(evidence, preset, hidden), steps=(0,)).values()
        }:
            axes.axhline(height, color="0.4", linestyle="--", linewidth=0.9)
        against_steps(
            axes, y=y, title=f"{preset}, first {FEW} test images, {len(seeds)} seeds", early=True
        )
        axes.set_ylim(bottom=0)
        numbers.append(f"{preset} {', '.join(ends)}")
    figure.legend(
        *axes.get_legend_handles_labels(),
        fontsize=8.5,
        frameon=False,
        ncols=6,
        loc="outside upper center",
    )
    explain(
        figure,
        document,
        f"by size, from step 0 to the end: {'; '.join(numbers)}. {BESIDE} {_warning(120)}. {BAND}",
    )
    return figure


def _two_layers(
    evidence: Evidence,
    pair: Sequence[tuple[str, Quantity, Quantity]],
    most: Quantity,
    *,
    y: str,
    document: str,
) -> Figure:
    """The same quantity of the hidden layer and of the outputs, for 15 units, on 256 and on all
    test images.
    """
    figure = canvas(10.4, 7.4)
    numbers = []
    for row, n in zip(figure.subplots(2, 2, sharex=True, sharey="row"), (FEW, MANY), strict=True):
        for axes, preset in zip(row, PRESETS, strict=True):
            seeds = runs(evidence, BASE, size(preset, 15))
            ends = []
            for color, (label, quantity, baseline) in zip(COLORS, pair, strict=False):
                found = [curve(one, quantity, n=n) for one in seeds]
                band(axes, found, color=color, label=label)
                band(
                    axes,
                    [curve(one, baseline, n=n) for one in seeds],
                    color=color,
                    style=":",
                    width=1.1,
                    shade=False,
                )
                ends.append(f"{label} {_last(found):.2f}")
            axes.axhline(
                most(strings(seeds[0], n=n, steps=(0,))[0]),
                color="0.4",
                linestyle="--",
                linewidth=0.9,
            )
            against_steps(
                axes,
                y=y,
                title=f"{preset}, 15 units, n = {n:,} test images, {len(seeds)} seeds",
                early=True,
            )
            axes.set_ylim(bottom=0)
            numbers.append(f"{preset}, n = {n:,}: {', '.join(ends)}")
    axes.legend(fontsize=8, frameon=False)
    explain(figure, document, f"at the end: {'; '.join(numbers)}. {BESIDE} {_warning(15)}. {BAND}")
    return figure


def _one(evidence: Evidence, preset: str, hidden: int) -> Trained:
    return runs(evidence, BASE, size(preset, hidden))[0]


def _warning(units: int) -> str:
    """What must be known of the sample, in the figure itself."""
    return (
        f"Warning: {information.too_few(FEW, units)}"
        if information.too_few(FEW, units)
        else f"{FEW} images outnumber the strings"
    )


def _first(seeds: Sequence[Mapping[int, float]]) -> float:
    return float(np.mean([seed[min(seed)] for seed in seeds]))


def _last(seeds: Sequence[Mapping[int, float]]) -> float:
    return float(np.mean([seed[max(seed)] for seed in seeds]))
