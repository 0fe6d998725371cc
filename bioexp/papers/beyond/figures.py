"""Figures over the runs of all papers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.papers.beyond.measures import (
    FROZEN,
    AttackedNet,
    Scores,
    attacked_nets,
    scores,
)
from bioexp.papers.paper import Evidence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bioexp.measures.estimators import Estimate


def rule_by_dataset(evidence: Evidence) -> Figure:
    """Test accuracy of every rule on every dataset, a dot with its 95 % interval over seeds; best
    on the first dataset on top.
    """
    found = scores(evidence)
    first = next(iter(found.values())).rules
    order = sorted(first, key=lambda rule: first[rule].value)
    figure = canvas(11.0, 1.6 + 0.36 * len(order))
    panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    for axes, (dataset, of_dataset) in zip(panels, found.items(), strict=True):
        _scores(axes, dataset, of_dataset, order)
    explain(
        figure,
        "none compares the rules with each other.",
        "means with 95 % t intervals over seeds. Rules marked * have a net of their own, the others"
        " share 784-100-10 tanh; frozen hidden is the control that learns its read-out only.",
    )
    return figure


def _scores(axes: Axes, dataset: str, found: Scores, order: Sequence[str]) -> None:
    """One dataset, its rules in this order from below."""
    dots(axes, [found.rules[rule] for rule in order], order)
    axes.set_title(
        f"{dataset}, {_seeds(found.seeds)}, {found.n_test:,} test images",
        fontsize=10,
    )
    frozen = found.rules[FROZEN].value
    axes.axvline(frozen, color=COLORS[1], linestyle="--", linewidth=1, label=FROZEN)
    axes.legend(loc="upper left", fontsize=8)
    axes.set_xlabel("test accuracy", fontsize=9)
    axes.set_xlim(0, 1)


def rule_by_attack(attacked: Sequence[str], evidence: Evidence) -> Figure:
    """Accuracy of every attacked net under every attack at eps 0.1 and under all of them at every
    eps, means with 95 % intervals over seeds, and what is red.
    """
    nets = attacked_nets(attacked, evidence)
    attacks = list(nets[0].accuracy) if nets else []
    figure = canvas(2.6 + 1.0 * len(attacks), 1.6 + 0.42 * len(nets))
    _cells(figure.add_subplot(), nets, attacks)
    said = "; ".join(f"{net.name}: {net.red}" for net in nets if net.red)
    images = sorted({n for net in nets for n in net.images})
    explain(
        figure,
        "single attacks at most.",
        f"accuracy at the eps named (L∞), first {' or '.join(map(str, images))} test images, 95 % t"
        " intervals over seeds; the worst case is the minimum per image. † robustness NOT"
        f" established{f': {said}' if said else ', of none here'}.",
    )
    return figure


def _cells(axes: Axes, nets: Sequence[AttackedNet], attacks: Sequence[str]) -> None:
    """A row for each net, a cell for each attack: darker where more accuracy is left."""
    values = [[net.accuracy[attack] for attack in attacks] for net in nets]
    shades = [[cell.value if cell else float("nan") for cell in row] for row in values]
    axes.imshow(shades, cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
    for y, row in enumerate(values):
        for x, cell in enumerate(row):
            axes.text(x, y, _words(cell), ha="center", va="center", fontsize=8)
    labels = [f"{net.name}, {_seeds(net.seeds)}{' †' * bool(net.red)}" for net in nets]
    names = [name.replace("_", " ").replace(" ", "\n") for name in attacks]
    axes.set_xticks(range(len(attacks)), names, fontsize=9)
    axes.set_yticks(range(len(nets)), labels, fontsize=8.5)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)


def dots(axes: Axes, values: Sequence[Estimate], labels: Sequence[str]) -> None:
    """A line for each value, from below: a dot, its interval, and on the right both in figures."""
    for y, value in enumerate(values):
        if value.low is not None and value.high is not None:
            axes.plot([value.low, value.high], [y, y], color=COLORS[0], linewidth=2)
        axes.plot(value.value, y, "o", color=COLORS[0], markersize=5)
        words = _words(value).replace("\n", " ")
        axes.text(1.02, y, words, transform=axes.get_yaxis_transform(), va="center", fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=8.5)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.tick_params(axis="x", labelsize=8)
    plain(axes)


def _words(value: Estimate | None) -> str:
    """A mean and its interval below; a dash for none."""
    if value is None:
        return "–"
    interval = "" if value.low is None else f"\n[{value.low:.3f}, {value.high:.3f}]"
    return f"{value.value:.3f}{interval}"


def _seeds(count: int) -> str:
    return f"{count} seed{'s' * (count > 1)}"
