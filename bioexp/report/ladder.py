"""The robustness of every experiment in one table: a row for each and each eps, as the page, CSV
and JSON hold it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bioexp.attacks import ATTACKS
from bioexp.attacks.eps import show_eps
from bioexp.experiment import Run
from bioexp.records import AttackRow, Number, Robustness
from bioexp.report.runs import attacked, mean_over_seeds
from bioexp.robustness.table import CLEAN, WORST

ABOUT = ("experiment", "model", "rule", "dataset", "seeds", "n", "eps", CLEAN)
LAST = (WORST, "median_l2", "flags")


@dataclass(frozen=True)
class Rung:
    """An experiment at one eps: its accuracies by attack, clean and the worst case among them, as
    means over seeds with their 95 % intervals. flags: what is red at this eps, in words.
    """

    experiment: str
    model: str
    rule: str
    dataset: str
    seeds: int
    n: int
    eps: float
    accuracies: Mapping[str, AttackRow]
    median_l2: float | None
    flags: str

    @property
    def eps_shown(self) -> str:
        """eps as users write it, 8/255."""
        return show_eps(self.eps)

    @property
    def attacks(self) -> list[str]:
        """The attacks that were made."""
        return [name for name in self.accuracies if name not in (CLEAN, WORST)]

    def cell(self, column: str) -> str | Number | None:
        """What stands in a column; None where an attack was not made."""
        if column in self.accuracies:
            return self.accuracies[column].accuracy
        value: str | Number | None = getattr(self, column, None)
        return value


@dataclass(frozen=True)
class Ladder:
    """Every experiment that was attacked, at every eps."""

    columns: tuple[str, ...]
    rows: tuple[Rung, ...]


def cross_table(groups: Sequence[Sequence[Run]], labels: Sequence[str]) -> Ladder | None:
    """The ladder of experiments, each with its label; None where nothing was attacked.

    An experiment whose seeds were attacked in different ways, or along another gradient, has no
    row.
    """
    rows = [row for label, runs in zip(labels, groups, strict=True) for row in _rungs(label, runs)]
    made = dict.fromkeys(name for row in rows for name in row.attacks)
    known = [name for name in ATTACKS if name in made]
    own = [name for name in made if name not in ATTACKS]
    return Ladder((*ABOUT, *known, *own, *LAST), tuple(rows)) if rows else None


def as_csv(ladder: Ladder) -> str:
    """The same for a spreadsheet; eps as a number, empty where an attack was not made."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(ladder.columns)
    writer.writerows([row.cell(column) for column in ladder.columns] for row in ladder.rows)
    return text.getvalue()


def as_json(ladder: Ladder) -> list[dict[str, Any]]:
    """The same as JSON holds it, with the ends of every interval."""
    return [
        {
            **{column: row.cell(column) for column in ABOUT},
            "eps_shown": row.eps_shown,
            "median_l2": row.median_l2,
            "flags": row.flags,
            "attacks": row.attacks,
            **{name: cell.accuracy for name, cell in row.accuracies.items()},
            "ends": {name: [cell.low, cell.high] for name, cell in row.accuracies.items()},
        }
        for row in ladder.rows
    ]


def _rungs(label: str, runs: Sequence[Run]) -> list[Rung]:
    tables = attacked(runs)
    mean = mean_over_seeds(tables)
    if mean is None or mean.gradient_source != "true":
        return []
    config, distance = runs[0].config, mean.median_l2
    sizes = dict.fromkeys(row.eps for row in mean.rows if row.eps is not None)
    return [
        Rung(
            experiment=label,
            model=config.model.name,
            rule=" + ".join(dict.fromkeys(stage.rule.name for stage in config.stages)),
            dataset=runs[0].provenance.dataset.name,
            seeds=len(tables),
            n=mean.n,
            eps=eps,
            accuracies={row.attack: row for row in mean.rows if row.eps in (eps, None)},
            median_l2=distance.value if distance else None,
            flags=_flags(mean, eps),
        )
        for eps in sizes
    ]


def _flags(table: Robustness, eps: float) -> str:
    """What is red at this eps, each in its words and its sentence."""
    return "; ".join(
        f"{flag.words} ({flag.code}): {flag.sentence}"
        for flag in table.flags
        if flag.state == "red" and flag.reads_at(eps)
    )
