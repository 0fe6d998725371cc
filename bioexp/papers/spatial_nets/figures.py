"""The paper's two figures drawn again from finished runs, and what its other pictures share.

The paper does not say of which of its networks Figures 1 and 2 are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bioexp.experiment import Trained
from bioexp.figures.canvas import COLORS, canvas, explain, named, plain
from bioexp.papers.measuring import runs
from bioexp.papers.paper import Evidence
from bioexp.papers.spatial_nets.measures import MIXING
from bioexp.papers.spatial_nets.regions import Plane, connections, moments, planes, share_between
from bioexp.papers.spatial_nets.splits import LAYERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = dict(zip(LAYERS, ("3rd hidden layer", "4th hidden layer", "outputs"), strict=True))
MARKERS = dict(zip(LAYERS, "^os", strict=True))
TASKS: Mapping[str, str] = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "permuted_mnist": "permuted MNIST",
}


def tasks(trained: Trained) -> list[str]:
    """What the groups are called."""
    parts = trained.experiment.dataset.options["of"]
    names = [part if isinstance(part, str) else str(part["name"]) for part in parts]
    return [TASKS.get(name, name) for name in names]


def neurons(axes: Axes, layer: Plane, *, size: float = 14, marker: str = "o") -> None:
    """A layer from above: shown neurons in the color of their group, the others small and gray."""
    axes.plot(*layer.position[~layer.shown].T, ".", color="0.78", markersize=2, zorder=1)
    for group in np.unique(layer.group):
        x, y = layer.position[layer.shown & (layer.group == group)].T
        axes.scatter(
            x, y, s=size, color=COLORS[group], marker=marker, linewidths=0, alpha=0.85, zorder=2
        )
    axes.set_aspect("equal", adjustable="datalim")
    axes.tick_params(labelsize=8)
    plain(axes)


def coordinates(axes: Axes) -> None:
    """What both axes of a layer's plane are."""
    axes.set_xlabel("first coordinate (units of the plane)", fontsize=8)
    axes.set_ylabel("second coordinate", fontsize=8)


def legend(figure: Figure, names: Sequence[str], *, weak: bool = True) -> None:
    """Which color is which task's; `weak` explains the gray points, too."""
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], marker="o", linestyle="", color=COLORS[i], markersize=5, label=name)
        for i, name in enumerate(names)
    ]
    if weak:
        label = "weak neurons (footnote 4)"
        marks.append(Line2D([], [], marker=".", linestyle="", color="0.78", label=label))
    figure.legend(
        handles=marks, fontsize=8, frameon=False, ncols=len(marks), loc="outside upper right"
    )


def fig1(evidence: Evidence) -> Figure:
    """All neurons of the split layers from above, and the same at five moments of training."""
    nets = runs(evidence, MIXING, net="spatial")
    trained = nets[0]
    figure = canvas(13, 6.6)
    grid = figure.add_gridspec(2, 5)
    axes = figure.add_subplot(grid[:, :2])
    layers = planes(trained)
    for number, layer in layers.items():
        size = 34 if number == LAYERS[-1] else 20
        neurons(axes, layer, size=size, marker=MARKERS[number])
    coordinates(axes)
    axes.set_title(
        f"{named(trained)}:\nthird hidden layer triangles, fourth circles, outputs squares",
        fontsize=8,
    )
    for place, (step, then) in enumerate(moments(trained).items()):
        at = figure.add_subplot(grid[place // 3, 2 + place % 3])
        for layer in then.values():
            neurons(at, layer, size=6)
        coordinates(at)
        sorting = np.mean([layer.sorting for layer in then.values()])
        at.set_title(f"step {step:,}: 1-NN purity above chance {sorting:.2f}", fontsize=8)
    legend(figure, tasks(trained))
    explain(
        figure,
        "top-down view of all neurons; two clusters, one for each task, with a number of outsiders"
        " around.",
        f"{sum(layer.live for layer in layers.values())} live neurons; 1-NN purity"
        f" {', '.join(f'{layer.purity:.2f}' for layer in layers.values())}, above chance"
        f" {', '.join(f'{layer.sorting:.2f}' for layer in layers.values())}, and silhouette"
        f" {', '.join(f'{layer.silhouette:.2f}' for layer in layers.values())} layer by layer, 1"
        f" seed of {len(nets)}. Weak neurons feel only the repulsion.",
    )
    return figure


def fig2(evidence: Evidence) -> Figure:
    """The split layers as slices of a stack, with their strong connections."""
    spatial, regular = (runs(evidence, MIXING, net=net)[0] for net in ("spatial", "regular"))
    figure = canvas(13, 5.6)
    _stacked(figure, (1, 2, 1), spatial, "spatial")
    _stacked(figure, (1, 2, 2), regular, "regular, for comparison")
    legend(figure, tasks(spatial), weak=False)
    hidden, outputs = (share_between(number)(spatial) for number in LAYERS[1:])
    explain(
        figure,
        "three-dimensional perspective of the network of Fig. 1, a slice for each layer, the"
        " rightmost the outputs; strong neurons and connections only.",
        f"of the spatial net's absolute weight {hidden:.1%} connects neurons of different groups"
        f" in the fourth hidden layer and {outputs:.1%} in the outputs (gray lines). Of the"
        " regular net's connections the strongest 1,000 are shown.",
    )
    return figure


def _stacked(figure: Figure, cell: tuple[int, int, int], trained: Trained, title: str) -> None:
    """One net in perspective; connections in the color of their group, between groups gray."""
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    axes: Any = figure.add_subplot(*cell, projection="3d")
    for depth, (number, layer) in enumerate(planes(trained).items()):
        for group in range(trained.heads):
            x, y = layer.position[layer.shown & (layer.group == group)].T
            size = 16 if depth == 2 else 8
            axes.scatter(
                np.full(len(x), depth), x, y, color=COLORS[group], s=size, depthshade=False
            )
        if not depth:
            continue
        strong = connections(trained, number)
        ends = zip(strong.here, strong.below, strict=True)
        lines = [[(depth, *here), (depth - 1, *below)] for here, below in ends]
        colors = ["0.6" if group < 0 else COLORS[group] for group in strong.group]
        axes.add_collection3d(Line3DCollection(lines, colors=colors, linewidths=0.5, alpha=0.45))
    axes.set_xticks(range(len(LAYERS)), list(NAMES.values()), fontsize=8)
    axes.tick_params(axis="y", labelsize=8, pad=0)
    axes.tick_params(axis="z", labelsize=8)
    axes.set_xlabel("layer", fontsize=8, labelpad=8)
    axes.set_ylabel("first coordinate", fontsize=8)
    axes.set_zlabel("second coordinate", fontsize=8)
    axes.set_box_aspect((1.9, 1, 1), zoom=1.1)
    axes.view_init(elev=16, azim=-62)
    axes.set_title(f"{title}: {named(trained)}", fontsize=9, y=0.97)
