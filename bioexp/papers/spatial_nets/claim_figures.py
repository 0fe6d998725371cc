"""Pictures of numbers over seeds: Table 1 and what the paper's sentences compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.measures.interval import student
from bioexp.papers.measuring import each
from bioexp.papers.paper import Evidence, Measure
from bioexp.papers.spatial_nets.figures import NAMES
from bioexp.papers.spatial_nets.measures import (
    CONCATENATION,
    DROP,
    MIXING,
    MODES,
    NETS,
    PRINTED,
    SHORT,
    SPLIT,
    SUCCESS,
    TURNED,
    Cells,
    Row,
    gained,
    over_runs,
    pooled,
    succeeds,
    task_mean,
    worst_task,
)
from bioexp.papers.spatial_nets.regions import by_permuted_groups, crossing_into, share_between
from bioexp.papers.spatial_nets.splits import LAYERS, WAYS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = dict(zip(NETS, ((COLORS[0], "o"), (COLORS[1], "s")), strict=True))  # color and marker


def table1(evidence: Evidence) -> Figure:
    """Table 1: the paper's cells, ours pooled as its +- seems to be, and with the interval over
    runs.
    """
    figure = canvas(12, 6.4)
    left, right = figure.subplots(1, 2)
    _cells(left, evidence, SPLIT, "split", "silent")
    _cells(right, evidence, DROP, "drop", "silent_drop")
    for axes, label in ((left, "accuracy after the split"), (right, "accuracy lost by the split")):
        axes.set_title("n = 10,000 test pairs, 20,000 images in sequential mode", fontsize=9)
        axes.set_ylabel(f"{label} (share of test images)", fontsize=9)
        _modes(axes)
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
        "mean ± standard deviation over runs and tasks, and in black the 95 % t interval over runs."
        f" Full networks, regular and spatial: {words}.",
    )
    return figure


def _modes(axes: Axes) -> None:
    axes.set_xticks(range(len(MODES)), list(SHORT.values()), fontsize=9)
    axes.set_xlabel("how the input is presented", fontsize=9)
    axes.tick_params(labelsize=8)
    plain(axes)


def _cells(axes: Axes, evidence: Evidence, cells: Cells, row: Row, silent: Row) -> None:
    """The paper's cell and three of ours for each mode and kind of net: as in the program, over
    runs, with silent neurons.
    """
    for column, (mode, nets) in enumerate(cells.items()):
        for place, (net, printed) in enumerate(nets.items()):
            at, (color, marker) = column + (place - 0.5) * 0.45, STYLES[net]
            first, once = column == 0, column == place == 0
            own = (evidence, mode, net)
            axes.errorbar(
                at - 0.13,
                *printed,
                fmt="D",
                color="0.55",
                capsize=3,
                markersize=4,
                label="paper, ± its standard deviation" if once else None,
            )
            ours = f"ours, {net}" if first else None
            axes.errorbar(
                at - 0.04, *pooled(*own, row), fmt=marker, color=color, capsize=3, label=ours
            )
            if interval := over_runs(*own, row):
                label = "ours, 95 % interval over runs" if once else None
                axes.plot([at + 0.03] * 2, interval, color="black", linewidth=2, label=label)
            axes.errorbar(
                at + 0.12,
                *pooled(*own, silent),
                fmt="x",
                color=color,
                linestyle="",
                elinewidth=0.8,
                capsize=2,
                label="ours, disabled neurons silent" if once else None,
            )


def no_cost(evidence: Evidence) -> Figure:
    """What the penalties cost the whole net, seed by seed, and what penalties cost that do."""
    figure = canvas(9, 4.8)
    axes = figure.subplots()
    rows = [(SHORT[mode], gained(task_mean("full"), mode)) for mode in MODES]
    words = _dots(axes, evidence, rows)
    axes.axvline(0, color="0.5", linewidth=1)
    axes.axvline(-0.01, color=COLORS[1], linestyle="--", linewidth=1, label="one point: the bar")
    axes.set_xlabel(
        "accuracy of the whole spatial net less the regular one's of the same seed", fontsize=9
    )
    figure.legend(fontsize=8, frameon=False, loc="outside upper right")
    as_printed = _mean(evidence, each(PRINTED, task_mean("full"), alpha="printed"))
    explain(
        figure,
        "the spatial losses do not lower the full network's accuracy.",
        f"{words}; a circle a seed, in black the 95 % t interval over seeds. Penalties can cost:"
        f" with T as printed and alpha 1 the net is at {as_printed}.",
    )
    return figure


def _dots(axes: Axes, evidence: Evidence, rows: Sequence[tuple[str, Measure]]) -> str:
    """A line for each measure, from above: its seeds and the interval of their mean; in words."""
    words = []
    for place, (name, measure) in enumerate(rows):
        values = list(measure(evidence).values())
        y = len(rows) - 1 - place
        axes.plot(values, np.full(len(values), y), "o", color=COLORS[place], alpha=0.6)
        if len(values) > 1:
            interval = student(values)
            ends = [interval.low, interval.high]
            axes.plot(ends, [y - 0.15] * 2, color="black", linewidth=2)
        words.append(f"{name} {np.mean(values):.3f} ({len(values)} seeds)")
    axes.set_yticks(range(len(rows)), [name for name, _ in rows][::-1], fontsize=9)
    axes.set_ylim(-0.6, len(rows) - 0.2)
    axes.tick_params(axis="x", labelsize=8)
    plain(axes)
    return ", ".join(words)


def prior(evidence: Evidence) -> Figure:
    """Regular nets after the split, by what their inputs are."""
    figure = canvas(9, 4.6)
    axes = figure.subplots()
    rows = [
        ("concatenation", each(CONCATENATION, task_mean("split"), net="regular")),
        ("sums and differences", each(TURNED, task_mean("split"))),
        ("mixing", each(MIXING, task_mean("split"), net="regular")),
    ]
    words = _dots(axes, evidence, rows)
    axes.set_xlabel(
        "accuracy of the regular net after the split (share of test images)", fontsize=9
    )
    for mode, color, dashes in ((CONCATENATION, COLORS[0], ":"), (MIXING, COLORS[2], "--")):
        label = f"the paper's {SHORT[mode]}"
        axes.axvline(SPLIT[mode]["regular"][0], color=color, linestyle=dashes, label=label)
    figure.legend(fontsize=8, frameon=False, loc="outside upper right", ncols=2)
    explain(
        figure,
        "the regular net performs well after the split with concatenated input, presumably because"
        " this imposes a structural prior encouraging it to form two separate parts.",
        f"{words}; sums and differences of both images' pixels say the same, but no input belongs"
        " to one task.",
    )
    return figure


def between(evidence: Evidence) -> Figure:
    """How much weight crosses from group to group, layer by layer, in all modes."""
    figure = canvas(10, 5)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, number in zip(panels, LAYERS[1:], strict=True):
        permuted = by_permuted_groups(crossing_into(number))
        for place, net in enumerate(NETS):
            of_modes = {mode: each(mode, share_between(number), net=net) for mode in MODES}
            _points(axes, evidence, of_modes, 0.2 * place - 0.2, net, STYLES[net])
        of_modes = {mode: each(mode, permuted, net="spatial") for mode in MODES}
        _points(axes, evidence, of_modes, 0.2, "groups permuted", (COLORS[2], "^"))
        axes.axhline(0.1, color="0.3", linestyle="--", linewidth=1, label="bar")
        axes.set_title(f"into the {NAMES[number]}; a point a seed", fontsize=9)
        axes.set_ylim(0, 0.62)
        _modes(axes)
    panels[0].set_ylabel("share of absolute weight between groups", fontsize=9)
    panels[1].legend(fontsize=8, frameon=False, loc="center left")
    words = ", ".join(
        f"{name} "
        + " and ".join(
            _mean(evidence, each(mode, share_between(number), net="spatial"))
            for number in LAYERS[1:]
        )
        for mode, name in SHORT.items()
    )
    explain(
        figure,
        "inter-task connections should be close to zero.",
        f"spatial nets, into the fourth hidden layer and the outputs: {words}.",
    )
    return figure


def _mean(evidence: Evidence, measure: Measure) -> str:
    return f"{np.mean(list(measure(evidence).values())):.2f}"


def _points(
    axes: Axes,
    evidence: Evidence,
    of_modes: Mapping[str, Measure],
    shift: float,
    label: str,
    style: tuple[str, str],
) -> None:
    """A point for each seed in every mode's column. style: color and marker."""
    color, marker = style
    for column, measure in enumerate(of_modes.values()):
        values = list(measure(evidence).values())
        axes.plot(
            column + shift + np.linspace(-0.05, 0.05, len(values)),
            values,
            marker,
            color=color,
            label=None if column else label,
            alpha=0.7,
            markersize=5,
        )


def other_splits(evidence: Evidence) -> Figure:
    """What each way to split leaves of both kinds of nets, seed by seed."""
    figure = canvas(12, 5)
    panels = figure.subplots(1, len(WAYS), sharey=True)
    for axes, (way, name) in zip(panels, WAYS.items(), strict=True):
        for place, net in enumerate(NETS):
            of_modes = {mode: each(mode, worst_task(way), net=net) for mode in MODES}
            _points(axes, evidence, of_modes, 0.2 * place - 0.1, net, STYLES[net])
        axes.axhline(0.1, color="0.6", linestyle=":", linewidth=1.2, label="chance")
        axes.axhline(SUCCESS, color="0.3", linestyle="--", linewidth=1, label="both tasks right")
        axes.set_title(f"{name}; a point a seed", fontsize=9)
        axes.set_ylim(0, 1)
        _modes(axes)
    panels[0].set_ylabel("accuracy after the split, the worse of both tasks", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, frameon=False, loc="outside upper right", ncols=4)
    words = "; ".join(
        f"{name} "
        + ", ".join(
            f"{short} {_mean(evidence, each(mode, succeeds(way), net='spatial'))}"
            for mode, short in SHORT.items()
        )
        for way, name in WAYS.items()
    )
    explain(
        figure,
        "splitting based on spectral clustering and on activation statistics failed completely.",
        f"share of spatial nets with both tasks above {SUCCESS}: {words}.",
    )
    return figure
