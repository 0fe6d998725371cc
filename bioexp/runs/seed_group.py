"""One group of seeds, trained together: records and checkpoints while it runs, trusted run
directories at its end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, Literal, NamedTuple

import jax
import numpy as np

from bioexp.config import build
from bioexp.config.reading import config_digest, identity
from bioexp.devices import devices_for
from bioexp.experiment import Experiment, Split
from bioexp.figures.canvas import drawn
from bioexp.files import read_arrays, write_arrays, write_text, writing
from bioexp.measures.accuracy import correct, losses
from bioexp.records import DataRecord, Provenance, Summary, read_metrics
from bioexp.runs.directory import finish, is_finished, save_weights, start_over
from bioexp.runs.pictures import draw
from bioexp.runs.provenance import code_digest, surroundings
from bioexp.runs.workspace import Say, Workspace
from bioexp.training import Checkpoint, Record, fit
from bioexp.types import Apply, Dataset, Examples, Objective, Params, UserError

CHECKPOINT_EVERY = 5.0  # seconds, at least, between two states on disk

# Called with each record and the length of the whole training, in steps.
Watch = Callable[[Record, int], None]
Check = Callable[[], None]
Paths = Mapping[int, Path]  # run directories by seed


class Member(NamedTuple):
    """A seed of a group that is still to be finished, and its row in the group's arrays."""

    row: int
    seed: int
    path: Path


class Group(NamedTuple):
    """What the seeds of one experiment share while they are trained.

    pictures: of every run, or of the first seed only. check: raises once another process has taken
    their directories. watch: is called with each record.
    """

    experiment: Experiment
    dataset: Dataset
    workspace: Workspace
    pictures: Literal["all", "first"]
    check: Check
    watch: Watch


def within_memory(
    group: Group,
    paths: Paths,
    state: Path | None,
    train: Callable[[Group, Paths, Path | None], None],
) -> None:
    """Train a group; one that is too wide for the device's memory is split, each half beginning
    anew, and said so.
    """
    name = group.experiment.name
    try:
        train(group, paths, state)
        return
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        if len(paths) == 1:
            raise UserError(
                f"{name}: one seed is too large for the device's memory; lower batch_size or hidden"
            ) from None
    seeds = list(paths)
    halves = seeds[: len(seeds) // 2], seeds[len(seeds) // 2 :]
    group.workspace.say(
        f"{name}: {len(seeds)} seeds are too wide for the device's memory; training "
        f"{' and then '.join(map(str, halves))}"
    )
    for half in halves:
        within_memory(group, {seed: paths[seed] for seed in half}, None, train)


def train_group(group: Group, paths: Paths, state: Path | None) -> None:
    """Train the seeds of `paths` from their beginning, or from the state they stopped at, to
    FINISHED. One that got there before the others stopped is trained with them, for their bits, and
    its files stay.

    The caller holds their directories. Raises UserError where the config does not fit the data, or
    training diverges.
    """
    experiment, dataset = group.experiment, group.dataset
    data = build.parts_of(experiment, dataset, group.workspace.say)
    net = Scored(
        build.model_of(experiment, dataset).apply,
        build.objective_of(experiment),
        dataset.n_classes,
    )
    stages = build.stages_of(experiment, dataset, data.train)
    steps = sum(stage.steps for stage in stages)
    if late := [mark for mark in experiment.snapshots if mark > steps]:
        place = experiment.where(("snapshots",))
        raise UserError(f"{place}  snapshots: {late[0]} lies after the last step, {steps}")
    # needed at the end; half a second less to wait
    Thread(target=_import_early, daemon=True).start()
    if (mesh := devices_for(len(paths))).size > 1:
        each = -(-len(paths) // mesh.size)
        group.workspace.say(
            f"{experiment.name}: {len(paths)} seeds over {mesh.size} devices of "
            f"{jax.local_device_count()}, at most {each} on each"
        )
    for path in paths.values() if state is None else ():
        start_over(path)
    members = [
        Member(row, seed, path)
        for row, (seed, path) in enumerate(paths.items())
        if not is_finished(path)
    ]
    resume, stage_s, ended = None, [0.0] * len(stages), False
    if state:
        resume, stage_s, ended = _resume(state, members, group.workspace.say)
    began = time.perf_counter() - sum(stage_s)
    record = saved = None
    try:
        for record in fit(stages, data.train, list(paths), experiment.snapshots, resume):
            group.check()
            held_out = data.validation if record.metrics else None
            scores = net.scores(record.params, held_out) if held_out else {}
            validated = {f"validation_{name}": values for name, values in scores.items()}
            _keep(record, validated, experiment, members)
            group.watch(record, steps)
            now = time.perf_counter()
            stage_s[record.stage] = now - began - sum(stage_s[: record.stage])
            # the first seed of several to be finished must not leave the others without a group
            several = record.last and len(paths) > 1
            if several or (now - (saved or began) > CHECKPOINT_EVERY and not record.last):
                saved = _checkpoint(experiment, record, paths, stage_s)
            if ended:
                break
    except UserError as error:
        raise UserError(f"{experiment.name} {error}") from error
    assert record is not None  # fit yields at least one
    scores = net.scores(record.params, data.test)
    group.check()
    _finish(group, record, stage_s, scores, data, tuple(paths), members)
    (next(iter(paths.values())) / "state.npz").unlink(missing_ok=True)


def _import_early() -> None:
    with suppress(Exception):  # whoever draws is told
        import_module("matplotlib.figure")


class Scored(NamedTuple):
    """What a net's outputs are judged by."""

    apply: Apply
    objective: Objective
    classes: int

    def scores(self, params: Params, examples: Examples) -> dict[str, np.ndarray]:
        """Accuracy of each seed, and of each task where there are several; the mean of its loss
        where the outputs are no classes.
        """
        if self.objective.target is not None:
            return {"loss": losses(self.apply, self.objective, params, *examples).mean(axis=1)}
        heads = self.objective.heads
        right = correct(self.apply, params, *examples, heads)
        if heads == 1:
            return {"accuracy": right.mean(axis=1)}
        task = examples.y // (self.classes // heads)
        by_task = {
            f"accuracy_task{number}": right[:, task == number].mean(axis=1)
            for number in range(heads)
        }
        return {"accuracy": np.mean(list(by_task.values()), axis=0), **by_task}


def states(folder: Path, experiment: Experiment) -> list[tuple[tuple[int, ...], Path]]:
    """The groups of this experiment that were begun and not finished; states that other code wrote
    are not continued.
    """
    found = []
    for path in sorted(folder.glob(f"{identity(experiment)}-s*/state.npz")):
        arrays = read_arrays(path)
        if str(arrays["code_digest"]) == code_digest(experiment):
            found.append((tuple(int(seed) for seed in arrays["seeds"]), path))
    return found


def forget_states(folder: Path, experiment: Experiment) -> None:
    """Remove the states of groups of this experiment that are finished."""
    for seeds, state in states(folder, experiment):
        if all(is_finished(folder / f"{identity(experiment)}-s{seed}") for seed in seeds):
            state.unlink(missing_ok=True)


def _resume(
    state: Path, members: Sequence[Member], say: Say
) -> tuple[Checkpoint, list[float], bool]:
    """The checkpoint, the seconds spent before it in each stage, and whether training ended there;
    records after it are dropped from metrics.jsonl.
    """
    arrays = read_arrays(state)
    at = Checkpoint(
        int(arrays["stage"]),
        int(arrays["step"]),
        [arrays[f"leaf{i}"] for i in range(int(arrays["leaves"]))],
    )
    for member in members:
        metrics = member.path / "metrics.jsonl"
        kept = [
            record
            for record in read_metrics(metrics, finished=False)
            if (record["stage"], record["step"]) <= (at.stage, at.step)
        ]
        write_text(metrics, "".join(_line(record) for record in kept))
    seeds = ", ".join(str(member.seed) for member in members)
    say(
        f"{state.parent.parent.name}: continuing seed{'s' * (len(members) > 1)} {seeds} at stage"
        f" {at.stage}, step {at.step}"
    )
    return at, arrays["stage_s"].tolist(), bool(arrays.get("ended"))


def _checkpoint(
    experiment: Experiment, record: Record, paths: Mapping[int, Path], stage_s: Sequence[float]
) -> float:
    """The whole group's state, in one file of its first seed; returns when it was written."""
    leaves = jax.device_get(jax.tree.leaves(record.state))
    arrays = {f"leaf{i}": leaf for i, leaf in enumerate(leaves)}
    arrays |= {
        "leaves": len(leaves),
        "stage": record.stage,
        "step": record.step,
        "ended": record.last,
        "seeds": list(paths),
        "stage_s": stage_s,
    }
    write_arrays(
        next(iter(paths.values())) / "state.npz", arrays | {"code_digest": code_digest(experiment)}
    )
    return time.perf_counter()


def _keep(
    record: Record, scores: Mapping[str, Any], experiment: Experiment, members: Sequence[Member]
) -> None:
    """A line of metrics.jsonl and, where the config asks for it, a snapshot, for each seed."""
    snapshot = jax.device_get(record.params) if record.total in experiment.snapshots else None
    for row, _, path in members:
        if record.metrics:
            values = {f"train_{name}": float(value[row]) for name, value in record.metrics.items()}
            values |= {
                name: float(value[row]) for name, value in {**record.observed, **scores}.items()
            }
            where = {"stage": record.stage, "step": record.step, "epoch": round(record.epoch, 4)}
            with (
                writing(path / "metrics.jsonl"),
                (path / "metrics.jsonl").open("a", encoding="utf-8") as file,
            ):
                file.write(_line({**where, **values}))
        if snapshot is not None:
            save_weights(path / "snapshots" / f"{record.total:04d}.npz", _of_seed(snapshot, row))


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record) + "\n"


def _of_seed(group: Params, row: int) -> Params:
    return jax.tree.map(lambda leaf: leaf[row], group)


def _finish(
    group: Group,
    record: Record,
    stage_s: Sequence[float],
    scores: Mapping[str, np.ndarray],
    data: Split,
    seeds: tuple[int, ...],
    members: Sequence[Member],
) -> None:
    """Weights, the one score on the test set, pictures and provenance of each seed; FINISHED
    last.
    """
    params, dataset = jax.device_get(record.params), group.dataset
    about = {
        **dict(surroundings(group.workspace.command)),
        "dataset": DataRecord(
            name=dataset.name,
            source=dataset.source,
            digest=dataset.digest,
            n_train=len(data.train.y),
        ),
        "group": seeds,
        "wall_s": round(sum(stage_s), 3),
        "stage_s": tuple(round(seconds, 3) for seconds in stage_s),
        "compile_s": round(record.compile_s, 3),
        "finished": datetime.now(UTC).isoformat(timespec="microseconds"),
        "code_digest": code_digest(group.experiment),
        "config_digest": config_digest(group.experiment),
    }
    for row, seed, path in members:
        own = {f"test_{name}": float(values[row]) for name, values in scores.items()}
        weights = _of_seed(params, row)
        save_weights(path / "weights.npz", weights)
        if group.pictures == "all" or row == 0:
            test = (own["test_accuracy"], len(data.test.y)) if "test_accuracy" in own else None
            picture = partial(draw, path, weights, dataset, data.train, test)
            drawn(picture, group.workspace.say)
        summary = Summary.model_validate({**own, "n_test": len(data.test.y), "steps": record.total})
        finish(path, Provenance(**about, seed=seed), summary)
