"""What the README and configs/examples promise a newcomer."""

import runpy
import subprocess
import sys

import jax.numpy as jnp
import numpy as np

import bioexp as library
from bioexp.commands.train import train
from bioexp.config import identity, load
from bioexp.run import revive


def test_the_example_rule_trains_beside_backprop_and_learns(tmp_path):
    from conftest import ROOT

    experiments = load(ROOT / "configs" / "examples" / "my_rule.yaml", ["stages.0.epochs=3"])
    accuracy = {one.stages[0].rule.name: train(one, results=tmp_path, seeds=[0])[0].summary["test_accuracy"] for one in experiments}
    assert set(accuracy) == {"backprop", "./my_rule.py:oja"}
    assert accuracy["./my_rule.py:oja"] > 0.6  # chance is 0.1
    assert accuracy["backprop"] > accuracy["./my_rule.py:oja"]


def test_a_saved_net_is_rebuilt_in_plain_numpy_from_its_two_files(tmp_path):
    from conftest import ROOT

    example = ROOT / "configs" / "examples" / "plain_numpy.py"
    (experiment,) = load(
        ROOT / "configs" / "log_net.yaml", ["dataset.name=mnist5k", "stages.0.steps=20", "stages.0.record_every=20", "snapshots=[]"]
    )
    (run,) = train(experiment, results=tmp_path, seeds=[0])
    revived = revive(run, None)
    images = revived.dataset.x_test[:200] / np.float32(255)
    expected = np.asarray(revived.apply(revived.params, jnp.asarray(images))[0])
    np.testing.assert_allclose(runpy.run_path(str(example))["log_net"](run.path)(images), expected, rtol=1e-3, atol=1e-3)
    library.attack([run], attacks=["fgsm"], eps=[0.1], n=30)
    done = subprocess.run([sys.executable, str(example), str(run.path)], capture_output=True, text=True, check=True)
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
