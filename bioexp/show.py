"""Records of the commands as people read them in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bioexp.attacks.eps import labels
from bioexp.catalog import Detail
from bioexp.claims.changes import changes
from bioexp.claims.plan import Size
from bioexp.claims.plan import preview as preview_of_plan
from bioexp.claims.records import ClaimRow
from bioexp.config import build
from bioexp.config.reading import resolved
from bioexp.console import Terminal
from bioexp.experiment import Experiment
from bioexp.records import AttackedExperiment, Difference, Robustness
from bioexp.robustness.table import beside, crossed, findings
from bioexp.runs.tasks import Task
from bioexp.runs.train import minutes, plan
from bioexp.runs.workspace import Workspace, silent
from bioexp.workers.forecast import forecast


class Preview(NamedTuple):
    """What `bioexp train --dry-run` says of an experiment: its resolved config, its runs, and the
    minutes that the rest took last time (None: it never ran here).
    """

    config: dict[str, Any]
    runs: list[str]
    finished: list[str]
    stale: list[str]
    to_train: list[int]
    minutes: float | None


def preview(experiment: Experiment, workspace: Workspace, seeds: Sequence[int]) -> Preview:
    """What there is to do, without doing it."""
    experiment, _ = build.dataset_of(experiment, workspace.data_dir, silent)
    todo = plan(experiment, results=workspace.results, seeds=seeds)
    left = minutes(workspace.results / experiment.folder, len(todo.groups))
    return Preview(
        resolved(experiment),
        [str(path) for path in todo.paths.values()],
        [str(todo.paths[seed]) for seed in todo.finished],
        [str(todo.paths[seed]) for seed in todo.stale],
        [seed for group, _ in todo.groups for seed in group],
        None if left is None else round(left, 2),
    )


def preview_lines(shown: Preview) -> list[str]:
    """A config with every default, what of it is finished, and the minutes of the rest."""
    unknown = "unknown; the config's header says"
    left = unknown if shown.minutes is None else f"about {shown.minutes:g}"
    seeds = ", ".join(f"seed {seed}" for seed in shown.to_train) or "nothing"
    return [
        yaml.safe_dump(shown.config, sort_keys=False, allow_unicode=True).rstrip(),
        f"# finished: {', '.join(shown.finished) or 'none'}",
        f"# stale: {', '.join(shown.stale) or 'none'}",
        f"# to train: {seeds}; minutes: {left}",
    ]


def show_robustness(terminal: Terminal, record: AttackedExperiment) -> None:
    """Accuracies by attack and eps; then what the checks say, red ones first."""
    about = (
        f"{record.norm}, {record.n:,} test images, {record.rows[0].interval}, gradient: "
        f"{record.gradient_source}"
    )
    _show_table(terminal, record, f"{record.label}: accuracy under attack ({about})")
    if l2 := beside(record):
        _show_table(terminal, l2, "the same in the Euclidean ball")
    terminal.show(None, findings(record))


def _show_table(terminal: Terminal, table: Robustness, title: str) -> None:
    corner, columns, lines = crossed(table)
    rows = []
    for name, cells in lines.items():
        accuracies = [cell.accuracy if cell else None for cell in cells]
        rows.append({corner: name, **dict(zip(columns, accuracies, strict=True))})
    terminal.table(rows, [corner, *columns], title=title)


def show_comparison(terminal: Terminal, rows: Sequence[Difference]) -> None:
    """Robust accuracies of each experiment minus those of the first, image by image."""
    columns = ["eps", "of_first", "of_second", "difference", "low", "high", "says"]
    for first, second in dict.fromkeys((row.first, row.second) for row in rows):
        shown = [row for row in rows if (row.first, row.second) == (first, second)]
        about = (
            f"worst case, {shown[0].n:,} images and {shown[0].seeds} common seed(s), paired; 95 % "
            "by bootstrap over both"
        )
        called = labels(row.eps for row in shown if row.eps is not None)
        cells = [
            row.model_dump() | {"eps": "clean" if row.eps is None else called[row.eps]}
            for row in shown
        ]
        terminal.table(cells, columns, title=f"{second} against {first} ({about})")


def show_plan(
    terminal: Terminal, names: Sequence[str], size: Size, tasks: Sequence[Task], results: Path
) -> None:
    """What a reproduction would do, and what that costs."""
    rows = preview_of_plan(names, size, results)
    terminal.show(rows)
    columns = ["experiment", "seeds", "finished", "stale", "minutes"]
    terminal.table([row._asdict() for row in rows], columns)
    known = [row.minutes for row in rows if row.minutes is not None]
    unknown = f"unknown for {len(rows) - len(known)} experiments"
    total = f"training and attacks: about {sum(known):.1f} minutes, {unknown}"
    terminal.show(None, [total, *forecast(tasks).lines()])


def show_claims(terminal: Terminal, rows: Sequence[ClaimRow]) -> None:
    """Every row with its verdict, then how many have each."""
    columns = ["id", "expected", "measured", "verdict", "why"]
    terminal.table([row.model_dump() for row in rows], columns)
    verdicts = [row.verdict for row in rows]
    counts = [f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts)]
    terminal.show(None, [" · ".join(counts)])


def show_changes(
    terminal: Terminal,
    reference: Sequence[ClaimRow],
    rows: Sequence[ClaimRow],
    papers: Sequence[str],
    folder: Path | None,
) -> bool:
    """What changed since the reference; returns whether a reproduced row was lost."""
    changed = changes(reference, rows, papers)
    lost = [change.id for change in changed if change.lost]
    terminal.show({"claims": rows, "changes": changed})
    columns = ["id", "before", "now", "measured_before", "measured_now"]
    cells = [change._asdict() for change in changed]
    terminal.table(cells, columns, title=f"changed since {folder}")
    names = f": {', '.join(lost)}" if lost else ""
    terminal.show(None, [f"{len(changed)} rows changed, {len(lost)} reproduced ones lost{names}"])
    return bool(lost)


def detail_lines(shown: Detail) -> list[str]:
    """What `bioexp list NAME` says of a name: kind, place, citation, words, options."""
    options = [f"  {o['option']}: {o['type']} (default {o['default']})" for o in shown.options]
    takes = ["options:", *options, ""] if options else ["no options", ""]
    return [
        f"{shown.name} ({shown.kind}, {shown.where})",
        *([shown.citation] if shown.citation else []),
        "",
        shown.about,
        "",
        *(takes if options or shown.kind not in ("papers", "configs") else []),
    ]
