"""A weight matrix as an image, with the largest entry of every unit marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase


def matrix(
    figure: FigureBase,
    axes: Axes,
    w: Float[np.ndarray, "rows columns"],
    *,
    largest_in: int,
    rows: str,
    columns: str,
) -> None:
    """Dark is small, yellow large; a red dot stands on the largest entry along axis `largest_in`, 0
    for every column's.

    rows, columns: what the two axes count, from 0.
    """
    drawn = axes.imshow(w, cmap="viridis", aspect="auto", interpolation="nearest")
    best, others = w.argmax(axis=largest_in), np.arange(w.shape[1 - largest_in])
    x, y = (others, best) if largest_in == 0 else (best, others)
    axes.plot(
        x, y, "o", color="#D55E00", markeredgecolor="white", markeredgewidth=0.5, markersize=4
    )
    axes.set_xlabel(columns, fontsize=9)
    axes.set_ylabel(rows, fontsize=9)
    axes.set_xticks(_ticks(w.shape[1]))
    axes.set_yticks(_ticks(w.shape[0]))
    axes.tick_params(labelsize=8)
    bar = figure.colorbar(drawn, ax=axes, fraction=0.03, pad=0.01)
    bar.set_label("weight w2[i, j]", fontsize=8)
    bar.ax.tick_params(labelsize=7)


def _ticks(count: int) -> list[int]:
    return list(range(0, count, 1 if count <= 20 else 10))
