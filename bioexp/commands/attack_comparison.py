"""The experiments that were attacked together, set against the first of them: read from the files the attacks left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bioexp.files import read_arrays
from bioexp.measures.robustness_table import WORST
from bioexp.measures.survival import Survived, compare
from bioexp.run import grouped
from bioexp.types import Run


def compared(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Rows for every experiment but the first: its name, the first's, and their paired difference at each eps.

    Experiments on other test images, or attacked in another way, have no rows.
    """
    first, *others = [group for group in grouped(runs) if _attacked(group)] or [[]]
    rows = []
    for group in others:
        if group[0].provenance["dataset"]["digest"] != first[0].provenance["dataset"]["digest"]:
            continue
        sides = ({run.seed: survived(run.path) for run in side} for side in (first, group))
        names = {"first": first[0].path.parent.name, "second": group[0].path.parent.name}
        rows += [names | row._asdict() for row in compare(*sides)]
    return rows


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
