"""Weight vectors as pictures, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from bioexp.figures.canvas import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase
    from matplotlib.image import AxesImage


def mosaic(
    w: Float[np.ndarray, "units inputs"],
    shape: tuple[int, ...],
    *,
    title: str,
    caption: str,
    most: int = 100,
) -> Figure:
    """The first `most` units' incoming weights, each as an image of the input's shape.

    The caption should say what else a reader must know.
    """
    units = min(len(w), most)
    columns = int(np.ceil(np.sqrt(units)))
    figure = canvas(6.4, 5.6 * -(-units // columns) / columns + 0.8)
    axes = figure.add_subplot()
    drawn = tiles(axes, w[:units], shape, columns)
    axes.set_title(title, fontsize=11)
    axes.set_xlabel(caption, fontsize=8)
    if len(shape) == 2:
        scale(figure, drawn, axes)
    return figure


def tiles(
    axes: Axes, w: Float[np.ndarray, "units inputs"], shape: tuple[int, ...], columns: int
) -> AxesImage:
    """Weight vectors as images, row by row.

    Weights of one sign are drawn white to black; weights of both signs blue (negative) through
    white to red. Each unit is scaled by its own largest |w|, so that shapes can be compared and
    sizes cannot. Color images (a last axis of 3) are shifted and scaled to [0, 1] unit by unit.
    """
    signed = w.min() < 0
    largest = np.abs(w).max(axis=1, keepdims=True)
    images = (w / np.where(largest > 0, largest, 1)).reshape(len(w), *shape)
    if len(shape) == 3:
        images = (images + 1) / 2 if signed else images
    height, width = shape[:2]
    rows = -(-len(w) // columns)
    sheet = np.full(
        (rows * (height + 1) + 1, columns * (width + 1) + 1, *shape[2:]),
        np.nan if len(shape) == 2 else 1.0,
    )
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + 1) + 1, (i % columns) * (width + 1) + 1
        sheet[top : top + height, left : left + width] = image
    axes.set_xticks([])
    axes.set_yticks([])
    return axes.imshow(
        sheet,
        cmap="RdBu_r" if signed else "gray_r",
        vmin=-1 if signed else 0,
        vmax=1,
        interpolation="nearest",
    )


def scale(figure: FigureBase, drawn: AxesImage, axes: Axes) -> None:
    """The color bar that belongs to `tiles`."""
    bar = figure.colorbar(drawn, ax=axes, fraction=0.03, pad=0.01)
    bar.set_label("weight / largest |weight| of its unit", fontsize=8)
    bar.ax.tick_params(labelsize=7)
