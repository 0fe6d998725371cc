"""Taking time: tasks in turns, so that whatever else the machine does meets all of them alike."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

Task = Callable[[], object]
COMMAND = str(Path(sys.executable).with_name("bioexp"))  # the one installed beside this interpreter


class Figure(NamedTuple):
    """A line of the table: what was measured, one value per round, in seconds ("s") or as a ratio
    ("x").

    target: what the figure is meant to reach, as text. note: anything a reader must know, such as
        why there are no values.
    """

    what: str
    values: tuple[float, ...] = ()
    unit: str = "s"
    target: str = ""
    note: str = ""

    def record(self) -> dict[str, object]:
        """For --json."""
        return self._asdict() | {
            "min": min(self.values, default=None),
            "median": self.median,
            "max": max(self.values, default=None),
        }

    @property
    def median(self) -> float | None:
        return median(self.values) if self.values else None


def in_turns(tasks: Mapping[str, Task], rounds: int) -> dict[str, tuple[float, ...]]:
    """Seconds of each task in each round: A B A B …; a first call of each is not counted, it
    compiles and fills caches.
    """
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(rounds + 1):
        for name, task in tasks.items():
            began = time.perf_counter()
            task()
            if turn:
                taken[name].append(time.perf_counter() - began)
    return {name: tuple(seconds) for name, seconds in taken.items()}


def ratio(
    what: str, above: Sequence[float], below: Sequence[float], target: str = "", note: str = ""
) -> Figure:
    """The quotients of each round, whose two times were taken one after the other."""
    return Figure(what, tuple(a / b for a, b in zip(above, below, strict=True)), "x", target, note)


def process(*words: object) -> Task:
    """A whole command, from its start to its end; one that fails shows what it said and stops the
    benchmark.
    """

    def call() -> None:
        done = subprocess.run(
            [str(word) for word in words], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(
                f"{' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}{done.stderr}"
            )

    return call
