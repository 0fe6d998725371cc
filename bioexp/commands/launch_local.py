"""Workers as processes of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bioexp.commands.workers import Workers
from bioexp.device import cores
from bioexp.lock import LOG

START = "import sys; sys.argv[0] = 'bioexp'; from bioexp.cli import script; script()"
STOP = 10.0  # seconds that a worker has to end by itself


def local(words: Sequence[str], count: int, logs: Path, *, gpus: int | None) -> Workers:
    """So many processes of the same command; each does what is left until nothing is. gpus: how many each sees, its own.

    Each has its own share of the cores, where there are enough: on all of them they would be in each other's way.
    """
    processes = [_started(words, number, logs, gpus) for number in range(count)]
    all_cores = cores()
    if count <= len(all_cores) and hasattr(os, "sched_setaffinity"):
        for number, process in enumerate(processes):
            os.sched_setaffinity(process.pid, all_cores[number::count])

    def stopped() -> str:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(STOP)
            except subprocess.TimeoutExpired:
                process.kill()
        return f"{count} workers stopped"

    def why() -> str:
        return ", ".join(f"process {process.pid} {'runs' if process.poll() is None else 'ended'}" for process in processes)

    return Workers(f"{count} workers here", 0.2, lambda: any(process.poll() is None for process in processes), why, stopped)


def _started(words: Sequence[str], number: int, logs: Path, gpus: int | None) -> subprocess.Popen[bytes]:
    log = logs / f"worker{number}.log"
    environment = {**os.environ, LOG: str(log)}
    if gpus is not None:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(str(gpu) for gpu in range(number * gpus, (number + 1) * gpus))
    with log.open("ab") as file:
        command = [sys.executable, "-c", START, *words, "--take", "0"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment)
