"""`bioexp reproduce` as work that processes share: an experiment with all its seeds at a time, to
train and to attack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

from bioexp.claims.plan import Wanted, each_once, is_attacked, papers_named, profile_named, wanted
from bioexp.experiment import Experiment, Run
from bioexp.papers import PAPERS
from bioexp.papers.paper import Paper
from bioexp.runs import directory as run
from bioexp.runs.attack import attack
from bioexp.runs.lock import Busy
from bioexp.runs.seed_group import Say, Watch
from bioexp.runs.train import Watched, is_done, train
from bioexp.types import UserError
from bioexp.workers.share import Task


def tasks(
    names: Sequence[str],
    *,
    profile: str,
    seeds: int | None,
    results: Path,
    data_dir: Path | None,
    say: Say,
    progress: Callable[[str], AbstractContextManager[Watch]],
) -> list[Task]:
    """One for each experiment that the documents need, to be trained with all its seeds and, where
    it is judged, attacked.

    Attacks by transfer follow its next seed and its backprop twin, which is trained first.
    A document whose configs or code fail has none here, and is told of where its rows are judged.
    """
    size = profile_named(profile)
    by_paper: dict[str, list[Wanted]] = {}

    def wanted_by(paper: Paper) -> list[Wanted]:
        if paper.name not in by_paper:
            by_paper[paper.name] = []
            with suppress(Exception):
                by_paper[paper.name] = wanted(paper, profile, seeds)
        return by_paper[paper.name]

    def trained(one: Wanted, patient: bool) -> tuple[list[Run], bool]:
        with progress(one.experiment.folder) as bar:
            watch = Watched(bar)
            options: dict[str, Any] = {
                "data_dir": data_dir,
                "pictures": "first",
                "patient": patient,
                "say": say,
                "watch": watch,
            }
            runs = train(one.experiment, results=results, seeds=one.seeds, **options)
        return runs, watch.records > 0

    def task(one: Wanted) -> Task:
        owner = next(
            (paper for paper in PAPERS.values() if one.config in paper.attacked), one.paper
        )
        other = _twin(one, wanted_by(owner)) if one.attacked else None
        folders = tuple(run.directory(results, one.experiment, seed) for seed in one.seeds)
        sources = other is not None or len(one.seeds) > 1

        def attacked() -> bool:
            return not one.attacked or all(is_attacked(folder, size, sources) for folder in folders)

        def done() -> bool:
            return is_done(one.experiment, results=results, seeds=one.seeds) and attacked()

        def guides(patient: bool) -> list[Run]:
            try:
                return trained(other, patient)[0] if other else []
            except Busy:
                raise
            except UserError:
                return []  # its own task says why

        def work(patient: bool) -> bool:
            runs, new = trained(one, patient)
            if missing := not attacked():
                twin = guides(patient)
                say(f"{one.experiment.folder}: attacking {len(runs)} seeds")
                nodes = [
                    node for node in size.attacks if node != "transfer" or twin or len(runs) > 1
                ]
                options: dict[str, Any] = {
                    "attacks": nodes,
                    "eps": size.eps,
                    "n": size.images,
                    "pictures": "first",
                }
                attack(runs, **options, data_dir=data_dir, among=twin, patient=patient)
            say(f"{one.experiment.folder}: {len(runs)} seeds ready")
            return missing or new

        return Task(one.name, folders, done, work)

    return [
        task(one)
        for one in each_once(
            one for paper in papers_named(names).values() for one in wanted_by(paper)
        )
    ]


def _twin(one: Wanted, others: Sequence[Wanted]) -> Wanted | None:
    """The first other attacked experiment that backprop trained on the same data, if another rule
    trained this one.
    """
    if _by_backprop(one.experiment):
        return None
    trained = (other for other in others if other.attacked and _by_backprop(other.experiment))
    return next(
        (other for other in trained if other.experiment.dataset == one.experiment.dataset), None
    )


def _by_backprop(experiment: Experiment) -> bool:
    return all(stage.rule.name == "backprop" for stage in experiment.stages)
