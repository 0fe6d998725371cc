"""`bioexp reproduce` as work that processes share: an experiment with all its seeds at a time, to
train and to attack.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from bioexp.claims.plan import Size, Wanted, each_once, is_attacked, studies_named, wanted
from bioexp.experiment import Run
from bioexp.papers import studies
from bioexp.papers.paper import Study
from bioexp.runs.attack import attack
from bioexp.runs.directory import directory
from bioexp.runs.lock import Busy
from bioexp.runs.tasks import ProgressBar, Task, Watched
from bioexp.runs.train import is_done, train
from bioexp.runs.twins import kind_of_experiment, twin_of
from bioexp.runs.workspace import Workspace
from bioexp.types import UserError


def tasks(
    names: Sequence[str], size: Size, workspace: Workspace, progress: ProgressBar
) -> list[Task]:
    """One for each experiment that the studies need, to be trained with all its seeds and, where it
    is judged, attacked.

    Attacks by transfer follow its next seed and its backprop twin, which is trained first. A study
    whose configs or code fail has none here, and is told of where its rows are judged.
    """
    by_study: dict[str, list[Wanted]] = {}

    def wanted_by(study: Study) -> list[Wanted]:
        if study.name not in by_study:
            by_study[study.name] = []
            with suppress(Exception):
                by_study[study.name] = wanted(study, size)
        return by_study[study.name]

    def owner(need: Wanted) -> Study:
        """The first study that has it attacked: its twin is looked for among that one's nets."""
        return next((s for s in studies().values() if need.name in s.attacked), need.study)

    todo = each_once(need for study in studies_named(names).values() for need in wanted_by(study))
    return [
        _task(
            need,
            _twin(need, wanted_by(owner(need))) if need.attacked else None,
            size,
            workspace,
            progress,
        )
        for need in todo
    ]


def _task(
    need: Wanted, twin: Wanted | None, size: Size, workspace: Workspace, progress: ProgressBar
) -> Task:
    results, say, asked = workspace.results, workspace.say, size.asked
    folders = tuple(directory(results, need.experiment, seed) for seed in need.seeds)
    sources = twin is not None or len(need.seeds) > 1

    def attacked() -> bool:
        return not need.attacked or all(is_attacked(folder, asked, sources) for folder in folders)

    def done() -> bool:
        return is_done(need.experiment, results=results, seeds=need.seeds) and attacked()

    def work(patient: bool) -> bool:
        runs, new = _trained(need, workspace, progress, patient)
        if missing := not attacked():
            guides = _guides(twin, workspace, progress, patient)
            say(f"{need.experiment.folder}: attacking {len(runs)} seeds")
            attack(
                runs,
                attacks=[
                    node
                    for node in asked.attacks or ()
                    if node != "transfer" or guides or len(runs) > 1
                ],
                eps=asked.eps,
                eps_l2=asked.eps_l2,
                n=asked.n,
                pictures="first",
                data_dir=workspace.data_dir,
                among=guides,
                patient=patient,
            )
        say(f"{need.experiment.folder}: {len(runs)} seeds ready")
        return missing or new

    return Task(need.group, folders, done, work)


def _trained(
    need: Wanted, workspace: Workspace, progress: ProgressBar, patient: bool
) -> tuple[list[Run], bool]:
    """Its runs, and whether any had to be trained."""
    with progress(need.experiment.folder) as bar:
        watch = Watched(bar)
        runs = train(
            need.experiment,
            workspace,
            seeds=need.seeds,
            pictures="first",
            patient=patient,
            watch=watch,
        )
    return runs, watch.records > 0


def _guides(
    twin: Wanted | None, workspace: Workspace, progress: ProgressBar, patient: bool
) -> list[Run]:
    """The twin's runs; none where its training fails, as its own task says why."""
    if twin is None:
        return []
    try:
        return _trained(twin, workspace, progress, patient)[0]
    except Busy:
        raise
    except UserError:
        return []


def _twin(need: Wanted, others: Sequence[Wanted]) -> Wanted | None:
    """The first other attacked experiment that backprop trained on the same data."""
    attacked = ((kind_of_experiment(other.experiment), other) for other in others if other.attacked)
    return twin_of(kind_of_experiment(need.experiment), attacked)
