"""Loss and accuracy against training steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bioexp.figures.canvas import COLORS, canvas, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUANTITIES = {"loss": "loss [nats]", "accuracy": "accuracy"}


def learning_curve(
    records: Sequence[Mapping[str, Any]],
    *,
    title: str,
    n_train: int,
    test: tuple[float, int] | None = None,
) -> Figure:
    """Every loss and accuracy in the records of metrics.jsonl, one panel each, the stages one after
    another.

    Training values are means over the minibatches since the last record, before each update. test:
    the final test accuracy and the number of test images, drawn as a line in the accuracy panel;
    nothing was chosen by it.
    """
    stages = sorted({record["stage"] for record in records})
    lengths = [
        max(record["step"] for record in records if record["stage"] == stage) for stage in stages
    ]
    ends = np.cumsum([0, *lengths])
    panels = [
        name
        for name in QUANTITIES
        if any(key.endswith(f"_{name}") for record in records for key in record)
    ]
    if not panels:
        raise ValueError("learning_curve: no record holds a loss or an accuracy")
    figure = canvas(4.2 * len(panels), 3.4)
    for axes, name in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        keys = sorted({key for record in records for key in record if key.endswith(f"_{name}")})
        for color, key in zip(COLORS, keys, strict=False):
            points = [
                (ends[record["stage"]] + record["step"], record[key])
                for record in records
                if key in record
            ]
            axes.plot(
                *zip(*points, strict=True),
                color=color,
                marker="o",
                markersize=2.5,
                label=f"{key.removesuffix(f'_{name}')} (n={n_train:,})",
            )
        if name == "accuracy" and test is not None:
            axes.axhline(
                test[0], color=COLORS[1], linestyle="--", label=f"test, at the end (n={test[1]:,})"
            )
        for end in ends[1:-1]:
            axes.axvline(end, color="0.7", linewidth=0.8)
        axes.set_xlabel("minibatches")
        axes.set_ylabel(QUANTITIES[name])
        plain(axes)
        axes.legend(fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=11)
    return figure
