"""The IDX format of MNIST and its kin: a gzipped header, then the bytes of a uint8 array."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bioexp.datasets.arrays import Arrays

if TYPE_CHECKING:
    import numpy as np

NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def arrays(files: Sequence[bytes]) -> Arrays:
    """The four files in the order of NAMES, whose sha256 the caller has checked, as arrays."""
    import numpy as np

    x_train, y_train, x_test, y_test = (array(content) for content in files)
    return Arrays(x_train, y_train.astype(np.int32), x_test, y_test.astype(np.int32))


def array(content: bytes) -> np.ndarray:
    """One file: two zero bytes, 8 for uint8, the number of axes, their big-endian lengths, the
    values.
    """
    import numpy as np

    raw = gzip.decompress(content)
    shape = struct.unpack_from(f">{raw[3]}I", raw, offset=4)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * len(shape)).reshape(shape)
