"""How outputs answer to growing perturbations: measured beside predicted, and how far the
prediction is off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from bioexp.figures.canvas import COLORS, plain
from bioexp.robustness.perturbation import Response

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = ("-", "--")
MARKERS = "o^s"
SIZE = "size of the perturbation (1: brightest pixel)"


def one_image(
    axes: Axes,
    sizes: Float[np.ndarray, "sizes"],
    response: Response,
    outputs: Mapping[str, int],
    *,
    y: str,
) -> None:
    """One image's outputs against the signed size of one perturbation: points measured, lines
    predicted.

    The scale is that of what was measured; predictions may leave it.
    """
    for color, marker, (name, i) in zip(COLORS, MARKERS, outputs.items(), strict=False):
        axes.plot(
            sizes,
            response.measured[:, 0, i],
            marker,
            color=color,
            markersize=5,
            fillstyle="none",
            label=f"measured, {name}",
        )
        for style, values in zip(STYLES, response.predicted.values(), strict=False):
            axes.plot(sizes, values[:, 0, i], style, color=color, linewidth=1.4)
    for style, name in zip(STYLES, response.predicted, strict=False):
        axes.plot([], [], style, color="0.3", linewidth=1.4, label=f"predicted, {name}")
    limit = 1.6 * float(np.nanmax(np.abs(response.measured[:, 0, list(outputs.values())])))
    axes.set_ylim(-limit, limit)
    axes.set_xlabel(SIZE, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False)
    plain(axes)


def curves(
    axes: Axes,
    sizes: Float[np.ndarray, "sizes"],
    values: Mapping[str, Sequence[Float[np.ndarray, "sizes"]]],
    *,
    y: str,
) -> None:
    """One line per predictor, the median over seeds, with a band from the least to the largest
    seed.
    """
    for color, style, (name, seeds) in zip(COLORS[2:], STYLES, values.items(), strict=False):
        lines = np.array(seeds)
        axes.plot(
            sizes,
            np.median(lines, axis=0),
            style,
            marker="o",
            color=color,
            markersize=3,
            linewidth=1.4,
            label=name,
        )
        axes.fill_between(
            sizes, lines.min(axis=0), lines.max(axis=0), color=color, alpha=0.2, linewidth=0
        )
    axes.set_xscale("log")
    axes.set_xlabel(SIZE, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False)
    plain(axes)
