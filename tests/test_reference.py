"""What is committed of a reproduction: small, complete, without a trace of the machine; its README,
and the counts of it in the root README.
"""

import json

import pytest
from conftest import ROOT
from made_runs import made_claim, made_claims, made_run
from PIL import Image

from bioexp import records
from bioexp.claims.rows import claims_of
from bioexp.report.reference import BEGIN, END, WIDTH, counts, reference, refresh, table
from bioexp.types import UserError

COMMITTED = ROOT / "results" / "reference"
SOURCE = "/home/somebody/data/mnist/train-images-idx3-ubyte.gz"


@pytest.fixture
def made(tmp_path):
    """A results folder with claims on two seeds of a run, and an earlier reference."""
    results = tmp_path / "results"
    for seed in (0, 1):
        made_run(results, seed=seed, robust=0.4, source=SOURCE, note=f"from {results}/here")
    rows = [
        row.model_copy(update={"runs": ("small/0a1b2c3d4e5f",)})
        for row in made_claims(results)
        if row.figure != "../outside.png"
    ]
    why = f"cifar10: cannot be had; looked for {SOURCE}"
    rows[4] = rows[4].model_copy(update={"why": why, "n_seeds": 0})
    records.write(results / "claims.json", rows)
    Image.new("RGB", (3000, 1000), "navy").save(results / "figures" / "fig2.png")
    old = tmp_path / "reference" / "figures" / "log_net" / "gone.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"of a row that is no more")
    return results, tmp_path / "reference"


def test_a_reference_is_whole_small_and_free_of_the_machines_paths(made):
    results, folder = made
    reference(results, folder)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    texts = {"README.md", "claims.json", "provenance.json", "report.html", "report.md"}
    assert texts | {"figures/fig2.png"} <= names
    assert "figures/log_net/gone.png" not in names
    for name in texts:
        text = (folder / name).read_text()
        assert "somebody" not in text
        assert str(results) not in text
    with Image.open(folder / "figures" / "fig2.png") as image:
        assert image.size == (WIDTH, round(WIDTH / 3))
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["small/0a1b2c3d4e5f"]["scores"] == {"0": 0.9, "1": 0.9}
    assert provenance["small/0a1b2c3d4e5f"]["dataset"]["source"] == "train-images-idx3-ubyte.gz"
    assert "](figures/fig2.png)" in (folder / "report.md").read_text()
    assert "w1.png" not in (folder / "report.md").read_text()


def test_the_claims_of_a_reference_are_those_of_the_results_but_for_paths(made):
    results, folder = made
    reference(results, folder)
    before, after = claims_of(results), claims_of(folder)
    assert after[:4] + after[5:] == before[:4] + before[5:]
    assert after[4].why == "cifar10: cannot be had; looked for train-images-idx3-ubyte.gz"


def test_a_reference_of_nothing_is_the_users_error(tmp_path):
    with pytest.raises(UserError, match=r"holds no claims\.json"):
        reference(tmp_path, tmp_path / "reference")
    records.write(tmp_path / "claims.json", [made_claim(0, "reproduced")])
    with pytest.raises(UserError, match="its rows name no runs"):
        reference(tmp_path, tmp_path / "reference")


def test_the_readme_of_a_reference_has_every_claim_and_every_figure(made):
    results, folder = made
    reference(results, folder)
    text = (folder / "README.md").read_text()
    assert text == table(folder)
    measured = "0.91 | 0.6111 [0.6011, 0.6211], 3 seeds | not reproduced | because 1 |"
    assert f"| row_1: number 1 (test accuracy) | Table 1 | {measured}" in text
    assert "| row_4: number 4 (test accuracy) | Table 4 | 0.94 |  | not run | cifar10" in text
    assert "| [log_net](#log_net) | 2 | 1 | 1 | 1 | 1 | 2 |" in text
    assert "- [fig2](figures/fig2.png): caption fig2" in text
    assert "- fig4, not run" in text
    assert "<script" not in text


def test_the_counts_stand_between_the_readmes_markers_and_nothing_else_moves(made, tmp_path):
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
        "Of 8 claims and numbers, 2 hold, 1 does not, 1 is undecided, 1 could not fail, 1 was"
        in text
    )
    assert "| [log_net](reference/README.md#log_net) | 2 | 1 | 1 | 1 | 1 | 2 |" in text
    readme.write_text("no markers")
    with pytest.raises(UserError, match="has no <!-- claims -->"):
        refresh(readme, folder)


def test_before_the_first_reproduction_one_line_says_so(tmp_path):
    assert counts(tmp_path).startswith("Not made yet: `bioexp reproduce all`")
    assert "Not made yet" in table(tmp_path)


def test_the_readmes_show_the_claims_of_the_committed_reference():
    readme = (ROOT / "README.md").read_text()
    shown = readme.partition(BEGIN)[2].partition(END)[0]
    again = "`make reference` writes it again"
    assert shown == f"\n{counts(COMMITTED, 'results/reference')}\n", again
    assert (COMMITTED / "README.md").read_text() == table(COMMITTED), again


def test_the_committed_reference_is_whole():
    rows = claims_of(COMMITTED)
    provenance = json.loads((COMMITTED / "provenance.json").read_text())
    assert {group for row in rows for group in row.runs} <= set(provenance)
    for made in provenance.values():
        assert str(made["seed"]) in made["scores"]
        assert {"command", "git", "versions", "device", "dataset", "code_digest"} <= set(made)
    drawn = {row.figure for row in rows if row.figure}
    assert {str(path.relative_to(COMMITTED)) for path in COMMITTED.glob("figures/*/*")} == drawn
    for row in rows:
        assert row.kind == "figure" or row.n_seeds == len(row.per_seed)
        assert not row.seeds or len(row.seeds) == len(row.per_seed)
