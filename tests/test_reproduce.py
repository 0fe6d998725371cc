"""Reproducing a paper: what is missing is done, what fails is said, every row gets a verdict."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
import pytest
from made_paper import LADDER, PAPER, Asked, changed, claim, picture, publish, survivors
from made_runs import vouch_again

from bioexp.claims import drawings, more_seeds, plan
from bioexp.claims.changes import changes
from bioexp.claims.records import ClaimRow
from bioexp.claims.rows import claims_of, runs_of
from bioexp.config.lookup import builder_of
from bioexp.figures.canvas import NothingDrawn
from bioexp.papers.paper import Control, Note, Overview, Reading, holds
from bioexp.types import UserError


@pytest.fixture
def made(monkeypatch, write_config, tmp_path):
    """A paper of two experiments, one of which cannot be trained; `bioexp reproduce made`."""
    small = write_config().read_text()
    write_config(
        small.replace("name: small", "name: broken").replace("batch_size: 20", "batch_size: 5000"),
        "broken.yaml",
    )
    asked = Asked(LADDER, (0.1, 0.3), 20)
    publish(monkeypatch, made=PAPER)
    monkeypatch.setattr(plan, "configs_folder", lambda: tmp_path)
    monkeypatch.setitem(plan.PROFILES, "laptop", plan.Profile(2, 2, asked))
    return tmp_path / "results"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept") / "results"


@pytest.fixture
def reproduced(bioexp, made, kept):
    """The results of `bioexp reproduce made`, which is called once for all tests."""
    if not kept.exists():
        bioexp("reproduce", "made")
        shutil.copytree(made, kept)
    else:
        shutil.copytree(kept, made)
    return made


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


def test_where_nothing_can_be_drawn_every_claim_is_judged_all_the_same(
    bioexp, reproduced, monkeypatch
):
    """As with a damaged matplotlibrc. The next call draws what is missing."""

    def nothing():
        raise NothingDrawn("nothing can be drawn: no matplotlib")

    before = rows_of(reproduced)
    shutil.rmtree(reproduced / "figures")
    with monkeypatch.context() as without:
        without.setattr(drawings, "own_style", nothing)
        code, out, err = bioexp("reproduce", "made")
    assert (code, err) == (0, "")
    assert "made/fig1: nothing can be drawn: no matplotlib" in out
    figure = rows_of(reproduced)["made/fig1"]
    assert (figure["verdict"], figure["figure"]) == ("not run", None)
    assert rows_of(reproduced)["made/holds"] == before["made/holds"]
    assert bioexp("reproduce", "made")[0] == 0
    assert rows_of(reproduced) == before


def test_a_second_call_does_only_what_changed(bioexp, reproduced, monkeypatch):
    made = reproduced
    figure = made / "figures" / "made" / "fig1.png"
    before = {
        path: path.stat().st_mtime_ns
        for path in made.rglob("*")
        if path.is_file() and path.suffix in {".npz", ".png"}
    }
    bioexp("reproduce", "made")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    monkeypatch.setattr(drawings, "digest_of", lambda function: "changed")
    bioexp("reproduce", "made")
    changed = {path for path in before if path.stat().st_mtime_ns != before[path]}
    assert changed == {figure}


def test_a_red_check_leaves_a_claim_undecided_and_is_said_beside_a_control(
    bioexp, reproduced, monkeypatch
):
    made = reproduced
    guarded = claim("guarded", (-5.0, 5.0), measure=survivors, flagged=("small",))
    beside = claim(
        "beside", (-5.0, inf), controls=(Control("under attack", survivors, ("small",)),)
    )
    publish(monkeypatch, made=changed(drawings=(), claims=(guarded, beside)))
    bioexp("reproduce", "made")
    for state in ("quiet", "red"):
        for table in made.glob("small/*/robustness.json"):
            record = json.loads(table.read_text())
            record["flags"] = [record["flags"][0] | {"state": state}]
            table.write_text(json.dumps(record))
            vouch_again(table.parent)
        bioexp("reproduce", "made")
        assert (
            rows_of(made)["made/guarded"]["verdict"]
            == {"quiet": "reproduced", "red": "undecided"}[state]
        )
    said = (
        f"robustness NOT established: small: {record['flags'][0]['words']}"
        f" ({record['flags'][0]['code']})"
    )
    assert rows_of(made)["made/guarded"]["why"] == said
    assert rows_of(made)["made/beside"]["verdict"] == "reproduced"
    assert rows_of(made)["made/beside"]["controls"][0]["what"] == f"under attack; {said}"


def test_smoke_runs_everything_and_judges_nothing(bioexp, made):
    code, _, _ = bioexp("reproduce", "made", "--profile", "smoke")
    rows = rows_of(made)
    assert code == 0
    assert rows["made/holds"]["verdict"] == "not comparable"
    assert rows["made/fig1"]["verdict"] == "drawn"


def test_a_dry_run_plans_and_trains_nothing(bioexp, made):
    code, out, _ = bioexp("reproduce", "made", "--dry-run")
    assert code == 0
    assert "unknown for 2 experiments" in out
    assert not made.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["maid"], "unknown paper 'maid'; did you mean made?"),
        (["made", "--profile", "lap"], "'lap' is not one of 'smoke', 'laptop', 'paper'"),
        (["made", "--seeds", "0"], "'--seeds'"),
    ],
)
def test_what_cannot_be_reproduced_is_named(bioexp, made, words, message):
    code, _, err = bioexp("reproduce", *words)
    assert code == 2
    assert message in err


def test_one_seed_is_judged_over_images_and_a_wall_time_never(bioexp, made, monkeypatch):
    claims = (
        claim("share", (0.0, 1.0), share=True),
        claim(
            "pairs",
            (0.5, inf),
            measure=lambda evidence: {0: 0.9},
            per_image=lambda evidence: np.repeat([[1.0, 0.0]], [90, 10], axis=1),
        ),
        claim("slow", (9.0, 11.0), measure=lambda evidence: {0: 5.0}, timing=True, expected=10.0),
        claim("shown", (-5.0, inf), draw=picture),
    )
    publish(monkeypatch, made=changed(claims=claims))
    bioexp("reproduce", "made", "--seeds", "1")
    rows = rows_of(made)
    assert rows["made/share"]["interval"].startswith("binomial over")
    assert rows["made/pairs"]["interval"] == "bootstrap over images, 1 seed, 100 images"
    assert rows["made/pairs"]["verdict"] == "reproduced"
    assert rows["made/slow"]["verdict"] == "not comparable"
    assert (
        rows["made/slow"]["why"] == "a wall time of other hardware; ours is 0.5 times the paper's"
    )
    assert (made / rows["made/shown"]["figure"]).is_file()
    assert rows["made/share"]["figure"] is None


def reference_of(results, tmp_path, **verdicts):
    """A reference that agrees with the results but for these verdicts; None takes a row away."""
    rows = json.loads((results / "claims.json").read_text())
    changed = [
        row | {"verdict": verdicts.get(row["id"].split("/")[1], row["verdict"])} for row in rows
    ]
    folder = tmp_path / "reference"
    folder.mkdir()
    (folder / "claims.json").write_text(json.dumps([row for row in changed if row["verdict"]]))
    return folder


def test_against_a_reference_that_agrees_nothing_changed(bioexp, reproduced, tmp_path):
    code, out, _ = bioexp("reproduce", "made", "--against", reference_of(reproduced, tmp_path))
    assert code == 0
    assert "0 rows changed, 0 reproduced ones lost" in out


def test_a_lost_row_ends_with_3_and_a_gained_one_does_not(bioexp, reproduced, tmp_path):
    made = reproduced
    folder = reference_of(made, tmp_path, fails="reproduced", holds="undecided", attacked=None)
    code, out, _ = bioexp("reproduce", "made", "--against", folder, "--json")
    assert code == 3
    changes = {change["id"]: change for change in json.loads(out)["changes"]}
    assert {
        name: (change["before"], change["now"], change["lost"]) for name, change in changes.items()
    } == {
        "made/fails": ("reproduced", "not reproduced", True),
        "made/holds": ("undecided", "reproduced", False),
        "made/attacked": ("missing", "reproduced", False),
    }


def row(verdict="reproduced", measured=None, name="made/gone"):
    """A row of claims.json with this verdict and this measure, 0.1 to either side."""
    ends = None if measured is None else (measured - 0.1, measured + 0.1)
    return ClaimRow(
        id=name,
        kind="claim",
        where="",
        what="",
        measured_as="",
        expected=None,
        accepted=(None, None),
        tolerance=None,
        measured=measured,
        ci95=ends,
        per_seed=(),
        n_seeds=0,
        interval="",
        controls=(),
        verdict=verdict,
        why="",
        command="",
        figure=None,
        runs=(),
    )


def test_a_row_of_the_papers_asked_for_that_is_gone_is_lost_and_one_of_another_paper_is_not():
    assert [change.lost for change in changes([row()], [], ["made"])] == [True]
    assert changes([row()], [], ["another"]) == []


def test_a_number_that_left_its_interval_is_shown_and_not_lost():
    assert changes([row(measured=0.5)], [row(measured=0.6)], ["made"]) == []
    (change,) = changes([row(measured=0.5)], [row(measured=0.9)], ["made"])
    assert (change.measured_before, change.measured_now, change.lost) == (0.5, 0.9, False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such folder"),
        ("", "claims.json: is damaged: it is no JSON"),
        ('[{"id": "made/holds"', "claims.json: is damaged: it is no JSON"),
        ('{"rows": []}', "claims.json: the file: input should be a valid"),
        ('[{"id": "made/holds"}]', "claims.json: [0].kind: field required"),
        ('[{"id": 3}]', "claims.json: [0].id: input should be a valid string"),
    ],
)
def test_a_reference_that_is_missing_or_damaged_is_named_before_anything_is_trained(
    bioexp, made, tmp_path, content, message
):
    folder = tmp_path / "reference"
    if content is not None:
        folder.mkdir()
        (folder / "claims.json").write_text(content)
    code, _, err = bioexp("reproduce", "made", "--against", folder)
    assert code == 2
    assert message in err
    assert str(folder) in err
    assert not made.exists()


def test_what_judges_nothing_is_not_compared(bioexp, made, tmp_path):
    code, _, err = bioexp("reproduce", "made", "--profile", "smoke", "--against", tmp_path)
    assert code == 2
    assert "smoke judges nothing" in err


def test_one_papers_broken_code_is_named_the_others_go_on_and_it_ends_as_a_bug(
    bioexp, made, monkeypatch
):
    typo = replace(claim("row", (0.0, 1.0)), id="odd/row", measure=lambda evidence: evidence["?"])
    publish(
        monkeypatch,
        SyntaxError("line 7 of its module"),
        odd=changed(name="odd", drawings=(), claims=(typo,)),
        made=PAPER,
    )
    made.mkdir()
    rows = [row().model_copy(update={"id": f"{name}/row"}) for name in ("broken", "kept")]
    (made / "claims.json").write_text(json.dumps([row.model_dump(mode="json") for row in rows]))
    code, out, err = bioexp("reproduce", "all")
    assert code == 1
    assert "SyntaxError: line 7 of its module" in err
    assert "odd: its code failed: KeyError: '?'" in out
    assert "Traceback" in err
    rows = rows_of(made)
    assert (rows["odd/row"]["verdict"], rows["made/holds"]["verdict"]) == ("not run", "reproduced")
    assert "KeyError: '?'" in rows["odd/row"]["why"]
    assert "broken/row" not in rows  # nobody can tell whether it still holds
    assert "kept/row" in rows


def test_a_broken_paper_does_not_hide_what_it_would_have_defined(monkeypatch):
    publish(monkeypatch, NameError("stpd"))
    with pytest.raises(
        UserError, match=r"unknown rule .mine.*papers\.broken cannot be imported: NameError: stpd"
    ):
        builder_of("rule", "mine", Path())


def test_a_row_names_its_runs_and_the_report_finds_them_again(bioexp, made):
    bioexp("reproduce", "made", "--seeds", "1")
    bioexp(
        "train", made.parent / "small.yaml", "--set", "stages.0.steps=4"
    )  # newer, and of no claim
    (group,) = rows_of(made)["made/holds"]["runs"]
    assert rows_of(made)["made/absent"]["runs"] == []
    assert [str(run.path) for run in runs_of(made, claims_of(made))] == [f"{made / group}-s0"]
    code, _, _ = bioexp("report")
    assert code == 0
    assert group.partition("/")[2] in (made / "report.html").read_text()


def test_results_of_an_older_version_are_made_again_and_its_rows_go(bioexp, made):
    bioexp("train", made.parent / "small.yaml")
    (run,) = made.glob("small/*-s0")
    (run / "FINISHED").write_text("0\n")
    old = {"id": "other/row", "kind": "claim", "what": "?", "verdict": "reproduced"}
    (made / "claims.json").write_text(json.dumps([old]))
    code, out, _ = bioexp("reproduce", "made", "--seeds", "1")
    assert code == 0
    assert f"{run}: is of format 0; trained again" in out
    assert "claims.json: [0].where: field required" in out
    assert "other/row" not in rows_of(made)
    assert rows_of(made)["made/holds"]["n_seeds"] == 1


def test_a_full_disk_is_one_message_and_the_same_command_goes_on_once_there_is_room(
    bioexp, write_config, tmp_path
):
    config = write_config()
    words = [
        sys.executable,
        "-c",
        "from bioexp.__main__ import main; main()",
        "train",
        config,
        "--results",
        tmp_path / "results",
    ]
    few_bytes = ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash"]  # no file may have more than 1,024
    full = subprocess.run(
        [*few_bytes, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert full.returncode == 2
    assert "cannot be written (File too large); nothing that was finished is lost" in full.stderr
    assert "Traceback" not in full.stderr
    code, out, _ = bioexp("train", config)
    assert code == 0
    assert "test 0." in out


def judged_as(bioexp, made, monkeypatch, **claims):
    """The rows of these claims, each with its measure."""
    rows = tuple(claim(name, **more) for name, more in claims.items())
    publish(monkeypatch, made=changed(drawings=(), claims=rows))
    code, _, err = bioexp("reproduce", "made")
    assert (code, err) == (0, "")
    return {name: rows_of(made)[f"made/{name}"] for name in claims}


def test_a_claim_whose_null_passes_holds_trivially_and_one_that_was_fitted_is_said_to_be(
    bioexp, reproduced, monkeypatch
):
    """A null is the same measure where the claim cannot be true."""
    high, low = (lambda evidence, at=at: {0: at, 1: at + 0.01} for at in (0.8, 0.1))
    common = {"accepted": (0.5, inf), "measure": high}
    rows = judged_as(
        bioexp,
        reproduced,
        monkeypatch,
        sound=common | {"null": Control("shuffled labels", low)},
        trivial=common | {"null": Control("shuffled labels", high)},
        told=common | {"trivial": "a square is never negative"},
        fitted=common | {"fitted": "its width was picked near the number"},
        lost=common | {"measure": low, "fitted": "its width was picked near the number"},
    )
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "sound": "reproduced",
        "trivial": "holds trivially",
        "told": "holds trivially",
        "fitted": "fitted",
        "lost": "not reproduced",
    }
    assert rows["sound"]["null"]["verdict"] == "not reproduced"
    assert rows["trivial"]["why"] == "so it does for shuffled labels (0.805)"
    assert rows["told"]["why"] == "a square is never negative"
    assert rows["fitted"]["why"] == "its width was picked near the number"
    assert rows["lost"]["why"] == ""


def test_of_a_claim_with_parts_each_must_hold_and_each_reading_is_judged_by_itself(
    bioexp, reproduced, monkeypatch
):
    high, low = (lambda evidence, at=at: {0: at, 1: at + 0.001} for at in (0.8, 0.1))
    part = Reading("the other clause", low, (0.5, inf), name="clause")
    rows = judged_as(
        bioexp,
        reproduced,
        monkeypatch,
        whole={"accepted": (0.5, inf), "measure": high},
        parted={"accepted": (0.5, inf), "measure": high, "parts": (part,)},
        read={
            "accepted": (0.5, inf),
            "measure": high,
            "readings": (part,),
            "decides": "as printed",
        },
    )
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "whole": "reproduced",
        "parted": "not reproduced",
        "read": "reproduced",
    }
    (reading,) = rows["read"]["readings"]
    assert (reading["what"], reading["verdict"]) == ("the other clause", "not reproduced")
    assert rows["read"]["decides"] == "as printed"


def test_notes_are_made_from_numbers_and_printed_where_their_condition_is_measured(
    bioexp, reproduced, monkeypatch
):
    values = lambda evidence: {0: 0.8, 1: 0.9}  # noqa: E731
    beside = Control("without", lambda evidence: {0: 0.25, 1: 0.25}, name="without")
    notes = (
        Note("{measured:.2f} against {without:.2f}"),
        Note("without is more", lambda numbers: numbers["without"].value > 0.9),
        Note("it is {verdict}", holds),
    )
    row = {"measure": values, "controls": (beside,), "notes": notes}
    rows = judged_as(
        bioexp,
        reproduced,
        monkeypatch,
        certain=row | {"accepted": (-5.0, inf)},
        open=row | {"accepted": (0.85, inf)},
    )
    assert rows["certain"]["why"] == "0.85 against 0.25; it is reproduced"
    assert rows["open"]["why"].startswith("the interval straddles what is accepted")
    assert rows["open"]["why"].endswith("; 0.85 against 0.25")


def test_what_two_seeds_leave_undecided_is_judged_once_more_by_as_many_as_would_decide(
    bioexp, reproduced, monkeypatch
):
    values = (0.5, 1.5, 0.9, 1.1, 0.8, 1.2, 1.0, 1.0, 1.0, 1.0)
    scattered = lambda evidence: {run.seed: values[run.seed] for run in evidence["small"]}  # noqa: E731
    asked = {"accepted": (0.2, inf), "measure": scattered}
    rows = judged_as(bioexp, reproduced, monkeypatch, scattered=asked)
    row = rows["scattered"]
    assert row["verdict"] == "reproduced"
    assert row["n_seeds"] > 2
    added = row["n_seeds"] - 2
    assert row["why"] == f"{added} seeds were added, as 2 left it undecided"
    assert len(list(reproduced.glob("small/*/FINISHED"))) == row["n_seeds"]
    assert judged_as(bioexp, reproduced, monkeypatch, scattered=asked) == rows
    monkeypatch.setattr(more_seeds, "CHEAP", 0.0)
    shutil.rmtree(next(reproduced.glob("small/*-s3")))
    dear = judged_as(bioexp, reproduced, monkeypatch, scattered=asked)["scattered"]
    assert (dear["verdict"], dear["n_seeds"]) == ("undecided", 2)
    assert f"about {row['n_seeds']} seeds would decide" in dear["why"]


def test_an_overview_is_drawn_from_what_all_claims_came_to(bioexp, reproduced, monkeypatch):
    seen = []

    def overview(outcomes):
        seen.append([(outcome.id, outcome.verdict) for outcome in outcomes])
        return picture({"small": outcomes})

    shown = Overview("made/overview", "", "every claim", overview)
    publish(monkeypatch, made=changed(overviews=(shown,)))
    for _ in range(2):
        assert bioexp("reproduce", "made")[0] == 0
    row = rows_of(reproduced)["made/overview"]
    assert (row["verdict"], row["kind"]) == ("drawn", "figure")
    assert (reproduced / row["figure"]).is_file()
    assert row["runs"] == rows_of(reproduced)["made/holds"]["runs"]
    measured = [("holds", "reproduced"), ("fails", "not reproduced"), ("attacked", "reproduced")]
    assert seen == [[(f"made/{name}", verdict) for name, verdict in measured]] * 2
    assert len(claims_of(reproduced)) == len(rows_of(reproduced))
