"""The figures of the slides on competing hidden units, drawn again from finished runs, and pictures
of some of their claims.

Every function takes the runs by config name and draws one figure, which says below the picture what
the document shows and what was measured. Pictures show the first seed; numbers over all seeds say
so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from bioexp.experiment import Trained
from bioexp.figures import mosaic
from bioexp.figures.canvas import COLORS, canvas, explain, named, over_seeds, plain
from bioexp.figures.confusion import confusion as draw_confusion
from bioexp.figures.robustness_curve import robustness_curve
from bioexp.measures.interval import wilson
from bioexp.measures.prototypes import prototype_score
from bioexp.papers.competing_hidden_units import measures
from bioexp.papers.competing_hidden_units.model import euler_activity, plasticity, riccati
from bioexp.papers.measuring import accuracy, means, runs, survivors, weights
from bioexp.papers.paper import Evidence
from bioexp.robustness.evaluate import Net, logits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SLOW, FAST = measures.SLOW, "competing_hidden_units"
TIME_STEP, DURATION = 0.004, 60.0  # of Euler's method in the traces, in units of tau
TRACED = 8  # units whose activity is drawn in color: the most active ones at rest


def h_dynamics(evidence: Evidence) -> Figure:
    """Activities under global inhibition for one image, before and after learning, with the exact
    steady state.
    """
    trained = evidence[SLOW][0]
    kept = measures.first_layer(trained)
    ends = {"before learning": kept[min(kept)], "after learning": kept[max(kept)]}
    figure = canvas(9.6, 5.2)
    errors, active = [], []
    for axes, (when, w) in zip(figure.subplots(1, 2), ends.items(), strict=True):
        rest, off = _traces(axes, trained, w)
        axes.set_title(
            f"{when}: {(rest > 0).sum()} of {len(rest)} units active at rest", fontsize=9
        )
        errors.append(off)
        active.append(int((rest > 0).sum()))
    figure.suptitle(
        f"activities h(t) of one training image under inhibition (eq. 1): {named(trained)}",
        fontsize=11,
    )
    explain(
        figure,
        "the currents of a pattern, and the activities that eq. 1 turns them into under global"
        " inhibition (w_inh = 0.8).",
        f"Euler's method with a step of {TIME_STEP} tau for {DURATION:g} tau, {TRACED} most active"
        " units in color, 40 others grey; dashed: the exact steady state, from which it is"
        f" {errors[0]:.1g} and {errors[1]:.1g} away at the end (largest of all units). n=1 image."
        " The slides integrate for 93 ms a pattern; the steady state takes microseconds.",
    )
    return figure


def g_of_h(evidence: Evidence) -> Figure:
    """The plasticity nonlinearity of eq. 2 in its readings, and how often units are in each of its
    ranges.
    """
    trained = evidence[SLOW][0]
    kept = measures.first_layer(trained)
    threshold = measures.option(trained, "threshold")
    h = np.linspace(-0.5, 2.0, 1001) * threshold
    figure = canvas(9.6, 4.8)
    readings = {
        "Delta = 0.4, the paper's": 0.4,
        "Delta = 0.01, ours": 0.01,
        "Delta = -0.01, the slides' literally": -0.01,
    }
    left, right = figure.subplots(1, 2)
    for axes, limit in ((left, 1.1), (right, 0.02)):
        for color, style, (name, delta) in zip(
            COLORS, ("-", "--", ":"), readings.items(), strict=False
        ):
            axes.plot(
                h,
                np.asarray(plasticity(jnp.asarray(h), threshold, delta)),
                style,
                color=color,
                label=name,
                linewidth=1.8,
            )
        axes.set_ylim(-limit if limit < 1 else -0.6, limit)
        axes.axvline(threshold, color="0.5", linewidth=0.8)
        axes.annotate(
            "h*", (threshold, axes.get_ylim()[0]), (3, 4), textcoords="offset points", fontsize=8
        )
        axes.set_xlabel("activity at rest h [units of the input current]", fontsize=9)
        axes.set_ylabel("g(h), factor of the weight change", fontsize=9)
        axes.set_title(
            "whole range" if limit > 1 else "enlarged: the sign of the middle range", fontsize=9
        )
        axes.tick_params(labelsize=8)
        plain(axes)
    left.legend(fontsize=8, frameon=False, loc="upper left")
    figure.suptitle("plasticity g(h), eq. 2", fontsize=11)
    shares = [measures.ranges(trained, kept[end(kept)]) for end in (min, max)]
    words = " / ".join(f"{silent:.1%}, {anti:.1%}, {hebb:.1%}" for silent, anti, hebb in shares)
    explain(
        figure,
        "g(h) with a negative middle range; the author found Delta = -0.4 unstable and changed it"
        " to Delta = -0.01.",
        f"shares of units with g = 0, -Delta, 1 before / after learning: {words}"
        f" (n={measures.PATTERNS} training images x {len(kept[min(kept)])} units,"
        f" {named(trained)}). So few are in the middle that the sign of a Delta of 0.01 hardly"
        " matters.",
    )
    return figure


def norms(evidence: Evidence) -> Figure:
    """The length of every unit's weights against time, and the histogram at the end."""
    trained = evidence[SLOW][0]
    kept = measures.first_layer(trained)
    steps = sorted(kept)
    lengths = np.array([np.linalg.norm(kept[step], axis=1) for step in steps])
    figure = canvas(9.6, 4.9)
    left, right = figure.subplots(1, 2)
    left.plot(steps, lengths, color="0.6", linewidth=0.4, alpha=0.5)
    left.plot([], [], color="0.6", linewidth=1, label=f"each of {lengths.shape[1]} units")
    left.plot(
        steps, np.median(lengths, axis=1), "-o", color=COLORS[0], markersize=4, label="median"
    )
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
    shares = {
        name: over_seeds([measures.last(name, one) for one in evidence[SLOW]])
        for name in ("within_1_percent", "within_5_percent")
    }
    explain(
        figure,
        "as t grows the weights of each unit converge to the unit sphere in the Euclidean norm,"
        " verified by the simulation.",
        f"share of units within 1 % of unit length {shares['within_1_percent']}, within 5 %"
        f" {shares['within_5_percent']}; {int(measures.last('blow_ups', trained))} blow-ups.",
    )
    return figure


def anti_hebbian(evidence: Evidence) -> Figure:
    """The length of a unit's weights while an image holds it in the anti-Hebbian range: exact
    solutions of eq. 3.
    """
    figure = canvas(6.8, 4.8)
    axes = figure.add_subplot()
    times = np.linspace(0, 4, 801)
    v, g = jnp.array([1.0, 0.0]), -jnp.ones(1)
    for color, along in zip(COLORS, (0.0, 0.9, 0.99, 1.01, 1.1, 2.0), strict=False):
        solutions = [riccati(jnp.array([[along, 0.3]]), v, g, time) for time in times]
        alive = np.cumsum([bool(blown[0]) for _, blown in solutions]) == 0
        lengths = np.array([float(jnp.linalg.norm(w)) for w, _ in solutions])
        axes.plot(
            times[alive], lengths[alive], color=color, label=f"W v/|v| = {along:g} at the start"
        )
    axes.set_yscale("log")
    axes.set_ylim(0.1, 100)
    axes.axhline(1, color="0.4", linestyle="--", linewidth=1)
    axes.set_xlabel("time in the range, |g| |v| t / tau_L", fontsize=9)
    axes.set_ylabel("Euclidean length |W|", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=8, frameon=False)
    plain(axes)
    figure.suptitle("a unit held in the anti-Hebbian range (eq. 3, exact)", fontsize=11)
    before, after = (
        [of(one) for one in evidence[SLOW]]
        for of in (measures.first_weights, measures.last_weights)
    )
    explain(
        figure,
        "weights of a neuron whose activity falls in the anti-Hebbian range grow in an unbounded"
        " way.",
        "only where W v/|v| > 1, and then in finite time; elsewhere W tends to -v/|v|, of length"
        f" 1. Share of units in that range that are beyond 1: {over_seeds(before)} before learning,"
        f" {over_seeds(after)} after it (n={measures.PATTERNS} training images).",
    )
    return figure


def feature_maps(evidence: Evidence) -> Figure:
    """100 of the 484 feature maps of the slow rule."""
    trained = evidence[SLOW][0]
    figure = canvas(6.6, 6.9)
    axes = figure.add_subplot()
    mosaic.scale(
        figure, mosaic.tiles(axes, weights(trained, 0)[:100], trained.dataset.shape, 10), axes
    )
    axes.set_title(f"feature maps, the first 100 units: {named(trained)}", fontsize=10)
    scores = [prototype_score(weights(one, 0), means(one)) for one in evidence[SLOW]]
    explain(
        figure,
        "100 of the 484 feature maps after unsupervised training on 600 images, human-level"
        " features.",
        f"mean best correlation of a unit with a class mean {over_seeds(scores)};"
        f" {len(weights(trained, 0))} units,"
        f" n={trained.run.config['stages'][0]['per_class'] * trained.dataset.n_classes:,} training"
        " images.",
    )
    return figure


def confusion(evidence: Evidence) -> Figure:
    """The confusion matrix of the slow rule's head."""
    trained = evidence[SLOW][0]
    figure = canvas(6.4, 6.2)
    data = trained.dataset
    net = Net(
        lambda params, x: trained.model.apply(params, x)[0],
        trained.params,
        data.x_test,
        data.y_test,
    )
    draw_confusion(figure.add_subplot(), data.y_test, logits(net).argmax(axis=1), data.n_classes)
    figure.suptitle(
        f"confusion matrix, n={len(data.y_test):,} test images: {named(trained)}", fontsize=10
    )
    explain(
        figure,
        "the confusion matrix of the bio net, accuracy 0.8393.",
        f"accuracy {accuracy(trained):.4f} of this seed,"
        f" {over_seeds([accuracy(one) for one in evidence[SLOW]])} over seeds.",
    )
    return figure


def bp_feature_maps(evidence: Evidence) -> Figure:
    """Feature maps by backprop beside those of both Hebbian rules."""
    sigmoid = runs(evidence, measures.TWIN, {"stages.0.objective.name": "cross_entropy"})
    nets = {
        "slow Hebbian rule, 484 units": evidence[SLOW],
        "backprop, sigmoid 484 (cross-entropy)": sigmoid,
        "fast Hebbian rule, 2,000 units": evidence[FAST],
        "backprop, ReLU 2,000": evidence["competing_hidden_units_backprop"],
    }
    figure = canvas(9.0, 10.4)
    scores = []
    for axes, (name, nets_of) in zip(figure.subplots(2, 2).flat, nets.items(), strict=True):
        drawn = mosaic.tiles(axes, weights(nets_of[0], 0)[:64], nets_of[0].dataset.shape, 8)
        axes.set_title(f"{name}\naccuracy {accuracy(nets_of[0]):.4f}", fontsize=9)
        scores.append(f"{prototype_score(weights(nets_of[0], 0), means(nets_of[0])):.2f} ({name})")
    mosaic.scale(figure, drawn, axes)
    figure.suptitle(
        f"first 64 units of each first layer, {sigmoid[0].dataset.name}, seed 0", fontsize=11
    )
    explain(
        figure,
        "feature maps learned by backprop are a mess in which nothing can be read; those of the bio"
        " net can be read.",
        "mean best correlation of a unit with a class mean of the training images, seed 0:"
        f" {', '.join(scores)}.",
    )
    return figure


def cifar10_maps(evidence: Evidence) -> Figure:
    """Color feature maps: the learned ones whose norm is closest to 1."""
    trained = runs(
        evidence, "competing_hidden_units_cifar10", {"stages.0.rule.name": "competing_ranks"}
    )[0]
    w = weights(trained, 0)
    settled = np.argsort(np.abs(np.linalg.norm(w, axis=1) - 1))[:100]
    figure = canvas(6.6, 7.0)
    axes = figure.add_subplot()
    mosaic.tiles(axes, w[np.sort(settled)], trained.dataset.shape, 10)
    axes.set_title(f"100 units closest to unit length: {named(trained)}", fontsize=10)
    explain(
        figure,
        "feature maps of CIFAR-10, continuous in color, human-level.",
        f"{measures.last('within_5_percent', trained):.0%} of {len(w)} units are within 5 % of unit"
        f" length; test accuracy {accuracy(trained):.3f}, n={len(trained.dataset.y_train):,}"
        " training images. Units are scaled each by its own; grey is 0.",
    )
    return figure


NETS: Mapping[str, str] = {
    "fast Hebbian rule": FAST,
    "backprop, ReLU": "competing_hidden_units_backprop",
    "training images as filters": "competing_hidden_units_raw",
    "random filters": "competing_hidden_units_random",
}


def adversarial(evidence: Evidence) -> Figure:
    """Accuracy left by the worst of all attacks, of the fast rule's net, its twin and its controls."""
    first = evidence[FAST][0]
    eps = sorted(next(iter(first.attacks.values())).eps)
    left = {
        name: [survivors(evidence[config][0], level) for level in eps]
        for name, config in NETS.items()
    }
    n = len(left["fast Hebbian rule"][0])
    clean = wilson(round(accuracy(first) * len(first.dataset.y_test)), len(first.dataset.y_test))
    seeds = max(len(evidence[config]) for config in NETS.values())
    return robustness_curve(
        eps,
        {
            name: [wilson(int(level.sum()), len(level)) for level in levels]
            for name, levels in left.items()
        },
        clean=clean,
        chance=1 / first.dataset.n_classes,
        norm="linf",
        title=f"worst of noise, FGSM, PGD and transfer: {first.dataset.name}",
        caption=(
            f"n={n:,} test images, seed 0 of {seeds}; bands: binomial 95 %; clean: the fast"
            " rule's net"
        ),
    )


def _traces(
    axes: Axes, trained: Trained, w: Float[np.ndarray, "units inputs"]
) -> tuple[Float[np.ndarray, "units"], float]:
    """h(t) of one training image; returns the exact steady state and how far the last h(t) is from
    it.
    """
    current = measures.patterns(trained, 1) @ jnp.asarray(w).T
    h = np.asarray(
        euler_activity(current, measures.option(trained, "inhibition"), TIME_STEP, DURATION)
    )[:, 0]
    rest = measures.at_rest(trained, w, 1)[0]
    shown = np.unique(np.geomspace(1, len(h), 300).astype(int)) - 1
    times, top = TIME_STEP * (shown + 1), np.argsort(rest)[::-1][:TRACED]
    others: Sequence[int] = (
        np.random.default_rng(0)
        .choice(np.setdiff1d(np.arange(len(rest)), top), 40, replace=False)
        .tolist()
    )
    axes.plot(times, h[shown][:, others], color="0.75", linewidth=0.5)
    for color, unit in zip((*COLORS, "#999933"), top, strict=False):
        axes.plot(times, h[shown, unit], color=color, linewidth=1.4)
        axes.axhline(rest[unit], color=color, linewidth=0.8, linestyle="--", alpha=0.7)
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_ylim(*(1.15 * np.array([min(h[:, others].min(), -0.1), h[:, top].max()])))
    axes.set_xlabel("time t [tau]", fontsize=9)
    axes.set_ylabel("activity h [units of the input current]", fontsize=9)
    axes.tick_params(labelsize=8)
    plain(axes)
    return rest, float(np.abs(h[-1] - rest).max())
