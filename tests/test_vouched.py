"""What is finished is vouched for, file by file: whatever was altered, exchanged or copied since is
said and never used.
"""

import json
import os
import shutil
from itertools import combinations
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from conftest import SMALL
from made_runs import made_run

from bioexp import attack, fit, load
from bioexp.config import reading
from bioexp.config.reading import identity
from bioexp.files import Unreadable, read_arrays
from bioexp.robustness.stored import table_of
from bioexp.runs import directory, nets
from bioexp.runs.directory import find, open_run, seeds_of
from bioexp.types import UserError
from bioexp.vouched import altered, vouch, vouched


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A config and the results of its training and an attack, to be copied."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "own.py").write_text("from bioexp.rules.backprop import backprop as own\n")
    (folder / "small.yaml").write_text(SMALL.replace("backprop", "./own.py:own"))
    runs = fit(
        load(folder / "small.yaml", ["snapshots=[0, 8]"]), seeds=2, results=folder / "results"
    )
    attack(runs[0], attacks="fgsm", eps=0.1, n=20)
    return folder


@pytest.fixture
def run(trained, tmp_path):
    """The first run's directory, where the command line looks for it."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return seed(tmp_path / "results", 0)


def seed(results, number):
    (path,) = results.glob(f"small/*-s{number}")
    return path


def content(path: Path) -> dict[str, bytes]:
    """What an attack found."""
    files = [*path.glob("attacks/*"), *path.glob("robustness.csv"), *path.glob("robustness.md")]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def test_a_finished_run_vouches_for_everything_that_training_wrote(run):
    names = {str(file.relative_to(run)) for file in vouched(run / "FINISHED")}
    assert names == {
        *("config.yaml", "provenance.json", "metrics.jsonl", "summary.json", "weights.npz"),
        *("snapshots/0000.npz", "snapshots/0008.npz", "own.py"),
        *("figures/w1.png", "figures/learning_curve.png"),
    }
    names |= {str(file.relative_to(run)) for file in vouched(run / "ATTACKED")}
    lying = {str(file.relative_to(run)) for file in run.rglob("*") if file.is_file()}
    assert names == lying - {"ATTACKED"}


FILES = (
    *("config.yaml", "provenance.json", "metrics.jsonl", "summary.json", "weights.npz", "own.py"),
    *("snapshots/0008.npz", "figures/w1.png", "FINISHED"),
)
ATTACKS = ("robustness.json", "robustness.csv", "robustness.png", "attacks/fgsm.npz", "ATTACKED")
DAMAGES = {
    "flipped": lambda file: file.write_bytes(
        bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:]
    ),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-1]),
    "empty": lambda file: file.write_bytes(b""),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "gone": lambda file: file.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_run_of_which_a_file_was_altered_is_used_by_nobody(run, name, damage):
    DAMAGES[damage](run / name)
    with pytest.raises(UserError, match=r"FINISHED|altered|missing|format|no finished run"):
        open_run(run)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_of_which_a_file_was_altered_are_believed_by_nobody_and_made_again(
    run, name, damage
):
    before = content(run)
    DAMAGES[damage](run / name)
    if (run / name).is_dir():
        (run / name).rmdir()
    elif name == "ATTACKED" and damage == "gone":
        assert table_of(run) is None
    elif damage == "gone" and name.startswith("attacks/"):  # it takes room, and may be deleted
        assert table_of(run) is not None
    else:
        with pytest.raises(UserError, match=r"altered|missing|attack the run again"):
            table_of(run)
    if damage == "flipped":
        attack(run, attacks="fgsm", eps=0.1, n=20)
        assert table_of(run) is not None
        assert content(run) == before


def test_an_attacks_file_with_other_outcomes_is_not_taken_up(run):
    """It still says for which net, images and code it was made."""
    file = run / "attacks" / "fgsm.npz"
    whole = read_arrays(file)
    np.savez(file, **whole | {"tries": np.ones_like(whole["tries"])})
    (record,) = attack(run, attacks="fgsm", eps=0.1, n=20)
    assert (read_arrays(file)["tries"] == whole["tries"]).all()
    assert record.rows[-1].accuracy == table_of(run).rows[-1].accuracy


def test_a_runs_weights_cannot_be_exchanged_for_anothers(bioexp, run):
    shutil.copy(seed(run.parent.parent, 1) / "weights.npz", run / "weights.npz")
    for words in (["attack", run, "--fgsm"], ["report", run], ["train", "small.yaml"]):
        if words[0] == "train":
            words[1] = run.parent.parent.parent / words[1]
            words += ["--set", "snapshots=[0, 8]"]
        code, _, err = bioexp(*words)
        assert code == 2
        assert err == (
            f"{run / 'weights.npz'}: was altered since it was written; train it again with"
            " --force\n"
        )
    (row, _) = json.loads(bioexp("list", "runs", "--json")[1])
    assert row["status"] == "damaged"


def test_what_attacks_left_of_one_run_is_not_anothers(run):
    other = seed(run.parent.parent, 1)
    for name in ("attacks", "figures"):
        shutil.copytree(run / name, other / name, dirs_exist_ok=True)
    for name in ("ATTACKED", *ATTACKS):
        shutil.copy(run / name, other / name)
    with pytest.raises(UserError, match="was altered"):
        table_of(other)


@pytest.mark.parametrize("name", ["{}-s1", "000000000000-s0", "copy of {}-s0"])
def test_a_run_under_another_name_is_not_used(run, name, tmp_path):
    digits = run.name.partition("-")[0]
    copy = tmp_path / "elsewhere" / name.format(digits)
    shutil.copytree(run, copy)
    with pytest.raises(UserError, match=f"holds the run {digits}-s0, and is not used under"):
        open_run(copy)
    moved = run.rename(tmp_path / run.name)
    assert open_run(moved).seed == 0


def test_backups_beside_runs_are_no_runs(bioexp, run):
    for end in (".bak", " (copy)", "x", ""):
        shutil.copytree(run, run.with_name(f"{run.name.removesuffix('0')}{end}"))
    results = run.parent.parent
    runs = [run, seed(results, 1)]
    assert seeds_of(run.parent / run.name.partition("-")[0]) == runs
    assert find(results, []) == find(results, ["small"]) == runs
    assert len(json.loads(bioexp("list", "runs", "--json")[1])) == 2
    assert bioexp("report")[0] == 0


def test_the_newest_run_is_the_one_that_was_finished_last_however_it_was_copied(tmp_path):
    older = made_run(tmp_path, identity="a" * 12, finished="2026-01-01T00:00:00+00:00")
    newer = made_run(tmp_path, identity="b" * 12, finished="2026-01-02T00:00:00+00:00")
    for marker in older.path.iterdir():
        os.utime(marker)
    assert find(tmp_path, ["small"]) == [newer.path]


def test_an_attack_names_the_runs_that_it_attacks(bioexp, run):
    _, out, _ = bioexp("attack", "--attacks", "fgsm", "--eps", "0.1", "--n", 20)
    assert f"attacking small/{run.name}, small/{run.name[:-1]}1" in out


def test_configs_are_told_apart_whose_digests_begin_alike(write_config, tmp_path, monkeypatch):
    for module in (reading, directory):
        monkeypatch.setattr(module, "DIGITS", 1)
    several = [load(write_config(), [f"dataset.seed={seed}"])[0] for seed in range(17)]
    first, second = next(
        pair for pair in combinations(several, 2) if len(set(map(identity, pair))) == 1
    )
    fit(first, results=tmp_path)
    with pytest.raises(UserError, match="holds another config, whose digest begins alike"):
        fit(second, results=tmp_path)


def test_a_file_that_may_not_be_read_is_not_called_damaged(run, monkeypatch):
    """In a folder of somebody else's: nothing of it is to be trained again."""

    def refused(self, *rest, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(Unreadable, match=r"cannot be read \(Permission denied\)$"):
        open_run(run)
    monkeypatch.setattr("numpy.load", refused)
    with pytest.raises(Unreadable, match=r"cannot be read \(Permission denied\)$"):
        read_arrays(run / "weights.npz")


def test_a_marker_reads_a_file_again_only_when_it_changed(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("a")
    vouch(tmp_path / "MARKER", [tmp_path / "a"])
    with monkeypatch.context() as patched:
        patched.setattr("hashlib.file_digest", None)
        assert altered(tmp_path / "MARKER") == ""
    (tmp_path / "a").write_text("bb")
    assert altered(tmp_path / "MARKER") == f"{tmp_path / 'a'}: was altered since it was written"


def test_a_moved_data_file_is_found_where_data_lie(bioexp, tmp_path, write_config):
    x = np.random.default_rng(0).random((60, 4)).astype(np.float32)
    y = np.arange(60) % 3
    np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    changes = "dataset={name: npz, path: own.npz}"
    assert bioexp("train", write_config(), "--set", changes)[0] == 0
    (tmp_path / "moved").mkdir()
    (tmp_path / "own.npz").rename(tmp_path / "moved" / "own.npz")
    (run,) = find(tmp_path / "results", ["small@npz"])
    with pytest.raises(UserError, match=r"no such file; if it was moved, name its .* --data-dir"):
        list(nets.trained([open_run(run)], None))
    (net,) = nets.trained([open_run(run)], tmp_path / "moved")
    assert len(net.dataset.y_train) == 60


def test_a_path_that_is_set_is_looked_for_from_the_shells_folder_first(
    bioexp, tmp_path, write_config, monkeypatch
):
    x, y = np.zeros((9, 2), np.float32), np.arange(9) % 3
    (tmp_path / "shell").mkdir()
    np.savez(tmp_path / "shell" / "own.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    config = write_config()
    monkeypatch.chdir(tmp_path / "shell")
    changes = ["dataset={name: npz, path: own.npz}"]
    (experiment,) = load(config, changes)
    assert experiment.dataset.options["path"] == str(tmp_path / "shell" / "own.npz")
    (tmp_path / "shell" / "own.py").write_text("from bioexp.rules.backprop import backprop as own")
    (experiment,) = load(config, ["stages.0.rule=./own.py:own"])
    assert experiment.stages[0].rule.code.keys() == {"own.py"}


def test_a_tilde_is_the_home_wherever_a_path_is_given(bioexp, write_config, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    config = write_config()
    monkeypatch.setenv("BIOEXP_RESULTS", "~/kept")
    code, _, err = bioexp("train", f"~/{config.name}", "--results", "~/kept")
    assert code == 0, err
    (run,) = (tmp_path / "kept" / "small").iterdir()
    assert bioexp("report", f"~/kept/small/{run.name}", "-o", "~/page.html")[0] == 0
    assert (tmp_path / "page.html").is_file()
    assert fit(load(f"~/{config.name}"), results="~/kept")[0].path == run
    code, _, err = bioexp("train", config, "--results", "~nobody-here/x")
    assert code == 2
    assert "~nobody-here/x: " in err


def test_a_page_is_written_through_a_link(bioexp, run, tmp_path):
    (tmp_path / "web").mkdir()
    link, page = tmp_path / "page.html", tmp_path / "web" / "page.html"
    page.write_text("old")
    link.symlink_to(page)
    assert bioexp("report", "-o", link)[0] == 0
    assert link.is_symlink()
    assert page.read_text().startswith("<!doctype html>")


def test_a_page_goes_into_a_stream_as_a_whole_and_alone(bioexp, run, tmp_path):
    pipe = tmp_path / "stream"
    pipe.mkdir()
    os.mkfifo(pipe / "page")
    found = []
    reader = Thread(target=lambda: found.append((pipe / "page").read_bytes()), daemon=True)
    reader.start()
    code, out, err = bioexp("report", "-o", pipe / "page")
    reader.join(20)
    assert (code, out, err) == (0, "", "")
    assert found[0].startswith(b"<!doctype html>")
    assert found[0].endswith(b"</html>")
    assert [path.name for path in pipe.iterdir()] == ["page"]
