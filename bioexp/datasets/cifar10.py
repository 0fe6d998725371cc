"""CIFAR-10: 60,000 photographs of ten kinds of things, 32 x 32, in color (Krizhevsky 2009), from
the archive of the binary version.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from bioexp.datasets import store
from bioexp.datasets.arrays import Arrays, only
from bioexp.datasets.source import RawFile, Report, Source, silent
from bioexp.types import Dataset, Natural

TRAIN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST = ("test_batch.bin",)


def arrays(files: Sequence[bytes]) -> Arrays:
    """The arrays in the archive, whose sha256 the caller has checked: batches of records, each a
    label byte and 3 x 32 x 32 bytes, channels first.
    """
    import numpy as np

    with tarfile.open(fileobj=io.BytesIO(files[0]), mode="r:gz") as archive:
        batches = {
            PurePosixPath(member.name).name: file.read()
            for member in archive
            if (file := archive.extractfile(member))
        }

    def split(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        records = np.frombuffer(b"".join(batches[name] for name in names), dtype=np.uint8).reshape(
            -1, 1 + 3 * 32 * 32
        )
        images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images), records[:, 0].astype(np.int32)

    return Arrays(*split(TRAIN), *split(TEST))


CIFAR10 = Source(
    name="cifar10",
    files=(
        RawFile(
            "cifar-10-binary.tar.gz",
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ),
    ),
    decode=arrays,
    n_classes=10,
)


def cifar10(
    data_dir: Path | None, report: Report = silent, *, classes: tuple[Natural, ...] | None = None
) -> Dataset:
    """Small photographs: 50,000 to train, 10,000 to test, 32 x 32 x 3 uint8, in file order.

    classes: keep these only, relabeled 0, 1, … in the order given; null for all ten.
    """
    return only(store.load(CIFAR10, data_dir, report), classes)
