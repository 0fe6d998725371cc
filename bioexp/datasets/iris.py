"""Fisher's iris flowers, embedded: UCI's iris.data byte for byte, which differs from Fisher's table in samples 35 and 38."""

from __future__ import annotations

from pathlib import Path

from bioexp.datasets.arrays import Arrays, dataset, interleaved, only
from bioexp.datasets.source import Report, silent
from bioexp.types import Dataset, Natural

EMBEDDED = Path(__file__).parent / "embedded" / "iris.data"
SPECIES, EACH, TRAIN = 3, 50, 40  # the file is sorted by species; 40 of each 50 train


def iris(data_dir: Path | None, report: Report = silent, *, classes: tuple[Natural, ...] | None = None) -> Dataset:
    """150 flowers of three species (0 setosa, 1 versicolor, 2 virginica), four lengths each: 120 to train, 30 to test.

    Every length is divided by the largest of the training flowers, as float32; those happen to be the largest of all, so that test
    flowers stay in [0, 1] too, and the scale is the same whichever classes are kept. Of every species the first 40 train and the
    last 10 test, in file order, the species taking turns (0, 1, 2, 0, 1, 2, …).

    classes: keep these species only, relabeled 0, 1, … in the order given; null for all three.
    """
    import numpy as np

    rows = [line.split(",") for line in EMBEDDED.read_text().split()]
    lengths = np.array([row[:4] for row in rows], dtype=np.float32).reshape(SPECIES, EACH, 4)
    scaled = lengths / lengths[:, :TRAIN].max(axis=(0, 1))
    arrays = Arrays(*interleaved(scaled[:, :TRAIN]), *interleaved(scaled[:, TRAIN:]))
    return only(dataset("iris", "embedded", arrays, n_classes=SPECIES), classes)
