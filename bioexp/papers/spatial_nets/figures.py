"""The figures of the paper drawn again from finished runs, and those that show what its sentences
say.

Neurons are those that the paper's footnote 4 leaves: their absolute input weights sum to more than
0.1; connections are stronger than 0.01. The paper does not say of which of its networks Figures 1
and 2 are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool

from bioexp.experiment import Trained
from bioexp.figures.canvas import COLORS, canvas, explain, named, plain
from bioexp.measures.interval import student
from bioexp.papers.measuring import runs, snapshots
from bioexp.papers.paper import Evidence
from bioexp.papers.spatial_nets.measures import (
    DROP,
    MIXING,
    MODES,
    REGULAR,
    RELU,
    SEQUENTIAL,
    SPATIAL,
    SPLIT,
    THREE,
    WEAK,
    Cells,
    cost,
    crossing,
    places,
    pooled,
    purity,
    silhouette,
)
from bioexp.papers.spatial_nets.model import Groups, greedy
from bioexp.papers.spatial_nets.splits import LAYERS, heads, scores, split
from bioexp.types import Params

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EDGE = 0.01  # absolute weight above which a connection is shown (footnote 4)
NAMES = ("3rd hidden layer", "4th hidden layer", "outputs")
TASKS: Mapping[str, str] = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "permuted_mnist": "permuted MNIST",
}


def shown(params: Params, number: int) -> Bool[np.ndarray, "units"]:
    """Footnote 4: neurons whose absolute input weights sum to more than 0.1."""
    return np.abs(np.asarray(params["layers"][str(number)]["w"])).sum(axis=1) > WEAK


def tasks(trained: Trained) -> list[str]:
    """What the groups are called."""
    of = trained.run.config["dataset"]["of"]
    return [
        TASKS.get(name, str(name)) if isinstance(name, str) else str(name["name"]) for name in of
    ]


def neurons(
    axes: Axes, params: Params, groups: Groups, number: int, *, size: float = 14, marker: str = "o"
) -> None:
    """A layer from above: shown neurons in the color of their group, the others small and gray."""
    position, strong = np.asarray(params["layers"][str(number)]["p"]), shown(params, number)
    axes.plot(*position[~strong].T, ".", color="0.78", markersize=2, zorder=1)
    for group in range(max(of.max() for of in groups.values()) + 1):
        own = strong & (groups[number] == group)
        axes.scatter(
            position[own, 0],
            position[own, 1],
            s=size,
            color=COLORS[group],
            marker=marker,
            linewidths=0,
            alpha=0.85,
            zorder=2,
        )
    axes.set_aspect("equal", adjustable="datalim")
    axes.tick_params(labelsize=7)
    plain(axes)


def legend(figure: Figure, names: Sequence[str], *, weak: bool = True) -> None:
    """Which color is which task's; `weak` explains the gray points, too."""
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], marker="o", linestyle="", color=COLORS[i], markersize=5, label=name)
        for i, name in enumerate(names)
    ]
    if weak:
        marks.append(
            Line2D(
                [], [], marker=".", linestyle="", color="0.78", label="weak neurons (footnote 4)"
            )
        )
    figure.legend(
        handles=marks, fontsize=8, frameon=False, ncols=len(marks), loc="outside upper right"
    )


def numbers(params: Params, groups: Groups, number: int) -> str:
    """What stands over a layer: live neurons, silhouette and purity of their groups."""
    own = places(params, groups, number)
    return (
        f"{len(own[1])} of {len(groups[number])} live\nsilhouette {silhouette(*own):.2f}, 1-NN"
        f" purity {purity(*own):.2f}"
    )


def fig1(evidence: Evidence) -> Figure:
    """All neurons of the split layers from above, and the same at five moments of training."""
    one = runs(evidence, MIXING, SPATIAL)[0]
    moments = snapshots(one)
    figure = canvas(13, 6.6)
    grid = figure.add_gridspec(2, 5)
    axes = figure.add_subplot(grid[:, :2])
    groups = split(one)
    for number, marker in zip(LAYERS, "^os", strict=True):
        neurons(
            axes, one.params, groups, number, size=34 if number == LAYERS[-1] else 20, marker=marker
        )
    axes.set_title(
        f"{named(one)}:\nthird hidden layer triangles, fourth circles, outputs squares", fontsize=8
    )
    own = [places(one.params, groups, number) for number in LAYERS]
    for place, (step, params) in enumerate(moments.items()):
        at = figure.add_subplot(grid[place // 3, 2 + place % 3])
        then = greedy(params, heads(one), LAYERS)
        for number in LAYERS:
            neurons(at, params, then, number, size=6)
        of = [purity(*places(params, then, number)) for number in LAYERS]
        at.set_title(f"step {step:,}: 1-NN purity {np.mean(of):.2f}", fontsize=8)
    legend(figure, tasks(one))
    explain(
        figure,
        "top-down view of all neurons; two clusters, one for each task, with a number of outsiders"
        " around.",
        f"{sum(len(group) for _, group in own)} live neurons; 1-NN purity"
        f" {', '.join(f'{purity(*of):.2f}' for of in own)} and silhouette"
        f" {', '.join(f'{silhouette(*of):.2f}' for of in own)} layer by layer, 1 seed of"
        f" {len(runs(evidence, MIXING, SPATIAL))}. Weak neurons feel only the repulsion and spread"
        " over a lattice: unfiltered there are no clusters to see.",
    )
    return figure


def fig2(evidence: Evidence) -> Figure:
    """The split layers as slices of a stack, with their strong connections."""
    one = runs(evidence, MIXING, SPATIAL)[0]
    figure = canvas(13, 5.6)
    for place, (net, title) in enumerate(
        ((one, "spatial"), (runs(evidence, MIXING, REGULAR)[0], "regular, for comparison"))
    ):
        stacked(figure, (1, 2, place + 1), net, title)
    legend(figure, tasks(one), weak=False)
    groups = split(one)
    explain(
        figure,
        "three-dimensional perspective of the network of Fig. 1, a slice for each layer, the"
        " rightmost the outputs; strong neurons and connections only.",
        f"of the spatial net's absolute weight {crossing(one.params, groups, 3):.1%} connects"
        " neurons of different groups in the fourth hidden layer and"
        f" {crossing(one.params, groups, 4):.1%} in the outputs (gray lines). Of the regular net's"
        " connections the strongest 1,000 are shown.",
    )
    return figure


def stacked(figure: Figure, cell: tuple[int, int, int], one: Trained, title: str) -> None:
    """One net in perspective; connections within a group in its color, those between groups gray.
    """
    from mpl_toolkits.mplot3d.art3d import Line3DCollection

    axes: Any = figure.add_subplot(*cell, projection="3d")
    params, groups = one.params, split(one)
    for depth, number in enumerate(LAYERS):
        position, strong = np.asarray(params["layers"][str(number)]["p"]), shown(params, number)
        for group in range(heads(one)):
            x, y = position[strong & (groups[number] == group)].T
            axes.scatter(
                np.full(len(x), depth),
                x,
                y,
                color=COLORS[group],
                s=16 if depth == 2 else 8,
                depthshade=False,
            )
        if not depth:
            continue
        below = np.asarray(params["layers"][str(number - 1)]["p"])
        w = np.abs(np.asarray(params["layers"][str(number)]["w"])) * np.outer(
            strong, shown(params, number - 1)
        )
        floor = max(EDGE, float(np.sort(w, axis=None)[-1000]))
        ends = np.argwhere(w > floor)
        lines = [[(depth, *position[n]), (depth - 1, *below[m])] for n, m in ends]
        colors = [
            COLORS[groups[number][n]] if groups[number][n] == groups[number - 1][m] else "0.6"
            for n, m in ends
        ]
        axes.add_collection3d(Line3DCollection(lines, colors=colors, linewidths=0.5, alpha=0.45))
    axes.set_xticks(range(len(LAYERS)), NAMES, fontsize=7)
    axes.tick_params(axis="y", labelsize=6)
    axes.tick_params(axis="z", labelsize=6)
    axes.set_box_aspect((1.9, 1, 1), zoom=1.25)
    axes.view_init(elev=16, azim=-62)
    axes.set_title(f"{title}: {named(one)}", fontsize=9, y=0.97)


def table1(evidence: Evidence) -> Figure:
    """Table 1: the paper's cells, ours pooled as its +- seems to be, and with the interval over
    runs.
    """
    figure = canvas(12, 6.4)
    for axes, (which, cells, label) in zip(
        figure.subplots(1, 2),
        (
            ("split", SPLIT, "accuracy after the split"),
            ("drop", DROP, "accuracy lost by the split"),
        ),
        strict=True,
    ):
        cells_of(axes, evidence, which, cells)
        axes.set_title(
            f"{label}; n = 10,000 test pairs, 20,000 images in sequential mode", fontsize=9
        )
        axes.set_xticks(
            range(len(MODES)), [mode.removeprefix("spatial_nets_") for mode in MODES], fontsize=9
        )
        axes.tick_params(labelsize=8)
        plain(axes)
    figure.axes[0].legend(fontsize=8, frameon=False, loc="lower left")
    words = "; ".join(
        f"{mode.removeprefix('spatial_nets_')} {full(evidence, mode, REGULAR)} and"
        f" {full(evidence, mode, SPATIAL)}"
        for mode in MODES
    )
    explain(
        figure,
        "Table 1, mean and standard deviation of three runs; the row of the full network is blank.",
        "mean ± standard deviation over runs and tasks, and in black the 95 % interval over runs. "
        f"Full networks, regular and spatial: {words}.",
    )
    return figure


def full(evidence: Evidence, mode: str, net: Mapping[str, Any]) -> str:
    mean, spread = pooled(evidence, mode, net, "full")
    return f"{mean:.3f} ± {spread:.3f}"


def cells_of(axes: Axes, evidence: Evidence, which: str, cells: Cells) -> None:
    """The paper's cell and three of ours for each mode and kind of net: as in the program, with
    silent neurons, over runs.
    """
    for column, mode in enumerate(cells):
        for kind, (net, color) in enumerate(((REGULAR, COLORS[1]), (SPATIAL, COLORS[0]))):
            at = column + (kind - 0.5) * 0.45
            first = column == 0
            name = ("regular", "spatial")[kind]
            axes.errorbar(
                at - 0.11,
                *cells[mode][kind],
                fmt="D",
                color="0.55",
                capsize=3,
                markersize=4,
                label="paper" if first and not kind else None,
            )
            ours = pooled(evidence, mode, net, which)
            axes.errorbar(
                at, *ours, fmt="o", color=color, capsize=3, label=f"ours, {name}" if first else None
            )
            found = [float(getattr(scores(one), which).mean()) for one in runs(evidence, mode, net)]
            if len(found) > 1:
                over = student(found)
                axes.plot([at + 0.05] * 2, [over.low, over.high], color="black", linewidth=2)
            silent = [
                (
                    scores(one).silent.mean()
                    if which == "split"
                    else (scores(one).full - scores(one).silent).mean()
                )
                for one in runs(evidence, mode, net)
            ]
            label = "ours, disabled neurons silent" if first and not kind else None
            axes.plot(at + 0.13, np.mean(silent), "x", color=color, markersize=6, label=label)


def layers_of(
    evidence: Evidence, config: str, nets: Sequence[tuple[str, Mapping[str, Any]]]
) -> Figure:
    """The split layers of one seed's nets from above, each with its numbers."""
    figure = canvas(11, 3.6 * len(nets) + 0.7)
    for row, (title, net) in zip(
        figure.subplots(len(nets), len(LAYERS), squeeze=False), nets, strict=True
    ):
        one = runs(evidence, config, net)[0]
        groups = split(one)
        for axes, number, name in zip(row, LAYERS, NAMES, strict=True):
            neurons(axes, one.params, groups, number)
            length = (
                f"T {cost(one.params, number)[0]:.3f}, mean length of weight"
                f" {cost(one.params, number)[1]:.2f}"
            )
            axes.set_title(
                f"{title}, seed {one.run.seed}, {name}:"
                f" {numbers(one.params, groups, number)}\n{length}",
                fontsize=8,
            )
    legend(figure, tasks(one))
    return figure


NETS = (("spatial", SPATIAL), ("regular", REGULAR))


def regions(evidence: Evidence) -> Figure:
    """Where the neurons of a spatial net in sequential mode lie, and where those of a regular one.
    """
    figure = layers_of(evidence, SEQUENTIAL, NETS)
    explain(
        figure,
        "neurons naturally split into clusters, one for each task.",
        "in sequential mode they do not: each live neuron of the fourth hidden layer sits on an"
        " output of its own, and outputs of both tasks interleave. Regions form in concatenation"
        " and mixing (Fig. 1).",
    )
    return figure


def rescaled(evidence: Evidence) -> Figure:
    """The spatial and the regular net with ReLU."""
    figure = layers_of(evidence, RELU, NETS)
    explain(
        figure,
        "with ReLU weights can be rescaled without changing the result, so that the loss falls"
        " without a change of spatial structure.",
        "cost falls by smaller weights over longer distances; the third hidden layer separates all"
        " the same, the outputs hardly do.",
    )
    return figure


def three(evidence: Evidence) -> Figure:
    """Three tasks, beyond the paper."""
    figure = layers_of(evidence, THREE, (("spatial", LATE), ("regular", NEVER)))
    found = [scores(runs(evidence, THREE, net)[0]) for net in (LATE, NEVER)]
    words = [
        f"{of.full.mean():.3f} before and {of.split.mean():.3f} after the split" for of in found
    ]
    explain(
        figure,
        "(beyond the paper: M = 3, penalties from epoch 8 on)",
        f"spatial {words[0]}, regular {words[1]} (1 seed, n = 10,000).",
    )
    return figure


LATE: Mapping[str, Any] = {"stages.1.objective.alpha": 1.0}
NEVER: Mapping[str, Any] = {"stages.1.objective.alpha": 0.0}


def between(evidence: Evidence) -> Figure:
    """How much weight crosses from group to group, layer by layer, in all modes."""
    figure = canvas(9, 4.6)
    for axes, number in zip(figure.subplots(1, 2, sharey=True), LAYERS[1:], strict=True):
        for kind, (name, net) in enumerate(NETS):
            for column, mode in enumerate(MODES):
                found = [
                    crossing(one.params, split(one), number) for one in runs(evidence, mode, net)
                ]
                axes.plot(
                    [column + 0.2 * kind - 0.1] * len(found),
                    found,
                    "o",
                    color=COLORS[kind],
                    label=None if column else name,
                    alpha=0.7,
                )
        axes.set_xticks(
            range(len(MODES)), [mode.removeprefix("spatial_nets_") for mode in MODES], fontsize=8
        )
        axes.set_title(f"into the {NAMES[number - LAYERS[0]]}; a point a seed", fontsize=9)
        axes.set_ylim(0, 0.6)
        plain(axes)
    figure.axes[0].set_ylabel("share of absolute weight between groups", fontsize=9)
    figure.axes[0].legend(fontsize=8, frameon=False)
    explain(
        figure,
        "inter-task connections should be close to zero.",
        "small in concatenation and mixing; in sequential mode a quarter of the weight into the"
        " fourth hidden layer crosses.",
    )
    return figure
