"""A marker vouches for files: it is written last, and names each with its sha256, so that one that
was altered since is told apart and not believed.

    2 <sha256 of the lines below>
    <sha256>  config.yaml
    <sha256>  snapshots/0000.npz

The first number is the format. What lies in the folder and is not named is nobody's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from bioexp.files import Unreadable, write_text

FORMAT = 2

# size, time and number of a file, and its sha256: each content is looked at once in a process
_SEEN: dict[Path, tuple[tuple[int, int, int], str]] = {}


def vouch(marker: Path, files: Iterable[Path]) -> None:
    """Write the marker for these files, which lie in its folder or below."""
    folder = marker.parent
    names = {file.relative_to(folder).as_posix(): _digest(file) for file in files}
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(names.items()))
    write_text(marker, f"{FORMAT} {hashlib.sha256(lines.encode()).hexdigest()}\n{lines}")


def other_format(marker: Path) -> str:
    """The format that a marker names, where it is another than the one read here; "?" for none."""
    version = _text(marker).partition("\n")[0].partition(" ")[0]
    return "" if version == str(FORMAT) else version[:9] or "?"


def altered(marker: Path, spare: str = "") -> str:
    """What is no longer as it was when the marker was written, as a sentence that begins with the
    file; "" where everything is. Raises Unreadable for a file that this user may not read.

    spare: how the names of files begin that may have been deleted.
    """
    first, _, lines = _text(marker).partition("\n")
    digest = first.partition(" ")[2]
    if other_format(marker) or hashlib.sha256(lines.encode()).hexdigest() != digest:
        return f"{marker}: was altered since it was written"
    for name, written in _listed(lines).items():
        file = marker.parent / name
        try:
            found = _digest(file)
        except (FileNotFoundError, NotADirectoryError):
            if spare and name.startswith(spare):
                continue
            return f"{file}: is missing"
        except IsADirectoryError:
            found = "a folder"
        if found != written:
            return f"{file}: was altered since it was written"
    return ""


def vouched(marker: Path) -> set[Path]:
    """The files that a marker names, whatever became of them; none without a marker."""
    lines = _text(marker).partition("\n")[2] if marker.is_file() else ""
    return {marker.parent / name for name in _listed(lines)}


def _listed(lines: str) -> Mapping[str, str]:
    pairs = (line.partition("  ") for line in lines.splitlines())
    return {name: digest for digest, _, name in pairs}


def _text(marker: Path) -> str:
    try:
        return marker.read_text("utf-8", "replace")
    except OSError as error:
        raise Unreadable(marker, error) from None


def _digest(file: Path) -> str:
    try:
        about = file.stat()
        seen = (about.st_size, about.st_mtime_ns, about.st_ino)
        known = _SEEN.get(file)
        if known is None or known[0] != seen:
            with file.open("rb") as content:
                known = seen, hashlib.file_digest(content, "sha256").hexdigest()
            _SEEN[file] = known
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise
    except OSError as error:
        raise Unreadable(file, error) from None
    return known[1]
