"""What the READMEs show: every key, every snippet and every command, tried."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from bioexp.config import reading
from bioexp.config.reading import identity, load
from bioexp.options import schema, type_words
from bioexp.robustness.flags import CHECKS

READMES = [
    ROOT / "README.md",
    *sorted(ROOT.glob("configs/**/README.md")),
    *sorted(ROOT.glob("bioexp/**/README.md")),
]
TABLES = {"The experiment": reading._experiment, "A stage": reading._stage}
LIMITS = r"(?:at least|at most|greater than) \d+"
BASE = """\
name: base
dataset: mnist5k
model: {name: mlp, hidden: [5, 4]}
stages: [{rule: backprop, epochs: 1}]
"""


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the table below a heading, as cells."""
    below = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [
        line for line in below.splitlines() if line.startswith("| `") or line.startswith("| S")
    ]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def commands(readme) -> list[str]:
    """What a README shows to type, without comments."""
    shown = re.findall(r"^(?:\$ |    (?=make ))(.*?)(?:  +#.*)?$", readme.read_text(), re.MULTILINE)
    return [line.strip() for line in shown]


KEYS = [
    (heading, *row)
    for heading in TABLES
    for row in table((ROOT / "configs" / "README.md").read_text(), heading)
]


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_of_a_config_is_explained_with_its_default_and_its_range(heading):
    fields = schema(TABLES[heading]).model_fields
    rows = {row[1].strip("`"): row for row in KEYS if row[0] == heading}
    assert list(rows) == list(fields)
    for key, field in fields.items():
        takes, default = rows[key][2], rows[key][3].strip("`")
        words = type_words(field.annotation, field.metadata)
        assert re.findall(LIMITS, takes) == re.findall(LIMITS, words), key
        assert ("null" in takes) == ("null" in words), key
        if field.is_required():
            assert default == "required"
        else:
            assert reading.plain(field.default) == yaml.safe_load(default), key


@pytest.mark.parametrize(("heading", "key", "example"), [(k[0], k[1], k[5]) for k in KEYS])
def test_the_example_of_every_key_loads(tmp_path, heading, key, example):
    config, change = yaml.safe_load(BASE), yaml.safe_load(example.strip("`"))
    assert list(change) == [key.strip("`")]
    if heading == "A stage":
        (stage,) = config["stages"]
        if key == "`steps`":
            del stage["epochs"]
        stage |= change
    else:
        config |= change
    file = tmp_path / "base.yaml"
    file.write_text(yaml.safe_dump(config))
    assert load(file)


def test_the_three_forms_of_an_axis_load(tmp_path):
    (shown,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "configs" / "README.md").read_text(), re.S)
    file = tmp_path / "base.yaml"
    file.write_text(BASE + shown)
    variants = [experiment.variant for experiment in load(file)]
    assert len(variants) == 8
    assert variants[0] == {"rule": "small", "pair": "0-1", "batch_size": "50"}


def test_every_check_is_explained_with_its_words():
    readme = (ROOT / "bioexp" / "robustness" / "README.md").read_text()
    rows = table(readme, "The fourteen checks")
    assert [(row[0], row[2]) for row in rows] == [
        (code, words) for code, (words, _) in CHECKS.items()
    ]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_readme_links_to_is_there(readme):
    links = re.findall(r"\]\(([^)#:]+)\)", readme.read_text())
    assert not [link for link in links if not (readme.parent / link).exists()]


def test_the_readmes_session_names_the_runs_that_its_commands_make():
    readme = (ROOT / "README.md").read_text()
    for config in ("log_net.yaml", "examples/my_rule.yaml"):
        for experiment in load(ROOT / "configs" / config):
            assert f"results/{experiment.name}/{identity(experiment)}-s0" in readme


def test_every_python_snippet_runs_or_is_part_of_an_example_that_does(
    tmp_path, monkeypatch, write_config
):
    examples = "".join(path.read_text() for path in (ROOT / "configs" / "examples").glob("*.py"))
    (tmp_path / "configs").mkdir()
    small = tmp_path / "configs" / "log_net.yaml"  # the name that is shown, in a moment
    few = write_config().read_text().replace("classes: 3", "classes: 3, n: 60, n_test: 12")
    small.write_text(few)
    monkeypatch.chdir(tmp_path)
    text = "".join(readme.read_text() for readme in READMES)
    snippets = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    ran = [exec(snippet, {}) for snippet in snippets if snippet.strip() not in examples]
    assert len(snippets) > len(ran) >= 1
    assert list((tmp_path / "results").glob("small/*/robustness.json"))


SHOWN = [(readme, command) for readme in READMES for command in commands(readme)]
LONG = ("train configs/log_net", "train log_net", "train relu_net", "train stdp", "train brain")
TINY = {  # configs by what commands call their runs, and what makes them train in a moment
    "my_rule": ("examples/my_rule.yaml", ("stages.0.epochs=1",)),
    "my_paper": ("examples/my_paper.yaml", ()),
    "log_net": (
        "log_net.yaml",
        ("dataset=mnist5k", "stages.0.steps=20", "stages.0.record_every=20", "snapshots=[]"),
    ),
}


@pytest.mark.parametrize(
    "command", dict.fromkeys(command for _, command in SHOWN if command.startswith("bioexp "))
)
def test_every_command_that_a_readme_shows_is_understood(command, bioexp, tmp_path, monkeypatch):
    """What trains for longer than a moment is shown its plan; the rest is done."""
    for name in ("configs", "README.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)[1:]
    if words[0] in ("attack", "report"):
        name = next((name for name in TINY if name in command), "log_net")
        config, changes = TINY[name]
        changes = [word for change in changes for word in ("--set", change)]
        code, out, err = bioexp("train", ROOT / "configs" / config, *changes, "--json")
        assert code == 0, err
        run = json.loads(out)[0]["runs"][0]
        words = [re.sub(r"log_net/\w{12}-s0", run, word) for word in words]
        words = [str(Path(run).parent) if word == name else word for word in words]
        words += ["--n", "20"] if words[0] == "attack" else []
    elif words[0] == "reproduce" or command.startswith(tuple(f"bioexp {word}" for word in LONG)):
        words += ["--dry-run"] if "--dry-run" not in words else []
        words += ["--data-dir", str(tmp_path)] if words[0] == "reproduce" else []
    code, out, err = bioexp(*words)
    if "slurm" in words and code == 2:
        assert "Slurm" in err  # none here
    elif words[0] == "train" and code == 2:
        assert "cannot be had" in err or "not there" in err, err
    else:
        assert code == 0, err
        assert out


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make here")
@pytest.mark.parametrize(
    "command", dict.fromkeys(command for _, command in SHOWN if command.startswith("make "))
)
def test_every_target_that_a_readme_shows_is_there(command):
    subprocess.run([*shlex.split(command), "-n"], cwd=ROOT, check=True, capture_output=True)


def test_every_other_command_is_tried_elsewhere():
    others = {
        command for _, command in SHOWN if not command.startswith(("bioexp ", "make ", "source "))
    }
    assert others == {"python configs/examples/plain_numpy.py results/log_net/b3d5792c-s0"}
    assert sys.version_info >= (3, 11)
