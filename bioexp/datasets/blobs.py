"""Gaussian clouds, made on the spot: a dataset for tests that any working rule separates."""

from __future__ import annotations

import tempfile
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from bioexp.datasets.arrays import Arrays, dataset
from bioexp.datasets.memory import refuse_larger, refuse_larger_file
from bioexp.datasets.source import Report, silent
from bioexp.files import cache_folder
from bioexp.types import Count, Dataset, Natural, UserError

if TYPE_CHECKING:
    import numpy as np

APART = 8.0  # standard deviations between the nearest two centers
WIDEST = 0.1  # standard deviation of a cloud, at most
BLOCK = 4096  # examples that are drawn at a time
APART_WORK, PAIR = 2 * 10**9, 1000  # additions, at most; what a pair costs beside its features
LARGE = 2**27  # bytes; more than these lie in a file, mapped into memory


def blobs(
    data_dir: Path | None,
    report: Report = silent,
    *,
    classes: Count = 3,
    features: tuple[Count, ...] = (16,),
    n: Count = 300,
    n_test: Count = 90,
    seed: Natural = 0,
) -> Dataset:
    """A Gaussian cloud for every class, clipped to [0, 1]; the classes take turns (0, 1, 2, 0, …).

    Centers are uniform in [0.2, 0.8], and the nearest two lie at least eight standard deviations
    apart.

    classes: how many clouds.
    features: shape of an example: [16] for float32 vectors; [8, 8] or [8, 8, 3] for uint8 images.
    n, n_test: training and test examples, at least one of every class.
    seed: of the centers and the noise.

    More than 128 MB of examples lie in a file in the cache folder that vanishes with the process.
    """
    import numpy as np

    if len(features) > 3:
        raise UserError(f"blobs: features must be one, two or three lengths, got {list(features)}")
    if min(n, n_test) < classes:
        raise UserError(
            f"blobs: n and n_test must be at least classes ({classes}), got {n} and {n_test}"
        )
    _refuse_too_large(classes, prod(features), n, n_test)
    generator = np.random.default_rng(seed)
    centers = generator.uniform(0.2, 0.8, (classes, *features))
    distances = [float(np.linalg.norm(a - b)) for i, a in enumerate(centers) for b in centers[:i]]
    spread = min([WIDEST, *(distance / APART for distance in distances)])

    def cloud(size: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(size, dtype=np.int32) % classes
        x = room((size, *features), np.float32 if len(features) == 1 else np.uint8)
        for start in range(0, size, BLOCK):
            some = y[start : start + BLOCK]
            drawn = np.clip(
                centers[some] + spread * generator.standard_normal((len(some), *features)), 0, 1
            )
            x[start : start + BLOCK] = drawn if len(features) == 1 else np.round(255 * drawn)
        return x, y

    return dataset(
        "blobs", f"made with seed {seed}", Arrays(*cloud(n), *cloud(n_test)), n_classes=classes
    )


def _refuse_too_large(classes: int, features: int, n: int, n_test: int) -> None:
    """Before anything is made: the numbers that are drawn at a time, the distances between centers,
    and the files.
    """
    drawn = 2 * 8 * features * (classes + min(BLOCK, max(n, n_test)))
    refuse_larger(f"blobs: features {features:,}", drawn, "lower features")
    pairs = classes * (classes - 1) // 2
    if pairs * max(features, PAIR) > APART_WORK:
        raise UserError(
            f"blobs: {classes:,} classes of {features:,} features have too many distances between"
            " centers; lower classes or features"
        )
    refuse_larger_file(
        f"blobs: {n + n_test:,} examples of {features:,} features",
        4 * features * (n + n_test),
        cache_folder(),
        "lower n, n_test or features",
    )


def room(shape: tuple[int, ...], dtype: type[np.generic]) -> np.ndarray:
    """An array to be filled, in memory or, where that is too much, in a nameless file."""
    import numpy as np

    if prod(shape) * np.dtype(dtype).itemsize <= LARGE:
        return np.empty(shape, dtype)
    cache_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=cache_folder()) as file:
        return np.memmap(file, dtype, "w+", shape=shape)
