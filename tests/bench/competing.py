"""The fast rule of competing hidden units beside a bare scan, NumPy and PyTorch; and the slow rule
as a whole.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from clock import Figure, Task, in_turns, ratio
from digits import dataset, name
from jaxtyping import Array, Float, UInt8

from bioexp.config import build
from bioexp.config.configs import experiments_named
from bioexp.experiment import split
from bioexp.training import fit, order
from bioexp.types import Examples, Stage

BATCH, P, RANK, DELTA, RATE = 100, 3.0, 7, 0.4, 0.04  # as in configs/competing_hidden_units.yaml
PART = 60  # minibatches of an epoch that NumPy and PyTorch are timed on
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Rival(NamedTuple):
    """step: moves w in place by a minibatch, and returns it. limit: takes the number of its
    threads.
    """

    name: str
    step: Callable[[Any, Any], Any]
    w: Any
    batches: Sequence[Any]
    limit: Callable[[int], object]
    target: str


def competing(rounds: int) -> Iterator[Figure]:
    """Seconds per epoch of the fast rule with 2,000 units: from one record of `bioexp.training.fit`
    to the next, and without it.

    Bare is a jitted scan over the same minibatches, with the rule's arithmetic and nothing else;
    its matrix product alone says how fast the epoch could be. NumPy in float64 is the published
    program, PyTorch the same in float32: both move all units at every minibatch, find their images
    at unit length in memory, are timed on a part of the epoch, and with one thread and with
    all: the quicker counts, for on a busy machine their threads wait for each other. How far each
        is from bioexp after the first
    minibatch is shown, too. The slow rule is timed as a whole fit.
    """
    (stage,), train = _first_stage("competing_hidden_units")
    steps, x = len(train.y) // BATCH, np.asarray(train.x).reshape(len(train.y), -1)
    rows = order(0, 0, 0, steps, len(train.y), BATCH)
    single = fit((stage._replace(steps=1, record_every=1),), train, [0])
    w, after = (np.array(record.params["layers"]["0"]["w"][0]) for record in single)
    records = fit((stage._replace(steps=(rounds + 1) * steps, record_every=steps),), train, [0])
    next(records)
    tasks: dict[str, Task] = {"bioexp": lambda: next(records)}
    tasks |= {"bare": _scan(_bare, w, rows, x), "product": _scan(_product, w, rows, x)}
    moved = {"bare": _bare((jnp.asarray(w), _power(jnp.asarray(w))), _unit(x[rows[0]]))[0][0]}
    rivals = list(_rivals(w, [_unit(x[chosen], np.float64) for chosen in rows[:PART]]))
    for rival in rivals:
        moved[rival.name] = np.array(rival.step(rival.w, rival.batches[0]))
        tasks |= {
            f"{rival.name} {threads}": partial(_part, rival, threads) for threads in (1, CORES)
        }
    taken, part = in_turns(tasks, rounds), min(PART, steps)
    apart = {
        who: f"after a minibatch W within {np.abs(own - after).max():.0e} of bioexp's"
        for who, own in moved.items()
    }
    scaled = f"{part} of {steps} minibatches, scaled, the quicker of 1 and {CORES} threads"
    yield Figure(f"bioexp: an epoch of {steps} minibatches of {BATCH}", taken["bioexp"])
    yield Figure("bare scan", taken["bare"], note=apart["bare"])
    yield ratio("bioexp / bare scan", taken["bioexp"], taken["bare"], "<= 1.3 x")
    yield from _roofline(taken["bioexp"], taken["product"], steps, *w.shape)
    for who, *_, target in rivals:
        best = tuple(
            min(both) * steps / part
            for both in zip(taken[f"{who} 1"], taken[f"{who} {CORES}"], strict=True)
        )
        yield Figure(f"{who}, all units", best, note=f"{scaled}; {apart[who]}")
        yield ratio(f"{who} / bioexp", best, taken["bioexp"], target)
    if len(rivals) == 1:
        yield Figure("PyTorch", note="torch is not installed (extra: bench)")
    yield from _slow(min(rounds, 3))


def _roofline(
    epoch: tuple[float, ...], product: tuple[float, ...], steps: int, units: int, inputs: int
) -> Iterator[Figure]:
    """What the epoch computes in a second, beside what its largest product computes alone."""
    q, change = 2e-9 * steps * BATCH * units * inputs, 2e-9 * steps * BATCH * 2 * BATCH * inputs
    share = median(alone / whole for alone, whole in zip(product, epoch, strict=True))
    alone, whole = (
        tuple(q / seconds for seconds in product),
        tuple((q + change) / seconds for seconds in epoch),
    )
    yield Figure(
        "of it: its matrix product",
        product,
        note=f"{share:.0%} of the epoch; images are picked and scaled here, too",
    )
    yield Figure("roofline: the matrix product alone", alone, "GFLOP/s")
    yield Figure("bioexp's epoch, products of currents and changes", whole, "GFLOP/s")
    yield Figure(
        "bioexp / roofline", tuple(100 * a / b for a, b in zip(whole, alone, strict=True)), "%"
    )


def _slow(rounds: int) -> Iterator[Figure]:
    """The slow rule's whole stage: seconds of the first fit, which compiles, and of later ones,
    whose program is cached.
    """
    stages, train = _first_stage("competing_hidden_units_slow")
    seconds, processor = [], []
    for _ in range(rounds + 1):
        began, used = time.perf_counter(), time.process_time()
        *_, last = fit(stages, train, [0])
        seconds.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
    what, target = f"slow rule: {last.total:,} images one by one", "<= 6 s on one core"
    used = f"{CORES} cores here, processor time"
    yield Figure(
        f"{what}, first fit", tuple(seconds[:1]), target=target, note=f"{used} {processor[0]:.1f} s"
    )
    yield Figure(
        f"{what}, again",
        tuple(seconds[1:]),
        target=target,
        note=f"{used} {median(processor[1:]):.1f} s",
    )


def _first_stage(config: str) -> tuple[tuple[Stage, ...], Examples]:
    """The stage of a config that learns without labels, on these images."""
    loaded = experiments_named(config, [f"dataset.name={name()}"])[0]
    train = split(loaded, dataset()).train
    return build.stages_of(loaded, dataset(), train)[:1], train


def _unit(x: UInt8[Any, "batch inputs"], dtype: type = np.float32) -> Float[Any, "batch inputs"]:
    """Images at unit length, in NumPy or JAX as they come."""
    v = x.astype(dtype) / 255
    return v / ((v**2).sum(axis=1, keepdims=True) + 1e-12) ** 0.5


def _scan(step: Callable[..., Any], w: np.ndarray, rows: np.ndarray, x: np.ndarray) -> Task:
    """An epoch as one jitted scan, whose weights go on from call to call."""

    def epoch(carry: Any, rows: Array, x: Array) -> Any:
        return jax.lax.scan(lambda carry, chosen: step(carry, _unit(x[chosen])), carry, rows)

    compiled, data = jax.jit(epoch, donate_argnums=0), (jnp.asarray(rows), jnp.asarray(x))
    carry = jnp.array(w), _power(jnp.asarray(w))

    def once() -> None:
        nonlocal carry
        carry, seen = compiled(carry, *data)
        jax.block_until_ready((carry, seen))

    return once


def _rivals(w: np.ndarray, part: list[np.ndarray]) -> Iterator[Rival]:
    """NumPy in float64; PyTorch in float32, if it is there. Without threadpoolctl NumPy has all
    threads both times.
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        threadpool_limits = int
    yield Rival("NumPy float64", _numpy, w.astype(np.float64), part, threadpool_limits, ">= 5 x")
    try:
        import torch
    except ImportError:
        return
    tensors = [torch.tensor(v, dtype=torch.float32) for v in part]
    yield Rival(
        f"PyTorch {torch.__version__} float32",
        _torch,
        torch.tensor(w),
        tensors,
        torch.set_num_threads,
        ">= 2.5 x",
    )


def _part(rival: Rival, threads: int) -> None:
    """A part of an epoch, minibatch by minibatch; weights go on from call to call."""
    rival.limit(threads)
    for v in rival.batches:
        rival.step(rival.w, v)


def _power(w: Float[Array, "units inputs"]) -> Float[Array, "units inputs"]:
    return jnp.sign(w) * jnp.abs(w) ** (P - 1)


def _bare(
    carry: tuple[Array, Array], v: Float[Array, "batch inputs"]
) -> tuple[tuple[Array, Array], Array]:
    """W and sign(W) |W|^(p-1) with the ranked rows moved: bioexp's arithmetic, and its barrier."""
    w, powered = carry
    q, unit = jax.lax.optimization_barrier(jax.lax.top_k(v @ powered.T, RANK))
    q, unit = (jnp.concatenate([of[:, 0], of[:, RANK - 1]]) for of in (q, unit))
    g = (unit[:, None] == unit[None, :]) * jnp.repeat(jnp.array([1.0, -DELTA]), len(v))
    change = (g[:, : len(v)] + g[:, len(v) :]) @ v - (g @ q)[:, None] * w[unit]
    largest = jnp.max(jnp.abs(change))
    moved = w[unit] + RATE * change / largest
    return (w.at[unit].set(moved), powered.at[unit].set(_power(moved))), largest


def _product(
    carry: tuple[Array, Array], v: Float[Array, "batch inputs"]
) -> tuple[tuple[Array, Array], Array]:
    return carry, jnp.max(v @ carry[1].T)  # its largest entry, so that it is computed at all


def _numpy(
    w: Float[np.ndarray, "units inputs"], v: Float[np.ndarray, "batch inputs"]
) -> Float[np.ndarray, "units inputs"]:
    """The published program's minibatch, in place: all currents sorted, a dense matrix of
    plasticities, all units moved.
    """
    q, images = (np.sign(w) * np.abs(w) ** (P - 1)) @ v.T, np.arange(len(v))
    ascending, g = np.argsort(q, axis=0), np.zeros_like(q)
    g[ascending[-1], images], g[ascending[-RANK], images] = 1.0, -DELTA
    change = g @ v - (g * q).sum(axis=1, keepdims=True) * w
    w += RATE * change / np.abs(change).max()
    return w


def _torch(w: Any, v: Any) -> Any:
    """The same in PyTorch, which ranks without sorting, and makes no large array that it can do
    without.
    """
    q = v @ w.abs().pow_(P - 1).copysign_(w).T
    unit, g = q.topk(RANK).indices, q.new_zeros(q.shape)
    g.scatter_(1, unit[:, :1], 1.0).scatter_(1, unit[:, RANK - 1 :], -DELTA)
    change = (g.T @ v).addcmul_((g * q).sum(dim=0)[:, None], w, value=-1)
    return w.add_(change, alpha=RATE / float(change.abs().max()))
