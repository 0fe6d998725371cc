"""What configs/examples promise a newcomer."""

import inspect
import json
import re
import runpy
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from conftest import ROOT

import bioexp as library
from bioexp.config.reading import identity, load
from bioexp.runs.nets import trained
from bioexp.runs.train import train
from bioexp.runs.workspace import Workspace


def test_the_example_rule_trains_beside_backprop_and_learns(tmp_path):
    experiments = load(ROOT / "configs" / "examples" / "my_rule.yaml", ["stages.0.epochs=3"])
    accuracy = {
        experiment.variant["rule"]: train(experiment, Workspace(tmp_path), seeds=[0])[
            0
        ].summary.test_accuracy
        for experiment in experiments
    }
    assert set(accuracy) == {"backprop", "oja"}
    assert accuracy["oja"] > 0.6  # chance is 0.1
    assert accuracy["backprop"] > accuracy["oja"]


def test_a_saved_net_is_rebuilt_in_plain_numpy_from_its_two_files(tmp_path):
    example = ROOT / "configs" / "examples" / "plain_numpy.py"
    (experiment,) = load(
        ROOT / "configs" / "log_net.yaml",
        ["dataset.name=mnist5k", "stages.0.steps=20", "stages.0.record_every=20", "snapshots=[]"],
    )
    (run,) = train(experiment, Workspace(tmp_path), seeds=[0])
    (net,) = trained([run], None)
    images = net.dataset.x_test[:200] / np.float32(255)
    expected = np.asarray(net.model.apply(net.params, jnp.asarray(images))[0])
    np.testing.assert_allclose(
        runpy.run_path(str(example))["log_net"](run.path)(images), expected, rtol=1e-3, atol=1e-3
    )
    library.attack([run], attacks=["fgsm"], eps=[0.1], n=30)
    done = subprocess.run(
        [sys.executable, str(example), str(run.path)], capture_output=True, text=True, check=True
    )
    assert "bioexp" not in example.read_text().split('"""')[2]
    counts = [int(word) for word in done.stdout.partition("[")[2].strip("]\n").split()]
    assert sum(counts) == 30


def test_the_library_is_usable_from_python(write_config, tmp_path):
    runs = library.fit(library.load(write_config()), seeds=2, results=tmp_path)
    assert [run.seed for run in runs] == [0, 1]
    (table,) = library.attack(runs, attacks=["fgsm"], eps=[0.1], n=30)
    assert table.n == 30


def test_a_model_a_dataset_a_paper_and_an_attack_of_ones_own_are_named_by_their_files(
    bioexp, tmp_path
):
    examples = ROOT / "configs" / "examples"
    code, _, err = bioexp("reproduce", examples / "my_paper.py:PAPER", "--seeds", 2)
    assert (code, err) == (0, "")
    results = tmp_path / "results"
    drawn, claim = json.loads((results / "claims.json").read_text())
    assert (drawn["verdict"], claim["verdict"]) == ("drawn", "reproduced")
    assert claim["command"] == f"bioexp reproduce {examples / 'my_paper.py:PAPER'} --seeds 2"
    (experiment,) = load(examples / "my_paper.yaml")
    run = results / "my_paper" / f"{identity(experiment)}-s0"
    assert {"my_model.py", "my_dataset.py"} <= {path.name for path in run.iterdir()}
    mine = f"{examples / 'my_attack.py'}:one_direction"
    code, out, err = bioexp(
        "attack", "my_paper", "--attacks", f"fgsm,{mine}", "--eps", "0.1", "--n", 20, "--json"
    )
    (table,) = json.loads(out)
    assert code == 0
    assert {row["attack"] for row in table["rows"]} == {
        "clean",
        "noise",
        "fgsm",
        "one_direction",
        "worst case",
    }
    assert (run / "attacks" / "one_direction.npz").is_file()
    assert bioexp("report")[0] == 0
    assert "one_direction" in (results / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["reproduce", "{file}:PAPR"], "has no PAPR; did you mean PAPER?"),
        (["reproduce", "{file}:accuracy"], "accuracy is no Paper"),
        (["reproduce", "nowhere/{file}:PAPER"], "no such file"),
        (["attack", "small", "--attacks", "{file}:attak"], "has no attak"),
        (["attack", "small", "--attacks", "{file}:PAPER"], "PAPER is no function"),
    ],
)
def test_a_name_that_a_file_of_ones_own_does_not_hold_is_refused(
    bioexp, write_config, words, message
):
    if words[0] == "attack":
        bioexp("train", write_config())
    code, out, err = bioexp(
        *(word.format(file=ROOT / "configs" / "examples" / "my_paper.py") for word in words)
    )
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err


def test_what_the_library_exports_says_what_it_takes_and_gives():
    assert library.__all__ == ["attack", "fit", "load"]
    for name in library.__all__:
        function = getattr(library, name)
        lists = re.findall(r"^\s*([a-z_0-9]+(?:, [a-z_0-9]+)*):", function.__doc__, re.MULTILINE)
        explained = {option for words in lists for option in words.split(", ")}
        options = set(inspect.signature(function).parameters) - {"path", "runs", "experiments"}
        assert options <= explained, f"{name} does not explain {options - explained}"
