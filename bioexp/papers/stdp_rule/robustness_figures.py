"""Pictures of robustness: at larger eps, beside twins of equal accuracy, and on all pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bioexp.figures.canvas import canvas, explain
from bioexp.papers.measuring import accuracy
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.figures import PICKED, along_eps, legend_above, titled
from bioexp.papers.stdp_rule.measures import EPS, FAR, MNIST_PAIRS, PAIRS, variant
from bioexp.papers.stdp_rule.survival import Ahead, against_eps, all_pairs, under

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def farther(evidence: Evidence) -> Figure:
    """FGSM and PGD from the paper's eps to those where the advantage is gone, beside backprop of
    equal training accuracy.
    """
    figure = canvas(11.5, 6.6)
    eps = (*EPS, *FAR)
    for row, attack in zip(figure.subplots(2, 5, sharex=True), ("fgsm", "pgd"), strict=True):
        for axes, pair in zip(row, MNIST_PAIRS, strict=True):
            for rule in ("stable", "backprop", "stopped", "decayed"):
                nets = variant(evidence, PICKED.get(rule, rule), pair)
                nets = nets if attack == "fgsm" else nets[:2]
                along_eps(axes, against_eps(nets, attack, eps), eps, rule)
            axes.set_ylim(-0.02, 1.02)
            axes.set_ylabel(f"accuracy under {attack.upper()}", fontsize=9)
            titled(axes, pair, nets)
    legend_above(figure, columns=2)
    explain(
        figure,
        "only FGSM, and only up to 12/255.",
        "PGD of 20 steps, true gradient, all test images; means over nets, bands the range. Where"
        " PGD is far below FGSM, FGSM flatters the net.",
    )
    return figure


def heat_maps(evidence: Evidence) -> Figure:
    """STDP less backprop on all 45 pairs of digits, clean and under FGSM at 12/255, and on three
    pairs of IRIS.
    """
    figure = canvas(11.5, 6)
    said = []
    for axes, (name, measure) in zip(
        figure.subplots(1, 2),
        (("clean", accuracy), ("FGSM 12/255", under("fgsm", EPS[-1]))),
        strict=True,
    ):
        found = all_pairs(evidence, measure)
        _heat_map(axes, found)
        axes.set_title(f"{name}: STDP less backprop", fontsize=10)
        values = np.asarray(list(found.digits.values()))
        said.append(
            f"{name}: mean {100 * values.mean():.2f} points, ahead on {(values > 0).sum()} of 45;"
            f" IRIS 0v1, 0v2, 1v2: {', '.join(f'{100 * value:.1f}' for value in found.iris)}"
        )
    seeds = len({trained.seed for trained in evidence[PAIRS]})
    explain(
        figure,
        "other binary pairs were similar to the eight it shows.",
        f"{'; '.join(said)}. Stable rule, {seeds} seed{'s' * (seeds > 1)} a pair of digits, about"
        " 2,000 test images each.",
    )
    return figure


def _heat_map(axes: Axes, found: Ahead) -> None:
    """A square for each pair of digits, in points of accuracy."""
    grid = np.full((10, 10), np.nan)
    limit = 100 * max(abs(value) for value in found.digits.values())
    for pair, value in found.digits.items():
        a, b = pair.classes
        grid[a, b] = 100 * value
        color = "white" if abs(grid[a, b]) > 0.6 * limit else "black"
        axes.text(b, a, f"{grid[a, b]:.1f}", ha="center", va="center", fontsize=8, color=color)
    drawn = axes.imshow(grid, cmap="RdBu", vmin=-limit, vmax=limit)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.set_xlabel("digit, y = 1", fontsize=9)
    axes.set_ylabel("digit, y = 0", fontsize=9)
    bar = axes.figure.colorbar(drawn, ax=axes, fraction=0.045, pad=0.02)
    bar.set_label("points of accuracy", fontsize=8)
