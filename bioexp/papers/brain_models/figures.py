"""The figures of the document on learning, 1 to 5, drawn again from finished runs, and those on
rules beyond it.

Every function takes the runs by config name and draws one figure, under both presets: R, the
    printed settings, and Q, those of
a program that matches the document. Curves on training images are of every record, curves on test
images of every snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bioexp.experiment import Trained
from bioexp.figures.bands import BAND, Curve, against_steps, band
from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.measures.alignment import error_angle, update_angles
from bioexp.papers.brain_models.measures import (
    BASE,
    DEEP,
    PRESETS,
    RULES,
    SIZES,
    STOCHASTIC,
    differentials,
    on_test_images,
    recorded,
    ruled,
    size,
)
from bioexp.papers.measuring import accuracy, runs, snapshots
from bioexp.papers.paper import Evidence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE_COLORS = dict(
    zip(SIZES, ("#56B4E9", "#0072B2", "#CC79A7", "#009E73", "#E69F00", "#D55E00"), strict=True)
)
CHANCE = 0.1
ANGLED = 2000  # test images over which angles are taken
Line = tuple[str, str, list[Trained]]  # label, color, runs


def fig1a(evidence: Evidence) -> Figure:
    """Sizes of the intermediate derivatives during training."""
    names = ("dL/dv", "dL/dH", "dL/dZ", "dL/dW2", "dL/dW1")
    return _sizes(
        evidence,
        names,
        y="mean absolute value [cost per unit]",
        document=(
            "intermediate derivatives while training (its plot is lost; names are those of its"
            " code)."
        ),
    )


def fig1b(evidence: Evidence) -> Figure:
    """Mean change of W1 and of W2 per step."""
    return _sizes(
        evidence,
        ("change of W2", "change of W1"),
        y="mean |change of a weight| per step",
        document="W2 converges while W1 keeps changing.",
    )


def fig2(evidence: Evidence) -> Figure:
    """Learning curves of six sizes of the hidden layer, on training and test images."""
    lines = {
        preset: [
            (f"{hidden} units", SIZE_COLORS[hidden], runs(evidence, BASE, size(preset, hidden)))
            for hidden in SIZES
        ]
        for preset in PRESETS
    }
    figure = _learning(lines)
    ends = {
        preset: ", ".join(
            f"{hidden}: {_mean(runs(evidence, BASE, size(preset, hidden))):.3f}" for hidden in SIZES
        )
        for preset in PRESETS
    }
    explain(
        figure,
        "at an equal learning rate a larger hidden layer converges faster, on training and test"
        " images.",
        f"test accuracy at the end by size, mean over {_seeds(lines)}: R {ends['R']}; Q"
        f" {ends['Q']}. {CURVES}",
    )
    return figure


def fig3(evidence: Evidence) -> Figure:
    """Four ways to assign credit, and the controls."""
    lines = {preset: four_rules(evidence, preset) for preset in PRESETS}
    figure = _learning(lines)
    ends = {
        preset: ", ".join(f"{label}: {_mean(of):.3f}" for label, _, of in lines[preset])
        for preset in PRESETS
    }
    explain(
        figure,
        "without weight transport learning is at least as fast; without the derivative it is"
        " inferior, but takes place.",
        f"test accuracy at the end, 30 hidden units, mean over {_seeds(lines)}: R {ends['R']}; Q"
        f" {ends['Q']}. {CURVES}",
    )
    return figure


def four_rules(evidence: Evidence, preset: str) -> list[Line]:
    """The document's four simulations, feedback drawn anew at every step, and the frozen hidden
    layer.
    """
    wanted: Sequence[tuple[str, Mapping[str, Any]]] = (
        ("fixed feedback B ~ N(0, 1)", ruled(preset, "feedback_alignment")),
        ("no derivative", ruled(preset, "no_derivative")),
        ("neither", ruled(preset, "feedback_alignment", derivative=False)),
        ("B drawn anew every step", ruled(preset, "feedback_alignment", redrawn=True)),
        ("control: frozen hidden layer", ruled(preset, "frozen_hidden")),
    )
    colors = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000")
    others = [
        (label, color, runs(evidence, RULES, where))
        for (label, where), color in zip(wanted, colors, strict=True)
    ]
    return [("backprop", "#0072B2", runs(evidence, BASE, size(preset, 30))), *others]


def fig5(evidence: Evidence) -> Figure:
    """A backward pass that is replaced with probability p."""
    wanted: Sequence[tuple[str, Mapping[str, Any]]] = (
        ("dL/dZ = 1, p = 0.2 (its code, p is ours)", {"instead": "ones", "p": 0.2}),
        ("dL/dZ = 1, p = 0.001", {"instead": "ones", "p": 0.001}),
        ("dL/dZ ~ N(0, 1), p = 0.2", {"instead": "noise", "p": 0.2}),
        ("skipped, p = 0.8", {"instead": "skip", "p": 0.8}),
    )
    last = max(recorded(runs(evidence, STOCHASTIC, PRESETS["R"])[0], "train_loss"))
    lines = {
        preset: [
            *(
                (
                    label,
                    color,
                    runs(evidence, STOCHASTIC, ruled(preset, "stochastic_backward", **options)),
                )
                for (label, options), color in zip(wanted, COLORS[1:], strict=False)
            ),
            ("backprop", COLORS[0], runs(evidence, BASE, size(preset, 30))),
            (
                "control: frozen hidden layer",
                COLORS[6],
                runs(evidence, RULES, ruled(preset, "frozen_hidden")),
            ),
        ]
        for preset in PRESETS
    }
    figure = _learning(lines, last)
    ends = {
        preset: ", ".join(f"{label}: {_mean(of):.3f}" for label, _, of in lines[preset][:4])
        for preset in PRESETS
    }
    explain(
        figure,
        "a random backward pass, a given share of the times, prevents learning entirely.",
        f"test accuracy after {last:,} steps, mean over {_seeds(lines)}: R {ends['R']}; Q"
        f" {ends['Q']}. dL/dZ = 1 is no noise but a constant push: pixels are positive, so that"
        f" every hit lowers all weights of all units, until none is active. {CURVES}",
    )
    return figure


def alignment(evidence: Evidence) -> Figure:
    """How feedback alignment comes to point along the gradient: three angles, and those without the
    derivative.
    """
    figure = canvas(9.6, 4.6)
    numbers = []
    for axes, preset in zip(figure.subplots(1, 2, sharey=True), PRESETS, strict=True):
        aligned = runs(evidence, RULES, ruled(preset, "feedback_alignment"))
        blind = runs(evidence, RULES, ruled(preset, "no_derivative"))
        errors = [_angles(one, lambda one: error_angle(one, *_tested(one))) for one in aligned]
        updates = [
            _angles(one, lambda one: update_angles(one, *_tested(one)))
            for one in (*aligned, *blind)
        ]
        shown: list[tuple[str, list[Curve]]] = [
            ("B to W2", [{step: found[0] for step, found in seed.items()} for seed in errors]),
            (
                "e B to e W2, image by image",
                [{step: found[1] for step, found in seed.items()} for seed in errors],
            ),
            (
                "update of W1 to its gradient",
                [
                    {step: found[0] for step, found in seed.items()}
                    for seed in updates[: len(aligned)]
                ],
            ),
            (
                "the same without derivative",
                [
                    {step: found[0] for step, found in seed.items()}
                    for seed in updates[len(aligned) :]
                ],
            ),
        ]
        for color, (label, seeds) in zip(COLORS, shown, strict=False):
            band(axes, seeds, color=color, label=label)
        axes.axhline(90, color="0.4", linewidth=0.9, linestyle="--", label="90°: nothing in common")
        against_steps(
            axes,
            y="angle [degrees]",
            title=f"{preset}, 30 hidden units, {len(aligned)} seeds",
            early=True,
        )
        axes.set_ylim(0, 125)
        update = [seed[max(seed)] for _, seeds in shown[2:3] for seed in seeds]
        numbers.append(
            f"{preset}: update of W1 from {np.mean([seed[0] for seed in shown[2][1]]):.0f}° to"
            f" {np.mean(update):.0f}°"
        )
    axes.legend(fontsize=8, frameon=False, loc="lower left")
    explain(
        figure,
        "feedback alignment, where weights adjust in such a way as to reduce error (it shows no"
        " angles).",
        f"{'; '.join(numbers)}. Angles on the first {ANGLED:,} test images. {BAND}",
    )
    return figure


def more_rules(evidence: Evidence) -> Figure:
    """Rules beyond the document in a deeper net, beside the control whose hidden layers are frozen."""
    lines = deep_rules(evidence)
    figure = canvas(10.4, 4.8)
    left, right = figure.subplots(1, 2)
    control = _mean(lines[-1][2])
    for row, (_, color, of) in enumerate(lines):
        values = [accuracy(one) for one in of]
        left.plot(values, [row] * len(values), "o", color=color, markersize=4, alpha=0.6)
        left.plot([np.mean(values)], [row], "|", color=color, markersize=16, markeredgewidth=2)
    left.axvline(control, color="black", linewidth=0.9, linestyle="--")
    left.set_yticks(range(len(lines)), [label for label, _, _ in lines], fontsize=8)
    left.invert_yaxis()
    left.set_xlabel(
        "test accuracy, n = 10,000 (dots: seeds; bar: mean; dashed: frozen control)", fontsize=8.5
    )
    plain(left)
    for label, color, of in lines[1:6]:
        angles = [_angles(one, lambda one: update_angles(one, *_tested(one))) for one in of]
        for layer, style in ((0, "-"), (1, ":")):
            band(
                right,
                [{step: found[layer] for step, found in seed.items()} for seed in angles],
                color=color,
                label=label * (layer == 0),
                style=style,
            )
    against_steps(
        right,
        y="angle of the update to the true gradient [degrees]",
        title="solid: first hidden layer; dotted: second",
        early=True,
    )
    right.set_xlabel("minibatches of 128", fontsize=9)
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


def deep_rules(evidence: Evidence) -> list[Line]:
    """Every rule of brain_models_deep, the control last."""
    found: dict[str, list[Trained]] = {}
    for one in evidence[DEEP]:
        rule = dict(one.run.config["stages"][0]["rule"])
        name = rule["name"].replace("_", " ")
        found.setdefault(
            f"{name}, {rule['magnitude']}" if "magnitude" in rule else name, []
        ).append(one)
    colors = (*COLORS[:6], "#999999", "#8C564B", "#000000")
    return [(name, color, of) for (name, of), color in zip(found.items(), colors, strict=True)]


CURVES = (
    "Solid: test images, from snapshots (n = 10,000); faint: training, mean over 100 minibatches."
    f" {BAND}"
)


def _sizes(evidence: Evidence, names: Sequence[str], *, y: str, document: str) -> Figure:
    """Some of the differentials of the net of 30 units over training."""
    figure = canvas(9.6, 4.4)
    numbers = []
    for axes, preset in zip(figure.subplots(1, 2), PRESETS, strict=True):
        found = [differentials(one) for one in runs(evidence, BASE, size(preset, 30))]
        for color, name in zip(COLORS, names, strict=False):
            band(axes, [seed[name] for seed in found], color=color, label=name)
        axes.set_yscale("log")
        against_steps(axes, y=y, title=f"{preset}, 30 hidden units, {len(found)} seeds", early=True)
        shares = [
            np.mean(
                [seed[name][max(seed[name])] / seed[name][_early(seed[name])] for seed in found]
            )
            for name in names
        ]
        numbers.append(
            f"{preset}: "
            + ", ".join(f"{name} {share:.2g}" for name, share in zip(names, shares, strict=True))
        )
    axes.legend(fontsize=8, frameon=False)
    explain(
        figure,
        document,
        f"share of its size at step 100 that is left at the end: {'; '.join(numbers)}. First 256"
        f" training images. {BAND}",
    )
    return figure


def _early(curve: Curve) -> int:
    return max(step for step in curve if step <= 100)


def _learning(lines: Mapping[str, Sequence[Line]], last: int | None = None) -> Figure:
    """Loss and accuracy, a row for each preset."""
    figure = canvas(10.4, 7.6)
    grid = figure.subplots(2, 2, sharex=True)
    for row, (preset, shown) in zip(grid, lines.items(), strict=True):
        for label, color, of in shown:
            tests = [on_test_images(one) for one in of]
            for axes, name, i in ((row[0], "train_loss", 0), (row[1], "train_accuracy", 1)):
                band(
                    axes,
                    [_until(last, recorded(one, name)) for one in of],
                    color=color,
                    width=0.6,
                    shade=False,
                )
                band(axes, [_until(last, test[i]) for test in tests], color=color, label=label)
        against_steps(
            row[0], y="cost, 1/2 sum of squares per image", title=f"{preset}: {SETTINGS[preset]}"
        )
        against_steps(row[1], y="accuracy", title=f"{preset}, {_seeds({preset: shown})}")
        row[0].set_ylim(0, 0.6)
        row[1].axhline(CHANCE, color="0.5", linewidth=0.8, linestyle=":", label="chance")
        row[1].set_ylim(0, 0.9)
    figure.legend(
        *grid[0, 1].get_legend_handles_labels(),
        fontsize=8.5,
        frameon=False,
        ncols=4,
        loc="outside upper center",
    )
    return figure


SETTINGS = {
    "R": "pixels 0 to 255, sigma 0.01, rate 5e-6",
    "Q": "pixels 0 to 1, sigma 0.1, rate 5e-5",
}


def _until(last: int | None, curve: Curve) -> Curve:
    return {step: value for step, value in curve.items() if last is None or step <= last}


def _angles(one: Trained, of: Callable[[Trained], Callable[..., Any]]) -> dict[int, Any]:
    """Angles at every snapshot."""
    found = of(one)
    return {step: found(params) for step, params in snapshots(one).items()}


def _tested(one: Trained) -> tuple[np.ndarray, np.ndarray]:
    return one.dataset.x_test[:ANGLED], one.dataset.y_test[:ANGLED]


def _mean(of: Sequence[Trained]) -> float:
    return float(np.mean([accuracy(one) for one in of]))


def _seeds(lines: Mapping[str, Sequence[Line]]) -> str:
    """How many seeds there are, where not all lines have as many."""
    counts = sorted({len(of) for shown in lines.values() for _, _, of in shown})
    return f"{' or '.join(map(str, counts))} seed{'s' * (counts[-1] > 1)}"
