"""`bioexp train`: from experiments to finished run directories. What is finished stays, what was
interrupted goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal

from bioexp.config import build
from bioexp.experiment import Experiment, Run
from bioexp.figures.observed import observations
from bioexp.files import folder_at
from bioexp.measures.interval import accuracy
from bioexp.papers import papers
from bioexp.pinned import pinned
from bioexp.records import Outcome, Printed
from bioexp.runs.directory import directory, is_finished, newest, open_run, prepare, stale
from bioexp.runs.lock import locked, tidy
from bioexp.runs.seed_group import (
    Group,
    Watch,
    forget_states,
    states,
    train_group,
    within_memory,
)
from bioexp.runs.workspace import Workspace
from bioexp.types import SEEDS, UserError


@dataclass(frozen=True)
class Plan:
    """What is to be done for one experiment: its seeds' directories, which are finished, which are
    stale and why, and the groups to train.

    Each group comes with the state it continues from, None for a new one.
    """

    paths: dict[int, Path]
    finished: tuple[int, ...]
    stale: Mapping[int, str]
    groups: tuple[tuple[tuple[int, ...], Path | None], ...]


def plan(
    experiment: Experiment,
    *,
    results: Path,
    seeds: Sequence[int],
    force: bool = False,
    keep_stale: bool = False,
) -> Plan:
    """Which of the seeds need training. Unfinished seeds stay in the group they began in, so that
    it ends with the same bits.
    """
    paths = {seed: directory(results, experiment, seed) for seed in seeds}
    done = [] if force else [seed for seed in seeds if is_finished(paths[seed])]
    why = {seed: reason for seed in done if (reason := stale(paths[seed], experiment))}
    finished = tuple(seed for seed in done if keep_stale or seed not in why)
    missing = [seed for seed in seeds if seed not in finished]
    groups: list[tuple[tuple[int, ...], Path | None]] = []
    for group, state in [] if force else states(results / experiment.folder, experiment):
        if set(group) & set(missing):
            groups.append((group, state))
            missing = [seed for seed in missing if seed not in group]
    if missing:
        groups.append((tuple(missing), None))
    return Plan(paths, finished, why, tuple(groups))


def train(
    experiment: Experiment,
    workspace: Workspace,
    *,
    seeds: Sequence[int],
    force: bool = False,
    keep_stale: bool = False,
    pictures: Literal["all", "first"] = "all",
    patient: bool = True,
    watch: Watch = lambda record, steps: None,
) -> list[Run]:
    """Train what is not finished, and open the runs of all seeds.

    pictures: of every run, or of the first seed of each group only.
    patient: whether to look for a minute if another machine that was at work on them is still
        alive.
    Raises Busy where another process trains one of them, and UserError; what was on disk before is
    then still there, and the same call continues.
    """
    results, say, wanted = workspace.results, workspace.say, experiment.dataset.name
    experiment, dataset = build.dataset_of(experiment, workspace.data_dir, say)
    if experiment.dataset.name != wanted:
        where = results / experiment.folder
        say(f"{wanted} cannot be had: training on {dataset.name} instead, under {where}")

    def due() -> Plan:
        return plan(experiment, results=results, seeds=seeds, force=force, keep_stale=keep_stale)

    todo = due()
    for reason in todo.stale.values():
        say(f"{reason}; {'kept as it is' if keep_stale else 'trained again'}")
    for seeds_of_group, _ in todo.groups:
        paths = {seed: directory(results, experiment, seed) for seed in seeds_of_group}
        for path in paths.values():
            prepare(path, experiment)
        with locked(list(paths.values()), patient=patient, say=say) as check:
            now = dict(due().groups)
            if seeds_of_group not in now:
                continue  # another process was faster
            group = Group(experiment, dataset, workspace, pictures, check, watch)
            within_memory(group, paths, now[seeds_of_group], train_group)
        for path in paths.values():
            for line in stages_ended(open_run(path)):
                say(line)
    forget_states(results / experiment.folder, experiment)
    tidy(todo.paths.values())
    return [open_run(path) for path in todo.paths.values()]


def is_done(
    experiment: Experiment, *, results: Path, seeds: Sequence[int], keep_stale: bool = False
) -> bool:
    """Whether `train` has nothing left to do."""
    paths = [directory(results, experiment, seed) for seed in seeds]
    return all(is_finished(path) and (keep_stale or not stale(path, experiment)) for path in paths)


def stages_ended(run: Run) -> Iterator[str]:
    """For each stage whose rule observes itself, how it stood at its end."""
    for _, records in groupby(run.metrics, lambda record: record["stage"]):
        *_, last = records
        values = ", ".join(f"{name} {value:.4g}" for name, value in observations(last).items())
        if values:
            yield f"{run.path.name}: stage {last['stage']} ended with {values}"


@pinned
def fit(
    experiments: Sequence[Experiment] | Experiment,
    *,
    seeds: int | Sequence[int] = 1,
    results: str | Path = "results",
    data_dir: str | Path | None = None,
) -> list[Run]:
    """Train every experiment with every seed, or find it trained; returns all runs.

    The same as `bioexp train` does, for use from Python: fit(load("configs/log_net.yaml"),
    seeds=3).

    experiments: what `load` gave.
    seeds: which, or how many: a number N is seeds 0 to N-1.
    results: the folder of all runs; what is finished there is kept.
    data_dir: where the datasets' files lie; None: the usual places.
    Raises UserError where a config does not fit its data, a dataset cannot be had, or training
    diverges.
    """
    if isinstance(seeds, int) and seeds > SEEDS:
        raise UserError(f"seeds: at most {SEEDS:,}, got {seeds:,}")
    numbers = list(range(seeds) if isinstance(seeds, int) else seeds)
    workspace = Workspace(folder_at(results), folder_at(data_dir) if data_dir is not None else None)
    several = [experiments] if isinstance(experiments, Experiment) else experiments
    groups = [train(experiment, workspace, seeds=numbers) for experiment in several]
    return [run for group in groups for run in group]


def outcome(runs: Sequence[Run], label: str = "") -> Outcome:
    """The group's test accuracy with its interval, beside the paper's value; its loss where there
    are no classes.
    """
    first = runs[0]
    scored = [run.summary.test_accuracy for run in runs if run.summary.test_accuracy is not None]
    losses = [run.summary.test_loss for run in runs if run.summary.test_loss is not None]
    score = accuracy(scored, first.summary.n_test) if scored else None
    return Outcome(
        experiment=first.path.parent.name,
        label=label or first.path.parent.name,
        dataset=first.provenance.dataset.name,
        runs=tuple(str(run.path) for run in runs),
        test_accuracy=float(score.value) if score else None,
        test_loss=None if score else sum(losses) / len(runs),
        ci95=(float(score.low), float(score.high)) if score else (None, None),
        interval=score.over if score else "no classes",
        n_test=first.summary.n_test,
        n_seeds=len(runs),
        document=printed(first.config.name),
    )


def printed(experiment: str) -> Printed | None:
    """The accuracy that a paper prints for this experiment, and the one that re-measures it."""
    for paper in papers().whole.values():
        for claim in paper.study.claims:
            kind = paper.headlines.get(claim.id)
            if kind and experiment in claim.experiments and claim.expected is not None:
                expected = claim.expected if kind == "accuracy" else 1 - claim.expected
                return Printed(id=claim.id, expected=expected, config=claim.experiments[0])
    return None


def last_line(result: Outcome) -> str:
    """What a user wants to know when training is done: the score, its interval, the paper's value,
    where to look, what next.
    """
    label = f"{result.label}: " if result.label != result.experiment else ""
    if result.test_accuracy is None:
        return (
            f"{label}test loss {result.test_loss:.4f} n={result.n_test}, {result.n_seeds} seeds · "
            "next: bioexp report"
        )
    low, high = result.ci95
    seeds = f"{result.n_seeds} seeds" if result.n_seeds > 1 else "1 seed (binomial interval)"
    instead = f" on {result.dataset}" if "@" in result.experiment else ""
    parts = [
        f"{label}test {result.test_accuracy:.4f} [{low:.4f}, {high:.4f}]{instead} "
        f"n={result.n_test}, {seeds}"
    ]
    if paper := result.document:
        other = paper.config != result.experiment.partition("@")[0]
        parts.append(f"document {paper.expected:g}{f' ({paper.config})' if other else ''}")
    pictures = sorted(Path(result.runs[0], "figures").glob("*.png"))
    return " · ".join([*parts, *map(str, pictures[-1:]), "next: bioexp attack --fgsm"])


def minutes(folder: Path, groups: int) -> float | None:
    """Minutes for as many groups as the newest run of this experiment took; None where there is
    none.
    """
    if not groups:
        return 0.0
    last = newest(folder)
    return groups * open_run(last[0]).provenance.wall_s / 60 if last else None
