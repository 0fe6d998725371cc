"""Figures of the fast rule's nets, of color filters, and of nets by backprop beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bioexp.experiment import Trained
from bioexp.figures import mosaic
from bioexp.figures.canvas import COLORS, canvas, explain, named, over_seeds, plain
from bioexp.figures.robustness_curve import MARKERS
from bioexp.papers.competing_hidden_units import filters, measures, robust
from bioexp.papers.competing_hidden_units.figures import STYLES
from bioexp.papers.measuring import runs
from bioexp.papers.paper import Evidence, Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CIFAR_NETS = {
    "learned": "learned filters",
    "images": "training images",
    "backprop": "backprop",
    "noise": "random filters",
}
CIFAR_SIZES = ("1000", "2000", "4000")
NOT_COMPARABLE = "5,000 images, not comparable with CIFAR-10"


def bp_feature_maps(evidence: Evidence) -> Figure:
    """Feature maps by backprop beside those of both Hebbian rules."""
    nets = filters.filters_side_by_side(evidence, 64)
    figure = canvas(9.0, 10.4)
    for axes, (name, shown) in zip(figure.subplots(2, 2).flat, nets.items(), strict=True):
        drawn = mosaic.tiles(axes, shown.w, shown.shape, 8)
        axes.set_title(f"{name}\naccuracy {shown.accuracy:.4f}", fontsize=9)
    mosaic.scale(figure, drawn, axes)
    trained = evidence[measures.SLOW][0]
    figure.suptitle(
        f"first 64 units of each first layer, {trained.dataset.name}, seed {trained.seed} but where"
        " another is named",
        fontsize=11,
    )
    scores = ", ".join(f"{shown.likeness:.2f} ({name})" for name, shown in nets.items())
    explain(
        figure,
        "feature maps learned by backprop are a mess in which nothing can be read; those of the bio"
        " net can be read. The slides' net by backprop has an accuracy of 0.8265.",
        f"mean best correlation of a unit with a class mean of the training images: {scores}.",
    )
    return figure


def error_over_epochs(evidence: Evidence) -> Figure:
    """Training and held-out error over the epochs of the labels, by the fast rule and backprop."""
    nets = {"fast rule, its head": "unit", "backprop": "backprop"}
    figure = canvas(7.2, 5.2)
    axes = figure.add_subplot()
    ends = []
    looks = zip(nets.items(), COLORS, ("--", ":"), ("-o", "-.s"), strict=False)
    for (name, reading), color, dashed, marked in looks:
        trained = runs(evidence, measures.READINGS, reading=reading)[0]
        epochs, train, held_out = measures.errors_over_epochs(trained)
        every = max(1, len(epochs) // 12)
        axes.plot(epochs, 100 * train, dashed, color=color, label=f"{name}: training")
        axes.plot(epochs, 100 * held_out, marked, color=color, label=f"{name}: held out",
                  markevery=every, markersize=4)  # fmt: skip
        ends.append(f"{name} {train[-1]:.2%} and {held_out[-1]:.2%} (best {held_out.min():.2%})")
    for value, words in ((1.46, "slides, test 1.46 %"), (0.40, "slides, training 0.40 %")):
        axes.axhline(value, color="0.45", linestyle=":", linewidth=1)
        axes.annotate(words, (1, value), (-2, -3), xycoords=("axes fraction", "data"),
                      textcoords="offset points", ha="right", va="top", fontsize=8)  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(0.1, 12)
    axes.set_yticks([0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.1", "0.2", "0.5", "1", "2", "5", "10"])
    axes.set_xlabel("epochs on labeled images", fontsize=9)
    axes.set_ylabel("error [%]", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    plain(axes)
    figure.suptitle("error over epochs: mnist, 1,000 units, 50,000 images, seed 0", fontsize=11)
    explain(
        figure,
        "train and test error over 300 epochs, bio and backprop; the head's rate falls at 100 and"
        " 150.",
        "at the end, training and held out (n=10,000 training images, no test image):"
        f" {'; '.join(ends)}. A third of the slides' epochs and half of the units; training errors"
        " are means over an epoch, each image before its update, and cut off below 0.1 %.",
    )
    return figure


def cifar10_maps(evidence: Evidence) -> Figure:
    """Color feature maps: the learned ones whose norm is closest to 1."""
    trained = filters.of_few(evidence, "learned")
    return _maps(
        trained,
        filters.settled_filters(trained, 100),
        "100 learned units closest to unit length",
        "feature maps of CIFAR-10, continuous in color, human-level.",
        f"{NOT_COMPARABLE}. {measures.last('within_5_percent', trained):.0%} of the units are"
        " within 5 % of unit length; correlation with the next pixel"
        f" {_said(filters.neighbors('learned'), evidence)}, of two channels"
        f" {_said(filters.channels('learned'), evidence)}.",
    )


def cifar10_bp_maps(evidence: Evidence) -> Figure:
    """Color feature maps by backprop."""
    trained = filters.of_few(evidence, "backprop")
    return _maps(
        trained,
        filters.filters(trained, 100),
        "first 100 units by backprop",
        "backprop's feature maps of CIFAR-10, in which nothing can be read.",
        f"{NOT_COMPARABLE}. Correlation with the next pixel"
        f" {_said(filters.neighbors('backprop'), evidence)}, of two channels"
        f" {_said(filters.channels('backprop'), evidence)}.",
    )


def _maps(
    trained: Trained, shown: filters.Filters, title: str, paper: str, measured: str
) -> Figure:
    figure = canvas(6.6, 7.2)
    axes = figure.add_subplot()
    mosaic.tiles(axes, shown.w, shown.shape, 10)
    axes.set_title(f"{title}: {named(trained)}", fontsize=9)
    about = (
        f" {shown.units} units, test accuracy {shown.accuracy:.3f} on 1,000 images,"
        f" n={len(trained.dataset.y_train):,} training images. Units are scaled each by its own;"
        " grey is 0."
    )
    explain(figure, paper, measured + about)
    return figure


def cifar10_few(evidence: Evidence) -> Figure:
    """Test error by the number of training images, and how continuous the filters are."""
    figure = canvas(9.6, 5.0)
    left, right = figure.subplots(1, 2)
    x = [int(n) for n in CIFAR_SIZES]
    looks = zip(CIFAR_NETS.items(), COLORS, STYLES, MARKERS, strict=False)
    for number, ((net, name), color, style, marker) in enumerate(looks):
        seeds = [list(filters.few_error(net, n)(evidence).values()) for n in CIFAR_SIZES]
        middle = np.array([np.mean(values) for values in seeds])
        spread = np.array([[np.min(values), np.max(values)] for values in seeds]).T
        look = {"color": color, "marker": marker, "capsize": 3, "label": name}
        left.errorbar(x, middle, np.abs(spread - middle), linestyle=style, **look)
        for place, measure in enumerate((filters.neighbors, filters.channels)):
            values = list(measure(net)(evidence).values())
            at = place + (number - 1.5) * 0.15
            right.plot([at] * len(values), values, marker, color=color, fillstyle="none")
    left.set_xscale("log")
    left.set_xticks(x, [f"{n:,}" for n in x])
    left.minorticks_off()
    left.set_xlabel("training images", fontsize=9)
    left.set_ylabel("test error, n=1,000 images", fontsize=9)
    left.set_title("learning curves: mean and range of seeds", fontsize=9)
    right.set_xticks([0, 1], ["next pixel", "two channels"])
    right.axhline(0, color="0.5", linewidth=0.8)
    right.set_ylabel("correlation of weights", fontsize=9)
    right.set_title("continuity of the first layer, 4,000 training images: each seed", fontsize=9)
    for axes in (left, right):
        axes.tick_params(labelsize=8)
        plain(axes)
    handles, names = left.get_legend_handles_labels()
    figure.legend(handles, names, fontsize=8, frameon=False, ncols=4, loc="outside upper center")
    seeds_shown = len(filters.few_error("learned", "4000")(evidence))
    explain(
        figure,
        "on CIFAR-10 a test error of 44.95 % (as usually cited 49.25 %, backprop 44.74 %), and"
        " filters continuous in color.",
        f"{NOT_COMPARABLE}: 400 units, {seeds_shown} seeds.",
    )
    return figure


def adversarial(evidence: Evidence) -> Figure:
    """Accuracy left by the worst of all attacks, of the fast rule's net, its twins and controls."""
    shown = robust.robustness(evidence)
    figure = canvas(7.2, 5.6)
    axes = figure.add_subplot()
    looks = zip(shown.accuracies.items(), COLORS, STYLES, MARKERS, strict=False)
    for (name, left), color, style, marker in looks:
        _with_band(axes, shown.eps, np.array([each[:3] for each in left]).T, name,
                   {"color": color, "linestyle": style, "marker": marker})  # fmt: skip
    axes.axhline(shown.chance, color="0.45", linestyle=":", linewidth=1)
    axes.annotate("chance", (1, shown.chance), (-2, 3), xycoords=("axes fraction", "data"),
                  textcoords="offset points", ha="right", fontsize=8)  # fmt: skip
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks(shown.eps, [f"{eps:.3g}" for eps in shown.eps])
    axes.set_xlabel("eps: largest change of a pixel (pixels are in [0, 1])", fontsize=9)
    axes.set_ylabel("accuracy left by the worst attack", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    plain(axes)
    trained = evidence[measures.FAST][0]
    figure.suptitle(f"worst of noise, FGSM, PGD and transfer: {trained.dataset.name}", fontsize=11)
    over = dict.fromkeys(level.over for left in shown.accuracies.values() for level in left)
    explain(
        figure,
        "open question: could biological networks be used as a defense?",
        f"n={shown.n:,} test images attacked, at eps 0 all {len(trained.dataset.y_test):,}; bands:"
        f" 95 %, {' and '.join(over)}.",
    )
    return figure


def _with_band(
    axes: Axes, x: tuple[float, ...], levels: np.ndarray, name: str, look: dict[str, Any]
) -> None:
    value, low, high = levels
    axes.plot(x, value, label=name, markersize=5, linewidth=1.4, **look)
    axes.fill_between(x, low, high, color=look["color"], alpha=0.12, linewidth=0)


def _said(measure: Measure, evidence: Evidence) -> str:
    return over_seeds(list(measure(evidence).values()))
