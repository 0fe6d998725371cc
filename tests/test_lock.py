"""Locks that outlive nobody."""

import os
import subprocess
import sys
import time

import pytest
from conftest import ROOT, hold

from bioexp.runs import lock
from bioexp.runs.lock import Busy, holder_of, locked
from bioexp.types import UserError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def test_a_lock_names_its_holder_beats_and_goes_with_the_block(folder, quick):
    with locked([folder]) as check:
        first = holder_of(folder)
        assert (first.process, first.born != "") == (os.getpid(), True)
        time.sleep(0.2)
        assert holder_of(folder).beats > first.beats
        check()
    assert holder_of(folder) is None


def test_the_living_keep_their_lock(folder):
    with (
        locked([folder]),
        pytest.raises(Busy, match=rf"process {os.getpid()} of .* is at work on it"),
        locked([folder]),
    ):
        pass
    hold(folder)
    with pytest.raises(Busy, match="process 12 of ada on node7"), locked([folder], patient=False):
        pass


def test_a_process_of_this_machine_that_is_gone_is_taken_over_at_once(folder):
    script = (
        "import os, pathlib; from bioexp.runs.lock import locked\nwith"
        f" locked([pathlib.Path({str(folder)!r})]): os._exit(9)"
    )
    subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    dead, said = holder_of(folder), []
    with locked([folder], patient=False, say=said.append):
        assert holder_of(folder).process == os.getpid()
    assert said == [f"{folder}: {dead} is dead; its work is taken over"]


def test_a_number_used_again_by_another_process_keeps_nobody_alive(folder):
    with locked([folder]):
        mine = holder_of(folder)
    hold(folder, machine=mine.machine, process=os.getpid(), born="1")
    with locked([folder], patient=False):
        pass


@pytest.mark.parametrize("beats", ["000000000007", ""])
def test_a_machine_that_gives_no_sign_of_life_is_taken_over(folder, quick, beats):
    """The second is a lock that was made and never written, as on a full disk."""
    hold(folder, beats) if beats else (folder / ".lock").write_text("")
    said = []
    with locked([folder], say=said.append):
        pass
    holder = "process 12 of ada on node7" if beats else "another process"
    assert said == [f"{folder}: {holder} is dead; its work is taken over"]


def test_a_clock_that_jumps_kills_nobody(folder, quick, monkeypatch):
    """A lock of the year 1970 whose holder beats on lives, whatever this machine's clock says."""
    hold(folder)
    os.utime(folder / ".lock", (0, 0))
    monkeypatch.setattr(time, "time", lambda: 4e9)
    looks = iter(range(1, 99))
    monkeypatch.setattr(lock.time, "sleep", lambda seconds: hold(folder, f"{next(looks):012d}"))
    with pytest.raises(Busy, match="ada"), locked([folder]):
        pass


def test_whoever_was_taken_over_finds_out_before_it_writes_again(folder):
    with locked([folder]) as check:
        hold(folder)
        with pytest.raises(
            Busy,
            match=r"was taken over by process 12 of ada on node7, as this one gave no sign of life",
        ):
            check()
    assert holder_of(folder).host == "node7"


def test_a_lock_that_a_full_quota_does_not_take_is_named_and_not_left(folder, monkeypatch):
    def full(file, data):
        raise OSError(122, "Disk quota exceeded")

    monkeypatch.setattr(lock.os, "write", full)
    with (
        pytest.raises(UserError, match=r"cannot be written \(Disk quota exceeded\); make room"),
        locked([folder]),
    ):
        pass
    assert holder_of(folder) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can try what another user may do")
def test_a_directory_of_another_user_is_named(folder):
    script = f"""
import os, pathlib
from bioexp.runs.lock import locked
os.setuid(65534)
with locked([pathlib.Path({str(folder)!r})]): pass
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "(Permission denied); name another place with --results" in done.stderr
