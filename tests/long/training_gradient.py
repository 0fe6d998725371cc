"""Attacks along the gradient a net was trained by, which show masking and are no robustness
numbers; and nets without classes.
"""

import json

import pytest

from bioexp.runs.directory import start_over

CONFIG = """\
name: {name}
dataset: {{name: blobs, features: [4, 4], classes: 3}}
model: {model}
stages:
  - rule: {rule}
    objective: {objective}
    optimizer: {{name: sgd, learning_rate: 0.05}}
    batch_size: 20
    steps: 60
    record_every: 30
"""
MLP = "{name: mlp, hidden: [5], activation: tanh}"
CODE = "{name: autoencoder, hidden: 5}"


def trained(
    bioexp,
    write_config,
    name="made",
    rule="feedback_alignment",
    model=MLP,
    objective="cross_entropy",
):
    text = CONFIG.format(name=name, rule=rule, model=model, objective=objective)
    code, out, err = bioexp("train", write_config(text, f"{name}.yaml"))
    assert code == 0, err
    return out


def test_the_training_gradient_has_tables_of_its_own_that_say_what_they_are_not(
    bioexp, write_config, tmp_path
):
    trained(bioexp, write_config, rule="direct_feedback_alignment")
    bioexp("attack", "made", "--fgsm", "--eps", "0.1,0.5")
    (run,) = (tmp_path / "results" / "made").iterdir()
    honest = {path.name: path.read_bytes() for path in run.glob("robustness.*")}
    code, out, _ = bioexp("attack", "made", "--fgsm", "--eps", "0.1,0.5", "--gradient", "training")
    assert code == 0
    assert "masked: not a robustness number" in out
    assert {path.name: path.read_bytes() for path in run.glob("robustness.*")} == honest
    table = json.loads((run / "robustness_training.json").read_text())
    assert table["gradient_source"] == "training"
    assert {row["verdict"] for row in table["rows"] if row["eps"] is not None} == {
        "masked: not a robustness number"
    }
    assert (run / "attacks_training" / "fgsm.npz").is_file()
    clean = [
        json.loads((run / name).read_text())["rows"][0]["accuracy"]
        for name in ("robustness.json", "robustness_training.json")
    ]
    assert clean[0] == clean[1]
    start_over(run)
    kept = {path.name for path in run.iterdir()} - {"state.npz"}
    assert kept == {"config.yaml", "provenance.json", "summary.json", "weights.npz"}


@pytest.mark.parametrize("rule", ["backprop", "{name: stochastic_backward, p: 0.5}", "soft_hebb"])
def test_a_rule_without_a_fixed_backward_pass_of_its_own_has_no_training_gradient(
    bioexp, write_config, rule
):
    trained(bioexp, write_config, rule=rule)
    code, _, err = bioexp("attack", "made", "--fgsm", "--gradient", "training")
    assert code == 2
    assert "has no fixed backward pass of its own" in err


def test_another_gradient_than_these_two_is_refused(bioexp):
    code, _, err = bioexp("attack", "--gradient", "tru")
    assert code == 2
    assert "'--gradient'" in err
    assert "'tru' is not one of 'true', 'training'" in err


def test_a_net_without_classes_is_scored_by_its_loss_listed_reported_and_not_attacked(
    bioexp, write_config, tmp_path
):
    out = trained(bioexp, write_config, model=CODE, rule="backprop", objective="reconstruction")
    assert "test loss" in out
    trained(bioexp, write_config, name="other")
    (run,) = (tmp_path / "results" / "made").iterdir()
    assert set(json.loads((run / "summary.json").read_text())) == {"test_loss", "n_test", "steps"}
    assert "loss" in bioexp("list", "runs")[1]
    assert bioexp("report")[0] == 0
    assert bioexp("report", "made", "other")[0] == 0
    code, _, err = bioexp("attack", "made", "--fgsm")
    assert code == 2
    assert "its outputs are no classes" in err
    code, out, _ = bioexp("attack", "--fgsm", "--eps", "0.1")
    assert code == 0
    assert "other" in out
