"""The first 4,000 training and the first 1,000 test images of CIFAR-10, from an .npz file with
Keras's keys: enough to run what is meant for CIFAR-10, and no substitute for it.
"""

from __future__ import annotations

from pathlib import Path

from bioexp.datasets import npz as archive
from bioexp.datasets.arrays import Arrays, dataset, only
from bioexp.datasets.source import Missing, Report, silent
from bioexp.types import Dataset, Natural

FILE = "cifar10_5k.npz"


def cifar10_5k(
    data_dir: Path | None, report: Report = silent, *, classes: tuple[Natural, ...] | None = None
) -> Dataset:
    """Small photographs: 4,000 to train, 1,000 to test, 32 x 32 x 3 uint8, in CIFAR-10's order.
    Accuracies on them are not accuracies on CIFAR-10.

    classes: keep these only, relabeled 0, 1, … in the order given; null for all ten.

    Raises Missing where no folder is named that holds cifar10_5k.npz.
    """
    file = (data_dir or Path()) / FILE
    if data_dir is None or not file.is_file():
        where = data_dir or "no folder named"
        raise Missing(
            f"{FILE}: not there ({where}); put it into a folder DIR and give --data-dir DIR"
            " (BIOEXP_DATA_DIR)"
        )
    whole = archive.npz(None, path=str(file))
    arrays = Arrays(whole.x_train, whole.y_train, whole.x_test, whole.y_test)
    return only(dataset("cifar10_5k", f"file {file}", arrays, 10, whole.digest), classes)
