"""Whether data fit into this machine, asked before any of them is made or read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bioexp.types import UserError

UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def refuse_larger(where: str, size: int, remedy: str) -> None:
    """Raises UserError where so many bytes are more than the machine's memory."""
    _refuse(where, size, memory(), "memory", remedy)


def refuse_larger_file(where: str, size: int, folder: Path, remedy: str) -> None:
    """Raises UserError where so many bytes are more than is free where this folder lies, or will
    lie.
    """
    there = next(place for place in (folder, *folder.parents) if place.is_dir())
    _refuse(where, size, shutil.disk_usage(there).free, f"free space in {folder}", remedy)


def memory() -> int:
    """Bytes of this machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _refuse(where: str, size: int, room: int, what: str, remedy: str) -> None:
    if size > room:
        raise UserError(f"{where}: needs {_read(size)} of {_read(room)} {what}; {remedy}")


def _read(size: int) -> str:
    """Bytes for people: 47 MB."""
    power = min((len(str(size)) - 1) // 3, len(UNITS) - 1)
    return f"{size / 1000**power:.3g} {UNITS[power]}"
