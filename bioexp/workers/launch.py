"""`--launch local | slurm`: workers that share what is to be done, as processes of this machine or
as an array job of a cluster.

A worker is the same command again, told how many tasks to take. It coordinates with nobody: locks
and FINISHED in the results directory say what is left. Workers that die are replaced, and their
successors go on from the last checkpoint.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from bioexp.files import make_folder, tail, write_text
from bioexp.runs.lock import holder_of, is_gone
from bioexp.runs.tasks import Task
from bioexp.runs.workspace import Say
from bioexp.types import UserError
from bioexp.workers.local import local
from bioexp.workers.pool import Workers
from bioexp.workers.slurm import slurm

PATIENCE = 60.0  # seconds after which it is told that no worker has begun
LAZY = 20  # times what it takes to look at all tasks is the least time between two looks
TRIES = 3  # times in a row that workers may end without having finished anything


@dataclass(frozen=True)
class Launch:
    """How work is spread: over several processes of this machine, or as an array job.

    worker: from the number of tasks it is to take (0 is any number), the command of a worker.
    workers: at a time; None for as many as there are cores, or as Slurm lets run. gpus: for each.
    minutes: for each task. sbatch: whatever else Slurm is to know, by the names of its options.
    """

    kind: Literal["local", "slurm"]
    worker: Callable[[int], list[str]]
    workers: int | None = None
    partition: str | None = None
    gpus: int | None = None
    minutes: int | None = None
    sbatch: Mapping[str, str] = field(default_factory=dict)


def parse(
    kind: Literal["local", "slurm"] | None,
    worker: Callable[[int], list[str]],
    *,
    workers: int | None,
    partition: str | None,
    gpus: int | None,
    time: str | None,
    sbatch: Sequence[str],
) -> Launch | None:
    """The options of the command line; None without --launch. Raises UserError for one that does
    not fit the others.
    """
    given = {
        "--workers": workers,
        "--partition": partition,
        "--gpus": gpus,
        "--time": time,
        "--sbatch": sbatch or None,
    }
    named = [option for option, value in given.items() if value is not None]
    if kind is None:
        if named:
            raise UserError(f"{named[0]}: needs --launch local or --launch slurm")
        return None
    for option in ("--partition", "--time", "--sbatch"):
        if kind == "local" and option in named:
            raise UserError(f"{option}: needs --launch slurm")
    for text in sbatch:
        if not all(text.lstrip("-").partition("=")[::2]):
            raise UserError(f"--sbatch: must be KEY=VALUE, such as account=lab, got {text!r}")
    others = dict(text.lstrip("-").split("=", 1) for text in sbatch)
    minutes = _minutes(time) if time else None
    return Launch(kind, worker, workers, partition, gpus, minutes, others)


def launch(
    tasks: Sequence[Task],
    how: Launch,
    results: Path,
    say: Say,
    gather: Callable[[Sequence[Task]], None],
) -> list[str]:
    """Have workers do what is not done; returns, once nothing is left to try, what failed and why,
    a line for each.

    gather(tasks) takes up, here, what workers have done, as it is done.
    Raises UserError where workers cannot be had at all. Ctrl-C, signals and errors end those of
    this machine; those of a cluster go on.
    """
    for task in tasks:
        for folder in task.folders:
            (folder / "FAILED").unlink(missing_ok=True)
    logs = results.resolve() / ".launch" / f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}"
    open_tasks = list(tasks)

    def settle(settled: Sequence[Task]) -> None:
        """Tell of tasks that are done or have failed, and take up what was done."""
        for task in settled:
            open_tasks.remove(task)
            failed = task.failed()
            how_it_went = f"failed: {failed.splitlines()[-1]}" if failed else "done"
            say(f"{task.name}: {how_it_went} ({len(tasks) - len(open_tasks)} of {len(tasks)})")
            if not failed:
                gather([task])

    fruitless, rounds = 0, 0
    while (left := [task for task in tasks if _left(task)]) and fruitless < TRIES:
        if rounds:
            say(f"{len(left)} tasks were left by workers that died; starting others")
        workers = _start(left, how, logs, say)
        try:
            _mark(left, workers)
            settle(_settled(open_tasks))
            _follow(open_tasks, workers, say, settle)
        except BaseException:  # Ctrl-C and signals, too
            say(workers.stopped())
            raise
        finally:
            for folder in (folder for task in left for folder in task.folders):
                (folder / "QUEUED").unlink(missing_ok=True)
        rounds += 1
        fruitless = 0 if any(not _left(task) for task in left) else fruitless + 1
        if fruitless and not _logs(logs):
            raise UserError(
                f"{logs}: no worker left a word there; is {results} on a file system that all nodes"
                " share?"
            )
    settle(_settled(open_tasks))
    return [f"{task.name}: {task.failed() or _died(logs)}" for task in tasks if not task.done()]


def _start(left: Sequence[Task], how: Launch, logs: Path, say: Say) -> Workers:
    make_folder(logs)
    if how.kind == "slurm":
        workers = slurm(
            how.worker,
            len(left),
            logs,
            workers=how.workers,
            partition=how.partition,
            gpus=how.gpus,
            minutes=how.minutes,
            others=how.sbatch,
        )
    else:
        command, at_once, gpus = how.worker(0), how.workers, how.gpus
        workers = local(command, len(left), logs, workers=at_once, gpus=gpus)
    say(f"{len(left)} tasks to do, by {workers.name}; logs: {logs}")
    return workers


def _mark(left: Sequence[Task], workers: Workers) -> None:
    """QUEUED in every directory that waits for a worker; work on it removes the file."""
    for task in left:
        for folder in task.folders:
            if holder_of(folder) is None and not task.done():
                write_text(folder / "QUEUED", f"{workers.name}\n")


def _follow(
    open_tasks: Sequence[Task],
    workers: Workers,
    say: Say,
    settle: Callable[[Sequence[Task]], None],
) -> None:
    """Tell what is done until no worker is left, and if none begins, why. settle(tasks) takes them
    off the open ones.
    """
    began, waiting = time.monotonic(), True
    while True:
        looked, alive, settled = time.monotonic(), workers.alive(), _settled(open_tasks)
        took = time.monotonic() - looked
        settle(settled)
        if not alive or not open_tasks:
            return
        waiting = waiting and not settled and not any(_held(task) for task in open_tasks)
        if waiting and time.monotonic() - began > PATIENCE:
            say(f"no worker has begun in {PATIENCE:.0f} s: {workers.why()}; still waiting")
            waiting = False
        time.sleep(max(workers.look, LAZY * took))


def _settled(tasks: Sequence[Task]) -> list[Task]:
    return [task for task in tasks if not _left(task)]


def _left(task: Task) -> bool:
    return not task.failed() and not task.done()


def _held(task: Task) -> bool:
    return any((holder := holder_of(folder)) and not is_gone(holder) for folder in task.folders)


def _died(logs: Path) -> str:
    """What is known of workers that ended without a word of their own."""
    written = _logs(logs)
    last = tail(written[-1]) if written else ""
    where = f"; {written[-1]} ends with: {last}" if last else f" (see {logs})"
    return f"its workers died {TRIES} times{where}"


def _logs(logs: Path) -> list[Path]:
    """What workers have written, the last one last."""
    return sorted(
        (log for log in logs.iterdir() if log.suffix in (".log", ".err")),
        key=lambda log: log.stat().st_mtime,
    )


def _minutes(text: str) -> int:
    """ "90" -> 90, "2:30:00" -> 150, as Slurm has it; UserError for anything else."""
    parts = text.split(":")
    if not all(part.isdecimal() for part in parts) or len(parts) not in (1, 3):
        raise UserError(f"--time: must be minutes, or hours:minutes:seconds, got {text!r}")
    hours, minutes, seconds = map(int, parts if len(parts) == 3 else ("0", parts[0], "0"))
    total = 60 * hours + minutes + -(-seconds // 60)
    if total < 1:
        raise UserError(f"--time: must be at least a minute, got {text!r}")
    return total
