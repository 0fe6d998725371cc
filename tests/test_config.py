"""From YAML to experiments: everything is checked, every problem is named with its place."""

import numpy as np
import pytest
import yaml

from bioexp.config import build
from bioexp.config.configs import experiments_named
from bioexp.config.reading import identity, load, resolved
from bioexp.experiment import split
from bioexp.types import UserError


def test_a_resolved_config_loads_again_as_itself(write_config, tmp_path):
    (experiment,) = load(write_config())
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(resolved(experiment)))
    (loaded,) = load(again)
    assert resolved(loaded) == resolved(experiment)
    assert identity(loaded) == identity(experiment)


def test_every_problem_is_reported_at_once_with_its_line(write_config):
    path = write_config("""\
name: ../up
dataset: minst
model: {name: mlp, hiden: [5]}
stages:
  - rule: {name: backprop, rank: 2}
    optimizer: {name: sgd, learning_rate: -1}
    batch_size: 0
    steps: 12
    epochs: 1
""")
    with pytest.raises(UserError) as error:
        load(path)
    message = str(error.value)
    for part in (
        f"{path}:1  name: must be letters",
        f"{path}:2  dataset: unknown dataset 'minst'; did you mean mnist",
        (
            f"{path}:3  model.hiden: unknown option; did you mean hidden? (takes hidden,"
            " activation, bias)"
        ),
        f"{path}:5  stages[0].rule.rank: unknown option (takes no options)",
        f"{path}:6  stages[0].optimizer.learning_rate: must be greater than 0, got -1",
        f"{path}:7  stages[0].batch_size: must be at least 1, got 0",
        f"{path}:5  stages[0]: needs a length, either steps or epochs",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "stages.0.batch_sise=3",
            (
                "--set stages.0.batch_sise=3  stages[0].batch_sise: unknown option; did you mean"
                " batch_size?"
            ),
        ),
        (
            "stages.7.batch_size=3",
            "--set stages.7.batch_size=3: stages.7.batch_size: there is no item 7",
        ),
        ("nonsense=1", "--set nonsense=1  nonsense: unknown option"),
        ("name.x=1", "--set name.x=1: name is 'small' and has nothing below it"),
        ("stages.0.batch_size", "must be KEY=VALUE"),
        ("stages.0.steps=many", "stages[0].steps: must be a whole number, got 'many'"),
    ],
)
def test_changes_are_checked_like_the_file(write_config, change, message):
    with pytest.raises(UserError) as error:
        load(write_config(), [change])
    assert message in str(error.value)


def test_changes_are_read_as_yaml(write_config):
    (experiment,) = load(
        write_config(),
        ["stages.0.optimizer.learning_rate=1e-4", "snapshots=[0, 4]", "model.hidden=[3, 2]"],
    )
    assert experiment.stages[0].optimizer.options["learning_rate"] == 1e-4
    assert experiment.snapshots == (0, 4)
    assert experiment.model.options["hidden"] == (3, 2)


def test_another_name_drops_the_options_that_were_not_its_own(write_config):
    (experiment,) = load(write_config(), ["dataset.name=iris"])
    assert "features" not in experiment.dataset.options
    assert experiment.folder == "small@iris"


def test_axes_make_one_experiment_for_each_combination(write_config):
    path = write_config()
    path.write_text(
        path.read_text() + "axes: {stages.0.batch_size: [10, 20], model.activation: [relu, tanh]}\n"
    )
    experiments = load(path)
    found = [(one.stages[0].batch_size, one.model.options["activation"]) for one in experiments]
    assert found == [(10, "relu"), (10, "tanh"), (20, "relu"), (20, "tanh")]
    assert len({identity(one) for one in experiments}) == 4


def test_a_problem_in_an_axis_names_the_line_of_the_axis(write_config):
    path = write_config()
    path.write_text(path.read_text() + "axes:\n  stages.0.batch_size: [0]\n")
    with pytest.raises(
        UserError, match=r"small.yaml:11  stages\[0\].batch_size: must be at least 1"
    ):
        load(path)


def with_axis(write_config, axis):
    return write_config(write_config().read_text() + f"axes:\n  {axis}\n")


@pytest.mark.parametrize(
    ("axis", "variants"),
    [
        (
            "size: {small: {stages.0.batch_size: 10, model.hidden: [3]}, big: {model.hidden: [9]}}",
            {"small": (10, (3,)), "big": (20, (9,))},
        ),
        ("size: {stages.0.batch_size: [10, 30]}", {"10": (10, (5,)), "30": (30, (5,))}),
        ("model.hidden: [[3, 2], [9]]", {"3-2": (20, (3, 2)), "9": (20, (9,))}),
    ],
    ids=["variants by name", "one key, named", "one key, called by its last word"],
)
def test_an_axis_has_three_forms_and_its_variants_have_names(write_config, axis, variants):
    experiments = load(with_axis(write_config, axis))
    name = axis.partition(":")[0].rpartition(".")[2]
    assert {
        experiment.variant[name]: (
            experiment.stages[0].batch_size,
            experiment.model.options["hidden"],
        )
        for experiment in experiments
    } == variants


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ("size: {small: {}}", "axes.size.small: must hold the keys that this variant changes"),
        ("size: {small: 10}", "axes.size.small: must hold the keys that this variant changes"),
        ("size: {}", "axes.size: must be a list of values, or variants by name"),
        ("size: 3", "axes.size: must be a list of values, or variants by name"),
        ("stages.0.batch_size: []", "axes.stages.0.batch_size: needs at least one value"),
        ("stages.0.batch_size: [10, 10]", "axes.stages.0.batch_size: has the same value twice"),
        ("size: {a b: {model.hidden: [3]}}", "axes.size: a variant's name must be letters"),
        ("size: {a: {model.hidden: [3]}, a: {model.hidden: [4]}}", "a is given twice"),
        (
            "stages.0.batch_size, model.hidden: [[10, [3]]]",
            "a list moves one key; give each variant a name to change several",
        ),
        ("size: {a: {model.hiden: [3]}}", "model.hiden: unknown option; did you mean hidden?"),
        ("size: {a: {stages.4.steps: 3}}", "there is no item 4; items are 0 to 0"),
    ],
)
def test_an_axis_that_cannot_be_is_one_message_with_its_place(write_config, axis, message):
    with pytest.raises(UserError, match=r"small\.yaml:11") as error:
        load(with_axis(write_config, axis))
    assert message in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_two_axes_of_one_name_are_refused(write_config):
    with pytest.raises(UserError, match="two axes have the same name"):
        load(with_axis(write_config, "stages.0.steps: [4, 8]\n  steps: {stages.0.steps: [4, 8]}"))


def test_identity_sees_options_but_not_layout(write_config):
    one = identity(*load(write_config()))
    path = write_config(name="other.yaml")
    path.write_text("# a comment\n" + path.read_text().replace("steps: 12", "steps:   12"))
    assert identity(*load(path)) == one
    assert identity(*load(path, ["stages.0.steps=13"])) != one


def test_identity_sees_the_bytes_of_the_users_files(write_config, tmp_path):
    rule = tmp_path / "own.py"
    code = "from bioexp.rules.backprop import backprop as own\n"
    rule.write_text(code)
    path = write_config()
    changes = ["stages.0.rule=./own.py:own"]
    before = identity(*load(path, changes))
    rule.write_text(code + "# changed\n")
    assert identity(*load(path, changes)) != before


def test_a_dataset_of_ones_own_lies_beside_the_config_and_its_bytes_are_part_of_the_identity(
    write_config, tmp_path
):
    x, y = np.zeros((30, 2, 2), np.uint8), np.arange(30) % 3
    np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    path, changes = write_config(), ["dataset={name: npz, path: own.npz}"]
    (experiment,) = load(path, changes)
    assert experiment.dataset.options["path"] == str(tmp_path / "own.npz")
    before = identity(experiment)
    np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=x + 1, y_test=y)
    assert identity(*load(path, changes)) != before
    with pytest.raises(UserError, match=r"dataset: .*gone.npz: no such file"):
        load(path, ["dataset={name: npz, path: gone.npz}"])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("x = 1", "has no own"),
        ("1/0", r"cannot be imported: .*own.py:1: ZeroDivisionError"),
        (None, "no such file"),
    ],
)
def test_a_rule_of_ones_own_that_cannot_be_used_is_an_error_with_its_place(
    write_config, tmp_path, code, message
):
    if code is not None:
        (tmp_path / "own.py").write_text(code)
    with pytest.raises(UserError, match=message):
        load(write_config(), ["stages.0.rule=./own.py:own"])


def test_a_top_level_that_is_a_list_is_refused(write_config):
    with pytest.raises(UserError, match="must hold keys and values, got list"):
        load(write_config("- 1\n"))


def test_every_fold_holds_out_another_part_and_together_they_are_all(write_config):
    text = write_config().read_text() + "axes: {validate: [1/3, 2/3, 3/3]}\n"
    folds = load(write_config(text))
    assert len({identity(fold) for fold in folds}) == 3
    _, dataset = build.dataset_of(folds[0], None, print)
    parts = [split(fold, dataset) for fold in folds]
    held = np.concatenate([part.validation.x for part in parts])
    np.testing.assert_array_equal(np.sort(held, axis=0), np.sort(dataset.x_train, axis=0))
    assert all(len(part.train.y) == 200 for part in parts)


def test_the_last_tenth_is_the_last_of_ten_folds(write_config):
    tenth, fold = (
        load(write_config(write_config().read_text() + f"validate: {value}\n"))[0]
        for value in ("true", "10/10")
    )
    _, dataset = build.dataset_of(tenth, None, print)
    for one, other in zip(split(tenth, dataset), split(fold, dataset), strict=True):
        np.testing.assert_array_equal(one.x, other.x)


@pytest.mark.parametrize("value", ["0/5", "6/5", "1/1", "half", "1/x"])
def test_what_is_no_fold_is_refused(write_config, value):
    with pytest.raises(
        UserError, match=f"validate: must be true, false or a fold such as 2/5, got '{value}'"
    ):
        load(write_config(write_config().read_text() + f"validate: {value}\n"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "stages.0.per_class=200",
            (
                r"stages\[0\].per_class: asks for 200, but class \d has only \d+ of the 300"
                r" training examples"
            ),
        ),
        (
            "stages.0.optimizer.decay_to=0",
            r"stages\[0\].optimizer.decay_to: must be greater than 0 on an exponential schedule",
        ),
        (
            "stages.0.rule={name: competing_ranks, rank: 9}",
            r"stages\[0\].rule.rank: must be at most 5, the number of hidden units, got 9",
        ),
        (
            "stages.0.rule={name: competing_dynamics, inhibition: 1}",
            r"stages\[0\].rule.inhibition: must be below 1, got 1",
        ),
    ],
)
def test_what_only_the_model_or_the_data_can_show_is_an_error_with_its_place(
    write_config, change, message
):
    (experiment,) = load(write_config(), [change])
    _, dataset = build.dataset_of(experiment, None, print)
    with pytest.raises(UserError, match=message):
        build.stages_of(experiment, dataset, split(experiment, dataset).train)


def test_a_norm_below_one_is_refused(write_config):
    with pytest.raises(UserError, match=r"stages\[0\].rule.p: must be at least 1, got 0.5"):
        load(write_config(), ["stages.0.rule={name: competing_ranks, p: 0.5}"])


@pytest.mark.parametrize(
    ("word", "experiments"),
    [
        ("log_net", {"log_net"}),
        ("configs/log_net.yaml", {"log_net"}),
        (
            "log_net/control",
            {"log_net_control", "log_net_control_constant", "log_net_control_fashion"},
        ),
        ("relu_net", {"relu_net"}),
        ("log_net_control", {"log_net_control"}),
    ],
)
def test_a_config_is_named_from_any_folder(tmp_path, monkeypatch, word, experiments):
    """By the file it lies in, by its path in a checkout, or by one of its experiments."""
    monkeypatch.chdir(tmp_path)
    assert {experiment.name for experiment in experiments_named(word)} == experiments


def test_a_file_of_that_name_in_the_users_folder_goes_first(tmp_path, monkeypatch, write_config):
    (tmp_path / "log_net").write_text(write_config().read_text())
    monkeypatch.chdir(tmp_path)
    assert {experiment.name for experiment in experiments_named("log_net")} == {"small"}


def test_a_config_that_is_not_there_is_one_message_with_a_suggestion(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"lognet: no such config.*; did you mean log_net\?"):
        experiments_named("lognet")
    with pytest.raises(UserError, match=r"gone\.yaml: no such file"):
        experiments_named(str(tmp_path / "gone.yaml"))
