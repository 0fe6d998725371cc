"""Decoded datasets as .npy files that are mapped into memory: reading them takes a tenth of the
time of decoding.

Each dataset has one folder, named after its raw files, so that no entry is ever overwritten or out
of date; it appears by a rename, whole or not at all. Nothing here knows where raw files come from.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from bioexp.datasets.arrays import Arrays, digest
from bioexp.datasets.source import Report, Source
from bioexp.files import NO_ARRAYS, cache_folder
from bioexp.types import UserError


class Kept(NamedTuple):
    """Arrays with the digest that was just computed from them."""

    arrays: Arrays
    digest: str


def root() -> Path:
    """Where bioexp keeps datasets on this machine: ${XDG_CACHE_HOME:-~/.cache}/bioexp/datasets."""
    return cache_folder() / "datasets"


def folder(source: Source) -> Path:
    """The entry of a dataset, whether it exists or not."""
    key = hashlib.sha256("".join(file.sha256 for file in source.files).encode()).hexdigest()
    return root() / f"{source.name}-{key[:8]}"


def read(source: Source) -> Kept | None:
    """The entry, mapped into memory, or None where there is none.

    Every byte is hashed (0.03 s for MNIST), so a damaged entry never trains. Raises UserError
    naming it.
    """
    import numpy as np

    entry = folder(source)
    if not os.path.exists(entry):
        return None
    remedy = f"delete it and run `bioexp data fetch {source.name}`"
    try:
        expected = (entry / "sha256").read_text().strip()
        arrays = Arrays(
            *(np.load(entry / f"{field}.npy", mmap_mode="r") for field in Arrays._fields)
        )
    except (OSError, *NO_ARRAYS) as error:
        raise UserError(f"{entry}: damaged ({error}): {remedy}") from error
    actual = digest(*arrays)
    if actual != expected:
        raise UserError(
            f"{entry}: sha256 of its arrays is {actual[:8]}… instead of {expected[:8]}…: {remedy}"
        )
    return Kept(arrays, actual)


def write(source: Source, arrays: Arrays, report: Report) -> Kept:
    """Keep decoded arrays; where that is impossible (no space, a read-only home), say so and go on
    with those in memory.
    """
    import numpy as np

    made, entry = Kept(arrays, digest(*arrays)), folder(source)
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{source.name}-", dir=entry.parent) as temporary:
            new = Path(temporary) / entry.name
            new.mkdir()
            for field, array in arrays._asdict().items():
                np.save(new / f"{field}.npy", array)
            (new / "sha256").write_text(made.digest + "\n")
            _publish(new, entry)
    except OSError as error:
        report(
            f"{entry}: cannot be written ({error.strerror or error}); {source.name} is decoded"
            " again every time"
        )
    return made


def _publish(new: Path, entry: Path) -> None:
    """Rename, unless another process was faster: what it wrote is the same."""
    try:
        os.rename(new, entry)
    except OSError:
        if not entry.is_dir():
            raise
