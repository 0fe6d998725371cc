"""The paper's figures on learning, 1 to 5, drawn again from finished runs, and one on more rules.

Every function takes the runs by the name of their experiment and draws one figure, under both
presets: R, the printed settings, and Q, those of a program that matches the paper. Curves on
training images are of every record, curves on test images of every snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bioexp.experiment import Trained
from bioexp.figures import bands
from bioexp.figures.bands import BAND, Curve, band
from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.papers.brain_models.measures import (
    ANGLED,
    DEEP,
    PRESETS,
    RULES,
    SIZES,
    STOCHASTIC,
    Preset,
    differentials,
    feedback_angles,
    gradient_angles,
    of_size,
    on_test_images,
    recorded,
    share_left,
)
from bioexp.papers.measuring import accuracy, runs
from bioexp.papers.paper import Evidence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE_COLORS = dict(
    zip(SIZES, ("#56B4E9", "#0072B2", "#CC79A7", "#009E73", "#E69F00", "#D55E00"), strict=True)
)
CHANCE = 0.1
SETTINGS: Mapping[Preset, str] = {
    "R": "pixels 0 to 255, sigma 0.01, rate 5e-6",
    "Q": "pixels 0 to 1, sigma 0.1, rate 5e-5",
}
CURVES = (
    "Solid: test images, from snapshots (n = 10,000); faint: training, mean over 100 minibatches."
    f" {BAND}"
)
Line = tuple[str, str, list[Trained]]  # label, color, runs
Lines = Mapping[Preset, Sequence[Line]]

against_steps = partial(bands.against_steps, x="minibatches of 256 (the paper's epochs)")


def fig1a(evidence: Evidence) -> Figure:
    """Sizes of the intermediate derivatives during training."""
    return _sizes(
        evidence,
        ("dL/dv", "dL/dH", "dL/dZ", "dL/dW2", "dL/dW1"),
        y="mean absolute value [cost per unit]",
        paper="intermediate derivatives while training (its plot is lost; names are those of its"
        " code).",
    )


def fig1b(evidence: Evidence) -> Figure:
    """Mean change of W1 and of W2 per step."""
    return _sizes(
        evidence,
        ("change of W2", "change of W1"),
        y="mean |change of a weight| per step",
        paper="W2 converges while W1 keeps changing.",
    )


def fig2(evidence: Evidence) -> Figure:
    """Learning curves of six sizes of the hidden layer, on training and test images."""
    lines: Lines = {
        preset: [
            (f"{hidden} units", SIZE_COLORS[hidden], of_size(evidence, preset, hidden))
            for hidden in SIZES
        ]
        for preset in PRESETS
    }
    figure = _learning(lines)
    explain(
        figure,
        "at an equal learning rate a larger hidden layer converges faster, on training and test"
        " images.",
        f"test accuracy at the end by size, mean over {_seeds(lines)}: {_ends(lines)}. {CURVES}",
    )
    return figure


def fig3(evidence: Evidence) -> Figure:
    """Four ways to assign credit, and the controls."""
    lines: Lines = {preset: _four_rules(evidence, preset) for preset in PRESETS}
    figure = _learning(lines)
    explain(
        figure,
        "without weight transport learning is at least as fast; without the derivative it is"
        " inferior, but takes place.",
        f"test accuracy at the end, 30 hidden units, mean over {_seeds(lines)}: {_ends(lines)}."
        f" {CURVES}",
    )
    return figure


def _four_rules(evidence: Evidence, preset: Preset) -> list[Line]:
    """The paper's four simulations, feedback drawn anew at every step, the frozen hidden layer."""
    others = (
        ("fixed feedback B ~ N(0, 1)", "feedback", "#D55E00"),
        ("no derivative", "no_derivative", "#009E73"),
        ("neither", "feedback_no_derivative", "#CC79A7"),
        ("B drawn anew every step", "redrawn_feedback", "#E69F00"),
        ("control: frozen hidden layer", "frozen_hidden", "#000000"),
    )
    return [
        ("backprop", "#0072B2", of_size(evidence, preset, 30)),
        *(
            (label, color, runs(evidence, RULES, preset=preset, rule=rule))
            for label, rule, color in others
        ),
    ]


def fig5(evidence: Evidence) -> Figure:
    """A backward pass that is replaced with probability p."""
    replaced = {
        "dL/dZ = 1, p = 0.2 (its code, p is ours)": "ones-0.2",
        "dL/dZ = 1, p = 0.001": "ones-0.001",
        "dL/dZ ~ N(0, 1), p = 0.2": "noise-0.2",
        "skipped, p = 0.8": "skip-0.8",
    }
    lines: Lines = {
        preset: [
            *(
                (label, color, runs(evidence, STOCHASTIC, preset=preset, instead=instead))
                for color, (label, instead) in zip(COLORS[1:], replaced.items(), strict=False)
            ),
            ("backprop", COLORS[0], of_size(evidence, preset, 30)),
            (
                "control: frozen hidden layer",
                COLORS[6],
                runs(evidence, RULES, preset=preset, rule="frozen_hidden"),
            ),
        ]
        for preset in PRESETS
    }
    last = max(recorded(evidence[STOCHASTIC][0], "train_loss"))
    figure = _learning(lines, last)
    first_four: Lines = {preset: shown[: len(replaced)] for preset, shown in lines.items()}
    explain(
        figure,
        "a random backward pass, a given share of the times, prevents learning entirely.",
        f"test accuracy after {last:,} steps, mean over {_seeds(lines)}: {_ends(first_four)}."
        " dL/dZ = 1 is no noise but a constant push: pixels are positive, so that every hit lowers"
        f" all weights of all units, until none is active. {CURVES}",
    )
    return figure


def alignment(evidence: Evidence) -> Figure:
    """How feedback alignment comes to point along the gradient: three angles, and those without the
    derivative.
    """
    figure = canvas(9.6, 4.6)
    numbers = []
    for axes, preset in zip(figure.subplots(1, 2, sharey=True), PRESETS, strict=True):
        aligned = runs(evidence, RULES, preset=preset, rule="feedback")
        blind = runs(evidence, RULES, preset=preset, rule="no_derivative")
        errors = [feedback_angles(trained) for trained in aligned]
        updates = [_of_layer(trained, 0) for trained in aligned]
        shown: Mapping[str, Sequence[Curve]] = {
            "B to W2": [{step: angles[0] for step, angles in seed.items()} for seed in errors],
            "e B to e W2, image by image": [
                {step: angles[1] for step, angles in seed.items()} for seed in errors
            ],
            "update of W1 to its gradient": updates,
            "the same without derivative": [_of_layer(trained, 0) for trained in blind],
        }
        for color, (label, seeds) in zip(COLORS, shown.items(), strict=False):
            band(axes, seeds, color=color, label=label)
        axes.axhline(90, color="0.4", linewidth=0.9, linestyle="--", label="90°: nothing in common")
        against_steps(
            axes,
            y="angle [degrees]",
            title=f"{preset}, 30 hidden units, {len(aligned)} seeds",
            early=True,
        )
        axes.set_ylim(0, 125)
        first, last = (np.mean([seed[end(seed)] for seed in updates]) for end in (min, max))
        numbers.append(f"{preset}: update of W1 from {first:.0f}° to {last:.0f}°")
    axes.legend(fontsize=8, frameon=False, loc="lower left")
    explain(
        figure,
        "feedback alignment, where weights adjust in such a way as to reduce error (it shows no"
        " angles).",
        f"{'; '.join(numbers)}. Angles on the first {ANGLED:,} test images. {BAND}",
    )
    return figure


def _of_layer(trained: Trained, layer: int) -> Curve:
    """The angle of one layer's update to its gradient, at every snapshot."""
    return {step: angles[layer] for step, angles in gradient_angles(trained).items()}


def more_rules(evidence: Evidence) -> Figure:
    """Rules beyond the paper in a deeper net, beside the control whose hidden layers are frozen."""
    lines = _deep_rules(evidence)
    figure = canvas(10.4, 4.8)
    left, right = figure.subplots(1, 2)
    control = _mean(lines[-1][2])
    for row, (_, color, nets) in enumerate(lines):
        values = [accuracy(trained) for trained in nets]
        left.plot(values, [row] * len(values), "o", color=color, markersize=4, alpha=0.6)
        left.plot([np.mean(values)], [row], "|", color=color, markersize=16, markeredgewidth=2)
    left.axvline(control, color="black", linewidth=0.9, linestyle="--")
    left.set_yticks(range(len(lines)), [label for label, _, _ in lines], fontsize=8)
    left.invert_yaxis()
    left.set_xlabel(
        "test accuracy, n = 10,000 (dots: seeds; bar: mean; dashed: frozen control)", fontsize=8.5
    )
    plain(left)
    for label, color, nets in lines[1:6]:
        angles = [gradient_angles(trained) for trained in nets]
        for layer, style in ((0, "-"), (1, ":")):
            curves = [{step: own[layer] for step, own in seed.items()} for seed in angles]
            band(right, curves, color=color, label=label * (layer == 0), style=style)
    bands.against_steps(
        right,
        x="minibatches of 128",
        y="angle of the update to the true gradient [degrees]",
        title="solid: first hidden layer; dotted: second",
        early=True,
    )
    right.axhline(90, color="0.4", linewidth=0.9, linestyle="--")
    right.set_ylim(0, 135)
    right.legend(fontsize=8, frameon=False, ncols=2, loc="upper center")
    explain(
        figure,
        "nothing: these rules are not in it.",
        f"a net 784-128-128-10 of tanh units on Fashion-MNIST, 3 epochs, {len(lines[0][2])} seeds,"
        " one learning rate for all and nothing tuned. What a rule is worth is its distance from"
        f" the frozen control, {control:.3f}, not from chance. {BAND}",
    )
    return figure


def _deep_rules(evidence: Evidence) -> list[Line]:
    """Every rule of brain_models_deep, the control last."""
    rules: dict[str, list[Trained]] = {}
    for trained in evidence[DEEP]:
        rules.setdefault(trained.experiment.variant["rule"].replace("_", " "), []).append(trained)
    colors = (*COLORS[:6], "#999999", "#8C564B", "#000000")
    return [(name, color, nets) for (name, nets), color in zip(rules.items(), colors, strict=True)]


def _sizes(evidence: Evidence, names: Sequence[str], *, y: str, paper: str) -> Figure:
    """Some of the differentials of the net of 30 units over training."""
    figure = canvas(9.6, 4.4)
    numbers = []
    for axes, preset in zip(figure.subplots(1, 2), PRESETS, strict=True):
        seeds = [differentials(trained) for trained in of_size(evidence, preset, 30)]
        for color, name in zip(COLORS, names, strict=False):
            band(axes, [seed[name] for seed in seeds], color=color, label=name)
        axes.set_yscale("log")
        against_steps(axes, y=y, title=f"{preset}, 30 hidden units, {len(seeds)} seeds", early=True)
        shares = {name: np.mean([share_left(seed[name]) for seed in seeds]) for name in names}
        words = ", ".join(f"{name} {share:.2g}" for name, share in shares.items())
        numbers.append(f"{preset}: {words}")
    axes.legend(fontsize=8, frameon=False)
    explain(
        figure,
        paper,
        f"share of its size at step 100 that is left at the end: {'; '.join(numbers)}. First 256"
        f" training images. {BAND}",
    )
    return figure


def _learning(lines: Lines, last: int | None = None) -> Figure:
    """Loss and accuracy, a row for each preset."""
    figure = canvas(10.4, 7.6)
    grid = figure.subplots(2, 2, sharex=True)
    for row, (preset, shown) in zip(grid, lines.items(), strict=True):
        for label, color, nets in shown:
            tests = [on_test_images(trained) for trained in nets]
            for axes, name, i in ((row[0], "train_loss", 0), (row[1], "train_accuracy", 1)):
                training = [_until(last, recorded(trained, name)) for trained in nets]
                band(axes, training, color=color, width=0.6, shade=False)
                band(axes, [_until(last, test[i]) for test in tests], color=color, label=label)
        against_steps(
            row[0], y="cost, 1/2 sum of squares per image", title=f"{preset}: {SETTINGS[preset]}"
        )
        against_steps(row[1], y="accuracy", title=f"{preset}, {_seeds({preset: shown})}")
        row[0].set_ylim(0, 0.6)
        row[1].axhline(CHANCE, color="0.5", linewidth=0.8, linestyle=":", label="chance")
        row[1].set_ylim(0, 0.9)
    handles, labels = grid[0, 1].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8.5, frameon=False, ncols=4, loc="outside upper center")
    return figure


def _until(last: int | None, curve: Curve) -> Curve:
    return {step: value for step, value in curve.items() if last is None or step <= last}


def _ends(lines: Lines) -> str:
    """Test accuracies at the end, mean over seeds: R 5 units: 0.430, …; Q …"""
    return "; ".join(
        f"{preset} {', '.join(f'{label}: {_mean(nets):.3f}' for label, _, nets in shown)}"
        for preset, shown in lines.items()
    )


def _mean(nets: Sequence[Trained]) -> float:
    return float(np.mean([accuracy(trained) for trained in nets]))


def _seeds(lines: Lines) -> str:
    """How many seeds there are, where not all lines have as many."""
    counts = sorted({len(nets) for shown in lines.values() for _, _, nets in shown})
    return f"{' or '.join(map(str, counts))} seed{'s' * (counts[-1] > 1)}"
