"""Trained nets made by hand, for measures whose answer is known: the records of a run around
weights and data that a test chooses.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bioexp.experiment import Attacked, Choice, Experiment, Run, StageConfig, Trained
from bioexp.records import (
    Config,
    DataRecord,
    Device,
    Git,
    Named,
    Provenance,
    StageRecord,
    Summary,
)
from bioexp.types import Dataset, Model, Params

Node = Mapping[str, object]  # a name with its options, as a config writes it
BACKPROP: Node = {"name": "backprop"}
NOTHING = Model(lambda key: {}, lambda params, x, ops=None: (x, {}))
IMAGES, LABELS = np.zeros((2, 2, 2), np.uint8), np.array([0, 1], np.int32)
NO_DATA = Dataset("made", "made", IMAGES, LABELS, IMAGES, LABELS, 2, "0")


def choice(node: Node) -> Choice:
    options = {key: value for key, value in node.items() if key != "name"}
    return Choice(str(node["name"]), options, lambda: None)


def stage(rule: Node = BACKPROP, objective: Node | None = None, **options) -> StageConfig:
    """A stage with the rule and the objective that a measure reads."""
    defaults = {
        "model": {},
        "optimizer": choice({"name": "sgd", "learning_rate": 0.1}),
        "project": {},
        "train": "all",
        "per_class": None,
        "batch_size": 10,
        "steps": 10,
        "epochs": None,
        "until": None,
        "record_every": 10,
    }
    objective = objective or {"name": "cross_entropy"}
    return StageConfig(rule=choice(rule), objective=choice(objective), **(defaults | options))


def made(
    *,
    name: str = "made",
    model: Node = {"name": "mlp"},  # noqa: B006
    network: Model = NOTHING,
    params: Params | None = None,
    dataset: Dataset = NO_DATA,
    stages: Sequence[StageConfig] = (),
    variant: Mapping[str, str] | None = None,
    seed: int = 0,
    accuracy: float | None = 1.0,
    tasks: Sequence[float] = (),
    metrics: Sequence[Mapping[str, float]] = (),
    stage_s: Sequence[float] = (1.0,),
    group: Sequence[int] = (0,),
    attacks: Mapping[str, Attacked] | None = None,
    path: Path = Path("none"),
) -> Trained:
    """A trained net; tasks: test accuracies of a net with several heads."""
    stages = tuple(stages) or (stage(),)
    experiment = Experiment(
        name=name,
        dataset=choice({"name": "made"}),
        fallback=None,
        model=choice(model),
        stages=stages,
        examples="all",
        snapshots=(),
        validate=False,
        variant=dict(variant or {}),
        own_dataset="made",
        where=lambda path: "made.yaml:1",
    )
    first = stages[0]
    config = Config(
        name=name,
        dataset=Named(name="made"),
        model=Named(name=str(model["name"])),
        stages=(
            StageRecord(
                rule=Named(name=first.rule.name),
                objective=Named(name=first.objective.name),
                optimizer=Named(name=first.optimizer.name),
            ),
        ),
    )
    provenance = Provenance(
        command="",
        git=Git(),
        versions={},
        device=Device(kind="cpu", platform="cpu", count=1, machine=""),
        precision="float32",
        environment={},
        peak_memory_mb=1,
        seed=seed,
        dataset=DataRecord(name="made", source="made", digest="0", n_train=1),
        group=tuple(group),
        wall_s=sum(stage_s),
        stage_s=tuple(stage_s),
        compile_s=0.0,
        finished="2026-01-01T00:00:00+00:00",
        code_digest="0",
        config_digest="0",
    )
    by_task = {f"test_accuracy_task{number}": value for number, value in enumerate(tasks)}
    summary = Summary(test_accuracy=accuracy, n_test=10, steps=10, **by_task)
    folder = path / name / f"0-s{seed}"
    run = Run(folder, config, provenance, summary, tuple(metrics), params or {})
    return Trained(run, experiment, network, params or {}, dataset, dict(attacks or {}))
