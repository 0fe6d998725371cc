"""What decides numbers besides code, config and device: the settings of JAX, held at one value, and
the rest of the surroundings, which is recorded.

JAX takes its settings from variables such as JAX_ENABLE_X64 and from the program that calls bioexp.
A run would train in another precision, or from other random numbers, under the same name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

# JAX's own defaults. Those of the second half decide no number: they make sound code fail.
PINNED: dict[str, Any] = {
    "jax_enable_x64": False,
    "jax_default_matmul_precision": None,
    "jax_default_prng_impl": "threefry2x32",
    "jax_enable_custom_prng": False,
    "jax_threefry_partitionable": True,
    "jax_threefry_gpu_kernel_lowering": False,
    "jax_random_seed_offset": 0,
    "jax_high_dynamic_range_gumbel": False,
    "jax_softmax_custom_jvp": False,
    "jax_default_device": None,
    "jax_disable_jit": False,
    "jax_disable_most_optimizations": False,
    "jax_allow_f16_reductions": True,
    "jax_compiler_enable_remat_pass": True,
    "jax_exec_time_optimization_effort": 0.0,
    "jax_memory_fitting_effort": 0.0,
    "jax_memory_fitting_level": "O2",
    "jax_optimization_level": "UNKNOWN",
    "jax_enable_pgle": False,
    "jax_xla_profile_version": 0,
    "jax_use_magma": "auto",
    "jax_use_direct_linearize": True,
    "jax_use_shardy_partitioner": True,
    "jax_embedded_constants_max_bytes": 32,
    "eager_constant_folding": False,
    "jax_custom_vjp3": False,
    "jax_remat3": False,
    "jax_scan3": False,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_legacy_prng_key": "allow",
    "jax_debug_nans": False,
    "jax_debug_infs": False,
    "jax_debug_key_reuse": False,
    "jax_enable_checks": False,
    "jax_check_tracer_leaks": False,
    "jax_check_static_indices": False,
    "jax_error_checking_behavior_divide": "ignore",
    "jax_error_checking_behavior_nan": "ignore",
    "jax_error_checking_behavior_oob": "ignore",
    "jax_disallow_mesh_context_manager": False,
    "jax_no_execution": False,
    "jax_no_tracing": False,
    "jax_mock_gpu_topology": "",
    "jax_transfer_guard_host_to_device": "allow",
    "jax_transfer_guard_device_to_device": "allow",
    "jax_transfer_guard_device_to_host": "allow",
}
RECORDED = (  # beginnings of the variables that JAX, XLA and the libraries below them read
    *("JAX_", "XLA_", "TF_", "LIBTPU_", "NVIDIA_TF32", "CUDA_", "CUBLAS_", "CUDNN_", "ROCR_"),
    *("HIP_", "OMP_", "MKL_", "OPENBLAS_", "NPY_", "MALLOC_"),
)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def pin() -> dict[str, Any]:
    """Hold JAX's settings at what bioexp computes with, for this process; returns those that were
    others, as they were.

    One that this version of JAX does not know is passed over.
    """
    import jax

    known = jax.config.values
    before = {name: known[name] for name in PINNED.keys() & known if known[name] != PINNED[name]}
    for name in before:
        jax.config.update(name, PINNED[name])
    return before


@contextmanager
def _as_pinned() -> Iterator[None]:
    """Settings first that JAX takes for a time: a `with jax.enable_x64(True):` around the caller
    holds before the setting of the process, and is answered by another one.
    """
    import jax

    with ExitStack() as held:
        for name, value in PINNED.items():
            within = getattr(jax, name.removeprefix("jax_"), None)
            if within is not None:
                held.enter_context(within(value))
        before = pin()
        try:
            yield
        finally:
            for name, value in before.items():
                jax.config.update(name, value)


def pinned(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function, computing with bioexp's settings of JAX; the caller's are back when it
    returns.
    """

    @wraps(function)
    def run(*words: Arguments.args, **values: Arguments.kwargs) -> Result:
        with _as_pinned():
            return function(*words, **values)

    return run


def environment() -> dict[str, str]:
    """The variables of this process that may decide how something is computed, by name."""
    return {name: os.environ[name] for name in sorted(os.environ) if name.startswith(RECORDED)}
