"""What a launch is going to cost: tasks, hours on each kind of device, disk; from what finished
runs of the same experiments took.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bioexp.runs.directory import finished_in, provenance_of, when_finished
from bioexp.runs.tasks import Task
from bioexp.types import UserError

Recorded = dict[str, float]  # seconds of training that a seed group took, by kind of device


class Forecast(NamedTuple):
    """What the tasks that are not done will take.

    tasks: their number. hours: of training by kind of device, for those that ran on one before;
        known: how many these are; unknown: how many ran on none.
    megabytes: size of the run directories, for those that ran before.
    """

    tasks: int
    hours: dict[str, float]
    known: dict[str, int]
    unknown: int
    megabytes: float

    def lines(self) -> list[str]:
        """The forecast as the user reads it."""
        told = [
            f"{hours:.2f} h on {kind} for {self.known[kind]} of them"
            for kind, hours in self.hours.items()
        ]
        never = [f"{self.unknown} never ran here"] if self.unknown else []
        return [
            (
                f"plan: {self.tasks} tasks; training: {', '.join([*told, *never]) or 'nothing'}"
                " (one after another, attacks not counted)"
            ),
            (
                f"disk: about {self.megabytes:.0f}"
                f" MB{f', and that of {self.unknown} tasks' if self.unknown else ''}"
            ),
        ]


def forecast(tasks: Sequence[Task]) -> Forecast:
    """For the tasks that are not done: the newest finished run of the same experiment on each kind
    of device tells.
    """
    left = [task for task in tasks if not task.done()]
    recorded = [_recorded(task.folders[0].parent) for task in left]
    kinds = sorted({kind for seconds, _ in recorded for kind in seconds})
    hours = {kind: sum(seconds.get(kind, 0.0) for seconds, _ in recorded) / 3600 for kind in kinds}
    known = {kind: sum(kind in seconds for seconds, _ in recorded) for kind in kinds}
    megabytes = sum(
        len(task.folders) * size for task, (_, size) in zip(left, recorded, strict=True)
    )
    return Forecast(len(left), hours, known, sum(not seconds for seconds, _ in recorded), megabytes)


def _recorded(experiment: Path) -> tuple[Recorded, float]:
    """Seconds by kind of device, and megabytes of a run directory, of an experiment's newest
    finished runs.
    """
    seconds: Recorded = {}
    newest = sorted(finished_in(experiment), key=when_finished)
    for run in newest:
        with suppress(UserError):  # a damaged one tells nothing
            provenance = provenance_of(run)
            seconds[provenance.device.kind] = float(provenance.wall_s)
    size = (
        sum(file.stat().st_size for file in newest[-1].rglob("*") if file.is_file()) / 2**20
        if newest
        else 0.0
    )
    return seconds, size
