"""Weight vectors as pictures, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from bioexp.figures.canvas import canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def mosaic(w: Float[np.ndarray, "units inputs"], shape: tuple[int, ...], *, title: str, caption: str, most: int = 100) -> Figure:
    """The first `most` units' incoming weights, each as an image of the input's shape.

    Weights of one sign are drawn white to black; weights of both signs blue (negative) through white to red. Each unit
    is scaled by its own largest |w|, so that shapes can be compared and sizes cannot; the caption should say what else
    is to be known. Color images (a last axis of 3) are shifted and scaled to [0, 1] unit by unit.
    """
    units = min(len(w), most)
    columns = int(np.ceil(np.sqrt(units)))
    rows = -(-units // columns)
    signed = w.min() < 0
    scale = np.abs(w[:units]).max(axis=1, keepdims=True)
    tiles = (w[:units] / np.where(scale > 0, scale, 1)).reshape(units, *shape)
    if len(shape) == 3:
        tiles = (tiles + 1) / 2 if signed else tiles
    height, width = shape[:2]
    sheet = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1, *shape[2:]), np.nan if len(shape) == 2 else 1.0)
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * (height + 1) + 1, (i % columns) * (width + 1) + 1
        sheet[top : top + height, left : left + width] = tile
    figure = canvas(6.4, 5.6 * rows / columns + 0.8)
    axes = figure.add_subplot()
    drawn = axes.imshow(sheet, cmap="RdBu_r" if signed else "gray_r", vmin=-1 if signed else 0, vmax=1, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(caption, fontsize=8)
    if len(shape) == 2:
        bar = figure.colorbar(drawn, ax=axes, fraction=0.03, pad=0.01)
        bar.set_label("weight / largest |weight| of its unit", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    return figure
