"""`bioexp reproduce`: train what is missing, attack, draw, judge; every row of a document's ledger
gets a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bioexp import papers
from bioexp.claims.plan import Wanted, papers_named, profile_named, wanted
from bioexp.claims.rows import merged, runs_of, write_claims
from bioexp.claims.tasks import tasks
from bioexp.claims.verdicts import draw_all, judge_all
from bioexp.experiment import Attacked, Run, Trained
from bioexp.papers.paper import Evidence, Paper
from bioexp.report.page import report
from bioexp.runs import directory as run
from bioexp.runs.attack_files import read_table
from bioexp.runs.seed_group import Say, Watch
from bioexp.types import UserError
from bioexp.workers.launch import Launch, carry_out


def reproduce(
    names: Sequence[str],
    *,
    profile: str,
    seeds: int | None,
    results: Path,
    data_dir: Path | None,
    say: Say,
    progress: Callable[[str], AbstractContextManager[Watch]],
    how: Launch | None = None,
    take: int | None = None,
) -> list[dict[str, Any]]:
    """Do whatever is missing and write claims.json, claims.md, figures/ and report.html into the
    results folder; returns the rows.

    Goes on after an experiment or a whole paper that fails; the rows that need it say "not run" and
    why. What failed in a paper's own code is raised at the end, when everything is written.

    how: have workers train and attack. take: be such a worker, for so many experiments; nothing is
        then judged.
    """
    profile_named(profile)
    chosen = papers_named(names)
    broken = papers.BROKEN if list(names) == ["all"] else {}
    for name, error in broken.items():
        say(f"{name}: its module cannot be imported: {type(error).__name__}: {error}")
    errors = list(broken.values())
    options: dict[str, Any] = {
        "profile": profile,
        "seeds": seeds,
        "results": results,
        "data_dir": data_dir,
    }
    todo = tasks(names, **options, say=say, progress=progress)
    carry_out(todo, how, take, results, say, keep_on=True)
    if take is not None:
        return []
    rows: list[dict[str, Any]] = []
    for name, paper in chosen.items():
        judged = partial(
            _judged,
            paper,
            results,
            say,
            comparable=profile != "smoke",
            command=_command(name, profile, seeds),
        )
        try:
            evidence, failed = _gathered(paper, profile, seeds, results, data_dir, say)
            rows += judged(evidence, failed)
        except Exception as error:
            errors.append(error)
            reason = (
                str(error)
                if isinstance(error, UserError)
                else f"its code failed: {type(error).__name__}: {error}"
            )
            say(f"{paper.name}: {reason}")
            rows += judged({}, dict.fromkeys(paper.configs, reason))
    claims = merged(results, rows, papers.BROKEN)
    write_claims(results, claims)
    if used := runs_of(results, claims):
        report(used, results / "report.html", claims)
        say(f"report: {results / 'report.html'}")
    if errors:
        say(f"all else is judged in {results / 'claims.md'}; what failed:")
        raise errors[0]
    return rows


def _gathered(
    paper: Paper, profile: str, seeds: int | None, results: Path, data_dir: Path | None, say: Say
) -> tuple[dict[str, list[Trained]], dict[str, str]]:
    """Every run that a document needs, by config, from the results folder; and the configs that
    failed, each with the reason.
    """
    evidence: dict[str, list[Trained]] = {}
    failed: dict[str, str] = {}
    for one in wanted(paper, profile, seeds):
        try:
            evidence.setdefault(one.config, []).extend(_trained(_finished(one, results), data_dir))
        except UserError as error:
            failed[one.config] = str(error)
    for config, reason in failed.items():
        say(f"{config} failed: {reason}")
    return evidence, failed


def _finished(one: Wanted, results: Path) -> list[Run]:
    """The runs of an experiment; raises UserError with the reason where its task failed."""
    folders = [run.directory(results, one.experiment, seed) for seed in one.seeds]
    for folder in folders:
        if reason := run.failure(folder):
            raise UserError(reason)
    return [run.open_run(folder) for folder in folders]


def _judged(
    paper: Paper,
    results: Path,
    say: Say,
    evidence: Evidence,
    failed: Mapping[str, str],
    *,
    comparable: bool,
    command: str,
) -> list[dict[str, Any]]:
    """Every row of a document: its figures, then its claims."""
    drawn = draw_all(paper, evidence, failed, results, say)
    return drawn + judge_all(
        paper, evidence, failed, results, comparable=comparable, command=command
    )


def _command(name: str, profile: str, seeds: int | None) -> str:
    options = ("" if profile == "laptop" else f" --profile {profile}") + (
        f" --seeds {seeds}" if seeds else ""
    )
    return f"bioexp reproduce {name}{options}"


def _trained(runs: Sequence[Run], data_dir: Path | None) -> Iterator[Trained]:
    """The runs with networks, data and whatever attacks they have; seeds of one experiment share
    model and data.
    """
    shared: run.Revived | None = None
    for one in runs:
        revived = shared = run.revive(one, data_dir) if shared is None else shared
        yield Trained(one, revived.model, one.weights, revived.dataset, dict(_attacks(one.path)))


def _attacks(path: Path) -> Iterator[tuple[str, Attacked]]:
    """Those of the last table; files of an earlier one may be of other eps."""
    table = read_table(path, "") or {"rows": []}
    for name in dict.fromkeys(row["attack"] for row in table["rows"]):
        file = path / "attacks" / f"{name}.npz"
        if file.is_file():
            with np.load(file, allow_pickle=False) as arrays:
                yield name, Attacked(tuple(float(eps) for eps in arrays["eps"]), arrays["correct"])
