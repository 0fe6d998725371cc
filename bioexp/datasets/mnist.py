"""MNIST: 60,000 and 10,000 handwritten digits, 28 x 28, gray (LeCun, Cortes & Burges)."""

from __future__ import annotations

from pathlib import Path

from bioexp.datasets import idx, store
from bioexp.datasets.arrays import only
from bioexp.datasets.source import RawFile, Report, Source, silent
from bioexp.types import Dataset, Natural

MNIST = Source(
    name="mnist",
    files=(
        RawFile(
            idx.NAMES[0],
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        RawFile(
            idx.NAMES[1], 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
        ),
        RawFile(
            idx.NAMES[2],
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        RawFile(
            idx.NAMES[3], 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
        ),
    ),
    decode=idx.arrays,
    n_classes=10,
    digests=(
        "6a364e333ea1f8ab86e4d641d64a8cf8d8644433f54b0a78e32c2b9e143672d0",
        "45a60edfded3b2bb860a7fd195c83431011e7f04318268b4f2de30030af9444e",
    ),
)


def mnist(
    data_dir: Path | None, report: Report = silent, *, classes: tuple[Natural, ...] | None = None
) -> Dataset:
    """Handwritten digits: 60,000 to train, 10,000 to test, 28 x 28 uint8, in file order.

    classes: keep these digits only, relabeled 0, 1, … in the order given; null for all ten.
    """
    return only(store.load(MNIST, data_dir, report), classes)
