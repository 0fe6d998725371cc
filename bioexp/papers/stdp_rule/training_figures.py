"""Pictures of training: why nets fail, where they start, and what becomes of propagated Z."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioexp.figures.bands import band
from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.figures import LINES, in_epochs, legend_above, titled
from bioexp.papers.stdp_rule.measures import (
    IRIS_PAIRS,
    ZERO_TWO,
    mean,
    of_splits,
    variant,
)
from bioexp.papers.stdp_rule.progress import recorded, settled, track

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
