"""Datasets made of others: one example of each side by side, or all of them one by one; and MNIST
with its pixels in another order.

Labels are numbered through the datasets, so that each is a task of its own and a label says which
it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bioexp.datasets.arrays import Arrays, dataset
from bioexp.datasets.memory import refuse_larger
from bioexp.datasets.source import Report, silent
from bioexp.options import check, schema, suggestion
from bioexp.types import Count, Dataset, UserError

if TYPE_CHECKING:
    import numpy as np

Named = str | Mapping[str, Any]  # a dataset's name, or its name and options
PAIRING, PIXELS = 0x9A12, 0x91E7  # seeds of who stands beside whom, and of the order of pixels


def concatenation(
    data_dir: Path | None,
    report: Report = silent,
    *,
    of: tuple[Named, ...],
    resize: Count | None = None,
) -> Dataset:
    """One example of each dataset, side by side: images (n, height, M width), vectors (n, M
    features); labels (n, M).

    Who stands beside whom is drawn once, by a fixed seed; n is that of the smallest dataset.
    `parts` takes them apart again.

    of: two datasets or more, of equal size and number of classes; each a name, or a mapping with a
        name and options.
    resize: side in pixels to which images are scaled first; null to refuse those of different size.

    Raises UserError where they do not fit together.
    """
    tasks = _alike(data_dir, report, of, resize)
    train = _paired([task.x_train for task in tasks], [task.y_train for task in tasks], 0)
    test = _paired([task.x_test for task in tasks], [task.y_test for task in tasks], 1)
    return _joined("concatenation", tasks, Arrays(*train, *test))


def sequential(
    data_dir: Path | None,
    report: Report = silent,
    *,
    of: tuple[Named, ...],
    resize: Count | None = None,
) -> Dataset:
    """The examples of all datasets, one at a time and taking turns as long as all have any: labels
    (n,), each of one task.

    of: two datasets or more, of equal size and number of classes; each a name, or a mapping with a
        name and options.
    resize: side in pixels to which images are scaled first; null to refuse those of different size.

    Raises UserError where they do not fit together.
    """
    tasks = _alike(data_dir, report, of, resize)
    train = _in_turn([task.x_train for task in tasks], [task.y_train for task in tasks])
    test = _in_turn([task.x_test for task in tasks], [task.y_test for task in tasks])
    return _joined("sequential", tasks, Arrays(*train, *test))


def permuted_mnist(data_dir: Path | None, report: Report = silent) -> Dataset:
    """MNIST with its 784 pixels in one random order, the same for all images: a third task of the
    same size.
    """
    import numpy as np

    from bioexp.datasets.mnist import mnist

    own = mnist(data_dir, report)
    places = np.random.default_rng(PIXELS).permutation(own.x_train[0].size)
    train, test = (
        x.reshape(len(x), -1)[:, places].reshape(x.shape) for x in (own.x_train, own.x_test)
    )
    return dataset(
        "permuted_mnist", own.source, Arrays(train, own.y_train, test, own.y_test), own.n_classes
    )


def parts(x: Any, count: int) -> list[Any]:
    """The examples that stand side by side in a batch of `concatenation`, each (batch, *shape); for
    NumPy and for JAX.
    """
    axis = 1 if x.ndim == 2 else 2
    width = x.shape[axis] // count
    return [x[(slice(None),) * axis + (slice(i * width, (i + 1) * width),)] for i in range(count)]


def _alike(
    data_dir: Path | None, report: Report, of: Sequence[Named], resize: int | None
) -> list[Dataset]:
    """The datasets, resized if asked, with labels numbered through them; refuses what cannot share
    a network.
    """
    if len(of) < 2:
        raise UserError(f"dataset.of: needs at least two datasets, got {len(of)}")
    tasks = [_loaded(data_dir, report, named) for named in of]
    if resize is not None:
        tasks = [
            replace(
                task,
                x_train=_resized(task, task.x_train, resize),
                x_test=_resized(task, task.x_test, resize),
            )
            for task in tasks
        ]
    first = tasks[0]
    for task in tasks[1:]:
        if task.shape != first.shape or task.x_train.dtype != first.x_train.dtype:
            remedy = (
                "; give resize, the side in pixels, to have them scaled"
                if task.x_train.ndim == first.x_train.ndim > 2
                else ""
            )
            kinds = (
                f"{first.name} has {first.shape} {first.x_train.dtype}, {task.name} {task.shape}"
                f" {task.x_train.dtype}"
            )
            raise UserError(f"dataset.of: examples must be of one size and type: {kinds}{remedy}")
        if task.n_classes != first.n_classes:
            raise UserError(
                f"dataset.of: {first.name} has {first.n_classes} classes and {task.name}"
                f" {task.n_classes}; all datasets need the same number"
            )
    shifts = [first.n_classes * number for number in range(len(tasks))]
    return [
        replace(task, y_train=task.y_train + shift, y_test=task.y_test + shift)
        for task, shift in zip(tasks, shifts, strict=True)
    ]


def _loaded(data_dir: Path | None, report: Report, named: Named) -> Dataset:
    from bioexp.datasets import DATASETS

    options = {"name": named} if isinstance(named, str) else dict(named)
    name = str(options.pop("name", None))
    if name not in DATASETS or name in {"concatenation", "sequential"}:
        raise UserError(
            f"dataset.of: unknown dataset {name!r}{suggestion(name, DATASETS)} (there are"
            f" {', '.join(DATASETS)})"
        )
    values, wrong = check(schema(DATASETS[name]), options)
    if wrong:
        raise UserError(
            "\n".join(
                f"dataset.of: {name}.{'.'.join(map(str, place))}: {what}" for place, what in wrong
            )
        )
    return DATASETS[name](data_dir, report, **values)


def _resized(task: Dataset, x: np.ndarray, side: int) -> np.ndarray:
    """Bytes scaled to side x side by Pillow, bilinear."""
    import numpy as np
    from PIL import Image

    if x.ndim < 3 or x.dtype != np.uint8:
        raise UserError(
            f"dataset.resize: {task.name} holds no images of bytes but {task.shape} {x.dtype}"
        )
    if x.shape[1:3] == (side, side):
        return x
    size = len(x) * side**2 * (x.shape[3] if x.ndim == 4 else 1)
    refuse_larger(f"dataset.resize: {task.name} at {side} x {side} pixels", size, "lower resize")
    return np.stack(
        [
            np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))
            for image in x
        ]
    )


def _paired(
    x: Sequence[np.ndarray], y: Sequence[np.ndarray], split: int
) -> tuple[np.ndarray, np.ndarray]:
    """One example of each side by side; all but the first's in a random order of their own."""
    import numpy as np

    n = min(map(len, y))
    draw = [np.random.default_rng([PAIRING, split, part]) for part in range(len(x))]
    orders = [
        np.arange(n),
        *(own.permutation(len(labels))[:n] for own, labels in zip(draw[1:], y[1:], strict=True)),
    ]
    axis = 1 if x[0].ndim == 2 else 2
    images = np.concatenate([own[order] for own, order in zip(x, orders, strict=True)], axis=axis)
    return images, np.stack([own[order] for own, order in zip(y, orders, strict=True)], axis=1)


def _in_turn(x: Sequence[np.ndarray], y: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """First examples first, so that any stretch at the beginning holds equally many of each."""
    import numpy as np

    order = np.argsort(np.concatenate([np.arange(len(own)) for own in y]), kind="stable")
    return np.concatenate(x)[order], np.concatenate(y)[order]


def _joined(name: str, tasks: Sequence[Dataset], arrays: Arrays) -> Dataset:
    """The record of several datasets, whose source lists theirs."""
    return dataset(
        name,
        "; ".join(f"{task.name}: {task.source}" for task in tasks),
        arrays,
        sum(task.n_classes for task in tasks),
    )
