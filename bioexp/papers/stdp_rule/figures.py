"""The figures of the paper drawn again from finished runs.

Curves and points are means over nets, bands their range; of IRIS each seed trains on two even
splits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from bioexp.experiment import Trained
from bioexp.figures.bands import band
from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.papers.measuring import accuracy
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.curve import timing
from bioexp.papers.stdp_rule.measures import (
    EIGHT,
    EPS,
    IRIS_PAIRS,
    MNIST_PAIRS,
    ZERO_TWO,
    Number,
    Pair,
    mean_of,
    variant,
)
from bioexp.papers.stdp_rule.progress import Units, curves, per_epoch, units
from bioexp.papers.stdp_rule.survival import against_eps, under
from bioexp.papers.stdp_rule.twins import stopped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Line(NamedTuple):
    """How a rule is drawn everywhere."""

    color: str
    label: str
    dash: str
    marker: str


LINES: Mapping[str, Line] = {
    "stable": Line(COLORS[0], "STDP, eps 0.1 (stable)", "-", "o"),
    "printed": Line(COLORS[1], "STDP, eps 1e-9 (as printed)", "--", "v"),
    "backprop": Line(COLORS[6], "backprop", ".-", "s"),
    "propagated": Line(COLORS[2], "STDP stable, Z propagated", "--", "D"),
    "flat": Line(COLORS[3], "STDP eps 0.1, biases start at 0", "-.", "^"),
    "product": Line(COLORS[4], "eq. 4, x p (x - p)", ":", "P"),
    "decayed": Line(COLORS[5], "backprop, weight decay", "-.", "X"),
    "stopped": Line(COLORS[2], "backprop, stopped at the stable rule's accuracy", "--", "D"),
}
WANTED = {1: COLORS[0], -1: COLORS[1]}
SHAPES, DASHES = {1: "o", -1: "s"}, {1: "-", -1: "--"}
PICKED = {"stopped": stopped("stable")}  # nets that no rule's name names
SHOWN = ("stable", "printed", "backprop")


def fig1(evidence: Evidence) -> Figure:
    """A trained net with every unit in the color of its association, for both labels."""
    trained = variant(evidence, "stable", ZERO_TWO)[0]
    net = units(trained)
    figure = canvas(9, 6.4)
    for axes, label in zip(figure.subplots(1, 2), (1, 0), strict=True):
        _net(axes, net, label)
        axes.set_title(
            f"an image of class y = {label} (digit {ZERO_TWO.classes[label]}), n ="
            f" {net.images[label]:,}",
            fontsize=10,
        )
        names = [f"hidden {number}: {len(z[0])}" for number, z in enumerate(net.z[:-1], 1)]
        axes.set_xticks(range(len(net.z)), [*names, "output"], fontsize=9)
        axes.set_yticks([])
        axes.set_ylim(-0.05, 1.18)
        axes.spines[:].set_visible(False)
    legend_above(figure, columns=4)
    explain(
        figure,
        "fixed associations Z of a binary net; all change sign with the label.",
        f"{trained.dataset.name} 0 vs 2, stable rule, seed {trained.seed}. The area of a unit grows"
        " with its mean rate on test images of the class; lines are the largest fifth of the"
        " weights.",
    )
    return figure


def _net(axes: Axes, net: Units, label: int) -> None:
    """Units in a column for each layer, and between them the largest weights."""
    places = [np.linspace(0, 1, z.shape[1]) if z.shape[1] > 1 else np.array([0.5]) for z in net.z]
    for number, w in enumerate(net.weights[1:], 1):
        for j, i in zip(*np.nonzero(np.abs(w) >= np.quantile(np.abs(w), 0.8)), strict=True):
            axes.plot(
                (number - 1, number),
                (places[number - 1][i], places[number][j]),
                DASHES[int(np.sign(w[j, i]))],
                color=WANTED[int(np.sign(w[j, i]))],
                alpha=0.3,
                linewidth=0.8,
                zorder=1,
            )
    for sign, words in ((1, "+1"), (-1, "-1")):
        axes.scatter([], [], c=WANTED[sign], marker=SHAPES[sign], label=f"Z = {words}")
        above = "above" if sign > 0 else "below"
        axes.plot([], [], DASHES[sign], color=WANTED[sign], label=f"weight {above} 0")
    for number, (z, rates) in enumerate(zip(net.z, net.rates, strict=True)):
        for sign in (1, -1):
            own = z[label] == sign
            axes.scatter(
                np.full(own.sum(), number),
                places[number][own],
                s=20 + 180 * rates[label][own],
                c=WANTED[sign],
                marker=SHAPES[sign],
                edgecolors="black",
                linewidths=0.5,
                zorder=2,
            )
        wanted = int((z[label] > 0).sum())
        words = f"{wanted} of +1\n{z.shape[1] - wanted} of -1"
        axes.text(number, 1.06, words, ha="center", fontsize=9)


def fig2(evidence: Evidence) -> Figure:
    """Accuracy over epochs on training and, below it, on test examples, eight pairs."""
    figure = canvas(11.5, 12)
    grid = figure.subplots(4, 4)
    for number, pair in enumerate(EIGHT):
        row, column = divmod(number, 4)
        train, test = grid[2 * row][column], grid[2 * row + 1][column]
        for rule in SHOWN:
            line, nets = LINES[rule], variant(evidence, rule, pair)
            of_nets = [curves(trained) for trained in nets]
            for axes, seeds in (
                (train, [own.train for own in of_nets]),
                (test, [own.test for own in of_nets]),
            ):
                band(axes, seeds, color=line.color, label=line.label, style=line.dash)
        for axes, which in ((train, "training"), (test, "test")):
            in_epochs(axes, nets[0])
            axes.set_ylabel(f"{which} accuracy", fontsize=9)
            titled(axes, pair, nets, training=which == "training")
    legend_above(figure, columns=3)
    explain(
        figure,
        "STDP learns all eight pairs, not equivalent to backprop but comparable (curves only; it"
        " prints no numbers).",
        f"test accuracy at the end, pairs in order: {_ends(evidence)}. Lines are means over nets,"
        " bands the range.",
    )
    return figure


def fig3(evidence: Evidence) -> Figure:
    """Accuracy under FGSM at the paper's three eps, eight pairs, beside a twin of equal
    accuracy.
    """
    figure = canvas(11.5, 7)
    for axes, pair in zip(figure.subplots(2, 4).flat, EIGHT, strict=True):
        for rule in (*SHOWN, "stopped", *(() if pair in IRIS_PAIRS else ("decayed",))):
            nets = variant(evidence, PICKED.get(rule, rule), pair)
            along_eps(axes, against_eps(nets, "fgsm", EPS), EPS, rule)
        if pair in MNIST_PAIRS:
            printed = LINES["printed"].color
            drawn = [line.get_ydata() for line in axes.lines if line.get_color() != printed]
            axes.set_ylim(np.min(drawn) - 0.02, 1.005)
        axes.set_ylabel("accuracy under FGSM", fontsize=9)
        titled(axes, pair, nets)
    legend_above(figure, columns=3, axes=-1)
    explain(
        figure,
        "in most cases STDP keeps more accuracy than backprop under FGSM at 4/255, 8/255 and"
        " 12/255.",
        f"at 12/255, pairs in order: {_ends(evidence, under('fgsm', EPS[-1]))}. Along the true"
        " gradient, all test examples. Means over nets, bands the range; as printed lies below the"
        " panel where it is not seen.",
    )
    return figure


def fig4(evidence: Evidence) -> Figure:
    """Equations 5 and 6 against dT."""
    found = timing(2.0, np.linspace(-3.5, 3.5, 1401))
    figure = canvas(7.2, 5.2)
    axes = figure.add_subplot()
    axes.plot(found.dt, found.eq5, ":", color=COLORS[6], linewidth=2, label="eq. 5")
    axes.plot(found.dt, found.eq6, "-", color=COLORS[0], linewidth=1.8, label="eq. 6, the rule")
    axes.axvspan(
        -3.5,
        1 - found.t_pre,
        color="0.5",
        alpha=0.15,
        linewidth=0,
        label="no rate of at most 1 gets here",
    )
    axes.axvline(
        found.t_pre,
        color=COLORS[1],
        linewidth=0.8,
        linestyle="--",
        label="dT = T_pre: x = 2p, where eq. 6 is singular",
    )
    axes.set_ylim(-2, 2)
    axes.set_xlabel("dT = T_post - T_pre, T_pre = 2 [1 / largest rate]", fontsize=9)
    axes.set_ylabel("dW, up to a factor", fontsize=9)
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    plain(axes)
    explain(
        figure,
        "eq. 5 dotted, eq. 6 solid; the peak at positive dT should be the higher one, as in"
        " biological neurons.",
        "the equations themselves, no training. Both peaks are poles; each equation has one.",
    )
    return figure


def titled(axes: Axes, pair: Pair, nets: Sequence[Trained], *, training: bool = False) -> None:
    """Which pair, how many nets, and what n is."""
    data = nets[0].dataset
    n = f"{len(data.y_train):,} training" if training else f"{len(data.y_test):,} test"
    axes.set_title(f"{pair.title}: {len(nets)} nets\nn = {n}", fontsize=9)
    axes.tick_params(labelsize=8)
    plain(axes)


def in_epochs(axes: Axes, trained: Trained) -> None:
    """Ticks in epochs on an axis of steps."""
    steps = per_epoch(trained)
    last = round(trained.run.summary.steps / steps)
    ticks = np.unique(np.linspace(0, last, 5).round().astype(int))
    axes.set_xticks(ticks * steps, [str(tick) for tick in ticks])
    axes.set_xlabel("epochs", fontsize=9)


def along_eps(
    axes: Axes,
    accuracies: Float[np.ndarray, "nets eps"],
    eps: Sequence[float],
    rule: str,
    style: str = "-",
) -> None:
    """Mean over nets, clean and at every eps; solid lines have a label and a band."""
    x, line = [0, *(255 * size for size in eps)], LINES[rule]
    solid = style == "-"
    axes.plot(
        x,
        accuracies.mean(axis=0),
        style,
        color=line.color,
        label=line.label if solid else None,
        marker=line.marker,
        markersize=5,
    )
    if solid:
        low, high = accuracies.min(axis=0), accuracies.max(axis=0)
        axes.fill_between(x, low, high, color=line.color, alpha=0.18, linewidth=0)
    axes.set_xlabel("eps, L∞ [1/255]", fontsize=9)


def legend_above(figure: Figure, *, columns: int, axes: int = 0) -> None:
    """The legend of one panel, for all of them."""
    handles = figure.axes[axes].get_legend_handles_labels()
    figure.legend(*handles, fontsize=9, frameon=False, ncols=columns, loc="outside upper center")


def _ends(evidence: Evidence, measure: Number = accuracy) -> str:
    """Of each rule shown, a measure on the eight pairs."""
    return "; ".join(
        f"{rule} {', '.join(f'{end:.3f}' for end in mean_of(evidence, rule, EIGHT, measure))}"
        for rule in SHOWN
    )
