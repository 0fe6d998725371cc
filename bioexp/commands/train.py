"""`bioexp train`: from experiments to finished run directories. What is finished stays, what was interrupted goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from bioexp import build, run
from bioexp.commands.seed_group import Check, Paths, Say, Watch, states, train_group, within_memory
from bioexp.commands.share import Task
from bioexp.config import Experiment, resolved
from bioexp.figures.observed import observations
from bioexp.lock import locked
from bioexp.measures.interval import accuracy
from bioexp.training import Record
from bioexp.types import Run

HEADLINES = ("/acc_log", "/acc_relu", "/acc_bio", "/acc_bp", "/error_fast")  # claims on the accuracy of a trained net as it is


@dataclass(frozen=True)
class Plan:
    """What is to be done for one experiment: its seeds' directories, which are finished or stale, and the groups to train.

    Each group comes with the state it continues from, None for a new one.
    """

    paths: dict[int, Path]
    finished: tuple[int, ...]
    stale: tuple[int, ...]
    groups: tuple[tuple[tuple[int, ...], Path | None], ...]


@dataclass
class Watched:
    """A progress bar that tells whether there was anything to see."""

    bar: Watch
    records: int = 0

    def __call__(self, record: Record, steps: int) -> None:
        self.records += 1
        self.bar(record, steps)


def plan(experiment: Experiment, *, results: Path, seeds: Sequence[int], force: bool = False, keep_stale: bool = False) -> Plan:
    """Which of the seeds need training. Unfinished seeds stay in the group they began in, so that it ends with the same bits."""
    paths = {seed: run.directory(results, experiment, seed) for seed in seeds}
    done = [] if force else [seed for seed in seeds if (paths[seed] / "FINISHED").is_file()]
    stale = tuple(seed for seed in done if run.is_stale(paths[seed], experiment))
    finished = tuple(seed for seed in done if keep_stale or seed not in stale)
    missing = [seed for seed in seeds if seed not in finished]
    groups: list[tuple[tuple[int, ...], Path | None]] = []
    for group, state in [] if force else states(results / experiment.folder, experiment):
        if set(group) & set(missing):
            groups.append((group, state))
            missing = [seed for seed in missing if seed not in group]
    return Plan(paths, finished, stale, (*groups, *([(tuple(missing), None)] if missing else [])))


def train(
    experiment: Experiment,
    *,
    results: Path,
    seeds: Sequence[int],
    data_dir: Path | None = None,
    force: bool = False,
    keep_stale: bool = False,
    pictures: Literal["all", "first"] = "all",
    patient: bool = True,
    say: Say = lambda text: None,
    watch: Watch = lambda record, steps: None,
) -> list[Run]:
    """Train what is not finished, and open the runs of all seeds.

    pictures: of every run, or of the first seed of each group only.
    patient: whether to look for a minute if another machine that was at work on them is still alive.
    Raises Busy where another process trains one of them, and UserError; what was on disk before is then still there, and the
    same call continues.
    """
    wanted = experiment.dataset.name
    experiment, dataset = build.dataset_of(experiment, data_dir, say)
    if experiment.dataset.name != wanted:
        say(f"{wanted} cannot be had: training on {dataset.name} instead, under {results / experiment.folder}")
    todo = plan(experiment, results=results, seeds=seeds, force=force, keep_stale=keep_stale)
    for seed in todo.stale:
        say(f"{todo.paths[seed]}: was made by other code than today's; {'kept as it is' if keep_stale else 'trained again'}")
    for group, _ in todo.groups:
        paths = {seed: run.directory(results, experiment, seed) for seed in group}
        for path in paths.values():
            run.prepare(path, experiment)
        with locked(list(paths.values()), patient=patient, say=say) as check:
            now = dict(plan(experiment, results=results, seeds=seeds, force=force, keep_stale=keep_stale).groups)
            if group not in now:
                continue  # another process was faster

            def together(some: Paths, state: Path | None, check: Check = check) -> None:
                train_group(experiment, dataset, some, state, pictures, check, say, watch)

            within_memory(experiment.name, paths, now[group], together, say)
        for path in paths.values():
            for line in stages_ended(path):
                say(line)
    return [run.open_run(path) for path in todo.paths.values()]


def is_done(experiment: Experiment, *, results: Path, seeds: Sequence[int], keep_stale: bool = False) -> bool:
    """Whether `train` has nothing left to do."""
    paths = [run.directory(results, experiment, seed) for seed in seeds]
    return all(run.is_finished(path) and (keep_stale or not run.is_stale(path, experiment)) for path in paths)


def tasks(
    experiments: Sequence[Experiment],
    *,
    results: Path,
    seeds: Sequence[int],
    data_dir: Path | None,
    force: bool,
    keep_stale: bool,
    say: Say,
    progress: Callable[[str], AbstractContextManager[Watch]],
    ready: Callable[[int, list[Run]], None],
) -> list[Task]:
    """One for each experiment, with all its seeds; ready(number, runs) is called as they are finished."""

    def task(number: int, experiment: Experiment) -> Task:
        if experiment.fallback:
            experiment, _ = build.dataset_of(experiment, data_dir, lambda text: None)

        def work(patient: bool) -> bool:
            with progress(experiment.name) as bar:
                watch = Watched(bar)
                options: dict[str, Any] = {"force": force, "keep_stale": keep_stale, "patient": patient}
                runs = train(experiment, results=results, seeds=seeds, data_dir=data_dir, say=say, watch=watch, **options)
            ready(number, runs)
            return watch.records > 0

        folders = tuple(run.directory(results, experiment, seed) for seed in seeds)
        done = partial(is_done, experiment, results=results, seeds=seeds, keep_stale=keep_stale)
        return Task(f"{experiment.folder}/{run.identity(experiment)}", folders, done, work)

    return [task(number, experiment) for number, experiment in enumerate(experiments)]


def forget(todo: Sequence[Task]) -> None:
    """What `--force` comes to where workers do the training: what their tasks hold is dropped before they start."""
    for task in todo:
        kept = [folder for folder in task.folders if folder.is_dir()]
        with locked(kept):
            for folder in kept:
                run.start_over(folder)


def stages_ended(path: Path) -> Iterator[str]:
    """For each stage whose rule observes itself, how it stood at its end."""
    for _, records in groupby(run.read_metrics(path), lambda record: record["stage"]):
        *_, last = records
        found = ", ".join(f"{name} {value:.4g}" for name, value in observations(last).items())
        if found:
            yield f"{path.name}: stage {last['stage']} ended with {found}"


def fit(
    experiments: Sequence[Experiment],
    *,
    seeds: int | Sequence[int] = 1,
    results: str | Path = "results",
    data_dir: str | Path | None = None,
) -> list[Run]:
    """Train every experiment with these seeds (a number N is 0 … N-1), or find it trained; returns all runs.

    The same as `bioexp train` does, for use from Python: fit(load("configs/log_net.yaml"), seeds=3).

    experiments: what `load` gave.
    results: the folder of all runs; what is finished there is kept.
    data_dir: where the datasets' files lie; None: the usual places.
    Raises UserError where a config does not fit its data, a dataset cannot be had, or training diverges.
    """
    numbers = range(seeds) if isinstance(seeds, int) else seeds
    folder = Path(data_dir) if data_dir is not None else None
    return [run for one in experiments for run in train(one, results=Path(results), seeds=list(numbers), data_dir=folder)]


def outcome(runs: Sequence[Run]) -> dict[str, Any]:
    """The group's test accuracy with its interval, beside the document's value; its loss where there are no classes."""
    first = runs[0]
    scored = [one.summary["test_accuracy"] for one in runs if "test_accuracy" in one.summary]
    score = accuracy(scored, first.summary["n_test"]) if scored else None
    return {
        "experiment": first.path.parent.name,
        "dataset": first.provenance["dataset"]["name"],
        "runs": [str(one.path) for one in runs],
        "test_accuracy": score.value if score else None,
        "test_loss": None if score else sum(one.summary["test_loss"] for one in runs) / len(runs),
        "ci95": [score.low, score.high] if score else [None, None],
        "interval": score.over if score else "no classes",
        "n_test": first.summary["n_test"],
        "n_seeds": len(runs),
        "document": printed(str(first.config["name"])),
    }


def printed(config: str) -> dict[str, Any] | None:
    """The accuracy that a document prints for this config, and the config that re-measures it."""
    from bioexp.papers import PAPERS

    numbers = (
        claim for paper in PAPERS.values() for claim in paper.claims if claim.id.endswith(tuple(HEADLINES)) and config in claim.configs
    )
    claim = next(numbers, None)
    if claim is None or claim.expected is None:
        return None
    expected = 1 - claim.expected if claim.id.endswith("/error_fast") else claim.expected
    return {"id": claim.id, "expected": expected, "config": claim.configs[0]}


def last_line(result: dict[str, Any]) -> str:
    """What a user wants to know when training is done: the score, its interval, the document's value, where to look, what next."""
    low, high = result["ci95"]
    label = f"{result['label']}: " if result["label"] != result["experiment"] else ""
    if result["test_accuracy"] is None:
        return f"{label}test loss {result['test_loss']:.4f} n={result['n_test']}, {result['n_seeds']} seeds · next: bioexp report"
    seeds = f", {result['n_seeds']} seeds" if result["n_seeds"] > 1 else ", 1 seed (binomial interval)"
    instead = f" on {result['dataset']}" if "@" in result["experiment"] else ""
    parts = [f"{label}test {result['test_accuracy']:.4f} [{low:.4f}, {high:.4f}]{instead} n={result['n_test']}{seeds}"]
    document = result["document"]
    if document:
        other = f" ({document['config']})" if document["config"] != result["experiment"].partition("@")[0] else ""
        parts.append(f"document {document['expected']:g}{other}")
    pictures = sorted(Path(result["runs"][0], "figures").glob("*.png"))
    return " · ".join([*parts, *(str(picture) for picture in pictures[-1:]), "next: bioexp attack --fgsm"])


def preview(experiment: Experiment, *, results: Path, seeds: Sequence[int], data_dir: Path | None) -> dict[str, Any]:
    """What `--dry-run` shows: the resolved config, what is finished, and the minutes that the rest took last time."""
    experiment, _ = build.dataset_of(experiment, data_dir, lambda text: None)
    todo = plan(experiment, results=results, seeds=seeds)
    return {
        "config": resolved(experiment),
        "runs": [str(path) for path in todo.paths.values()],
        "finished": [str(todo.paths[seed]) for seed in todo.finished],
        "stale": [str(todo.paths[seed]) for seed in todo.stale],
        "to_train": [seed for group, _ in todo.groups for seed in group],
        "minutes": _minutes(results / experiment.folder, len(todo.groups)),
    }


def _minutes(folder: Path, groups: int) -> float | None:
    """Minutes for as many groups as the newest run of this experiment took; None where there is none."""
    if not groups:
        return 0.0
    last = run.newest(folder)
    return round(groups * run.open_run(last[0]).provenance["wall_s"] / 60, 2) if last else None
