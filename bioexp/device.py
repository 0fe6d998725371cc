"""Which device computes, and where compiled programs are kept between runs."""

import os
from typing import Literal

from bioexp.files import cache_folder
from bioexp.types import UserError

DeviceName = Literal["auto", "cpu", "gpu", "gpu-deterministic", "tpu"]
DETERMINISTIC = "--xla_gpu_deterministic_ops=true"


def cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def prepare(name: DeviceName) -> str:
    """Choose the device before the first computation; returns it in words. UserError when the one asked for is absent.

    gpu-deterministic: a GPU whose sums are made in one order, so that a run repeats to the same bits; slower by what it is.
    Compiled programs are cached on disk however fast they compile: that saves half a second of every short run.
    """
    import jax

    if name == "gpu-deterministic":
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {DETERMINISTIC}".strip()
        name = "gpu"
    if name != "auto":
        jax.config.update("jax_platforms", {"gpu": "cuda,rocm"}.get(name, name))
    jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    try:
        device = jax.devices()[0]
    except RuntimeError as error:
        remedy = {"gpu": "pip install 'bioexp[cuda]'", "tpu": "pip install 'bioexp[tpu]'"}.get(name, "check the JAX installation")
        raise UserError(f"--device {name}: there is none here ({str(error).splitlines()[0]}); {remedy}, or use --device cpu") from None
    count = jax.local_device_count()
    several = f"{count} x " if count > 1 else ""
    if device.platform != "cpu":
        return f"{several}{device.device_kind}"
    return f"{several}{device.platform} ({device.device_kind}, {len(cores())} core{'s' * (len(cores()) > 1)})"
