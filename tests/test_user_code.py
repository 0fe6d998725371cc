"""A file of the user's is imported as Python imports a script; every module it needs that is not
installed is part of a run's identity, and a run keeps a copy of it.
"""

import sys

import pytest

from bioexp import fit, load
from bioexp.config.reading import identity
from bioexp.config.user_code import imported, is_installed, needed
from bioexp.runs.directory import open_run
from bioexp.runs.nets import trained
from bioexp.types import UserError

RULE = """\
from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from bioexp.types import Rule
from helper import FACTOR
import package.part


@dataclass
class Sizes:
    step: float = 1.0


def own(model, objective) -> Rule:
    from late import SHIFT

    return package.part.rule(model, objective, FACTOR + SHIFT * Sizes().step)
"""
PART = """\
import jax
from bioexp.rules.backprop import backprop
from . import inner


def rule(model, objective, factor):
    assert inner.HERE
    plain = backprop(model, objective)

    def update(params, state, batch, key):
        learned = plain.update(params, state, batch, key)
        scaled = jax.tree.map(lambda leaf: leaf * factor, learned.direction)
        return learned._replace(direction=scaled)

    return plain._replace(update=update)
"""
FILES = {
    "own.py": RULE,
    "helper.py": "FACTOR = 1.0\n",
    "late.py": "SHIFT = 0.0\n",
    "package/__init__.py": "",
    "package/part.py": PART,
    "package/inner.py": "HERE = True\n",
}
CHANGE = ["stages.0.rule=./own.py:own"]


def write(folder, files=FILES):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "own.py"


def test_a_rule_may_use_dataclasses_helpers_packages_and_imports_inside_of_functions(
    write_config, tmp_path
):
    write(tmp_path)
    (run,) = fit(load(write_config(), CHANGE), results=tmp_path / "results")
    (plain,) = fit(load(write_config()), results=tmp_path / "results")
    assert run.metrics == plain.metrics


def test_a_run_keeps_a_copy_of_everything_and_is_opened_without_the_original(
    write_config, tmp_path
):
    write(tmp_path)
    (run,) = fit(load(write_config(), CHANGE), results=tmp_path / "results")
    for name in FILES:
        assert (run.path / name).read_text() == FILES[name]
        (tmp_path / name).write_text("raise RuntimeError")
    (net,) = trained([open_run(run.path)], None)
    assert identity(net.experiment) == run.path.name.partition("-")[0]


@pytest.mark.parametrize(
    "name", ["helper.py", "late.py", "package/inner.py", "package/__init__.py"]
)
def test_a_changed_module_is_another_run(write_config, tmp_path, name):
    write(tmp_path)
    before = identity(*load(write_config(), CHANGE))
    (tmp_path / name).write_text(FILES[name] + "# changed\n")
    assert identity(*load(write_config(), CHANGE)) != before


def test_a_module_from_where_python_looks_is_part_of_the_identity_too(
    write_config, tmp_path, monkeypatch
):
    write(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "helper.py").rename(tmp_path / "elsewhere" / "helper.py")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    (experiment,) = load(write_config(), CHANGE)
    assert experiment.stages[0].rule.code["helper.py"] == b"FACTOR = 1.0\n"
    (tmp_path / "elsewhere" / "helper.py").write_text("FACTOR = 2.0\n")
    (other,) = load(write_config(), CHANGE)
    assert identity(other) != identity(experiment)
    assert other.stages[0].rule.builder.__globals__["FACTOR"] == 2.0


def test_files_of_two_folders_each_have_the_helper_beside_them(tmp_path):
    lazily = "def find():\n    from helper import FACTOR\n    return FACTOR\n"
    eagerly = "from helper import FACTOR\n"
    finds = []
    for number in (1, 2):
        own = write(
            tmp_path / str(number),
            {"own.py": eagerly + lazily, "helper.py": f"FACTOR = {number}\n"},
        )
        finds.append(imported(own).module)
    assert [module.FACTOR for module in finds] == [1, 2]
    assert [module.find() for module in finds + finds] == [1, 2, 1, 2]
    assert "helper" not in sys.modules


def test_two_files_that_a_run_would_keep_under_one_name_are_refused(write_config, tmp_path):
    rule = "from bioexp.rules import RULES\nown = RULES['backprop']\n"
    objective = "from bioexp.objectives import OBJECTIVES\nown = OBJECTIVES['cross_entropy']\n"
    write(tmp_path / "a", {"own.py": rule})
    write(tmp_path / "b", {"own.py": objective})
    changes = ["stages.0.rule=./a/own.py:own", "stages.0.objective=./b/own.py:own"]
    with pytest.raises(UserError, match=r"two files are called own\.py"):
        load(write_config(), changes)


def test_an_unchanged_file_is_executed_once(tmp_path):
    own = write(tmp_path)
    assert imported(own) is imported(own)
    (tmp_path / "late.py").write_text("SHIFT = 2.0\n")
    assert imported(own) is imported(own)


def test_what_is_installed_is_not_copied():
    import numpy

    assert is_installed(numpy.__file__)
    assert is_installed(pytest.__file__)
    assert is_installed(identity.__code__.co_filename)
    assert not is_installed(__file__)


def test_names_that_only_may_be_modules_are_passed_over(tmp_path):
    own = write(tmp_path, {"own.py": "try:\n    import nothing.at_all\nexcept ImportError: pass\n"})
    assert needed(own) == {"own.py": own}
    assert imported(own).files == {"own.py": own.read_bytes()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import helper\n", r"helper\.py:3: ZeroDivisionError: division by zero"),
        ("\nif:\n", r"own\.py:2: SyntaxError: invalid syntax"),
        ("import sys\nsys.exit('enough')\n", r"own\.py:2: SystemExit: enough"),
        ("def f(): f()\n\nf()\n", r"own\.py:1: RecursionError: maximum recursion depth"),
        ("from . import part\n", r"own\.py:1: ImportError: attempted relative import"),
        ("import absent\n", r"own\.py:1: ModuleNotFoundError: No module named 'absent'"),
        ("own = 3\n", "own is no function"),
        ("other = 3\n", "has no own"),
        ("\0", r"own\.py.*: cannot be imported: .*null byte"),
    ],
)
def test_whatever_goes_wrong_is_one_message_with_file_and_line(
    bioexp, write_config, tmp_path, text, said
):
    write(tmp_path, {"own.py": text, "helper.py": "x = 1\n\ny = x / 0\n"})
    code, out, err = bioexp("train", write_config(), "--set", *CHANGE, "--dry-run")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    with pytest.raises(UserError, match=said):
        load(write_config(), CHANGE)
