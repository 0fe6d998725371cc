"""The 13 figures of the log network's document, drawn again from finished runs.

Every function takes the runs by config name and draws one figure, which says below the picture what
the document shows and what was measured. Pictures show the first seed; numbers that are given for
all seeds say so. Test images are shown; what had to be chosen, label pairs and units, was chosen on
training images or on weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Num

from bioexp.attacks.eps import show_eps
from bioexp.attacks.pgd import pgd
from bioexp.experiment import Trained
from bioexp.figures import mosaic, response
from bioexp.figures.canvas import COLORS, canvas, explain, named, over_seeds
from bioexp.figures.digits import RIGHT, WRONG, clean_row, digits, fooled_rows
from bioexp.figures.matrix import matrix
from bioexp.figures.scatter import draw_separator, fitted, legend, residual_plot, scatter
from bioexp.measures.line_fits import (
    BINS,
    Pair,
    clusters,
    fit_line,
    pairs,
    residuals,
    separate,
    structure,
)
from bioexp.measures.prototypes import class_means, correlations
from bioexp.papers.measuring import weights
from bioexp.papers.paper import Evidence
from bioexp.robustness import perturbation
from bioexp.robustness.evaluate import Net, logits, unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CONTROL = "log_net_control"
CHOOSING = 20_000  # training images on which label pairs are chosen
PERTURBED = 200  # test images over which the errors of figures 12 and 13 are taken
PGD_EPS = tuple(
    level / 255 for level in (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128)
)
ASCENT_EPS = tuple(
    0.25 * step for step in range(1, 41)
)  # Euclidean lengths; an image of a digit is about 9 long
SIZES = np.geomspace(0.001, 1, 13)  # of random perturbations; 1 is as large as the brightest pixel
NOISE = (
    "Error: |predicted - measured| / |measured|, median over images and outputs; lines are medians"
    " over seeds, bands span them. Perturbations are Gaussian, scaled to a largest change of that"
    " size, not clipped."
)
SHOWN = (
    "Images: of every label the first test image that the net gets right. Over each change stands"
    " its eps, the smallest of a grid that fools the net; blue is darker, red brighter."
)
SEPARABLE = "Separable: share of the points on their side of the best logistic line."
GAIN = 5  # of the changes in figures 4, 6 and 7: the same, so that their strengths can be compared

Images = Float[np.ndarray, "n inputs"]
Sizes = Float[np.ndarray, "sizes"]
Respond = Callable[[Trained, Images, Images, Sizes], perturbation.Response]


def fig1(evidence: Evidence) -> Figure:
    """Hidden values x2 of two prototypes for two classes, which a straight line separates."""
    trained = evidence[CONTROL][0]
    m, n = _extreme_pairs(trained)[0].labels
    points = clusters(_x2(trained, "test"), trained.dataset.y_test, m, n)
    separator = separate(*clusters(_x2(trained, "train"), trained.dataset.y_train[:CHOOSING], m, n))
    figure = canvas(6.4, 5.4)
    axes = figure.add_subplot()
    scatter(
        axes,
        points,
        (f"label {m}", f"label {n}"),
        **_prototype_axes(m, n),
        title=f"hidden values of test images: {named(trained)}",
    )
    draw_separator(
        axes, points, separator, f"separating line, accuracy {separator.accuracy(*points):.3f}"
    )
    legend(axes)
    explain(
        figure,
        "an example of data that a linear perceptron can classify (values of x2, as its text"
        " says).",
        f"a line fitted on training images puts {separator.accuracy(*points):.1%} of"
        f" {sum(map(len, points)):,} test images on the right side. Of all pairs, labels {m} and"
        f" {n} are the easiest to separate on {CHOOSING:,} training images.",
    )
    return figure


def fig2(evidence: Evidence) -> Figure:
    """First-layer weights of the log network, which look like handwritten digits."""
    return _first_layer(
        evidence["log_net"],
        "weights learned by the log network, which look like handwritten digits.",
    )


def fig3(evidence: Evidence) -> Figure:
    """First-layer weights of an ordinary sigmoid network, which look fuzzy."""
    return _first_layer(
        evidence["sigmoid_net"],
        "the first layer of a sigmoid network, whose weights have a fuzzy appearance.",
    )


def fig4(evidence: Evidence) -> Figure:
    """Small and noisy perturbations that fool an ordinary network."""
    trained = evidence["sigmoid_net"][0]
    shown = _shown(trained)
    key = jax.random.key(trained.run.seed)
    signs, ascent = (
        perturbation.fool(shown, pgd(), PGD_EPS, key),
        perturbation.fool(shown, perturbation.gradient_ascent(), ASCENT_EPS, key),
    )
    figure = canvas(9.6, 6.6)
    by_sign = fooled_rows(shown, signs, name="PGD", gain=GAIN, write=show_eps)
    by_length = fooled_rows(shown, ascent, name="gradient", gain=GAIN, write="L2 {:.2f}".format)
    digits(figure, [clean_row(shown), *by_sign, *by_length])
    figure.suptitle(f"perturbations that fool an ordinary net: {named(trained)}", fontsize=11)
    explain(
        figure,
        "perturbations that fool traditional networks, small in scale and noisy.",
        f"median smallest eps {np.median(signs.eps):.3f} per pixel (PGD in the L∞ ball),"
        f" {np.median(ascent.eps):.2f} in Euclidean length (gradient ascent, as in figures 6 and"
        f" 7), n={len(shown.labels)}. {SHOWN}",
    )
    return figure


def fig5(evidence: Evidence) -> Figure:
    """First-layer weights learned jointly beside those of the heuristic procedure."""
    figure = canvas(9.6, 5.5)
    scores = []
    for axes, name, how in zip(
        figure.subplots(1, 2),
        ("log_net", CONTROL),
        ("both layers together", "heuristic"),
        strict=True,
    ):
        trained = evidence[name][0]
        drawn = mosaic.tiles(axes, weights(trained, 0)[:100], trained.dataset.shape, 10)
        axes.set_title(f"{how}: {named(trained)}", fontsize=10)
        scores.append(
            f"{over_seeds([float(_resemblance(seed).max(axis=1).mean()) for seed in evidence[name]])}"
            f" ({how})"
        )
    mosaic.scale(figure, drawn, axes)
    explain(
        figure,
        "first-layer weights trained together with the second layer (left) and by the heuristic"
        " procedure (right), which look similar.",
        "mean best correlation of a unit with a class mean of the training images:"
        f" {', '.join(scores)}. Units of the heuristic are ordered by label, those of joint"
        " training are not.",
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


def fig8(evidence: Evidence) -> Figure:
    """The first prototypes, and the slice of w2 that tells their classes."""
    trained, count = evidence["log_net"][0], 20
    w2, r = weights(trained, 1)[:, :count], _resemblance(trained)
    told, alike = w2.argmax(axis=0), r.argmax(axis=1)
    figure = canvas(9.6, 6.6)
    left, right = figure.subfigures(1, 2, squeeze=False)[0]
    for j, axes in enumerate(left.subplots(5, 4).flat):
        mosaic.tiles(axes, weights(trained, 0)[j : j + 1], trained.dataset.shape, 1)
        axes.set_title(
            f"j={j}: w2 says {told[j]}",
            fontsize=9,
            pad=2,
            color=RIGHT if told[j] == alike[j] else WRONG,
        )
        axes.set_xlabel(f"most like {alike[j]} (r={r[j].max():.2f})", fontsize=8)
    matrix(right, right.subplots(), w2.T, largest_in=1, rows="prototype j", columns="class i")
    figure.suptitle(
        f"first prototypes, and their slice of w2 (dot: largest): {named(trained)}", fontsize=11
    )
    shares = [
        float((weights(seed, 1).argmax(axis=0) == _resemblance(seed).argmax(axis=1)).mean())
        for seed in evidence["log_net"]
    ]
    explain(
        figure,
        "the first prototypes and the matching slice of w2, from which their classes can be"
        " predicted with varying success (the caption says control net; the text speaks of the"
        " jointly trained one, drawn here).",
        "w2's largest entry names the class whose mean training image the prototype resembles most"
        f" in {over_seeds(shares)} of all {r.shape[0]} prototypes (chance about"
        f" {1 / trained.dataset.n_classes:.2f}); blue where it does, vermilion elsewhere.",
    )
    return figure


def fig9(evidence: Evidence) -> Figure:
    """First-layer dot products of a relu network for two label pairs: intertwined blobs."""
    trained = evidence["relu_net"][0]
    w2 = weights(trained, 1)
    units = (w2 - w2.mean(axis=0)).argmax(axis=1)
    values, y = _flat(trained.dataset.x_test) @ weights(trained, 0)[units].T, trained.dataset.y_test
    chosen = [found.labels for found in _extreme_pairs(evidence[CONTROL][0])]
    figure = canvas(9.6, 5.4)
    numbers = []
    for axes, (m, n) in zip(figure.subplots(1, 2), chosen, strict=True):
        points = clusters(values, y, m, n)
        axis_names = [
            f"w1[{units[label]}] · x1, unit of label {label} [weight × pixel]" for label in (m, n)
        ]
        numbers.append(
            fitted(axes, points, (f"label {m}", f"label {n}"), x=axis_names[0], y=axis_names[1])
        )
    figure.suptitle(f"first-layer dot products of test images: {named(trained)}", fontsize=11)
    explain(
        figure,
        "first-layer dot products of a relu network, whose clusters look like intertwined blobs.",
        f"{'; '.join(numbers)}; {_overall(values, y)}. Labels are those of figure 10; a label's"
        " unit is the one with the largest w2 for it after subtracting the mean over classes."
        f" {SEPARABLE}",
    )
    return figure


def fig10(evidence: Evidence) -> Figure:
    """Hidden values x2 for two label pairs: clusters along parallel lines, separated with low and
    with high uncertainty.
    """
    trained = evidence[CONTROL][0]
    values, y = _x2(trained, "test"), trained.dataset.y_test
    figure = canvas(9.6, 5.4)
    numbers = []
    for axes, found in zip(figure.subplots(1, 2), _extreme_pairs(trained), strict=True):
        m, n = found.labels
        numbers.append(
            fitted(
                axes,
                clusters(values, y, m, n),
                (f"label {m}", f"label {n}"),
                **_prototype_axes(m, n),
            )
        )
    shape = (values.shape[1], int(np.prod(trained.dataset.shape)))
    random = np.log(
        _flat(trained.dataset.x_test)
        @ np.random.default_rng(trained.run.seed).uniform(size=shape).T
        / shape[1]
    )
    figure.suptitle(
        f"hidden values of test images, with total-least-squares lines: {named(trained)}",
        fontsize=11,
    )
    explain(
        figure,
        "clusters spread along parallel lines and linearly separated, with low (left) or relatively"
        " high (right) uncertainty.",
        f"{'; '.join(numbers)}; {_overall(values, y)}; with untrained prototypes, uniform in [0,"
        f" 1]: {_overall(random, y)}. Shown are the easiest and the hardest pair to separate on"
        f" {CHOOSING:,} training images. {SEPARABLE}",
    )
    return figure


def fig11(evidence: Evidence) -> Figure:
    """Residuals of the lines in figure 10's first plot."""
    trained = evidence[CONTROL][0]
    m, n = _extreme_pairs(trained)[0].labels
    figure = canvas(9.6, 5.0)
    numbers = []
    both = clusters(_x2(trained, "test"), trained.dataset.y_test, m, n)
    for axes, points, label, color in zip(
        figure.subplots(1, 2, sharey=True), both, (m, n), COLORS, strict=False
    ):
        line = fit_line(points)
        numbers.append(
            f"{structure(*residuals(line, points)):.1%} (label {label};"
            f" {(BINS - 1) / len(points):.1%} if random)"
        )
        title = f"label {label}, n={len(points):,} test images"
        residual_plot(axes, points, line, color=color, unit="natural log", title=title)
    figure.suptitle(f"residuals of the fitted lines: {named(trained)}", fontsize=11)
    explain(
        figure,
        "residuals for the first plot of figure 10, scattered randomly except for a small slope on"
        " the top of the left one.",
        "share of the residuals' variance that their place along the line explains:"
        f" {', '.join(numbers)}.",
    )
    return figure


def fig12(evidence: Evidence) -> Figure:
    """Change of a relu network's outputs under small random perturbations of a digit: linear."""
    figure = canvas(9.6, 5.2)
    left, right = figure.subplots(1, 2)
    _one_digit(left, evidence["relu_net"][0], _relu)
    held = response.errors(right, SIZES, _responses(evidence["relu_net"], _relu))
    figure.suptitle(f"perturbed outputs: {named(evidence['relu_net'][0])}", fontsize=11)
    explain(
        figure,
        "the change of a relu network's outputs for small random perturbations around a digit:"
        " linear.",
        f"error at most 5% {held}. {NOISE} First order is the gradient at the digit; linear net is"
        " the equation of a net without activations.",
    )
    return figure


def fig13(evidence: Evidence) -> Figure:
    """Change of the control network's outputs, with the document's prediction log(1+dx3/x3) and the
    plain first-order sum.
    """
    figure = canvas(9.6, 6.4)
    panels = figure.subplot_mosaic(
        [["digit", "error"], ["digit", "undefined"]], height_ratios=(3, 2)
    )
    _one_digit(panels["digit"], evidence[CONTROL][0], _log)
    responses = _responses(evidence[CONTROL], _log)
    held = response.errors(panels["error"], SIZES, responses)
    gone = {
        name: [perturbation.undefined(found.predicted[name]) for found in responses]
        for name in responses[0].predicted
    }
    response.curves(panels["undefined"], SIZES, gone, y="share undefined")
    at_1 = over_seeds([float(share[-1]) for share in gone["log(1+dx3/x3)"]])
    figure.suptitle(
        f"perturbed outputs in log space: {named(evidence[CONTROL][0])} (the net of the heuristic)",
        fontsize=11,
    )
    explain(
        figure,
        "the change of the log network's outputs with the prediction log(1+dx3/x3), which holds"
        " only over a small interval.",
        f"error at most 5% {held}. At size 1 log(1+dx3/x3) is undefined, its argument negative, for"
        f" a share of {at_1} of the outputs. {NOISE} First order is sum_j w2[i,j] eps[j].",
    )
    return figure


def _first_layer(runs: Sequence[Trained], says: str) -> Figure:
    """The first 100 units of the first seed, and how much those of all seeds resemble class means."""
    trained = runs[0]
    figure = canvas(6.6, 6.6)
    axes = figure.add_subplot()
    w1 = weights(trained, 0)
    mosaic.scale(figure, mosaic.tiles(axes, w1[:100], trained.dataset.shape, 10), axes)
    axes.set_title(f"first-layer weights w1: {named(trained)}", fontsize=11)
    score = over_seeds([float(_resemblance(seed).max(axis=1).mean()) for seed in runs])
    explain(
        figure,
        says,
        f"mean best correlation of a unit with a class mean {score};"
        f" n={len(trained.dataset.y_train):,} training images, {len(w1)} units.",
    )
    return figure


def _second_layer(runs: Sequence[Trained], says: str) -> Figure:
    """Digits perturbed until the first seed is fooled, above its w2; the share of prototypes whose
    largest w2 is their own label's.
    """
    trained = runs[0]
    shown = _shown(trained)
    fooled = perturbation.fool(
        shown, perturbation.gradient_ascent(), ASCENT_EPS, jax.random.key(trained.run.seed)
    )
    figure = canvas(9.6, 7.6)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(5, 4))[:, 0]
    digits(
        above,
        [
            clean_row(shown),
            *fooled_rows(shown, fooled, name="gradient", gain=GAIN, write="L2 {:.2f}".format),
        ],
    )
    matrix(
        below,
        below.subplots(),
        weights(trained, 1),
        largest_in=0,
        rows="class i",
        columns="prototype j (trained on label j mod 10)",
    )
    figure.suptitle(
        "perturbed digits (label → prediction), and w2 (dot: largest of a column):"
        f" {named(trained)}",
        fontsize=11,
    )
    shares = [
        float((w2.argmax(axis=0) == np.arange(w2.shape[1]) % len(w2)).mean())
        for w2 in (weights(seed, 1) for seed in runs)
    ]
    explain(
        figure,
        says,
        f"w2 is largest for the own label of {over_seeds(shares)} of the prototypes (chance"
        f" {1 / trained.dataset.n_classes:.2f}). {_schedule(trained)}. Median smallest Euclidean"
        f" length that fools the net {np.median(fooled.eps):.2f}, by gradient ascent,"
        f" n={len(shown.labels)}. {SHOWN}",
    )
    return figure


def _schedule(trained: Trained) -> str:
    """How w2 was learned, in words."""
    stage, start = (
        trained.run.config["stages"][-1],
        trained.run.config["model"]["w2_below"] or "Glorot's limit",
    )
    how, less = stage["optimizer"], stage["project"]["layers/1"]["subtract"]
    rate = (
        f"{how['name']} from learning rate {how['learning_rate']:g} to"
        f" {how['learning_rate'] * how['decay_to']:g}"
    )
    return (
        f"w2 started uniform below {start} and learned by {rate}, {less:g} subtracted at every step"
    )


def _overall(values: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, "n"]) -> str:
    """Angles and separability over all pairs of labels, in words."""
    found = pairs(values, labels)
    r2, separability = (
        np.median([line.r2 for pair in found for line in pair.lines]),
        np.mean([pair.separability for pair in found]),
    )
    angles = np.median([pair.angle for pair in found])
    return (
        f"over all {len(found)} label pairs the median angle is {angles:.1f}°, the median R²"
        f" {r2:.2f}, {separability:.1%} separable"
    )


def _extreme_pairs(trained: Trained) -> tuple[Pair, Pair]:
    """The label pairs whose clusters of training images are the easiest and the hardest to
    separate.
    """
    found = sorted(
        pairs(_x2(trained, "train"), trained.dataset.y_train[:CHOOSING]),
        key=lambda pair: pair.separability,
    )
    return found[-1], found[0]


def _x2(trained: Trained, split: Literal["train", "test"]) -> Float[np.ndarray, "n classes"]:
    """Hidden values of the first prototype of every label; the heuristic gives prototype j label j
    mod 10.
    """
    images = trained.dataset.x_train[:CHOOSING] if split == "train" else trained.dataset.x_test
    hidden = jax.jit(
        lambda x: trained.model.apply(trained.params, unit(x))[1][0].z[
            :, : trained.dataset.n_classes
        ]
    )
    return np.concatenate(
        [np.asarray(hidden(images[i : i + 5000])) for i in range(0, len(images), 5000)]
    )


def _prototype_axes(m: int, n: int) -> dict[str, str]:
    return {
        "x": f"x2[{m}], prototype of label {m} [natural log]",
        "y": f"x2[{n}], prototype of label {n} [natural log]",
    }


def _shown(trained: Trained) -> Net:
    """The net with the first test image of every label that it gets right."""
    data = trained.dataset
    net = Net(
        lambda params, x: trained.model.apply(params, x)[0],
        trained.params,
        data.x_test,
        data.y_test,
    )
    right = logits(net).argmax(axis=1) == data.y_test
    first = [np.flatnonzero(right & (data.y_test == label))[:1] for label in range(data.n_classes)]
    chosen = np.concatenate(first)
    return replace(net, images=data.x_test[chosen], labels=data.y_test[chosen])


def _relu(trained: Trained, x: Images, d: Images, sizes: Sizes) -> perturbation.Response:
    first, second = (trained.params["layers"][number] for number in "01")
    return perturbation.relu_response(
        np.asarray(first["w"]), np.asarray(first["b"]), np.asarray(second["w"]), x, d, sizes
    )


def _log(trained: Trained, x: Images, d: Images, sizes: Sizes) -> perturbation.Response:
    from bioexp.papers.log_net.model import FLOOR  # not above, as that module lists these figures

    return perturbation.log_response(weights(trained, 0), weights(trained, 1), x, d, sizes, FLOOR)


def _responses(runs: Sequence[Trained], respond: Respond) -> list[perturbation.Response]:
    """Every seed's outputs for the first test images, each with a perturbation of its own."""
    x = _flat(runs[0].dataset.x_test[:PERTURBED])
    return [
        respond(
            trained, x, perturbation.directions(x, np.random.default_rng(trained.run.seed)), SIZES
        )
        for trained in runs
    ]


def _one_digit(axes: Axes, trained: Trained, respond: Respond) -> None:
    """The first test image with one perturbation of either sign: outputs of its label, of the
    runner-up and of the last.
    """
    x, label = _flat(trained.dataset.x_test[:1]), int(trained.dataset.y_test[0])
    order = np.asarray(trained.model.apply(trained.params, jnp.asarray(x))[0])[0].argsort()[::-1]
    others = [int(i) for i in order if i != label]
    outputs = {
        f"x3[{label}] (its label)": label,
        f"x3[{others[0]}] (best other)": others[0],
        f"x3[{others[-1]}] (last)": others[-1],
    }
    sizes = np.linspace(-1, 1, 33)
    found = respond(
        trained, x, perturbation.directions(x, np.random.default_rng(trained.run.seed)), sizes
    )
    response.one_image(axes, sizes, found, outputs, y="change dx3 of the output [output units]")
    axes.set_title(f"test image 0 (a {label}), one random perturbation", fontsize=9)


def _flat(images: Num[np.ndarray, "n *shape"]) -> Images:
    """Bytes as numbers in [0, 1], one row per image."""
    return images.reshape(len(images), -1) / 255


def _resemblance(trained: Trained) -> Float[np.ndarray, "units classes"]:
    """Correlation of every unit's weights with every class mean of the training images."""
    data = trained.dataset
    return correlations(
        weights(trained, 0), class_means(data.x_train, data.y_train, data.n_classes)
    )
