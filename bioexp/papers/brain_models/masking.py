"""Robustness that is none: nets of random feedback, attacked along the gradient they were trained
by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bioexp.experiment import Trained
from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.papers.brain_models.measures import (
    ATTACKED,
    EPS,
    FGSM,
    MASKED_FGSM,
    NOISE,
    PGD,
    Attempt,
    accuracies_under,
    masked_nets,
)
from bioexp.papers.paper import Evidence
from bioexp.robustness.table import MASKED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """An attempt, and how its line is drawn."""

    label: str
    attempt: Attempt
    color: str
    style: str


ROWS = (
    Row("noise", NOISE, COLORS[6], ":"),
    Row("FGSM, training gradient (masked)", MASKED_FGSM, COLORS[1], "--"),
    Row("FGSM, true gradient", FGSM, COLORS[0], "-"),
    Row("PGD (10 steps), true gradient", PGD, COLORS[2], "-"),
)


def masking_demo(evidence: Evidence) -> Figure:
    """Accuracy under noise, and along the true and the training gradient, of nets of one and two
    hidden layers by four rules.
    """
    nets = masked_nets(evidence)
    figure = canvas(11.6, 7.6)
    grid = figure.subplots(len(nets), 4, sharex=True, sharey=True, squeeze=False)
    numbers = []
    for line, (hidden, rules) in zip(grid, nets.items(), strict=True):
        line[0].set_ylabel(f"accuracy, first {ATTACKED} test images", fontsize=9)
        for axes, (rule, seeds) in zip(line, rules.items(), strict=True):
            name = rule.replace("_", " ")
            at = " / ".join(f"{value:.3f}" for value in _attempts(axes, seeds))
            axes.set_title(f"{name}\n784-{hidden}-10 tanh, {len(seeds)} seeds", fontsize=9)
            axes.set_xlabel("eps, L∞, pixels in 0 to 1", fontsize=9)
            axes.set_ylim(0, 1)
            axes.tick_params(labelsize=8)
            plain(axes)
            numbers.append(f"{name} ({hidden}) {at}")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=9, frameon=False, ncols=4, loc="outside upper center")
    explain(
        figure,
        "nothing on robustness; claims that random feedback makes nets robust rest on dashed"
        " curves.",
        f"at eps 0.2, noise / training gradient / true gradient / PGD: {'; '.join(numbers)}. Dashed"
        f" is {MASKED}. Backprop's training gradient is the true one. Weights align with fixed"
        " feedback, so that even its gradient is an attack; with feedback drawn anew nothing"
        " aligns, and it breaks less than noise. With one hidden layer both rules of fixed"
        " feedback are one. Lines are means over seeds, bands their range.",
    )
    return figure


def _attempts(axes: Axes, seeds: Sequence[Trained]) -> list[float]:
    """A line for each attempt; what each leaves at eps 0.2, mean over seeds."""
    eps, at = (0.0, *EPS), []
    for row in ROWS:
        left = accuracies_under(seeds, row.attempt)
        mean, low, high = left.mean(axis=0), left.min(axis=0), left.max(axis=0)
        axes.plot(eps, mean, row.style, color=row.color, label=row.label, marker="o", markersize=3)
        axes.fill_between(eps, low, high, color=row.color, alpha=0.18, linewidth=0)
        at.append(float(mean[eps.index(0.2)]))
    return at
