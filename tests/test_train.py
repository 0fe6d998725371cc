"""Run directories: what is finished stays, what was interrupted goes on, what is wrong is never
trusted.
"""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_runs import vouch_again

from bioexp.config.reading import load
from bioexp.files import sweep, write_text
from bioexp.runs import directory as run
from bioexp.runs import seed_group
from bioexp.runs.nets import trained
from bioexp.runs.train import plan, train
from bioexp.runs.workspace import Workspace
from bioexp.tree import map_paths
from bioexp.types import UserError


@pytest.fixture
def small(write_config):
    (experiment,) = load(write_config(), ["snapshots=[0, 8]"])
    return experiment


def files(path):
    return {
        str(child.relative_to(path)): child.read_bytes()
        for child in sorted(path.rglob("*"))
        if child.is_file()
    }


def test_a_finished_run_holds_what_the_contract_says(small, tmp_path):
    (done,) = train(small, Workspace(tmp_path), seeds=[3])
    names = set(files(done.path))
    assert {
        "config.yaml",
        "provenance.json",
        "metrics.jsonl",
        "summary.json",
        "weights.npz",
        "FINISHED",
    } <= names
    assert {
        "snapshots/0000.npz",
        "snapshots/0008.npz",
        "figures/w1.png",
        "figures/learning_curve.png",
    } <= names
    assert "state.npz" not in names
    assert done.path.name.endswith("-s3")
    assert done.summary.n_test == 90
    assert done.provenance.dataset.name == "blobs"
    assert [record["step"] for record in done.metrics] == [4, 8, 12]
    assert {"stage", "step", "epoch", "train_loss", "train_accuracy"} == set(done.metrics[0])
    with np.load(done.path / "weights.npz", allow_pickle=False) as weights:
        assert set(weights.files) == {"layers/0/w", "layers/0/b", "layers/1/w", "layers/1/b"}


def test_training_again_changes_nothing(small, tmp_path):
    first = [files(one.path) for one in train(small, Workspace(tmp_path), seeds=[0, 1])]
    assert [files(one.path) for one in train(small, Workspace(tmp_path), seeds=[0, 1])] == first


def test_more_seeds_train_only_what_is_missing(small, tmp_path):
    train(small, Workspace(tmp_path), seeds=[0, 1])
    todo = plan(small, results=tmp_path, seeds=[0, 1, 2, 3])
    assert todo.finished == (0, 1)
    assert todo.groups == (((2, 3), None),)


class Stopped(Exception):
    pass


def test_an_interrupted_group_continues_to_the_same_bits(small, tmp_path, monkeypatch):
    monkeypatch.setattr(seed_group, "CHECKPOINT_EVERY", 0.0)
    whole = train(small, Workspace(tmp_path / "whole"), seeds=[0, 1])

    def stop(record, steps):
        if record.total == 8:
            raise Stopped

    with pytest.raises(Stopped):
        train(small, Workspace(tmp_path / "parts"), seeds=[0, 1], watch=stop)
    with pytest.raises(
        UserError,
        match=r"no finished run here \(stopped in stage 0, step 8\); run `bioexp train` again",
    ):
        run.open_run(run.directory(tmp_path / "parts", small, 0))
    assert plan(small, results=tmp_path / "parts", seeds=[1]).groups[0][0] == (0, 1)
    said = []
    parts = train(small, Workspace(tmp_path / "parts", say=said.append), seeds=[0, 1])
    assert said == ["small: continuing seeds 0, 1 at stage 0, step 4"]
    for one, other in zip(whole, parts, strict=True):
        assert one.metrics == other.metrics
        assert (one.path / "weights.npz").read_bytes() == (other.path / "weights.npz").read_bytes()


def train_slowly(config, results):
    seed_group.CHECKPOINT_EVERY = 0.0
    train(*load(config), Workspace(results), seeds=[0], watch=lambda record, steps: time.sleep(0.3))


def test_a_killed_process_loses_only_what_it_had_not_yet_saved(write_config, tmp_path):
    config = write_config()
    (experiment,) = load(config)
    process = multiprocessing.get_context("spawn").Process(
        target=train_slowly, args=(config, tmp_path)
    )
    process.start()
    path = run.directory(tmp_path, experiment, 0)
    deadline = time.monotonic() + 60
    while not (path / "state.npz").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not (path / "FINISHED").exists()
    said = []
    (done,) = train(experiment, Workspace(tmp_path, say=said.append), seeds=[0])
    assert "is dead; its work is taken over" in said[0]
    assert "continuing seed 0" in said[1]
    (whole,) = train(experiment, Workspace(tmp_path / "whole"), seeds=[0])
    assert (done.path / "weights.npz").read_bytes() == (whole.path / "weights.npz").read_bytes()


def test_runs_of_other_code_are_trained_again_unless_kept(small, tmp_path):
    (done,) = train(small, Workspace(tmp_path), seeds=[0])
    provenance = json.loads((done.path / "provenance.json").read_text())
    (done.path / "provenance.json").write_text(json.dumps(provenance | {"code_digest": "older"}))
    vouch_again(done.path)
    said = []
    train(small, Workspace(tmp_path, say=said.append), seeds=[0], keep_stale=True)
    assert json.loads((done.path / "provenance.json").read_text())["code_digest"] == "older"
    train(small, Workspace(tmp_path, say=said.append), seeds=[0])
    assert (
        json.loads((done.path / "provenance.json").read_text())["code_digest"]
        == provenance["code_digest"]
    )
    assert [line.rpartition("; ")[2] for line in said] == ["kept as it is", "trained again"]


def test_training_again_leaves_no_picture_of_the_older_run(small, tmp_path):
    (done,) = train(small, Workspace(tmp_path), seeds=[0])
    (done.path / "figures" / "adversarial.png").write_bytes(b"of the older weights")
    train(small, Workspace(tmp_path), seeds=[0], force=True)
    assert not (done.path / "figures" / "adversarial.png").exists()
    assert (done.path / "figures" / "w1.png").exists()


def test_validation_examples_are_held_out_and_scored(small, write_config, tmp_path):
    (experiment,) = load(write_config(), ["validate=true"])
    (done,) = train(experiment, Workspace(tmp_path), seeds=[0])
    assert done.provenance.dataset.n_train == 270
    assert all("validation_accuracy" in record for record in done.metrics)


def test_a_rule_of_ones_own_is_kept_beside_the_run(write_config, tmp_path):
    (tmp_path / "own.py").write_text("from bioexp.rules.backprop import backprop as own\n")
    (experiment,) = load(write_config(), ["stages.0.rule=./own.py:own"])
    (done,) = train(experiment, Workspace(tmp_path), seeds=[0])
    (tmp_path / "own.py").unlink()
    (net,) = trained([done], None)
    assert net.experiment.stages[0].rule.name == "./own.py:own"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "stages.0.batch_size=1000",
            (
                r"--set stages.0.batch_size=1000  stages\[0\].batch_size: 1000 is more than the 300"
                r" examples"
            ),
        ),
        (
            "stages.0.train=[layers/7]",
            r"stages\[0\].train: the model has no layers/7 \(it has layers/0/b, layers/0/w",
        ),
        ("stages.0.project={layers/9: unit_interval}", "the model has no layers/9"),
        (
            "stages.0.optimizer={name: sgd, learning_rate: {layers/0: 0.1}}",
            r"stages\[0\].optimizer: no learning rate for layers/1/b, layers/1/w",
        ),
        ("snapshots=[99]", "snapshots: 99 lies after the last step, 12"),
        (
            "stages.0.optimizer={name: sgd, learning_rate: 1.0e+30}",
            "small stage 0 epoch 0: .* is nan since step .*; lower its learning_rate",
        ),
    ],
)
def test_what_only_the_data_can_show_is_an_error_with_its_place(
    write_config, tmp_path, change, message
):
    (experiment,) = load(write_config(), [change])
    with pytest.raises(UserError, match=message):
        train(experiment, Workspace(tmp_path), seeds=[0])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("FINISHED", b"99\n", "is of format 99, this bioexp reads format 2"),
        ("weights.npz", b"PK\x03\x04 cut", "weights.npz: was altered since it was written"),
        ("summary.json", b"{", "summary.json: was altered since it was written"),
    ],
)
def test_a_run_that_was_tampered_with_is_refused(small, tmp_path, name, content, message):
    (done,) = train(small, Workspace(tmp_path), seeds=[0])
    (done.path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        run.open_run(done.path)


def test_weights_of_another_shape_are_refused(small, tmp_path):
    (done,) = train(small, Workspace(tmp_path), seeds=[0])
    other = replace(done, weights={"layers": {"0": {"w": np.zeros((2, 2))}}})
    with pytest.raises(UserError, match=r"weights.npz: does not hold this model's weights"):
        list(trained([other], None))


def test_weights_of_another_type_are_refused(small, tmp_path):
    (done,) = train(small, Workspace(tmp_path), seeds=[0])
    other = replace(done, weights=map_paths(lambda _, leaf: leaf.astype(float), done.weights))
    with pytest.raises(UserError, match=r"is of float64, this model computes with float32"):
        list(trained([other], None))


def test_a_results_path_that_is_a_file_is_named(small, tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(UserError, match="cannot be made"):
        train(small, Workspace(tmp_path / "results"), seeds=[0])


def test_a_full_disk_is_named_and_nothing_half_written_is_left(small, tmp_path, monkeypatch):
    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\)"):
        train(small, Workspace(tmp_path), seeds=[0])
    assert not list(tmp_path.rglob("*.npz*"))
    assert not list(tmp_path.rglob("FINISHED"))


def test_runs_are_found_by_what_the_user_calls_them(small, write_config, tmp_path):
    (older,) = train(small, Workspace(tmp_path), seeds=[0])
    (other,) = load(write_config(), ["stages.0.steps=8"])
    newer = train(other, Workspace(tmp_path), seeds=[0, 1])
    assert run.find(tmp_path, []) == [one.path for one in newer]
    assert run.find(tmp_path, ["small"]) == [one.path for one in newer]
    assert run.find(tmp_path, [older.name]) == [older.path]
    assert run.find(tmp_path, [str(older.path)]) == [older.path]
    with pytest.raises(UserError, match="none: no such run"):
        run.find(tmp_path, ["none"])
    with pytest.raises(UserError, match="no finished run here"):
        run.find(Path(tmp_path / "empty"), [])


def test_what_a_rule_observes_is_told_kept_and_drawn(bioexp, write_config, tmp_path):
    competing = (
        write_config()
        .read_text()
        .replace("{name: mlp, hidden: [5]}", "{name: competing_hidden_units, hidden: 6}")
    )
    competing = (
        competing.replace("rule: backprop", "rule: {name: competing_ranks, rank: 2}").replace(
            "adam", "sgd"
        )
        + "    train: [layers/0]\n"
    )
    code, out, err = bioexp("train", write_config(competing), "--seeds", 2)
    assert code == 0, err
    first, second = sorted((tmp_path / "results" / "small").iterdir())
    assert f"{second.name}: stage 0 ended with dead_units " in out
    records = [json.loads(line) for line in (first / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [4, 8, 12]
    assert all(0 <= record["within_5_percent"] <= 1 for record in records)
    assert (first / "figures" / "stage0.png").is_file()
    assert not (first / "figures" / "learning_curve.png").exists()


def test_weights_that_are_not_finite_are_refused_by_name(bioexp, write_config, tmp_path):
    bioexp("train", write_config())
    (path,) = (tmp_path / "results" / "small").iterdir()
    arrays = dict(np.load(path / "weights.npz"))
    arrays["layers/1/w"][0, 0] = np.nan
    np.savez(path / "weights.npz", **arrays)
    vouch_again(path)
    code, _, err = bioexp("attack", "small", "--fgsm")
    assert code == 2
    assert "weights.npz: layers/1/w holds NaN or infinity; train the run again with --force" in err


def test_what_a_killed_process_left_half_written_goes_when_the_file_is_written_again(tmp_path):
    code = (
        "import os; from pathlib import Path; from bioexp.files import write_atomically as w;"
        " w(Path('a.json'), lambda file: os._exit(9))"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
        assert len(list(tmp_path.glob(".a.json.*"))) == 1
    write_text(tmp_path / "a.json", "{}")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_killed_process_that_its_parent_has_not_taken_leave_of_is_dead_as_well(tmp_path):
    """As a worker is whose launcher has not looked yet."""
    code = (
        "import os; from pathlib import Path; from bioexp.files import write_atomically as w;"
        " w(Path('a.json'), lambda file: os._exit(9))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it stays, as a zombie
    assert len(list(tmp_path.glob(".a.json.*"))) == 1
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())
    process.wait()
