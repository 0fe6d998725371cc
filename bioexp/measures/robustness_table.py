"""The robustness table: one row per attack and eps, for one run or averaged over seeds, as records, CSV and Markdown."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import inf
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool

from bioexp.attacks.eps import show_eps
from bioexp.measures.flags import Flag, verdict
from bioexp.measures.interval import Interval, accuracy, median, student
from bioexp.measures.robustness import Outcome, worst_case

WORST = "worst case"
DISTANCE = "median L2 of the smallest change found: {value:.4g} [{low:.4g}, {high:.4g}] ({interval})"
MASKED = "masked: not a robustness number"
Gradient = Literal["true", "training"]
STATES = ("quiet", "not checked", "red")  # of a check over several seeds, the last that occurs


@dataclass(frozen=True)
class Row:
    """Accuracy under one attack at one eps (None: clean), with its 95 % interval, and what may be said of the worst case."""

    attack: str
    eps: float | None
    accuracy: Interval
    n: int
    verdict: str


@dataclass(frozen=True)
class Table:
    """A run's rows and flags, or those of an experiment over its seeds.

    l2: the rows of the attacks in the Euclidean ball, which stand beside and not in the worst case.
    median_l2: length of the smallest change that deepfool found, median over images (those misclassified clean count 0); None
        where it was not run, or broke fewer than half.
    gradient: "true" when the attacks followed the deployed forward pass; otherwise these are no robustness numbers.
    """

    title: str
    net: str
    norm: Literal["linf", "l2"]
    n: int
    rows: tuple[Row, ...]
    flags: tuple[Flag, ...]
    gradient: Gradient = "true"
    l2: tuple[Row, ...] = ()
    median_l2: Interval | None = None

    @property
    def red(self) -> bool:
        """Whether any check is red, so that `--strict` fails."""
        return any(flag.state == "red" for flag in self.flags)


def tabulate(
    net: str,
    seed: int,
    clean: Bool[np.ndarray, "n"],
    outcomes: Mapping[str, Outcome],
    flags: tuple[Flag, ...],
    gradient: Gradient = "true",
    l2: Mapping[str, Outcome] = MappingProxyType({}),
) -> Table:
    """The table of one run: clean, every attack at every eps, and the minimum per image over all attacks; l2 beside it."""
    first, n = next(iter(outcomes.values())), len(clean)
    survivors = {name: outcome.correct for name, outcome in outcomes.items()} | {WORST: worst_case(outcomes)}
    rows = [Row("clean", None, accuracy([clean.mean()], n), n, "")]
    for name, correct in survivors.items():
        for eps, kept in zip(first.eps, correct, strict=True):
            rows.append(Row(name, eps, accuracy([kept.mean()], n), n, _says(name, flags, eps, gradient)))
    beside = [
        Row(name, eps, accuracy([kept.mean()], n), n, _says(name, flags, eps, gradient))
        for name, outcome in l2.items()
        if outcome.attack.kind != "nearest"
        for eps, kept in zip(outcome.eps, outcome.correct, strict=True)
    ]
    nearest = [np.where(outcome.correct[0], inf, outcome.moved[0]) for outcome in l2.values() if outcome.attack.kind == "nearest"]
    distance = median(np.min(nearest, axis=0)) if nearest else None
    return Table(_title(net, [seed]), net, first.attack.norm, n, tuple(rows), flags, gradient, tuple(beside), distance)


def over_seeds(tables: Mapping[int, Table]) -> Table:
    """Mean and t interval over the seeds' tables (by seed); a flag is as bad as in the worst seed, which it names."""
    first = next(iter(tables.values()))
    if len(tables) == 1:
        return first
    flags = tuple(_worst(tables, code) for code in [flag.code for flag in first.flags])

    def mean(same: Sequence[Row]) -> Row:
        value = accuracy([row.accuracy.value for row in same], first.n)
        return replace(same[0], accuracy=value, verdict=_says(same[0].attack, flags, same[0].eps, first.gradient))

    rows = tuple(mean(same) for same in zip(*(table.rows for table in tables.values()), strict=True))
    beside = tuple(mean(same) for same in zip(*(table.l2 for table in tables.values()), strict=True))
    medians = [table.median_l2.value for table in tables.values() if table.median_l2]
    distance = student(medians) if len(medians) == len(tables) else None
    return replace(first, title=_title(first.net, list(tables)), rows=rows, flags=flags, l2=beside, median_l2=distance)


def record(table: Table) -> dict[str, object]:
    """The table as JSON holds it."""
    rows, beside = (
        [asdict(row) | {"accuracy": row.accuracy.value, **_ends(row.accuracy)} for row in rows] for rows in (table.rows, table.l2)
    )
    distance = table.median_l2 and {"value": table.median_l2.value, **_ends(table.median_l2)}
    flags = [asdict(flag) for flag in table.flags]
    return {
        "title": table.title,
        "norm": table.norm,
        "n": table.n,
        "gradient_source": table.gradient,
        "red": table.red,
        "rows": rows,
        "l2": beside,
        "median_l2": distance,
        "flags": flags,
    }


def beside(table: Mapping[str, Any]) -> dict[str, Any] | None:
    """A record's attacks in the Euclidean ball as a record of their own, with the clean row; None where there are none."""
    if not table.get("l2"):
        return None
    return {**table, "norm": "l2", "rows": [row for row in table["rows"] if row["eps"] is None] + table["l2"]}


def by_eps(table: Mapping[str, Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """A record's accuracies with attacks down and eps across: the column names, and a row per attack that begins with "attack"."""
    rows: dict[str, dict[str, Any]] = {}
    for row in table["rows"]:
        column = "clean" if row["eps"] is None else show_eps(row["eps"])
        rows.setdefault(row["attack"], {"attack": row["attack"]})[column] = row["accuracy"]
    clean = rows.pop("clean", {}).get("clean")
    shown = [{"attack": row.pop("attack"), "clean": clean, **row} for row in rows.values()]
    return list(dict.fromkeys(column for row in shown for column in row)), shown


def findings(table: Mapping[str, Any]) -> list[str]:
    """What a record's checks say: a sentence for each red one, then how many were quiet and which could not be made."""
    red = [flag for flag in table["flags"] if flag["state"] == "red"]
    unchecked = [flag["code"] for flag in table["flags"] if flag["state"] == "not checked"]
    stamp = [MASKED] if table["gradient_source"] == "training" else []
    stamp += [DISTANCE.format(**table["median_l2"])] if table.get("median_l2") else []
    said = [f"{flag['words']} ({flag['code']} at eps {', '.join(map(show_eps, flag['eps'])) or 'any'}): {flag['sentence']}" for flag in red]
    quiet = len(table["flags"]) - len(red) - len(unchecked)
    return [*stamp, *said, f"{quiet} checks quiet, {len(red)} red" + (f"; not checked: {', '.join(unchecked)}" if unchecked else "")]


def as_csv(table: Table) -> str:
    """One line per row, accuracies as fractions; the last column is filled in the row of deepfool alone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["attack", "eps", "accuracy", "low", "high", "interval", "n", "norm", "gradient_source", "verdict", "median_l2"])
    for norm, row in [(table.norm, row) for row in table.rows] + [("l2", row) for row in table.l2]:
        value, low, high, over = row.accuracy
        eps = "" if row.eps is None else f"{row.eps:.6g}"
        writer.writerow([row.attack, eps, f"{value:.6g}", f"{low:.6g}", f"{high:.6g}", over, row.n, norm, table.gradient, row.verdict, ""])
    if table.median_l2:
        value, low, high, over = table.median_l2
        writer.writerow(["deepfool", "", "", f"{low:.6g}", f"{high:.6g}", over, table.n, "l2", table.gradient, "", f"{value:.6g}"])
    return text.getvalue()


def as_markdown(table: Table) -> str:
    """The table for people, with every check and what it says."""
    lines = [
        f"# {table.title}" + (f" ({MASKED})" if table.gradient == "training" else ""),
        "",
        f"White-box, untargeted, {'L-infinity' if table.norm == 'linf' else 'L2'}, pixels in [0, 1]; {table.n} test images, those "
        "misclassified clean count as broken; the worst case is the minimum per image over all attacks.",
        f"gradient_source: {table.gradient}. 95 % intervals: {table.rows[0].accuracy.over}.",
        "",
        "| attack | eps | accuracy | 95 % interval | n | says |",
        "|---|---|---|---|---|---|",
    ]
    for row in (*table.rows, *table.l2):
        value, low, high, _ = row.accuracy
        eps = "" if row.eps is None else show_eps(row.eps) + (" (L2)" if row in table.l2 else "")
        lines.append(f"| {row.attack} | {eps} | {value:.4f} | [{low:.4f}, {high:.4f}] | {row.n} | {row.verdict} |")
    if table.median_l2:
        value, low, high, over = table.median_l2
        lines += ["", DISTANCE.format(value=value, low=low, high=high, interval=over)]
    lines += ["", "| check | state | at eps | |", "|---|---|---|---|"]
    for flag in table.flags:
        state = f"**{flag.words}**" if flag.state == "red" else flag.state
        lines.append(f"| {flag.code} | {state} | {', '.join(map(show_eps, flag.eps))} | {flag.sentence} |")
    return "\n".join(lines) + "\n"


def _says(attack: str, flags: tuple[Flag, ...], eps: float | None, gradient: Gradient) -> str:
    """What may be said of a row: of the worst case by the checks, of attacks along another gradient that they are none."""
    if gradient == "training":
        return MASKED if eps is not None else ""
    return verdict(flags, eps) if attack == WORST and eps is not None else ""


def _title(net: str, seeds: list[int]) -> str:
    return f"{net}, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}: accuracy under attack"


def _worst(tables: Mapping[int, Table], code: str) -> Flag:
    of = {seed: flag for seed, table in tables.items() for flag in table.flags if flag.code == code}
    seed, flag = max(of.items(), key=lambda item: STATES.index(item[1].state))
    if flag.state != "red":
        return flag
    eps = () if any(f.state == "red" and not f.eps for f in of.values()) else tuple(sorted({e for f in of.values() for e in f.eps}))
    return replace(flag, eps=eps, sentence=f"seed {seed}: {flag.sentence}")


def _ends(interval: Interval) -> dict[str, object]:
    return {"low": interval.low, "high": interval.high, "interval": interval.over}
