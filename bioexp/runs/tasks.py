"""What one process does at a time: the seeds of one experiment, to train or to attack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import NamedTuple

from bioexp.config import build
from bioexp.config.reading import identity
from bioexp.experiment import Experiment, Run
from bioexp.records import AttackedExperiment, Gradient
from bioexp.robustness.stored import file_of, table_of
from bioexp.runs.asked import Ladder, Node, ladder_of
from bioexp.runs.attack import Progress, attack
from bioexp.runs.directory import directory, failure, grouped
from bioexp.runs.seed_group import Watch
from bioexp.runs.train import is_done, train
from bioexp.runs.workspace import Workspace, silent
from bioexp.training import Record
from bioexp.types import UserError

ProgressBar = Callable[[str], AbstractContextManager[Watch]]  # of an experiment by its name


class Task(NamedTuple):
    """name: for the user. folders: the run directories it fills. done(): whether nothing is left.

    work(patient): does it; raises Busy where another process has it in hand. What is done already
        it leaves as it is: False then.
    """

    name: str
    folders: tuple[Path, ...]
    done: Callable[[], bool]
    work: Callable[[bool], bool]

    def failed(self) -> str:
        """Why the last try ended; "" where none failed."""
        return next(filter(None, map(failure, self.folders)), "")


@dataclass
class Watched:
    """A progress bar that tells whether there was anything to see."""

    bar: Watch
    records: int = 0

    def __call__(self, record: Record, steps: int) -> None:
        self.records += 1
        self.bar(record, steps)


@dataclass(frozen=True)
class Asked:
    """What is asked of the attacks: by name, at which eps, on how many images, along which
    gradient, at which radii in the Euclidean ball; None for the usual.
    """

    attacks: Sequence[Node] | None = None
    eps: tuple[float, ...] | str | None = None
    n: int | None = None
    gradient: Gradient = "true"
    eps_l2: tuple[float, ...] | str | None = None

    @property
    def ladder(self) -> Ladder:
        """What it comes to; raises UserError where it cannot be granted."""
        return ladder_of(self.attacks, self.eps, self.eps_l2, self.n, self.gradient)

    def answered(self, run: Path, n_test: int, sources: bool = False) -> bool:
        """Whether a run's table holds these attacks, each at its radii, on as many of its test
        images; a damaged one does not. Rows of transfer are there only where it has a source.
        """
        try:
            table = table_of(run, self.gradient)
        except UserError:
            return False
        if table is None:
            return False
        made = {(row.attack, row.eps) for row in (*table.rows, *table.l2)}
        ladder = self.ladder
        return table.n == min(self.n or inf, n_test) and all(
            file_of(run, name, chosen.attack.norm, self.gradient).is_file()  # it has no rows
            if chosen.attack.kind == "nearest"
            else {(name, eps) for eps in ladder.radii.of(chosen.attack)} <= made
            for name, chosen in ladder.attacks.items()
            if sources or chosen.attack.kind != "transfer"
        )


def train_tasks(
    experiments: Sequence[Experiment],
    workspace: Workspace,
    *,
    seeds: Sequence[int],
    force: bool,
    keep_stale: bool,
    progress: ProgressBar,
    ready: Callable[[int, list[Run]], None],
) -> list[Task]:
    """One for each experiment, with all its seeds; ready(number, runs) is called as they finish."""

    def task(number: int, experiment: Experiment) -> Task:
        if experiment.fallback:
            experiment, _ = build.dataset_of(experiment, workspace.data_dir, silent)

        def work(patient: bool) -> bool:
            with progress(experiment.name) as bar:
                watch = Watched(bar)
                runs = train(
                    experiment,
                    workspace,
                    seeds=seeds,
                    force=force,
                    keep_stale=keep_stale,
                    patient=patient,
                    watch=watch,
                )
            ready(number, runs)
            return watch.records > 0

        results = workspace.results
        folders = tuple(directory(results, experiment, seed) for seed in seeds)
        done = partial(is_done, experiment, results=results, seeds=seeds, keep_stale=keep_stale)
        return Task(f"{experiment.folder}/{identity(experiment)}", folders, done, work)

    return [task(number, experiment) for number, experiment in enumerate(experiments)]


def attack_tasks(
    runs: Sequence[Run],
    workspace: Workspace,
    asked: Asked,
    *,
    follow: Sequence[Run],
    progress: Callable[[str], AbstractContextManager[Progress]],
    ready: Callable[[int, AttackedExperiment], None],
) -> list[Task]:
    """One for each experiment; ready(number, record) is called as they are attacked. What is to be
    said of the eps is the caller's.
    """
    told = asked.ladder.radii.notes

    def task(number: int, group: Sequence[Run]) -> Task:
        def work(patient: bool) -> bool:
            with progress(group[0].path.parent.name) as bar:
                (record,) = attack(
                    group,
                    attacks=asked.attacks,
                    eps=asked.eps,
                    eps_l2=asked.eps_l2,
                    n=asked.n,
                    gradient=asked.gradient,
                    follow=follow,
                    among=runs,
                    data_dir=workspace.data_dir,
                    patient=patient,
                    progress=bar,
                    say=lambda line: None if line in told else workspace.say(line),
                )
            ready(number, record)
            return True

        def done() -> bool:
            return all(asked.answered(run.path, run.summary.n_test) for run in group)

        name = f"{group[0].path.parent.name} ({len(group)} seeds)"
        return Task(name, tuple(run.path for run in group), done, work)

    return [task(number, group) for number, group in enumerate(grouped(runs))]
