"""A dataset of one's own in an .npz file with Keras's keys: x_train, y_train, x_test, y_test."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from bioexp.datasets.arrays import Arrays, dataset, only
from bioexp.datasets.source import Report, silent
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
    raw = _read(Path(path))
    arrays = Arrays(
        *(
            _examples(path, key, raw[key]) if key[0] == "x" else _labels(path, key, raw[key])
            for key in Arrays._fields
        )
    )
    for split in ("train", "test"):
        x, y = getattr(arrays, f"x_{split}"), getattr(arrays, f"y_{split}")
        if len(x) != len(y):
            raise UserError(
                f"{path}: x_{split} has {len(x):,} examples and y_{split} {len(y):,} labels; every"
                " example needs one label"
            )
    if (train := arrays.x_train.shape[1:]) != (
        test := arrays.x_test.shape[1:]
    ) or arrays.x_train.dtype != arrays.x_test.dtype:
        got = f"got {arrays.x_train.dtype} {train} and {arrays.x_test.dtype} {test}"
        raise UserError(
            f"{path}: examples of x_train and x_test must have the same shape and type, {got}"
        )
    n_classes = 1 + int(max(arrays.y_train.max(), arrays.y_test.max()))
    if n_classes > len(arrays.y_train):
        raise UserError(
            f"{path}: labels reach {n_classes - 1}, more than there are training examples; number"
            " the classes 0, 1, 2, …"
        )
    return only(dataset("npz", f"file {path}", arrays, n_classes), classes)


def _read(path: Path) -> dict[str, np.ndarray]:
    import numpy as np

    try:
        with path.open("rb") as file:
            is_npz = zipfile.is_zipfile(file)
        if not is_npz:
            raise UserError(
                f"{path}: not an .npz file; write one with np.savez(path,"
                f" {', '.join(f'{key}=…' for key in Arrays._fields)})"
            )
        with np.load(path, allow_pickle=False) as held:
            if missing := [key for key in Arrays._fields if key not in held]:
                raise UserError(
                    f"{path}: {', '.join(missing)} missing (it holds"
                    f" {', '.join(held) or 'nothing'})"
                )
            return {key: held[key] for key in Arrays._fields}
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {(error.strerror or str(error)).lower()}"
        ) from error
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise UserError(f"{path}: damaged, or not made of plain arrays: {error}") from error


def _examples(path: str, key: str, x: np.ndarray) -> np.ndarray:
    """uint8 or float32 in [0, 1]: (n, features), (n, height, width) or (n, height, width, 3)."""
    import numpy as np

    where = f"{path}: {key}"
    if x.dtype != np.uint8 and x.dtype.kind != "f":
        raise UserError(f"{where}: must be uint8, or floats in [0, 1], got {x.dtype}")
    if x.size == 0:
        raise UserError(f"{where}: is empty, shape {x.shape}")
    if x.ndim not in (2, 3, 4) or (x.ndim == 4 and x.shape[-1] not in (1, 3)):
        hint = "; move the channels last" if x.ndim == 4 and x.shape[1] in (1, 3) else ""
        wanted = (
            "(n, features), (n, height, width) or (n, height, width, channels) with 1 or 3 channels"
        )
        raise UserError(f"{where}: shape must be {wanted}, got {x.shape}{hint}")
    if x.dtype.kind == "f":
        if not np.isfinite(x).all():
            raise UserError(
                f"{where}: holds {np.count_nonzero(~np.isfinite(x)):,} values that are NaN or"
                " infinite"
            )
        if x.min() < 0 or x.max() > 1:
            raise UserError(
                f"{where}: floats must lie in [0, 1], got {x.min():g} to {x.max():g}; rescale them,"
                " or store pixels as uint8"
            )
        x = x.astype(np.float32)
    return x[..., 0] if x.ndim == 4 and x.shape[-1] == 1 else x


def _labels(path: str, key: str, y: np.ndarray) -> np.ndarray:
    """int32, shape (n,)."""
    import numpy as np

    where = f"{path}: {key}"
    if y.dtype.kind not in "iu":
        raise UserError(f"{where}: labels must be whole numbers, got {y.dtype}")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise UserError(
            f"{where}: labels must have shape (n,) or (n, 1), got {y.shape}; of one-hot labels take"
            " the argmax"
        )
    if y.size and (y.min() < 0 or y.max() > np.iinfo(np.int32).max - 1):
        raise UserError(f"{where}: labels must be numbered from 0, got {y.min()} to {y.max()}")
    return y.astype(np.int32)
