"""Accuracy against the size of the disturbance, one line per attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from bioexp.attacks.eps import MOST_LISTED, labels
from bioexp.figures.canvas import COLORS, canvas, plain
from bioexp.measures.interval import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "o^sDvP*X"
MOST_MARKERS = 20  # on a line
APART = 0.035  # of the axis, between two labels that can be read


def robustness_curve(
    eps: Sequence[float],
    accuracies: Mapping[str, Sequence[Interval]],
    *,
    clean: Interval,
    chance: float,
    norm: str,
    title: str,
    caption: str,
) -> Figure:
    """Accuracy under each attack at each eps with its 95 % band; clean accuracy and chance as
    lines.

    eps is drawn on a logarithmic axis when it spans more than a factor of 5. Where eps are many,
    not all have a marker, an error bar or a label. The line named "worst case" is drawn thick and
    black, as it is the claim. The caption should give n and say what the bands are over.
    """
    order = [int(i) for i in np.argsort(eps)]
    figure = canvas(6.4, 4.2)
    axes = figure.add_subplot()
    x = [eps[i] for i in order]
    for number, (name, intervals) in enumerate(accuracies.items()):
        worst = name == "worst case"
        color = COLORS[-1] if worst else COLORS[number % (len(COLORS) - 1)]
        value, low, high = np.array([intervals[i][:3] for i in order]).T
        style = (
            {"linewidth": 3.2, "zorder": 2}
            if worst
            else {
                "linewidth": 1.3,
                "marker": MARKERS[number % len(MARKERS)],
                "markersize": 5,
                "markevery": -(-len(x) // MOST_MARKERS),
                "zorder": 3,
            }
        )
        axes.plot(x, value, color=color, label=name, **style)
        if len(x) <= MOST_MARKERS:
            axes.errorbar(
                x,
                value,
                [np.maximum(value - low, 0), np.maximum(high - value, 0)],
                fmt="none",
                ecolor=color,
                elinewidth=1,
                capsize=2,
            )
        axes.fill_between(x, low, high, color=color, alpha=0.12, linewidth=0)
    axes.axhline(clean.value, color="0.35", linestyle="--", linewidth=1)
    axes.axhspan(clean.low, clean.high, color="0.35", alpha=0.12, linewidth=0)
    axes.axhline(chance, color="0.35", linestyle=":", linewidth=1)
    for height, text, place in (
        (clean.value, f"clean {clean.value:.1%}", "bottom"),
        (chance, f"chance {chance:.0%}", "bottom"),
    ):
        axes.annotate(
            text,
            (1, height),
            (-3, 2),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va=place,
            fontsize=8,
            color="0.25",
        )
    _scale(axes, x)
    axes.set_xlabel(
        "eps: largest change"
        f" {'of a pixel' if norm == 'linf' else 'of the image, Euclidean length'} (pixels are in"
        f" [0, 1])\n{caption}",
        fontsize=9,
    )
    axes.set_ylabel("accuracy", fontsize=9)
    axes.set_title(title, fontsize=11)
    plain(axes)
    axes.legend(fontsize=8, frameon=False, loc="best")
    return figure


def _scale(axes: Axes, x: Sequence[float]) -> None:
    """Accuracy from 0 to 100 %; eps as the user wrote them, of many those that have room."""
    from matplotlib.ticker import NullLocator, PercentFormatter

    axes.set_ylim(-0.02, 1.06)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    place = np.asarray(x)
    if x[0] > 0 and x[-1] > 5 * x[0]:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        place = np.log(place)
    groups = _together((place - place[0]) / max(place[-1] - place[0], np.finfo(float).tiny))
    ticks = [group[0] for group in groups[:-1]] + [len(x) - 1]
    called = list(labels(x).values())
    shown = [called[tick] for tick in ticks]
    if len(x) <= MOST_LISTED:
        ends = [(called[group[0]], called[group[-1]], len(group)) for group in groups]
        shown = [
            first if n == 1 else f"{first}{', ' if n == 2 else ' … '}{last}"
            for first, last, n in ends
        ]
    axes.set_xticks([x[i] for i in ticks], shown, fontsize=8, rotation=45 if len(ticks) > 5 else 0)


def _together(place: Float[np.ndarray, "n"]) -> list[list[int]]:
    """Ascending places from 0 to 1 that are too close for labels of their own, together."""
    groups = [[0]]
    for i in range(1, len(place)):
        if place[i] - place[groups[-1][0]] < APART:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups
