"""Datasets by name: builder(data_dir, report, *, options) -> Dataset.

data_dir: an explicit --data-dir or BIOEXP_DATA_DIR, or None for the usual places.
report: takes a line of progress; datasets that are read from raw files use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bioexp.datasets.blobs import blobs
from bioexp.datasets.cifar10 import CIFAR10, cifar10
from bioexp.datasets.cifar10_5k import cifar10_5k
from bioexp.datasets.fashion_mnist import FASHION_MNIST, fashion_mnist
from bioexp.datasets.iris import iris
from bioexp.datasets.mnist import MNIST, mnist
from bioexp.datasets.mnist5k import mnist5k
from bioexp.datasets.npz import npz
from bioexp.datasets.several import concatenation, permuted_mnist, sequential
from bioexp.datasets.source import Source, Unavailable
from bioexp.types import Dataset

DATASETS: Mapping[str, Callable[..., Dataset]] = {
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "cifar10_5k": cifar10_5k,
    "mnist5k": mnist5k,
    "iris": iris,
    "blobs": blobs,
    "npz": npz,
    "concatenation": concatenation,
    "sequential": sequential,
    "permuted_mnist": permuted_mnist,
}

# Made of other datasets, with no files of their own.
DERIVED = ("concatenation", "sequential", "permuted_mnist")

# Not part of bioexp: they have to be looked for.
SOURCES: Mapping[str, Source] = {source.name: source for source in (MNIST, FASHION_MNIST, CIFAR10)}

__all__ = ["DATASETS", "DERIVED", "SOURCES", "Unavailable"]
