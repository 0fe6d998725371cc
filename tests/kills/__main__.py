"""`make kills`: commands that are killed with -9 at random moments, again and again, end as if
nothing had happened.

    python tests/kills [--kills 40] [--seed 0]

train, attack, report, reproduce, a launcher and its workers are killed in turn. Exits with 1 and
the files that differ, apart from times, from what an undisturbed command leaves.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CONFIG = """\
name: small
dataset: {name: blobs, features: [8, 8], classes: 4}
model: {name: mlp, hidden: [20]}
snapshots: [100]
stages:
  - rule: backprop
    optimizer: {name: adam, learning_rate: 0.01}
    batch_size: 20
    steps: 2000
    record_every: 20
"""
TRAIN = ("train", "small.yaml", "--seeds", "3")
LAUNCH = ("train", "small.yaml", "other.yaml", "--seeds", "2", "--launch", "local")
TIMES = {"wall_s", "stage_s", "compile_s", "finished", "peak_memory_mb"}
MADE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")


class Case(NamedTuple):
    """words: what is typed. weight: its share of the kills. after: what is typed before it,
    undisturbed. workers: whether these are killed in turn with the command itself.
    """

    words: Sequence[str]
    weight: int
    after: Sequence[Sequence[str]] = ()
    workers: bool = False


CASES = {
    "train": Case(TRAIN, 9),
    "attack": Case(("attack", "small", "--attacks", "fgsm,pgd", "--n", "200"), 8, after=[TRAIN]),
    "report": Case(("report",), 6, after=[TRAIN]),
    "launch": Case((*LAUNCH, "--workers", "2"), 9, workers=True),
    "reproduce": Case(("reproduce", "log_net", "--profile", "smoke"), 8),
}


def begun(words: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """A command, at work in the folder."""
    command = [sys.executable, "-m", "bioexp", *words, "--results", "results"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, **quiet)


def finished(words: Sequence[str], folder: Path) -> float:
    """A command until its end; its seconds. Raises RuntimeError where it fails."""
    start, process = time.monotonic(), begun(words, folder)
    _, said = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{words[0]} ended with {process.returncode}: {said.decode()}")
    return time.monotonic() - start


def workers_of(process: int) -> list[int]:
    """The processes that a process started."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []
    return [int(number) for number in children.split()]


def killed(case: Case, folder: Path, moment: float, chance: random.Random) -> bool:
    """Kill the command, or a worker of it, after some seconds; whether it lived so long."""
    process = begun(case.words, folder)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        workers = workers_of(process.pid) if case.workers else []
        if workers and chance.random() < 0.5:
            os.kill(chance.choice(workers), signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        return True
    finally:
        process.stderr.close()
    return False


def left(results: Path) -> dict[str, object]:
    """What every file holds, by name, without times; logs of workers tell of each kill."""
    files = [path for path in results.rglob("*") if path.is_file()]
    names = {path: path.relative_to(results).as_posix() for path in files}
    return {name: _held(path) for path, name in names.items() if not name.startswith(".launch/")}


def _held(file: Path) -> object:
    if file.name.startswith(("FINISHED", "ATTACKED")):  # digests of files that hold times
        return [line.split()[-1] for line in file.read_text("utf-8").splitlines()[1:]]
    if file.name == "drawn.json":  # made of times
        return sorted(json.loads(file.read_text("utf-8"))["drawn"])
    if file.name == "claims.json":
        return claims(file)
    if file.name in ("provenance.json", "robustness.json"):
        record = json.loads(file.read_text("utf-8"))
        return {name: value for name, value in record.items() if name not in TIMES}
    if file.name.startswith("report."):
        return MADE.sub("", file.read_text("utf-8"))
    return file.read_bytes()


def claims(file: Path) -> list[dict[str, object]]:
    """The rows of a claims.json, without times."""
    return [_timeless(row) for row in json.loads(file.read_text("utf-8"))]


def _timeless(row: dict[str, object]) -> dict[str, object]:
    """A row of claims.json; of a wall time only which it is."""
    timed = ("measured", "ci95", "per_seed", "controls", "why")
    hardware = "hardware" in str(row["why"])
    return {key: value for key, value in row.items() if not (hardware and key in timed)}


def differences(case: Case, plain: Path, disturbed: Path) -> list[str]:
    """The files that differ; pages and tables that tell times only by being there."""
    before, after = left(plain / "results"), left(disturbed / "results")
    if "reproduce" in case.words:
        for held in (before, after):
            held |= dict.fromkeys(held.keys() & {"report.html", "report.md", "claims.md"})
    return sorted(file for file in {**before, **after} if before.get(file) != after.get(file))


def tried(case: Case, kills: int, place: Path, chance: random.Random) -> tuple[int, list[str]]:
    """How often a command was killed, and what then differs."""
    start, plain, disturbed = (place / name for name in ("start", "plain", "again"))
    start.mkdir(parents=True)
    (start / "small.yaml").write_text(CONFIG)
    (start / "other.yaml").write_text(CONFIG.replace("small", "other"))
    for words in case.after:
        finished(words, start)
    shutil.copytree(start, plain)
    seconds, count, different = finished(case.words, plain), 0, []
    shutil.copytree(start, disturbed)
    for kill in range(1, kills + 1):
        while not killed(case, disturbed, chance.uniform(0.3, 1.0) * seconds, chance):
            different += differences(case, plain, disturbed)
            shutil.rmtree(disturbed)
            shutil.copytree(start, disturbed)
        count = kill
    finished(case.words, disturbed)
    return count, different + differences(case, plain, disturbed)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", default=list(CASES))
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    wanted, bad = parser.parse_args(), 0
    chance, weights = random.Random(wanted.seed), sum(CASES[name].weight for name in wanted.cases)
    for name in wanted.cases:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            began, kills = time.monotonic(), round(wanted.kills * CASES[name].weight / weights)
            count, different = tried(CASES[name], kills, Path(folder), chance)
        took = time.monotonic() - began
        print(f"{name}: {count} kills in {took:.0f} s; {', '.join(different) or 'nothing'} differs")
        bad += bool(different)
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
