"""Workers as processes of this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bioexp.devices import cores
from bioexp.runs.lock import LOG
from bioexp.types import UserError
from bioexp.workers.pool import Workers

STOP = 10.0  # seconds that a worker has to end by itself


def local(
    command: Sequence[str], count: int, logs: Path, *, workers: int | None, gpus: int | None
) -> Workers:
    """Processes for `count` tasks; each does what is left until nothing is.

    command: of a worker. workers: how many; None for as many as there are cores, or as the GPUs are
        enough for. gpus: how many each sees, its own.
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
    shares = [
        devices[i * gpus : (i + 1) * gpus] if gpus is not None else None for i in range(number)
    ]
    name = f"{number} worker{'s' * (number > 1)} here"
    processes = [_started(command, logs / f"worker{i}.log", own) for i, own in enumerate(shares)]

    def stopped() -> str:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(STOP)
            except subprocess.TimeoutExpired:
                process.kill()
        return f"{name}: stopped"

    def why() -> str:
        return ", ".join(
            f"process {process.pid} {'runs' if process.poll() is None else 'ended'}"
            for process in processes
        )

    return Workers(
        name,
        0.2,
        lambda: any(process.poll() is None for process in processes),
        why,
        stopped,
    )


def _started(
    command: Sequence[str], log: Path, gpus: Sequence[str] | None
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, LOG: str(log)}
    if gpus is None:  # or the first would leave the others no GPU memory
        environment.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    else:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    with log.open("ab") as file:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment
        )


def _gpus() -> list[str]:
    """The GPUs of this machine that may be used, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name]
    return [str(number) for number, _ in enumerate(Path("/dev").glob("nvidia[0-9]*"))]
