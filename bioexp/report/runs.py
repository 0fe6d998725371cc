"""What the report shows of each experiment: its score, its seeds, its robustness, its pictures and
where it all comes from.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from bioexp.config.reading import load
from bioexp.experiment import Run
from bioexp.records import AttackRow, Outcome, Robustness
from bioexp.report.images import Picture, picture
from bioexp.robustness.stored import table_of
from bioexp.robustness.table import beside, crossed, findings, over_seeds
from bioexp.runs.provenance import code_digest
from bioexp.runs.train import outcome
from bioexp.types import UserError
from bioexp.vouched import vouched

CAPTIONS = {
    "w1": "First-layer weights, each unit scaled by its own largest.",
    "learning_curve": (
        "Training, averaged over the minibatches between two records; the test accuracy is the"
        " final score."
    ),
    **{
        f"stage{stage}": f"What the rule of stage {stage} observed of itself, at the end of every"
        " record."
        for stage in range(3)
    },
    "robustness": "Accuracy under attack against the size of the perturbation.",
    "adversarial": "Clean images, perturbations (amplified) and the adversarial images they make.",
}


@dataclass(frozen=True)
class ShownSeed:
    """A seed of an experiment, with the last record of its training; code: whether today's made
    it.
    """

    seed: int
    test_accuracy: float | None
    train_accuracy: float | None
    train_loss: float | None
    steps: int
    wall_s: float
    device: str
    finished: str
    commit: str
    code: str


@dataclass(frozen=True)
class AttackLine:
    """An attack with its accuracies, or an eps; None where it was not made. size: of the eps."""

    name: str
    size: float
    cells: tuple[AttackRow | None, ...]


@dataclass(frozen=True)
class AttackTable:
    """Accuracies under attack, attacks down and eps across or the other way round, as the corner
    says; interval: what intervals are over.
    """

    title: str
    table: Robustness
    corner: str
    columns: tuple[str, ...]
    lines: tuple[AttackLine, ...]
    interval: str
    findings: tuple[str, ...]


@dataclass(frozen=True)
class ProvenanceLine:
    """A dotted key of provenance.json with its value, or with every seed's where they differ."""

    key: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ShownExperiment:
    """One configuration with all its seeds. anchor: of its section. config: as YAML."""

    score: Outcome
    anchor: str
    identity: str
    config: str
    seeds: tuple[ShownSeed, ...]
    robustness: tuple[AttackTable, ...]
    pictures: tuple[Picture, ...]
    provenance: tuple[ProvenanceLine, ...]

    @property
    def label(self) -> str:
        """What it is called beside the others."""
        return self.score.label


def experiment(runs: Sequence[Run], label: str, *, pictures: bool = True) -> ShownExperiment:
    """One configuration with all its seeds; the pictures, if wanted, are of its first seed."""
    first = runs[0]
    identity, today = first.path.name.rpartition("-s")[0], _digest(first)
    config = first.config.model_dump(mode="json", exclude_unset=True)
    return ShownExperiment(
        score=outcome(runs, label),
        anchor=f"run-{first.path.parent.name}-{identity}",
        identity=identity,
        config=yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
        seeds=tuple(_seed(run, today) for run in runs),
        robustness=tuple(_tables(label, attacked(runs))),
        pictures=tuple(_pictures(first)) if pictures else (),
        provenance=tuple(_provenance(runs)),
    )


def attacked(runs: Sequence[Run]) -> dict[int, Robustness]:
    """The tables of those runs that were attacked, by seed."""
    tables = {run.seed: table_of(run.path) for run in runs}
    return {seed: table for seed, table in tables.items() if table is not None}


def mean_over_seeds(tables: Mapping[int, Robustness]) -> Robustness | None:
    """One table for all seeds; None where there is none, or where they were attacked in different
    ways.
    """
    if len({_protocol(table) for table in tables.values()}) != 1:
        return None
    return over_seeds("", tables)


def _seed(run: Run, today: str | None) -> ShownSeed:
    made, last = run.provenance, run.metrics[-1] if run.metrics else {}
    same = "today's" if made.code_digest == today else "other: stale"
    return ShownSeed(
        seed=run.seed,
        test_accuracy=run.summary.test_accuracy,
        train_accuracy=last.get("train_accuracy"),
        train_loss=last.get("train_loss"),
        steps=run.summary.steps,
        wall_s=made.wall_s,
        device=made.device.kind,
        finished=made.finished[:10],
        commit=made.git.commit[:10] + " + changes" * made.git.dirty,
        code="not known" if today is None else same,
    )


def _digest(run: Run) -> str | None:
    """Digest of today's numerical code for this run's config; None where its files are gone or it
    no longer loads.
    """
    try:
        return code_digest(load(run.path / "config.yaml")[0])
    except UserError:
        return None


def _pictures(run: Run) -> list[Picture]:
    place = {name: number for number, name in enumerate(CAPTIONS)}
    written = vouched(run.path / "FINISHED") | vouched(run.path / "ATTACKED")
    paths = sorted(
        (path for path in written if path.suffix == ".png"),
        key=lambda path: (place.get(path.stem, len(place)), path.stem),
    )
    return [picture(path, CAPTIONS.get(path.stem, path.stem.replace("_", " "))) for path in paths]


def _tables(name: str, tables: Mapping[int, Robustness]) -> list[AttackTable]:
    """The mean over the seeds, if they were attacked in the same way, then each seed."""
    titled = [(f"{name}, seed {seed}", table) for seed, table in tables.items()]
    mean = mean_over_seeds(tables) if len(tables) > 1 else None
    if mean:
        titled.insert(0, (f"{name}, mean over {len(tables)} seeds", mean))
    return [shown for title, table in titled for shown in _shown(title, table)]


def _protocol(table: Robustness) -> Hashable:
    """What must be the same in two tables for a mean over them."""
    rows = tuple((row.attack, row.eps, row.n) for row in table.rows)
    l2 = tuple((row.attack, row.eps, row.n) for row in table.l2)
    return table.norm, table.gradient_source, rows, l2, tuple(flag.code for flag in table.flags)


def _shown(title: str, table: Robustness) -> list[AttackTable]:
    """A table, and that of its attacks in the Euclidean ball if there are any."""
    ball = beside(table)
    shown = [_across(title, table, findings(table))]
    return [*shown, _across(title, ball, [])] if ball else shown


def _across(title: str, table: Robustness, said: Sequence[str]) -> AttackTable:
    corner, columns, rows = crossed(table)
    lines = [
        AttackLine(
            name, max((cell.eps or 0.0 for cell in cells if cell), default=0.0), tuple(cells)
        )
        for name, cells in rows.items()
    ]
    over = " or ".join(dict.fromkeys(row.interval for row in table.rows))
    return AttackTable(title, table, corner, tuple(columns), tuple(lines), over, tuple(said))


def _provenance(runs: Sequence[Run]) -> list[ProvenanceLine]:
    by_seed = {
        run.seed: _flat(run.provenance.model_dump(mode="json", exclude={"seed"})) for run in runs
    }
    lines = []
    for key in dict.fromkeys(key for values in by_seed.values() for key in values):
        values = [(f"seed {seed}", flat.get(key, "")) for seed, flat in by_seed.items()]
        if len({value for _, value in values}) == 1:
            values = [("", values[0][1])]
        lines.append(ProvenanceLine(key, tuple(values)))
    return lines


def _flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in node.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat
