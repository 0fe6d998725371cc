"""The images of every benchmark: MNIST where BIOEXP_DATA_DIR holds it, else the 5,000 that travel
with bioexp.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bioexp.config import build
from bioexp.config.configs import experiments_named
from bioexp.config.reading import load
from bioexp.experiment import split
from bioexp.types import Dataset, Examples, Model, Stage, UserError

CONFIGS = Path(__file__).parents[2] / "configs"
STEPS = 469  # minibatches of 128 in an epoch of 60,000 images; the same number on fewer images


class Experiment(NamedTuple):
    """A config, ready for `bioexp.training.fit`."""

    model: Model
    stages: tuple[Stage, ...]
    train: Examples


@cache
def name() -> str:
    """mnist or mnist5k."""
    from bioexp.datasets.mnist import mnist

    folder = os.environ.get("BIOEXP_DATA_DIR")
    try:
        return mnist(Path(folder)).name if folder else "mnist5k"
    except UserError:
        return "mnist5k"


@cache
def dataset() -> Dataset:
    """The images themselves."""
    return build.dataset_of(
        load(CONFIGS / "log_net.yaml", [f"dataset.name={name()}"])[0], _folder(), print
    )[1]


def experiment(config: str, records: int) -> Experiment:
    """An experiment of one stage on these images, with `records` records of STEPS minibatches
    each.
    """
    (loaded,) = experiments_named(config, [f"dataset.name={name()}"])
    model, train = build.model_of(loaded, dataset()), split(loaded, dataset()).train
    (stage,) = build.stages_of(loaded, dataset(), train)
    return Experiment(model, (stage._replace(steps=records * STEPS, record_every=STEPS),), train)


def words() -> tuple[str, ...]:
    """What makes a `bioexp` command take these images."""
    return ("--dataset", name())


def described() -> str:
    """For the head of the table."""
    return (
        f"{name()}, {len(dataset().y_train):,} training and {len(dataset().y_test):,} test images"
    )


def _folder() -> Path | None:
    return Path(os.environ["BIOEXP_DATA_DIR"]) if name() == "mnist" else None
