"""Pictures of what the paper's table and sentences say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.papers.measuring import each, runs
from bioexp.papers.paper import Evidence
from bioexp.papers.spatial_nets.figures import NAMES, legend, neurons, tasks
from bioexp.papers.spatial_nets.measures import (
    DROP,
    MODES,
    NETS,
    RELU,
    SEQUENTIAL,
    SHORT,
    SPLIT,
    THREE,
    Cells,
    Row,
    over_runs,
    pooled,
    task_mean,
)
from bioexp.papers.spatial_nets.regions import planes, share_between
from bioexp.papers.spatial_nets.splits import LAYERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NET_COLORS = dict(zip(NETS, COLORS, strict=False))


def table1(evidence: Evidence) -> Figure:
    """Table 1: the paper's cells, ours pooled as its +- seems to be, and with the interval over
    runs.
    """
    figure = canvas(12, 6.4)
    left, right = figure.subplots(1, 2)
    _cells(left, evidence, SPLIT, "split", "silent")
    _cells(right, evidence, DROP, "drop", "silent_drop")
    for axes, label in ((left, "accuracy after the split"), (right, "accuracy lost by the split")):
        axes.set_title(
            f"{label}; n = 10,000 test pairs, 20,000 images in sequential mode", fontsize=9
        )
        axes.set_xticks(range(len(MODES)), list(SHORT.values()), fontsize=9)
        axes.tick_params(labelsize=8)
        plain(axes)
    left.legend(fontsize=8, frameon=False, loc="lower left")
    whole = {
        name: [pooled(evidence, mode, net, "full") for net in reversed(NETS)]
        for mode, name in SHORT.items()
    }
    words = "; ".join(
        f"{name} " + " and ".join(f"{mean:.3f} ± {spread:.3f}" for mean, spread in of_nets)
        for name, of_nets in whole.items()
    )
    explain(
        figure,
        "Table 1, mean and standard deviation of three runs; the row of the full network is blank.",
        "mean ± standard deviation over runs and tasks, and in black the 95 % interval over runs. "
        f"Full networks, regular and spatial: {words}.",
    )
    return figure


def _cells(axes: Axes, evidence: Evidence, cells: Cells, row: Row, silent: Row) -> None:
    """The paper's cell and three of ours for each mode and kind of net: as in the program, with
    silent neurons, over runs.
    """
    for column, (mode, nets) in enumerate(cells.items()):
        for place, (net, printed) in enumerate(nets.items()):
            at, color = column + (place - 0.5) * 0.45, NET_COLORS[net]
            first, once = column == 0, column == place == 0
            own = (evidence, mode, net)
            axes.errorbar(
                at - 0.11,
                *printed,
                fmt="D",
                color="0.55",
                capsize=3,
                markersize=4,
                label="paper" if once else None,
            )
            ours = f"ours, {net}" if first else None
            axes.errorbar(at, *pooled(*own, row), fmt="o", color=color, capsize=3, label=ours)
            if interval := over_runs(*own, row):
                axes.plot([at + 0.05] * 2, interval, color="black", linewidth=2)
            label = "ours, disabled neurons silent" if once else None
            axes.plot(at + 0.13, pooled(*own, silent)[0], "x", color=color, label=label)


def regions(evidence: Evidence) -> Figure:
    """Where the neurons of both kinds of nets lie in sequential mode."""
    figure = _layers(evidence, SEQUENTIAL)
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
    figure = _layers(evidence, RELU)
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
    figure = _layers(evidence, THREE)
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


def _layers(evidence: Evidence, experiment: str) -> Figure:
    """The split layers of one seed's nets from above, each with its numbers."""
    figure = canvas(11, 3.6 * len(NETS) + 0.7)
    for row, net in zip(figure.subplots(len(NETS), len(LAYERS)), NETS, strict=True):
        trained = runs(evidence, experiment, net=net)[0]
        for axes, (number, layer) in zip(row, planes(trained).items(), strict=True):
            neurons(axes, layer)
            axes.set_title(
                f"{net}, seed {trained.seed}, {NAMES[number]}: {layer.live} of"
                f" {len(layer.group)} live\nsilhouette {layer.silhouette:.2f}, 1-NN purity"
                f" {layer.purity:.2f}\nT {layer.transport:.3f}, mean length of weight"
                f" {layer.length:.2f}",
                fontsize=8,
            )
    legend(figure, tasks(trained))
    return figure


def between(evidence: Evidence) -> Figure:
    """How much weight crosses from group to group, layer by layer, in all modes."""
    figure = canvas(9, 4.6)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, number in zip(panels, LAYERS[1:], strict=True):
        for place, net in enumerate(NETS):
            for column, mode in enumerate(MODES):
                shares = list(each(mode, share_between(number), net=net)(evidence).values())
                at, label = [column + 0.2 * place - 0.1] * len(shares), None if column else net
                axes.plot(at, shares, "o", color=NET_COLORS[net], label=label, alpha=0.7)
        axes.set_xticks(range(len(MODES)), list(SHORT.values()), fontsize=8)
        axes.set_title(f"into the {NAMES[number]}; a point a seed", fontsize=9)
        axes.set_ylim(0, 0.6)
        plain(axes)
    panels[0].set_ylabel("share of absolute weight between groups", fontsize=9)
    panels[0].legend(fontsize=8, frameon=False)
    explain(
        figure,
        "inter-task connections should be close to zero.",
        "small in concatenation and mixing; in sequential mode a quarter of the weight into the"
        " fourth hidden layer crosses.",
    )
    return figure
