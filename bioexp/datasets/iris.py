"""Fisher's iris flowers, embedded: UCI's iris.data byte for byte, which differs from Fisher's table
in samples 35 and 38.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bioexp.datasets.arrays import Arrays, dataset, interleaved, only
from bioexp.datasets.source import Report, silent
from bioexp.types import Dataset, Natural, UserError

if TYPE_CHECKING:
    import numpy as np

EMBEDDED = Path(__file__).parent / "embedded" / "iris.data"
SPECIES, EACH, TRAIN = 3, 50, 40  # the file is sorted by species; 40 of each 50 train


def iris(
    data_dir: Path | None,
    report: Report = silent,
    *,
    classes: tuple[Natural, ...] | None = None,
    draw: Natural | None = None,
    balanced: bool = True,
) -> Dataset:
    """150 flowers of three species (0 setosa, 1 versicolor, 2 virginica), four lengths each: 120 to
    train, 30 to test.

    Every length is divided by the largest of the training flowers, as float32; those happen to be
    the largest of all, so that test flowers stay in [0, 1] too, and the scale is the same whichever
    classes are kept. Of every species the first 40 train and the last 10 test, in file order, the
    species taking turns (0, 1, 2, 0, 1, 2, …).

    classes: keep these species only, relabeled 0, 1, … in the order given; null for all three.
    draw: number of a random split; null for the file's own order.
    balanced: whether a random split has 40 of each species to train; false draws four fifths of all
        that are kept.
    Raises UserError for a split that is not balanced and has no number.
    """
    import numpy as np

    rows = [line.split(",") for line in EMBEDDED.read_text().split()]
    lengths = np.array([row[:4] for row in rows], dtype=np.float32).reshape(SPECIES, EACH, 4)
    scaled = lengths / lengths[:, :TRAIN].max(axis=(0, 1))
    if draw is None and not balanced:
        raise UserError(
            "iris: a split that is not balanced is a random one; give it a number: draw: 0"
        )
    if draw is not None:
        shuffled = np.random.default_rng(draw)
        scaled = np.stack([shuffled.permutation(flowers) for flowers in scaled])
    arrays = Arrays(*interleaved(scaled[:, :TRAIN]), *interleaved(scaled[:, TRAIN:]))
    kept = only(dataset("iris", "embedded", arrays, n_classes=SPECIES), classes)
    return kept if balanced else _dealt(kept, np.random.default_rng([draw or 0, 1]))


def _dealt(kept: Dataset, shuffled: np.random.Generator) -> Dataset:
    """The same flowers dealt out anew, as many to train as before, whichever their species."""
    import numpy as np

    x, y = np.concatenate([kept.x_train, kept.x_test]), np.concatenate([kept.y_train, kept.y_test])
    order, n = shuffled.permutation(len(y)), len(kept.y_train)
    arrays = Arrays(x[order[:n]], y[order[:n]], x[order[n:]], y[order[n:]])
    return dataset(kept.name, kept.source, arrays, kept.n_classes)
