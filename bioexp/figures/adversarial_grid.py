"""What an attack does to images: clean, the change made visible, attacked, and what the net says to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from bioexp.attacks.eps import show_eps
from bioexp.figures.canvas import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RIGHT, WRONG = "#0072B2", "#D55E00"  # blue and vermilion: apart for every common color vision


class Attacked(NamedTuple):
    """The shown images after an attack at one eps, in [0, 1], and the classes the net finds in them."""

    eps: float
    images: Float[np.ndarray, "n *shape"]
    predictions: Int[np.ndarray, "n"]


def adversarial_grid(
    clean: Float[np.ndarray, "n *shape"], labels: Int[np.ndarray, "n"], attacked: Sequence[Attacked], *, title: str, caption: str
) -> Figure:
    """One column per image; below the clean row, for each eps, the change (amplified) and the attacked image.

    Changes of grey images run from blue (darker) over white to red (brighter); those of color images are drawn around grey. The
    factor stands at the row. Over each attacked image stands label -> prediction, blue where the net resists.
    """
    columns, rows = len(clean), 1 + 2 * len(attacked)
    figure = canvas(0.95 * columns + 1.3, 1.08 * rows + 0.8)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, image, label in zip(grid[0], clean, labels, strict=True):
        _show(axes, image, f"{label}", "black")
    _name(grid[0, 0], "clean")
    for number, (eps, images, predictions) in enumerate(attacked):
        changes, results = grid[1 + 2 * number], grid[2 + 2 * number]
        gain = max(1, round(0.5 / eps)) if eps > 0 else 1  # the largest change is then about half of the pixels' range
        for i in range(columns):
            _change(changes[i], gain * (images[i] - clean[i]))
            resists = predictions[i] == labels[i]
            _show(results[i], images[i], f"{labels[i]} → {predictions[i]}", RIGHT if resists else WRONG)
        _name(changes[0], f"change × {gain}")
        _name(results[0], f"eps {show_eps(eps)}")
    figure.suptitle(title, fontsize=11)
    figure.supxlabel(caption, fontsize=8)
    return figure


def _show(axes: Axes, image: Float[np.ndarray, "*shape"], text: str, color: str) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_title(text, fontsize=9, color=color, pad=2)
    _bare(axes)


def _change(axes: Axes, change: Float[np.ndarray, "*shape"]) -> None:
    """`change` is amplified already; half of the pixels' range is full color."""
    axes.imshow(change if change.ndim == 2 else np.clip(0.5 + change, 0, 1), cmap="RdBu_r", vmin=-0.9, vmax=0.9, interpolation="nearest")
    _bare(axes)


def _bare(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_linewidth(0.4)


def _name(axes: Axes, text: str) -> None:
    axes.set_ylabel(text, fontsize=9, rotation=0, ha="right", va="center")
