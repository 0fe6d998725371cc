"""One table: the paper's claims on every log net they can be tried on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from bioexp.figures.canvas import NothingDrawn, canvas
from bioexp.measures.estimators import Estimate
from bioexp.papers.log_net.nets import ACCURATE, CONTROL, READABLE, WORDS, short
from bioexp.papers.paper import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEADS = {ACCURATE: "unconstrained", READABLE: "readable", CONTROL: "heuristic"}
MARKS = {
    "reproduced": ("✓", "#DDEFE3"),
    "not reproduced": ("✗", "#F6DDD6"),
    "holds trivially": ("=", "#E8E8E8"),
    "fitted": ("≈", "#E8E8E8"),
}
OPEN = ("?", "#FFFFFF")


def claims_by_net(decides: Mapping[str, str], outcomes: Sequence[Outcome]) -> Figure:
    """A row for each claim that was tried on several nets, a column for each net: the measure and
    whether it is within what is accepted; in bold that of the net that decides.

    decides: that net, by claim. Raises NothingDrawn where none was judged.
    """
    tried = [o for o in outcomes if o.id in decides and set(o.readings) & set(map(short, WORDS))]
    if not tried:
        raise NothingDrawn("none of these claims was judged yet")
    nets = list(WORDS)
    figure = canvas(9.0, 1.2 + 0.34 * len(tried))
    axes = figure.add_subplot()
    for y, outcome in enumerate(tried):
        for x, net in enumerate(nets):
            own = net == decides[outcome.id]
            found = outcome.readings.get(short(net))
            if own:
                found = outcome.measured, outcome.verdict
            if found:
                _cell(axes, x, y, *found, bold=own)
    heads = [HEADS.get(net, short(net)) for net in nets]
    axes.set_xticks(range(len(nets)), heads, fontsize=9)
    labels = [outcome.id.partition("/")[2].replace("_", " ") for outcome in tried]
    axes.set_yticks(range(len(tried)), labels, fontsize=9)
    axes.set_xlim(-0.5, len(nets) - 0.5)
    axes.set_ylim(len(tried) - 0.5, -0.5)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)
    figure.supxlabel(
        "measure; ✓ within what is accepted, ✗ outside, ? neither, = cannot fail, ≈ fitted; bold:"
        " the net that decides",
        fontsize=9,
        x=0.01,
        ha="left",
    )
    return figure


def _cell(axes: Axes, x: int, y: int, value: Estimate, verdict: str, *, bold: bool) -> None:
    mark, color = MARKS.get(verdict, OPEN)
    words = f"{value:.3g} {mark}" if isfinite(value.value) else mark
    box = {"facecolor": color, "edgecolor": "none", "boxstyle": "square,pad=0.35"}
    weight = "bold" if bold else "normal"
    axes.text(x, y, words, ha="center", va="center", fontsize=9, weight=weight, bbox=box)
