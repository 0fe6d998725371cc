"""Crashes at every file operation of a command, one after another, as SQLite tests itself: after
each, the same command again leaves what an undisturbed one leaves, bit for bit.

    python -m pytest -n 2 tests/kills/crashes.py

A crash stops this process' files, not the process: the operation and all that come after it raise
`Crash` until the next life, which has another process number and remembers nothing. Operations that
change nothing do not count. Clocks stand still, so that no time differs between two runs.
"""

from __future__ import annotations

import builtins
import gc
import io
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime
from functools import partial, wraps
from itertools import count
from math import inf
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import made_paper
import pytest
from conftest import SMALL
from jax import clear_caches, device_get
from jax.random import key_data
from PIL import Image

from bioexp import files, vouched
from bioexp.__main__ import main
from bioexp.claims import plan
from bioexp.files import write_atomically
from bioexp.report import page
from bioexp.robustness.evaluate import evaluate
from bioexp.runs import attack, lock, provenance, seed_group
from bioexp.runs.attack_files import PICTURES
from bioexp.training import Record, fit

LIVES = count(2**22 + 1)  # above all numbers of processes that Linux gives
WRITES = os.O_WRONLY | os.O_RDWR
EAGER, LAZY = -1.0, inf  # seconds between states: one with every record, none


class Crash(BaseException):
    """The power is off."""


class Life:
    """From one start to the next crash: the file operations below a folder are counted, and from
    number `last` on they raise.
    """

    def __init__(self, root: Path, last: int | None = None) -> None:
        self.root, self.last, self.operations = str(root.resolve()), last, 0
        self.process, self.over = next(LIVES), False
        self.descriptors: set[int] = set()

    def holds(self, path: object, folder: int | None = None) -> bool:
        """Whether a path lies below the folder; one that is relative to an open folder too."""
        if isinstance(path, int):
            return path in self.descriptors
        within = f"/proc/self/fd/{folder}" if folder is not None else os.getcwd()
        place = Path(os.path.realpath(within), os.fspath(path))
        return str(place).startswith(self.root)

    def operate(self, half: Callable[[], object] = lambda: None) -> None:
        """Count an operation; half: what it leaves if the crash comes in its midst."""
        self.operations += not self.over
        if self.operations == self.last and not self.over:
            self.over = True
            half()
        if self.over:
            raise Crash


class Written(io.FileIO):
    """A file that is open for writing as long as its life lasts."""

    life: Life

    def write(self, data) -> int:
        self.life.operate(lambda: super(Written, self).write(bytes(data)[: len(data) // 2]))
        return super().write(data)

    def truncate(self, size: int | None = None) -> int:
        self.life.operate()
        return super().truncate(size)


@contextmanager
def living(life: Life) -> Iterator[None]:
    """This process as a new one, whose file operations are those of a life."""
    plain_open = io.open

    def opened(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, **more):
        if not set(mode) & set("wax+") or not life.holds(file):
            return plain_open(file, mode, buffering, encoding, errors, newline, **more)
        life.operate()
        raw = Written(file, mode.replace("b", "").replace("t", ""))
        raw.life = life
        life.descriptors.add(raw.fileno())
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    def counted(name: str, changes: Callable[..., bool]) -> Callable[..., object]:
        plain = getattr(os, name)

        def operation(path, *arguments, **named):
            if life.holds(path, named.get("dir_fd")) and changes(path, *arguments, **named):
                life.operate()
            return plain(path, *arguments, **named)

        return operation

    def there(path, *_, dir_fd=None, **__) -> bool:
        with suppress(OSError):
            return bool(os.stat(path, dir_fd=dir_fd, follow_symlinks=False))
        return False

    plain_write, plain_os_open = os.write, os.open

    def os_open(path, flags, *arguments, **named):
        if flags & WRITES and life.holds(path, named.get("dir_fd")):
            if not (flags & os.O_EXCL and there(path)):
                life.operate()
            life.descriptors.add(descriptor := plain_os_open(path, flags, *arguments, **named))
            return descriptor
        return plain_os_open(path, flags, *arguments, **named)

    def os_write(descriptor, data):
        if life.holds(descriptor):
            life.operate(lambda: plain_write(descriptor, data[: len(data) // 2]))
        return plain_write(descriptor, data)

    changes = {
        **dict.fromkeys(("unlink", "remove", "rmdir", "rename", "replace", "link"), there),
        **{"mkdir": lambda path, *_, **__: not there(path), "fsync": lambda *_: True},
    }
    functions = {name: counted(name, does) for name, does in changes.items()}
    functions |= {"open": os_open, "write": os_write, "getpid": lambda: life.process}
    vouched._SEEN.clear()
    with ExitStack() as patches:
        for name, function in functions.items():
            patches.enter_context(mock.patch.object(os, name, function))
        patches.enter_context(mock.patch.object(builtins, "open", opened))
        patches.enter_context(mock.patch.object(io, "open", opened))
        lives = {life.process: str(life.process)}
        for module in (files, lock):
            patches.enter_context(mock.patch.object(module, "born", lambda n: lives.get(n, "")))
        yield


@contextmanager
def still() -> Iterator[None]:
    """Clocks and meters that show the same at all times; what is computed is remembered, and
    pictures of runs are sketched: only how it reaches the disk counts.
    """

    class Noon(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 1, 12, tzinfo=UTC)

    def tried(net, attacked, eps, key, **_) -> object:
        return net.identity, attacked.restarts, tuple(eps), len(net.labels), str(key_data(key))

    def checked(evidence) -> object:
        return evidence.net.identity, tuple(evidence.stored)

    def trained(stages, examples, seeds, marks, resume) -> object:
        state = resume and (resume[:2], *(leaf.tobytes() for leaf in resume.leaves))
        return tuple(stage.steps for stage in stages), tuple(seeds), tuple(marks), state

    def records(*arguments) -> list[Record]:
        return [record._replace(state=device_get(record.state)) for record in fit(*arguments)]

    with (
        mock.patch.object(time, "perf_counter", return_value=0.0),
        mock.patch.object(seed_group, "datetime", Noon),
        mock.patch.object(page, "datetime", Noon),
        mock.patch.object(provenance, "_peak_bytes", return_value=0),
        mock.patch.object(lock, "LOOK", 0.0),  # at a lock that was never written to its end
        mock.patch.object(lock, "STALE", 0.0),
        mock.patch.object(seed_group, "fit", remembered(records, trained)),
        mock.patch.object(attack, "evaluate", remembered(evaluate, tried)),
        mock.patch.object(attack, "checked", remembered(attack.checked, checked)),
        mock.patch.object(seed_group, "draw", sketching("figures/w1.png", "figures/curve.png")),
        mock.patch.object(attack, "draw", sketching(*PICTURES)),
    ):
        yield


def remembered(function: Callable[..., object], named: Callable[..., object]) -> Callable:
    """The same function, which computes a value once; named(arguments) tells values apart."""
    known: dict[object, object] = {}

    @wraps(function)
    def again(*arguments, **options):
        name = named(*arguments, **options)
        if name not in known:
            known[name] = function(*arguments, **options)
        return known[name]

    return again


def sketching(*names: str) -> Callable[..., None]:
    """Draws the bytes of metrics.jsonl, as gray."""

    def draw(folder: Path, *_: object) -> None:
        numbers = (folder / "metrics.jsonl").read_bytes()
        image = Image.frombytes("L", (len(numbers), 1), numbers)
        for name in names:
            write_atomically(folder / name, partial(image.save, format="png"))

    return draw


class Command(NamedTuple):
    """words: what is typed. folder: where it writes, which begins as a copy of `before`.
    paces: of training, that crashes are tried at.
    """

    words: Sequence[str]
    folder: Path
    before: Path | None = None
    paces: Sequence[float] = (LAZY,)

    def reset(self) -> None:
        """The folder as it is before the command."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.before, self.folder) if self.before else self.folder.mkdir()

    def live(self, last: int | None = None, *, pace: float = LAZY) -> int:
        """The command until its end or its crash at operation number `last`; how many it did.

        pace: seconds between two states that training leaves.
        """
        life, said = Life(self.folder, last), io.StringIO()
        typed = ["bioexp", *self.words, "--results", str(self.folder)]
        with (
            mock.patch.object(sys, "argv", typed),
            mock.patch.object(seed_group, "CHECKPOINT_EVERY", pace),
            redirect_stdout(said),
            redirect_stderr(said),
            living(life),
            suppress(Crash),
            pytest.raises(SystemExit) as stop,
        ):
            main()
        assert life.over or stop.value.code == 0, said.getvalue()
        return life.operations

    def left(self) -> dict[str, bytes]:
        """Every file that lies there now, by name; every folder too."""
        return {
            path.relative_to(self.folder).as_posix(): b"" if path.is_dir() else path.read_bytes()
            for path in self.folder.rglob("*")
        }

    def undisturbed(self, pace: float = LAZY) -> tuple[int, dict[str, bytes]]:
        """How many operations it takes, and what it leaves."""
        self.reset()
        return self.live(pace=pace), self.left()

    def crashed(self, *crashes: tuple[int, float]) -> dict[str, bytes]:
        """What it leaves when it is begun again after each of these crashes: at which operation, at
        which pace.
        """
        self.reset()
        for last, pace in crashes:
            self.live(last, pace=pace)
        self.live()
        return self.left()

    def disturbed(self, moments: Callable[[int], Iterable[Sequence[int]]]) -> list[str]:
        """What differs from an undisturbed run, after which crashes; moments(n) chooses some of a
        run of n operations.
        """
        whole, bad = self.undisturbed()[1], []
        for pace in self.paces:
            operations, same = self.undisturbed(pace)
            bad += [f"{name}: differs undisturbed" for name in differences(whole, same)]
            for number, several in enumerate(moments(operations)):
                if number % 50 == 49:  # each life compiles anew
                    clear_caches()
                    gc.collect()
                after = self.crashed(*((moment, pace) for moment in several))
                if names := differences(whole, after):
                    bad.append(f"{self.words[0]} crashed at {several}, {pace}: {', '.join(names)}")
        return bad


def differences(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """Names of what is there once, or is not the same."""
    return sorted(name for name in {**before, **after} if before.get(name) != after.get(name))


CONFIG = f"{SMALL}snapshots: [4]\n"
ATTACK = ("attack", "small", "--attacks", "fgsm", "--eps", "0.1", "--n", "20")


@contextmanager
def commands(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Command]]:
    """Training of two seeds, attacking them, and reproducing a paper of two experiments, one of
    which cannot be trained.
    """
    configs = folder / "configs"
    configs.mkdir()
    (configs / "small.yaml").write_text(CONFIG)
    (configs / "broken.yaml").write_text(
        CONFIG.replace("small", "broken").replace("batch_size: 20", "batch_size: 5000")
    )
    made_paper.publish(monkeypatch, made=made_paper.PAPER)
    monkeypatch.setattr(plan, "configs_folder", lambda: configs)
    asked = made_paper.Asked(made_paper.LADDER, (0.1, 0.3), 20)
    monkeypatch.setitem(plan.PROFILES, "smoke", plan.Profile(2, 2, asked))
    train = Command(("train", str(configs / "small.yaml"), "--seeds", "2"), folder / "before")
    with still():
        train.undisturbed()
        yield {
            "train": train._replace(folder=folder / "train", paces=(EAGER, LAZY)),
            "attack": Command(ATTACK, folder / "attack", before=train.folder),
            "reproduce": Command(("reproduce", "made", "--profile", "smoke"), folder / "reproduce"),
        }


@pytest.fixture
def command(request, tmp_path, monkeypatch) -> Iterator[Command]:
    """One of the commands, by name."""
    with commands(tmp_path, monkeypatch) as named:
        yield named[request.param]


ALL = pytest.mark.parametrize("command", ["train", "attack", "reproduce"], indirect=True)


@ALL
def test_a_crash_at_any_operation_leaves_nothing_behind(command):
    assert command.disturbed(lambda operations: [[at] for at in range(1, operations + 1)]) == []


@ALL
def test_several_crashes_in_a_row_leave_nothing_behind(command):
    chance = random.Random(0)

    def several(operations: int) -> list[list[int]]:
        return [
            [chance.randint(1, operations) for _ in range(chance.randint(2, 4))] for _ in range(20)
        ]

    assert command.disturbed(several) == []
