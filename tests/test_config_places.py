"""Whatever is wrong with a config is said with its place: the line of a file, or the words of
--set. No key is dropped.
"""

import pytest

from bioexp import load
from bioexp.config.overrides import Change
from bioexp.config.reading import identity
from bioexp.types import UserError


def complaint(path, *changes):
    with pytest.raises(UserError) as error:
        load(path, changes)
    return str(error.value)


def test_a_change_may_be_written_as_messages_write_it(write_config):
    plain, bracketed = (
        load(write_config(), [f"{key}=5"]) for key in ("stages.0.steps", "stages[0].steps")
    )
    assert plain == bracketed
    assert plain[0].stages[0].steps == 5


@pytest.mark.parametrize(
    "key",
    ["stages[x].steps", "stages[", "stages]0[", "stages[0", "stages..steps", ".", "[0]x", "a[]"],
)
def test_a_key_that_cannot_be_read_is_refused(write_config, key):
    assert complaint(write_config(), f"{key}=5").startswith(f"--set {key}=5: ")


def test_a_stage_that_is_not_there_is_said(write_config):
    said = complaint(write_config(), "stages[3].steps=5")
    assert said == "--set stages[3].steps=5: stages[3].steps: there is no item 3; items are 0 to 0"


@pytest.mark.parametrize(
    "key", ["int", "str", "float", "bool", "none", '"extra[0]"', "constrained-int"]
)
@pytest.mark.parametrize("value", ["{steps: 5}", "5", "[1]", "null"])
@pytest.mark.parametrize("below", ["", "dataset", "model", "stages.0", "stages.0.optimizer"])
def test_no_unknown_key_vanishes(write_config, key, value, below):
    bare = key.strip('"')
    if below:
        change = f"{below}.{key}={value}" if key == bare else None
        if change is None:
            return
        assert f"{bare}: unknown option" in complaint(write_config(), change)
        return
    path = write_config(write_config().read_text() + f"{key}: {value}\n")
    said = complaint(path)
    assert said.startswith(f"{path}:10  {bare}: unknown option")


def test_a_key_of_a_mapping_is_part_of_the_place_whatever_it_is_called(write_config):
    changes = ["stages.0.optimizer={name: sgd, learning_rate: {int: high}}"]
    said = complaint(write_config(), *changes)
    assert "stages[0].optimizer.learning_rate.int: must be a number, got 'high'" in said


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("stages.0={rule: backpropp, steps: 5}", "stages[0].rule"),
        ("stages.0.rule.name=backpropp", "stages[0].rule"),
        ("stages.0.optimizer={name: adam, learning_rate: -1}", "stages[0].optimizer.learning_rate"),
        ("stages.0.optimizer.learning_rate=-1", "stages[0].optimizer.learning_rate"),
        ("extra.below=1", "extra"),
        ("dataset.name=npz", "dataset.path"),
        ("stages=[]", "stages"),
        ("model={hidden: [5]}", "model"),
        ("name=", "name"),
        ("axes={}x", ""),
        ("examples=-3", "examples"),
        ("stages[0][0]=3", "stages[0].0"),
        ("name=\udcff", "not valid YAML"),
    ],
)
def test_what_was_set_is_blamed_on_the_words_that_set_it(write_config, change, name):
    for line in complaint(write_config(), change).splitlines():
        assert line.startswith(f"--set {change}")
        assert name in line


def test_what_stands_in_the_file_is_blamed_on_its_line_beside_a_change(write_config):
    path = write_config(write_config().read_text().replace("backprop", "backpropp"))
    assert complaint(path, "stages.0.batch_size=10").startswith(f"{path}:5  stages[0].rule:")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stages.0.steps=1e2", "stages.0.steps=100"),
        ("stages.0.batch_size=8.0", "stages.0.batch_size=8"),
        ("model.hidden=[5.0, 1e1]", "model.hidden=[5, 10]"),
        ("snapshots=[0.0, 1e1]", "snapshots=[0, 10]"),
        ("examples=1.0e+2", "examples=100"),
        ("stages.0.model={hidden: [5.0]}", "stages.0.model={hidden: [5]}"),
    ],
)
def test_a_whole_number_may_be_written_with_a_point_or_an_exponent(write_config, one, other):
    (first,), (second,) = load(write_config(), [one]), load(write_config(), [other])
    assert first == second
    assert identity(first) == identity(second)


@pytest.mark.parametrize("value", ["1.5", "-1e2", "0.0", "1e-2", "yes"])
def test_what_is_no_whole_number_stays_refused(write_config, value):
    said = complaint(write_config(), f"stages.0.steps={value}")
    assert said.startswith(f"--set stages.0.steps={value}  stages[0].steps: must be ")


@pytest.mark.parametrize(("value", "bound"), [("1e300", "at most"), ("-1e300", "at least")])
def test_a_number_beyond_the_bound_is_told_the_bound_however_it_is_written(
    write_config, value, bound
):
    assert f"stages[0].steps: must be {bound} " in complaint(
        write_config(), f"stages.0.steps={value}"
    )


def test_a_key_without_a_letter_is_named(write_config):
    path = write_config(write_config().read_text() + '"": 3\n')
    assert complaint(path).startswith(f'{path}:10  "": unknown option')


def test_what_another_flag_set_is_blamed_on_that_flag(bioexp, write_config):
    change = Change("dataset.name", "npz", "--dataset npz")
    assert complaint(write_config(), change) == "--dataset npz  dataset.path: is required"
    code, _, err = bioexp("train", write_config(), "--dataset", "bolbs", "--dry-run")
    assert code == 2
    assert err.startswith("--dataset bolbs  dataset: unknown dataset 'bolbs'")


def test_what_only_the_data_show_is_blamed_on_the_words_that_set_it(bioexp, write_config):
    change = "stages[0].objective=reconstruction"
    code, _, err = bioexp("train", write_config(), "--set", change)
    assert code == 2
    assert err.startswith(f"--set {change}  stages[0].objective: asks for (16,) outputs")


def test_a_message_shows_only_the_beginning_of_a_long_change(write_config):
    said = complaint(write_config(), f"stages.0.rule={'a' * 5000}")
    assert said.startswith("--set stages.0.rule=aaa")
    assert " …  stages[0].rule: unknown rule" in said
