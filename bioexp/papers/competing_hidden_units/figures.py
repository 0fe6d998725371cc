"""The figures of the slides on competing hidden units, drawn again from finished runs, and pictures
of some of their claims.

Every function takes the runs by the name of their experiment and draws one figure, which says below
the picture what the slides show and what was measured. Pictures show the first seed; numbers over
all seeds say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bioexp.experiment import Trained
from bioexp.figures import mosaic
from bioexp.figures.canvas import COLORS, canvas, explain, named, over_seeds, plain
from bioexp.figures.confusion import confusion as draw_confusion
from bioexp.figures.robustness_curve import robustness_curve
from bioexp.papers.competing_hidden_units import dynamics, measures
from bioexp.papers.competing_hidden_units.measures import SLOW
from bioexp.papers.measuring import predictions
from bioexp.papers.paper import Evidence, Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def h_dynamics(evidence: Evidence) -> Figure:
    """Activities under inhibition for one image, before and after learning, and where they rest."""
    trained = evidence[SLOW][0]
    figure = canvas(9.6, 5.2)
    ends = [dynamics.traces(trained, w) for w in dynamics.ends(trained)]
    titles = ("before learning", "after learning")
    for axes, traces, title in zip(figure.subplots(1, 2), ends, titles, strict=True):
        _traces(axes, traces)
        active = (traces.rest > 0).sum()
        axes.set_title(f"{title}: {active} of {len(traces.rest)} units active at rest", fontsize=9)
    figure.suptitle(
        f"activities h(t) of one training image under inhibition (eq. 1): {named(trained)}",
        fontsize=11,
    )
    before, after = ends
    explain(
        figure,
        "the currents of a pattern, and the activities that eq. 1 turns them into under global"
        " inhibition (w_inh = 0.8).",
        f"Euler's method with a step of {dynamics.TIME_STEP} tau for {dynamics.DURATION:g} tau,"
        f" {before.top.shape[1]} most active units in color, {before.others.shape[1]} others grey;"
        " dashed: the exact steady state, from which the activities are"
        f" {before.off:.1g} and {after.off:.1g} away at the end (largest of all units). n=1 image."
        " The slides integrate for 93 ms a pattern; the steady state takes microseconds.",
    )
    return figure


def _traces(axes: Axes, traces: dynamics.Traces) -> None:
    axes.plot(traces.times, traces.others, color="0.75", linewidth=0.5)
    for color, h, rest in zip((*COLORS, "#999933"), traces.top.T, traces.rest_of_top, strict=False):
        axes.plot(traces.times, h, color=color, linewidth=1.4)
        axes.axhline(rest, color=color, linewidth=0.8, linestyle="--", alpha=0.7)
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_ylim(1.15 * min(traces.others.min(), -0.1), 1.15 * traces.top.max())
    axes.set_xlabel("time t [tau]", fontsize=9)
    axes.set_ylabel("activity h [units of the input current]", fontsize=9)
    axes.tick_params(labelsize=8)
    plain(axes)


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
    right.set_title(f"{len(lengths[-1]) - len(near)} units beyond 1.2 never learned", fontsize=9)
    for axes in (left, right):
        axes.tick_params(labelsize=8)
        plain(axes)
    figure.suptitle(f"weights converge to the unit sphere (eq. 3): {named(trained)}", fontsize=11)
    explain(
        figure,
        "as t grows the weights of each unit converge to the unit sphere in the Euclidean norm,"
        " verified by the simulation.",
        f"share of units within 1 % of unit length {_said(measures.within_1_percent, evidence)},"
        f" within 5 % {_said(measures.within_5_percent, evidence)};"
        f" {measures.last('blow_ups', trained):.0f} blow-ups.",
    )
    return figure


def anti_hebbian(evidence: Evidence) -> Figure:
    """The length of a unit's weights while an image holds it in the anti-Hebbian range."""
    figure = canvas(6.8, 4.8)
    axes = figure.add_subplot()
    times = np.linspace(0, 4, 801)
    for color, along in zip(COLORS, (0.0, 0.9, 0.99, 1.01, 1.1, 2.0), strict=False):
        lengths = dynamics.held_lengths(along, times)
        axes.plot(times, lengths, color=color, label=f"W v/|v| = {along:g} at the start")
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
        f" {_said(measures.running_away_before, evidence)} before learning,"
        f" {_said(measures.running_away_after, evidence)} after it (n={dynamics.PATTERNS} training"
        " images).",
    )
    return figure


def feature_maps(evidence: Evidence) -> Figure:
    """100 of the 484 feature maps of the slow rule."""
    trained = evidence[SLOW][0]
    figure = canvas(6.6, 6.9)
    axes = figure.add_subplot()
    filters = measures.filters(trained, 100)
    drawn = mosaic.tiles(axes, filters.w, filters.shape, 10)
    mosaic.scale(figure, drawn, axes)
    axes.set_title(f"feature maps, the first 100 units: {named(trained)}", fontsize=10)
    explain(
        figure,
        "100 of the 484 feature maps after unsupervised training on 600 images, human-level"
        " features.",
        "mean best correlation of a unit with a class mean"
        f" {_said(measures.likeness_of_slow, evidence)}; {filters.units} units,"
        f" n={measures.unlabeled(trained):,} training images.",
    )
    return figure


def confusion(evidence: Evidence) -> Figure:
    """The confusion matrix of the slow rule's head."""
    trained = evidence[SLOW][0]
    figure = canvas(6.4, 6.2)
    labels, classes = trained.dataset.y_test, trained.dataset.n_classes
    draw_confusion(figure.add_subplot(), labels, predictions(trained), classes)
    figure.suptitle(
        f"confusion matrix, n={len(labels):,} test images: {named(trained)}", fontsize=10
    )
    bio = measures.bio("sigmoid_mse")
    explain(
        figure,
        "the confusion matrix of the bio net, accuracy 0.8393.",
        f"accuracy {bio(evidence)[trained.seed]:.4f} of this seed, {_said(bio, evidence)} over"
        " seeds.",
    )
    return figure


def bp_feature_maps(evidence: Evidence) -> Figure:
    """Feature maps by backprop beside those of both Hebbian rules."""
    nets = measures.filters_side_by_side(evidence, 64)
    figure = canvas(9.0, 10.4)
    for axes, (name, filters) in zip(figure.subplots(2, 2).flat, nets.items(), strict=True):
        drawn = mosaic.tiles(axes, filters.w, filters.shape, 8)
        axes.set_title(f"{name}\naccuracy {filters.accuracy:.4f}", fontsize=9)
    mosaic.scale(figure, drawn, axes)
    trained = evidence[SLOW][0]
    figure.suptitle(
        f"first 64 units of each first layer, {trained.dataset.name}, seed {trained.seed}",
        fontsize=11,
    )
    scores = ", ".join(f"{filters.likeness:.2f} ({name})" for name, filters in nets.items())
    explain(
        figure,
        "feature maps learned by backprop are a mess in which nothing can be read; those of the bio"
        " net can be read.",
        "mean best correlation of a unit with a class mean of the training images, seed"
        f" {trained.seed}: {scores}.",
    )
    return figure


def cifar10_maps(evidence: Evidence) -> Figure:
    """Color feature maps: the learned ones whose norm is closest to 1."""
    trained = measures.learned_on_cifar10(evidence)
    filters = measures.settled_filters(trained, 100)
    figure = canvas(6.6, 7.0)
    axes = figure.add_subplot()
    mosaic.tiles(axes, filters.w, filters.shape, 10)
    axes.set_title(f"100 units closest to unit length: {named(trained)}", fontsize=10)
    explain(
        figure,
        "feature maps of CIFAR-10, continuous in color, human-level.",
        f"{measures.last('within_5_percent', trained):.0%} of {filters.units} units are within 5 %"
        f" of unit length; test accuracy {filters.accuracy:.3f},"
        f" n={len(trained.dataset.y_train):,} training images. Units are scaled each by its own;"
        " grey is 0.",
    )
    return figure


def adversarial(evidence: Evidence) -> Figure:
    """Accuracy left by the worst of all attacks, of the fast rule's net, its twin and controls."""
    trained: Trained = evidence[measures.FAST][0]
    eps, accuracies, clean, chance, n = measures.robustness(evidence)
    over = dict.fromkeys(level.over for levels in accuracies.values() for level in levels)
    return robustness_curve(
        eps,
        accuracies,
        clean=clean,
        chance=chance,
        norm="linf",
        title=f"worst of noise, FGSM, PGD and transfer: {trained.dataset.name}",
        caption=(
            f"n={n:,} test images; bands: 95 %, {' and '.join(over)}; clean: the fast rule's net"
        ),
    )


def _said(measure: Measure, evidence: Evidence) -> str:
    """A measure in words: its mean over seeds, and their range."""
    return over_seeds(list(measure(evidence).values()))
