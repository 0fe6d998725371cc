"""One group of seeds, trained together: records and checkpoints while it runs, trusted run directories at its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import jax
import numpy as np

from bioexp import build, run
from bioexp.commands.pictures import draw
from bioexp.config import Experiment
from bioexp.files import read_arrays, write_arrays, write_text, writing
from bioexp.measures.accuracy import correct, losses
from bioexp.provenance import code_digest, surroundings
from bioexp.spread import devices_for
from bioexp.training import Checkpoint, Record, fit
from bioexp.types import Apply, Dataset, Examples, Objective, Params, UserError

CHECKPOINT_EVERY = 5.0  # seconds, at least, between two states on disk

Watch = Callable[[Record, int], None]  # called with each record and the length of the whole training, in steps
Say = Callable[[str], None]
Check = Callable[[], None]
Paths = Mapping[int, Path]  # run directories by seed


def within_memory(name: str, paths: Paths, state: Path | None, train: Callable[[Paths, Path | None], None], say: Say) -> None:
    """Train a group; one that is too wide for the device's memory is split, each half beginning anew, and said so."""
    try:
        train(paths, state)
        return
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        if len(paths) == 1:
            raise UserError(f"{name}: one seed is too large for the device's memory; lower batch_size or hidden") from None
    seeds = list(paths)
    halves = seeds[: len(seeds) // 2], seeds[len(seeds) // 2 :]
    say(f"{name}: {len(seeds)} seeds are too wide for the device's memory; training {' and then '.join(map(str, halves))}")
    for half in halves:
        within_memory(name, {seed: paths[seed] for seed in half}, None, train, say)


def train_group(
    experiment: Experiment,
    dataset: Dataset,
    paths: Paths,
    state: Path | None,
    pictures: Literal["all", "first"],
    check: Check,
    say: Say,
    watch: Watch,
) -> None:
    """Train the seeds of `paths` from their beginning, or from the state they stopped at, to FINISHED.

    The caller holds their directories; `check` raises once it no longer does.
    Raises UserError where the config does not fit the data, or training diverges.
    """
    data = build.split(experiment, dataset)
    model, objective = build.model_of(experiment, dataset), build.objective_of(experiment)
    stages = build.stages_of(experiment, dataset, data.train)
    steps = sum(stage.steps for stage in stages)
    late = [mark for mark in experiment.snapshots if mark > steps]
    if late:
        raise UserError(f"{experiment.where(('snapshots',))}  snapshots: {late[0]} lies after the last step, {steps}")
    Thread(target=import_module, args=("matplotlib.figure",), daemon=True).start()  # needed at the end; half a second less to wait
    if (mesh := devices_for(len(paths))).size > 1:
        each = -(-len(paths) // mesh.size)
        say(f"{experiment.name}: {len(paths)} seeds over {mesh.size} devices of {jax.local_device_count()}, at most {each} on each")
    for path in paths.values() if state is None else ():
        run.start_over(path)
    resume, stage_s = _resume(state, paths, say) if state else (None, [0.0] * len(stages))
    began = time.perf_counter() - sum(stage_s)
    record = saved = None
    try:
        for record in fit(stages, data.train, list(paths), experiment.snapshots, resume):
            check()
            _keep(record, _validated(model.apply, objective, record, data, dataset.n_classes), experiment, paths)
            watch(record, steps)
            now = time.perf_counter()
            stage_s[record.stage] = now - began - sum(stage_s[: record.stage])
            if now - (saved or began) > CHECKPOINT_EVERY and not record.last:
                saved = _checkpoint(experiment, record, paths, stage_s)
    except UserError as error:
        raise UserError(f"{experiment.name} {error}") from error
    assert record is not None  # fit yields at least one
    scores = _scores(model.apply, objective, record.params, data.test, dataset.n_classes)
    check()
    _finish(experiment, record, stage_s, scores, data, dataset, paths, pictures)


def states(folder: Path, experiment: Experiment) -> list[tuple[tuple[int, ...], Path]]:
    """The groups of this experiment that were begun and not finished; states that other code wrote are not continued."""
    found = []
    for path in sorted(folder.glob(f"{run.identity(experiment)}-s*/state.npz")):
        arrays = read_arrays(path)
        if str(arrays["code_digest"]) == code_digest(experiment):
            found.append((tuple(int(seed) for seed in arrays["seeds"]), path))
    return found


def _resume(state: Path, paths: Mapping[int, Path], say: Say) -> tuple[Checkpoint, list[float]]:
    """The checkpoint and the seconds spent before it in each stage; records after it are dropped from metrics.jsonl."""
    arrays = read_arrays(state)
    at = Checkpoint(int(arrays["stage"]), int(arrays["step"]), [arrays[f"leaf{i}"] for i in range(int(arrays["leaves"]))])
    for path in paths.values():
        kept = [record for record in run.read_metrics(path) if (record["stage"], record["step"]) <= (at.stage, at.step)]
        write_text(path / "metrics.jsonl", "".join(_line(record) for record in kept))
    seeds = ", ".join(map(str, paths))
    say(f"{state.parent.parent.name}: continuing seed{'s' * (len(paths) > 1)} {seeds} at stage {at.stage}, step {at.step}")
    return at, [float(seconds) for seconds in arrays["stage_s"]]


def _checkpoint(experiment: Experiment, record: Record, paths: Mapping[int, Path], stage_s: Sequence[float]) -> float:
    """The whole group's state, in one file of its first seed; returns when it was written."""
    leaves = jax.device_get(jax.tree.leaves(record.state))
    arrays = {f"leaf{i}": leaf for i, leaf in enumerate(leaves)}
    arrays |= {"leaves": len(leaves), "stage": record.stage, "step": record.step, "seeds": list(paths), "stage_s": stage_s}
    write_arrays(next(iter(paths.values())) / "state.npz", arrays | {"code_digest": code_digest(experiment)})
    return time.perf_counter()


def _validated(apply: Apply, objective: Objective, record: Record, data: build.Split, classes: int) -> dict[str, Any]:
    """The score on the examples that were held out, one per seed; nothing where none were."""
    if data.validation is None or not record.metrics:
        return {}
    return {f"validation_{name}": values for name, values in _scores(apply, objective, record.params, data.validation, classes).items()}


def _scores(apply: Apply, objective: Objective, params: Params, examples: Examples, classes: int) -> dict[str, Any]:
    """Accuracy of each seed, and of each task where there are several; the mean of its loss where the outputs are no classes."""
    if objective.target is None:
        right = correct(apply, params, *examples, objective.heads)
        if objective.heads == 1:
            return {"accuracy": right.mean(axis=1)}
        task = examples.y // (classes // objective.heads)
        of_tasks = {f"accuracy_task{number}": right[:, task == number].mean(axis=1) for number in range(objective.heads)}
        return {"accuracy": np.mean(list(of_tasks.values()), axis=0), **of_tasks}
    return {"loss": losses(apply, objective, params, *examples).mean(axis=1)}


def _keep(record: Record, scores: Mapping[str, Any], experiment: Experiment, paths: Mapping[int, Path]) -> None:
    """A line of metrics.jsonl and, where the config asks for it, a snapshot, for each seed."""
    snapshot = jax.device_get(record.params) if record.total in experiment.snapshots else None
    for i, path in enumerate(paths.values()):
        if record.metrics:
            values = {f"train_{name}": float(value[i]) for name, value in record.metrics.items()}
            values |= {name: float(value[i]) for name, value in {**record.observed, **scores}.items()}
            where = {"stage": record.stage, "step": record.step, "epoch": round(record.epoch, 4)}
            with writing(path / "metrics.jsonl"), (path / "metrics.jsonl").open("a", encoding="utf-8") as file:
                file.write(_line({**where, **values}))
        if snapshot is not None:
            run.save_weights(path / "snapshots" / f"{record.total:04d}.npz", _of_seed(snapshot, i))


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record) + "\n"


def _of_seed(group: Params, i: int) -> Params:
    return jax.tree.map(lambda leaf: leaf[i], group)


def _finish(
    experiment: Experiment,
    record: Record,
    stage_s: Sequence[float],
    scores: Mapping[str, Any],
    data: build.Split,
    dataset: Dataset,
    paths: Mapping[int, Path],
    pictures: Literal["all", "first"],
) -> None:
    """Weights, the one score on the test set, pictures and provenance of each seed; FINISHED last, and then no state."""
    params = jax.device_get(record.params)
    about = {
        **surroundings(),
        "dataset": {"name": dataset.name, "source": dataset.source, "digest": dataset.digest, "n_train": len(data.train.y)},
        "group": list(paths),
        "wall_s": round(sum(stage_s), 3),
        "stage_s": [round(seconds, 3) for seconds in stage_s],
        "compile_s": round(record.compile_s, 3),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "code_digest": code_digest(experiment),
    }
    for i, (seed, path) in enumerate(paths.items()):
        own = {f"test_{name}": float(values[i]) for name, values in scores.items()}
        run.save_weights(path / "weights.npz", _of_seed(params, i))
        test = (own["test_accuracy"], len(data.test.y)) if "test_accuracy" in own else None
        if pictures == "all" or i == 0:
            draw(path, _of_seed(params, i), dataset, data.train, test)
        run.finish(path, {"seed": seed, **about}, {**own, "n_test": len(data.test.y), "steps": record.total})
    for path in paths.values():
        (path / "state.npz").unlink(missing_ok=True)
