"""A dataset of one's own in an .npz file with Keras's keys: x_train, y_train, x_test, y_test."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from bioexp.datasets.arrays import Arrays, dataset, only
from bioexp.datasets.memory import refuse_larger
from bioexp.datasets.source import Report, silent
from bioexp.datasets.valid import refuse_absent, valid_arrays
from bioexp.files import NO_ARRAYS
from bioexp.types import Dataset, Natural, UserError, UserFile

if TYPE_CHECKING:
    import numpy as np


def npz(
    data_dir: Path | None,
    report: Report = silent,
    *,
    path: UserFile,
    classes: tuple[Natural, ...] | None = None,
) -> Dataset:
    """Your own images or vectors, from an .npz file.

    x: (n, features), (n, height, width) or (n, height, width, channels) with 1 or 3 channels (a
        single one is dropped), uint8, or floats in [0, 1], which become float32. y: (n,) or (n, 1),
        whole numbers from 0. Pickled objects are never read.

    path: the file; the caller resolves it.
    classes: keep these only, relabeled 0, 1, … in the order given; null for all there are.

    Raises UserError that names the file, the key and what is wrong.
    """
    arrays = valid_arrays(path, Arrays(**_read(Path(path))))
    if arrays.y_train.ndim > 1:
        raise UserError(
            f"{path}: y_train: labels must have shape (n,) or (n, 1), got {arrays.y_train.shape}"
        )
    arrays = arrays._replace(x_train=_plain(arrays.x_train), x_test=_plain(arrays.x_test))
    n_classes = 1 + int(max(arrays.y_train.max(), arrays.y_test.max()))
    if classes is None:
        refuse_absent(path, arrays, n_classes)
    return only(dataset("npz", f"file {path}", arrays, n_classes), classes)


def _plain(x: np.ndarray) -> np.ndarray:
    """Images without the axis of a single channel."""
    return x[..., 0] if x.ndim == 4 and x.shape[-1] == 1 else x


def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays by key, after a look at their headers: none is made that is larger than the file
    says, or than memory.
    """
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise UserError(
                    f"{path}: not an .npz file; write one with np.savez(path,"
                    f" {', '.join(f'{key}=…' for key in Arrays._fields)})"
                )
            with zipfile.ZipFile(file) as archive:
                members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
                _refuse_missing(path, members)
                return {key: _array(path, key, archive, members[key]) for key in Arrays._fields}
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {(error.strerror or str(error)).lower()}"
        ) from error
    except NO_ARRAYS as error:
        raise UserError(f"{path}: damaged, or not made of plain arrays: {error}") from error


def _refuse_missing(path: Path, members: Mapping[str, zipfile.ZipInfo]) -> None:
    if missing := [key for key in Arrays._fields if key not in members]:
        raise UserError(
            f"{path}: {', '.join(missing)} missing (it holds {', '.join(members) or 'nothing'})"
        )
    for key in Arrays._fields:
        if members[key].flag_bits & 1:
            raise UserError(f"{path}: {key}: is encrypted; write the file with np.savez")
    size = sum(members[key].file_size for key in Arrays._fields)
    refuse_larger(f"{path}: unpacked", size, "keep fewer examples, or pixels as uint8")


def _array(path: Path, key: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    import numpy as np

    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"{key} is of format {version}")
        read = np.lib.format.read_array_header_1_0
        if version == (2, 0):
            read = np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        if dtype.hasobject:
            raise ValueError(f"{key} holds objects of Python")
        claimed, held = prod(shape) * dtype.itemsize, member.file_size - file.tell()
    if min(shape, default=0) < 0 or claimed != held:
        raise UserError(
            f"{path}: {key}: damaged: its header says {shape} {dtype}, {claimed:,} bytes, and it"
            f" has {held:,}"
        )
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
