"""Fashion-MNIST: Zalando's 70,000 pieces of clothing in the format and size of MNIST (Xiao, Rasul &
Vollgraf 2017).
"""

from __future__ import annotations

from pathlib import Path

from bioexp.datasets import idx, store
from bioexp.datasets.arrays import only
from bioexp.datasets.source import RawFile, Report, Source, silent
from bioexp.types import Dataset, Natural

FASHION_MNIST = Source(
    name="fashion_mnist",
    files=(
        RawFile(
            idx.NAMES[0],
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        RawFile(
            idx.NAMES[1], 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        RawFile(
            idx.NAMES[2],
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        RawFile(
            idx.NAMES[3], 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
    ),
    decode=idx.arrays,
    n_classes=10,
    digests=(
        "c7d8cfe8172756709eda8bbe8b201cb44f70785b4cd9974a82408b36cc1f72e4",
        "2589de149ea70a51076dfb7116c581fbd9b4c7b39b8e9c9f19ec089d65d659b8",
    ),
)


def fashion_mnist(
    data_dir: Path | None, report: Report = silent, *, classes: tuple[Natural, ...] | None = None
) -> Dataset:
    """Clothing, harder than digits: 60,000 to train, 10,000 to test, 28 x 28 uint8, in file order.

    classes: keep these only, relabeled 0, 1, … in the order given; null for all ten.
    """
    return only(store.load(FASHION_MNIST, data_dir, report), classes)
