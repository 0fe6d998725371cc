"""Workers: processes of this machine or an array job, which do what one process would have done."""

import json
import os
import sys
import time

import pytest
from conftest import ROOT, tasks_of

from bioexp import jobs
from bioexp.__main__ import Ended
from bioexp.config.reading import load
from bioexp.runs.directory import directory
from bioexp.runs.tasks import Task
from bioexp.runs.train import train
from bioexp.runs.workspace import Workspace
from bioexp.types import UserError
from bioexp.workers import launch as launching
from bioexp.workers import local as launch_local
from bioexp.workers.forecast import forecast
from bioexp.workers.slurm import slurm

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


def test_workers_here_have_gpus_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    tell = [sys.executable, "-c", "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])"]
    workers = launch_local.local(tell, 9, tmp_path, workers=None, gpus=2)
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
    dies = [sys.executable, "-c", "print('no such device'); raise SystemExit(1)"]
    monkeypatch.setattr(jobs, "_worker", lambda call, take: dies)
    code, out, err = bioexp("train", write_config(), "--launch", "local")
    assert code == 2
    assert out.count("tasks were left by workers that died") == 2
    assert "its workers died 3 times" in err
    assert err.strip().endswith("no such device")


@pytest.mark.parametrize("ending", [KeyboardInterrupt, Ended])
def test_whatever_ends_a_launch_ends_its_workers(tmp_path, monkeypatch, ending):
    def ended(*_):
        raise ending

    monkeypatch.setattr(launching, "_follow", ended)
    sleeps = [sys.executable, "-c", "import time; time.sleep(60)"]
    how, tasks = (
        launching.Launch("local", lambda take: sleeps),
        tasks_of("a", tmp_path, set(), None),
    )
    said = []
    with pytest.raises(ending):
        launching.launch(tasks, how, tmp_path, said.append, list)
    assert said[-1] == "1 worker here: stopped"
    assert not (tmp_path / "a" / "QUEUED").exists()


def test_a_worker_is_the_same_command_told_what_to_take_and_forced_once(monkeypatch):
    """The launcher has dropped what --force forgets; a worker that did so too would never end."""
    words = ("train", "two words.yaml", "--force", "--launch", "local")
    command = jobs._worker(jobs.Call(words), 2)
    assert command[command.index("work") :] == [
        *("work", "--take", "2", "--", "train", "two words.yaml", "--launch", "local")
    ]


def test_a_worker_takes_as_many_tasks_as_it_was_told_and_leaves_the_rest(
    bioexp, write_config, tmp_path
):
    config = write_config(write_config().read_text() + AXES)
    code, out, err = bioexp("work", "--take", 1, "--", "train", config)
    assert (code, err) == (0, "")
    assert out.count(": done") == 1
    assert len(list((tmp_path / "results").glob("*/*/FINISHED"))) == 1
    assert bioexp("work", "--take", 0, "--", "train", config)[0] == 0
    assert len(list((tmp_path / "results").glob("*/*/FINISHED"))) == 2


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
        (["--launch", "ray"], "'ray' is not one of 'local', 'slurm'"),
        (["--workers", "2"], "--workers: needs --launch local or --launch slurm"),
        (["--launch", "local", "--workers", "0"], "'--workers'"),
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
        path = directory(tmp_path, experiment, number) / "provenance.json"
        made = json.loads(path.read_text())
        device = made["device"] | {"kind": kind}
        path.write_text(json.dumps(made | {"wall_s": seconds, "device": device}))
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
        lambda take: ["train", str(take)],
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
