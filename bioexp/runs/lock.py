"""Who works on a directory: a lock that outlives neither its process nor its machine.

It is a file that names machine, process, user and log, and counts heartbeats, as not every shared
file system has locks of its own. No clock is read: a holder on this machine is dead when its
process is gone; one elsewhere, when its count stood still for STALE seconds of the reader's own
counting. Whoever was taken over finds out before it writes again.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from bioexp.files import born, make_folder, sweep
from bioexp.types import UserError

# Seconds between heartbeats; without one until a holder is dead; between two looks.
BEAT, STALE, LOOK = 5.0, 60.0, 0.5
LOG = "BIOEXP_LOG"  # in the environment of a worker: the file its words go to
# digits, and the first thing in the file: a heartbeat writes where a byte lies already, even on a
# full disk
COUNT = 12


class Busy(UserError):
    """Another process works on this directory, and lives as far as can be told, or has taken it
    from this one.
    """


class Holder(NamedTuple):
    """What a lock says of who holds it.

    machine: differs between machines of one name, and after a restart. born: when the process
        began, in the machine's own ticks, as numbers of processes are used again. since: when it
        took hold, for people.
    """

    beats: str
    id: str = ""
    host: str = "?"
    machine: str = ""
    process: int = 0
    born: str = ""
    user: str = "?"
    log: str = ""
    since: str = ""

    def __str__(self) -> str:
        return (
            f"process {self.process} of {self.user} on {self.host}"
            if self.id
            else "another process"
        )


def holder_of(folder: Path) -> Holder | None:
    """Who holds the directory, dead or alive; None for nobody."""
    return _read(folder / ".lock")


def _read(lock: Path) -> Holder | None:
    try:
        beats, _, about = lock.read_text("utf-8").partition("\n")
        return Holder(beats, **json.loads(about))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return Holder("")  # not yet, or never, fully written


def is_gone(holder: Holder) -> bool:
    """Whether the holder was a process of this machine and is no longer: what is known at once."""
    return bool(holder.id) and holder.machine == _machine() and born(holder.process) != holder.born


@contextmanager
def locked(
    folders: Sequence[Path], *, patient: bool = True, say: Callable[[str], None] = lambda text: None
) -> Iterator[Callable[[], None]]:
    """Hold these directories, which are made if need be; yields a check that raises Busy once
    another process has taken one over.

    patient: whether to look for up to STALE seconds if a holder on another machine lives. A dead
        one is taken over, and said so.
    Raises Busy where one is held by the living, and UserError where a lock cannot be written.
    """
    own = Holder(
        "0" * COUNT,
        uuid.uuid4().hex,
        socket.gethostname(),
        _machine(),
        os.getpid(),
        born(os.getpid()),
        _user(),
        os.environ.get(LOG, ""),
        f"{datetime.now():%Y-%m-%d %H:%M}",
    )
    with ExitStack() as held:
        files = [held.enter_context(_taken(folder, own, patient, say)) for folder in folders]
        ended = Event()
        held.callback(ended.set)
        Thread(target=_beat, args=(files, ended), daemon=True).start()

        def check() -> None:
            for folder in folders:
                found = holder_of(folder)
                if found is None or found.id != own.id:
                    raise Busy(
                        f"{folder}: was taken over by {found or 'another process'}, as this one"
                        " gave no sign of life; it goes on there"
                    )

        yield check


@contextmanager
def _taken(folder: Path, own: Holder, patient: bool, say: Callable[[str], None]) -> Iterator[int]:
    """The directory's lock with our name in it, as an open file; gone at the end unless it is no
    longer ours.
    """
    lock = folder / ".lock"
    make_folder(folder)
    while True:
        try:
            file = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            break
        except FileExistsError:
            _take_over(folder, patient, say)
        except OSError as error:
            raise UserError(
                f"{folder}: cannot be locked ({error.strerror}); name another place with --results"
            ) from None
    try:
        about = {name: value for name, value in own._asdict().items() if name != "beats"}
        try:
            os.write(file, f"{own.beats}\n{json.dumps(about)}\n".encode())
        except OSError as error:
            lock.unlink(missing_ok=True)
            raise UserError(
                f"{lock}: cannot be written ({error.strerror}); make room and run the same command"
                " again"
            ) from None
        _clear(folder, own)
        yield file
    finally:
        os.close(file)
        found = holder_of(folder)
        if found and found.id == own.id:
            lock.unlink(missing_ok=True)


def tidy(folders: Iterable[Path]) -> None:
    """Remove what processes that were killed left in directories which need no more work, and
    nobody is at work on; where that cannot be, it stays.
    """
    for folder in folders:
        if any(folder.glob(".*")):
            with suppress(UserError), locked([folder], patient=False):
                pass


def _clear(folder: Path, own: Holder) -> None:
    """Remove what the dead left: files half written, and locks that they were about to take
    over.
    """
    sweep(folder)
    for aside in folder.glob(".lock.*"):
        if (moved := _read(aside)) and moved.id != own.id:
            aside.unlink(missing_ok=True)


def _take_over(folder: Path, patient: bool, say: Callable[[str], None]) -> None:
    """Remove the lock of a dead holder; raises Busy for one that lives, or of whom that would take
    time to tell.
    """
    first = holder_of(folder)
    if first is None:
        return
    since = f" since {first.since}" if first.since else ""
    busy = Busy(f"{folder}: {first} is at work on it{since}")
    gone = is_gone(first)
    if not gone and (not patient or (first.machine == _machine() and first.id)):
        raise busy
    waited = time.monotonic()
    while not gone:
        time.sleep(LOOK)
        now = holder_of(folder)
        if now is None:
            return
        if now != first:
            raise busy
        gone = time.monotonic() - waited > STALE
    lock, aside = folder / ".lock", folder / f".lock.{uuid.uuid4().hex}"
    with suppress(FileNotFoundError):  # another one was faster
        lock.rename(aside)
        if (
            moved := _read(aside)
        ) and moved.id != first.id:  # much faster: this is its lock already
            with suppress(FileExistsError):
                os.link(aside, lock)
        else:
            say(f"{folder}: {first} is dead; its work is taken over")
        aside.unlink(missing_ok=True)


def _beat(files: Sequence[int], ended: Event) -> None:
    count = 0
    while not ended.wait(BEAT):
        count += 1
        for file in files:
            with suppress(OSError):  # the lock goes stale, and the check says so
                os.pwrite(file, f"{count:0{COUNT}d}".encode(), 0)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _machine() -> str:
    """This boot of this machine, as its processes number themselves; its name where it does not
    say.
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + os.readlink(
            "/proc/self/ns/pid"
        )
    except OSError:
        return socket.gethostname()
