"""Workers as processes of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bioexp.devices import cores
from bioexp.runs.lock import LOG
from bioexp.types import UserError
from bioexp.workers.pool import Workers

START = "import sys; sys.argv[0] = 'bioexp'; from bioexp.cli import script; script()"
STOP = 10.0  # seconds that a worker has to end by itself


def local(
    words: Sequence[str], count: int, logs: Path, *, workers: int | None, gpus: int | None
) -> Workers:
    """Processes of the same command for `count` tasks; each does what is left until nothing is.

    workers: so many; None for as many as there are cores, or as the GPUs are enough for. gpus: how
        many each sees, its own.
    All share the cores: on fewer of them XLA would sum in another order, and a run would not have
        the bits of a plain one.
    Raises UserError where there are fewer GPUs than that.
    """
    devices = _gpus() if gpus else []
    number = min(workers or (max(len(devices) // gpus, 1) if gpus else len(cores())), count)
    if gpus and number * gpus > len(devices):
        raise UserError(
            f"--gpus {gpus}: {number} workers need {number * gpus}, and there are {len(devices)}"
            " here; lower one of them"
        )
    processes = [
        _started(words, one, logs, None if gpus is None else devices[one * gpus : (one + 1) * gpus])
        for one in range(number)
    ]

    def stopped() -> str:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(STOP)
            except subprocess.TimeoutExpired:
                process.kill()
        return f"{number} workers stopped"

    def why() -> str:
        return ", ".join(
            f"process {process.pid} {'runs' if process.poll() is None else 'ended'}"
            for process in processes
        )

    return Workers(
        f"{number} worker{'s' * (number > 1)} here",
        0.2,
        lambda: any(process.poll() is None for process in processes),
        why,
        stopped,
    )


def _started(
    words: Sequence[str], number: int, logs: Path, gpus: Sequence[str] | None
) -> subprocess.Popen[bytes]:
    log = logs / f"worker{number}.log"
    environment = {**os.environ, LOG: str(log)}
    if gpus is None:
        environment.setdefault(
            "XLA_PYTHON_CLIENT_PREALLOCATE", "false"
        )  # or the first would leave the others no GPU memory
    else:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    with log.open("ab") as file:
        command = [sys.executable, "-c", START, *words, "--take", "0"]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment
        )


def _gpus() -> list[str]:
    """The GPUs of this machine that may be used, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name]
    return [str(number) for number, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]
