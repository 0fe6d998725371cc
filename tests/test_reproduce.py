"""Reproducing a document: what is missing is done, what fails is said, every row gets a verdict."""

import json
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from bioexp.commands import judge, reproduce
from bioexp.figures.canvas import canvas
from bioexp.types import Claim, Control, Drawing, Paper

ACCURACY = {"small": lambda evidence: [one.run.summary["test_accuracy"] for one in evidence["small"]]}


def survivors(evidence):
    return [float(one.attacks["fgsm"].correct.mean()) for one in evidence["small"]]


def picture(evidence):
    figure = canvas(2.0, 2.0)
    figure.add_subplot().set_title(f"{len(evidence['small'])} seeds")
    return figure


def claim(name, accepted, configs=("small",), measure=ACCURACY["small"], **more):
    return Claim(f"made/{name}", "claim", "p. 1", f"what {name} says", "a measure", accepted, configs, measure, **more)


PAPER = Paper(
    name="made",
    title="A Made Paper",
    authors="Nobody",
    year=2000,
    configs=("small", "broken"),
    models={},
    rules={},
    drawings=(
        Drawing("made/fig1", "fig. 1", "a picture", ("small",), picture),
        Drawing("made/fig2", "fig. 2", "none", ("broken",), picture),
    ),
    claims=(
        claim("holds", (-5.0, inf), controls=(Control("under attack", survivors),)),
        claim("fails", (2.0, inf), why="accuracies end at one"),
        claim("absent", (0.0, inf), configs=("broken",)),
        claim("attacked", (-5.0, 5.0), measure=survivors),
    ),
    attacked=("small",),
)


@pytest.fixture
def made(monkeypatch, write_config, tmp_path):
    """A document of two configs, one of which cannot be trained."""
    small = write_config().read_text()
    write_config(small.replace("name: small", "name: broken").replace("batch_size: 20", "batch_size: 5000"), "broken.yaml")
    monkeypatch.setattr(reproduce, "PAPERS", {"made": PAPER})
    monkeypatch.setattr(reproduce, "CONFIGS", tmp_path)
    monkeypatch.setitem(reproduce.PROFILES, "laptop", reproduce.Profile(2, 2, 20, (0.1, 0.3)))
    return tmp_path / "results"


def rows_of(results):
    return {row["id"]: row for row in json.loads((results / "claims.json").read_text())}


def test_every_row_gets_a_verdict_and_a_failure_does_not_stop_the_rest(bioexp, made):
    code, out, err = bioexp("reproduce", "made")
    assert err == ""
    assert code == 0
    rows = rows_of(made)
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "made/fig1": "drawn",
        "made/fig2": "not run",
        "made/holds": "reproduced",
        "made/fails": "not reproduced",
        "made/absent": "not run",
        "made/attacked": "reproduced",
    }
    assert "batch_size: 5000 is more than the 300 examples" in rows["made/absent"]["why"]
    assert rows["made/fails"]["why"] == "accuracies end at one"
    assert rows["made/holds"]["n_seeds"] == 2
    assert rows["made/holds"]["controls"][0]["what"] == "under attack"
    assert rows["made/holds"]["command"] == "bioexp reproduce made"
    assert (made / rows["made/fig1"]["figure"]).is_file()
    assert "broken failed" in out
    assert "what holds says" in (made / "claims.md").read_text()


def test_a_second_call_does_only_what_changed(bioexp, made, monkeypatch):
    bioexp("reproduce", "made")
    figure = made / "figures" / "made" / "fig1.png"
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*") if path.is_file() and path.suffix in {".npz", ".png"}}
    bioexp("reproduce", "made")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    monkeypatch.setattr(judge, "digest_of", lambda function: "changed")
    bioexp("reproduce", "made")
    changed = {path for path in before if path.stat().st_mtime_ns != before[path]}
    assert changed == {figure}


def test_smoke_runs_everything_and_judges_nothing(bioexp, made):
    code, _, _ = bioexp("reproduce", "made", "--profile", "smoke")
    rows = rows_of(made)
    assert code == 0
    assert rows["made/holds"]["verdict"] == "not comparable"
    assert rows["made/fig1"]["verdict"] == "drawn"


def test_a_dry_run_plans_and_trains_nothing(bioexp, made):
    code, out, _ = bioexp("reproduce", "made", "--dry-run")
    assert code == 0
    assert "unknown ones for 2 experiments" in out
    assert not made.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["maid"], "unknown paper 'maid'; did you mean made?"),
        (["made", "--profile", "lap"], "unknown profile 'lap'; did you mean laptop?"),
        (["made", "--seeds", "0"], "--seeds: must be at least 1"),
    ],
)
def test_what_cannot_be_reproduced_is_named(bioexp, made, words, message):
    code, _, err = bioexp("reproduce", *words)
    assert code == 2
    assert message in err


def test_a_large_config_has_one_seed_on_a_laptop_and_another_length_in_the_paper_profile(monkeypatch, write_config, tmp_path):
    write_config()
    write_config(write_config().read_text().replace("name: small", "name: long").replace("steps: 12", "steps: 24"), "long.yaml")
    monkeypatch.setattr(reproduce, "CONFIGS", tmp_path)
    paper = replace(PAPER, configs=("small",), single=("small",), full={"small": "long"})
    (laptop,), (full,) = (reproduce.wanted(paper, profile, None) for profile in ("laptop", "paper"))
    assert (laptop.config, laptop.seeds, laptop.experiment.name) == ("small", (0,), "small")
    assert (full.config, full.seeds, full.experiment.name) == ("small", (0, 1, 2, 3, 4), "long")
    assert reproduce.wanted(paper, "laptop", 3)[0].seeds == (0, 1, 2)


def test_one_seed_is_judged_over_images_and_a_wall_time_never(bioexp, made, monkeypatch):
    claims = (
        claim("share", (0.0, 1.0), share=True),
        claim("pairs", (0.5, inf), measure=lambda evidence: [0.9], per_image=lambda evidence: np.repeat([1.0, 0.0], [90, 10])),
        claim("slow", (9.0, 11.0), measure=lambda evidence: [5.0], timing=True, expected=10.0),
        claim("shown", (-5.0, inf), draw=picture),
    )
    monkeypatch.setattr(reproduce, "PAPERS", {"made": replace(PAPER, claims=claims)})
    bioexp("reproduce", "made", "--seeds", "1")
    rows = rows_of(made)
    assert rows["made/share"]["interval"].startswith("binomial over")
    assert rows["made/pairs"]["interval"] == "bootstrap over 100 images, 1 seed"
    assert rows["made/pairs"]["verdict"] == "reproduced"
    assert rows["made/slow"]["verdict"] == "not comparable"
    assert rows["made/slow"]["why"] == "a wall time of other hardware; ours is 0.5 times the document's"
    assert (made / rows["made/shown"]["figure"]).is_file()
    assert rows["made/share"]["figure"] is None
