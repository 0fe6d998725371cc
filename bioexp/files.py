"""Writing so that nobody ever reads half a file, and reading so that a bad one is named."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np

from bioexp.types import UserError


class Unreadable(UserError):
    """A file is there, and this user may not or cannot read it: nothing is wrong with what it
    holds, and nothing is to be made again.
    """

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(f"{path}: cannot be read ({error.strerror})")


# What NumPy and zipfile raise where a file holds no arrays, is cut or encrypted, or promises more
# than there is memory.
NO_ARRAYS = (
    *(ValueError, EOFError, AttributeError, SyntaxError, RuntimeError, MemoryError, LookupError),
    *(OverflowError, TokenError, zipfile.BadZipFile, zlib.error, LZMAError),
)


def cache_folder() -> Path:
    """${XDG_CACHE_HOME:-~/.cache}/bioexp: datasets and compiled programs, all safe to delete."""
    return Path(os.environ.get("XDG_CACHE_HOME") or home() / ".cache") / "bioexp"


def home() -> Path:
    """This user's home; a folder of his among the temporary ones where there is none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"bioexp-{os.getuid()}"


def expanded(path: str | Path) -> Path:
    """The path with ~ and ~name as the shell reads them. Raises UserError for an unknown user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = Path(path).parts[0].removeprefix("~")
        why = (
            f"there is no user {user} here"
            if user
            else "this user has no home, and HOME is not set"
        )
        raise UserError(f"{path}: {why}; write the folder out") from None


def folder_at(path: str | Path) -> Path:
    """A folder, which need not be there yet. Raises UserError where there can be none."""
    whole = expanded(path)
    try:
        there = next(place for place in (whole, *whole.parents) if _is_there(place))
        if there.is_dir():
            return whole
    except (OSError, ValueError, StopIteration) as error:  # too long a name, a NUL
        raise UserError(f"{str(path)[:200]!r}: is no name of a folder ({error})") from None
    what = "is" if there == whole else f"{there} is"
    raise UserError(f"{whole}: {what} no folder; name another place")


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def remove(path: Path) -> None:
    """Whatever is there, if anything is: a file, a folder with all it holds, a link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def is_stream(path: Path) -> bool:
    """Whether it is there and neither file nor folder: a terminal, a pipe, /dev/stdout."""
    return path.exists() and not path.is_file() and not path.is_dir()


def write_atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write under a temporary name, then rename: the file is the old one or the whole new one. A
    link stays one, to the new file; what is no file is written into.
    """
    if is_stream(path):
        with writing(path), path.open("wb") as file:
            write(file)
        return
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    begun = f".{path.name}.{socket.gethostname()}."
    temporary = path.with_name(f"{begun}{os.getpid()}")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _drop(path.parent.glob(f"{begun}*"))
            with temporary.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        if temporary.exists():
            temporary.unlink()


def sweep(folder: Path) -> None:
    """Remove, here and below, what processes of this machine had half written when they were
    killed.
    """
    _drop(folder.rglob(f".*.{socket.gethostname()}.*"))


def _drop(begun: Iterable[Path]) -> None:
    for left in begun:
        process = left.name.rpartition(".")[2]
        if process.isdecimal() and not born(int(process)):
            left.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a run's folder and those above it. Raises UserError where that is impossible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be made ({error.strerror}); name another place with --results"
        ) from None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Reports a full disk, a quota or a folder that is not ours as the user's error."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); nothing that was finished is lost"
        ) from error


def born(process: int) -> str:
    """When a process of this machine began; "" where none of this number lives: one that was killed
    and is not yet taken leave of is dead.
    """
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else fields[18]
    except (FileNotFoundError, ProcessLookupError):
        pass
    if Path("/proc/self/stat").exists():
        return ""
    try:  # no /proc on this system: a number used again passes for the same process
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "?"


def write_text(path: Path, text: str) -> None:
    """A text file, as UTF-8. Of a name that the terminal's encoding does not hold its bytes are
    written, and "�" where they are no UTF-8.
    """
    content = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()
    write_atomically(path, lambda file: _discard(file.write(content)))


def read_text(path: Path, remedy: str) -> str:
    """A UTF-8 text file. Raises UserError, with what to do, where it cannot be read or is none."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; {remedy}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is damaged: it is no UTF-8 text ({error}); {remedy}") from None
    except OSError as error:
        raise Unreadable(path, error) from None


def write_json(path: Path, value: object) -> None:
    """A JSON file that people can read."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """An .npz file without pickles."""
    write_atomically(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


def read_arrays(path: Path, names: Collection[str] = ()) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, or of these names alone those that are there. Raises UserError
    where it is absent, damaged or no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files if not names or name in names}
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, *NO_ARRAYS) as error:
        if isinstance(error, OSError) and error.errno not in (errno.EINVAL, errno.EISDIR):
            raise Unreadable(path, error) from None
        raise UserError(f"{path}: is damaged ({error}); train the run again with --force") from None


def tail(log: Path, lines: int = 5) -> str:
    """The last lines of a log; "" where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def _discard(_: object) -> None:
    return None
