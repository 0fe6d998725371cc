"""What a rule observed of itself at each record, against training steps: one small panel for each
quantity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bioexp.figures.canvas import COLORS, canvas, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3
ALWAYS = ("stage", "step", "epoch")  # keys that place a record
MEANS = ("train_", "validation_")  # prefixes of what the learning curve shows


def observations(record: Mapping[str, Any]) -> dict[str, float]:
    """What a record of metrics.jsonl holds besides its place and the means over minibatches."""
    return {
        name: value
        for name, value in record.items()
        if name not in ALWAYS and not name.startswith(MEANS)
    }


def observed(records: Sequence[Mapping[str, Any]], *, title: str) -> Figure:
    """Every observation in one stage's records, each made at the end of its record's steps. Raises
    ValueError where there are none.
    """
    names = sorted({name for record in records for name in observations(record)})
    if not names:
        raise ValueError("observed: no record holds an observation")
    columns = min(len(names), COLUMNS)
    rows = -(-len(names) // columns)
    figure = canvas(2.9 * columns, 2.5 * rows + 0.4)
    for number, name in enumerate(names, 1):
        axes = figure.add_subplot(rows, columns, number)
        points = [(record["step"], record[name]) for record in records if name in record]
        axes.plot(
            *zip(*points, strict=True), color=COLORS[0], marker="o", markersize=2.5, linewidth=1.2
        )
        least, most = (extreme(value for _, value in points) for extreme in (min, max))
        axes.set_ylim(1.08 * min(0.0, least), 1.08 * max(most, 0.0) or 1.0)
        axes.set_xlabel("minibatches", fontsize=9)
        axes.set_ylabel(name.replace("_", " "), fontsize=9)
        axes.tick_params(labelsize=8)
        plain(axes)
    figure.suptitle(title, fontsize=10)
    return figure
