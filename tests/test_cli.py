"""The command line as its users meet it: words, exit codes, JSON."""

import json
import subprocess
import sys

import pytest


def test_help_does_not_wait_for_jax():
    code = """
import sys
sys.argv = ["bioexp", "--help"]
from bioexp.__main__ import main
try:
    main()
except SystemExit:
    print("jax" in sys.modules, "numpy" in sys.modules)
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "False False"
    assert "train" in answer.stdout


def test_train_ends_with_the_score_its_interval_and_what_to_do_next(bioexp, write_config):
    code, out, err = bioexp("train", write_config(), "--seeds", 2)
    assert (code, err) == (0, "")
    last = out.splitlines()[-1]
    assert last.startswith("test 0.")
    assert "n=90, 2 seeds" in last
    assert last.endswith("w1.png · next: bioexp attack --fgsm")


def test_json_is_all_there_is_on_stdout(bioexp, write_config):
    code, out, err = bioexp("train", write_config(), "--json")
    (result,) = json.loads(out)
    assert code == 0
    assert result["n_seeds"] == 1
    assert result["ci95"][0] <= result["test_accuracy"] <= result["ci95"][1]
    assert "device: cpu" in err


def test_dry_run_shows_the_resolved_config_and_trains_nothing(bioexp, write_config, tmp_path):
    code, out, _ = bioexp("train", write_config(), "--dry-run")
    assert code == 0
    assert "learning_rate: 0.01" in out
    assert "to train: seed 0; minutes: unknown" in out
    assert not (tmp_path / "results").exists()


def test_the_whole_road_train_attack_report_list(bioexp, write_config, tmp_path):
    assert bioexp("train", write_config())[0] == 0
    code, out, _ = bioexp("attack", "--fgsm", "--eps", "8/255,0.3", "--n", "50")
    assert code == 0
    assert "50 test images" in out
    code, out, _ = bioexp("report")
    assert code == 0
    page = (tmp_path / "results" / "report.html").read_text()
    assert "data:image/png;base64," in page
    assert 'src="http' not in page
    code, out, _ = bioexp("list", "runs")
    assert "finished" in out


def test_eps_of_attacks_in_the_euclidean_ball_alone_are_their_lengths(bioexp, write_config):
    assert bioexp("train", write_config())[0] == 0
    words = ("attack", "--attacks", "pgd_l2", "--n", "20")
    code, out, _ = bioexp(*words, "--eps", "1.5,0.5", "--json")
    assert code == 0
    assert [row["eps"] for row in json.loads(out)[0]["l2"]] == [1.5, 0.5]
    code, out, _ = bioexp(*words, "--eps-l2", "0.75")
    assert code == 0
    assert "0.75" in out
    code, out, _ = bioexp("attack", "--attacks", "fgsm,pgd_l2", "--eps", "1.5")
    assert code == 2
    code, out, _ = bioexp("attack", "--attacks", "fgsm,pgd_l2", "--eps", "0.1", "--n", "20")
    assert (
        "in the Euclidean one (pgd_l2) the usual lengths are used (0.25, 0.5, 1, 1.5, 2, 3)" in out
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "missing.yaml"], "missing.yaml: no such config, neither as a path nor by name"),
        (
            ["train", "{config}", "--seeds", "0"],
            "'--seeds'",
        ),
        (["train", "{config}", "--seeds", "2", "--seed", "1"], "give one of them"),
        (
            ["train", "{config}", "--seed", "-1"],
            "'--seed'",
        ),
        (
            ["train", "{config}", "--device", "abacus"],
            "'abacus' is not one of 'auto', 'cpu'",
        ),
        (
            ["train", "{config}", "--dataset", "minst"],
            "unknown dataset 'minst'; did you mean mnist",
        ),
        (["train", "{config}", "--sede", "3"], "No such option"),
        (["attack"], "no finished run here"),
        (["attack", "--eps", "abc"], "abc"),
        (["attack", "--eps", "1.5"], "--eps: must be between 0 and 1"),
        (["attack", "--eps-l2", "nan"], "--eps-l2: Euclidean lengths must be between 0"),
        (["report"], "no finished run here"),
        (["list", "backpropp"], "did you mean backprop?"),
        (["data", "guess"], "'guess' is not one of 'list', 'fetch', 'verify'"),
        (["data", "verify", "minst"], "unknown dataset"),
    ],
)
def test_a_users_error_is_one_message_without_traceback_and_exit_2(
    bioexp, write_config, words, message
):
    config = str(write_config())
    code, out, err = bioexp(*(word.format(config=config) for word in words))
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err


def test_a_bug_shows_all_of_its_traceback_and_exits_with_1(bioexp, write_config, monkeypatch):
    monkeypatch.setattr("bioexp.config.configs.load", lambda *_: 1 / 0)
    code, _, err = bioexp("train", write_config())
    assert code == 1
    assert "ZeroDivisionError" in err
    assert "Traceback" in err


def test_ctrl_c_says_how_to_continue(bioexp, write_config, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("bioexp.runs.tasks.train", interrupted)
    code, _, err = bioexp("train", write_config())
    assert code == 130
    assert "the same command again continues" in err


def test_an_absent_gpu_is_the_users_error(write_config, tmp_path):
    words = [
        sys.executable,
        "-c",
        "from bioexp.__main__ import main; main()",
        "train",
        str(write_config()),
        "--device",
        "gpu",
        "--results",
        str(tmp_path),
    ]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert "--device gpu: there is none here" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_everything_with_a_name_can_be_listed(bioexp):
    code, out, _ = bioexp("list", "--json")
    shown = json.loads(out)
    assert code == 0
    assert set(shown) >= {"rules", "models", "attacks", "datasets", "papers", "configs", "runs"}
    code, out, _ = bioexp("list", "log_net")
    assert "hidden: whole number, at least 1 (default 100)" in out


def test_data_tells_what_is_there(bioexp, tmp_path):
    code, out, _ = bioexp("data", "list", "--json", "--data-dir", tmp_path)
    status = {record["name"]: record["status"] for record in json.loads(out)}
    assert code == 0
    assert status["mnist5k"] == "ready"
