"""Work that several processes share: each takes what is left and nobody has in hand. The results
directory is all they know.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from bioexp.runs.directory import failure_kept, start_over
from bioexp.runs.lock import STALE, Busy, locked
from bioexp.runs.tasks import Task
from bioexp.runs.workspace import Say
from bioexp.types import UserError

PAUSE = 1.0  # seconds between two looks at what others have in hand
HOW_LONG = (
    "(end it to go on here; if its machine died, its work is taken over"
    f" {STALE:.0f} s after its last sign of life)"
)


def share(tasks: Sequence[Task], say: Say, *, keep_on: bool = False) -> None:
    """Work on every task, first on those that nobody else has in hand; returns when all are done.

    Raises whatever one fails with; with `keep_on` that is told, and the others are worked on.
    """
    left, patient, said = list(tasks), False, ""
    while left:
        busy = []
        for task in left:
            try:
                _attempt(task, patient)
            except Busy as error:
                busy.append(task)
                other = str(error)
            except Exception as error:
                if not keep_on:
                    raise
                say(
                    f"{task.name}: failed: {error if isinstance(error, UserError) else repr(error)}"
                )
        waits = len(busy) == len(left)
        if waits and other != said:
            say(f"{other}; waiting for it {HOW_LONG}")
            said = other
        if waits and patient:
            time.sleep(PAUSE)
        patient = waits
        left = busy


def serve(tasks: Sequence[Task], take: int, say: Say) -> None:
    """Do up to `take` tasks (0: any number) that are neither done, failed, nor in hand, as one of
    several workers.

    A worker for any number stays until all is done, as it takes over from those that die. Raises
    UserError at the end for the tasks that failed here, none of which it tries twice: a full disk,
    or a folder that is gone, keeps no mark of it.
    """
    taken, patient = 0, False
    failures: dict[str, str] = {}

    def to_do(task: Task) -> bool:
        return task.name not in failures and not task.done() and not task.failed()

    while (left := [task for task in tasks if to_do(task)]) and not (take and taken >= take):
        before = taken
        for task in left:
            if (take and taken >= take) or not to_do(task):
                continue
            try:
                if _attempt(task, patient):
                    taken += 1
                    say(f"{task.name}: done")
            except Busy:
                pass
            except UserError as error:
                taken += 1
                failures[task.name] = f"{task.name}: {error}"
        if patient and taken == before:
            if take:
                break  # all that is left is in the hands of the living
            time.sleep(PAUSE)
        patient = taken == before
    if failures:
        raise UserError("\n".join(failures.values()))


def forget(tasks: Sequence[Task], say: Say) -> None:
    """What `--force` comes to where workers do the training: what their tasks hold is dropped
    before they start.
    """

    def empty(task: Task, patient: bool) -> bool:
        kept = [folder for folder in task.folders if folder.is_dir()]
        with locked(kept, patient=patient, say=say):
            for folder in kept:
                start_over(folder)
        return True

    share([task._replace(work=partial(empty, task)) for task in tasks], say)


def _attempt(task: Task, patient: bool) -> bool:
    """Work on it; where that fails its directories say why, until the next try."""
    for folder in task.folders:
        for mark in ("FAILED", "QUEUED"):
            (folder / mark).unlink(missing_ok=True)
    with failure_kept(task.folders):
        return task.work(patient)
