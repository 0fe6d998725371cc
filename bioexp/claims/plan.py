"""What `bioexp reproduce` has to do: every experiment of a document, in a profile's size, and the
minutes that it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bioexp import papers
from bioexp.attacks import LADDER
from bioexp.attacks.eps import DEFAULT_EPS
from bioexp.config.lookup import paper_of
from bioexp.config.reading import load
from bioexp.experiment import Experiment
from bioexp.options import suggestion
from bioexp.papers.paper import Paper
from bioexp.runs import directory as run
from bioexp.runs.attack import Node
from bioexp.runs.attack_files import read_table
from bioexp.runs.attack_tasks import attacked, tabulated
from bioexp.runs.train import Plan, plan
from bioexp.types import UserError

CONFIGS = Path(__file__).parent.parent.parent / "configs"
SMOKE_STEPS, SMOKE_EXAMPLES = 20, 4096


@dataclass(frozen=True)
class Profile:
    """How much is done: seeds of a config, of one whose robustness is judged or that needs as many,
    the attacks, their images and eps.
    """

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

    paper: Paper
    config: str
    experiment: Experiment
    seeds: tuple[int, ...]
    attacked: bool

    @property
    def name(self) -> str:
        return f"{self.experiment.folder}/{run.identity(self.experiment)}"


def papers_named(names: Sequence[str]) -> dict[str, Paper]:
    """The documents by name, `all` for every one of bioexp's whose module can be imported;
    UserError for another name.
    """
    return (
        dict(papers.PAPERS) if list(names) == ["all"] else {name: paper_of(name) for name in names}
    )


def wanted(paper: Paper, profile_name: str, seeds: int | None) -> list[Wanted]:
    """Every experiment that a document's figures and claims need, in the profile's size."""
    profile = profile_named(profile_name)
    found = []
    for config in paper.configs:
        attacked = config in paper.attacked
        count = seeds or (
            profile.robust_seeds if attacked or config in paper.repeated else profile.seeds
        )
        if not seeds and profile_name == "laptop" and config in paper.single:
            count = 1
        trained = paper.full.get(config, config) if profile_name == "paper" else config
        for experiment in load((paper.folder or CONFIGS) / f"{trained}.yaml"):
            experiment = (
                _small(experiment)
                if profile_name == "smoke"
                else replace(experiment, fallback=None)
            )
            found.append(Wanted(paper, config, experiment, tuple(range(count)), attacked))
    return found


def each_once(several: Iterable[Wanted]) -> list[Wanted]:
    """Experiments that several documents want once: with the most seeds, and attacked where one of
    them has it attacked.
    """
    found: dict[str, Wanted] = {}
    for one in several:
        known = found.get(one.name, one)
        first = one if one.attacked and not known.attacked else known
        found[one.name] = replace(first, seeds=max(known.seeds, one.seeds, key=len))
    return list(found.values())


def preview(
    names: Sequence[str], *, profile: str, seeds: int | None, results: Path
) -> list[dict[str, Any]]:
    """What `--dry-run` shows: for each experiment what is finished, what is to train, and the
    minutes it took last time.
    """
    rows = []
    for one in each_once(
        one for paper in papers_named(names).values() for one in wanted(paper, profile, seeds)
    ):
        todo = plan(one.experiment, results=results, seeds=one.seeds)
        rows.append(
            {
                "experiment": one.name,
                "seeds": len(one.seeds),
                "finished": len(todo.finished),
                "stale": len(todo.stale),
                "minutes": _minutes(one, todo, profile_named(profile), results),
            }
        )
    return rows


def _minutes(one: Wanted, todo: Plan, profile: Profile, results: Path) -> float | None:
    """Minutes that training and attacking took for the newest runs of an experiment, as often as
    they are due; None for unknown.
    """
    due = [
        path
        for path in todo.paths.values()
        if one.attacked and (todo.groups or not is_attacked(path, profile, len(todo.paths) > 1))
    ]
    if not todo.groups and not due:
        return 0.0
    last = run.newest(results / one.experiment.folder)
    if not last:
        return None
    attacks = [
        table["wall_s"] for path in last if (table := read_table(path, "")) and "wall_s" in table
    ]
    if due and not attacks:
        return None
    training = run.open_run(last[0]).provenance["wall_s"] * len(todo.groups) if todo.groups else 0.0
    return float(training + (len(due) * np.mean(attacks) if due else 0.0)) / 60


def is_attacked(path: Path, profile: Profile, sources: bool) -> bool:
    """Whether a finished run has the profile's attacks at its size; sources: whether transfer has
    another net to follow.
    """
    names, eps = tabulated(profile.attacks, sources), profile.eps or DEFAULT_EPS
    return attacked(
        read_table(path, ""), names, eps, profile.images, run.open_run(path).summary["n_test"]
    )


def profile_named(name: str) -> Profile:
    """The profile; UserError for another name."""
    if name not in PROFILES:
        raise UserError(
            f"--profile: unknown profile {name!r}{suggestion(name, PROFILES)} (there are"
            f" {', '.join(PROFILES)})"
        )
    return PROFILES[name]


def _small(experiment: Experiment) -> Experiment:
    """The same code on a few steps and examples."""
    stages = tuple(
        replace(stage, steps=SMOKE_STEPS, epochs=None, record_every=SMOKE_STEPS // 2)
        for stage in experiment.stages
    )
    snapshots = tuple(sorted({min(step, SMOKE_STEPS) for step in experiment.snapshots}))
    return replace(experiment, stages=stages, examples=SMOKE_EXAMPLES, snapshots=snapshots)
