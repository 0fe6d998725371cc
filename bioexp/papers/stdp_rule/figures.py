"""The figures of the paper drawn again from finished runs, and those of what lies beyond it.

Curves and points are means over seeds, bands their range; of IRIS each seed runs on two random
balanced splits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bioexp.experiment import Trained
from bioexp.figures.bands import band
from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.measures.alignment import rule_of
from bioexp.measures.interval import accuracy as interval
from bioexp.papers.measuring import accuracy, runs
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.measures import (
    BACKPROP,
    CODES,
    EIGHT,
    EPS,
    FAR,
    IRIS_PAIRS,
    MANY,
    MNIST_PAIRS,
    SPLITS,
    STDP,
    Pair,
    all_pairs,
    curves,
    per_epoch,
    recorded,
    settled,
    signs,
    survived,
    under,
    variant,
)
from bioexp.papers.stdp_rule.model import eq5, eq6, stdp
from bioexp.training import as_float

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES: Mapping[str, tuple[str, str]] = {  # variant -> color, label
    "stable": (COLORS[0], "STDP, eps 0.1 (stable)"),
    "printed": (COLORS[1], "STDP, eps 1e-9 (as printed)"),
    "backprop": (COLORS[6], "backprop"),
    "propagated": (COLORS[2], "STDP stable, Z propagated"),
    "flat": (COLORS[3], "STDP eps 0.1, biases start at 0"),
    "product": (COLORS[4], "eq. 4, x p (x - p)"),
    "decayed": (COLORS[5], "backprop, weight decay"),
}
WANTED = {1: COLORS[0], -1: COLORS[1]}


def titled(axes: Axes, pair: Pair, found: Sequence[Trained], *, training: bool = False) -> None:
    """Which pair, and what n is."""
    name, data = "IRIS" if pair in IRIS_PAIRS else "MNIST", found[0].dataset
    n = f"{len(data.y_train):,} training" if training else f"{len(data.y_test):,} test"
    axes.set_title(f"{name} {pair[1][0]} vs {pair[1][1]}: {len(found)} nets, n = {n}", fontsize=9)
    axes.tick_params(labelsize=8)
    plain(axes)


def fig1(evidence: Evidence) -> Figure:
    """A trained net with every unit in the color of its association, for both labels."""
    one = variant(evidence, "stable", MNIST_PAIRS[1])[0]
    z = {number: np.asarray(of) for number, of in rule_of(one, {"stdp": stdp})[2].z.items()}
    figure = canvas(9.6, 6.2)
    for axes, label in zip(figure.subplots(1, 2), (1, 0), strict=True):
        images = one.dataset.x_test[one.dataset.y_test == label]
        layers = one.model.apply(one.params, as_float(jnp.asarray(images)))[1]
        places = [
            np.linspace(0, 1, len(of[label])) if len(of[label]) > 1 else np.array([0.5])
            for of in z.values()
        ]
        for number in range(1, len(z)):
            w = np.asarray(one.params["layers"][str(number)]["w"])
            for j, i in zip(*np.nonzero(np.abs(w) >= np.quantile(np.abs(w), 0.8)), strict=True):
                color = WANTED[1 if w[j, i] > 0 else -1]
                axes.plot(
                    (number - 1, number),
                    (places[number - 1][i], places[number][j]),
                    color=color,
                    alpha=0.25,
                    linewidth=0.7,
                    zorder=1,
                )
        for number, (of, layer) in enumerate(zip(z.values(), layers, strict=True)):
            rate = 1 / (1 + np.exp(-np.asarray(layer.u, np.float64).mean(axis=0)))
            colors = [WANTED[int(sign)] for sign in of[label]]
            axes.scatter(
                np.full(len(rate), number),
                places[number],
                s=20 + 180 * rate,
                c=colors,
                edgecolors="black",
                linewidths=0.5,
                zorder=2,
            )
            axes.text(
                number,
                1.06,
                f"{int((of[label] > 0).sum())} of +1\n{int((of[label] < 0).sum())} of -1",
                ha="center",
                fontsize=8,
            )
        axes.set_title(
            f"an image of class y = {label} (digit {MNIST_PAIRS[1][1][label]}), n ="
            f" {len(images):,}",
            fontsize=10,
        )
        axes.set_xticks(range(3), ["hidden 1: 32", "hidden 2: 16", "output"], fontsize=8)
        axes.set_yticks([])
        axes.set_ylim(-0.05, 1.18)
        axes.spines[:].set_visible(False)
    explain(
        figure,
        "fixed associations Z of a binary net; all change sign with the label.",
        f"{one.dataset.name} 0 vs 2, stable rule, seed {one.run.seed}. Blue: Z = +1, orange: Z ="
        " -1; the area of a unit grows with its mean rate on test images of the class; lines are"
        " the largest fifth of the weights, blue above 0.",
    )
    return figure


def fig2(evidence: Evidence) -> Figure:
    """Accuracy over epochs on training and test examples, eight pairs."""
    figure = canvas(15, 7.4)
    for axes, pair in zip(figure.subplots(2, 4).flat, EIGHT, strict=True):
        for name in ("stable", "printed", "backprop"):
            found = variant(evidence, name, pair)
            both = [curves(one) for one in found]
            band(
                axes,
                [test for _, test in both],
                color=LINES[name][0],
                label=f"{LINES[name][1]}, test",
            )
            band(
                axes,
                [train for train, _ in both],
                color=LINES[name][0],
                label="the same, train",
                style=":",
                shade=False,
            )
        _epochs(axes, found[0])
        axes.set_ylabel("accuracy", fontsize=9)
        titled(axes, pair, found)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        fontsize=9,
        frameon=False,
        ncols=3,
        loc="outside upper center",
    )
    ends = "; ".join(
        f"{name} {', '.join(f'{_mean(variant(evidence, name, pair)):.3f}' for pair in EIGHT)}"
        for name in ("stable", "printed", "backprop")
    )
    explain(
        figure,
        "STDP learns all eight pairs, not equivalent to backprop but comparable (curves only; it"
        " prints no numbers).",
        f"test accuracy at the end, pairs in order: {ends}. Lines are means over nets, bands the"
        " range.",
    )
    return figure


def fig3(evidence: Evidence) -> Figure:
    """Accuracy under FGSM at the paper's three eps, eight pairs."""
    figure = canvas(15, 7.4)
    for axes, pair in zip(figure.subplots(2, 4).flat, EIGHT, strict=True):
        for name in (
            "stable",
            "printed",
            "backprop",
            *(() if pair in IRIS_PAIRS else ("decayed",)),
        ):
            found = variant(evidence, name, pair)
            _against_eps(axes, [survived(one) for one in found], found, EPS, name)
        if pair in MNIST_PAIRS:
            drawn = [
                line.get_ydata() for line in axes.lines if line.get_color() != LINES["printed"][0]
            ]
            axes.set_ylim(np.min(drawn) - 0.02, 1.005)
        axes.set_ylabel("accuracy under FGSM", fontsize=9)
        titled(axes, pair, found)
    figure.legend(
        *figure.axes[-1].get_legend_handles_labels(),
        fontsize=9,
        frameon=False,
        ncols=4,
        loc="outside upper center",
    )
    at_last = under("fgsm", EPS[-1])
    ends = "; ".join(
        f"{name}"
        f" {', '.join(f'{_mean(variant(evidence, name, pair), at_last):.3f}' for pair in EIGHT)}"
        for name in ("stable", "printed", "backprop")
    )
    explain(
        figure,
        "in most cases STDP keeps more accuracy than backprop under FGSM at 4/255, 8/255 and"
        " 12/255.",
        f"at 12/255, pairs in order: {ends}. Along the true gradient, all test examples. Means "
        "over nets, bands the range; as printed lies below the panel where it is not seen.",
    )
    return figure


def fig4(evidence: Evidence) -> Figure:
    """Equations 5 and 6 against dT."""
    t_pre, dt = 2.0, np.linspace(-3.5, 3.5, 1401)
    figure = canvas(7.2, 5.2)
    axes = figure.add_subplot()
    with np.errstate(divide="ignore"):
        axes.plot(dt, eq5(t_pre, dt), ":", color=COLORS[6], linewidth=2, label="eq. 5")
        axes.plot(dt, eq6(t_pre, dt), "-", color=COLORS[0], linewidth=1.8, label="eq. 6, the rule")
    axes.axvspan(
        -3.5,
        1 - t_pre,
        color="0.5",
        alpha=0.15,
        linewidth=0,
        label="no rate of at most 1 gets here",
    )
    axes.axvline(
        t_pre,
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


def instability(evidence: Evidence) -> Figure:
    """How large updates are in both forms, what Adam remembers of them, and which splits of IRIS
    train.
    """
    figure = canvas(14, 4.6)
    updates, moments, splits = figure.subplots(1, 3)
    for name in ("stable", "printed", "product"):
        found = variant(evidence, name, MNIST_PAIRS[1])
        band(
            updates,
            [recorded(one, "peak_update") for one in found],
            color=LINES[name][0],
            label=LINES[name][1],
        )
        band(
            moments,
            [recorded(one, "second_moment") for one in found],
            color=LINES[name][0],
            label=LINES[name][1],
        )
    for axes, y in (
        (updates, "largest |dW| since the last record"),
        (moments, "largest second moment Adam has of a weight"),
    ):
        axes.set_yscale("log")
        axes.set_xlabel("minibatches of 100", fontsize=9)
        axes.set_ylabel(y, fontsize=9)
        titled(axes, MNIST_PAIRS[1], found, training=True)
    updates.legend(fontsize=8, frameon=False)
    for classes, marker in (([0, 2], "o"), ([1, 2], "s")):
        for even, color in ((True, COLORS[0]), (False, COLORS[1])):
            found = runs(evidence, SPLITS, {"dataset.balanced": even, "dataset.classes": classes})
            counts = [int((one.dataset.y_train == 1).sum()) for one in found]
            label = (
                f"{classes[0]} vs {classes[1]}, {'40 of each' if even else 'dealt at random'}"
                f" ({len(found)} nets)"
            )
            splits.plot(
                counts,
                [accuracy(one) for one in found],
                marker,
                color=color,
                label=label,
                alpha=0.7,
            )
    splits.axvline(40, color="0.6", linewidth=0.8)
    splits.set_xlabel("training flowers of class 1, of 80", fontsize=9)
    splits.set_ylabel("test accuracy (n = 20)", fontsize=9)
    splits.set_title("IRIS, stable rule: one net a split", fontsize=9)
    splits.legend(fontsize=8, frameon=False)
    plain(splits)
    explain(
        figure,
        "eps = 1e-9 avoids dividing by zero; nothing on splits.",
        "as printed, updates pass through poles of the quotient, and Adam's second moment remembers"
        " them. Splits with more of class 1 are those that may fail.",
    )
    return figure


def start(evidence: Evidence) -> Figure:
    """IRIS from the beginning: Z fixed, Z propagated, biases that start alike, and backprop."""
    figure = canvas(13, 4.6)
    for axes, pair in zip(figure.subplots(1, 3, sharey=True), IRIS_PAIRS, strict=True):
        for name in ("stable", "propagated", "flat", "product", "backprop"):
            found = variant(evidence, name, pair)
            label = f"{LINES[name][1]}{', Z fixed' if name == 'stable' else ''}"
            band(
                axes,
                [recorded(one, "train_accuracy") for one in found],
                color=LINES[name][0],
                label=label,
                shade=name in ("stable", "propagated"),
            )
        _epochs(axes, found[0])
        axes.set_ylabel("training accuracy", fontsize=9)
        titled(axes, pair, found, training=True)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        fontsize=9,
        frameon=False,
        ncols=3,
        loc="outside upper center",
    )
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
    for color, pair in zip(COLORS, (MNIST_PAIRS[1], *IRIS_PAIRS), strict=False):
        found = variant(evidence, "propagated", pair)
        label = (
            f"{'IRIS' if pair in IRIS_PAIRS else 'MNIST'} {pair[1][0]} vs {pair[1][1]}"
            f" ({len(found)} nets)"
        )
        tracks = [signs(one) for one in found]
        shares = [
            {100 * step // max(z): (of[1] == z[max(z)][1]).mean() for step, of in z.items()}
            for z in tracks
        ]
        positives = [
            {100 * step // max(z): (of[1] > 0).mean() for step, of in z.items()} for z in tracks
        ]
        band(
            same,
            shares,
            color=color,
            label=f"{label}: {np.mean([settled(one) for one in found]):.2f} settled",
        )
        band(above, positives, color=color, label=label)
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
        for name in ("stable", "backprop", "decayed"):
            found = variant(evidence, name, pair)
            _against_eps(axes, [survived(one, "fgsm", eps) for one in found], found, eps, name)
            _against_eps(
                axes,
                [survived(one, "pgd", eps) for one in found[:2]],
                found[:2],
                eps,
                name,
                style="--",
            )
        axes.set_ylabel("accuracy under attack", fontsize=9)
        titled(axes, pair, found)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        fontsize=9,
        frameon=False,
        ncols=3,
        loc="outside upper center",
    )
    explain(
        figure,
        "only FGSM, and only up to 12/255.",
        "solid FGSM (5 nets), dashed PGD of 20 steps (2 nets), true gradient, all test images."
        " Where PGD is far below FGSM, FGSM flatters the net.",
    )
    return figure


def heat_maps(evidence: Evidence) -> Figure:
    """STDP less backprop on all 45 pairs of digits, clean and under FGSM at 12/255, and on three
    pairs of IRIS.
    """
    figure = canvas(13, 6.4)
    seeds = len({one.run.seed for one in evidence["stdp_pairs"]})
    rows: Sequence[tuple[str, Callable[[Trained], float]]] = (
        ("clean", accuracy),
        ("FGSM 12/255", under("fgsm", EPS[-1])),
    )
    said = []
    for axes, (name, measure) in zip(figure.subplots(1, 2), rows, strict=True):
        found = all_pairs(evidence, measure)
        grid = np.full((10, 10), np.nan)
        limit = 100 * max(abs(value) for value in found.values())
        for (a, b), value in found.items():
            grid[a, b] = 100 * value
            color = "white" if abs(grid[a, b]) > 0.6 * limit else "black"
            axes.text(b, a, f"{grid[a, b]:.1f}", ha="center", va="center", fontsize=7, color=color)
        drawn = axes.imshow(grid, cmap="RdBu", vmin=-limit, vmax=limit)
        axes.set_xticks(range(10))
        axes.set_yticks(range(10))
        axes.set_xlabel("digit, y = 1", fontsize=9)
        axes.set_ylabel("digit, y = 0", fontsize=9)
        axes.set_title(f"{name}: STDP less backprop", fontsize=10)
        figure.colorbar(drawn, ax=axes, fraction=0.045, pad=0.02).set_label(
            "points of accuracy", fontsize=8
        )
        iris = [
            100
            * (
                _mean(variant(evidence, "stable", pair), measure)
                - _mean(variant(evidence, "backprop", pair), measure)
            )
            for pair in IRIS_PAIRS
        ]
        values, listed = (
            np.asarray(list(found.values())),
            ", ".join(f"{value:.1f}" for value in iris),
        )
        said.append(
            f"{name}: mean {100 * values.mean():.2f} points, ahead on {(values > 0).sum()} of 45;"
            f" IRIS 0v1, 0v2, 1v2: {listed}"
        )
    explain(
        figure,
        "other binary pairs were similar to the eight it shows.",
        f"{'; '.join(said)}. Stable rule, {seeds} seed{'s' * (seeds > 1)} a pair of digits, about"
        " 2,000 test images each.",
    )
    return figure


def many_classes(evidence: Evidence) -> Figure:
    """Ten classes at depth 0 to 4: STDP and backprop on MNIST and Fashion-MNIST, with other
    associations beside.
    """
    figure = canvas(11, 5)
    said = []
    for axes, data in zip(
        figure.subplots(1, 2, sharey=True), ("mnist", "fashion_mnist"), strict=True
    ):
        for name, rule, color in (
            ("STDP, one class a unit", STDP, COLORS[0]),
            ("backprop", BACKPROP, COLORS[6]),
        ):
            found = runs(evidence, MANY, {**rule, "dataset.name": data})
            by_depth = {
                depth: [one for one in found if len(one.run.config["model"]["hidden"]) == depth]
                for depth in range(5)
            }
            ends = [
                interval([accuracy(one) for one in of], len(of[0].dataset.y_test))
                for of in by_depth.values()
            ]
            axes.plot(list(by_depth), [end.value for end in ends], "o-", color=color, label=name)
            axes.fill_between(
                list(by_depth),
                [end.low for end in ends],
                [end.high for end in ends],
                color=color,
                alpha=0.2,
                linewidth=0,
            )
            said.append(f"{data} {name} {', '.join(f'{end.value:.3f}' for end in ends)}")
        for label, where, marker in (
            (
                "STDP, random half of the classes a unit",
                {"stages.0.rule.associations": "codes"},
                "s",
            ),
            ("STDP, -1 for every other class", {"stages.0.rule.others": 1.0}, "v"),
        ):
            other = runs(evidence, CODES, {**where, "dataset.name": data})
            axes.plot(
                [2] * len(other),
                [accuracy(one) for one in other],
                marker,
                color=COLORS[1],
                label=label,
            )
        axes.axhline(0.1, color="0.5", linestyle=":", linewidth=1, label="chance")
        axes.set_xticks(
            range(5), ["0", "1: 60", "2: 60-40", "3: 60-40-40", "4: 60-40-40-40"], fontsize=8
        )
        axes.set_xlabel("hidden layers", fontsize=9)
        axes.set_ylabel("test accuracy, n = 10,000", fontsize=9)
        axes.set_ylim(0, 1)
        axes.set_title(
            f"{data}, 10,000 training images, {len(found) // 5} seed{'s' * (len(found) > 5)}",
            fontsize=10,
        )
        plain(axes)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(),
        fontsize=8,
        frameon=False,
        ncols=5,
        loc="outside upper center",
    )
    explain(
        figure,
        "stresses two classes only; a method that learns two could be used for many.",
        f"depth 0 to 4: {'; '.join(said)}. Bands are 95 % intervals, over images where there is one"
        " seed, over seeds else.",
    )
    return figure


def _epochs(axes: Axes, one: Trained) -> None:
    """Ticks in epochs on an axis of steps."""
    each = per_epoch(one)
    last = round(int(one.run.summary["steps"]) / each)
    ticks = np.unique(np.linspace(0, last, 5).round().astype(int))
    axes.set_xticks(ticks * each, [str(tick) for tick in ticks])
    axes.set_xlabel("epochs", fontsize=9)


def _against_eps(
    axes: Axes,
    left: Sequence[Float[np.ndarray, "eps"]],
    found: Sequence[Trained],
    eps: Sequence[float],
    name: str,
    style: str = "-",
) -> None:
    values = np.asarray([[accuracy(one), *of] for one, of in zip(found, left, strict=True)])
    x = [0, *(255 * some for some in eps)]
    color, label = LINES[name]
    axes.plot(
        x,
        values.mean(axis=0),
        style,
        color=color,
        label=label if style == "-" else None,
        marker="o",
        markersize=3,
    )
    if style == "-":
        axes.fill_between(
            x, values.min(axis=0), values.max(axis=0), color=color, alpha=0.18, linewidth=0
        )
    axes.set_xlabel("eps, L∞ [1/255]", fontsize=9)


def _mean(found: Sequence[Trained], measure: Callable[[Trained], float] = accuracy) -> float:
    return float(np.mean([measure(one) for one in found]))
