"""Which classes are taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def confusion(
    axes: Axes, labels: Int[np.ndarray, "n"], predictions: Int[np.ndarray, "n"], classes: int
) -> None:
    """Rows are labels, columns predictions; every cell shows how many examples, and its shade their
    share of the row.
    """
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, predictions), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(classes, classes):
        axes.text(
            j,
            i,
            f"{counts[i, j]:,}",
            ha="center",
            va="center",
            fontsize=7,
            color="white" if shares[i, j] > 0.5 else "0.15",
        )
    axes.set_xticks(range(classes))
    axes.set_yticks(range(classes))
    axes.set_xlabel("predicted class", fontsize=9)
    axes.set_ylabel("label", fontsize=9)
    axes.tick_params(labelsize=8)
    bar = axes.figure.colorbar(drawn, ax=axes, fraction=0.045, pad=0.02)
    bar.set_label("share of the label's examples", fontsize=8)
    bar.ax.tick_params(labelsize=7)
