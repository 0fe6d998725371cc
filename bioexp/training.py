"""The one training loop: stages of a rule, as jitted scans, for all seeds of a group at once, over
all devices there are.

`fit` is a generator of records and has no other effect: it writes nothing and knows nothing of
test data, pictures or files. Data order and initial weights depend on the seed alone, never on how
many seeds are trained together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Integer, Key, Num

from bioexp.devices import devices_for, over_devices, padded, rounded_up, split, whole
from bioexp.types import Batch, Examples, Learned, Metrics, Params, Rows, Stage, State, UserError

BLOCK = 2000  # images whose features are computed together
PER_CLASS = 0xC1A55  # tells the draw of a stage's examples from that of their order


class TrainState(NamedTuple):
    """Everything that one stage carries; each leaf has a leading axis over the seeds of the group.

    frozen: layers below the first trained one; params: the others; optimizer, rule: their own
        states.
    """

    frozen: Params
    params: Params
    optimizer: State
    rule: State


class Record(NamedTuple):
    """Where training stands after a scan.

    stage, step: number of the stage, minibatches within it; total: minibatches since the beginning;
        epoch: of this stage.
    state: on the device, and given back to it with the next record: copy what is to be kept.
    metrics: means since the last record, one value per seed. observed: what the rule has to say
        now, one value per seed.
    compile_s: seconds spent compiling so far.
    last: whether training ends here.
    """

    stage: int
    step: int
    total: int
    epoch: float
    state: TrainState
    metrics: dict[str, np.ndarray]
    observed: dict[str, np.ndarray]
    compile_s: float
    last: bool = False

    @property
    def params(self) -> Params:
        """The whole network's parameters, with a leading axis over seeds."""
        return merge(self.state.frozen, self.state.params)


class Checkpoint(NamedTuple):
    """A record as it comes back from disk: `leaves` are those of its TrainState, in order."""

    stage: int
    step: int
    leaves: Sequence[np.ndarray]


def fit(
    stages: Sequence[Stage],
    examples: Examples,
    seeds: Sequence[int],
    marks: Sequence[int] = (),
    resume: Checkpoint | None = None,
) -> Iterator[Record]:
    """Train all seeds together; yield a record at the start (or where it resumes) and after every
    scan.

    examples: the training set, uint8 images or floats in [0, 1]. marks: totals at which a record is
        wanted besides each stage's own. resume: continues there, to the same bits when the group
        and the machine are the same. Raises UserError where a metric or a weight stops being
        finite.
    """
    mesh = devices_for(len(seeds))
    data = Batch(*whole((examples.x, examples.y), mesh))
    numbers = padded(np.asarray(seeds, dtype=np.uint32), rounded_up(len(seeds), mesh))
    params = split(
        jax.jit(jax.vmap(lambda seed: stages[0].model.init(_key(seed, 0))))(numbers), mesh
    )
    compile_s, before, at = 0.0, 0, resume.stage if resume else 0
    for number, stage in enumerate(stages):
        if number >= at:
            state, stage_keys = begin(stage, params, data, numbers, number)
            shown = [members(stage, seed, number, examples.y) for seed in seeds]
            first, per_epoch = 0, len(shown[0]) // stage.batch_size
            if resume is not None and number == at:
                state, first = _restored(state, resume, len(seeds), mesh), resume.step
            if number == at:
                yield Record(
                    number,
                    first,
                    before + first,
                    first / per_epoch,
                    _asked_for(state, len(seeds)),
                    {},
                    {},
                    compile_s,
                )
            inputs = _inputs(stage, state, data, mesh)
            scans: dict[int, Any] = {}
            for start, stop in pairwise(_boundaries(stage, before, marks, first)):
                drawn = (
                    order(seed, number, start, stop, len(shown[0]), stage.batch_size)
                    for seed in seeds
                )
                rows = padded(
                    np.stack([own[places] for own, places in zip(shown, drawn, strict=True)]),
                    len(numbers),
                )
                arguments = state, stage_keys, rows, np.int32(start), inputs, data.y
                if stop - start not in scans:
                    began = time.perf_counter()
                    scans[stop - start] = _compiled(stage, mesh, *arguments)
                    compile_s += time.perf_counter() - began
                state, per_step, seen, finite = scans[stop - start](*arguments)
                metrics = _checked(per_step, finite, seeds, number, start, per_epoch)
                observed = {
                    name: np.asarray(values, dtype=np.float64)[: len(seeds)]
                    for name, values in seen.items()
                }
                last = stage is stages[-1] and (
                    stop == stage.steps or _reached(stage, number, metrics)
                )
                own = _asked_for(state, len(seeds))
                yield Record(
                    number,
                    stop,
                    before + stop,
                    stop / per_epoch,
                    own,
                    metrics,
                    observed,
                    compile_s,
                    last,
                )
                if last:
                    return
            params = merge(state.frozen, state.params)
        before += stage.steps


def begin(
    stage: Stage, params: Params, data: Batch, seeds: Integer[np.ndarray, "seeds"], number: int
) -> tuple[TrainState, Key[Array, "seeds"]]:
    """The state a stage starts from, and the keys of its steps.

    Optimizer and rule are new; the layers below the first trained one are set aside.
    """
    lowest = min(stage.train)
    frozen = {
        "layers": {name: layer for name, layer in params["layers"].items() if int(name) < lowest}
    }
    params = {
        "layers": {name: layer for name, layer in params["layers"].items() if int(name) >= lowest}
    }

    def fresh(
        seed: Integer[Array, ""],
        params: Params,
        x: Num[Array, "n *shape"],
        y: Int[Array, "n *labels"],
    ) -> tuple[State, State, Key[Array, ""]]:
        rule_key, step_key = jax.random.split(_key(seed, 1 + number))
        return (
            stage.optimizer.init(only(stage.train, params)),
            stage.rule.init(rule_key, params, Batch(as_float(x), y), stage.batch_size),
            step_key,
        )

    axes = (0, 0, None, None)
    spread = over_devices(jax.vmap(fresh, in_axes=axes), axes, devices_for(len(seeds)))
    optimizer, rule, keys = jax.jit(spread)(seeds, params, *data)
    return TrainState(frozen, params, optimizer, rule), keys


def _key(seed: Integer[Array, ""], use: int) -> Key[Array, ""]:
    """The key of a seed for its initial weights (0) or for stage use - 1."""
    return jax.random.fold_in(jax.random.key(seed), use)


def only(layers: Sequence[int], tree: Params) -> Params:
    """The part of params, or of a direction, that belongs to these layers."""
    return {
        "layers": {name: layer for name, layer in tree["layers"].items() if int(name) in layers}
    }


def merge(frozen: Params, params: Params) -> Params:
    """One network again from the layers that were set aside and those that learned."""
    return {"layers": {**frozen["layers"], **params["layers"]}}


def as_float(x: Num[Array, "..."]) -> Float[Array, "..."]:
    """Bytes as floats in [0, 1]; floats as they are."""
    return x.astype(jnp.float32) / 255 if x.dtype == jnp.uint8 else x


def order(
    seed: int, stage: int, start: int, stop: int, n: int, batch_size: int
) -> Int[np.ndarray, "steps batch"]:
    """Example numbers of minibatches start … stop-1: each epoch is a fresh permutation, its last
    partial batch dropped.

    Drawn by NumPy on the host, because sorting 60,000 random numbers costs XLA a third of an epoch
    of the log net.
    """
    per_epoch = n // batch_size
    first, last = start // per_epoch, (stop - 1) // per_epoch
    shuffled = [
        np.random.default_rng([seed, stage, epoch]).permutation(n)
        for epoch in range(first, last + 1)
    ]
    batches = np.concatenate(
        [examples[: per_epoch * batch_size].reshape(per_epoch, batch_size) for examples in shuffled]
    )
    return batches[start - first * per_epoch : stop - first * per_epoch].astype(np.int32)


def members(
    stage: Stage, seed: int, number: int, y: Int[np.ndarray, "n *labels"]
) -> Int[np.ndarray, "shown"]:
    """Numbers of the examples that a stage shows to a seed: all, or as many of each class as
    `per_class` says.
    """
    if stage.per_class is None:
        return np.arange(len(y), dtype=np.int32)
    draw = np.random.default_rng([seed, number, PER_CLASS])
    chosen = [
        draw.choice(np.flatnonzero(y == label), stage.per_class, replace=False)
        for label in np.unique(y)
    ]
    return np.sort(np.concatenate(chosen)).astype(np.int32)


def _scan(
    stage: Stage,
    state: TrainState,
    key: Key[Array, ""],
    rows: Int[Array, "steps batch"],
    start: Int[Array, ""],
    x: Num[Array, "..."],
    y: Int[Array, "n *labels"],
) -> tuple[TrainState, Metrics, Metrics, Array]:
    """The minibatches of one seed: its new state, metrics per step and at the end, and whether all
    weights are finite.
    """

    def step(carry, this):
        params, optimizer, rule = carry
        chosen, number = this
        batch = Batch(as_float(x[chosen]), y[chosen])
        learned = stage.rule.update(params, rule, batch, jax.random.fold_in(key, number))
        trained, optimizer = descend(stage, only(stage.train, params), learned, optimizer)
        return (merge(params, trained), optimizer, learned.state), learned.metrics

    numbers = start + jnp.arange(len(rows))
    (params, optimizer, rule), metrics = jax.lax.scan(step, tuple(state[1:]), (rows, numbers))
    finite = jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(params)]).all()
    observed, rule = stage.rule.observe(params, rule)
    return TrainState(state.frozen, params, optimizer, rule), metrics, observed, finite


def descend(
    stage: Stage, trained: Params, learned: Learned, optimizer: State
) -> tuple[Params, State]:
    """The trained layers after one step down the direction, constrained, and the optimizer's state.

    Raises UserError where the direction is of rows and the optimizer remembers whole matrices.
    """
    direction = only(stage.train, learned.direction)
    sparse = [
        isinstance(leaf, Rows)
        for leaf in jax.tree.leaves(direction, is_leaf=lambda leaf: isinstance(leaf, Rows))
    ]
    if any(sparse) and any(jnp.ndim(leaf) > 1 for leaf in jax.tree.leaves(optimizer)):
        raise UserError(
            "its rule moves a few rows of a matrix at a step: give it the optimizer sgd, without"
            " momentum"
        )

    def moved(w: Array, update: Array, towards: Array | Rows) -> Array:
        return (
            w.at[towards.units].set(w[towards.units] + update)
            if isinstance(towards, Rows)
            else w + update
        )

    steps = jax.tree.map(
        lambda w, leaf: leaf.values if isinstance(leaf, Rows) else leaf, trained, direction
    )
    updates, optimizer = stage.optimizer.update(steps, optimizer, trained)
    return stage.project(jax.tree.map(moved, trained, updates, direction)), optimizer


def _compiled(stage: Stage, mesh: Mesh, *arguments: Any) -> Any:
    """The scan for the whole group, compiled; images are shared by its seeds unless they are
    features of each.
    """
    images = 0 if arguments[0].frozen["layers"] else None
    axes = (0, 0, 0, None, images, None)
    scan = _over_seeds(partial(_scan, stage), axes, len(arguments[1]), mesh)
    return jax.jit(scan, donate_argnums=0).lower(*arguments).compile()


def _over_seeds(
    function: Callable[..., Any], axes: Sequence[int | None], seeds: int, mesh: Mesh
) -> Callable[..., Any]:
    """vmap over each device's seeds; over a single one without making XLA multiply batches of one
    matrix (a third slower on a CPU).
    """
    if seeds > mesh.size:
        return over_devices(jax.vmap(function, in_axes=axes), axes, mesh)

    def squeezed(*arguments: Any) -> Any:
        first = [
            argument if axis is None else jax.tree.map(lambda leaf: leaf[0], argument)
            for argument, axis in zip(arguments, axes, strict=True)
        ]
        return jax.tree.map(lambda leaf: leaf[None], function(*first))

    return over_devices(squeezed, axes, mesh)


def _inputs(stage: Stage, state: TrainState, data: Batch, mesh: Mesh) -> Num[Array, "..."]:
    """What the lowest trained layer sees: the images, or each seed's features, computed once."""
    lowest = min(stage.train)
    if not lowest:
        return data.x

    def features(params: Params, x: Num[Array, "block *shape"]) -> Float[Array, "block units"]:
        return stage.model.apply(params, as_float(x))[1][lowest].x

    params = merge(state.frozen, state.params)
    block = jax.jit(_over_seeds(features, (0, None), len(jax.tree.leaves(params)[0]), mesh))
    return jnp.concatenate(
        [block(params, data.x[i : i + BLOCK]) for i in range(0, len(data.y), BLOCK)], axis=1
    )


def _boundaries(stage: Stage, before: int, marks: Sequence[int], first: int) -> list[int]:
    """Steps of this stage at which a scan ends, from `first` on: every record, every mark, the last
    step.
    """
    wanted = {
        *range(0, stage.steps, stage.record_every),
        *(mark - before for mark in marks),
        stage.steps,
        first,
    }
    return sorted(step for step in wanted if first <= step <= stage.steps)


def _reached(stage: Stage, number: int, metrics: dict[str, np.ndarray]) -> bool:
    """Whether a stage that stops early has reached its accuracy, mean over the group's seeds."""
    if stage.until is None:
        return False
    if "accuracy" not in metrics:
        raise UserError(
            f"stage {number}: its rule measures no accuracy, so `until` can stop nothing (it"
            f" measures {', '.join(metrics) or 'nothing'})"
        )
    return bool(metrics["accuracy"].mean() >= stage.until)


def _checked(
    per_step: Metrics, finite: Array, seeds: Sequence[int], stage: int, start: int, per_epoch: int
) -> dict[str, np.ndarray]:
    """Means over the scan, one per seed; refuses what is not finite, naming where it began."""
    host = {
        name: np.asarray(values, dtype=np.float64)[: len(seeds)]
        for name, values in per_step.items()
    }
    for name, values in host.items():
        if not np.isfinite(values).all():
            seed, step = min(np.argwhere(~np.isfinite(values)), key=lambda at: at[1])
            _diverged(stage, start + int(step), per_epoch, name, values[seed, step], seeds[seed])
    if not np.asarray(finite).all():
        _diverged(
            stage,
            start,
            per_epoch,
            "a weight",
            float("nan"),
            seeds[int(np.argmin(np.asarray(finite)))],
        )
    return {name: values.mean(axis=1) for name, values in host.items()}


def _diverged(stage: int, step: int, per_epoch: int, name: str, value: float, seed: int) -> None:
    raise UserError(
        f"stage {stage} epoch {step // per_epoch}: {name} is {value} since step {step} (seed"
        f" {seed}); lower its learning_rate"
    )


def _asked_for(state: TrainState, seeds: int) -> TrainState:
    """The state without the seeds that pad the group."""
    return (
        state
        if len(jax.tree.leaves(state)[0]) == seeds
        else jax.tree.map(lambda leaf: leaf[:seeds], state)
    )


def _restored(state: TrainState, checkpoint: Checkpoint, seeds: int, mesh: Mesh) -> TrainState:
    """The state with a checkpoint's leaves in place of its own; refuses those that do not fit."""
    leaves, structure = jax.tree.flatten(state)
    shapes = [((seeds, *leaf.shape[1:]), leaf.dtype) for leaf in leaves]
    if shapes != [(leaf.shape, leaf.dtype) for leaf in checkpoint.leaves]:
        raise UserError(
            "state.npz does not fit this configuration; run again with --force to start over"
        )
    return jax.tree.unflatten(
        structure,
        [
            split(padded(np.asarray(leaf), rounded_up(seeds, mesh)), mesh)
            for leaf in checkpoint.leaves
        ],
    )
