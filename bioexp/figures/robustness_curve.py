"""Accuracy against the size of the disturbance, one line per attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bioexp.attacks.eps import show_eps
from bioexp.figures.canvas import COLORS, canvas, plain
from bioexp.measures.interval import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "o^sDvP*X"


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

    eps is drawn on a logarithmic axis when it spans more than a factor of 5. The line named "worst
    case" is drawn thick and black, as it is the claim. The caption should give n and say what the
    bands are over.
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
                "zorder": 3,
            }
        )
        axes.plot(x, value, color=color, label=name, **style)
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
    """Accuracy from 0 to 100 %; one tick for every eps, as the user wrote it."""
    from matplotlib.ticker import NullLocator, PercentFormatter

    axes.set_ylim(-0.02, 1.06)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    if x[0] > 0 and x[-1] > 5 * x[0]:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    labels = [show_eps(value) for value in x]
    for i in range(1, len(x)):
        if (
            x[i] / x[i - 1]
            if axes.get_xscale() == "log"
            else 1 + (x[i] - x[i - 1]) / (x[-1] - x[0])
        ) < 1.07:  # too close for two labels
            labels[i - 1], labels[i] = "", f"{labels[i - 1]}, {labels[i]}".removeprefix(", ")
    axes.set_xticks(x, labels, fontsize=8, rotation=45 if len(x) > 5 else 0)
