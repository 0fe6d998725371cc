"""Every test runs with the shapes of every signature checked, and with caches of its own."""

import os

# Tests compile hundreds of tiny programs: fast compilation matters, fast programs do not.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"

from jaxtyping import install_import_hook

install_import_hook("bioexp", "beartype.beartype")

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test reads or fills the user's caches, or sees the user's data."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("BIOEXP_DATA_DIR", raising=False)
    monkeypatch.delenv("BIOEXP_RESULTS", raising=False)


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
