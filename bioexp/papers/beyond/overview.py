"""Every claim beside what would explain it away."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from math import ceil, isfinite
from typing import TYPE_CHECKING

from bioexp.figures.canvas import COLORS, NothingDrawn, canvas
from bioexp.papers.paper import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
ACCEPTED = "#DDE9E0"


def controls(outcomes: Sequence[Outcome]) -> Figure:
    """Each claim on an axis of its own: its measure, what would be accepted, and its null; where it
    has none, its first control. Raises NothingDrawn where nothing was judged.
    """
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if not outcomes:
        raise NothingDrawn("no claim was measured yet")
    rows = ceil(len(outcomes) / COLUMNS)
    figure = canvas(11.0, 1.2 + 0.62 * rows)
    panels = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes, outcome in zip_longest(panels.T.flat, outcomes):
        if outcome is None:
            axes.set_axis_off()
        else:
            _beside(axes, outcome)
    handles = [
        Line2D([], [], color=COLORS[0], marker="o", label="the claim"),
        Line2D([], [], color=COLORS[1], marker="D", linestyle="--", label="its null"),
        Line2D([], [], color=COLORS[2], marker="s", linestyle=":", label="its first control"),
        Patch(color=ACCEPTED, label="accepted"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=4, fontsize=9, frameon=False)
    return figure


def _beside(axes: Axes, outcome: Outcome) -> None:
    """The claim above, its null or a control below; what would be accepted behind them."""
    beside = [(outcome.measured, COLORS[0], "o", "-")]
    if outcome.null is not None:
        beside.append((outcome.null, COLORS[1], "D", "--"))
    elif outcome.controls:
        beside.append((outcome.controls[0], COLORS[2], "s", ":"))
    shown = [each for each in beside if isfinite(each[0].value)]
    for y, (estimate, color, marker, dashes) in enumerate(reversed(shown)):
        if estimate.low is not None and estimate.high is not None:
            axes.plot([estimate.low, estimate.high], [y, y], color=color, linestyle=dashes)
        axes.plot(estimate.value, y, marker, color=color, markersize=5)
    axes.margins(x=0.12)
    left, right = axes.get_xlim()
    low, high = outcome.accepted
    axes.axvspan(left if low is None else low, right if high is None else high, color=ACCEPTED)
    ends = [end for end in (low, high) if end is not None]
    axes.set_xlim(min(left, *ends), max(right, *ends))
    axes.set_ylim(-0.7, len(shown) - 0.3)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="x", labelsize=8, length=2)
    axes.set_title(f"{outcome.id}: {outcome.verdict}", fontsize=8, loc="left", pad=2)
    axes.spines[["top", "right", "left"]].set_visible(False)
