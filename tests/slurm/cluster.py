"""A Slurm cluster of two nodes of one core each, on this machine, for as long as a `with` block
lasts.

Needs Debian's slurm-wlm and munge, and root. Every file lies in the folder given, every process is
ended at the end.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "sinfo", "scontrol")
NODES = ("one", "two")
BEGIN = 30.0  # seconds until both nodes have to be idle


def missing() -> str:
    """Why there can be no cluster here; "" where there can."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"{', '.join(absent)} not installed (apt-get install slurm-wlm munge)"
    return "" if os.getuid() == 0 else "slurmd needs root"


def told(*words: str) -> str:
    """What a command of Slurm answers."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@contextmanager
def cluster(folder: Path) -> Iterator[None]:
    """Start it, with SLURM_CONF in this process's environment; raises RuntimeError with the logs
    where it does not come up.
    """
    for name in ("state", "munge", *NODES):
        (folder / name).mkdir(parents=True)
    key, sock = folder / "munge" / "key", folder / "munge" / "socket"
    key.write_bytes(os.urandom(1024))
    for path, mode in ((key, 0o600), (folder / "munge", 0o755)):
        path.chmod(mode)
    config = folder / "slurm.conf"
    config.write_text(_config(folder, sock))
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(config)
    with ExitStack() as stack:
        stack.callback(
            lambda: (
                os.environ.pop("SLURM_CONF")
                if before is None
                else os.environ.update(SLURM_CONF=before)
            )
        )
        files = [f"--{kind}-file={folder / 'munge' / kind}" for kind in ("log", "pid", "seed")]
        _started(
            stack,
            folder,
            "munged",
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={sock}",
            *files,
        )
        _until(sock.exists, folder)
        _started(stack, folder, "slurmctld", "-D", "-f", str(config))
        for node in NODES:
            _started(stack, folder, "slurmd", "-D", "-N", node, "-f", str(config))
        _until(
            lambda: _answer("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * len(NODES),
            folder,
        )
        stack.callback(lambda: _answer("scancel", "--user=root"))  # or its last steps outlive it
        yield


def _config(folder: Path, munge: Path) -> str:
    ports = {name: _free_port() for name in ("slurmctld", *NODES)}
    nodes = "\n".join(
        f"NodeName={node} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 Port={ports[node]}"
        " CPUs=1"
        for node in NODES
    )
    return f"""\
ClusterName=test
SlurmctldHost={socket.gethostname()}(127.0.0.1)
SlurmctldPort={ports["slurmctld"]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={munge}
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n/pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
KillWait=2
MinJobAge=2
{nodes}
PartitionName=debug Nodes={",".join(NODES)} Default=YES MaxTime=INFINITE State=UP
"""


def _started(stack: ExitStack, folder: Path, *words: str) -> None:
    with (folder / f"{words[0]}.log").open("ab") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def end() -> None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()

    stack.callback(end)


def _until(ready, folder: Path) -> None:
    deadline = time.monotonic() + BEGIN
    while not ready():
        if time.monotonic() > deadline:
            logs = "\n".join(
                f"{log.name}: {log.read_text()[-2000:]}" for log in sorted(folder.glob("*.log"))
            )
            raise RuntimeError(f"slurm did not come up in {BEGIN:.0f} s\n{logs}")
        time.sleep(0.1)


def _answer(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
