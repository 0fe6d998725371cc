"""What the report shows of each experiment: its score, its seeds, its robustness, its pictures and
where it all comes from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from bioexp.config.reading import load
from bioexp.experiment import Run
from bioexp.measures.interval import Interval
from bioexp.report.images import picture
from bioexp.robustness.table import Flag, Row, Table, beside, by_eps, findings, over_seeds, record
from bioexp.runs.provenance import code_digest
from bioexp.runs.train import outcome
from bioexp.types import UserError

CAPTIONS = {
    "w1": "First-layer weights, each unit scaled by its own largest.",
    "learning_curve": (
        "Training, averaged over the minibatches between two records; the test accuracy is the"
        " final score."
    ),
    **{
        f"stage{i}": f"What the rule of stage {i} observed of itself, at the end of every record."
        for i in range(3)
    },
    "robustness": "Accuracy under attack against the size of the perturbation.",
    "adversarial": "Clean images, perturbations (amplified) and the adversarial images they make.",
}


def experiment(runs: Sequence[Run], *, pictures: bool = True) -> dict[str, Any]:
    """One configuration with all its seeds; the pictures, if wanted, are those of its first seed.
    """
    first, records = runs[0], robustness(runs)
    identity = first.path.name.rpartition("-s")[0]
    document = outcome(runs)["document"]
    return {
        **outcome(runs),
        "anchor": f"run-{first.path.parent.name}-{identity}",
        "identity": identity,
        "document": document if document and document["expected"] is not None else None,
        "config": yaml.safe_dump(dict(first.config), sort_keys=False, allow_unicode=True),
        "seeds": [_seed(run, today) for today in [_digest(first)] for run in runs],
        "robustness": _tables(first.path.parent.name, records),
        "pictures": _pictures(first) if pictures else [],
        "provenance": _provenance(runs),
    }


def robustness(runs: Sequence[Run]) -> dict[int, dict[str, Any]]:
    """The robustness records of those runs that were attacked, by seed."""
    files = {run.seed: run.path / "robustness.json" for run in runs}
    return {
        seed: json.loads(file.read_text("utf-8")) for seed, file in files.items() if file.is_file()
    }


def _seed(run: Run, today: str | None) -> dict[str, Any]:
    made = run.provenance
    commit = made.get("git", {}).get("commit", "")
    return {
        "seed": run.seed,
        "name": run.name,
        "test_accuracy": run.summary.get("test_accuracy"),
        "train_accuracy": run.metrics[-1].get("train_accuracy") if run.metrics else None,
        "train_loss": run.metrics[-1].get("train_loss") if run.metrics else None,
        "steps": run.summary.get("steps"),
        "wall_s": made.get("wall_s"),
        "device": made.get("device", {}).get("kind", ""),
        "finished": str(made.get("finished", ""))[:10],
        "commit": f"{commit[:10]}{' + changes' if made.get('git', {}).get('dirty') else ''}",
        "code": (
            "not known"
            if today is None
            else "today's"
            if made.get("code_digest") == today
            else "other: stale"
        ),
    }


def _digest(run: Run) -> str | None:
    """Digest of today's numerical code for this run's config; None where its files are gone or it
    no longer loads.
    """
    try:
        return code_digest(load(run.path / "config.yaml")[0])
    except UserError:
        return None


def _pictures(run: Run) -> list[dict[str, Any]]:
    place = {name: i for i, name in enumerate(CAPTIONS)}
    paths = sorted(
        [*run.path.glob("figures/*.png"), *run.path.glob("*.png")],
        key=lambda path: (place.get(path.stem, 99), path.stem),
    )
    return [picture(path, CAPTIONS.get(path.stem, path.stem.replace("_", " "))) for path in paths]


def mean_over_seeds(records: Mapping[int, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """One record for all seeds; None where there is none, or where they were attacked in different
    ways.
    """
    if len({json.dumps(_protocol(one)) for one in records.values()}) != 1:
        return None
    if len(records) == 1:
        return next(iter(records.values()))
    return record(over_seeds({seed: _table(one) for seed, one in records.items()}))


def _tables(name: str, records: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The mean over the seeds, if they were attacked in the same way, then each seed."""
    shown = [
        table for seed, one in records.items() for table in _shown(f"{name}, seed {seed}", one)
    ]
    mean = mean_over_seeds(records) if len(records) > 1 else None
    return [*_shown(f"{name}, mean over {len(records)} seeds", mean), *shown] if mean else shown


def _protocol(one: Mapping[str, Any]) -> list[Any]:
    """What must be the same in two records for a mean over them."""
    rows = [[row["attack"], row["eps"], row["n"]] for row in (*one["rows"], *one.get("l2", ()))]
    return [one["norm"], one["gradient_source"], rows, [flag["code"] for flag in one["flags"]]]


def _shown(title: str, one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A record's table, and that of its attacks in the Euclidean ball if there are any."""
    return [
        _lines(title, table) | {"findings": said}
        for table, said in ((one, findings(one)), (beside(one), []))
        if table
    ]


def _lines(title: str, one: Mapping[str, Any]) -> dict[str, Any]:
    columns, rows = by_eps(one)
    _, lows = by_eps(_with_accuracy(one, "low"))
    _, highs = by_eps(_with_accuracy(one, "high"))
    names = columns[1:]  # after the attack's
    lines = [
        {"attack": row["attack"], "cells": [(row[name], low[name], high[name]) for name in names]}
        for row, low, high in zip(rows, lows, highs, strict=True)
    ]
    over = " or ".join(dict.fromkeys(row["interval"] for row in one["rows"]))
    return {**one, "title": title, "columns": columns, "lines": lines, "interval": over}


def _with_accuracy(one: Mapping[str, Any], end: str) -> dict[str, Any]:
    """The record with an end of the intervals in place of the accuracies."""
    return {**one, "rows": [{**row, "accuracy": row[end]} for row in one["rows"]]}


def _table(one: Mapping[str, Any]) -> Table:
    rows, l2 = (
        tuple(
            Row(
                row["attack"],
                row["eps"],
                Interval(row["accuracy"], row["low"], row["high"], row["interval"]),
                row["n"],
                row["verdict"],
            )
            for row in rows
        )
        for rows in (one["rows"], one.get("l2", ()))
    )
    flags = tuple(Flag(**{**flag, "eps": tuple(flag["eps"])}) for flag in one["flags"])
    median = one.get("median_l2")
    distance = (
        Interval(median["value"], median["low"], median["high"], median["interval"])
        if median
        else None
    )
    return Table(
        one["title"],
        one["title"],
        one["norm"],
        one["n"],
        rows,
        flags,
        one["gradient_source"],
        l2,
        distance,
    )


def _provenance(runs: Sequence[Run]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Dotted keys, each with its value, or with every seed's where they differ."""
    flat = {run.seed: _flat(run.provenance) for run in runs}
    rows = []
    for key in dict.fromkeys(key for one in flat.values() for key in one if key != "seed"):
        values = {seed: one.get(key, "") for seed, one in flat.items()}
        same = len(set(values.values())) == 1
        rows.append(
            (
                key,
                (
                    [("", next(iter(values.values())))]
                    if same
                    else [(f"seed {seed}", value) for seed, value in values.items()]
                ),
            )
        )
    return rows


def _flat(node: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in node.items():
        flat |= (
            _flat(value, f"{prefix}{key}.")
            if isinstance(value, Mapping)
            else {f"{prefix}{key}": str(value)}
        )
    return flat
