"""Pictures of where neurons lie: the split layers of nets from above, with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bioexp.experiment import Trained
from bioexp.figures.canvas import COLORS, canvas, explain, over_seeds, plain
from bioexp.papers.measuring import each, runs
from bioexp.papers.paper import Evidence
from bioexp.papers.spatial_nets.figures import NAMES, coordinates, legend, neurons, tasks
from bioexp.papers.spatial_nets.measures import (
    MIXING,
    MODES,
    NETS,
    RELU,
    SHORT,
    THREE,
    Number,
    task_mean,
)
from bioexp.papers.spatial_nets.regions import (
    by_permuted_groups,
    layer_mean,
    mean_sorting,
    planes,
    single_output,
)
from bioexp.papers.spatial_nets.splits import LAYERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def regions(evidence: Evidence) -> Figure:
    """Where the neurons of spatial nets lie in all modes, and how sorted those of all seeds are."""
    figure = canvas(14, 3.6 * len(MODES) + 0.9)
    grid = figure.add_gridspec(len(MODES), len(LAYERS) + 1)
    shown = [(SHORT[mode], runs(evidence, mode, net="spatial")[0]) for mode in MODES]
    for row, (name, trained) in enumerate(shown):
        panels = [figure.add_subplot(grid[row, column]) for column in range(len(LAYERS))]
        _layers(panels, name, trained)
    seeds = figure.add_subplot(grid[:, -1])
    _sorting(seeds, evidence)
    legend(figure, tasks(shown[0][1]))
    words = "; ".join(
        f"{SHORT[mode]}: 1-NN purity above chance"
        f" {_seeds(evidence, mode, layer_mean('sorting'), 'spatial')}, share of a last hidden"
        f" neuron's outgoing weight on one output"
        f" {_seeds(evidence, mode, single_output, 'spatial')}"
        for mode in MODES
    )
    explain(
        figure,
        "neurons naturally split into clusters, one for each task.",
        f"spatial nets, seed 0; {words}.",
    )
    return figure


def _sorting(axes: Axes, evidence: Evidence) -> None:
    """How sorted live neurons are in every mode: spatial and regular nets, and permuted groups."""
    sorted_by = layer_mean("sorting")
    kinds = (
        *((net, {mode: each(mode, sorted_by, net=net) for mode in MODES}) for net in NETS),
        (
            "spatial, groups permuted",
            {mode: each(mode, by_permuted_groups(mean_sorting), net="spatial") for mode in MODES},
        ),
    )
    for place, (label, of_modes) in enumerate(kinds):
        for column, measure in enumerate(of_modes.values()):
            values = list(measure(evidence).values())
            axes.plot(
                np.full(len(values), column + 0.22 * (place - 1)),
                values,
                "os^"[place],
                color=COLORS[place],
                label=None if column else label,
                alpha=0.7,
            )
    axes.axhline(0.6, color="0.3", linestyle="--", linewidth=1, label="bar")
    axes.set_xticks(range(len(MODES)), list(SHORT.values()), fontsize=8)
    axes.set_xlabel("how the input is presented", fontsize=9)
    axes.set_ylim(-0.35, 1.05)
    axes.set_ylabel("1-NN purity above chance, mean of layers; a point a seed", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False, loc="lower left")
    plain(axes)


def rescaled(evidence: Evidence) -> Figure:
    """The spatial and the regular net with ReLU."""
    figure = _both_nets(evidence, RELU)

    def both(number: Number, experiment: str) -> str:
        return " and ".join(_seeds(evidence, experiment, number, net) for net in NETS)

    words = "; ".join(
        f"{name}, spatial and regular: a unit of weight"
        f" {both(layer_mean('length'), experiment)} long, 1-NN purity"
        f" {both(layer_mean('purity'), experiment)}"
        for experiment, name in ((RELU, "ReLU"), (MIXING, "sigmoid"))
    )
    explain(
        figure,
        "with ReLU weights can be rescaled without changing the result, so that the loss falls"
        " without a change of spatial structure.",
        f"{words} (means over layers).",
    )
    return figure


def _seeds(evidence: Evidence, experiment: str, number: Number, net: str) -> str:
    """A number of several seeds in words."""
    return over_seeds(list(each(experiment, number, net=net)(evidence).values()))


def three(evidence: Evidence) -> Figure:
    """Three tasks, beyond the paper."""
    figure = _both_nets(evidence, THREE)
    first = {net: runs(evidence, THREE, net=net)[0] for net in NETS}
    words = ", ".join(
        f"{net} {task_mean('full')(trained):.3f} before and {task_mean('split')(trained):.3f}"
        " after the split"
        for net, trained in first.items()
    )
    explain(
        figure,
        "(beyond the paper: M = 3, penalties from epoch 8 on)",
        f"{words} (1 seed, n = 10,000).",
    )
    return figure


def _both_nets(evidence: Evidence, experiment: str) -> Figure:
    """The split layers of one seed's nets from above."""
    figure = canvas(11, 3.7 * len(NETS) + 0.8)
    panels = figure.subplots(len(NETS), len(LAYERS))
    for row, net in zip(panels, NETS, strict=True):
        trained = runs(evidence, experiment, net=net)[0]
        _layers(row, net, trained)
    legend(figure, tasks(trained))
    return figure


def _layers(row: Sequence[Axes], name: str, trained: Trained) -> None:
    """The split layers of a net from above, each with its numbers."""
    for axes, (number, layer) in zip(row, planes(trained).items(), strict=True):
        neurons(axes, layer)
        coordinates(axes)
        axes.set_title(
            f"{name}, {NAMES[number]}: {layer.live} of {len(layer.group)} live\n1-NN purity"
            f" {layer.purity:.2f}, above chance {layer.sorting:.2f}, silhouette"
            f" {layer.silhouette:.2f}\nT {layer.transport:.3f}, mean length of weight"
            f" {layer.length:.2f}",
            fontsize=8,
        )
