"""The experiments that were attacked together, set against the first of them: read from the files the attacks left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bioexp.files import read_arrays
from bioexp.measures.labels import labelled
from bioexp.measures.robustness_table import WORST
from bioexp.measures.survival import Survived, compare
from bioexp.run import grouped
from bioexp.types import Run

EQUAL = 0.01  # clean accuracies that count as the same


def compared(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Rows for every experiment but the first: its label, the first's, and their paired difference at each eps.

    Experiments on other test images, or attacked in another way, have no rows.
    """
    groups = grouped(runs)
    (label, first), *others = [(label, group) for label, group in zip(labelled(groups), groups, strict=True) if _attacked(group)] or [
        ("", [])
    ]
    rows = []
    for other, group in others:
        if group[0].provenance["dataset"]["digest"] != first[0].provenance["dataset"]["digest"]:
            continue
        sides = ({run.seed: survived(run.path) for run in side} for side in (first, group))
        rows += [{"first": label, "second": other} | row._asdict() for row in compare(*sides)]
    return rows


def unequal(runs: Sequence[Run], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """How to train the twin of equal clean accuracy, for the first run whose rows lack one: the more accurate net, stopped early.

    rows: of `compared`. Where clean accuracies lie more than a point apart, those under attack alone do not compare the nets.
    """
    clean = {row["second"]: row for row in rows if row["eps"] is None}
    if not clean or any(abs(row["difference"]) <= EQUAL for row in clean.values()):
        return []
    groups = grouped(runs)
    nets = {label: group[0] for label, group in zip(labelled(groups), groups, strict=True)}
    row = next(iter(clean.values()))
    (_, less), (_, more) = sorted(((row["of_first"], row["first"]), (row["of_second"], row["second"])))
    reached = next((record["train_accuracy"] for record in reversed(nets[less].metrics) if "train_accuracy" in record), None)
    if reached is None:
        return []
    stage = f"--set stages.{len(nets[more].config['stages']) - 1}"
    early = f"{nets[more].path}/config.yaml --set name={nets[more].config['name']}_early {stage}.until={reached:.3f} {stage}.record_every=5"
    return [f"no net here is as accurate as {row['first']} when clean; {more} stopped early is: bioexp train {early}"]


def survived(path: Path) -> Survived:
    """Who survives all attacks of a run's last table at each eps, and what its checks hold against it."""
    table = json.loads((path / "robustness.json").read_text("utf-8"))
    rows = [row for row in table["rows"] if row["eps"] is not None]
    files = [read_arrays(path / "attacks" / f"{name}.npz") for name in dict.fromkeys(row["attack"] for row in rows) if name != WORST]
    eps = [float(value) for value in files[0]["eps"]]
    worst = np.logical_and.reduce([file["correct"] for file in files])
    said = {row["eps"]: row["verdict"] for row in rows if row["attack"] == WORST}
    doubts: dict[float | None, str] = {value: said[value] for value in eps if said[value].startswith("NOT")}
    correct: dict[float | None, np.ndarray] = {None: files[0]["clean"], **dict(zip(eps, worst, strict=True))}
    return Survived(correct, doubts)


def _attacked(group: Sequence[Run]) -> bool:
    return all((run.path / "robustness.json").is_file() for run in group)
