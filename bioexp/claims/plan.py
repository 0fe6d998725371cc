"""What `bioexp reproduce` has to do: every experiment of a study, in a profile's size, and the
minutes that it takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

from bioexp.attacks import LADDER
from bioexp.config.configs import configs_folder
from bioexp.config.lookup import study_of
from bioexp.config.reading import identity, load
from bioexp.experiment import Experiment
from bioexp.papers import studies
from bioexp.papers.paper import Study
from bioexp.robustness.stored import table_of
from bioexp.runs.directory import newest, open_run
from bioexp.runs.tasks import Asked
from bioexp.runs.train import Plan, plan
from bioexp.types import UserError

ProfileName = Literal["smoke", "laptop", "paper"]
SMOKE_STEPS, SMOKE_EXAMPLES = 20, 4096


@dataclass(frozen=True)
class Profile:
    """How much is done: seeds of an experiment, those of one whose robustness is judged or that
    needs as many, and the attacks.
    """

    seeds: int
    robust_seeds: int
    asked: Asked


FULL = ("all", {"name": "square", "queries": 5000})
PROFILES: dict[str, Profile] = {
    "smoke": Profile(1, 1, Asked(LADDER, (0.1, 0.3), 50)),
    "laptop": Profile(3, 5, Asked(LADDER, (12 / 255, 0.1, 0.2), 1000)),
    "paper": Profile(5, 5, Asked(FULL, None, None)),
}


@dataclass(frozen=True)
class Size:
    """How large a reproduction is: a profile, and another number of seeds of everything, if any.

    more: experiments that have at least so many seeds.
    """

    profile: ProfileName
    seeds: int | None = None
    more: Mapping[str, int] = field(default_factory=dict)

    @property
    def asked(self) -> Asked:
        """What is asked of the attacks."""
        return PROFILES[self.profile].asked

    @property
    def comparable(self) -> bool:
        """Whether runs are long enough to be judged."""
        return self.profile != "smoke"


@dataclass(frozen=True)
class Wanted:
    """One experiment of a study, in the size that trains it, with the seeds it is needed for.

    name: what the study's rows call it.
    """

    study: Study
    name: str
    experiment: Experiment
    seeds: tuple[int, ...]
    attacked: bool

    @property
    def group(self) -> str:
        """Its folder in the results, without the seeds."""
        return f"{self.experiment.folder}/{identity(self.experiment)}"


class Due(NamedTuple):
    """What `--dry-run` shows of an experiment; minutes are None where it never ran here."""

    experiment: str
    seeds: int
    finished: int
    stale: int
    minutes: float | None


def studies_named(names: Sequence[str]) -> dict[str, Study]:
    """The studies by name, `all` for every whole one of bioexp's; UserError for another name."""
    return studies() if list(names) == ["all"] else {name: study_of(name) for name in names}


def needed(study: Study) -> tuple[str, ...]:
    """The experiments that a study's rows look at."""
    rows = [row.experiments for row in study.drawings]
    rows += [row.experiments for row in study.claims]
    return tuple(dict.fromkeys(name for experiments in rows for name in experiments))


def wanted(study: Study, size: Size) -> list[Wanted]:
    """Every experiment that a study's figures and claims need, in the profile's size."""
    folder, by_name = study.folder or configs_folder(), dict[str, list[Experiment]]()
    for config in study.configs:
        for experiment in load(folder / f"{config}.yaml"):
            by_name.setdefault(experiment.name, []).append(experiment)
    items = []
    many = _repeated(study)
    for name in needed(study):
        trained = study.full.get(name, name) if size.profile == "paper" else name
        if trained not in by_name:
            raise UserError(f"{study.name}: no config of it names an experiment {trained!r}")
        profile = PROFILES[size.profile]
        count = profile.robust_seeds if name in many else profile.seeds
        if size.profile == "laptop" and name in study.single:
            count = 1
        if size.comparable:
            count = study.seeds.get(name, count)
        count = max(size.seeds or count, size.more.get(name, 0))
        for experiment in by_name[trained]:
            sized = replace(experiment, fallback=None)
            sized = _small(experiment) if size.profile == "smoke" else sized
            items.append(Wanted(study, name, sized, tuple(range(count)), name in study.attacked))
    return items


def each_once(several: Iterable[Wanted]) -> list[Wanted]:
    """Experiments that several studies want once: with the most seeds, and attacked where one of
    them has it attacked.
    """
    once: dict[str, Wanted] = {}
    for need in several:
        known = once.get(need.group, need)
        first = need if need.attacked and not known.attacked else known
        once[need.group] = replace(first, seeds=max(known.seeds, need.seeds, key=len))
    return list(once.values())


def preview(names: Sequence[str], size: Size, results: Path) -> list[Due]:
    """For each experiment what is finished, what is to train, and the minutes it took last time."""
    rows = []
    several = (need for study in studies_named(names).values() for need in wanted(study, size))
    for need in each_once(several):
        todo = plan(need.experiment, results=results, seeds=need.seeds)
        finished, stale = len(todo.finished), len(todo.stale)
        minutes = _minutes(need, todo, size.asked, results)
        rows.append(Due(need.group, len(need.seeds), finished, stale, minutes))
    return rows


def is_attacked(path: Path, asked: Asked, sources: bool) -> bool:
    """Whether a finished run has the attacks asked for; sources: whether transfer has another net
    to follow.
    """
    return asked.answered(path, open_run(path).summary.n_test, sources)


def _repeated(study: Study) -> set[str]:
    """The experiments that need as many seeds as those whose robustness is judged: these, and what
    a claim sets beside them, as differences are taken seed by seed.
    """
    many, before = {*study.attacked, *study.repeated}, 0
    while len(many) > before:
        before = len(many)
        for claim in study.claims:
            beside = set(claim.experiments) - set(study.single)
            many |= beside if beside & many else set()
    return many


def _minutes(need: Wanted, todo: Plan, asked: Asked, results: Path) -> float | None:
    """Minutes that training and attacking took for the newest runs of an experiment, as often as
    they are due; None for unknown.
    """
    due = [
        path
        for path in todo.paths.values()
        if need.attacked and (todo.groups or not is_attacked(path, asked, len(todo.paths) > 1))
    ]
    if not todo.groups and not due:
        return 0.0
    last = newest(results / need.experiment.folder)
    if not last:
        return None
    tables = [table_of(path) for path in last]
    attacks = [table.wall_s for table in tables if table and table.wall_s is not None]
    if due and not attacks:
        return None
    training = open_run(last[0]).provenance.wall_s * len(todo.groups) if todo.groups else 0.0
    return (training + (len(due) * sum(attacks) / len(attacks) if due else 0.0)) / 60


def _small(experiment: Experiment) -> Experiment:
    """The same code on a few steps and examples; variants by their number stay apart."""
    stages = tuple(
        replace(stage, steps=SMOKE_STEPS, epochs=None, record_every=SMOKE_STEPS // 2)
        for stage in experiment.stages
    )
    snapshots = tuple(sorted({min(step, SMOKE_STEPS) for step in experiment.snapshots}))
    own = SMOKE_EXAMPLES if experiment.examples == "all" else experiment.examples
    examples = min(own, SMOKE_EXAMPLES)
    return replace(experiment, stages=stages, examples=examples, snapshots=snapshots)
