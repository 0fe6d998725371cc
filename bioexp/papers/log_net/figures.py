"""The paper's figures of weights and hidden values, drawn again from finished runs.

Those of perturbed digits are in `perturbation_figures`.

Every function takes the runs by experiment and draws one figure, which says below the picture what
the paper shows and what was measured; all measuring is done in `measures`. Pictures show the first
seed; numbers after which a count of seeds stands are means over them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from bioexp.experiment import Trained
from bioexp.figures import mosaic
from bioexp.figures.canvas import COLORS, canvas, explain, named, over_seeds
from bioexp.figures.digits import RIGHT, WRONG
from bioexp.figures.matrix import matrix
from bioexp.figures.scatter import draw_lines, draw_separator, legend, residual_plot, scatter
from bioexp.papers.log_net.measures import (
    CHOOSING,
    Clusters,
    Pairs,
    clusters,
    easiest_separated,
    extreme_pairs,
    label_pairs,
    median_angle,
    median_r2,
    random_pairs,
    separability,
)
from bioexp.papers.log_net.prototypes import named_class, names, resemblance, score
from bioexp.papers.measuring import weights
from bioexp.papers.paper import Evidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CONTROL = "log_net_control"
SEPARABLE = "Separable: share of the points on their side of the best logistic line."


def fig1(evidence: Evidence) -> Figure:
    """Hidden values x2 of two prototypes for two classes, which a straight line separates."""
    trained = evidence[CONTROL][0]
    found, separator, accuracy = easiest_separated(trained)
    m, n = found.pair.labels
    figure = canvas(6.4, 5.4)
    axes = figure.add_subplot()
    scatter(
        axes,
        found.points,
        (f"label {m}", f"label {n}"),
        **_prototype_axes(found),
        title=f"hidden values of test images: {named(trained)}",
    )
    draw_separator(axes, found.points, separator, f"separating line, accuracy {accuracy:.3f}")
    legend(axes)
    explain(
        figure,
        "an example of data that a linear perceptron can classify (values of x2, as its text"
        " says).",
        f"a line fitted on training images puts {accuracy:.1%} of"
        f" {sum(map(len, found.points)):,} test images on the right side. Of all pairs, labels {m}"
        f" and {n} are the easiest to separate on {CHOOSING:,} training images.",
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
        scores.append(f"{mean(score, evidence[name])} ({how})")
    mosaic.scale(figure, drawn, axes)
    explain(
        figure,
        "first-layer weights trained together with the second layer (left) and by the heuristic"
        " procedure (right), which look similar.",
        "mean best correlation of a unit with a class mean of the training images, the mean of all"
        " projected out:"
        f" {', '.join(scores)}. Units of the heuristic are ordered by label, those of joint"
        " training are not.",
    )
    return figure


def fig8(evidence: Evidence) -> Figure:
    """The first prototypes, and the slice of w2 that tells their classes."""
    trained, count = evidence["log_net"][0], 20
    r, (told, alike) = resemblance(trained), names(trained)
    figure = canvas(9.6, 6.6)
    left, right = figure.subfigures(1, 2, squeeze=False)[0]
    for j, axes in enumerate(left.subplots(5, 4).flat):
        mosaic.tiles(axes, weights(trained, 0)[j : j + 1], trained.dataset.shape, 1)
        color = RIGHT if told[j] == alike[j] else WRONG
        axes.set_title(f"j={j}: w2 says {told[j]}", fontsize=9, pad=2, color=color)
        axes.set_xlabel(f"most like {alike[j]} (r={r[j].max():.2f})", fontsize=8)
    w2 = weights(trained, 1)[:, :count]
    matrix(right, right.subplots(), w2.T, largest_in=1, rows="prototype j", columns="class i")
    figure.suptitle(
        f"first prototypes, and their slice of w2 (dot: largest): {named(trained)}", fontsize=11
    )
    explain(
        figure,
        "the first prototypes and the matching slice of w2, from which their classes can be"
        " predicted with varying success (the caption says control net; the text speaks of the"
        " jointly trained one, drawn here).",
        "w2's largest entry names the class whose mean training image the prototype resembles most"
        f" in {mean(named_class, evidence['log_net'])} of all {len(r)} prototypes (chance about"
        f" {1 / trained.dataset.n_classes:.2f}); blue where it does, vermilion elsewhere.",
    )
    return figure


def fig9(evidence: Evidence) -> Figure:
    """First-layer dot products of a relu network for two label pairs: intertwined blobs."""
    trained = evidence["relu_net"][0]
    figure = canvas(9.6, 5.4)
    numbers = []
    chosen = extreme_pairs(evidence[CONTROL][0])
    for axes, (m, n) in zip(figure.subplots(1, 2), [pair.labels for pair in chosen], strict=True):
        found = clusters(trained, (m, n))
        x, y = (
            f"w1[{unit}] · x1 + b[{unit}], unit of label {label} [weight × pixel]"
            for unit, label in zip(found.units, (m, n), strict=True)
        )
        numbers.append(_fitted(axes, found, x=x, y=y))
    figure.suptitle(f"first-layer dot products of test images: {named(trained)}", fontsize=11)
    explain(
        figure,
        "first-layer dot products of a relu network, whose clusters look like intertwined blobs.",
        f"{'; '.join(numbers)}. {_overall(label_pairs, evidence['relu_net'])}. Labels are those of"
        " figure 10; a label's unit is the one with the largest w2 for it after subtracting the"
        f" mean over classes. {SEPARABLE}",
    )
    return figure


def fig10(evidence: Evidence) -> Figure:
    """Hidden values x2 for two label pairs: clusters along parallel lines, separated with low and
    with high uncertainty.
    """
    trained = evidence[CONTROL][0]
    figure = canvas(9.6, 5.4)
    numbers = []
    for axes, pair in zip(figure.subplots(1, 2), extreme_pairs(trained), strict=True):
        found = clusters(trained, pair.labels)
        numbers.append(_fitted(axes, found, **_prototype_axes(found)))
    figure.suptitle(
        f"hidden values of test images, with total-least-squares lines: {named(trained)}",
        fontsize=11,
    )
    explain(
        figure,
        "clusters spread along parallel lines and linearly separated, with low (left) or relatively"
        " high (right) uncertainty.",
        f"{'; '.join(numbers)}. {_overall(label_pairs, evidence[CONTROL])}. With untrained"
        f" prototypes, uniform in [0, 1]: {_overall(random_pairs, evidence[CONTROL])}. Shown are"
        f" the easiest and the hardest pair to separate on {CHOOSING:,} training images."
        f" {SEPARABLE}",
    )
    return figure


def fig11(evidence: Evidence) -> Figure:
    """Residuals of the lines in figure 10's first plot."""
    trained = evidence[CONTROL][0]
    found = clusters(trained, extreme_pairs(trained)[0].labels)
    figure = canvas(9.6, 5.0)
    numbers = []
    for i, axes in enumerate(figure.subplots(1, 2, sharey=True)):
        label, points = found.pair.labels[i], found.points[i]
        numbers.append(
            f"{found.structure[i]:.1%} (label {label}; {found.by_chance[i]:.1%} if random)"
        )
        title = f"label {label}, n={len(points):,} test images"
        line, color = found.pair.lines[i], COLORS[i]
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


def mean(measure: Callable[[Trained], float], runs: Sequence[Trained]) -> str:
    """A measure over the seeds, in words."""
    return over_seeds([measure(trained) for trained in runs])


def _first_layer(runs: Sequence[Trained], says: str) -> Figure:
    """The first 100 units of the first seed; how much those of every seed are like class means."""
    trained = runs[0]
    figure = canvas(6.6, 6.6)
    axes = figure.add_subplot()
    w1 = weights(trained, 0)
    mosaic.scale(figure, mosaic.tiles(axes, w1[:100], trained.dataset.shape, 10), axes)
    axes.set_title(f"first-layer weights w1: {named(trained)}", fontsize=11)
    explain(
        figure,
        says,
        f"mean best correlation of a unit with a class mean, the mean of all projected out,"
        f" {mean(score, runs)};"
        f" n={len(trained.dataset.y_train):,} training images, {len(w1)} units.",
    )
    return figure


def _fitted(axes: Axes, found: Clusters, *, x: str, y: str) -> str:
    """Two clusters with their fitted lines; the angle between these and the accuracy of a
    separating line, in words.
    """
    both = tuple(f"label {label}" for label in found.pair.labels)
    r2 = " and ".join(f"{line.r2:.2f}" for line in found.pair.lines)
    numbers = (
        f"{found.pair.angle:.1f}° between the lines (R² {r2}), separable"
        f" {found.pair.separability:.1%}"
    )
    scatter(axes, found.points, both, x=x, y=y, title=numbers)
    draw_lines(axes, found.points, found.pair.lines)
    legend(axes)
    return f"{' and '.join(both)}: {numbers}"


def _overall(pairs: Pairs, runs: Sequence[Trained]) -> str:
    """Angles and separability over all pairs of labels, in words."""
    angle, r2, separable = (
        mean(partial(measure, pairs), runs) for measure in (median_angle, median_r2, separability)
    )
    return (
        f"Over all label pairs the median angle is {angle}°, the median R² {r2}, and {separable} of"
        " the points are separable"
    )


def _prototype_axes(found: Clusters) -> dict[str, str]:
    x, y = (
        f"x2[{unit}], prototype of label {label} [natural log]"
        for unit, label in zip(found.units, found.pair.labels, strict=True)
    )
    return {"x": x, "y": y}
