"""One axis over the devices of this machine: the seeds of a group in training, the images in an attack.

A machine of one device is the plain case of the same code. What does not divide evenly is padded by its last item, and what
that gave is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "spread"
SPLIT, WHOLE = PartitionSpec(AXIS), PartitionSpec()


def devices_for(items: int) -> Mesh:
    """The fewest devices on which so many items, at least one, take no longer than on all there are: 9 on 8 take 5 of them."""
    devices = jax.local_devices()
    each = -(-items // len(devices))
    return Mesh(np.asarray(devices[: -(-items // each)]), (AXIS,))


def rounded_up(items: int, mesh: Mesh) -> int:
    """How many items there are once every device of the mesh has as many."""
    return -(-items // mesh.size) * mesh.size


def padded(leaf: np.ndarray, size: int) -> np.ndarray:
    """The last row repeated up to `size` rows."""
    return np.concatenate([leaf, np.repeat(leaf[-1:], size - len(leaf), 0)])


def split(tree: Any, mesh: Mesh) -> Any:
    """Arrays with their leading axis over the devices."""
    return jax.device_put(tree, NamedSharding(mesh, SPLIT))


def whole(tree: Any, mesh: Mesh) -> Any:
    """Arrays that every device holds all of."""
    return jax.device_put(tree, NamedSharding(mesh, WHOLE))


def over_devices(function: Callable[..., Any], axes: Sequence[int | None], mesh: Mesh) -> Callable[..., Any]:
    """The function on every device's part of the arguments whose axis is 0, and on all of those whose axis is None.

    Results are split as these arguments are. No device talks to another, so each runs the program of a machine of one.
    """
    specs = tuple(WHOLE if axis is None else SPLIT for axis in axes)
    return jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=SPLIT, check_vma=False)
