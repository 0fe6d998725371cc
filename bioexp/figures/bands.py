"""Curves over training with all their seeds: the mean as a line, the range as a band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bioexp.figures.canvas import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = Mapping[int, float]  # a value by step

BAND = "Lines are means over seeds, bands their range."


def band(
    axes: Axes,
    seeds: Sequence[Curve],
    *,
    color: str,
    label: str = "",
    style: str = "-",
    width: float = 1.6,
    shade: bool = True,
) -> None:
    """One quantity of several seeds against the step; `shade` draws their range."""
    steps = sorted(seeds[0])
    values = np.asarray([[seed[step] for step in steps] for seed in seeds])
    axes.plot(steps, values.mean(axis=0), style, color=color, label=label or None, linewidth=width)
    if shade and len(seeds) > 1:
        axes.fill_between(
            steps, values.min(axis=0), values.max(axis=0), color=color, alpha=0.18, linewidth=0
        )


def against_steps(
    axes: Axes, *, y: str, title: str, x: str = "minibatches", early: bool = False
) -> None:
    """Title and labels of the axes; `early` spreads the first steps out, linear up to 100 and
    logarithmic from there.
    """
    if early:
        axes.set_xscale("symlog", linthresh=100, linscale=0.6)
        axes.set_xlim(left=0)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=8)
    plain(axes)
