"""Work that several processes share without a word to each other."""

import json
from pathlib import Path

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
    assert [line.partition(" (")[0] for line in said] == ["a is busy; waiting for it"]


def test_whom_one_waits_for_since_when_and_how_long_is_said_once(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    hold(tmp_path / "a", since="2026-01-31 12:00")
    looks = iter(range(1, 9))

    def beat(seconds):
        if (number := next(looks)) < 6:
            hold(tmp_path / "a", f"{number:012d}", since="2026-01-31 12:00")
        else:
            (tmp_path / "a" / ".lock").unlink(missing_ok=True)

    def work(name, patient):
        with locked([tmp_path / name], patient=patient, say=said.append):
            return True

    monkeypatch.setattr("time.sleep", beat)
    said = []
    share.share(tasks_of("a", tmp_path, set(), work), said.append)
    assert said == [
        f"{tmp_path}/a: process 12 of ada on node7 is at work on it since 2026-01-31 12:00; waiting"
        " for it (end it to go on here; if its machine died, its work is taken over 60 s after its"
        " last sign of life)"
    ]


def test_what_another_process_works_on_is_waited_for_before_it_is_forgotten(tmp_path, quick):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "FINISHED").touch()
    hold(tmp_path / "a")
    said = []
    share.forget(tasks_of("a", tmp_path, set(), None), said.append)
    waits, taken = said
    assert "process 12 of ada on node7 is at work on it; waiting for it" in waits
    assert "is dead; its work is taken over" in taken
    assert not list((tmp_path / "a").iterdir())


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


def test_a_worker_tries_nothing_twice_whose_failure_cannot_be_noted(tmp_path, monkeypatch):
    """On a full disk, or where the folder is gone."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    tried = []

    def work(name, patient):
        tried.append(name)
        raise UserError("cannot be written")

    with pytest.raises(UserError, match="a: cannot be written\nb: cannot be written"):
        share.serve(tasks_of("ab", Path("results"), set(), work), 0, lambda line: None)
    assert tried == ["a", "b"]


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
