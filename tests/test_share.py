"""Locks that outlive nobody, and work that several processes share without a word."""

import json
import os
import subprocess
import sys
import time

import pytest
from conftest import ROOT

from bioexp.config.reading import load
from bioexp.runs import directory as run
from bioexp.runs import lock, seed_group
from bioexp.runs.lock import Busy, holder_of, locked
from bioexp.runs.train import is_done, train
from bioexp.runs.workspace import Workspace
from bioexp.types import UserError
from bioexp.workers import launch as launching
from bioexp.workers import local as launch_local
from bioexp.workers import share
from bioexp.workers.forecast import forecast
from bioexp.workers.share import Task
from bioexp.workers.slurm import slurm

ELSEWHERE = {
    "id": "1",
    "host": "node7",
    "machine": "another",
    "process": 12,
    "born": "5",
    "user": "ada",
    "log": "",
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.fixture
def quick(monkeypatch):
    """Heartbeats and patience of fractions of a second."""
    for name, seconds in (("BEAT", 0.05), ("LOOK", 0.02), ("STALE", 0.3)):
        monkeypatch.setattr(lock, name, seconds)
    monkeypatch.setattr(share, "PAUSE", 0.02)


def hold(folder, beats="000000000000", **changes):
    (folder / ".lock").write_text(f"{beats}\n{json.dumps(ELSEWHERE | changes)}\n")


def test_a_lock_names_its_holder_beats_and_goes_with_the_block(folder, quick):
    with locked([folder]) as check:
        first = holder_of(folder)
        assert (first.process, first.born != "") == (os.getpid(), True)
        time.sleep(0.2)
        assert holder_of(folder).beats > first.beats
        check()
    assert holder_of(folder) is None


def test_the_living_keep_their_lock(folder):
    with (
        locked([folder]),
        pytest.raises(Busy, match=rf"process {os.getpid()} of .* is at work on it"),
        locked([folder]),
    ):
        pass
    hold(folder)
    with pytest.raises(Busy, match="process 12 of ada on node7"), locked([folder], patient=False):
        pass


def test_a_process_of_this_machine_that_is_gone_is_taken_over_at_once(folder):
    script = (
        "import os, pathlib; from bioexp.runs.lock import locked\nwith"
        f" locked([pathlib.Path({str(folder)!r})]): os._exit(9)"
    )
    subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    dead, said = holder_of(folder), []
    with locked([folder], patient=False, say=said.append):
        assert holder_of(folder).process == os.getpid()
    assert said == [f"{folder}: {dead} is dead; its work is taken over"]


def test_a_number_used_again_by_another_process_keeps_nobody_alive(folder):
    with locked([folder]):
        mine = holder_of(folder)
    hold(folder, machine=mine.machine, process=os.getpid(), born="1")
    with locked([folder], patient=False):
        pass


@pytest.mark.parametrize("beats", ["000000000007", ""])
def test_a_machine_that_gives_no_sign_of_life_is_taken_over(folder, quick, beats):
    """The second is a lock that was made and never written, as on a full disk."""
    hold(folder, beats) if beats else (folder / ".lock").write_text("")
    said = []
    with locked([folder], say=said.append):
        assert len(said) == 1


def test_a_clock_that_jumps_kills_nobody(folder, quick, monkeypatch):
    """A lock of the year 1970 whose holder beats on lives, whatever this machine's clock says."""
    hold(folder)
    os.utime(folder / ".lock", (0, 0))
    monkeypatch.setattr(time, "time", lambda: 4e9)
    looks = iter(range(1, 99))
    monkeypatch.setattr(lock.time, "sleep", lambda seconds: hold(folder, f"{next(looks):012d}"))
    with pytest.raises(Busy, match="ada"), locked([folder]):
        pass


def test_whoever_was_taken_over_finds_out_before_it_writes_again(folder):
    with locked([folder]) as check:
        hold(folder)
        with pytest.raises(
            Busy,
            match=r"was taken over by process 12 of ada on node7, as this one gave no sign of life",
        ):
            check()
    assert holder_of(folder).host == "node7"


def test_a_lock_that_a_full_quota_does_not_take_is_named_and_not_left(folder, monkeypatch):
    def full(file, data):
        raise OSError(122, "Disk quota exceeded")

    monkeypatch.setattr(lock.os, "write", full)
    with (
        pytest.raises(UserError, match=r"cannot be written \(Disk quota exceeded\); make room"),
        locked([folder]),
    ):
        pass
    assert holder_of(folder) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can try what another user may do")
def test_a_directory_of_another_user_is_named(folder):
    script = f"""
import os, pathlib
from bioexp.runs.lock import locked
os.setuid(65534)
with locked([pathlib.Path({str(folder)!r})]): pass
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "(Permission denied); name another place with --results" in done.stderr


def tasks_of(names, tmp_path, done, work):
    folders = [tmp_path / name for name in names]
    return [
        Task(f.name, (f,), lambda f=f: f.name in done, lambda patient, f=f: work(f.name, patient))
        for f in folders
    ]


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
    trained, real = [], run.prepare

    def slow(path, experiment):
        monkeypatch.setattr(run, "prepare", real)
        trained.extend(train(experiment, Workspace(tmp_path), seeds=[0]))
        real(path, experiment)

    monkeypatch.setattr(run, "prepare", slow)
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
    assert [one.provenance.group for one in runs] == [[0], [1, 2], [1, 2]]
    assert (
        "small: 3 seeds are too wide for the device's memory; training [0] and then [1, 2]" in said
    )
    monkeypatch.setattr(seed_group, "fit", lambda *rest: small(*rest[:2], range(9)))
    with pytest.raises(UserError, match="one seed is too large for the device's memory"):
        train(experiment, Workspace(tmp_path), seeds=[7])


AXES = "axes: {stages.0.batch_size: [10, 20]}\n"


def test_workers_of_this_machine_leave_what_one_process_leaves(
    bioexp, write_config, tmp_path, monkeypatch
):
    config = write_config(write_config().read_text() + AXES)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    code, out, err = bioexp(
        "train", config, "--launch", "local", "--workers", 2, "--results", tmp_path / "launched"
    )
    assert code == 0, err
    assert "2 tasks to do, by 2 workers here; logs: " in out
    told = [
        line
        for line in out.splitlines()
        if "(1 of 2)" in line or "(2 of 2)" in line or ": test 0." in line
    ]
    assert [": test 0." in line for line in told] == [
        False,
        True,
        False,
        True,
    ]  # results come as they are had
    plain, launched = ({}, {})
    bioexp("train", config, "--results", tmp_path / "plain")
    for found, results in ((plain, "plain"), (launched, "launched")):
        for path in sorted((tmp_path / results).glob("*/*/weights.npz")):
            found[path.parent.name] = path.read_bytes()
    assert plain == launched
    assert len(plain) == 2
    assert not list((tmp_path / "launched").rglob("QUEUED"))


def test_a_launched_reproduction_ends_with_the_claims_of_a_plain_one(tmp_path):
    from kills.__main__ import claims, finish

    words = [str(ROOT / "configs" / "examples" / "my_paper.py:PAPER"), "--seeds", "2"]
    finish(words, tmp_path / "plain")
    finish([*words, "--launch", "local", "--workers", "2"], tmp_path / "launched")
    assert claims(tmp_path / "launched") == claims(tmp_path / "plain")
    assert list((tmp_path / "launched/.launch").glob("*/worker0.log"))


def test_workers_here_have_gpus_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    monkeypatch.setattr(
        launch_local, "START", "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])"
    )
    workers = launch_local.local([], 9, tmp_path, workers=None, gpus=2)
    while workers.alive():
        time.sleep(0.01)
    assert [(tmp_path / f"worker{number}.log").read_text() for number in range(2)] == [
        "4,5\n",
        "6,7\n",
    ]
    assert workers.name == "2 workers here"
    with pytest.raises(
        UserError, match="--gpus 2: 3 workers need 6, and there are 4 here; lower one of them"
    ):
        launch_local.local([], 9, tmp_path, workers=3, gpus=2)


def test_a_worker_that_dies_at_once_is_tried_again_and_then_told_of(
    bioexp, write_config, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "bioexp.workers.local.START", "print('no such device'); raise SystemExit(1)"
    )
    code, out, err = bioexp("train", write_config(), "--launch", "local")
    assert code == 2
    assert out.count("tasks were left by workers that died") == 2
    assert "its workers died 3 times" in err
    assert err.strip().endswith("no such device")


def test_the_device_is_the_workers_to_have(bioexp, write_config, monkeypatch):
    """Where a command is launched there may be none of its kind."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(launching, "TRIES", 1)
    code, out, err = bioexp("train", write_config(), "--launch", "local", "--device", "tpu")
    assert (
        code,
        "; that of the workers: tpu" in out,
        "--device tpu: there is none here" in err,
    ) == (2, True, True), err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--launch", "ray"], "--launch: must be local or slurm, got 'ray'"),
        (["--workers", "2"], "--workers: needs --launch local or --launch slurm"),
        (["--launch", "local", "--workers", "0"], "--workers: must be at least 1, got 0"),
        (["--launch", "local", "--partition", "x"], "--partition: needs --launch slurm"),
        (["--launch", "local", "--sbatch", "account=lab"], "--sbatch: needs --launch slurm"),
        (
            ["--launch", "slurm", "--sbatch", "account"],
            "--sbatch: must be KEY=VALUE, such as account=lab, got 'account'",
        ),
        (
            ["--launch", "slurm", "--time", "soon"],
            "--time: must be minutes, or hours:minutes:seconds, got 'soon'",
        ),
        (
            ["--launch", "slurm"],
            (
                "no Slurm here (looked for sbatch, srun, squeue, sinfo, scontrol in PATH); use"
                " --launch local"
            ),
        ),
    ],
)
def test_a_launch_that_cannot_be_is_refused_in_words(
    bioexp, write_config, monkeypatch, tmp_path, words, message
):
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = bioexp("train", write_config(), *words)
    assert (code, message in err) == (2, True), err


def test_a_forecast_tells_hours_by_kind_of_device_from_what_runs_took(write_config, tmp_path):
    (experiment,) = load(write_config())
    train(experiment, Workspace(tmp_path), seeds=[0, 1])
    for number, (kind, seconds) in enumerate((("cpu", 7200), ("H100", 360))):
        path = run.directory(tmp_path, experiment, number) / "provenance.json"
        path.write_text(
            json.dumps(json.loads(path.read_text()) | {"wall_s": seconds, "device": {"kind": kind}})
        )
    todo = [
        Task(
            "x",
            (tmp_path / "small" / f"{name}-s0", tmp_path / "small" / f"{name}-s1"),
            lambda: False,
            None,
        )
        for name in "ab"
    ]
    found = forecast(
        [
            *todo,
            Task("y", (tmp_path / "other" / "c-s0",), lambda: False, None),
            Task("z", (), lambda: True, None),
        ]
    )
    assert (found.tasks, found.hours, found.known, found.unknown) == (
        3,
        {"cpu": 4.0, "H100": 0.2},
        {"cpu": 2, "H100": 2},
        1,
    )
    assert found.megabytes > 0


@pytest.fixture
def pretended_slurm(tmp_path, monkeypatch):
    """Programs of Slurm's names: one partition, jobs that are taken and wait for `squeue` to be
    told otherwise.
    """
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    said = {
        "sinfo": "echo 'debug*'",
        "sbatch": "echo Submitted batch job 7",
        "srun": "",
        "scontrol": "",
        "squeue": f"cat {bin_}/queue",
    }
    for name, line in said.items():
        (bin_ / name).write_text(f"#!/bin/sh\n{line}\n")
        (bin_ / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_}:{os.environ['PATH']}")
    (bin_ / "queue").write_text("")
    return bin_ / "queue"


def test_a_partition_that_does_not_exist_is_named(bioexp, write_config, pretended_slurm):
    code, _, err = bioexp("train", write_config(), "--launch", "slurm", "--partition", "gpu")
    assert (code, "--partition: Slurm has no 'gpu' (it has debug)" in err) == (2, True), err


def test_an_array_job_is_as_long_as_slurm_takes_and_told_what_else_was_asked(
    tmp_path, pretended_slurm
):
    (pretended_slurm.parent / "scontrol").write_text(
        "#!/bin/sh\necho 'MaxArraySize            = 4'\n"
    )
    (pretended_slurm.parent / "sbatch").write_text(
        f"#!/bin/sh\ncat $1 > {tmp_path}/submitted\necho Submitted batch job 7\n"
    )
    slurm(
        ["train"],
        8,
        tmp_path,
        workers=2,
        partition=None,
        gpus=1,
        minutes=None,
        others={"account": "lab", "cpus-per-task": "4"},
    )
    submitted = (tmp_path / "submitted").read_text().splitlines()
    wanted = ("--array=0-2%2", "--gpus-per-node=1", "--account=lab", "--cpus-per-task=4")
    assert {f"#SBATCH {option}" for option in wanted} <= set(submitted)


def test_a_results_directory_that_no_node_sees_is_suspected(bioexp, write_config, pretended_slurm):
    code, _, err = bioexp("train", write_config(), "--launch", "slurm")
    assert (code, "on a file system that all nodes share?" in err) == (2, True), err


def test_a_worker_that_never_starts_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr(launching, "PATIENCE", 0.0)
    looks = iter([True, True, False])
    workers = launching.Workers(
        "slurm job 7", 0.01, lambda: next(looks), lambda: "job 7 is PENDING (Resources)", str
    )
    said = []
    launching._follow(tasks_of("a", tmp_path, set(), None), workers, said.append, list)
    assert said == ["no worker has begun in 0 s: job 7 is PENDING (Resources); still waiting"]


def test_the_list_of_runs_tells_queued_running_failed_and_stopped(bioexp, write_config, tmp_path):
    bioexp("train", write_config(), "--seeds", 1)
    results = tmp_path / "results"
    for name in ("queued", "running", "died", "failed"):
        (results / "small" / name).mkdir()
        (results / "small" / name / "config.yaml").write_text("")
    (results / "small/queued/QUEUED").write_text("slurm job 7\n")
    hold(results / "small/running")
    (results / "small/running/metrics.jsonl").write_text('{"stage": 0, "step": 8}\n')
    (tmp_path / "log").write_text("device: cpu\nKilled\n")
    with locked([results / "small/died"]):
        machine = holder_of(results / "small/died").machine
    hold(results / "small/died", machine=machine, log=str(tmp_path / "log"))
    (results / "small/failed/FAILED").write_text("loss is nan\n")
    rows = {
        row.pop("run").split("/")[1]: row for row in json.loads(bioexp("list", "runs", "--json")[1])
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
