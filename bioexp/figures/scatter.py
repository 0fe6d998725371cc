"""Two clusters in a plane, with the lines fitted to them and the line that separates them; and what
the fits leave over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from bioexp.figures.canvas import COLORS, plain
from bioexp.measures.line_fits import (
    BINS,
    Line,
    Points,
    Separator,
    angle,
    fit_line,
    residuals,
    separate,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "o^"


def scatter(
    axes: Axes, clusters: Sequence[Points], names: Sequence[str], *, x: str, y: str, title: str
) -> None:
    """The points of two clusters, told apart by color and by marker; n stands in the legend."""
    for points, name, color, marker in zip(clusters, names, COLORS, MARKERS, strict=False):
        axes.plot(
            *points.T,
            marker,
            color=color,
            markersize=2.5,
            alpha=0.35,
            markeredgewidth=0,
            label=f"{name} (n={len(points):,})",
        )
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=8)
    plain(axes)


def fitted(
    axes: Axes, points: tuple[Points, Points], names: tuple[str, str], *, x: str, y: str
) -> str:
    """Two clusters with their fitted lines; the angle between these and the accuracy of a
    separating line, in words.
    """
    lines = fit_line(points[0]), fit_line(points[1])
    r2 = " and ".join(f"{line.r2:.2f}" for line in lines)
    numbers = (
        f"{angle(*lines):.1f}° between the lines (R² {r2}), separable"
        f" {separate(*points).accuracy(*points):.1%}"
    )
    scatter(axes, points, names, x=x, y=y, title=numbers)
    draw_lines(axes, points, lines)
    legend(axes)
    return f"{' and '.join(names)}: {numbers}"


def draw_lines(axes: Axes, clusters: Sequence[Points], lines: Sequence[Line]) -> None:
    """Every line as long as its cluster, white below so that it stands out from the points."""
    for points, line, color in zip(clusters, lines, COLORS, strict=False):
        along = residuals(line, points)[0]
        ends = line.center + np.outer([along.min(), along.max()], line.direction)
        axes.plot(*ends.T, color="white", linewidth=4, alpha=0.8)
        axes.plot(*ends.T, color=color, linewidth=2, label=f"fit: slope {line.slope:.2f}")


def draw_separator(axes: Axes, clusters: Sequence[Points], separator: Separator, name: str) -> None:
    """The separating line, black and dashed, through the part of the plane that has points."""
    points = np.concatenate(clusters)
    center, extent = points.mean(axis=0), np.ptp(points, axis=0).max()
    normal = separator.normal / np.linalg.norm(separator.normal)
    foot = center - normal * (separator.normal @ center + separator.offset) / np.linalg.norm(
        separator.normal
    )
    ends = foot + np.outer([-extent, extent], [-normal[1], normal[0]])
    limits = axes.get_xlim(), axes.get_ylim()
    axes.plot(*ends.T, "--", color="black", linewidth=1.3, label=name)
    axes.set(xlim=limits[0], ylim=limits[1])


def legend(axes: Axes) -> None:
    """The legend, with points as visible as lines."""
    shown = axes.legend(
        fontsize=8, frameon=True, framealpha=0.85, edgecolor="none", markerscale=2, loc="best"
    )
    for handle in shown.legend_handles:
        if handle is not None:
            handle.set_alpha(1)


def residual_plot(
    axes: Axes, points: Float[np.ndarray, "n 2"], line: Line, *, color: str, unit: str, title: str
) -> None:
    """Distance across the line against place along it, with the mean in bins of equally many
    points: flat if they are random.
    """
    along, across = residuals(line, points)
    axes.plot(along, across, "o", color=color, markersize=2.5, alpha=0.35, markeredgewidth=0)
    axes.axhline(0, color="0.4", linewidth=0.8)
    parts = np.array_split(np.argsort(along), BINS)
    place, mean = ([values[part].mean() for part in parts] for values in (along, across))
    error = [across[part].std() / max(len(part), 1) ** 0.5 for part in parts]
    axes.errorbar(
        place,
        mean,
        error,
        fmt="-s",
        color="black",
        markersize=4,
        linewidth=1,
        capsize=2,
        label=f"mean ± standard error, {BINS} bins",
    )
    axes.set_xlabel(f"place along the fitted line, from its center [{unit}]", fontsize=9)
    axes.set_ylabel(f"distance across the line [{unit}]", fontsize=9)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False)
    plain(axes)
