"""The figures of the slides on competing hidden units, drawn again from finished runs, and pictures
of some of their claims.

Every function takes the runs by the name of their experiment and draws one figure, which says below
the picture what the slides show and what was measured. Pictures show the first seed; numbers over
all seeds say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from bioexp.figures import mosaic
from bioexp.figures.canvas import COLORS, canvas, explain, named, over_seeds, plain
from bioexp.figures.confusion import confusion as draw_confusion
from bioexp.figures.robustness_curve import MARKERS
from bioexp.papers.competing_hidden_units import dynamics, filters, measures
from bioexp.papers.competing_hidden_units.measures import AUTHOR, AUTHOR_RULES, SLOW
from bioexp.papers.measuring import accuracy, each, predictions, runs, weights
from bioexp.papers.paper import Evidence, Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# of lines, as many as there are units traced
STYLES: tuple[Any, ...] = (
    "-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (8, 3))
)  # fmt: skip


def h_dynamics(evidence: Evidence) -> Figure:
    """Currents of one image, and activities under inhibition, before and after learning."""
    trained = evidence[SLOW][0]
    figure = canvas(9.6, 8.0)
    ends = [dynamics.traces(trained, w) for w in dynamics.ends(trained)]
    titles = ("before learning", "after learning")
    above, below = figure.subplots(2, 2, height_ratios=(2, 3))
    for axes, traces, title in zip(above, ends, titles, strict=True):
        _currents(axes, traces)
        active = (traces.rest > 0).sum()
        axes.set_title(f"{title}: {active} of {len(traces.rest)} units active at rest", fontsize=9)
    for axes, traces in zip(below, ends, strict=True):
        _traces(axes, traces)
    figure.suptitle(
        f"currents and activities of one training image under inhibition (eq. 1): {named(trained)}",
        fontsize=11,
    )
    before, after = ends
    explain(
        figure,
        "the currents of a pattern, and the activities that eq. 1 turns them into under global"
        " inhibition (w_inh = 0.8).",
        f"Euler's method with a step of {dynamics.TIME_STEP} tau for {dynamics.DURATION:g} tau; the"
        f" {len(before.top)} units that are most active at rest by their numbers,"
        f" {before.others.shape[1]} others grey; marks at the right: the exact steady state,"
        f" from which the activities are {before.off:.1g} and {after.off:.1g} away at the end"
        " (largest of all units). n=1 image. The slides integrate for 93 ms a pattern.",
    )
    return figure


def _styles(traces: dynamics.Traces) -> Iterator[tuple[int, str, Any, str]]:
    """Of every unit that is traced its number, color, dash and marker."""
    looks = zip(traces.top, (*COLORS, "#999933"), STYLES, MARKERS, strict=False)
    return ((int(unit), color, style, marker) for unit, color, style, marker in looks)


def _currents(axes: Axes, traces: dynamics.Traces) -> None:
    axes.plot(traces.currents, ".", color="0.7", markersize=3)
    for unit, color, _, marker in _styles(traces):
        axes.plot(unit, traces.currents[unit], marker, color=color, markersize=6)
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.set_xlabel("number of the unit", fontsize=9)
    axes.set_ylabel("current I = W v", fontsize=9)
    axes.tick_params(labelsize=8)
    plain(axes)


def _traces(axes: Axes, traces: dynamics.Traces) -> None:
    axes.plot(traces.times, traces.others, color="0.8", linewidth=0.5)
    for number, (unit, color, style, marker) in enumerate(_styles(traces)):
        h, label = traces.of_top[:, number], f"unit {unit}"
        axes.plot(traces.times, h, color=color, linestyle=style, linewidth=1.4, label=label)
        axes.plot(traces.times[-1], traces.rest[unit], marker, color=color, clip_on=False)
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_ylim(1.15 * min(traces.others.min(), -0.1), 1.15 * traces.of_top.max())
    axes.set_xlabel("time t [tau]", fontsize=9)
    axes.set_ylabel("activity h [units of the input current]", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    plain(axes)


def h_at_rest(evidence: Evidence) -> Figure:
    """Activity at rest of every unit for one image, against the threshold of eq. 2."""
    trained = evidence[AUTHOR][0]
    threshold = dynamics.option(trained, "threshold")
    figure = canvas(9.6, 5.2)
    titles, counts = ("before learning", "after learning"), []
    panels = zip(figure.subplots(1, 2), dynamics.ends(trained), titles, strict=True)
    for axes, w, title in panels:
        h = dynamics.at_rest(trained, w, 1)[0]
        unit = np.arange(len(h))
        ranges = {
            "g = 0 (h < 0)": (h < 0, COLORS[0], "."),
            "g = -Delta": ((h >= 0) & (h < threshold), COLORS[1], "s"),
            "g = 1 (h >= h*)": (h >= threshold, COLORS[2], "^"),
        }
        for name, (there, color, marker) in ranges.items():
            label = f"{name}: {there.sum()} units"
            axes.plot(unit[there], h[there], marker, color=color, markersize=5, label=label)
        counts.append([int(there.sum()) for there, _, _ in ranges.values()])
        axes.axhline(threshold, color="0.2", linestyle="--", linewidth=1)
        axes.annotate("h*", (1, threshold), (4, -3), xycoords=("axes fraction", "data"),
                      textcoords="offset points", fontsize=9)  # fmt: skip
        axes.axhline(0, color="0.5", linewidth=0.8)
        axes.set_yscale("symlog", linthresh=1)
        axes.set_xlabel("number of the unit", fontsize=9)
        axes.set_ylabel("activity at rest h [units of the input current]", fontsize=9)
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.legend(
            fontsize=8, frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.13)
        )
        plain(axes)
    figure.suptitle(f"activities at rest by unit: {named(trained)}", fontsize=11)
    explain(
        figure,
        "h at rest of every hidden unit, few of which are above the threshold h*.",
        f"the author's settings (w_inh = {dynamics.option(trained, 'inhibition'):g}, h* ="
        f" {threshold:g}), the first training image: units with g = 0, -Delta, 1 before learning"
        f" {counts[0]}, after it {counts[1]}. n=1 image.",
    )
    return figure


def one_presentation(evidence: Evidence) -> Figure:
    """|W|^2 of a unit while one image is shown, in each range of eq. 2."""
    trained = evidence[AUTHOR][0]
    shown = dynamics.one_presentation(trained)
    figure = canvas(7.2, 5.0)
    axes = figure.add_subplot()
    looks = zip(COLORS, STYLES, shown.squares.items(), strict=False)
    for color, style, (name, squares) in looks:
        axes.plot(shown.times, squares, color=color, linestyle=style, label=name, linewidth=1.8)
    axes.axhline(1, color="0.4", linewidth=0.8)
    axes.annotate("|W| = 1", (shown.times[-1], 1), (-2, 3), textcoords="offset points",
                  ha="right", fontsize=8)  # fmt: skip
    axes.axvline(shown.end, color="0.4", linestyle=":", linewidth=1)
    axes.annotate("the author's presentation ends", (shown.end, 0.5), (-3, 0), rotation=90,
                  xycoords=("data", "axes fraction"), textcoords="offset points", ha="right",
                  va="center", fontsize=8)  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(0.3, 1e5)
    axes.set_xlabel("time t [tau_L]", fontsize=9)
    axes.set_ylabel("squared Euclidean length |W|^2", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False, loc="upper center")
    plain(axes)
    figure.suptitle(f"one presentation: {named(trained)}", fontsize=11)
    blown = [
        f"g = {name.removeprefix('g = ')} at t = {shown.times[np.isnan(values)][0]:.2g} tau_L"
        for name, values in shown.squares.items()
        if np.isnan(values).any()
    ]
    explain(
        figure,
        "|W|^2 over one presentation converges to 1 for g = 1, grows for g = -Delta and stays for"
        " g = 0.",
        f"eq. 3 exactly, the unit of the median current, W v/|v| = {shown.along:.1f} at the"
        " start; blows up:"
        f" {', '.join(blown) or 'none'}. n=1 unit, 1 image.",
    )
    return figure


def alike(evidence: Evidence) -> Figure:
    """Units with and without inhibition, and how alike each is to its nearest other."""
    nets = {
        "with inhibition (w_inh = 0.7)": evidence[AUTHOR][0],
        "without": runs(evidence, AUTHOR_RULES, settings="no-inhibition")[0],
    }
    figure = canvas(10.2, 4.4)
    panels = figure.subplots(1, 3)
    looks = zip(panels, COLORS, ("-", "--"), nets.items(), strict=False)
    for axes, color, style, (name, trained) in looks:
        w = weights(trained, 0)
        learned = w[np.linalg.norm(w, axis=1) < 2]
        mosaic.tiles(axes, learned[:25], trained.dataset.shape, 5)
        axes.set_title(f"{name}, 25 units", fontsize=9)
        near = np.sort(filters.nearest_cosines(w))
        share = np.arange(1, len(near) + 1) / len(near)
        panels[2].plot(near, share, style, color=color, linewidth=1.8, label=name)
    panels[2].axvline(filters.ALIKE, color="0.4", linestyle=":", linewidth=1)
    panels[2].set_xlabel("cosine with the nearest other unit", fontsize=9)
    panels[2].set_ylabel("share of units below", fontsize=9)
    panels[2].tick_params(labelsize=8)
    panels[2].legend(fontsize=8, frameon=False, loc="upper left")
    plain(panels[2])
    figure.suptitle("inhibition keeps units apart, seed 0", fontsize=11)
    with_it = each(AUTHOR, filters.duplicated)
    without = each(AUTHOR_RULES, filters.duplicated, settings="no-inhibition")
    explain(
        figure,
        "lateral inhibition keeps other neurons from becoming selective to the same pattern.",
        f"share of units with a cosine above {filters.ALIKE} to another: {_said(with_it, evidence)}"
        f" with inhibition, {_said(without, evidence)} without; dotted: that"
        " cosine. Shown are the first 25 units that learned.",
    )
    return figure


def g_of_h(evidence: Evidence) -> Figure:
    """The plasticity of eq. 2 in its readings, and how often units are in each of its ranges."""
    trained = evidence[SLOW][0]
    curves = dynamics.readings(trained)
    figure = canvas(9.6, 4.8)
    left, right = figure.subplots(1, 2)
    _plasticity(left, curves, (-0.6, 1.1), "whole range")
    _plasticity(right, curves, (-0.02, 0.02), "enlarged: the sign of the middle range")
    left.legend(fontsize=8, frameon=False, loc="upper left")
    figure.suptitle("plasticity g(h), eq. 2", fontsize=11)
    ends = dynamics.ends(trained)
    shares = [dynamics.ranges(trained, w) for w in ends]
    words = " / ".join(f"{silent:.1%}, {anti:.1%}, {hebb:.1%}" for silent, anti, hebb in shares)
    explain(
        figure,
        "g(h) with a negative middle range; the author found Delta = -0.4 unstable and changed it"
        " to Delta = -0.01.",
        f"shares of units with g = 0, -Delta, 1 before / after learning: {words}"
        f" (n={dynamics.PATTERNS} training images x {len(ends[0])} units, {named(trained)}).",
    )
    return figure


def _plasticity(
    axes: Axes, curves: dynamics.Plasticity, limits: tuple[float, float], title: str
) -> None:
    for color, style, (name, g) in zip(COLORS, ("-", "--", ":"), curves.g.items(), strict=False):
        axes.plot(curves.h, g, style, color=color, label=name, linewidth=1.8)
    axes.set_ylim(*limits)
    axes.axvline(curves.threshold, color="0.5", linewidth=0.8)
    place = (curves.threshold, limits[0])
    axes.annotate("h*", place, (3, 4), textcoords="offset points", fontsize=8)
    axes.set_xlabel("activity at rest h [units of the input current]", fontsize=9)
    axes.set_ylabel("g(h), factor of the weight change", fontsize=9)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=8)
    plain(axes)


def norms(evidence: Evidence) -> Figure:
    """The length of every unit's weights against time, and the histogram at the end."""
    trained = evidence[SLOW][0]
    steps, lengths = dynamics.lengths(trained)
    figure = canvas(9.6, 4.9)
    left, right = figure.subplots(1, 2)
    left.plot(steps, lengths, color="0.6", linewidth=0.4, alpha=0.5)
    left.plot([], [], color="0.6", linewidth=1, label=f"each of {lengths.shape[1]} units")
    middle = np.median(lengths, axis=1)
    left.plot(steps, middle, "-o", color=COLORS[0], markersize=4, label="median")
    left.axhline(1, color=COLORS[1], linestyle="--", linewidth=1.2, label="|W| = 1")
    left.set_yscale("log")
    left.set_xlabel("images presented", fontsize=9)
    left.set_ylabel("Euclidean length |W| of a unit's weights", fontsize=9)
    left.legend(fontsize=8, frameon=False)
    near = lengths[-1][lengths[-1] < 1.2]
    right.hist(near, bins=np.linspace(0.8, 1.2, 81), color=COLORS[0])
    right.axvline(1, color=COLORS[1], linestyle="--", linewidth=1.2)
    right.set_yscale("log")
    right.set_xlabel("|W| after learning (0.005 a bin)", fontsize=9)
    right.set_ylabel("number of units", fontsize=9)
    right.set_title(f"{len(lengths[-1]) - len(near)} units are beyond 1.2", fontsize=9)
    for axes in (left, right):
        axes.tick_params(labelsize=8)
        plain(axes)
    figure.suptitle(f"weights converge to the unit sphere (eq. 3): {named(trained)}", fontsize=11)
    explain(
        figure,
        "as t grows the weights of each unit converge to the unit sphere in the Euclidean norm,"
        " verified by the simulation.",
        f"share of units within 1 % of unit length {_said(measures.settled(SLOW, 1), evidence)},"
        f" within 5 % {_said(measures.settled(SLOW, 5), evidence)};"
        f" {measures.last('blow_ups', trained):.0f} blow-ups.",
    )
    return figure


def anti_hebbian(evidence: Evidence) -> Figure:
    """The length of a unit's weights while an image holds it in the anti-Hebbian range."""
    figure = canvas(6.8, 4.8)
    axes = figure.add_subplot()
    times = np.linspace(0, 4, 801)
    starts = (0.0, 0.9, 0.99, 1.01, 1.1, 2.0)
    for color, style, along in zip(COLORS, STYLES, starts, strict=False):
        lengths, label = dynamics.held_lengths(along, times), f"W v/|v| = {along:g} at the start"
        axes.plot(times, lengths, color=color, linestyle=style, label=label)
    axes.set_yscale("log")
    axes.set_ylim(0.1, 100)
    axes.axhline(1, color="0.4", linestyle="--", linewidth=1)
    axes.set_xlabel("time in the range, |g| |v| t / tau_L", fontsize=9)
    axes.set_ylabel("Euclidean length |W|", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False)
    plain(axes)
    figure.suptitle("a unit held in the anti-Hebbian range (eq. 3, exact)", fontsize=11)
    explain(
        figure,
        "weights of a neuron whose activity falls in the anti-Hebbian range grow in an unbounded"
        " way.",
        "only where W v/|v| > 1, and then in finite time; elsewhere W tends to -v/|v|, of length"
        " 1. Share of units in that range that are beyond 1:"
        f" {_said(each(AUTHOR, dynamics.runs_away_before), evidence)} before learning,"
        f" {_said(each(AUTHOR, dynamics.runs_away_after), evidence)} after it, the author's"
        f" settings (n={dynamics.HELD:,} training images).",
    )
    return figure


def feature_maps(evidence: Evidence) -> Figure:
    """100 of the 484 feature maps of the slow rule."""
    trained = evidence[SLOW][0]
    figure = canvas(6.6, 6.9)
    axes = figure.add_subplot()
    shown = filters.filters(trained, 100)
    drawn = mosaic.tiles(axes, shown.w, shown.shape, 10)
    mosaic.scale(figure, drawn, axes)
    axes.set_title(f"feature maps, the first 100 units: {named(trained)}", fontsize=10)
    explain(
        figure,
        "100 of the 484 feature maps after unsupervised training on 600 images, human-level"
        " features.",
        "mean best correlation of a unit with a class mean"
        f" {_said(filters.likeness_of_slow, evidence)}; {shown.units} units,"
        f" n={measures.unlabeled(trained):,} training images.",
    )
    return figure


def confusion(evidence: Evidence) -> Figure:
    """The confusion matrix of the author's head."""
    trained = evidence[AUTHOR][0]
    figure = canvas(6.4, 6.2)
    labels, classes = trained.dataset.y_test, trained.dataset.n_classes
    draw_confusion(figure.add_subplot(), labels, predictions(trained), classes)
    figure.suptitle(
        f"confusion matrix, n={len(labels):,} test images: {named(trained)}", fontsize=10
    )
    scores = [accuracy(net) for net in evidence[AUTHOR]]
    explain(
        figure,
        "the confusion matrix of the bio net, accuracy 0.8393.",
        f"accuracy {accuracy(trained):.4f} of this seed, median {np.median(scores):.4f} of"
        f" {len(scores)} seeds ({min(scores):.4f} to {max(scores):.4f}), the author's settings.",
    )
    return figure


def _said(measure: Measure, evidence: Evidence) -> str:
    """A measure in words: its mean over seeds, and their range."""
    return over_seeds(list(measure(evidence).values()))
