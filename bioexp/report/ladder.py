"""The robustness of every experiment in one table: a row for each and each eps, as the page, CSV
and JSON hold it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from bioexp.attacks import ATTACKS
from bioexp.attacks.eps import show_eps
from bioexp.experiment import Run
from bioexp.report.runs import mean_over_seeds, robustness
from bioexp.robustness.flags import Flag
from bioexp.robustness.table import WORST
from bioexp.runs.labels import labelled

ABOUT = ("experiment", "model", "rule", "dataset", "seeds", "n", "eps", "clean")
LAST = (WORST, "median_l2", "flags")


def cross_table(groups: Sequence[Sequence[Run]]) -> dict[str, Any] | None:
    """Columns and rows: accuracies are means over seeds, `ends` their 95 % intervals; None where
    nothing was attacked.

    An experiment whose seeds were attacked in different ways, or along another gradient, has no
    row.
    """
    rows = [
        row
        for label, group in zip(labelled(groups), groups, strict=True)
        for row in _rows(label, group)
    ]
    own = dict.fromkeys(name for row in rows for name in row["attacks"] if name not in ATTACKS)
    attacks = [*(name for name in ATTACKS if any(name in row["attacks"] for row in rows)), *own]
    return {"columns": [*ABOUT, *attacks, *LAST], "rows": rows} if rows else None


def as_csv(table: Mapping[str, Any]) -> str:
    """The same for a spreadsheet; eps as a number, empty where an attack was not made."""
    text = io.StringIO()
    writer = csv.DictWriter(
        text, table["columns"], restval="", extrasaction="ignore", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(table["rows"])
    return text.getvalue()


def _rows(label: str, group: Sequence[Run]) -> list[dict[str, Any]]:
    records = robustness(group)
    mean = mean_over_seeds(records)
    if mean is None or mean["gradient_source"] != "true":
        return []
    config = group[0].config
    about = {
        "experiment": label,
        "model": config.get("model", {}).get("name", ""),
        "rule": " + ".join(
            dict.fromkeys(
                stage["rule"]["name"] for stage in config.get("stages", ()) if "rule" in stage
            )
        ),
        "dataset": group[0].provenance["dataset"]["name"],
        "seeds": len(records),
        "n": mean["n"],
        "attacks": [
            name
            for name in dict.fromkeys(row["attack"] for row in mean["rows"])
            if name not in ("clean", WORST)
        ],
    }
    found = {(row["attack"], row["eps"]): row["accuracy"] for row in mean["rows"]}
    ends = {(row["attack"], row["eps"]): (row["low"], row["high"]) for row in mean["rows"]}
    distance = mean.get("median_l2")
    shared = {"clean": found["clean", None], "median_l2": distance["value"] if distance else None}
    return [
        about
        | {"eps": eps, "eps_shown": show_eps(eps), **shared, "flags": _flags(mean, eps)}
        | {attack: accuracy for (attack, at), accuracy in found.items() if at == eps}
        | {
            "ends": {
                attack: interval for (attack, at), interval in ends.items() if at in (eps, None)
            }
        }
        for eps in dict.fromkeys(eps for _, eps in found if eps is not None)
    ]


def _flags(record: Mapping[str, Any], eps: float) -> str:
    """What is red at this eps, each in its words and its sentence."""
    flags = [Flag(**{**flag, "eps": tuple(flag["eps"])}) for flag in record["flags"]]
    return "; ".join(
        f"{flag.words} ({flag.code}): {flag.sentence}"
        for flag in flags
        if flag.state == "red" and flag.reads_at(eps)
    )
