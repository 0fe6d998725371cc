"""What a reproduction would do: which experiments, with how many seeds, once each, in how long."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest
from made_paper import LADDER, PAPER, Asked, changed, claim, publish

from bioexp.claims import plan
from bioexp.claims.plan import Size
from bioexp.claims.rows import claims_of
from bioexp.claims.tasks import tasks
from bioexp.papers.measuring import accuracy, each
from bioexp.papers.paper import Study
from bioexp.runs.workspace import Workspace

ASKED = Asked(LADDER, (0.1, 0.3), 20)
NAMES = ("early", "full")


@pytest.fixture
def made(monkeypatch, write_config, tmp_path):
    write_config()
    publish(monkeypatch, made=changed(configs=("small",)))
    monkeypatch.setattr(plan, "configs_folder", lambda: tmp_path)
    monkeypatch.setitem(plan.PROFILES, "laptop", plan.Profile(2, 2, ASKED))
    return tmp_path / "results"


def test_a_large_config_has_one_seed_on_a_laptop_and_another_length_in_the_paper_profile(
    monkeypatch, write_config, tmp_path
):
    write_config()
    write_config(
        write_config()
        .read_text()
        .replace("name: small", "name: long")
        .replace("steps: 12", "steps: 24"),
        "long.yaml",
    )
    monkeypatch.setattr(plan, "configs_folder", lambda: tmp_path)
    study = changed(
        configs=("small", "long"),
        drawings=(),
        claims=PAPER.study.claims[:1],
        single=("small",),
        full={"small": "long"},
    ).study
    (laptop,), (full,) = (plan.wanted(study, Size(profile)) for profile in ("laptop", "paper"))
    assert (laptop.name, laptop.seeds, laptop.experiment.name) == ("small", (0,), "small")
    assert (full.name, full.seeds, full.experiment.name) == ("small", (0, 1, 2, 3, 4), "long")
    assert plan.wanted(study, Size("laptop", 3))[0].seeds == (0, 1, 2)
    many = replace(study, seeds={"small": 7})
    counts = {"laptop": 7, "paper": 7, "smoke": 1}
    for profile, count in counts.items():
        assert len(plan.wanted(many, Size(profile))[0].seeds) == count


def test_in_the_smoke_profile_variants_by_their_number_of_examples_stay_apart(
    monkeypatch, write_config, tmp_path
):
    axes = "axes:\n  n:\n" + "".join(f"    '{n}': {{examples: {n}}}\n" for n in (100, 200))
    write_config(write_config().read_text() + axes)
    monkeypatch.setattr(plan, "configs_folder", lambda: tmp_path)
    study = changed(configs=("small",), drawings=(), claims=PAPER.study.claims[:1]).study
    wanted = plan.wanted(study, Size("smoke"))
    assert [need.experiment.examples for need in wanted] == [100, 200]
    assert len({need.group for need in wanted}) == 2


def test_variants_that_come_to_the_same_config_share_runs_and_keep_their_names(
    bioexp, monkeypatch, write_config, tmp_path
):
    axes = "axes:\n  until:\n    early: {stages.0.steps: 12}\n    full: {stages.0.steps: 40}\n"
    write_config(write_config().read_text() + axes)
    monkeypatch.setattr(plan, "configs_folder", lambda: tmp_path)
    apart = [claim(name, (0.0, 1.0), measure=each("small", accuracy, until=name)) for name in NAMES]
    publish(monkeypatch, made=changed(configs=("small",), drawings=(), claims=tuple(apart)))
    assert bioexp("reproduce", "made", "--profile", "smoke")[0] == 0
    rows = {row.id: row for row in claims_of(tmp_path / "results")}
    early, full = (rows[f"made/{name}"] for name in NAMES)
    assert early.measured == full.measured
    assert early.runs == full.runs


def test_what_two_papers_want_is_done_once_for_both(made, monkeypatch):
    monkeypatch.setitem(plan.PROFILES, "laptop", plan.Profile(1, 2, ASKED))
    few = changed(configs=("small",), drawings=(), attacked=(), claims=PAPER.study.claims[:1])
    many = changed(name="other", configs=("small",), drawings=(), claims=PAPER.study.claims[3:])
    publish(monkeypatch, made=few, other=many)
    (due,) = plan.preview(["made"], Size("laptop"), made)
    several = [need for paper in (few, many) for need in plan.wanted(paper.study, Size("laptop"))]
    (both,) = plan.each_once(several)
    assert (due.seeds, len(both.seeds), both.attacked) == (1, 2, True)
    todo = tasks(["made", "other"], Size("laptop", 1), Workspace(made), quietly)
    assert [task.name for task in todo] == [both.group]


def test_what_a_claim_sets_beside_an_attacked_experiment_has_as_many_seeds():
    """Differences are taken seed by seed: a -> b -> c by two claims; d is too large, e is alone."""
    sides = (("a", "b"), ("b", "c"), ("a", "d"), ("e",))
    claims = tuple(claim(str(n), (0.0, 1.0), experiments=pair) for n, pair in enumerate(sides))
    study = Study("s", "", (), (), claims, attacked=("a",), single=("d",))
    assert plan._repeated(study) == {"a", "b", "c"}
    assert plan._repeated(replace(study, attacked=(), repeated=("e",))) == {"e"}


def test_a_dry_run_counts_the_minutes_of_attacks_that_are_due(made, monkeypatch, bioexp):
    publish(
        monkeypatch, made=changed(configs=("small",), drawings=(), claims=PAPER.study.claims[:1])
    )
    bioexp("reproduce", "made", "--seeds", 1)
    (done,) = plan.preview(["made"], Size("laptop", 1), made)
    (more,) = plan.preview(["made"], Size("laptop", 2), made)
    (run,) = made.glob("small/*-s0")
    took = (
        json.loads((run / "provenance.json").read_text())["wall_s"]
        + 2 * json.loads((run / "robustness.json").read_text())["wall_s"]
    )
    assert done.minutes == 0
    assert more.minutes == pytest.approx(took / 60)


@contextmanager
def quietly(what):
    yield lambda record, steps: None
