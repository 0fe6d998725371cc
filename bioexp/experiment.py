"""What a checked config is, the run that came of it, and the trained net that a run holds: frozen
records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from bioexp.records import Config, Metrics, Provenance, Summary
from bioexp.types import Dataset, Examples, Model, Params

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Bool

EMPTY = '""'  # what a key without a letter is written as
KeyPath = tuple[str | int, ...]  # ("stages", 0, "rule"): a place in a config


def dotted(path: KeyPath) -> str:
    """A place as messages write it: stages[0].rule."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part or EMPTY}" for part in path)
    return "".join(parts).removeprefix(".")


def plain(value: Any) -> Any:
    """Tuples as lists, all the way down: as YAML and JSON hold them."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Choice:
    """A named thing with its options, every default filled in.

    files: the user's data that it reads. code: the content of the user's files that it comes from,
        by where a run keeps them: own.py, helper.py, package/part.py.
    """

    name: str
    options: Mapping[str, Any]
    builder: Callable[..., Any] = field(compare=False)
    files: tuple[Path, ...] = ()
    code: Mapping[str, bytes] = field(default_factory=dict)

    def resolved(self) -> dict[str, Any]:
        """The choice as it is written into a config."""
        return {"name": self.name, **plain(self.options)}


@dataclass(frozen=True)
class StageConfig:
    """One stage as the config says it; lengths are in steps or in epochs of the dataset at hand.

    model: options in which the model of this stage differs from the experiment's; its weights are
        the same.
    per_class: how many training examples of each class this stage sees, drawn by the seed; None for
        all.
    until: the training accuracy at whose first record the last stage stops early; None for its
        whole length.
    """

    rule: Choice
    model: Mapping[str, Any]
    objective: Choice
    optimizer: Choice
    project: Mapping[str, Choice]
    train: Literal["all"] | tuple[str, ...]
    per_class: int | None
    batch_size: int | Literal["all"]
    steps: int | None
    epochs: float | None
    until: float | None
    record_every: int | Literal["epoch"]


@dataclass(frozen=True)
class Experiment:
    """A checked config.

    examples: how many of the first training examples are used. validate: True holds out the last
        tenth of them, "2/5" the second of five equal parts.
    variant: what it is called among those of its config, by axis: {"rule": "stable"}.
    where: finds the file and line of a key, for errors that only the data can show.
    """

    name: str
    dataset: Choice
    fallback: str | None
    model: Choice
    stages: tuple[StageConfig, ...]
    examples: int | Literal["all"]
    snapshots: tuple[int, ...]
    validate: bool | str
    variant: Mapping[str, str]
    own_dataset: str
    where: Callable[[KeyPath], str] = field(compare=False, repr=False)

    @property
    def folder(self) -> str:
        """Name of its folder under results/: the experiment, and the dataset if it is not the
        config's own.
        """
        # rings, for ./my_data.py:rings
        dataset, own = (n.rpartition(":")[2] for n in (self.dataset.name, self.own_dataset))
        return self.name if dataset == own else f"{self.name}@{dataset}"

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Everything named in it."""
        of_stages = [(s.rule, s.objective, s.optimizer, *s.project.values()) for s in self.stages]
        return (self.dataset, self.model, *(choice for stage in of_stages for choice in stage))


class Split(NamedTuple):
    """What training sees, what it may select on (None unless `validate: true`), and the test set,
    which is only a score.
    """

    train: Examples
    validation: Examples | None
    test: Examples


def split(experiment: Experiment, dataset: Dataset) -> Split:
    """Train, validation and test examples; `validate: true` holds out the last tenth of train,
    `validate: 2/5` that fifth.
    """
    import numpy as np

    test = Examples(dataset.x_test, dataset.y_test)
    n = None if experiment.examples == "all" else experiment.examples
    x, y = dataset.x_train[:n], dataset.y_train[:n]
    if not experiment.validate:
        return Split(Examples(x, y), None, test)
    fold = fold_of(experiment.validate) if isinstance(experiment.validate, str) else None
    which, of = fold or (10, 10)
    begin, end = len(y) - (of - which + 1) * (len(y) // of), len(y) - (of - which) * (len(y) // of)
    kept = np.r_[0:begin, end : len(y)]
    return Split(Examples(x[kept], y[kept]), Examples(x[begin:end], y[begin:end]), test)


def fold_of(text: str) -> tuple[int, int] | None:
    """ "2/5" -> (2, 5), the second of five parts; None for what is no fold."""
    which, slash, of = text.partition("/")
    if not (
        slash
        and which.isdecimal()
        and of.isdecimal()
        and 1 <= int(which) <= int(of)
        and int(of) >= 2
    ):
        return None
    return int(which), int(of)


@dataclass(frozen=True)
class Run:
    """A finished run directory, read back: what attacks, figures, claims and reports are functions
    of.
    """

    path: Path
    config: Config
    provenance: Provenance
    summary: Summary
    metrics: tuple[Metrics, ...]
    weights: Params

    @property
    def seed(self) -> int:
        """The seed it was trained with."""
        return self.provenance.seed

    @property
    def group(self) -> str:
        """Experiment and identity, which its seeds share: log_net/3f2a91c07b5e."""
        return self.name.rpartition("-s")[0]

    @property
    def name(self) -> str:
        """Experiment and directory, as the command line takes it: log_net/3f2a91c07b5e-s0."""
        return f"{self.path.parent.name}/{self.path.name}"


class Attacked(NamedTuple):
    """What one attack left of a run: clean[i] says whether test image i was right before, and
    correct[e, i] whether it survived eps[e]; n images from the first on.
    """

    eps: tuple[float, ...]
    correct: Bool[np.ndarray, "eps n"]
    clean: Bool[np.ndarray, "n"]


@dataclass(frozen=True)
class Trained:
    """A finished run with its experiment, network and data at hand; attacks by name, those made."""

    run: Run
    experiment: Experiment
    model: Model
    params: Params
    dataset: Dataset
    attacks: Mapping[str, Attacked] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """The seed it was trained with."""
        return self.run.seed

    @property
    def heads(self) -> int:
        """Into how many classifiers of their own its outputs are divided."""
        return max(1, len(self.run.summary.tasks))
