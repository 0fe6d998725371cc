"""Claims that the profile's seeds leave undecided, judged again with as many as would decide them,
where these cost little.

It is done once: whoever adds seeds until an interval is on one side decides by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bioexp.claims.plan import Size, Wanted, wanted
from bioexp.claims.records import ClaimRow
from bioexp.claims.tasks import tasks
from bioexp.claims.verdicts import row_of
from bioexp.experiment import Run, Trained
from bioexp.papers.paper import Claim, Study
from bioexp.robustness.stored import table_of
from bioexp.runs.directory import directory, open_run, seeds_of
from bioexp.runs.nets import trained
from bioexp.runs.tasks import ProgressBar
from bioexp.runs.train import plan
from bioexp.runs.workspace import Workspace
from bioexp.workers.share import share

CHEAP = 60.0  # seconds that the seeds of one claim may take


def decided(
    study: Study,
    rows: Sequence[ClaimRow],
    size: Size,
    workspace: Workspace,
    progress: ProgressBar,
) -> list[ClaimRow]:
    """The rows of a study, those judged again that a few more seeds may decide."""
    claims = {claim.id: claim for claim in study.claims}
    if size.profile != "laptop" or size.seeds:
        return list(rows)
    return [
        _again(study, claims[row.id], row, size, workspace, progress) if row.seeds_needed else row
        for row in rows
    ]


def _again(
    study: Study,
    claim: Claim,
    row: ClaimRow,
    size: Size,
    workspace: Workspace,
    progress: ProgressBar,
) -> ClaimRow:
    count = row.seeds_needed or 0
    larger = replace(size, more=dict.fromkeys(claim.experiments, count))
    needs = [need for need in wanted(study, larger) if need.name in claim.experiments]
    if sum(_seconds(need, workspace) for need in needs) > CHEAP:
        return row
    workspace.say(f"{row.id}: undecided by {row.n_seeds} seeds; judged again by {count}")
    groups = {need.group for need in needs}
    todo = tasks([study.name], larger, workspace, progress)
    share([task for task in todo if task.name in groups], workspace.say)
    again = row_of(claim, _evidence(needs, workspace), size.comparable)
    added = f"{again.n_seeds - row.n_seeds} seeds were added, as {row.n_seeds} left it undecided"
    kept = {name: getattr(row, name) for name in ("command", "figure", "runs")}
    why = "; ".join(filter(None, [again.why, added]))
    return again.model_copy(update=kept | {"why": why})


def _evidence(needs: Sequence[Wanted], workspace: Workspace) -> dict[str, list[Trained]]:
    evidence: dict[str, list[Trained]] = {}
    for need in needs:
        runs = [open_run(directory(workspace.results, need.experiment, s)) for s in need.seeds]
        evidence.setdefault(need.name, []).extend(as_wanted(need, runs, workspace))
    return evidence


def as_wanted(need: Wanted, runs: Sequence[Run], workspace: Workspace) -> list[Trained]:
    """The runs with their nets, as the variant that is wanted: two whose configs are the same, such
    as one that stops early in the few steps of the smoke profile, share their runs.
    """
    nets = trained(runs, workspace.data_dir)
    return [replace(net, experiment=need.experiment) for net in nets]


def _seconds(need: Wanted, workspace: Workspace) -> float:
    """What the seeds that are still to be trained and attacked will take, as those before did."""
    todo = plan(need.experiment, results=workspace.results, seeds=need.seeds)
    finished = [open_run(path) for path in seeds_of(workspace.results / need.group)]
    missing = len(need.seeds) - len(todo.finished)
    training = sum(run.provenance.wall_s for run in finished) / len(finished) ** 2
    tables = [table_of(run.path) for run in finished] if need.attacked else []
    attacks = [table.wall_s for table in tables if table and table.wall_s is not None]
    return missing * (training + (sum(attacks) / len(attacks) if attacks else 0.0))
