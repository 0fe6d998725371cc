"""The four arrays of every dataset: their digest, their record, and how to keep some classes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from bioexp.types import Dataset, UserError

if TYPE_CHECKING:
    import numpy as np


class Arrays(NamedTuple):
    """Examples in file order; images uint8, labels int32 (see `Dataset`)."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def digest(*pairs: np.ndarray) -> str:
    """sha256 over the bytes of examples and labels in turn (x, y, …); labels count as little-endian
    int32.
    """
    import numpy as np

    sha = hashlib.sha256()
    for x, y in zip(pairs[::2], pairs[1::2], strict=True):
        sha.update(np.ascontiguousarray(x).data)
        sha.update(np.ascontiguousarray(y, dtype="<i4").data)
    return sha.hexdigest()


def dataset(
    name: str, source: str, arrays: Arrays, n_classes: int, sha256: str | None = None
) -> Dataset:
    """The record of these arrays; `sha256` is their digest, if the caller has just computed it.

    What is no array of numbers has none, and is refused with its reason by `datasets.valid`.
    """
    import numpy as np

    try:
        with np.errstate(invalid="ignore"):
            sha256 = sha256 or digest(*arrays)
    except (TypeError, ValueError, OverflowError):
        sha256 = ""
    return Dataset(name, source, *arrays, n_classes=n_classes, digest=sha256)


def interleaved(by_class: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Examples (classes, n, …) -> (classes * n, …) and their labels, the classes taking turns: 0,
    1, 2, 0, 1, 2, …

    Any stretch is then balanced: the last tenth that `validate` holds out, the first hundred that
        an attack takes.
    """
    import numpy as np

    classes, n = by_class.shape[:2]
    x = np.ascontiguousarray(by_class.swapaxes(0, 1)).reshape(classes * n, *by_class.shape[2:])
    return x, np.tile(np.arange(classes, dtype=np.int32), n)


def only(whole: Dataset, classes: tuple[int, ...] | None) -> Dataset:
    """The examples of these classes, relabeled 0, 1, … in the order given; the whole dataset for
    None.

    Raises UserError for fewer than two classes, a repeated or unknown one, and one without
    examples.
    """
    if classes is None:
        return whole
    import numpy as np

    if len(set(classes)) < max(2, len(classes)) or not all(
        0 <= c < whole.n_classes for c in classes
    ):
        wanted = f"at least two different numbers from 0 to {whole.n_classes - 1}"
        raise UserError(f"{whole.name}: classes must be {wanted}, got {list(classes)}")
    label = np.full(whole.n_classes, -1, dtype=np.int32)
    label[list(classes)] = np.arange(len(classes))
    y_train, y_test = label[whole.y_train], label[whole.y_test]
    for c, new in zip(classes, label[list(classes)], strict=True):
        if not (y_train == new).any() or not (y_test == new).any():
            raise UserError(
                f"{whole.name}: class {c} has no examples in train or in test; leave it out of"
                " classes"
            )
    kept = Arrays(
        whole.x_train[y_train >= 0],
        y_train[y_train >= 0],
        whole.x_test[y_test >= 0],
        y_test[y_test >= 0],
    )
    return dataset(whole.name, whole.source, kept, len(classes))
