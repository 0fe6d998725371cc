"""What every dataset must be before anything learns from it: the promises of `Dataset`, checked in
one place, whoever made it.

What can be mended without a doubt is mended (types, rounding); all else is refused. Nothing here
knows how a dataset was made.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from operator import index
from typing import TYPE_CHECKING, Any

from bioexp.datasets.arrays import Arrays, digest
from bioexp.types import Dataset, UserError

if TYPE_CHECKING:
    import numpy as np

SLACK = 1e-6  # by which floats may leave [0, 1]: rounding does that, and it is clipped
FAINT = 16  # the brightest byte of images that were scaled to 0/1, or to 0 … 16
TWICE = 1.001 / 255  # the largest float of images that were divided by 255 twice


def valid(made: object, builder: str) -> Dataset:
    """The dataset, with floats as float32, clipped where rounding put them outside [0, 1], and
    labels as int32; itself where nothing is to be mended.

    builder: what made it, as messages call it. Raises UserError that names it, the array, and what
        is wrong.
    """
    if not isinstance(made, Dataset):
        raise UserError(
            f"{builder}: must return a Dataset, got {_kind(made)}; make one with"
            " bioexp.datasets.arrays.dataset"
        )
    for name in ("name", "source"):
        if not isinstance(getattr(made, name), str):
            raise UserError(f"{builder}: {name} must be text, got {_kind(getattr(made, name))}")
    given = Arrays(made.x_train, made.y_train, made.x_test, made.y_test)
    arrays, n_classes = valid_arrays(builder, given), _whole(builder, made.n_classes)
    for key, y in (("y_train", arrays.y_train), ("y_test", arrays.y_test)):
        _refuse_unnumbered(f"{builder}: {key}", y, n_classes)
    refuse_absent(builder, arrays, n_classes)
    unchanged = all(new is old for new, old in zip(arrays, given, strict=True))
    if unchanged and n_classes is made.n_classes and ".py:" not in builder:
        return made  # its digest was computed from these very bytes
    return replace(made, **arrays._asdict(), n_classes=n_classes, digest=digest(*arrays))


def valid_arrays(where: str, given: Arrays) -> Arrays:
    """The arrays, mended as in `valid`, with one label, or as many as there are tasks, for every
    example; which labels may occur is not asked.
    """
    parts = {key: _array(f"{where}: {key}", part) for key, part in given._asdict().items()}
    arrays = Arrays(
        **{
            key: valid_examples(f"{where}: {key}", part)
            if key[0] == "x"
            else _labels(f"{where}: {key}", part)
            for key, part in parts.items()
        }
    )
    for split in ("train", "test"):
        x, y = getattr(arrays, f"x_{split}"), getattr(arrays, f"y_{split}")
        if len(x) != len(y):
            raise UserError(
                f"{where}: x_{split} has {len(x):,} examples and y_{split} {len(y):,} labels; every"
                " example needs one label"
            )
    train, test = arrays.x_train, arrays.x_test
    if train.shape[1:] != test.shape[1:] or train.dtype != test.dtype:
        raise UserError(
            f"{where}: examples of x_train and x_test must have the same shape and type, got"
            f" {train.dtype} {train.shape[1:]} and {test.dtype} {test.shape[1:]}"
        )
    if arrays.y_train.shape[1:] != arrays.y_test.shape[1:]:
        raise UserError(
            f"{where}: y_train and y_test must have as many labels for each example, got shapes"
            f" {arrays.y_train.shape} and {arrays.y_test.shape}"
        )
    return arrays


def valid_examples(where: str, x: np.ndarray) -> np.ndarray:
    """Vectors, gray images or images of 1 or 3 channels; uint8, or float32 in [0, 1]."""
    import numpy as np

    if x.dtype != np.uint8 and x.dtype.kind != "f":
        raise UserError(f"{where}: must be uint8, or floats in [0, 1], got {x.dtype}")
    if x.ndim not in (2, 3, 4) or (x.ndim == 4 and x.shape[-1] not in (1, 3)):
        hint = "; move the channels last" if x.ndim == 4 and x.shape[1] in (1, 3) else ""
        wanted = (
            "(n, features), (n, height, width) or (n, height, width, channels) with 1 or 3 channels"
        )
        raise UserError(f"{where}: shape must be {wanted}, got {x.shape}{hint}")
    if x.dtype == np.uint8:
        return _bright(where, x)
    low, high = float(x.min()), float(x.max())
    if not np.isfinite([low, high]).all():
        wrong = np.count_nonzero(~np.isfinite(x))
        raise UserError(f"{where}: holds {wrong:,} values that are NaN or infinite")
    if low < -SLACK or high > 1 + SLACK:
        remedy = (
            "divide them by 255"
            if low >= 0 and 2 < high <= 255
            else "rescale them by the least and the largest of x_train"
        )
        raise UserError(
            f"{where}: floats must lie in [0, 1], got {low:.9g} to {high:.9g}; {remedy}, or store"
            " pixels as uint8"
        )
    if high <= TWICE:
        raise UserError(
            f"{where}: floats must fill [0, 1], and the largest is {high:.3g}; divide pixels by"
            " 255 once, and not twice"
        )
    x = x.astype(np.float32, copy=False)
    return x.clip(0, 1) if low < 0 or high > 1 else x


def refuse_absent(where: str, arrays: Arrays, n_classes: int) -> None:
    """Raises UserError where a class has no training example: no rule could learn it, and its
    output would be dead.
    """
    import numpy as np

    y = arrays.y_train
    present = set(np.unique(y).tolist())
    if len(present) == n_classes:
        return
    if y.max() > y.size:
        raise UserError(
            f"{where}: labels reach {y.max()}, more than there are training examples; number the"
            " classes 0, 1, 2, …"
        )
    absent = list(islice((c for c in range(n_classes) if c not in present), 10))
    more = ", …" if n_classes - len(present) > len(absent) else ""
    which = f"class{'es' if len(absent) > 1 else ''} {', '.join(map(str, absent))}{more}"
    tested = np.count_nonzero(np.isin(arrays.y_test, absent))
    remedy = (
        f"number the classes from 0 (subtract {y.min()})"
        if y.min() > 0 and len(present) == y.max() - y.min() + 1
        else f"number those that there are 0 … {len(present) - 1}, in y_train and y_test alike"
    )
    raise UserError(
        f"{where}: {which} of {n_classes:,} {'have' if len(absent) > 1 else 'has'} no example in"
        f" y_train and {tested:,} in y_test; {remedy}"
    )


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__


def _whole(builder: str, n_classes: Any) -> int:
    try:
        number = index(n_classes)
    except TypeError:
        number = 0
    if number < 1:
        raise UserError(f"{builder}: n_classes must be a whole number from 1, got {n_classes!r}")
    return number


def _array(where: str, part: Any) -> np.ndarray:
    """The array itself, mapped or not; those of other libraries as NumPy's."""
    import numpy as np

    if not isinstance(part, np.ndarray) and hasattr(part, "__array__"):
        part = np.asarray(part)
    if not isinstance(part, np.ndarray):
        raise UserError(f"{where}: must be a NumPy array, got {_kind(part)}")
    if isinstance(part, np.ma.MaskedArray):
        raise UserError(
            f"{where}: must be a plain array, got a masked one; leave out what it hides"
        )
    if part.size == 0:
        raise UserError(f"{where}: is empty, shape {part.shape}")
    return part


def _bright(where: str, x: np.ndarray) -> np.ndarray:
    """Bytes that mean x/255. Raises UserError where they look as if they meant something else."""
    if (brightest := int(x.max())) > FAINT:
        return x
    remedy = (
        f"multiply them by {255 // brightest}, or give floats in [0, 1]"
        if brightest
        else "look at what wrote them"
    )
    raise UserError(
        f"{where}: uint8 means 0 to 255, and the largest value is {brightest}; {remedy}"
    )


def _labels(where: str, y: np.ndarray) -> np.ndarray:
    """int32, shape (n,), or (n, tasks); a single column is taken for the first."""
    import numpy as np

    if y.dtype.kind not in "iufb":
        raise UserError(
            f"{where}: labels must be whole numbers, got {y.dtype}; number the classes 0, 1, 2, …"
        )
    if y.ndim not in (1, 2):
        raise UserError(f"{where}: labels must have shape (n,) or (n, tasks), got {y.shape}")
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.dtype.kind == "f" and (broken := y[y != np.rint(y)]).size:
        raise UserError(f"{where}: labels must be whole numbers, got {broken[0]:.9g}")
    low, high = y.min().item(), y.max().item()
    if low < 0 or high > np.iinfo(np.int32).max - 1:
        raise UserError(f"{where}: labels must be numbered from 0, got {low} to {high}")
    if y.ndim == 2 and high == 1 and (y.sum(axis=1) == 1).all():
        raise UserError(
            f"{where}: labels must be the numbers of classes, got ones and zeros of shape"
            f" {y.shape}; of one-hot labels take the argmax: y.argmax(axis=1)"
        )
    return y.astype(np.int32, copy=False)


def _refuse_unnumbered(where: str, y: np.ndarray, n_classes: int) -> None:
    """Labels lie in 0 … n_classes-1; of several tasks, each in the part of its own."""
    if y.max() >= n_classes:
        low, high, last = y.min(), y.max(), n_classes - 1
        remedy = f"subtract {low}" if low and high - low <= last else "raise n_classes"
        raise UserError(
            f"{where}: labels must lie in 0 … {last}, as n_classes is {n_classes}, got {low} to"
            f" {high}; {remedy}"
        )
    tasks = y.shape[1] if y.ndim == 2 else 1
    size = n_classes // tasks
    if n_classes % tasks:
        raise UserError(
            f"{where}: labels of {tasks} tasks need as many classes each, got n_classes {n_classes}"
        )
    for task in range(tasks if y.ndim == 2 else 0):
        low, high = y[:, task].min(), y[:, task].max()
        if low < task * size or high >= (task + 1) * size:
            raise UserError(
                f"{where}: classes of several tasks are numbered one task after the other: column"
                f" {task} must lie in {task * size} … {(task + 1) * size - 1}, got {low} to {high}"
            )
