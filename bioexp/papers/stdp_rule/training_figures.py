"""Pictures of training: why nets fail, where they start, and what becomes of propagated Z."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bioexp.figures.bands import band
from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.figures import LINES, in_epochs, legend_above, titled
from bioexp.papers.stdp_rule.measures import (
    IRIS_PAIRS,
    MNIST_PAIRS,
    ZERO_TWO,
    of_splits,
    variant,
)
from bioexp.papers.stdp_rule.progress import recorded, track

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def instability(evidence: Evidence) -> Figure:
    """How large updates are in both forms, what Adam remembers of them, and which splits of IRIS
    train.
    """
    figure = canvas(11.5, 4.8)
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
    legend_above(figure, columns=3)
    _splits(splits, evidence)
    explain(
        figure,
        "eps = 1e-9 avoids dividing by zero; nothing on splits.",
        "as printed, updates pass through poles of the quotient, and Adam's second moment remembers"
        " them. Bands are the range over nets. Splits draw flowers anew, a net each.",
    )
    return figure


def _splits(axes: Axes, evidence: Evidence) -> None:
    """Accuracy against how many of the training flowers are of class 1, a marker a net; the pairs
    a little apart, as most have 40.
    """
    for pair, markers, aside in (("0-2", "ov", -0.15), ("1-2", "sD", 0.15)):
        for split, words, color, marker in (
            ("even", "40 of each", COLORS[0], markers[0]),
            ("random", "dealt at random", COLORS[1], markers[1]),
        ):
            nets = of_splits(evidence, split, pair)
            label = f"{pair.replace('-', ' vs ')}, {words} ({len(nets.accuracy)} nets)"
            places = np.asarray(nets.flowers) + aside
            axes.plot(places, nets.accuracy, marker, color=color, label=label, alpha=0.7)
    axes.axvline(40, ymax=0.65, color="0.6", linewidth=0.8)
    axes.tick_params(labelsize=8)
    axes.set_xlabel("training flowers of class 1, of 80", fontsize=9)
    axes.set_ylabel("test accuracy (n = 20)", fontsize=9)
    axes.set_title("IRIS, stable rule: one net a split", fontsize=9)
    axes.set_ylim(top=1.6)  # room for the legend
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    plain(axes)


def start(evidence: Evidence) -> Figure:
    """IRIS from the beginning: Z fixed, Z propagated, biases that start alike, and backprop."""
    figure = canvas(11.5, 4.8)
    for axes, pair in zip(figure.subplots(1, 3, sharey=True), IRIS_PAIRS, strict=True):
        for rule in ("stable", "propagated", "flat", "backprop"):
            line, nets = LINES[rule], variant(evidence, rule, pair)
            band(
                axes,
                [recorded(trained, "train_accuracy") for trained in nets],
                color=line.color,
                label=f"{line.label}{', Z fixed' if rule == 'stable' else ''}",
                style=line.dash,
                shade=False,
            )
        axes.axhline(0.9, color="0.5", linewidth=0.8, linestyle=":")
        in_epochs(axes, nets[0])
        axes.set_ylabel("training accuracy", fontsize=9)
        titled(axes, pair, nets, training=True)
    legend_above(figure, columns=4)
    explain(
        figure,
        "poor accuracy in the first epochs of IRIS can be attributed to the fixed Z.",
        "means over nets, whose range is all of the axis while some have begun to learn and others"
        " have not; dotted, the 0.9 to which epochs are counted.",
    )
    return figure


def associations(evidence: Evidence) -> Figure:
    """Z as the weights propagate it, over training: how many units are as at the end, and how many
    are positive; of the rule that learns by it, and of backprop, which knows no Z.
    """
    figure = canvas(9, 7)
    rows = zip(
        figure.subplots(2, 2, sharex=True, sharey=True),
        (("same", "Z as at the end"), ("positive", "Z = +1 for y = 1")),
        strict=True,
    )
    for row, (what, y) in rows:
        for axes, pairs in zip(row, (IRIS_PAIRS, MNIST_PAIRS), strict=True):
            for rule in ("propagated", "backprop"):
                nets = [net for pair in pairs for net in variant(evidence, rule, pair)]
                shares = [getattr(track(trained), what) for trained in nets]
                line = LINES[rule]
                band(axes, shares, color=line.color, label=line.label, style=line.dash)
            axes.set_ylim(-0.02, 1.04)
            axes.set_xlabel("share of training [%]", fontsize=9)
            axes.set_ylabel(f"share of hidden units with {y}", fontsize=9)
            data = "IRIS" if pairs == IRIS_PAIRS else "MNIST"
            axes.set_title(f"{data}: {len(pairs)} pairs, {len(nets)} nets", fontsize=9)
            axes.tick_params(labelsize=8)
            plain(axes)
    legend_above(figure, columns=2)
    explain(
        figure,
        "propagated through the weights, Z converges to a fixed set, about half of it positive, and"
        " flips with the label.",
        "48 hidden units a net, stable rule with propagated Z. That it flips with the label follows"
        " from its definition: Z of a layer is the sign of a linear map of the next one's. Of"
        " backprop the Z that its weights would propagate. Lines are means over nets, bands the"
        " range.",
    )
    return figure
