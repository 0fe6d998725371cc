"""Pictures that show why the claims hold or fail, and the rule on ten classes, which is beyond the
paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bioexp.figures.bands import band
from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.papers.measuring import accuracy
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.figures import LINES, along_eps, in_epochs, legend_above, titled
from bioexp.papers.stdp_rule.measures import (
    DEPTHS,
    EPS,
    FAR,
    IRIS_PAIRS,
    MNIST_PAIRS,
    PAIRS,
    ZERO_TWO,
    TenClasses,
    mean,
    of_splits,
    ten_classes,
    variant,
)
from bioexp.papers.stdp_rule.progress import recorded, settled, track
from bioexp.papers.stdp_rule.survival import Ahead, against_eps, all_pairs, under

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def instability(evidence: Evidence) -> Figure:
    """How large updates are in both forms, what Adam remembers of them, and which splits of IRIS
    train.
    """
    figure = canvas(14, 4.6)
    updates, moments, splits = figure.subplots(1, 3)
    for axes, metric, y in (
        (updates, "peak_update", "largest |dW| since the last record"),
        (moments, "second_moment", "largest second moment Adam has of a weight"),
    ):
        for rule in ("stable", "printed", "product"):
            line, nets = LINES[rule], variant(evidence, rule, ZERO_TWO)
            records = [recorded(trained, metric) for trained in nets]
            band(axes, records, color=line.color, label=line.label, style=line.dash)
        axes.set_yscale("log")
        axes.set_xlabel("minibatches of 100", fontsize=9)
        axes.set_ylabel(y, fontsize=9)
        titled(axes, ZERO_TWO, nets, training=True)
    updates.legend(fontsize=8, frameon=False)
    _splits(splits, evidence)
    explain(
        figure,
        "eps = 1e-9 avoids dividing by zero; nothing on splits.",
        "as printed, updates pass through poles of the quotient, and Adam's second moment remembers"
        " them. Splits with more of class 1 are those that may fail.",
    )
    return figure


def _splits(axes: Axes, evidence: Evidence) -> None:
    """Accuracy against how many of the training flowers are of class 1, a marker a net."""
    for pair, markers in (("0-2", "ov"), ("1-2", "sD")):
        for split, words, color, marker in (
            ("even", "40 of each", COLORS[0], markers[0]),
            ("random", "dealt at random", COLORS[1], markers[1]),
        ):
            nets = of_splits(evidence, split, pair)
            label = f"{pair.replace('-', ' vs ')}, {words} ({len(nets.accuracy)} nets)"
            axes.plot(nets.flowers, nets.accuracy, marker, color=color, label=label, alpha=0.7)
    axes.axvline(40, color="0.6", linewidth=0.8)
    axes.set_xlabel("training flowers of class 1, of 80", fontsize=9)
    axes.set_ylabel("test accuracy (n = 20)", fontsize=9)
    axes.set_title("IRIS, stable rule: one net a split", fontsize=9)
    axes.legend(fontsize=8, frameon=False)
    plain(axes)


def start(evidence: Evidence) -> Figure:
    """IRIS from the beginning: Z fixed, Z propagated, biases that start alike, and backprop."""
    figure = canvas(13, 4.6)
    for axes, pair in zip(figure.subplots(1, 3, sharey=True), IRIS_PAIRS, strict=True):
        for rule in ("stable", "propagated", "flat", "product", "backprop"):
            line, nets = LINES[rule], variant(evidence, rule, pair)
            band(
                axes,
                [recorded(trained, "train_accuracy") for trained in nets],
                color=line.color,
                label=f"{line.label}{', Z fixed' if rule == 'stable' else ''}",
                style=line.dash,
                shade=rule in ("stable", "propagated"),
            )
        in_epochs(axes, nets[0])
        axes.set_ylabel("training accuracy", fontsize=9)
        titled(axes, pair, nets, training=True)
    legend_above(figure, columns=3)
    explain(
        figure,
        "poor accuracy in the first epochs of IRIS can be attributed to the fixed Z.",
        "means over nets; bands, of two variants, the range.",
    )
    return figure


def associations(evidence: Evidence) -> Figure:
    """Z as the weights propagate it, over training: how many units are as at the end, and how many
    are positive.
    """
    figure = canvas(11, 4.6)
    same, above = figure.subplots(1, 2)
    looks = zip((ZERO_TWO, *IRIS_PAIRS), COLORS, ("-", "--", "-.", ":"), strict=False)
    for pair, color, style in looks:
        nets = variant(evidence, "propagated", pair)
        label, tracks = f"{pair.title} ({len(nets)} nets)", [track(trained) for trained in nets]
        ends = mean([settled(trained) for trained in nets])
        shares = [own.same for own in tracks]
        band(same, shares, color=color, label=f"{label}: {ends:.2f} settled", style=style)
        band(above, [own.positive for own in tracks], color=color, label=label, style=style)
    above.axhline(0.5, color="0.5", linewidth=0.8, linestyle=":")
    for axes, y in (
        (same, "hidden units whose Z is as at the end"),
        (above, "hidden units with Z = +1 for y = 1"),
    ):
        axes.set_ylim(-0.02, 1.04)
        axes.set_xlabel("percent of training", fontsize=9)
        axes.set_ylabel(f"share of {y}", fontsize=9)
        axes.legend(fontsize=8, frameon=False, loc="lower right")
        plain(axes)
    explain(
        figure,
        "propagated through the weights, Z converges to a fixed set, about half of it positive, and"
        " flips with the label.",
        "48 hidden units a net, stable rule with propagated Z. That it flips with the label follows"
        " from its definition: Z of a layer is the sign of a linear map of the next one's. Lines"
        " are means over nets, bands the range.",
    )
    return figure


def farther(evidence: Evidence) -> Figure:
    """FGSM and PGD from the paper's eps to those where the advantage is gone."""
    figure = canvas(15, 4.6)
    eps = (*EPS, *FAR)
    for axes, pair in zip(figure.subplots(1, 5), MNIST_PAIRS, strict=True):
        for rule in ("stable", "backprop", "decayed"):
            nets = variant(evidence, rule, pair)
            few = nets[:2]
            along_eps(axes, against_eps(nets, "fgsm", eps), eps, rule)
            along_eps(axes, against_eps(few, "pgd", eps), eps, rule, style="--")
        axes.set_ylabel("accuracy under attack", fontsize=9)
        titled(axes, pair, nets)
    legend_above(figure, columns=3)
    explain(
        figure,
        "only FGSM, and only up to 12/255.",
        f"solid FGSM ({_nets(len(nets))}), dashed PGD of 20 steps ({_nets(len(few))}), true"
        " gradient, all test images. Where PGD is far below FGSM, FGSM flatters the net.",
    )
    return figure


def _nets(count: int) -> str:
    return f"{count} net{'s' * (count > 1)}"


def heat_maps(evidence: Evidence) -> Figure:
    """STDP less backprop on all 45 pairs of digits, clean and under FGSM at 12/255, and on three
    pairs of IRIS.
    """
    figure = canvas(13, 6.4)
    said = []
    for axes, (name, measure) in zip(
        figure.subplots(1, 2),
        (("clean", accuracy), ("FGSM 12/255", under("fgsm", EPS[-1]))),
        strict=True,
    ):
        found = all_pairs(evidence, measure)
        _heat_map(axes, found)
        axes.set_title(f"{name}: STDP less backprop", fontsize=10)
        values = np.asarray(list(found.digits.values()))
        said.append(
            f"{name}: mean {100 * values.mean():.2f} points, ahead on {(values > 0).sum()} of 45;"
            f" IRIS 0v1, 0v2, 1v2: {', '.join(f'{100 * value:.1f}' for value in found.iris)}"
        )
    seeds = len({trained.seed for trained in evidence[PAIRS]})
    explain(
        figure,
        "other binary pairs were similar to the eight it shows.",
        f"{'; '.join(said)}. Stable rule, {seeds} seed{'s' * (seeds > 1)} a pair of digits, about"
        " 2,000 test images each.",
    )
    return figure


def _heat_map(axes: Axes, found: Ahead) -> None:
    """A square for each pair of digits, in points of accuracy."""
    grid = np.full((10, 10), np.nan)
    limit = 100 * max(abs(value) for value in found.digits.values())
    for pair, value in found.digits.items():
        a, b = pair.classes
        grid[a, b] = 100 * value
        color = "white" if abs(grid[a, b]) > 0.6 * limit else "black"
        axes.text(b, a, f"{grid[a, b]:.1f}", ha="center", va="center", fontsize=7, color=color)
    drawn = axes.imshow(grid, cmap="RdBu", vmin=-limit, vmax=limit)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.set_xlabel("digit, y = 1", fontsize=9)
    axes.set_ylabel("digit, y = 0", fontsize=9)
    bar = axes.figure.colorbar(drawn, ax=axes, fraction=0.045, pad=0.02)
    bar.set_label("points of accuracy", fontsize=8)


def many_classes(evidence: Evidence) -> Figure:
    """Ten classes at depth 0 to 4: STDP and backprop on MNIST and Fashion-MNIST, with other
    associations beside.
    """
    figure = canvas(11, 5)
    said = []
    for axes, data in zip(
        figure.subplots(1, 2, sharey=True), ("mnist", "fashion_mnist"), strict=True
    ):
        found = ten_classes(evidence, data)
        _depths(axes, found)
        axes.set_title(
            f"{data}, {found.n_train:,} training images, {found.seeds} seed"
            f"{'s' * (found.seeds > 1)}",
            fontsize=10,
        )
        said += [
            f"{data} {rule} {', '.join(f'{end.value:.3f}' for end in ends)}"
            for rule, ends in found.rules.items()
        ]
    legend_above(figure, columns=3)
    explain(
        figure,
        "stresses two classes only; a method that learns two could be used for many.",
        f"depth 0 to 4: {'; '.join(said)}. Bands are 95 % intervals, over images where there is one"
        " seed, over seeds else.",
    )
    return figure


def _depths(axes: Axes, found: TenClasses) -> None:
    """Accuracy against the number of hidden layers."""
    depths = list(range(len(DEPTHS)))
    for rule, label in (("stable", "STDP, one class a unit"), ("backprop", "backprop")):
        line, ends = LINES[rule], found.rules[rule]
        values = [end.value for end in ends]
        axes.plot(depths, values, f"{line.marker}-", color=line.color, label=label)
        low, high = [end.low for end in ends], [end.high for end in ends]
        axes.fill_between(depths, low, high, color=line.color, alpha=0.2, linewidth=0)
    for name, label, marker in (
        ("halves", "STDP, random half of the classes a unit", "D"),
        ("unbalanced", "STDP, -1 for every other class", "v"),
    ):
        values = found.associations[name]
        axes.plot([2] * len(values), values, marker, color=COLORS[1], label=label)
    axes.axhline(0.1, color="0.5", linestyle=":", linewidth=1, label="chance")
    axes.set_xticks(depths, ["0", "1: 60", "2: 60-40", "3: 60-40-40", "4: 60-40-40-40"], fontsize=8)
    axes.set_xlabel("hidden layers", fontsize=9)
    axes.set_ylabel(f"test accuracy, n = {found.n_test:,}", fontsize=9)
    axes.set_ylim(0, 1)
    plain(axes)
