"""An installed wheel, in an environment that holds nothing else, used from a folder of its own.

Takes minutes, most of them pip's: `python -m pytest -n 0 tests/wheel/installed.py`.
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A folder outside of the checkout, and a function that runs bioexp there."""
    folder = tmp_path_factory.mktemp("elsewhere")
    python = folder / "environment" / "bin" / "python"
    venv.create(folder / "environment", with_pip=True)
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*wheel, "--wheel-dir", folder, ROOT], check=True)
    (built,) = folder.glob("bioexp-*.whl")
    subprocess.run([python, "-m", "pip", "install", "--quiet", built], check=True)
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = kept | {"XDG_CACHE_HOME": str(folder / "cache"), "JAX_PLATFORMS": "cpu"}

    def bioexp(*words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [python.parent / "bioexp", *map(str, words)]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=check
        )

    return folder, bioexp


def test_what_there_is_can_be_listed(elsewhere):
    _, bioexp = elsewhere
    listed = json.loads(bioexp("list", "--json").stdout)
    assert {"log_net", "log_net/control"} <= {row["config"] for row in listed["configs"]}
    assert {"log_net", "stdp_rule", "beyond"} <= {row["name"] for row in listed["papers"]}
    assert "hidden: whole number" in bioexp("list", "log_net").stdout


def test_a_config_is_trained_by_name_attacked_and_reported(elsewhere):
    folder, bioexp = elsewhere
    shorter = ("--set", "dataset=mnist5k", "stages.0.steps=100", "snapshots=[]")
    words = [word for change in shorter[1:] for word in ("--set", change)]
    (trained,) = json.loads(bioexp("train", "log_net", *words, "--json").stdout)
    assert trained["n_test"] == 1000
    (attacked,) = json.loads(bioexp("attack", "--fgsm", "--n", 50, "--json").stdout)
    assert attacked["n"] == 50
    assert (folder / bioexp("report").stdout.strip()).is_file()


def test_a_paper_is_reproduced(elsewhere):
    """With the real data where it is at hand; what needs other data says so, and exits with 0."""
    folder, bioexp = elsewhere
    data = ROOT.parent / "shared" / "data"
    at_hand = ("--data-dir", data) if data.is_dir() else ()
    bioexp("reproduce", "spatial_nets", "--profile", "smoke", *at_hand)
    rows = json.loads((folder / "results" / "claims.json").read_text())
    verdicts = {row["verdict"] for row in rows}
    assert verdicts <= ({"drawn", "not comparable"} if at_hand else {"not run"})
