"""The first experiment beside the others: what their configs differ in, their scores, and paired
differences by seed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from bioexp.attacks.eps import show_eps
from bioexp.experiment import Run
from bioexp.measures.comparison import Difference, differing, paired, paired_robustness
from bioexp.report.runs import robustness
from bioexp.robustness.table import WORST


def comparison(
    groups: Sequence[Sequence[Run]], experiments: Sequence[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """What the page shows of two or more experiments side by side; None for one alone."""
    if len(groups) < 2:
        return None
    labels = [one["label"] for one in experiments]
    configs = [
        {key: value for key, value in group[0].config.items() if key != "name"} for group in groups
    ]
    return {
        "labels": labels,
        "config": [
            (key, [_value(value) for value in values]) for key, values in differing(configs)
        ],
        "metrics": [_metrics(label, one) for label, one in zip(labels, experiments, strict=True)],
        "pairs": [
            {"first": labels[0], "second": label, **_pair(groups[0], group)}
            for label, group in zip(labels[1:], groups[1:], strict=True)
        ],
    }


def _metrics(label: str, one: Mapping[str, Any]) -> dict[str, Any]:
    seeds = one["seeds"]

    def mean(key: str) -> float | None:
        values = [seed[key] for seed in seeds if seed[key] is not None]
        return fmean(values) if values else None

    kept = ("anchor", "dataset", "test_accuracy", "ci95", "interval", "n_test", "n_seeds")
    means = {key: mean(key) for key in ("train_accuracy", "train_loss", "steps", "wall_s")}
    return {"label": label, **{key: one[key] for key in kept}, **means}


def _pair(first: Sequence[Run], second: Sequence[Run]) -> dict[str, Any]:
    """Test accuracy and robust accuracies, second minus first, and why there are none where there
    are none.
    """
    tests = {
        (run.provenance["dataset"]["digest"], run.summary["n_test"]) for run in (*first, *second)
    }
    if len(tests) > 1:
        return {
            "rows": [],
            "attacks": [],
            "note": "They were scored on different test images: nothing can be paired.",
        }
    if any("test_accuracy" not in run.summary for run in (*first, *second)):
        return {
            "rows": [],
            "attacks": [],
            "note": "One of them is no classifier: there is no accuracy to pair.",
        }
    clean = paired(
        *({run.seed: run.summary["test_accuracy"] for run in side} for side in (first, second))
    )
    if clean is None:
        return {
            "rows": [],
            "attacks": [],
            "note": "They have no seed in common: train both with the same --seeds.",
        }
    records = (robustness(first), robustness(second))
    rows = [_row("test accuracy", "", clean, frozenset())]
    attacks: list[dict[str, Any]] = []
    for (attack, eps), difference in (paired_robustness(*records) if all(records) else {}).items():
        line = _row(
            attack,
            show_eps(eps),
            difference,
            _doubts([*records[0].values(), *records[1].values()], eps),
        )
        (rows if attack == WORST else attacks).append({**line, "size": eps})
    return {"rows": rows, "attacks": attacks, "note": "" if len(rows) > 1 else _unpaired(records)}


def _row(what: str, eps: str, difference: Difference, doubts: frozenset[str]) -> dict[str, Any]:
    return {
        "what": what,
        "eps": eps,
        "size": 0.0,
        "difference": difference.value,
        "ci95": (difference.low, difference.high),
        "first": difference.first,
        "second": difference.second,
        "seeds": len(difference.seeds),
        "says": "robustness NOT established" if doubts else difference.says,
    }


def _doubts(records: Sequence[Mapping[str, Any]], eps: float) -> frozenset[str]:
    """What the checks of either side say against a number at this eps."""
    said = {
        row["verdict"]
        for record in records
        for row in record["rows"]
        if row["attack"] == WORST and row["eps"] == eps
    }
    masked = {"training gradient" for record in records if record["gradient_source"] != "true"}
    return frozenset(words for words in said if words.startswith("NOT")) | masked


def _unpaired(records: tuple[Mapping[int, Any], Mapping[int, Any]]) -> str:
    if not all(records):
        return (
            "Robust accuracies are not compared: not both were attacked; `bioexp attack` does that."
        )
    return (
        "Robust accuracies are not compared: they were attacked at other eps, on other numbers of"
        " images or at other seeds."
    )


def _value(value: Any) -> str:
    return (
        "–"
        if value is None
        else value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
    )
