"""The paper's figures on information, 7 to 12, drawn again from snapshots of finished runs.

Entropies are plug-in estimates over the first 256 test images, as in the paper. Beside each stands
what shuffled labels give, which is bias alone, and the most that the estimate can be;
`bias_aware_information` shows what larger samples and decoders make of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bioexp.figures.bands import BAND, Curve, band
from bioexp.figures.canvas import COLORS, canvas, explain, named, plain
from bioexp.measures.information import too_few
from bioexp.papers.brain_models.bits import (
    CODE_CHECKPOINTS,
    CODES,
    MANY,
    Bracket,
    Quantity,
    Written,
    bracket,
    ceilings,
    curve,
    decoded,
    first_image,
    given,
    given_shuffled,
    most_given,
    most_of,
    of,
    of_shuffled,
    one_of_each_label,
)
from bioexp.papers.brain_models.figures import SIZE_COLORS, against_steps
from bioexp.papers.brain_models.measures import (
    AUTOENCODER,
    FEW,
    PRESETS,
    SIZES,
    of_size,
    pixel_error,
    pixel_errors,
)
from bioexp.papers.measuring import runs
from bioexp.papers.paper import Evidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BRACKETED = (5, 15, 30, 60, 120)
BESIDE = (
    "Solid: plug-in; dotted: the same with shuffled labels, where nothing is known of them; dashed:"
    " the most it can be."
)


class Shown(NamedTuple):
    """A quantity, what shuffled labels make of it, and the most that it can be."""

    quantity: Quantity
    baseline: Quantity
    most: Quantity


LABEL_GIVEN = Shown(given("y"), given_shuffled("y"), most_given)
LABEL = Shown(of("y", "x"), of_shuffled("y", "x"), most_of("x"))
QUADRANT = Shown(of("y", "w"), of_shuffled("y", "w"), most_of("w"))
OUTPUTS = {
    LABEL_GIVEN: Shown(given("z"), given_shuffled("z"), most_given),
    LABEL: Shown(of("z", "x"), of_shuffled("z", "x"), most_of("x")),
    QUADRANT: Shown(of("z", "w"), of_shuffled("z", "w"), most_of("w")),
}


def fig7(evidence: Evidence) -> Figure:
    """How an image becomes the bit strings Y and Z."""
    trained = of_size(evidence, "R", 15)[0]
    shown = first_image(trained)
    figure = canvas(10.4, 4.4)
    picture, left, right = figure.subplots(1, 3, width_ratios=(1, 1.5, 1.2))
    picture.imshow(shown.image, cmap="gray", vmin=0, vmax=1)
    picture.set_title(f"test image 0, label X = {shown.label}", fontsize=9)
    picture.set_xticks([])
    picture.set_yticks([])
    _bits(left, shown.hidden, "Y", "hidden activity H [1]")
    _bits(right, shown.outputs, "Z", "output v [1]")
    figure.suptitle(
        f"from an image to Y and Z: {named(trained)}, preset R, 15 hidden units", fontsize=11
    )
    explain(
        figure,
        "how the activity of a layer becomes a bit string.",
        f"Y = {shown.hidden.word} (15 bits), Z = {shown.outputs.word} (10 bits); orange where a"
        " unit is at least the mean of |activity| over its layer.",
    )
    return figure


def _bits(axes: Axes, layer: Written, name: str, y: str) -> None:
    """A bar for each unit, orange where its bit is 1."""
    places = range(len(layer.bits))
    colors = [COLORS[1] if bit else COLORS[0] for bit in layer.bits]
    axes.bar(places, layer.activity, color=colors)
    label = f"threshold: mean |activity| = {layer.threshold:.2f}"
    axes.axhline(layer.threshold, color="black", linestyle="--", linewidth=0.9, label=label)
    axes.set_xticks(places, list(layer.word), fontsize=8)
    axes.set_xlabel(f"bit of each unit: {name} = {layer.word}", fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.set_ylim(top=1.15 * max(float(layer.activity.max()), layer.threshold))
    axes.legend(fontsize=8, frameon=False)
    plain(axes)


def fig8a(evidence: Evidence) -> Figure:
    """H(Y|X) over training for all sizes."""
    says = (
        "H(Y|X) decreases during training for all sizes, is larger for larger layers, and lowest"
        " for 15."
    )
    return _all_sizes(evidence, LABEL_GIVEN, "H(Y|X)", says)


def fig8b(evidence: Evidence) -> Figure:
    """H(Y|X) beside H(Z|X) for 15 units."""
    says = "with 15 units H(Y|X) and H(Z|X) of test images converge to near equality."
    return _two_layers(evidence, LABEL_GIVEN, ("H(Y|X)", "H(Z|X)"), "conditional entropy", says)


def fig9a(evidence: Evidence) -> Figure:
    """I(Y;X) over training for all sizes."""
    says = "I(Y;X) rises for 5 and 15 units, falls for 30, and is flat for 60 and 120."
    return _all_sizes(evidence, LABEL, "I(Y;X)", says)


def fig9b(evidence: Evidence) -> Figure:
    """I(Y;X) beside I(Z;X) for 15 units."""
    says = "I(Y;X) >= I(Z;X) throughout training, and both plateau after 4,000 epochs."
    return _two_layers(evidence, LABEL, ("I(Y;X)", "I(Z;X)"), "mutual information", says)


def fig10a(evidence: Evidence) -> Figure:
    """I(Y;W), W the brightest quadrant, over training for all sizes."""
    says = (
        "I(Y;W) during training for different sizes of the hidden layer (its text describes 15"
        " units only)."
    )
    return _all_sizes(evidence, QUADRANT, "I(Y;W)", says)


def fig10b(evidence: Evidence) -> Figure:
    """I(Y;W) beside I(Z;W) for 15 units."""
    says = (
        "I(Y;W) rises to 500, falls to 2,000, rises to 4,000 and falls to 10,000 epochs; I(Z;W) is"
        " about constant."
    )
    return _two_layers(evidence, QUADRANT, ("I(Y;W)", "I(Z;W)"), "mutual information", says)


def fig11(evidence: Evidence) -> Figure:
    """Images, their 50-unit codes, and what the autoencoder makes of them."""
    coded = {name: one_of_each_label(evidence, name) for name in CODES}
    images = coded["R"].images
    rows = [("image", images)]
    for name, own in coded.items():
        codes = own.codes.reshape(len(images), 5, -1)
        rows += [(f"{name}: code", codes), (f"{name}: output", own.outputs)]
    figure = canvas(9.6, 8.0)
    grid = figure.subplots(len(rows), len(images), squeeze=False)
    for line, (label, pictures) in zip(grid, rows, strict=True):
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
    nets = {name: runs(evidence, AUTOENCODER, preset=name) for name in CODES}
    errors = ", ".join(
        f"{name} {np.mean([pixel_error(trained) for trained in seeds]):.4f}"
        for name, seeds in nets.items()
    )
    explain(
        figure,
        "input images, bottleneck encodings, reconstructed images; the code removes noisy and"
        " extraneous data.",
        f"test error per pixel, mean square of pixels in 0 to 1, mean of {len(nets['R'])} seeds, n"
        f" = 10,000: {errors}. Shapes stay; textures, prints and fine lines go. The first test"
        " image of every label.",
    )
    return figure


def fig12(evidence: Evidence) -> Figure:
    """I(Y;W) and the squared error of the autoencoder over training."""
    figure = canvas(10.4, 4.8)
    left, right = figure.subplots(1, 2)
    numbers = []
    for color, name in zip(COLORS, CODES, strict=False):
        seeds = runs(evidence, AUTOENCODER, preset=name)
        plug_in = [curve(trained, QUADRANT.quantity) for trained in seeds]
        shuffled = [curve(trained, QUADRANT.baseline) for trained in seeds]
        proven = [decoded(seeds[0], "w", CODE_CHECKPOINTS)]
        band(left, plug_in, color=color, label=f"{name}: plug-in")
        band(left, shuffled, color=color, style=":", width=1.2, shade=False)
        band(left, proven, color=color, style="-.", width=1.2)
        errors = [pixel_errors(trained) for trained in seeds]
        band(right, errors, color=color, label=f"{name} ({len(seeds)} seeds)")
        numbers.append(
            f"{name} from {_first(plug_in):.2f} at step 0 to {_last(plug_in):.2f}, a decoder proves"
            f" {_last(proven):.2f}"
        )
    most = ceilings(seeds[0], QUADRANT.most)
    label = "the most it can be: H(W)"
    left.axhline(most, color="0.4", linestyle="--", linewidth=0.9, label=label)
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
    """I(Y;X) as the paper estimates it, and the bracket between what a decoder proves and a
    corrected large sample.
    """
    figure = canvas(12.6, 6.4)
    grid = figure.subplots(2, len(BRACKETED), sharex=True, sharey=True)
    numbers = []
    for row, preset in zip(grid, PRESETS, strict=True):
        for axes, hidden in zip(row, BRACKETED, strict=True):
            found = bracket(evidence, preset, hidden)
            _bracket(axes, found)
            against_steps(
                axes,
                x="minibatches",
                y="I(Y;X) [bits]" if hidden == 5 else "",
                title=f"{preset}, {hidden} units",
                early=True,
            )
            axes.set_xticks([0, 100, 1000, 10_000], ["0", "100", "1k", "10k"])
            axes.set_ylim(0, 3.5)
            if preset == "R":
                start, end = (
                    f"[{of_end(found.proven):.2f}, {of_end(found.corrected):.2f}]"
                    for of_end in (_first, _last)
                )
                numbers.append(f"{hidden}: {start} to {end}")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8.5, frameon=False, ncols=5, loc="outside upper center")
    explain(
        figure,
        "I(Y;X) of 256 images only (Fig. 9a).",
        f"brackets from step 0 to the end in R, by size: {'; '.join(numbers)}. With 30 units and"
        " more the paper's curves follow the dashed line, H(X): nearly every string is unique. The"
        f" upper end is a corrected estimate, not a bound. {len(found.proven)} seeds. {BAND}",
    )
    return figure


def _bracket(axes: Axes, found: Bracket) -> None:
    """The paper's estimate and its baseline, and the bracket shaded between its ends."""
    band(axes, found.plug_in, color=COLORS[1], label=f"plug-in, n = {FEW}")
    band(axes, found.shuffled, color=COLORS[1], style=":", label=f"shuffled labels, n = {FEW}")
    band(axes, found.corrected, color=COLORS[0], style="--", label="Grassberger, n = 10,000")
    band(axes, found.proven, color=COLORS[2], label="a decoder proves, n = 10,000")
    steps = sorted(found.corrected[0])
    low, high = (
        [float(np.mean([seed[step] for seed in seeds])) for step in steps]
        for seeds in (found.proven, found.corrected)
    )
    axes.fill_between(steps, low, high, color=COLORS[5], alpha=0.15, linewidth=0)
    axes.axhline(found.most, color="0.4", linestyle="--", linewidth=0.8)


def _all_sizes(evidence: Evidence, shown: Shown, name: str, says: str) -> Figure:
    """A quantity of every size of the hidden layer, with its baseline and its ceilings."""
    figure = canvas(10.4, 5.0)
    numbers = []
    for axes, preset in zip(figure.subplots(1, 2, sharey=True), PRESETS, strict=True):
        ends = []
        for hidden, color in SIZE_COLORS.items():
            seeds = of_size(evidence, preset, hidden)
            curves = [curve(trained, shown.quantity) for trained in seeds]
            baseline = [curve(trained, shown.baseline) for trained in seeds]
            band(axes, curves, color=color, label=f"{hidden} units")
            band(axes, baseline, color=color, style=":", width=1.1, shade=False)
            ends.append(f"{hidden}: {_first(curves):.2f} to {_last(curves):.2f}")
        for hidden in (SIZES[0], SIZES[-1]):
            most = ceilings(of_size(evidence, preset, hidden)[0], shown.most)
            axes.axhline(most, color="0.4", linestyle="--", linewidth=0.9)
        title = f"{preset}, first {FEW} test images, {len(seeds)} seeds"
        against_steps(axes, y=f"{name} [bits]", title=title, early=True)
        axes.set_ylim(bottom=0)
        numbers.append(f"{preset} {', '.join(ends)}")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8.5, frameon=False, ncols=6, loc="outside upper center")
    explain(
        figure,
        says,
        f"by size, from step 0 to the end: {'; '.join(numbers)}. {BESIDE} {_warning(120)}. {BAND}",
    )
    return figure


def _two_layers(
    evidence: Evidence, hidden: Shown, names: tuple[str, str], y: str, says: str
) -> Figure:
    """The same quantity of the hidden layer and of the outputs, for 15 units, on 256 and on all
    test images.
    """
    figure = canvas(10.4, 7.4)
    numbers = []
    for row, n in zip(figure.subplots(2, 2, sharex=True, sharey="row"), (FEW, MANY), strict=True):
        for axes, preset in zip(row, PRESETS, strict=True):
            seeds, ends = of_size(evidence, preset, 15), []
            both = (hidden, OUTPUTS[hidden])
            for color, name, shown in zip(COLORS, names, both, strict=False):
                curves = [curve(trained, shown.quantity, n) for trained in seeds]
                baseline = [curve(trained, shown.baseline, n) for trained in seeds]
                band(axes, curves, color=color, label=name)
                band(axes, baseline, color=color, style=":", width=1.1, shade=False)
                ends.append(f"{name} {_last(curves):.2f}")
            most = ceilings(seeds[0], hidden.most, n)
            axes.axhline(most, color="0.4", linestyle="--", linewidth=0.9)
            title = f"{preset}, 15 units, n = {n:,} test images, {len(seeds)} seeds"
            against_steps(axes, y=f"{y} [bits]", title=title, early=True)
            axes.set_ylim(bottom=0)
            numbers.append(f"{preset}, n = {n:,}: {', '.join(ends)}")
    axes.legend(fontsize=8, frameon=False)
    explain(figure, says, f"at the end: {'; '.join(numbers)}. {BESIDE} {_warning(15)}. {BAND}")
    return figure


def _warning(units: int) -> str:
    """What must be known of the sample, in the figure itself."""
    warning = too_few(FEW, units)
    return f"Warning: {warning}" if warning else f"{FEW} images outnumber the strings"


def _first(seeds: Sequence[Curve]) -> float:
    return float(np.mean([seed[min(seed)] for seed in seeds]))


def _last(seeds: Sequence[Mapping[int, float]]) -> float:
    return float(np.mean([seed[max(seed)] for seed in seeds]))
