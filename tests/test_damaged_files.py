"""A damaged file is one message that names the file, and exit code 2: of `bioexp report`, which
reads all of them, and of the commands that read some. What bioexp itself would have written wrongly
is named by its field.
"""

import json
import shutil
import zipfile

import pytest
import yaml
from conftest import SMALL
from made_runs import made_claim, made_run, vouch_again

from bioexp import fit, load, records
from bioexp.files import read_arrays, write_arrays
from bioexp.types import UserError

RUN = "small/0a1b2c3d4e5f-s0"
BY_RUN = ("summary.json", "provenance.json", "robustness.json", "metrics.jsonl", "config.yaml")
FILES = (*BY_RUN, "claims.json")
CONTENTS = {"a list": b"[]", "empty": b"", "an object": b"{}", "no UTF-8": b"\xff\xfe{'a'"}
NOTHING_YET = ("claims.json", "a list")  # nothing was reproduced: no damage
NO_FIELD = {
    "summary.json": "n_test: field required",
    "provenance.json": "command: field required",
    "robustness.json": "title: field required",
    "metrics.jsonl": "has no stage",
    "config.yaml": "name: field required",
    "claims.json": "should be a valid array",
}
WRONG = [  # what stands at a place instead, and how the message calls the place
    ("summary.json", ["test_accuracy"], "high", "test_accuracy"),
    ("summary.json", ["n_test"], 1.5, "n_test"),
    ("summary.json", ["test_accuracy_task1"], "high", "test_accuracy_task1"),
    ("summary.json", ["test_accuracy"], None, "test_accuracy"),
    ("provenance.json", ["seed"], "0", "seed"),
    ("provenance.json", ["device"], "cpu", "device"),
    ("provenance.json", ["device", "kind"], 1, "device.kind"),
    ("provenance.json", ["dataset", "n_train"], "many", "dataset.n_train"),
    ("provenance.json", ["stage_s", 0], "long", "stage_s[0]"),
    ("provenance.json", ["group"], {}, "group"),
    ("robustness.json", ["rows"], [], "rows"),
    ("robustness.json", ["rows", 1, "accuracy"], "half", "rows[1].accuracy"),
    ("robustness.json", ["rows", 1, "eps"], None, "rows"),
    ("robustness.json", ["rows", 0, "eps"], 0.1, "rows"),
    ("robustness.json", ["norm"], "l1", "norm"),
    ("robustness.json", ["flags", 0, "state"], "blue", "flags[0].state"),
    ("metrics.jsonl", ["train_loss"], "low", "train_loss"),
    ("metrics.jsonl", ["stage"], [0], "stage"),
    ("config.yaml", ["stages"], [], "stages"),
    ("config.yaml", ["stages", 0, "rule"], "oja", "stages[0].rule"),
    ("config.yaml", ["model", "name"], 5, "model.name"),
    ("config.yaml", ["variant"], {"rule": 1}, "variant.rule"),
    ("claims.json", [0], "reproduced", "[0]"),
    ("claims.json", [0, "id"], "log_net", "[0].id"),
    ("claims.json", [0, "verdict"], "perhaps", "[0].verdict"),
    ("claims.json", [0, "measured"], "high", "[0].measured"),
    ("claims.json", [0, "ci95"], [0.1], "[0].ci95"),
    ("claims.json", [0, "controls", 0, "what"], None, "[0].controls[0].what"),
    ("claims.json", [0, "runs"], "log_net/b3d5792c", "[0].runs"),
]


@pytest.fixture
def results(tmp_path):
    """A run that was attacked, and a claim on it."""
    folder = tmp_path / "results"
    run = made_run(folder, robust=0.4)
    records.write(folder / "claims.json", [made_claim(0, "reproduced", runs=(run.group,))])
    return folder


def place(results, name):
    return results / name if name == "claims.json" else results / RUN / name


def complaint(bioexp, results, name):
    """The one message of `bioexp report` about a file, without its name; it is as bad as if it had
    been written so.
    """
    file = place(results, name)
    vouch_again(results / RUN)
    code, out, err = bioexp("report")
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    (line,) = err.splitlines()
    assert line.startswith(str(file))
    assert not list(results.glob("report.*"))  # no half of a page
    return line.removeprefix(str(file))


def test_what_is_whole_is_reported(bioexp, results):
    assert bioexp("report")[0] == 0
    assert "number 0" in (results / "report.md").read_text()


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("name", FILES)
def test_a_file_with_other_content_is_named(bioexp, results, name, content):
    file = place(results, name)
    file.write_bytes(CONTENTS[content])
    if (name, content) == NOTHING_YET:
        assert bioexp("report")[0] == 0
        return
    said = complaint(bioexp, results, name)
    if content == "an object":
        assert NO_FIELD[name] in said
    if content == "a list":
        assert "should be an object" in said
    assert name == "config.yaml" or said.endswith(
        ("train it again with --force", "attack the run again", "run `bioexp reproduce` again")
    )


@pytest.mark.parametrize(("name", "keys", "value", "called"), WRONG)
def test_a_value_of_a_wrong_type_is_named_by_its_field(bioexp, results, name, keys, value, called):
    file = place(results, name)
    text = file.read_text()
    content = yaml.safe_load(text) if name == "config.yaml" else json.loads(text)
    node = content
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    file.write_text(json.dumps(content))  # which YAML reads too
    said = complaint(bioexp, results, name)
    assert called in said
    assert name != "metrics.jsonl" or said.startswith(":1  ")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_off_is_named(bioexp, results, name):
    file = place(results, name)
    text = file.read_bytes()
    file.write_bytes(text[: len(text) // 2])
    complaint(bioexp, results, name)


@pytest.mark.parametrize("name", BY_RUN[:2])
def test_an_unknown_field_is_refused(bioexp, results, name):
    file = place(results, name)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"acuracy": "0.9"}))
    assert "acuracy" in complaint(bioexp, results, name)


@pytest.mark.parametrize("length", [0, 5, 20, -40])
def test_a_picture_that_cannot_be_read_is_named(bioexp, results, length):
    file = place(results, "figures/w1.png")
    file.write_bytes(file.read_bytes()[:length])
    assert "is no picture" in complaint(bioexp, results, "figures/w1.png")


def test_arrays_that_an_attack_left_are_read_only_where_runs_are_compared(bioexp, results):
    made_run(results, "other", robust=0.5)
    file = place(results, "attacks/pgd.npz")
    file.write_bytes(b"no arrays")
    vouch_again(results / RUN)
    assert bioexp("report")[0] == 0
    code, _, err = bioexp("report", "small", "other")
    assert code == 2
    assert err.startswith(f"{file}: is damaged")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A config and the results of its training, to be copied."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.yaml").write_text(SMALL)
    fit(load(folder / "small.yaml"), results=folder / "results")
    return folder


@pytest.fixture
def finished(trained, tmp_path):
    """The config, and the directory of its finished run where the command line looks for it."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    (run,) = (tmp_path / "results").glob("small/*-s0")
    return tmp_path / "small.yaml", run


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("name", [name for name in BY_RUN if name != "robustness.json"])
def test_no_other_command_believes_a_damaged_file(bioexp, finished, name, content):
    config, run = finished
    (run / name).write_bytes(CONTENTS[content])
    (row,) = json.loads(bioexp("list", "runs", "--json")[1])
    assert row["status"] == "damaged"
    assert row["last words"] == f"{run / name}: was altered since it was written"
    for words in (["train", config], ["attack", "small", "--fgsm"]):
        code, _, err = bioexp(*words)
        remedy = "train it again with --force"
        assert (code, err) == (2, f"{run / name}: was altered since it was written; {remedy}\n")
    assert bioexp("train", config, "--force")[0] == 0
    assert bioexp("list", "runs")[1].count("finished") == 1


def test_a_damaged_table_of_attacks_is_made_anew(bioexp, finished):
    _, run = finished
    (run / "robustness.json").write_text("[]")
    assert bioexp("attack", "small", "--fgsm", "--eps", "0.1", "--n", 10)[0] == 0
    assert records.read(run / "robustness.json", records.Robustness).n == 10


@pytest.mark.parametrize("missing", ["eps", "correct", "clean"])
def test_what_an_attack_left_without_one_of_its_arrays_is_named(bioexp, results, missing):
    made_run(results, "other", robust=0.5)
    file = place(results, "attacks/pgd.npz")
    arrays = read_arrays(file)
    del arrays[missing]
    write_arrays(file, arrays)
    vouch_again(results / RUN)
    code, _, err = bioexp("report", "small", "other")
    assert (code, err) == (2, f"{file}: has no {missing}; attack the run again\n")


def test_weights_that_promise_more_than_there_is_are_damage(tmp_path):
    """A header of a trillion numbers, and one that never ends: no error of NumPy's own gets out."""
    for number, end in enumerate((")}", "")):
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({10**14},{end}\n"
        content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()
        file = tmp_path / f"{number}.npz"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("w.npy", content)
        with pytest.raises(UserError, match=r"npz: is damaged"):
            read_arrays(file)
