"""The paper's figures of perturbed digits and outputs, drawn again from finished runs.

Every function takes the runs by experiment and draws one figure, which says below the picture what
the paper shows and what was measured; all measuring is done in `perturbations`, on the grids of the
claims. Pictures show the first seed; numbers after which a count of seeds stands are means over
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from bioexp.experiment import Trained
from bioexp.figures import response
from bioexp.figures.canvas import canvas, explain, named, over_seeds
from bioexp.figures.digits import Row, clean_row, digits, fooled_rows
from bioexp.figures.matrix import matrix
from bioexp.papers.log_net.figures import CONTROL, mean
from bioexp.papers.log_net.perturbations import (
    ALLOWED,
    SHOWN,
    SIGNED,
    SIZES,
    FooledDigits,
    errors,
    fooled_by_ascent,
    fooled_by_pgd,
    one_digit,
    predicted_reach,
    undefined,
)
from bioexp.papers.log_net.prototypes import own_class
from bioexp.papers.measuring import weights
from bioexp.papers.paper import Evidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOISE = (
    "Error: |predicted - measured| / |measured|, median over images and outputs; lines are medians"
    " over seeds, bands span them. Perturbations are Gaussian, scaled to a largest change of that"
    " size, not clipped."
)
DIGITS = (
    "Images: of every label the first test image that the net gets right. Over each change stands"
    " its eps, the smallest of a grid that fools the net; blue is darker, red brighter."
)
GAIN = 5  # of the changes in figures 4, 6 and 7: the same, so that their strengths can be compared


def fig4(evidence: Evidence) -> Figure:
    """Small and noisy perturbations that fool an ordinary network."""
    trained = evidence["sigmoid_net"][0]
    by_sign, by_length = fooled_by_pgd(trained), fooled_by_ascent(trained)
    figure = canvas(9.6, 6.6)
    rows = fooled_rows(*by_sign, name="PGD", gain=GAIN, write=_levels)
    digits(figure, [clean_row(by_sign.shown), *rows, *_by_gradient(by_length)])
    figure.suptitle(f"perturbations that fool an ordinary net: {named(trained)}", fontsize=11)
    explain(
        figure,
        "perturbations that fool traditional networks, small in scale and noisy.",
        f"median smallest eps {np.median(by_sign.fooled.eps):.3f} per pixel (PGD in the L∞ ball),"
        f" {np.median(by_length.fooled.eps):.2f} in Euclidean length (gradient ascent, as in"
        f" figures 6 and 7), n={len(by_sign.shown.labels)}. {DIGITS}",
    )
    return figure


def fig6(evidence: Evidence) -> Figure:
    """w2 without a sawtooth, after a constant learning rate and no regularization, with its
    perturbed digits.
    """
    says = (
        "w2 without a sawtooth (constant learning rate, no regularization), and digits perturbed"
        " until the net is fooled."
    )
    return _second_layer(evidence["log_net_control_constant"], says)


def fig7(evidence: Evidence) -> Figure:
    """w2 with a sawtooth, after a decreasing learning rate and weak regularization, with its
    perturbed digits.
    """
    says = (
        "w2 with a sawtooth (decreasing learning rate, weak regularization; its caption repeats"
        " figure 6's by mistake), and perturbations that are meaningful: features of the class"
        " predicted."
    )
    return _second_layer(evidence[CONTROL], says)


def fig12(evidence: Evidence) -> Figure:
    """Change of a relu network's outputs under small random perturbations of a digit: linear."""
    runs = evidence["relu_net"]
    figure = canvas(9.6, 5.2)
    left, right = figure.subplots(1, 2)
    _one_digit(left, runs[0])
    held = _errors(right, runs)
    figure.suptitle(f"perturbed outputs: {named(runs[0])}", fontsize=11)
    explain(
        figure,
        "the change of a relu network's outputs for small random perturbations around a digit:"
        " linear.",
        f"error at most {ALLOWED:.0%}: {held}. {NOISE} First order is the gradient at the digit;"
        " linear net is the equation of a net without activations.",
    )
    return figure


def fig13(evidence: Evidence) -> Figure:
    """Change of the control network's outputs, with the paper's prediction log(1+dx3/x3) and the
    plain first-order sum.
    """
    runs = evidence[CONTROL]
    figure = canvas(9.6, 6.4)
    panels = figure.subplot_mosaic(
        [["digit", "error"], ["digit", "undefined"]], height_ratios=(3, 2)
    )
    _one_digit(panels["digit"], runs[0])
    held = _errors(panels["error"], runs)
    gone = _by_predictor([undefined(trained) for trained in runs])
    response.curves(panels["undefined"], SIZES, gone, y="share undefined")
    at_1 = over_seeds([float(share[-1]) for share in gone["log(1+dx3/x3)"]])
    figure.suptitle(
        f"perturbed outputs in log space: {named(runs[0])} (the net of the heuristic)", fontsize=11
    )
    explain(
        figure,
        "the change of the log network's outputs with the prediction log(1+dx3/x3), which holds"
        " only over a small interval.",
        f"error at most {ALLOWED:.0%}: {held}. At size 1 log(1+dx3/x3) is undefined, its argument"
        f" negative, for a share of {at_1} of the outputs. {NOISE} First order is sum_j w2[i,j]"
        " eps[j].",
    )
    return figure


def _second_layer(runs: Sequence[Trained], says: str) -> Figure:
    """Digits perturbed until the first seed is fooled, above its w2; the share of prototypes whose
    largest w2 is their own label's.
    """
    trained = runs[0]
    found = fooled_by_ascent(trained)
    figure = canvas(9.6, 7.6)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(5, 4))[:, 0]
    digits(above, [clean_row(found.shown), *_by_gradient(found)])
    columns = "prototype j (trained on label j mod 10)"
    w2 = weights(trained, 1)
    matrix(below, below.subplots(), w2, largest_in=0, rows="class i", columns=columns)
    figure.suptitle(
        "perturbed digits (label → prediction), and w2 (dot: largest of a column):"
        f" {named(trained)}",
        fontsize=11,
    )
    explain(
        figure,
        says,
        f"w2 is largest for the own label of {mean(own_class, runs)} of the prototypes (chance"
        f" {1 / trained.dataset.n_classes:.2f}). {_schedule(trained)}. Median smallest Euclidean"
        f" length that fools the net {np.median(found.fooled.eps):.2f}, by gradient ascent,"
        f" n={len(found.shown.labels)}. {DIGITS}",
    )
    return figure


def _by_gradient(found: FooledDigits) -> list[Row]:
    """The changes that gradient ascent made, each below its length, and the images they make."""
    return fooled_rows(*found, name="gradient", gain=GAIN, write="L2 {:.2f}".format)


def _levels(eps: float) -> str:
    """As grey levels: 8/255."""
    return f"{255 * eps:.0f}/255"


def _schedule(trained: Trained) -> str:
    """How w2 was learned, in words."""
    stage = trained.experiment.stages[-1]
    start = trained.experiment.model.options["w2_below"] or "Glorot's limit"
    how, less = stage.optimizer.options, stage.project["layers/1"].options["subtract"]
    first, last = how["learning_rate"], how["learning_rate"] * how["decay_to"]
    return (
        f"w2 started uniform below {start} and learned by {stage.optimizer.name} from learning rate"
        f" {first:g} to {last:g}, {less:g} subtracted at every step"
    )


def _one_digit(axes: Axes, trained: Trained) -> None:
    """The first test image with one perturbation of either sign: outputs of its label, of the
    runner-up and of the last.
    """
    found = one_digit(trained)
    roles = ("its label", "best other", "last")
    outputs = {f"x3[{i}] ({role})": i for i, role in zip(found.outputs, roles, strict=True)}
    y = "change dx3 of the output [output units]"
    response.one_image(axes, SIGNED, found.response, outputs, y=y)
    axes.set_title(f"test image 0 (a {found.label}), one random perturbation", fontsize=9)


def _errors(axes: Axes, runs: Sequence[Trained]) -> str:
    """Errors of every prediction against size; how far each one holds, in words."""
    found = _by_predictor([errors(trained) for trained in runs])
    axes.axhline(ALLOWED, color="0.4", linestyle=":", linewidth=1.2, label=f"{ALLOWED:.0%}")
    response.curves(axes, SIZES, found, y="median relative error of dx3")
    axes.set_title(f"n={SHOWN} test images, {len(runs)} seeds", fontsize=9)
    held = {name: [predicted_reach(name, trained) for trained in runs] for name in found}
    return ", ".join(
        f"{name} up to size {over_seeds(reach)}"
        if max(reach) > SIZES[0]
        else f"{name} at no size down to {SIZES[0]:.2g}"
        for name, reach in held.items()
    )


def _by_predictor(
    seeds: Sequence[Mapping[str, Float[np.ndarray, "sizes"]]],
) -> dict[str, list[Float[np.ndarray, "sizes"]]]:
    """Each prediction's curves, one a seed."""
    return {name: [curves[name] for curves in seeds] for name in seeds[0]}
