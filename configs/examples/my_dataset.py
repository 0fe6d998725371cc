"""A dataset of one's own: bars on a 6 x 6 grid, to be told apart by their direction."""

import numpy as np

from bioexp.datasets.arrays import Arrays, dataset
from bioexp.types import Count, Dataset, Fraction


def bars(
    data_dir, report, *, n: Count = 500, n_test: Count = 200, noise: Fraction = 0.2
) -> Dataset:
    """A bright row (class 0) or column (class 1) on noise; images are uint8, labels int32.

    n, n_test: training and test images.
    noise: brightness of the rest, relative to the bar.
    """
    generator = np.random.default_rng(0)

    def drawn(count):
        x, y = noise * generator.random((count, 6, 6)), np.arange(count, dtype=np.int32) % 2
        for image, label in zip(x, y, strict=True):
            (image.T if label else image)[generator.integers(6)] = 1.0
        return np.round(255 * x).astype(np.uint8), y

    return dataset("bars", "made by my_dataset.py", Arrays(*drawn(n), *drawn(n_test)), n_classes=2)
