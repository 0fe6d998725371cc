"""What the README and configs/examples promise a newcomer."""

import inspect
import json
import re
import runpy
import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

from bioexp.runs.workspace import Workspace

import bioexp as library
from bioexp.config.reading import identity, load
from bioexp.runs.directory import revive
from bioexp.runs.train import train


def test_the_example_rule_trains_beside_backprop_and_learns(tmp_path):
    from conftest import ROOT

    experiments = load(ROOT / "configs" / "examples" / "my_rule.yaml", ["stages.0.epochs=3"])
    accuracy = {
        one.stages[0].rule.name: train(one, Workspace(tmp_path), seeds=[0])[0].summary.test_accuracy
        for one in experiments
    }
    assert set(accuracy) == {"backprop", "./my_rule.py:oja"}
    assert accuracy["./my_rule.py:oja"] > 0.6  # chance is 0.1
    assert accuracy["backprop"] > accuracy["./my_rule.py:oja"]


def test_a_saved_net_is_rebuilt_in_plain_numpy_from_its_two_files(tmp_path):
    from conftest import ROOT

    example = ROOT / "configs" / "examples" / "plain_numpy.py"
    (experiment,) = load(
        ROOT / "configs" / "log_net.yaml",
        ["dataset.name=mnist5k", "stages.0.steps=20", "stages.0.record_every=20", "snapshots=[]"],
    )
    (run,) = train(experiment, Workspace(tmp_path), seeds=[0])
    revived = revive(run, None)
    images = revived.dataset.x_test[:200] / np.float32(255)
    expected = np.asarray(revived.apply(revived.params, jnp.asarray(images))[0])
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
    assert table["n"] == 30


def test_the_readmes_terminal_session_names_the_runs_that_its_commands_make():
    from conftest import ROOT

    readme = (ROOT / "README.md").read_text()
    for config in ("log_net.yaml", "examples/my_rule.yaml"):
        for experiment in load(ROOT / "configs" / config):
            assert f"results/{experiment.name}/{identity(experiment)}-s0" in readme


def test_a_model_a_dataset_a_paper_and_an_attack_of_ones_own_are_named_by_their_files(
    bioexp, tmp_path
):
    from conftest import ROOT

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
    from conftest import ROOT

    if words[0] == "attack":
        bioexp("train", write_config())
    code, out, err = bioexp(
        *(word.format(file=ROOT / "configs" / "examples" / "my_paper.py") for word in words)
    )
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err


def test_every_python_snippet_of_the_readme_runs_or_is_an_example_that_does(
    tmp_path, monkeypatch, write_config
):
    from conftest import ROOT

    readme = (ROOT / "README.md").read_text()
    examples = "".join(path.read_text() for path in (ROOT / "configs" / "examples").glob("*.py"))
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "log_net.yaml").write_text(
        write_config().read_text()
    )  # the same names, in a moment
    monkeypatch.chdir(tmp_path)
    snippets = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    ran = [exec(snippet, {}) for snippet in snippets if snippet not in examples]
    assert len(snippets) > len(ran) >= 1
    assert list((tmp_path / "results").glob("small/*/robustness.json"))


def test_what_the_library_exports_says_what_it_takes_and_gives():
    assert library.__all__ == ["attack", "fit", "load"]
    for name in library.__all__:
        function = getattr(library, name)
        assert function.__doc__
        for option in inspect.signature(function).parameters:
            assert option in function.__doc__ or option == "path", (
                f"{name} does not explain {option}"
            )
