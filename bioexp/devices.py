"""Which device computes, where compiled programs are kept, and how one axis is spread over the
devices of this machine: the seeds of a group in training, the images in an attack.

A machine of one device is the plain case of the same code. What does not divide evenly is padded by
its last item, and what that gave is dropped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from bioexp.files import cache_folder
from bioexp.pinned import pin
from bioexp.types import UserError

DeviceName = Literal["auto", "cpu", "gpu", "gpu-deterministic", "tpu"]
DETERMINISTIC = "--xla_gpu_deterministic_ops=true"
AXIS = "spread"
SPLIT, WHOLE = PartitionSpec(AXIS), PartitionSpec()


def cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    return (
        sorted(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else list(range(os.cpu_count() or 1))
    )


def prepare(name: DeviceName) -> str:
    """Choose the device before the first computation, with JAX set to compute as it always does
    here, and return it in words. Raises UserError where the one asked for is absent.

    gpu-deterministic: a GPU whose sums are made in one order, so that a run repeats to the same
    bits, and takes longer. Compiled programs are cached on disk however fast they compile: that
    saves half a second of every short run.
    """
    pin()
    if name == "gpu-deterministic":
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {DETERMINISTIC}".strip()
        name = "gpu"
    if name != "auto":
        jax.config.update("jax_platforms", {"gpu": "cuda,rocm"}.get(name, name))
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    try:
        device = jax.devices()[0]
    except (RuntimeError, AssertionError) as error:  # the latter for cuda without its plugin
        asked = os.environ.get("JAX_PLATFORMS")
        where = f"JAX_PLATFORMS={asked}" if name == "auto" and asked else f"--device {name}"
        remedy = {"gpu": "pip install 'bioexp[cuda]'", "tpu": "pip install 'bioexp[tpu]'"}.get(
            name, "check the JAX installation"
        )
        why = f" ({str(error).splitlines()[0]})" if str(error) else ""
        raise UserError(
            f"{where}: there is none here{why}; {remedy}, or use --device cpu"
        ) from None
    count = jax.local_device_count()
    several = f"{count} x " if count > 1 else ""
    if device.platform != "cpu":
        return f"{several}{device.device_kind}"
    return (
        f"{several}{device.platform} ({device.device_kind}, {len(cores())}"
        f" core{'s' * (len(cores()) > 1)})"
    )


def devices_for(items: int) -> Mesh:
    """The fewest devices on which these items, at least one, take no longer than on all there are:
    for 9 items 5 of 8 devices.
    """
    devices = jax.local_devices()
    each = -(-items // len(devices))
    return Mesh(np.asarray(devices[: -(-items // each)]), (AXIS,))


def rounded_up(items: int, mesh: Mesh) -> int:
    """How many items there are once every device of the mesh has equally many."""
    return -(-items // mesh.size) * mesh.size


def padded(leaf: np.ndarray, size: int) -> np.ndarray:
    """The last row repeated up to `size` rows."""
    return np.concatenate([leaf, np.repeat(leaf[-1:], size - len(leaf), 0)])


def split(tree: Any, mesh: Mesh) -> Any:
    """Arrays whose leading axis is spread over the devices."""
    return jax.device_put(tree, NamedSharding(mesh, SPLIT))


def whole(tree: Any, mesh: Mesh) -> Any:
    """Arrays of which every device holds the whole."""
    return jax.device_put(tree, NamedSharding(mesh, WHOLE))


def over_devices(
    function: Callable[..., Any], axes: Sequence[int | None], mesh: Mesh
) -> Callable[..., Any]:
    """The function on every device's part of the arguments whose axis is 0, and on the whole of
    those whose axis is None.

    Results are split as the former are. No device talks to another, so each runs the program that a
    machine of one device would.
    """
    specs = tuple(WHOLE if axis is None else SPLIT for axis in axes)
    return jax.shard_map(function, mesh=mesh, in_specs=specs, out_specs=SPLIT, check_vma=False)
