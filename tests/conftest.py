"""Every test runs with the shapes of signatures checked, and with caches of its own."""

import gc
import json
import os
import tempfile

# Tests compile hundreds of tiny programs: fast compilation matters, fast programs do not; and many
# are the same. Workers of one session share what they compiled.
SHARED = os.environ.get("BIOEXP_TESTS_CACHE") if "PYTEST_XDIST_WORKER" in os.environ else None
OWN = None if SHARED else tempfile.TemporaryDirectory(prefix="bioexp-tests-")
CACHE = OWN.name if OWN else SHARED
os.environ |= {
    "BIOEXP_TESTS_CACHE": CACHE,
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    "XDG_CACHE_HOME": CACHE,
    "JAX_COMPILATION_CACHE_DIR": f"{CACHE}/bioexp/xla",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}

gc.set_threshold(100_000, 50, 50)  # as the command line does

from jaxtyping import install_import_hook

# Rooms of arrays; the others hold words and records, which mypy and pydantic check.
ARRAYS = (
    *("attacks", "datasets", "devices", "heads", "measures", "models", "objectives", "ops"),
    *("optimizers", "papers", "robustness", "rules", "training", "tree"),
)
install_import_hook([f"bioexp.{room}" for room in ARRAYS], "beartype.beartype")

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch):
    """No test sees the user's data or results."""
    monkeypatch.delenv("BIOEXP_DATA_DIR", raising=False)
    monkeypatch.delenv("BIOEXP_RESULTS", raising=False)


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    """Pictures are drawn whole, with few pixels: a third of a command's time goes into them."""
    monkeypatch.setattr("bioexp.figures.canvas.DPI", 30)


@pytest.fixture
def write_config(tmp_path):
    """Writes a small config that trains in a moment; returns its path."""

    def write(text: str = SMALL, name: str = "small.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


SMALL = """\
name: small
dataset: {name: blobs, features: [4, 4], classes: 3}
model: {name: mlp, hidden: [5]}
stages:
  - rule: backprop
    optimizer: {name: adam, learning_rate: 0.01}
    batch_size: 20
    steps: 12
    record_every: 4
"""


@pytest.fixture
def bioexp(capsys, monkeypatch, tmp_path):
    """Calls the command line in this process, with results in tmp_path/results; returns exit code,
    stdout, stderr.
    """
    from bioexp.__main__ import main

    def call(*words) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["bioexp", *map(str, words)])
        monkeypatch.setenv("BIOEXP_RESULTS", str(tmp_path / "results"))
        monkeypatch.setenv("COLUMNS", "200")
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, *capsys.readouterr()

    return call


ELSEWHERE = {
    "id": "1",
    "host": "node7",
    "machine": "another",
    "process": 12,
    "born": "5",
    "user": "ada",
    "log": "",
}


def hold(folder: Path, beats: str = "000000000000", **changes) -> None:
    """A lock in this folder, of somebody on another machine."""
    (folder / ".lock").write_text(f"{beats}\n{json.dumps(ELSEWHERE | changes)}\n")


@pytest.fixture
def quick(monkeypatch):
    """Heartbeats and patience of fractions of a second."""
    from bioexp.runs import lock
    from bioexp.workers import share

    for name, seconds in (("BEAT", 0.05), ("LOOK", 0.02), ("STALE", 0.3)):
        monkeypatch.setattr(lock, name, seconds)
    monkeypatch.setattr(share, "PAUSE", 0.02)


def tasks_of(names, tmp_path, done, work):
    """A task for each name, done once its name is in `done`."""
    from bioexp.runs.tasks import Task

    folders = [tmp_path / name for name in names]
    return [
        Task(f.name, (f,), lambda f=f: f.name in done, lambda patient, f=f: work(f.name, patient))
        for f in folders
    ]
