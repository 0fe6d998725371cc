"""What the README and configs/examples promise a newcomer."""

import bioexp as library
from bioexp.commands.train import train
from bioexp.config import identity, load


def test_the_example_rule_trains_beside_backprop_and_learns(tmp_path):
    from conftest import ROOT

    experiments = load(ROOT / "configs" / "examples" / "my_rule.yaml", ["stages.0.epochs=3"])
    accuracy = {one.stages[0].rule.name: train(one, results=tmp_path, seeds=[0])[0].summary["test_accuracy"] for one in experiments}
    assert set(accuracy) == {"backprop", "./my_rule.py:oja"}
    assert accuracy["./my_rule.py:oja"] > 0.6  # chance is 0.1
    assert accuracy["backprop"] > accuracy["./my_rule.py:oja"]


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
