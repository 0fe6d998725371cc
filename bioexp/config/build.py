"""From a checked experiment to what runs: its dataset, its model, its stages. What only the data
can show is checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bioexp.config.lookup import built, datasets
from bioexp.config.rehearsal import refuse_other_shapes, refuse_too_large, refuse_unfit, shapes_of
from bioexp.experiment import Choice, Experiment, KeyPath, Split, StageConfig, dotted, split
from bioexp.options import schema
from bioexp.tree import covers, flatten
from bioexp.types import (
    MOST,
    Dataset,
    Examples,
    Model,
    Objective,
    Params,
    Rule,
    Stage,
    UserError,
)

# What the choices of a config build. An optimizer is a pair of optax's.
KINDS = {"model": Model, "objective": Objective, "rule": Rule, "optimizer": tuple}


def dataset_of(
    experiment: Experiment, data_dir: Path | None, say: Callable[[str], None]
) -> tuple[Experiment, Dataset]:
    """The dataset, and the experiment that uses it: another one where the config's fallback had to
    stand in.

    Raises UserError where the dataset is wrong, or cannot be had and the config names no fallback.
    """
    from bioexp.datasets import Unavailable

    try:
        return experiment, _loaded(experiment.dataset, data_dir, say)
    except Unavailable:
        if experiment.fallback is None:
            raise
        builder = datasets()[experiment.fallback]
        shared = {
            name: value
            for name, value in experiment.dataset.options.items()
            if name in schema(builder).model_fields
        }
        options = dict(schema(builder)(**shared))
        experiment = replace(
            experiment, dataset=Choice(experiment.fallback, options, builder), fallback=None
        )
        return experiment, _loaded(experiment.dataset, None, say)


def _loaded(choice: Choice, data_dir: Path | None, say: Callable[[str], None]) -> Dataset:
    """What the builder returns, once it is what the record promises."""
    from bioexp.datasets.valid import valid

    return valid(choice.builder(data_dir, say, **choice.options), choice.name)


def parts_of(experiment: Experiment, dataset: Dataset, say: Callable[[str], None]) -> Split:
    """Train, validation and test examples; tells where one of the first two lacks a class.

    Raises UserError with the counts where nothing is held out, and where what the config takes or
    leaves cannot stand for the data, as of data sorted by class.
    """
    from bioexp.datasets.proportion import counted, lacks, refuse_lopsided

    data, whole = split(experiment, dataset), dataset.y_train
    n = len(whole) if experiment.examples == "all" else experiment.examples
    parts = {"examples: takes the first": whole[:n]}
    if data.validation is not None:
        if not len(data.validation.y):
            raise UserError(
                f"{experiment.where(('validate',))}  validate: holds out none of"
                f" {len(whole[:n]):,} examples; leave it out, or take more examples"
            )
        parts |= {
            "validate: holds out": data.validation.y,
            "validate: leaves to training": data.train.y,
        }
    for what, part in parts.items():
        where = f"{experiment.where((what.partition(':')[0],))}  {what}"
        refuse_lopsided(where, part, whole, "shuffle the data once before they are saved")
        if lacks(part, whole):
            say(f"{where} {counted(part, whole)}")
    return data


def model_of(experiment: Experiment, dataset: Dataset, stage: int = -1) -> Model:
    """The model as a stage sees it, for the shape and the classes of the dataset; the last stage's
    is the one deployed.
    """
    options = {**experiment.model.options, **experiment.stages[stage].model}
    model: Model = _built(
        experiment, ("model",), experiment.model, dataset.shape, dataset.n_classes, **options
    )
    return model


def objective_of(experiment: Experiment) -> Objective:
    """What the last stage descends, which the deployed network is scored by."""
    choice = experiment.stages[-1].objective
    objective: Objective = choice.builder(**choice.options)
    return objective


def stages_of(experiment: Experiment, dataset: Dataset, train: Examples) -> tuple[Stage, ...]:
    """The stages, with lengths in steps; raises UserError where one does not fit the model or the
    data.
    """
    models = [model_of(experiment, dataset, number) for number in range(len(experiment.stages))]
    params = shapes_of(models[0])
    for number, model in enumerate(models):
        with _named(experiment, ("stages", number)):
            refuse_other_shapes(params, shapes_of(model))
    return tuple(
        _stage(experiment, number, model, params, train) for number, model in enumerate(models)
    )


def length(stage: StageConfig, n: int) -> tuple[int, int, int]:
    """Batch size, steps and steps between records of a stage that sees n examples."""
    batch_size = n if stage.batch_size == "all" else stage.batch_size
    per_epoch = n // max(batch_size, 1)
    epochs = min((stage.epochs or 0) * per_epoch, 2.0 * MOST)  # finite
    steps = stage.steps if stage.steps is not None else max(round(epochs), 1)
    return (
        batch_size,
        steps,
        min(per_epoch if stage.record_every == "epoch" else stage.record_every, steps),
    )


def _stage(
    experiment: Experiment, number: int, model: Model, params: Params, train: Examples
) -> Stage:
    from bioexp.models.stack import above
    from bioexp.optimizers import project

    at, config = ("stages", number), experiment.stages[number]
    n = _seen(experiment, number, train)
    batch_size, steps, record_every = length(config, n)
    if steps > MOST:
        raise UserError(
            f"{experiment.where((*at, 'epochs'))}  stages[{number}].epochs: come to more than"
            f" {MOST:,} steps"
        )
    if batch_size > n:
        raise UserError(
            f"{experiment.where((*at, 'batch_size'))}  stages[{number}].batch_size: {batch_size} is"
            f" more than the {n} examples"
        )
    if config.until is not None and number < len(experiment.stages) - 1:
        raise UserError(
            f"{experiment.where((*at, 'until'))}  stages[{number}].until: only the last stage can"
            " stop early"
        )
    leaves = list(flatten(params))
    layers = {path: int(path.split("/")[1]) for path in leaves}
    rates = config.optimizer.options.get("learning_rate")
    named = {
        "train": config.train if config.train != "all" else (),
        "project": config.project,
        "optimizer": rates if isinstance(rates, dict) else (),
    }
    for key, prefixes in named.items():
        _refuse_unknown(experiment.where((*at, key)), f"stages[{number}].{key}", prefixes, leaves)
    learning = sorted(
        {
            layer
            for path, layer in layers.items()
            if config.train == "all" or any(covers(prefix, path) for prefix in config.train)
        }
    )
    if isinstance(rates, dict):
        forgotten = [
            path
            for path in leaves
            if layers[path] in learning and not any(covers(prefix, path) for prefix in rates)
        ]
        if forgotten:
            raise UserError(
                f"{experiment.where((*at, 'optimizer'))}  stages[{number}].optimizer: no learning"
                f" rate for {', '.join(forgotten)}"
            )
    objective = _built(experiment, (*at, "objective"), config.objective, **config.objective.options)
    rule = _built(
        experiment,
        (*at, "rule"),
        config.rule,
        above(model, learning[0]),
        objective,
        **config.rule.options,
    )
    optimizer = _built(
        experiment, (*at, "optimizer"), config.optimizer, steps, **config.optimizer.options
    )
    with _named(experiment, at if config.model else ()):
        refuse_too_large(params, optimizer, tuple(learning))
    with _named(experiment, at):
        refuse_unfit(model, objective, rule, params, tuple(learning), train, batch_size)
    projections = {
        path: choice.builder(**choice.options) for path, choice in config.project.items()
    }
    return Stage(
        model=model,
        rule=rule,
        optimizer=optimizer,
        project=lambda params: project(projections, params),
        train=tuple(learning),
        batch_size=batch_size,
        steps=steps,
        record_every=record_every,
        per_class=config.per_class,
        until=config.until,
    )


def _built(
    experiment: Experiment, at: KeyPath, choice: Choice, *arguments: Any, **options: Any
) -> Any:
    """What a choice builds; an option that its builder refuses is named with its place in the
    config, and so is a builder of something else.
    """
    kind, called = KINDS[str(at[-1])], f"name: {choice.name}"
    with _named(experiment, at):
        return built(kind, called, choice.builder, *arguments, **options)


@contextmanager
def _named(experiment: Experiment, at: KeyPath) -> Iterator[None]:
    """What is refused in here is said with its place in the config."""
    try:
        yield
    except UserError as error:
        below = str(error).partition(":")[0].split(".")
        name = f"{dotted(at)}.{error}".removeprefix(".")
        raise UserError(f"{experiment.where((*at, *below))}  {name}") from error


def _seen(experiment: Experiment, number: int, train: Examples) -> int:
    """How many examples a stage sees; raises UserError where a class has fewer than it asks for."""
    import numpy as np

    wanted = experiment.stages[number].per_class
    if wanted is None:
        return len(train.y)
    if train.y.ndim > 1:
        where = experiment.where(("stages", number, "per_class"))
        raise UserError(
            f"{where}  stages[{number}].per_class: these examples have several labels each; leave"
            " it out"
        )
    labels, counts = np.unique(train.y, return_counts=True)
    if counts.min() < wanted:
        scarce = (
            f"class {labels[counts.argmin()]} has only {counts.min()} of the {len(train.y)}"
            " training examples"
        )
        raise UserError(
            f"{experiment.where(('stages', number, 'per_class'))}  stages[{number}].per_class: asks"
            f" for {wanted}, but {scarce}"
        )
    return wanted * len(labels)


def _refuse_unknown(place: str, key: str, prefixes: Iterable[str], leaves: list[str]) -> None:
    for prefix in prefixes:
        if not any(covers(prefix, path) for path in leaves):
            raise UserError(
                f"{place}  {key}: the model has no {prefix} (it has {', '.join(leaves)})"
            )
