"""The rule on ten classes, which is beyond the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.papers.paper import Evidence
from bioexp.papers.stdp_rule.figures import LINES, legend_above
from bioexp.papers.stdp_rule.measures import DEPTHS, TenClasses, ten_classes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def by_depth(evidence: Evidence) -> Figure:
    """Ten classes at depth 0 to 4: STDP and backprop on MNIST and Fashion-MNIST, with other
    associations beside.
    """
    figure = canvas(11, 5)
    said = []
    for axes, data in zip(
        figure.subplots(1, 2, sharey=True), ("mnist", "fashion_mnist"), strict=True
    ):
        found = ten_classes(evidence, data)
        _depths(axes, found)
        axes.set_title(
            f"{data}, {found.n_train:,} training images, {found.seeds} seed"
            f"{'s' * (found.seeds > 1)}",
            fontsize=10,
        )
        said += [
            f"{data} {rule} {', '.join(f'{end.value:.3f}' for end in ends)}"
            for rule, ends in found.rules.items()
        ]
    legend_above(figure, columns=3)
    explain(
        figure,
        "stresses two classes only; a method that learns two could be used for many.",
        f"depth 0 to 4: {'; '.join(said)}. Bands are 95 % intervals, over images where there is one"
        " seed, over seeds else.",
    )
    return figure


def _depths(axes: Axes, found: TenClasses) -> None:
    """Accuracy against the number of hidden layers."""
    depths = list(range(len(DEPTHS)))
    for rule, label in (("stable", "STDP, one class a unit"), ("backprop", "backprop")):
        line, ends = LINES[rule], found.rules[rule]
        values = [end.value for end in ends]
        axes.plot(depths, values, f"{line.marker}-", color=line.color, label=label)
        low, high = [end.low for end in ends], [end.high for end in ends]
        axes.fill_between(depths, low, high, color=line.color, alpha=0.2, linewidth=0)
    for name, label, look, color in (
        ("halves", "STDP, random half of the classes a unit", "D", COLORS[2]),
        ("unbalanced", "STDP, -1 for every other class", "v", COLORS[1]),
    ):
        values = found.associations[name]
        axes.plot([2] * len(values), values, look, color=color, label=label)
    axes.axhline(0.1, color="0.5", linestyle=":", linewidth=1, label="chance")
    axes.set_xticks(depths)
    axes.set_xlabel("hidden layers, the first of 60 units, the others of 40", fontsize=9)
    axes.set_ylabel(f"test accuracy, n = {found.n_test:,}", fontsize=9)
    axes.set_ylim(0, 1)
    plain(axes)
