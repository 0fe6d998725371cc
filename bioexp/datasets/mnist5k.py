"""5,000 MNIST images that travel with bioexp, for machines that cannot have MNIST; embedded/NOTICE
says where they come from.
"""

from __future__ import annotations

import lzma
from pathlib import Path

from bioexp.datasets.arrays import Arrays, dataset, interleaved, only
from bioexp.datasets.source import Report, silent
from bioexp.types import Dataset, Natural

EMBEDDED = Path(__file__).parent / "embedded" / "mnist5k.npy.xz"
TRAIN = 400  # of the 500 of every digit


def mnist5k(
    data_dir: Path | None, report: Report = silent, *, classes: tuple[Natural, ...] | None = None
) -> Dataset:
    """The first 500 of every digit in MNIST's training set: 4,000 to train, 1,000 to test, 28 x 28
    uint8.

    Of every digit the first 400 train and the last 100 test, in file order, the digits taking turns
    (0, 1, … 9, 0, 1, …). The test images are training images of MNIST: never score a net on them
    that was trained on MNIST.

    classes: keep these digits only, relabeled 0, 1, … in the order given; null for all ten.
    """
    import numpy as np

    with lzma.open(EMBEDDED) as file:
        by_digit = np.load(file)  # (10, 500, 28, 28)
    arrays = Arrays(*interleaved(by_digit[:, :TRAIN]), *interleaved(by_digit[:, TRAIN:]))
    return only(dataset("mnist5k", "embedded", arrays, n_classes=10), classes)
