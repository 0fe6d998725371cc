"""Sizes beyond sense are refused before they are made, with the key and the bound; so is what no
net can be made of.
"""

import os

import pytest

from bioexp import fit, load
from bioexp.config.overrides import COMBINATIONS
from bioexp.config.reading import SNAPSHOTS, STAGES
from bioexp.config.strict_yaml import DIGITS, LARGEST
from bioexp.types import MOST, UserError

STAGE = "{rule: backprop, steps: 5}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("stages[0].model=3", "stages[0].model: must hold keys and values, got 3"),
        ("stages[0].train=[]", "stages[0].train: needs at least one"),
        ("stages=[]", "stages: needs at least one"),
        ("dataset={name: blobs, fallback: {}}", "dataset.fallback: unknown dataset"),
        (f"dataset.seed={'9' * 5000}", f"a whole number has at most {DIGITS} digits, got 5,000"),
        (f"model.hidden=[1{'0' * 12}]", f"model.hidden[0]: must be at most {MOST:,}, got 1"),
        (f"stages[0].steps=1{'0' * 15}", f"stages[0].steps: must be at most {MOST:,}, got 1"),
        (f"model.hidden={[1] * 51}", "model.hidden: must be at most 50 of them, got 51"),
        (
            f"stages=[{', '.join([STAGE] * (STAGES + 1))}]",
            "stages: must be at most 100 of them, got 101",
        ),
        (f"snapshots={list(range(SNAPSHOTS + 1))}", "snapshots: must be at most 10,000 of them"),
        (
            f"axes={{stages.0.steps: {list(range(1, COMBINATIONS + 2))}}}",
            f"axes: have {COMBINATIONS + 1:,} combinations; at most {COMBINATIONS:,}",
        ),
        (
            "axes={"
            + ", ".join(f"a{i}: {{dataset.n: {list(range(9, 29))}}}" for i in range(8))
            + "}",
            f"axes: have {20**8:,} combinations",
        ),
        ('dataset={name: npz, path: "a\\0b"}', "cannot be a file"),
        (f"dataset={{name: npz, path: {'a' * 5000}}}", "cannot be a file"),
        ("dataset={name: npz, path: /dev/zero}", "/dev/zero: no such file"),
        (f"name={'a' * 65}", "name: must be letters, digits, - and _, at most 64"),
    ],
)
def test_what_a_config_may_not_ask_for_is_refused_as_it_is_read(write_config, change, said):
    with pytest.raises(UserError) as error:
        load(write_config(), [change])
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["model.hidden=[2000000000]"], ":3  model: while its weights learn it: needs"),
        (["stages[0]={rule: backprop, epochs: 1.0e308}"], "stages[0].epochs: come to more than"),
        (["dataset.features=[1000000000]"], "needs"),
        (["dataset.classes=1000000"], "classes"),
        (
            ["stages[0].objective=reconstruction"],
            "stages[0].objective: asks for (16,) outputs, and the model has (3,)",
        ),
        (["stages[0].rule=class_mean"], "stages[0].rule: gives no direction for layers/0/b"),
        (
            [f"stages=[{STAGE}, {STAGE[:-1]}, model: {{hidden: [9]}}}}]"],
            "stages[1].model: layers/0/b is of size (9,) here and of (5,) in the first stage",
        ),
        (["stages[0].rule=./own.py:no_rule"], "./own.py:no_rule builds no Rule, but a int"),
        (["stages[0].rule=./own.py:takes_nothing"], "builds no Rule: too many positional"),
        (["model=./own.py:no_rule"], "./own.py:no_rule builds no Model, but a int"),
        (
            ["stages[0].rule=./own.py:turned"],
            "direction of layers/0/w is (16, 5), should be (5, 16)",
        ),
        (["stages[0].rule=./own.py:broken"], "own.py:19)"),
    ],
)
def test_what_only_the_data_show_is_refused_before_anything_is_trained(
    bioexp, write_config, tmp_path, changes, said
):
    (tmp_path / "own.py").write_text(OWN)
    words = [word for change in changes for word in ("--set", change)]
    code, _, err = bioexp("train", write_config(), *words)
    assert (code, len(err.splitlines())) == (2, 1)
    assert said in err
    assert not list(tmp_path.rglob("metrics.jsonl"))


OWN = """\
from bioexp.rules.backprop import backprop

def no_rule(*given):
    return 3

def takes_nothing():
    return 3

def turned(model, objective):
    rule = backprop(model, objective)
    def update(*given):
        learned = rule.update(*given)
        learned.direction["layers"]["0"]["w"] = learned.direction["layers"]["0"]["w"].T
        return learned
    return rule._replace(update=update)

def broken(model, objective):
    rule = backprop(model, objective)
    return rule._replace(update=lambda params, *rest: params["layers"]["0"]["w"] @ rest[1].x)
"""


def test_a_file_that_is_no_text_is_not_read_to_its_end(bioexp, tmp_path):
    (tmp_path / "big.yaml").write_bytes(b"#" * (LARGEST + 1))
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    for name, said in {
        "/dev/zero": "is a device or a pipe",
        tmp_path / "pipe.yaml": "is a device or a pipe",
        tmp_path / "big.yaml": "is too long for a config",
        tmp_path / "loop.yaml": "",
        tmp_path / ("a" * 300): "",
        "a\0b": "no such config",
        tmp_path: "is a directory",
    }.items():
        code, _, err = bioexp("train", name, "--dry-run")
        assert code == 2
        assert said in err
        assert "Traceback" not in err


def test_more_seeds_than_anybody_trains_are_refused(bioexp, write_config):
    code, _, err = bioexp("train", write_config(), "--seeds", 10**8, "--dry-run")
    assert code == 2
    assert "--seeds" in err
    with pytest.raises(UserError, match="seeds: at most 10,000"):
        fit(load(write_config()), seeds=10**8)


def test_an_attack_that_is_none_is_refused(bioexp, write_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    bioexp("train", write_config())
    for name, said in {"turned": "missing a required argument", "no_rule": "but a int"}.items():
        code, _, err = bioexp("attack", "small", "--attacks", f"./own.py:{name}")
        assert (code, len(err.splitlines())) == (2, 1)
        assert f"./own.py:{name} builds no Attack" in err
        assert said in err


@pytest.mark.parametrize("output", ["/", ".", ""])
def test_a_page_cannot_be_a_folder(bioexp, write_config, output):
    bioexp("train", write_config())
    code, _, err = bioexp("report", "-o", output)
    assert code == 2
    assert "is a folder; name the page to write in it" in err


def test_the_activity_of_a_minibatch_has_to_fit_the_memory(bioexp, write_config, monkeypatch):
    monkeypatch.setattr("bioexp.datasets.memory.memory", lambda: 10_000_000)
    changes = ["--set", "model.hidden=[10000]", "--set", "stages[0].batch_size=all"]
    code, _, err = bioexp("train", write_config(), *changes)
    assert code == 2
    assert "stages[0].batch_size: the activity of all layers for it: needs 12 MB of 10 MB" in err
