"""Workers as the tasks of one Slurm array job, through submitit; each takes a task, or a few where
they are many, and is gone.

A job that Slurm pre-empts or that runs out of time is put in the queue again. Needs no accounting:
squeue tells what runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioexp.runs.lock import LOG
from bioexp.types import UserError
from bioexp.workers.pool import Workers

PROGRAMS = ("sbatch", "srun", "squeue", "sinfo", "scontrol")
MINUTES = 240  # for a task, where --time does not say
AT_ONCE = 256  # tasks, where --workers does not say
ARRAY = 1000  # tasks of an array job, where Slurm does not say


@dataclass(frozen=True)
class Worker:
    """A worker's command, on a node; submitit calls it, and `checkpoint` when the job has to make
    room.
    """

    command: tuple[str, ...]

    def __call__(self) -> None:
        import submitit

        log = str(submitit.JobEnvironment().paths.stderr)
        subprocess.run(self.command, env={**os.environ, LOG: log}, check=True)

    def checkpoint(self) -> Any:
        """What is to run instead when the job is put in the queue again: the same, as it goes on by
        itself.
        """
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def slurm(
    worker: Callable[[int], list[str]],
    count: int,
    logs: Path,
    *,
    workers: int | None,
    partition: str | None,
    gpus: int | None,
    minutes: int | None,
    others: Mapping[str, str],
) -> Workers:
    """An array job for `count` tasks. Raises UserError where there is no Slurm, or it refuses the
    job.
    """
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise UserError(
            f"--launch slurm: no Slurm here (looked for {', '.join(missing)} in PATH); use --launch"
            " local"
        )
    known = {name.rstrip("*") for name in _told("sinfo", "--noheader", "--format=%P").split()}
    if partition is not None and partition not in known:
        raise UserError(
            f"--partition: Slurm has no {partition!r} (it has {', '.join(sorted(known))})"
        )
    # or it takes the logging of the whole process in hand
    os.environ.setdefault("SUBMITIT_LOG_LEVEL", "NOCONFIG")
    import submitit

    jobs_at_most = _longest_array()
    take = -(-count // jobs_at_most)
    executor = submitit.SlurmExecutor(folder=logs)
    executor.update_parameters(
        job_name="bioexp",
        time=minutes or MINUTES,
        array_parallelism=min(workers or AT_ONCE, count),
        ntasks_per_node=1,
        **({"partition": partition} if partition else {}),
        **({"gpus_per_node": gpus} if gpus else {}),
        additional_parameters=dict(others),
    )
    try:
        with executor.batch():
            jobs = [executor.submit(Worker(tuple(worker(take)))) for _ in range(-(-count // take))]
    except submitit.core.utils.FailedJobError as error:
        raise UserError(
            f"--launch slurm: sbatch refused the job: {str(error).strip().splitlines()[-1]}"
        ) from None
    job = str(jobs[0].job_id).partition("_")[0]

    def states() -> list[str]:
        try:
            return _told(
                "squeue", "--noheader", "--array", f"--jobs={job}", "--format=%T (%r)"
            ).splitlines()
        except UserError as error:
            return [f"unknown, as {error}"]  # a controller that is restarted answers again

    def why() -> str:
        return f"job {job} is {', '.join(sorted(set(states()))) or 'gone from the queue'}"

    return Workers(
        f"slurm job {job}",
        2.0,
        lambda: bool(states()),
        why,
        lambda: f"slurm job {job} goes on; `scancel {job}` ends it",
    )


def _longest_array() -> int:
    """How many tasks an array job may have here."""
    settings = dict(
        line.split("=", 1)
        for line in _told("scontrol", "show", "config").splitlines()
        if "=" in line
    )
    found = {name.strip(): value.strip() for name, value in settings.items()}.get(
        "MaxArraySize", ""
    )
    return max(int(found) - 1, 1) if found.isdecimal() else ARRAY


def _told(*words: str) -> str:
    """What a program of Slurm says; nothing of a job that it has forgotten. UserError where it
    cannot be asked.
    """
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode and "Invalid job id" not in done.stderr:
        raise UserError(
            f"--launch slurm: {words[0]} failed: {done.stderr.strip() or done.returncode}"
        )
    return done.stdout
