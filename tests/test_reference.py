"""What is committed of a reproduction: small, complete, without a trace of the machine; and the
README's table made of it.
"""

import json

import pytest
from conftest import ROOT
from PIL import Image
from test_report import made_claims, made_run

from bioexp.report import reference as module
from bioexp.report.reference import BEGIN, END, reference, refresh, table
from bioexp.types import UserError

SOURCE = "/home/somebody/data/mnist/train-images-idx3-ubyte.gz"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A results folder with claims on two seeds of a run, and an earlier reference."""
    results = tmp_path / "results"
    runs = [made_run(results, seed=seed, robust=0.4) for seed in (0, 1)]
    for run in runs:
        run.provenance["dataset"]["source"] = SOURCE
        run.provenance["command"] = f"bioexp train small.yaml --results {results}"
    rows = [
        row | {"runs": ["small/0a1b2c3d"]}
        for row in made_claims(results)
        if row["figure"] != "../outside.png"
    ]
    rows[4]["why"] = f"cifar10: cannot be had; looked for {SOURCE}"
    (results / "claims.json").write_text(
        json.dumps(
            [
                {"measured_as": "", "expected": None, "measured": None, "why": ""} | row
                for row in rows
            ]
        )
    )
    Image.new("RGB", (3000, 1000), "navy").save(results / "figures" / "fig2.png")
    old = tmp_path / "reference" / "figures" / "log_net" / "gone.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"of a row that is no more")
    monkeypatch.setattr(module, "runs_of", lambda folder, rows: runs)
    return results, tmp_path / "reference"


def test_a_reference_is_whole_small_and_free_of_the_machines_paths(made):
    results, folder = made
    reference(results, folder)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    whole = {
        "claims.json",
        "claims.md",
        "provenance.json",
        "report.html",
        "report.md",
        "figures/fig2.png",
    }
    assert whole <= names
    assert "figures/log_net/gone.png" not in names
    for name in whole - {"figures/fig2.png"}:
        text = (folder / name).read_text()
        assert "somebody" not in text
        assert str(results) not in text
    with Image.open(folder / "figures" / "fig2.png") as image:
        assert image.size == (module.WIDTH, round(module.WIDTH / 3))
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["small/0a1b2c3d"]["scores"] == {"0": 0.9, "1": 0.9}
    assert provenance["small/0a1b2c3d"]["dataset"]["source"] == "train-images-idx3-ubyte.gz"
    assert "](figures/fig2.png)" in (folder / "report.md").read_text()
    assert "w1.png" not in (folder / "report.md").read_text()


def test_a_reference_of_nothing_is_the_users_error(tmp_path):
    with pytest.raises(UserError, match=r"holds no claims\.json"):
        reference(tmp_path, tmp_path / "reference")
    (tmp_path / "claims.json").write_text('[{"id": "made/row", "verdict": "reproduced"}]')
    with pytest.raises(UserError, match="its rows name no runs"):
        reference(tmp_path, tmp_path / "reference")


def test_the_readmes_table_stands_between_its_markers_and_nothing_else_moves(made, tmp_path):
    results, folder = made
    reference(results, folder)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    refresh(readme, folder)
    refresh(readme, folder)
    text = readme.read_text()
    assert (text.splitlines()[0], text.splitlines()[-1]) == ("before", "after")
    assert "\nold\n" not in text
    assert (
        "| log_net/row_1: number 1 | 0.91 | 0.6111 [0.6011, 0.6211], 3 seeds | not reproduced |"
        in text
    )
    assert "| log_net | 2 | 1 | 1 | 2 |" in text
    readme.write_text("no markers")
    with pytest.raises(UserError, match="has no lines"):
        refresh(readme, folder)


def test_the_readme_shows_the_claims_of_the_committed_reference():
    readme = (ROOT / "README.md").read_text()
    shown = readme.partition(BEGIN)[2].partition(END)[0]
    assert shown == "\n" + table(ROOT / "results" / "reference"), "make reference writes it again"
