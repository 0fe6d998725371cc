"""Whatever shell, terminal, user or machine a command meets: what was computed is kept, results
are on stdout, and a word says what is missing.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bioexp import streams
from bioexp.console import Terminal
from bioexp.datasets.downloads import cache_root
from bioexp.devices import prepare
from bioexp.figures.canvas import canvas, drawn, own_style
from bioexp.files import cache_folder, expanded, folder_at, write_text
from bioexp.runs import lock
from bioexp.types import UserError


class Broken:
    """A stream that takes nothing."""

    encoding = "utf-8"

    def __init__(self, error):
        self.error = error

    def write(self, text):
        raise self.error

    def flush(self):
        raise self.error

    def isatty(self):
        raise self.error


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FULL, "stdout: No space left on device; what is printed is lost\n"),
        (BrokenPipeError(32, "Broken pipe"), ""),
        (ValueError("I/O operation on closed file"), ""),
    ],
)
def test_no_stream_fails_a_command(bioexp, write_config, monkeypatch, capsys, error, said):
    config = write_config()
    monkeypatch.setattr("sys.stdout", Broken(error))
    code, _, err = bioexp("train", config)
    assert (code, err) == (0, said)
    monkeypatch.undo()
    assert bioexp("list", "runs")[1].count("finished") == 1


def test_a_stream_that_is_not_there_takes_everything():
    stream = streams._Lasting(None)
    assert stream.write("a word") == 6
    stream.flush()
    assert not stream.isatty()


def test_letters_that_a_terminal_lacks_are_question_marks_and_json_stays_whole(
    write_config, tmp_path
):
    """The middle dot of the last line, and a name in Greek."""
    named = write_config().read_text().replace("blobs, ", "blobs, n: 60, n_test: 30, ")
    config = write_config(named + "variant: {rule: ρ}\n")
    words = [sys.executable, "-m", "bioexp", "train", str(config), "--results", str(tmp_path)]
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii"}
    plain = subprocess.run(words, env=ascii_only, capture_output=True, check=True)
    assert b" ? next: bioexp attack" in plain.stdout
    assert plain.stderr == b""


def test_json_is_ascii_where_stdout_is(monkeypatch, capsys):
    monkeypatch.setattr(streams, "_RESULTS", [_Ascii()])
    Terminal(as_json=True).show({"name": "ρ"})
    assert json.loads(streams.results().text) == {"name": "ρ"}


class _Ascii:
    encoding, text = "ascii", ""

    def write(self, text):
        self.text += text.encode("ascii").decode()


@pytest.mark.parametrize("columns", ["0", "-1", "many", "1", "100000000000"])
def test_no_width_makes_a_table_vanish(bioexp, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    code, out, _ = bioexp("list", "rules")
    assert code == 0
    assert "backprop" in out.replace("\n", "")


def test_a_print_in_the_users_code_is_no_part_of_the_results(bioexp, write_config, tmp_path):
    (tmp_path / "own.py").write_text(
        "from bioexp.rules.backprop import backprop\n"
        "print('imported')\n"
        "def own(model, objective):\n"
        "    print('built')\n"
        "    rule = backprop(model, objective)\n"
        "    def update(*given):\n"
        "        print('traced')\n"
        "        return rule.update(*given)\n"
        "    return rule._replace(update=update)\n"
    )
    change = "stages.0.rule=./own.py:own"
    code, out, err = bioexp("train", write_config(), "--set", change, "--json")
    assert code == 0
    assert len(json.loads(out)) == 1
    assert {"imported", "built", "traced"} <= set(err.split())


def test_pictures_are_of_our_own_style_whatever_the_users_file_says(tmp_path):
    import matplotlib

    with matplotlib.rc_context({"text.usetex": True, "font.family": "Nothere"}):
        with own_style():
            figure = canvas(1, 1)
            figure.suptitle("$plain$ words")
            figure.savefig(tmp_path / "a.png")
        assert matplotlib.rcParams["text.usetex"]


def test_a_picture_that_cannot_be_drawn_fails_no_run(bioexp, write_config, monkeypatch):
    def broken(*given, **options):
        raise RuntimeError("no font at all")

    monkeypatch.setattr("bioexp.runs.pictures.mosaic", broken)
    monkeypatch.setattr("bioexp.runs.attack_files.robustness_curve", broken)
    code, out, err = bioexp("train", write_config())
    assert (code, err) == (0, "")
    assert "a picture is missing: RuntimeError: no font at all" in out
    code, out, err = bioexp("attack", "small", "--attacks", "noise", "--eps", "0.1")
    assert (code, err) == (0, "")
    assert "a picture is missing: RuntimeError: no font at all" in out


def test_ctrl_c_while_drawing_is_no_missing_picture():
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drawn(stopped, print)


def test_without_a_home_caches_are_among_the_temporary_files(monkeypatch, tmp_path):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(Path, "expanduser", lambda self: homeless() if "~" in str(self) else self)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    own = tmp_path / f"bioexp-{os.getuid()}"
    assert cache_folder().is_relative_to(own)
    assert cache_root().is_relative_to(own)
    with pytest.raises(
        UserError, match=r"^~/x: this user has no home, and HOME is not set; write the"
    ):
        expanded("~/x")


def test_an_unknown_user_is_named(monkeypatch):
    with pytest.raises(UserError, match=r"^~nobody-here/x: there is no user nobody-here here; wri"):
        expanded("~nobody-here/x")


def test_a_name_that_is_no_text_fails_no_run(bioexp, write_config, tmp_path):
    """Its bytes are what Python hands on where the terminal's encoding does not hold them."""
    results = tmp_path / os.fsdecode("ρ".encode() + b"\xff")
    for words in (
        ("train", write_config()),
        ("attack", "--attacks", "noise", "--eps", "0.1"),
        ("report",),
    ):
        code, _, err = bioexp(*words, "--results", results)
        assert (code, err) == (0, "")
    write_text(tmp_path / "name", "ρ".encode().decode("ascii", "surrogateescape") + "\udcff")
    assert (tmp_path / "name").read_text("utf-8") == "ρ�"


def test_a_report_below_a_file_is_refused_in_words(bioexp, write_config, tmp_path):
    config = write_config()
    assert bioexp("train", config)[0] == 0
    code, _, err = bioexp("report", "-o", config / "page.html")
    assert (code, err) == (2, f"{config}: is no folder; name another place\n")


def test_a_user_without_a_name_has_a_number(monkeypatch):
    def unknown():
        raise KeyError("getpwuid(): uid not found: 54321")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert lock._user() == str(os.getuid())


@pytest.mark.parametrize("given", ["file", "file/x", "file/x/y", "loop", "loop/x", "a" * 300])
@pytest.mark.parametrize("words", [["list", "runs"], ["train", "log_net"], ["attack"], ["report"]])
def test_results_that_can_be_no_folder_are_one_message(bioexp, tmp_path, given, words):
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    code, out, err = bioexp(*words, "--results", tmp_path / given)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "no folder" in err or "no name of a folder" in err
    with pytest.raises(UserError):
        folder_at(tmp_path / given)
    with pytest.raises(UserError, match="is no name of a folder"):
        folder_at("a\0b")


def test_a_platform_that_is_not_there_is_named_as_it_was_asked_for(monkeypatch):
    def absent():
        raise AssertionError

    monkeypatch.setattr("jax.devices", absent)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    with pytest.raises(UserError, match=r"^JAX_PLATFORMS=cuda: there is none here; check the JAX"):
        prepare("auto")


def test_the_users_folder_for_compiled_programs_is_used(monkeypatch, tmp_path):
    import jax

    before = jax.config.jax_compilation_cache_dir
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))  # as it does at its import
    try:
        prepare("auto")
        assert jax.config.jax_compilation_cache_dir == str(tmp_path)
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def test_a_folder_that_may_not_be_used_is_one_message(bioexp, write_config, monkeypatch):
    def refused(self, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "unlink", refused)
    code, _, err = bioexp("train", write_config())
    assert code == 2
    assert len(err.splitlines()) == 1
    assert err.endswith("Permission denied\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_so_that_a_shell_sees_it(tmp_path, number, code):
    """It dies of the signal, after it has put everything in order: a loop of the shell ends too."""
    config = tmp_path / "long.yaml"
    config.write_text(LONG)
    command = f"{sys.executable} -m bioexp train long.yaml --results r; echo $?"
    shell = subprocess.Popen(
        ["sh", "-c", command], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("r/*/*/metrics.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    (holder,) = (lock.holder_of(folder) for folder in tmp_path.glob("r/*/*"))
    os.kill(holder.process, number)
    out, err = shell.communicate(timeout=60)
    assert out.split()[-1] == str(code).encode()
    assert b"stopped; the same command again continues where it was" in err
    assert b"Traceback" not in err
    assert not list(tmp_path.glob("r/*/*/.lock"))


LONG = """\
name: long
dataset: blobs
model: {name: mlp, hidden: [5]}
stages: [{rule: backprop, steps: 1000000, record_every: 100}]
"""
