"""From a YAML file to frozen, fully checked experiments, one for each combination of its axes.

All errors are reported at once, each with its line and a suggestion. Every option of every rule,
model, optimizer and dataset is checked against the signature of the code that takes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Len
from pydantic import StringConstraints

from bioexp.config import strict_yaml
from bioexp.config.lookup import TABLES, builder_of
from bioexp.config.overrides import Change, combinations, put_change
from bioexp.experiment import Choice, Experiment, KeyPath, StageConfig, dotted, fold_of, plain
from bioexp.files import expanded
from bioexp.options import check, schema, suggestion
from bioexp.types import Count, Fraction, Natural, Positive, UserError

Node = str | Mapping[str, Any]
DIGITS = 12
STAGES, SNAPSHOTS = 100, 10_000  # at most
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


def _experiment(
    *,
    name: Name,
    dataset: Node,
    model: Node,
    stages: Annotated[tuple[Node, ...], Len(1, STAGES)],
    examples: Count | Literal["all"] = "all",
    snapshots: Annotated[tuple[Natural, ...], Len(0, SNAPSHOTS)] = (),
    validate: bool | str = False,
    axes: Mapping[str, Any] = {},
    variant: Mapping[str, str] = {},
) -> None:
    """The keys of a config file."""


def _stage(
    *,
    rule: Node,
    model: Mapping[str, Any] = {},
    objective: Node = "cross_entropy",
    optimizer: Node = "adam",
    project: Mapping[str, Node] = {},
    train: Literal["all"] | Annotated[tuple[str, ...], Len(1)] = "all",
    per_class: Count | None = None,
    batch_size: Count | Literal["all"] = 128,
    steps: Count | None = None,
    epochs: Positive | None = None,
    until: Fraction | None = None,
    record_every: Count | Literal["epoch"] = "epoch",
) -> None:
    """The keys of a stage."""


def load(
    path: str | Path, changes: Sequence[str | Change] = (), data_dir: Path | None = None
) -> tuple[Experiment, ...]:
    """The experiments of a config file, one per combination of its axes.

    changes: "stages.0.batch_size=64" and the like, as `--set` takes them, applied before anything
        is checked. Files in them are looked for from the current folder, then beside the config.
    data_dir: where a file that the config names lies, if it is no longer at its place.
    Raises UserError with every problem, one a line.
    """
    path = expanded(path)
    data, lines = strict_yaml.read(path)
    if not isinstance(data, dict):
        raise UserError(f"{path}: must hold keys and values, got {type(data).__name__}")
    places = {key: f"{path}:{line}" for key, line in lines.items()}
    own = data.get("dataset")
    own_dataset = str(own.get("name")) if isinstance(own, dict) else str(own)
    for change in changes:
        put_change(data, places, change)
    problems: list[tuple[str, str]] = []
    experiments = [
        _Reading(where, path.parent, data_dir, problems).experiment(combined, own_dataset)
        for combined, where in combinations(data, places)
    ]
    if problems:
        raise UserError("\n".join(dict.fromkeys(f"{place}  {what}" for place, what in problems)))
    return tuple(experiment for experiment in experiments if experiment is not None)


def resolved(experiment: Experiment) -> dict[str, Any]:
    """The config with every default written out; as YAML it loads again as the same experiment."""
    dataset = experiment.dataset.resolved() | (
        {"fallback": experiment.fallback} if experiment.fallback else {}
    )
    return {
        "name": experiment.name,
        "dataset": dataset,
        "model": experiment.model.resolved(),
        "stages": [_resolved_stage(stage) for stage in experiment.stages],
        "examples": experiment.examples,
        "snapshots": list(experiment.snapshots),
        "validate": experiment.validate,
        **({"variant": dict(experiment.variant)} if experiment.variant else {}),
    }


def identity(experiment: Experiment) -> str:
    """The twelve hex digits of `config_digest` that run directories are called by."""
    return config_digest(experiment)[:DIGITS]


def config_digest(experiment: Experiment) -> str:
    """sha256 over what the run depends on: the resolved config and the bytes of the user's files.

    Where a file lies, what a variant is called, and which dataset would have stood in for an absent
    one, do not count.
    """
    content = resolved(experiment)
    content["dataset"].pop("fallback", None)
    content.pop("variant", None)
    text = json.dumps(content, sort_keys=True)
    for choice in experiment.choices:
        for file in choice.files:
            text = text.replace(json.dumps(str(file)), '""')
        content_of_files = [*(file.read_bytes() for file in choice.files), *choice.code.values()]
        text += "".join(hashlib.sha256(content).hexdigest() for content in content_of_files)
    return hashlib.sha256(text.encode()).hexdigest()


def _resolved_stage(stage: StageConfig) -> dict[str, Any]:
    length = {"steps": stage.steps} if stage.steps is not None else {"epochs": stage.epochs}
    return {
        "rule": stage.rule.resolved(),
        "model": plain(stage.model),
        "objective": stage.objective.resolved(),
        "optimizer": stage.optimizer.resolved(),
        "project": {path: choice.resolved() for path, choice in stage.project.items()},
        "train": plain(stage.train),
        "per_class": stage.per_class,
        "batch_size": stage.batch_size,
        **length,
        "until": stage.until,
        "record_every": stage.record_every,
    }


@dataclass
class _Reading:
    """A config being checked: where its keys stand, and the problems found so far."""

    places: Mapping[KeyPath, str]
    folder: Path
    data_dir: Path | None
    problems: list[tuple[str, str]]

    def where(self, path: KeyPath) -> str:
        """File and line of a key, or of the nearest one above it."""
        return next(
            self.places[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.places
        )

    def found(self, file: str, path: KeyPath) -> Path:
        """A file that a key names, which need not be there: of what was set on the command line
        from the shell's folder first.
        """
        was_set = self.where(path).startswith("--")
        places = [folder / expanded(file) for folder in [Path()] * was_set + [self.folder]]
        moved = [self.data_dir / Path(file).name] if self.data_dir else []
        try:
            there = next((place for place in places + moved if place.is_file()), places[-1])
            return there.resolve()
        except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, a loop of links
            raise UserError(f"{file[:200]!r}: cannot be a file ({error})") from None

    def wrong(self, path: KeyPath, what: str) -> None:
        name = dotted(path)
        self.problems.append((self.where(path), f"{name}: {what}" if name else what))

    def fields(self, keys: Callable[..., Any], node: Any, path: KeyPath) -> dict[str, Any]:
        """A node's values with defaults, checked against the signature of `keys`; wrong ones are
        left out.
        """
        if not isinstance(node, Mapping):
            self.wrong(path, f"must hold keys and values, got {node!r}")
            return {}
        values, found = check(schema(keys), node)
        for below, what in found:
            self.wrong((*path, *below), what)
        return values

    def choice(self, kind: str, node: Any, path: KeyPath) -> Choice | None:
        """A name with its options, checked against the signature of what it names; None when
        something is wrong.
        """
        options = dict(node) if isinstance(node, Mapping) else {"name": node}
        name, before = options.pop("name", None), len(self.problems)
        if not isinstance(name, str):
            self.wrong(path, f"needs a name, one of {', '.join(TABLES[kind]())}")
            return None
        try:
            if ".py:" in name:
                file, _, function = name.rpartition(":")
                name = f"{self.found(file, (*path, 'name'))}:{function}"
            builder, code, name = builder_of(kind, name, self.folder)
            values = self.fields(builder, options, path)
            if len(self.problems) > before:
                return None
            named = {
                option: self.found(values[option], (*path, option)) for option in _files(builder)
            }
            return _choice(name, values, builder, code, named)
        except UserError as error:
            self.wrong(path, str(error))
            return None

    def dataset(self, node: Node) -> tuple[Choice | None, str | None]:
        """The dataset, and the one that stands in where it cannot be had."""
        options = dict(node) if isinstance(node, Mapping) else {"name": node}
        fallback = options.pop("fallback", None)
        known = TABLES["dataset"]()
        if fallback is not None and (not isinstance(fallback, str) or fallback not in known):
            self.wrong(
                ("dataset", "fallback"),
                f"unknown dataset {fallback!r}{suggestion(str(fallback), known)}",
            )
        return self.choice("dataset", options, ("dataset",)), fallback

    def stage(self, node: Node, path: KeyPath) -> StageConfig | None:
        before = len(self.problems)
        values = self.fields(_stage, node, path)
        if isinstance(node, Mapping) and ("steps" in node) == ("epochs" in node):
            self.wrong(path, "needs a length, either steps or epochs")
        for kind in {"rule", "objective", "optimizer"} & values.keys():
            values[kind] = self.choice(kind, values[kind], (*path, kind))
        project = values.get("project", {})
        values["project"] = {
            key: self.choice("project", value, (*path, "project", key))
            for key, value in project.items()
        }
        return StageConfig(**values) if len(self.problems) == before else None

    def experiment(self, data: Mapping[str, Any], own_dataset: str) -> Experiment | None:
        """The whole config; None when anything in it is wrong."""
        before = len(self.problems)
        values = self.fields(_experiment, data, ())
        dataset, fallback = self.dataset(values["dataset"]) if "dataset" in values else (None, None)
        model = self.choice("model", values["model"], ("model",)) if "model" in values else None
        stages = [
            self.stage(node, ("stages", i)) for i, node in enumerate(values.get("stages", ()))
        ]
        for i, stage in enumerate(stages):
            if stage and model:
                options = {**model.options, **stage.model}
                values_of_stage = self.fields(model.builder, options, ("stages", i, "model"))
                own = {key: values_of_stage[key] for key in stage.model if key in values_of_stage}
                stages[i] = replace(stage, model=own)
        validate = values.get("validate", False)
        if isinstance(validate, str) and fold_of(validate) is None:
            self.wrong(
                ("validate",), f"must be true, false or a fold such as 2/5, got {validate!r}"
            )
        if len(self.problems) > before or dataset is None or model is None:
            return None
        whole = Experiment(
            name=values["name"],
            dataset=dataset,
            fallback=fallback,
            model=model,
            stages=tuple(stage for stage in stages if stage),
            examples=values["examples"],
            snapshots=tuple(sorted(values["snapshots"])),
            validate=values["validate"],
            variant=values["variant"],
            own_dataset=own_dataset,
            where=self.where,
        )
        self.refuse_two_of_a_name(whole)
        return whole

    def refuse_two_of_a_name(self, experiment: Experiment) -> None:
        """A run keeps a copy of all the user's code, side by side."""
        kept: dict[str, bytes] = {}
        for place, content in chain.from_iterable(c.code.items() for c in experiment.choices):
            if kept.setdefault(place, content) != content:
                self.wrong((), f"two files are called {place}, and a run keeps both; rename one")


def _files(builder: Callable[..., Any]) -> list[str]:
    """The options that name a file of the user's."""
    return [
        option for option, info in schema(builder).model_fields.items() if "file" in info.metadata
    ]


def _choice(
    name: str,
    values: dict[str, Any],
    builder: Callable[..., Any],
    code: Mapping[str, bytes],
    named: Mapping[str, Path],
) -> Choice:
    """The choice, with the options that name a file of the user's made absolute."""
    if missing := next((path for path in named.values() if not path.is_file()), None):
        raise UserError(
            f"{missing}: no such file; if it was moved, name its folder with --data-dir"
        )
    absolute = {option: str(path) for option, path in named.items()}
    return Choice(name, values | absolute, builder, tuple(named.values()), code)
