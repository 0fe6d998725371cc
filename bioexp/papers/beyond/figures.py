"""Figures over the runs of all papers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bioexp.experiment import Run, Trained
from bioexp.figures.canvas import COLORS, canvas, explain, plain
from bioexp.measures.verdict import Measured, measured
from bioexp.papers.measuring import EPS, accuracy
from bioexp.papers.paper import Claim, Evidence
from bioexp.robustness.flags import Flag
from bioexp.robustness.table import WORST
from bioexp.runs.labels import labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BY_DATASET = ("rule_by_dataset", "rule_by_dataset_own")
CLEAN = "clean"


def rule_by_dataset(evidence: Evidence) -> Figure:
    """Test accuracy of every rule on every dataset, a dot with its 95 % interval over seeds; best
    on the first dataset on top.
    """
    found: dict[str, dict[str, list[Trained]]] = {}
    for one in (one for config in BY_DATASET for one in evidence[config]):
        found.setdefault(one.dataset.name, {}).setdefault(_rule(one), []).append(one)
    scores = {
        data: {rule: measured([accuracy(one) for one in seeds]) for rule, seeds in rules.items()}
        for data, rules in found.items()
    }
    first = next(iter(scores.values()))
    order = sorted(first, key=lambda rule: first[rule].mean)
    figure = canvas(11.0, 1.6 + 0.36 * len(order))
    for axes, (data, rules) in zip(
        figure.subplots(1, len(scores), sharey=True, squeeze=False)[0], scores.items(), strict=True
    ):
        dots(axes, [rules[rule] for rule in order], order)
        seeds, n = len(found[data][order[0]]), len(found[data][order[0]][0].dataset.y_test)
        axes.set_title(
            f"{data}, {seeds} seed{'s' if seeds > 1 else ''}, {n:,} test images", fontsize=10
        )
        axes.set_xlabel("test accuracy", fontsize=9)
        axes.set_xlim(0, 1.5)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    explain(
        figure,
        "none compares the rules with each other.",
        "means with 95 % t intervals over seeds. Rules marked * have a net of their own, the others"
        " share 784-100-10 tanh; frozen hidden is the control that learns its read-out only.",
    )
    return figure


def rule_by_attack(evidence: Evidence) -> Figure:
    """Accuracy of every attacked net under every attack at eps 0.1, means with 95 % intervals over
    seeds, and what is red.
    """
    nets: dict[str, list[Mapping[str, Any]]] = {}
    groups: dict[str, list[Run]] = {}
    for one in (one.run for trained in evidence.values() for one in trained):
        groups.setdefault(one.name.rpartition("-s")[0], []).append(one)
    for label, group in zip(labelled(list(groups.values())), groups.values(), strict=True):
        tables = [one.path / "robustness.json" for one in group]
        nets[label] = [json.loads(table.read_text("utf-8")) for table in tables if table.is_file()]
    nets = {label: seeds for label, seeds in nets.items() if seeds}
    attacks = list(
        dict.fromkeys(
            row["attack"] for seeds in nets.values() for one in seeds for row in one["rows"]
        )
    )
    attacks = [CLEAN, *(name for name in attacks if name not in (CLEAN, WORST)), WORST]
    figure = canvas(2.4 + 1.45 * len(attacks), 1.6 + 0.42 * len(nets))
    axes = figure.add_subplot()
    values = [[_mean(seeds, attack) for attack in attacks] for seeds in nets.values()]
    shades = [[cell.mean if cell else float("nan") for cell in row] for row in values]
    axes.imshow(shades, cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
    for y, row in enumerate(values):
        for x, cell in enumerate(row):
            axes.text(x, y, _words(cell), ha="center", va="center", fontsize=7.5)
    red = {name: _red(seeds) for name, seeds in nets.items()}
    labels = [
        f"{name}, {len(seeds)} seed{'s' * (len(seeds) > 1)}{' †' * bool(red[name])}"
        for name, seeds in nets.items()
    ]
    axes.set_xticks(range(len(attacks)), [name.replace("_", " ") for name in attacks], fontsize=9)
    axes.set_yticks(range(len(nets)), labels, fontsize=8.5)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)
    said = "; ".join(f"{name}: {words}" for name, words in red.items() if words)
    images = sorted({one["n"] for seeds in nets.values() for one in seeds})
    explain(
        figure,
        "single attacks at most.",
        f"accuracy at eps {EPS:g} (L∞), first {' or '.join(map(str, images))} test images, 95 % t"
        " intervals over seeds; the worst case is the minimum per image. † robustness NOT"
        f" established{f': {said}' if said else ', of none here'}.",
    )
    return figure


def controls(claims: Sequence[Claim], evidence: Evidence) -> Figure:
    """Each of these claims beside the controls that would explain it away, with 95 % intervals over
    seeds.
    """
    heights = [1.6 + len(claim.controls) for claim in claims]
    figure = canvas(11.0, 0.8 + 0.27 * sum(heights))
    for axes, claim in zip(
        figure.subplots(len(claims), 1, squeeze=False, height_ratios=heights)[:, 0],
        claims,
        strict=True,
    ):
        rows = [
            (claim.measured, claim.measure),
            *((control.what, control.measure) for control in claim.controls),
        ]
        found = [measured(list(measure(evidence))) for _, measure in rows]
        dots(axes, found[::-1], [_short(name) for name, _ in rows[::-1]])
        axes.get_yticklabels()[-1].set_fontweight("bold")
        axes.set_title(_short(f"{claim.id}: {claim.what}"), fontsize=9, loc="left")
        axes.margins(x=0.25)
    explain(
        figure,
        "claims without controls.",
        "in bold what the claim is about, below it its controls; 95 % t intervals over seeds.",
    )
    return figure


def dots(axes: Axes, values: Sequence[Measured], labels: Sequence[str]) -> None:
    """A line for each value, from below: a dot, its interval, both in figures beside it."""
    for y, value in enumerate(values):
        if value.low is not None and value.high is not None:
            axes.plot([value.low, value.high], [y, y], color=COLORS[0], linewidth=2)
        axes.plot(value.mean, y, "o", color=COLORS[0], markersize=5)
        at = value.mean if value.high is None else max(value.high, value.mean)
        axes.annotate(
            _words(value).replace("\n", " "),
            (at, y),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
        )
    axes.set_yticks(range(len(labels)), labels, fontsize=8.5)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.tick_params(axis="x", labelsize=8)
    plain(axes)


def _rule(one: Trained) -> str:
    """The rule that a net's first stage learned by; a star where the net is the rule's own."""
    rule = one.run.config["stages"][0]["rule"]
    of = f" of {rule['source']}" if "source" in rule else ""
    return f"{rule['name'].replace('_', ' ')}{of}{'' if one.run.config['model']['name'] == 'mlp' else ' *'}"


def _mean(seeds: Sequence[Mapping[str, Any]], attack: str) -> Measured | None:
    """Accuracy over seeds at EPS, or clean; None where the attack was not made."""
    at = None if attack == CLEAN else EPS
    found = [
        row["accuracy"]
        for one in seeds
        for row in one["rows"]
        if row["attack"] == attack and row["eps"] == at
    ]
    return measured(found) if found else None


def _red(seeds: Sequence[Mapping[str, Any]]) -> str:
    """The words of the checks that are red at EPS for some seed."""
    flags = [Flag(**{**flag, "eps": tuple(flag["eps"])}) for one in seeds for flag in one["flags"]]
    return ", ".join(
        sorted(
            {
                f"{flag.words} ({flag.code})"
                for flag in flags
                if flag.state == "red" and flag.reads_at(EPS)
            }
        )
    )


def _words(value: Measured | None) -> str:
    if value is None:
        return "–"
    return f"{value.mean:.3f}" + (
        "" if value.low is None else f"\n[{value.low:.3f}, {value.high:.3f}]"
    )


def _short(words: str) -> str:
    return words if len(words) <= 70 else f"{words[:69]}…"
