"""The robustness table: one row per attack and eps, for one run or averaged over seeds, as records, CSV and Markdown."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool

from bioexp.attacks.eps import show_eps
from bioexp.measures.flags import Flag, verdict
from bioexp.measures.interval import Interval, accuracy
from bioexp.measures.robustness import Outcome, worst_case

WORST = "worst case"
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

    gradient: "true" when the attacks followed the deployed forward pass; otherwise these are no robustness numbers.
    """

    title: str
    net: str
    norm: Literal["linf", "l2"]
    n: int
    rows: tuple[Row, ...]
    flags: tuple[Flag, ...]
    gradient: Gradient = "true"

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
) -> Table:
    """The table of one run: clean, every attack at every eps, and the minimum per image over all attacks."""
    first, n = next(iter(outcomes.values())), len(clean)
    survivors = {name: outcome.correct for name, outcome in outcomes.items()} | {WORST: worst_case(outcomes)}
    rows = [Row("clean", None, accuracy([clean.mean()], n), n, "")]
    for name, correct in survivors.items():
        for eps, kept in zip(first.eps, correct, strict=True):
            rows.append(Row(name, eps, accuracy([kept.mean()], n), n, _says(name, flags, eps, gradient)))
    return Table(_title(net, [seed]), net, first.attack.norm, n, tuple(rows), flags, gradient)


def over_seeds(tables: Mapping[int, Table]) -> Table:
    """Mean and t interval over the seeds' tables (by seed); a flag is as bad as in the worst seed, which it names."""
    first = next(iter(tables.values()))
    if len(tables) == 1:
        return first
    flags = tuple(_worst(tables, code) for code in [flag.code for flag in first.flags])
    rows = []
    for same in zip(*(table.rows for table in tables.values()), strict=True):
        mean = accuracy([row.accuracy.value for row in same], first.n)
        rows.append(replace(same[0], accuracy=mean, verdict=_says(same[0].attack, flags, same[0].eps, first.gradient)))
    return replace(first, title=_title(first.net, list(tables)), rows=tuple(rows), flags=flags)


def record(table: Table) -> dict[str, object]:
    """The table as JSON holds it."""
    rows = [asdict(row) | {"accuracy": row.accuracy.value, **_ends(row.accuracy)} for row in table.rows]
    flags = [asdict(flag) for flag in table.flags]
    return {
        "title": table.title,
        "norm": table.norm,
        "n": table.n,
        "gradient_source": table.gradient,
        "red": table.red,
        "rows": rows,
        "flags": flags,
    }


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
    said = [f"{flag['words']} ({flag['code']} at eps {', '.join(map(show_eps, flag['eps'])) or 'any'}): {flag['sentence']}" for flag in red]
    quiet = len(table["flags"]) - len(red) - len(unchecked)
    return [*stamp, *said, f"{quiet} checks quiet, {len(red)} red" + (f"; not checked: {', '.join(unchecked)}" if unchecked else "")]


def as_csv(table: Table) -> str:
    """One line per row, accuracies as fractions."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["attack", "eps", "accuracy", "low", "high", "interval", "n", "norm", "gradient_source", "verdict"])
    for row in table.rows:
        value, low, high, over = row.accuracy
        eps = "" if row.eps is None else f"{row.eps:.6g}"
        writer.writerow(
            [row.attack, eps, f"{value:.6g}", f"{low:.6g}", f"{high:.6g}", over, row.n, table.norm, table.gradient, row.verdict]
        )
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
    for row in table.rows:
        value, low, high, _ = row.accuracy
        eps = "" if row.eps is None else show_eps(row.eps)
        lines.append(f"| {row.attack} | {eps} | {value:.4f} | [{low:.4f}, {high:.4f}] | {row.n} | {row.verdict} |")
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
