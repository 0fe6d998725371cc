"""`bioexp reproduce`: train what is missing, attack, draw, judge; every row of a document's ledger gets a verdict."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bioexp import papers, run
from bioexp.attacks import LADDER
from bioexp.commands.attack import Node, attack, attacks_named
from bioexp.commands.attack_targets import twin
from bioexp.commands.claims import merged, runs_of, write_claims
from bioexp.commands.judge import draw_all, judge_all
from bioexp.commands.report import report
from bioexp.commands.seed_group import Say, Watch
from bioexp.commands.train import Plan, plan, train
from bioexp.config import Experiment, load
from bioexp.lookup import paper_of
from bioexp.options import suggestion
from bioexp.types import Attacked, Evidence, Paper, Run, Trained, UserError

CONFIGS = Path(__file__).parent.parent.parent / "configs"
SMOKE_STEPS, SMOKE_EXAMPLES = 20, 4096


@dataclass(frozen=True)
class Profile:
    """How much is done: seeds of a config, of one whose robustness is judged or that needs as many, the attacks, their images and eps."""

    seeds: int
    robust_seeds: int
    images: int | None
    eps: tuple[float, ...] | None
    attacks: tuple[Node, ...] = LADDER


PROFILES = {
    "smoke": Profile(1, 1, 50, (0.1, 0.3)),
    "laptop": Profile(3, 5, 1000, (12 / 255, 0.1, 0.2)),
    "paper": Profile(5, 5, None, None, ("all", {"name": "square", "queries": 5000})),
}


@dataclass(frozen=True)
class Wanted:
    """One experiment of a document with the seeds it is needed for."""

    config: str
    experiment: Experiment
    seeds: tuple[int, ...]
    attacked: bool


def papers_named(names: Sequence[str]) -> dict[str, Paper]:
    """The documents by name, `all` for every one of bioexp's whose module can be imported; UserError for another name."""
    return dict(papers.PAPERS) if list(names) == ["all"] else {name: paper_of(name) for name in names}


def wanted(paper: Paper, profile_name: str, seeds: int | None) -> list[Wanted]:
    """Every experiment that a document's figures and claims need, in the profile's size."""
    profile = _profile(profile_name)
    found = []
    for config in paper.configs:
        attacked = config in paper.attacked
        count = seeds or (profile.robust_seeds if attacked or config in paper.repeated else profile.seeds)
        if not seeds and profile_name == "laptop" and config in paper.single:
            count = 1
        trained = paper.full.get(config, config) if profile_name == "paper" else config
        for experiment in load((paper.folder or CONFIGS) / f"{trained}.yaml"):
            experiment = _small(experiment) if profile_name == "smoke" else replace(experiment, fallback=None)
            found.append(Wanted(config, experiment, tuple(range(count)), attacked))
    return found


def preview(names: Sequence[str], *, profile: str, seeds: int | None, results: Path) -> list[dict[str, Any]]:
    """What `--dry-run` shows: for each experiment what is finished, what is to train, and the minutes it took last time."""
    rows = []
    for one in (one for paper in papers_named(names).values() for one in wanted(paper, profile, seeds)):
        todo = plan(one.experiment, results=results, seeds=one.seeds)
        identity = f"{one.experiment.folder}/{run.identity(one.experiment)}"
        rows.append(
            {
                "experiment": identity,
                "seeds": len(one.seeds),
                "finished": len(todo.finished),
                "stale": len(todo.stale),
                "minutes": _minutes(one, todo, _profile(profile), results),
            }
        )
    return rows


def _minutes(one: Wanted, todo: Plan, profile: Profile, results: Path) -> float | None:
    """Minutes that training and attacking took for the newest runs of an experiment, as often as they are due; None for unknown."""
    paths = list(todo.paths.values())
    due = [
        path for path in paths if one.attacked and (todo.groups or not _attacked_already(path, profile, _ladder(profile, len(paths) > 1)))
    ]
    if not todo.groups and not due:
        return 0.0
    last = run.newest(results / one.experiment.folder)
    if not last:
        return None
    tables = [json.loads(file.read_text("utf-8")) for path in last if (file := path / "robustness.json").is_file()]
    attacks = [table["wall_s"] for table in tables if "wall_s" in table]
    if due and not attacks:
        return None
    training = run.open_run(last[0]).provenance["wall_s"] * len(todo.groups) if todo.groups else 0.0
    return float(training + (len(due) * np.mean(attacks) if due else 0.0)) / 60


def reproduce(
    names: Sequence[str],
    *,
    profile: str,
    seeds: int | None,
    results: Path,
    data_dir: Path | None,
    say: Say,
    progress: Callable[[str], AbstractContextManager[Watch]],
) -> list[dict[str, Any]]:
    """Do whatever is missing and write claims.json, claims.md, figures/ and report.html into the results folder; returns the rows.

    Goes on after an experiment or a whole paper that fails; the rows that need it say "not run" and why. What failed in a
    paper's own code is raised at the end, when everything is written.
    """
    _profile(profile)
    chosen = papers_named(names)
    broken = papers.BROKEN if list(names) == ["all"] else {}
    for name, error in broken.items():
        say(f"{name}: its module cannot be imported: {type(error).__name__}: {error}")
    errors = list(broken.values())
    rows: list[dict[str, Any]] = []
    for name, paper in chosen.items():
        judged = partial(_judged, paper, results, say, comparable=profile != "smoke", command=_command(name, profile, seeds))
        try:
            evidence, failed = _gathered(paper, profile, seeds, results, data_dir, say, progress)
            rows += judged(evidence, failed)
        except Exception as error:
            errors.append(error)
            reason = str(error) if isinstance(error, UserError) else f"its code failed: {type(error).__name__}: {error}"
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
    paper: Paper,
    profile: str,
    seeds: int | None,
    results: Path,
    data_dir: Path | None,
    say: Say,
    progress: Callable[[str], AbstractContextManager[Watch]],
) -> tuple[dict[str, list[Trained]], dict[str, str]]:
    """Every run that a document needs, trained and attacked, by config; and the configs that failed, each with the reason."""
    evidence: dict[str, list[Trained]] = {}
    failed: dict[str, str] = {}
    done: list[tuple[Wanted, list[Run]]] = []

    def fails(one: Wanted, error: UserError) -> None:
        failed[one.config] = str(error)
        say(f"{one.experiment.folder}: failed: {error}")

    for one in wanted(paper, profile, seeds):
        try:
            with progress(one.experiment.folder) as watch:
                options: dict[str, Any] = {"data_dir": data_dir, "say": say, "watch": watch}
                runs = train(one.experiment, results=results, seeds=one.seeds, pictures="first", **options)
            done.append((one, runs))
            say(f"{one.experiment.folder}: {len(runs)} seeds ready")
        except UserError as error:
            fails(one, error)
    attacked = [runs for one, runs in done if one.attacked]
    for one, runs in done:
        try:
            if one.attacked:
                _attack_missing(runs, twin(runs, attacked), _profile(profile), data_dir, say)
            evidence.setdefault(one.config, []).extend(_trained(runs, data_dir))
        except UserError as error:
            fails(one, error)
    for config, reason in failed.items():
        say(f"{config} failed: {reason}")
    return evidence, failed


def _judged(
    paper: Paper, results: Path, say: Say, evidence: Evidence, failed: Mapping[str, str], *, comparable: bool, command: str
) -> list[dict[str, Any]]:
    """Every row of a document: its figures, then its claims."""
    drawn = draw_all(paper, evidence, failed, results, say)
    return drawn + judge_all(paper, evidence, failed, results, comparable=comparable, command=command)


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise UserError(f"--profile: unknown profile {name!r}{suggestion(name, PROFILES)} (there are {', '.join(PROFILES)})")
    return PROFILES[name]


def _small(experiment: Experiment) -> Experiment:
    """The same code on a few steps and examples."""
    stages = tuple(replace(stage, steps=SMOKE_STEPS, epochs=None, record_every=SMOKE_STEPS // 2) for stage in experiment.stages)
    snapshots = tuple(sorted({min(step, SMOKE_STEPS) for step in experiment.snapshots}))
    return replace(experiment, stages=stages, examples=SMOKE_EXAMPLES, snapshots=snapshots)


def _command(name: str, profile: str, seeds: int | None) -> str:
    options = ("" if profile == "laptop" else f" --profile {profile}") + (f" --seeds {seeds}" if seeds else "")
    return f"bioexp reproduce {name}{options}"


def _attack_missing(runs: Sequence[Run], backprop: Sequence[Run], profile: Profile, data_dir: Path | None, say: Say) -> None:
    """The profile's attacks on all seeds, if one does not have them at this size yet or was trained again since.

    Seeds are each other's sources of attacks by transfer; `backprop`, the twin, is another.
    """
    names = _ladder(profile, len(runs) > 1 or bool(backprop))
    if not all(_attacked_already(one.path, profile, names) for one in runs):
        say(f"{runs[0].path.parent.name}: attacking {len(runs)} seeds")
        chosen = profile.attacks if "transfer" in names else names
        attack(runs, attacks=chosen, eps=profile.eps, n=profile.images, data_dir=data_dir, pictures="first", follow=backprop)


def _ladder(profile: Profile, sources: bool) -> list[str]:
    """The names of a profile's attacks; transfer needs another net to follow."""
    return [name for name in attacks_named(profile.attacks) if name != "transfer" or sources]


def _attacked_already(path: Path, profile: Profile, names: Sequence[str]) -> bool:
    table = path / "robustness.json"
    if not table.is_file():
        return False
    found = json.loads(table.read_text("utf-8"))
    eps = {row["eps"] for row in found["rows"]}
    made = {row["attack"] for row in (*found["rows"], *found["l2"])}
    enough = profile.images is None or found["n"] == profile.images
    return enough and set(names) <= made and (profile.eps is None or set(profile.eps) <= eps)


def _trained(runs: Sequence[Run], data_dir: Path | None) -> Iterator[Trained]:
    """The runs with networks, data and whatever attacks they have; seeds of one experiment share model and data."""
    shared: run.Revived | None = None
    for one in runs:
        revived = shared = run.revive(one, data_dir) if shared is None else shared
        yield Trained(one, revived.model, one.weights, revived.dataset, dict(_attacks(one.path)))


def _attacks(path: Path) -> Iterator[tuple[str, Attacked]]:
    """Those of the last table; files of an earlier one may be of other eps."""
    table = path / "robustness.json"
    rows = json.loads(table.read_text("utf-8"))["rows"] if table.is_file() else []
    for name in dict.fromkeys(row["attack"] for row in rows):
        file = path / "attacks" / f"{name}.npz"
        if file.is_file():
            with np.load(file, allow_pickle=False) as arrays:
                yield name, Attacked(tuple(float(eps) for eps in arrays["eps"]), arrays["correct"])
