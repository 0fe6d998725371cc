"""`bioexp reproduce`: once everything is trained and attacked, draw and judge; every row of a
study's ledger gets a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bioexp.claims.drawings import draw, draw_overviews
from bioexp.claims.more_seeds import as_wanted, decided
from bioexp.claims.plan import Size, Wanted, needed, studies_named, wanted
from bioexp.claims.records import ClaimRow
from bioexp.claims.rows import merged, write_claims
from bioexp.claims.verdicts import judge
from bioexp.experiment import Run, Trained
from bioexp.papers import papers
from bioexp.papers.paper import Evidence, Study
from bioexp.runs.directory import directory, failure, open_run
from bioexp.runs.tasks import ProgressBar
from bioexp.runs.workspace import Workspace
from bioexp.types import UserError


class Judged(NamedTuple):
    """rows: of the studies named. claims: all that the results folder holds now. errors: what
    failed in the code of a study, to be raised once everything is written.
    """

    rows: list[ClaimRow]
    claims: list[ClaimRow]
    errors: list[Exception]


def judged(names: Sequence[str], size: Size, workspace: Workspace, progress: ProgressBar) -> Judged:
    """Draw and judge from the run directories alone, and write claims.json, claims.md and figures/
    into the results folder.

    What is undecided is judged once more with the seeds that would decide it, where these cost
    little. Goes on after an experiment or a whole study that fails; the rows that need it say "not
    run" and why.
    """
    broken = papers().broken
    errors = list(broken.values()) if list(names) == ["all"] else []
    rows: list[ClaimRow] = []
    for name, study in studies_named(names).items():
        command = _command(name, size)
        try:
            evidence, failed = _gathered(study, size, workspace)
            judged_once = _rows(study, evidence, failed, size, workspace, command)
            rows += decided(study, judged_once, size, workspace, progress)
        except Exception as error:
            errors.append(error)
            reason = f"its code failed: {type(error).__name__}: {error}"
            reason = str(error) if isinstance(error, UserError) else reason
            workspace.say(f"{study.name}: {reason}")
            failed = dict.fromkeys(needed(study), reason)
            rows += _rows(study, {}, failed, size, workspace, command)
    claims = merged(workspace, rows, broken)
    for study in studies_named(names).values():
        try:
            drawn = draw_overviews(study, claims, workspace)
        except Exception as error:
            errors.append(error)
            continue
        shown = {row.id for row in drawn}
        claims = [row for row in claims if row.id not in shown] + drawn
        rows += drawn
    write_claims(workspace.results, claims)
    return Judged(rows, claims, errors)


def _rows(
    study: Study,
    evidence: Evidence,
    failed: Mapping[str, str],
    size: Size,
    workspace: Workspace,
    command: str,
) -> list[ClaimRow]:
    """Every row of a study: its figures, then its claims."""
    drawn = draw(study, evidence, failed, workspace)
    comparable, results = size.comparable, workspace.results
    return drawn + judge(study, evidence, failed, results, comparable=comparable, command=command)


def _gathered(
    study: Study, size: Size, workspace: Workspace
) -> tuple[dict[str, list[Trained]], dict[str, str]]:
    """Every run that a study needs, by experiment, from the results folder; and the experiments
    that failed, each with the reason.
    """
    evidence: dict[str, list[Trained]] = {}
    failed: dict[str, str] = {}
    for need in wanted(study, size):
        try:
            runs = _finished(need, workspace.results)
            evidence.setdefault(need.name, []).extend(as_wanted(need, runs, workspace))
        except UserError as error:
            failed[need.name] = str(error)
    for name, reason in failed.items():
        workspace.say(f"{name} failed: {reason}")
    return evidence, failed


def _finished(need: Wanted, results: Path) -> list[Run]:
    """The runs of an experiment; raises UserError with the reason where its task failed."""
    folders = [directory(results, need.experiment, seed) for seed in need.seeds]
    for folder in folders:
        if reason := failure(folder):
            raise UserError(reason)
    return [open_run(folder) for folder in folders]


def _command(name: str, size: Size) -> str:
    profile = "" if size.profile == "laptop" else f" --profile {size.profile}"
    return f"bioexp reproduce {name}{profile}" + (f" --seeds {size.seeds}" if size.seeds else "")
