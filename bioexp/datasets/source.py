"""What is known of a dataset before it is found: its raw files and how to read them.

Sizes and sha256 are those that TFDS registers. They stand here again because importing TFDS costs
seconds, and files at hand need no registry.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bioexp.datasets.arrays import Arrays
from bioexp.types import UserError

Report = Callable[[str], None]


class Missing(UserError):
    """The data are not in the one place that was named."""


class Unavailable(Missing):
    """The data are in none of the places; only this, never a file that is present but wrong, may
    lead to a fallback.
    """


class RawFile(NamedTuple):
    """A file as its authors publish it; size in bytes."""

    name: str
    size: int
    sha256: str


class Source(NamedTuple):
    """A dataset that lies in raw files.

    decode(contents of the files, in their order) -> arrays.
    digests: of the train and of the test arrays, where they are known; see `arrays.digest`.
    """

    name: str
    files: tuple[RawFile, ...]
    decode: Callable[[Sequence[bytes]], Arrays]
    n_classes: int
    digests: tuple[str, str] | None = None


def silent(_: str) -> None:
    """The report of a caller who wants none."""


def flaw(content: bytes, file: RawFile) -> str:
    """What is wrong with the content of what should be `file`, in words; "" if nothing is."""
    actual = hashlib.sha256(content).hexdigest()
    if actual == file.sha256:
        return ""
    return f"sha256 is {actual[:8]}… instead of {file.sha256[:8]}… ({_looks(content, file)})"


def _looks(content: bytes, file: RawFile) -> str:
    size, start = f"{len(content):,} bytes", content[:512].lstrip().lower()
    if not content:
        return "an empty file"
    if start.startswith((b"<!doctype html", b"<html")) or (
        start.startswith(b"<") and b"<html" in start
    ):
        return f"{size}, an HTML page"
    if len(content) < file.size:
        return f"cut short: {size} of {file.size:,}"
    return f"{size} of {file.size:,}"
