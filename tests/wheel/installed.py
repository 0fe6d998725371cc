"""An installed wheel, in an environment that holds nothing else, used from a folder of its own.

Takes minutes, most of them pip's: `python -m pytest -n 0 tests/wheel/installed.py`.
"""

import json
import os
import subprocess
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT.parent / "shared" / "data"  # the real images, where they are at hand


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A folder outside of the checkout, and a function that runs bioexp there."""
    folder = tmp_path_factory.mktemp("elsewhere")
    python = folder / "environment" / "bin" / "python"
    venv.create(folder / "environment", with_pip=True)
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
    (built,) = folder.glob("bioexp-*.whl")
    subprocess.run([*pip, "install", built], check=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = kept | {"XDG_CACHE_HOME": str(folder / "cache"), "JAX_PLATFORMS": "cpu"}

    def bioexp(*words: object) -> str:
        done = subprocess.run(
            [python.parent / "bioexp", *map(str, words)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return folder, bioexp


def test_what_there_is_can_be_listed(elsewhere):
    _, bioexp = elsewhere
    listed = json.loads(bioexp("list", "--json"))
    assert {"log_net", "log_net/control"} <= {row["config"] for row in listed["configs"]}
    assert {"log_net", "stdp_rule", "beyond"} <= {row["name"] for row in listed["papers"]}
    assert "hidden: whole number" in bioexp("list", "log_net")


def test_a_config_is_trained_by_name_attacked_and_reported(elsewhere):
    folder, bioexp = elsewhere
    changes = ("dataset=mnist5k", "stages.0.steps=100", "snapshots=[]")
    words = [word for change in changes for word in ("--set", change)]
    (trained,) = json.loads(bioexp("train", "log_net", *words, "--json"))
    assert trained["n_test"] == 1000
    (attacked,) = json.loads(bioexp("attack", "--fgsm", "--n", 50, "--json"))
    assert attacked["n"] == 50
    assert (folder / bioexp("report").strip()).is_file()


def test_a_paper_is_reproduced(elsewhere):
    """With the real data where it is at hand; without it every row says that it was not run."""
    folder, bioexp = elsewhere
    data = DATA if DATA.is_dir() else folder
    bioexp("reproduce", "spatial_nets", "--profile", "smoke", "--data-dir", data)
    rows = json.loads((folder / "results" / "claims.json").read_text())
    verdicts = {row["verdict"] for row in rows}
    assert verdicts == ({"drawn", "not comparable"} if DATA.is_dir() else {"not run"})
