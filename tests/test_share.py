"""Work that several processes share without a word to each other."""

import json

import pytest
from conftest import hold, tasks_of

from bioexp.config.reading import load
from bioexp.runs import seed_group
from bioexp.runs import train as training
from bioexp.runs.lock import Busy, holder_of, locked
from bioexp.runs.train import is_done, train
from bioexp.runs.workspace import Workspace
from bioexp.types import UserError
from bioexp.workers import share


def test_what_others_have_in_hand_is_returned_to_when_nothing_else_is_left(tmp_path, quick):
    done, busy, tried = set(), {"a"}, []

    def work(name, patient):
        tried.append((name, patient))
        if name in busy:
            if patient:
                busy.clear()
            raise Busy(f"{name} is busy")
        done.add(name)
        return True

    said = []
    share.share(tasks_of("abc", tmp_path, done, work), said.append)
    assert tried == [
        ("a", False),
        ("b", False),
        ("c", False),
        ("a", False),
        ("a", True),
        ("a", True),
    ]
    assert said == ["a is busy; waiting for it"]


def test_a_worker_takes_what_it_was_told_skips_what_failed_and_goes_on_after_a_failure(
    tmp_path, quick
):
    done = set()

    def work(name, patient):
        if name == "a":
            raise UserError("no such data")
        done.add(name)
        return True

    todo = tasks_of("abcd", tmp_path, done, work)
    with pytest.raises(UserError, match="a: no such data"):
        share.serve(todo, 2, lambda text: None)
    assert done == {"b"}
    assert todo[0].failed() == "no such data"
    share.serve(todo, 0, lambda text: None)
    assert done == {"b", "c", "d"}


def test_what_another_process_finished_meanwhile_is_not_trained_twice(
    write_config, tmp_path, monkeypatch
):
    """The lock is had only after the other one is through: the plan is then made anew."""
    (experiment,) = load(write_config())
    trained, real = [], training.prepare

    def slow(path, experiment):
        monkeypatch.setattr(training, "prepare", real)
        trained.extend(train(experiment, Workspace(tmp_path), seeds=[0]))
        real(path, experiment)

    monkeypatch.setattr(training, "prepare", slow)
    before = []
    (done,) = train(
        experiment,
        Workspace(tmp_path),
        seeds=[0],
        watch=lambda record, steps: before.append(record),
    )
    assert not before
    assert done.provenance == trained[0].provenance
    assert is_done(experiment, results=tmp_path, seeds=[0])


def test_a_group_too_wide_for_the_device_is_split_and_says_so(write_config, tmp_path, monkeypatch):
    import jax

    (experiment,) = load(write_config())
    real = seed_group.fit

    def small(stages, examples, seeds, *rest):
        if len(seeds) > 2:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory")
        return real(stages, examples, seeds, *rest)

    monkeypatch.setattr(seed_group, "fit", small)
    said = []
    runs = train(experiment, Workspace(tmp_path, say=said.append), seeds=range(3))
    assert [run.provenance.group for run in runs] == [(0,), (1, 2), (1, 2)]
    assert (
        "small: 3 seeds are too wide for the device's memory; training [0] and then [1, 2]" in said
    )
    monkeypatch.setattr(seed_group, "fit", lambda *rest: small(*rest[:2], range(9)))
    with pytest.raises(UserError, match="one seed is too large for the device's memory"):
        train(experiment, Workspace(tmp_path), seeds=[7])


def test_the_list_of_runs_tells_queued_running_failed_and_stopped(bioexp, write_config, tmp_path):
    bioexp("train", write_config(), "--seeds", 1)
    results = tmp_path / "results"
    called = {"a-s0": "queued", "b-s0": "running", "c-s0": "died", "d-s0": "failed"}
    for name in called:
        (results / "small" / name).mkdir()
        (results / "small" / name / "config.yaml").write_text("")
    (results / "small/a-s0/QUEUED").write_text("slurm job 7\n")
    hold(results / "small/b-s0")
    (results / "small/b-s0/metrics.jsonl").write_text('{"stage": 0, "step": 8}\n')
    (tmp_path / "log").write_text("device: cpu\nKilled\n")
    with locked([results / "small/c-s0"]):
        machine = holder_of(results / "small/c-s0").machine
    hold(results / "small/c-s0", machine=machine, log=str(tmp_path / "log"))
    (results / "small/d-s0/FAILED").write_text("loss is nan\n")
    rows = {
        called.get(row.pop("run").split("/")[1]): row
        for row in json.loads(bioexp("list", "runs", "--json")[1])
    }
    assert rows["queued"] == {"status": "queued", "by": "slurm job 7"}
    assert rows["running"] == {
        "status": "running: stage 0, step 8",
        "by": "process 12 of ada on node7",
    }
    assert rows["died"] == {
        "status": "failed: process 12 of ada on node7 died at not begun",
        "last words": "device: cpu\nKilled",
    }
    assert rows["failed"] == {"status": "failed: not begun", "last words": "loss is nan"}
