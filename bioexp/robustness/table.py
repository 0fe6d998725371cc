"""The robustness table: one row for each attack and eps, of one run or averaged over seeds, as a
record, CSV and Markdown.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool

from bioexp.attacks.eps import MOST_LISTED, labels, listed
from bioexp.measures.interval import Interval, accuracy, median, student
from bioexp.records import AttackRow, Distance, Flag, Gradient, Robustness
from bioexp.robustness.evaluate import Outcome, worst_case
from bioexp.robustness.flags import verdict

CLEAN, WORST = "clean", "worst case"
DISTANCE = (
    "median L2 of the smallest change found: {value:.4g} [{low:.4g}, {high:.4g}] ({interval})"
)
MASKED = "masked: not a robustness number"
STATES = ("quiet", "not checked", "red")  # of a check over several seeds, the last that occurs
COLUMNS = (
    "attack",
    "eps",
    "accuracy",
    "low",
    "high",
    "interval",
    "n",
    "norm",
    "gradient_source",
    "verdict",
    "median_l2",
)


class Crossed(NamedTuple):
    """A table in two directions: what its rows are, what stands over its columns, and its rows by
    name; None where an attack was not made.
    """

    corner: Literal["attack", "eps"]
    columns: list[str]
    rows: dict[str, list[AttackRow | None]]


def tabulate(
    net: str,
    seed: int,
    clean: Bool[np.ndarray, "n"],
    outcomes: Mapping[str, Outcome],
    flags: tuple[Flag, ...],
    gradient: Gradient = "true",
    l2: Mapping[str, Outcome] = MappingProxyType({}),
) -> Robustness:
    """The table of one run: clean, every attack at every eps, and the minimum per image over all
    attacks; l2 beside it.
    """
    n = len(clean)

    def row(attack: str, eps: float | None, kept: Bool[np.ndarray, "n"]) -> AttackRow:
        return _row(attack, eps, accuracy([kept.mean()], n), n, _says(attack, flags, eps, gradient))

    first = next(iter(outcomes.values()))
    survivors = {name: outcome.correct for name, outcome in outcomes.items()}
    survivors[WORST] = worst_case(outcomes)
    rows = [row(CLEAN, None, clean)]
    for name, correct in survivors.items():
        rows += [row(name, eps, kept) for eps, kept in zip(first.eps, correct, strict=True)]
    beside = [
        row(name, eps, kept)
        for name, outcome in l2.items()
        if outcome.attack.kind != "nearest"
        for eps, kept in zip(outcome.eps, outcome.correct, strict=True)
    ]
    nearest = [
        np.where(outcome.correct[0], inf, outcome.moved[0])
        for outcome in l2.values()
        if outcome.attack.kind == "nearest"
    ]
    return Robustness(
        title=_title(net, [seed]),
        norm=first.attack.norm,
        n=n,
        gradient_source=gradient,
        red=_red(flags),
        rows=tuple(rows),
        l2=tuple(beside),
        median_l2=_distance(median(np.min(nearest, axis=0)) if nearest else None),
        flags=flags,
    )


def over_seeds(net: str, tables: Mapping[int, Robustness]) -> Robustness:
    """Mean and t interval over the seeds' tables (by seed); a flag is as bad as in the worst seed,
    which it names.
    """
    first = next(iter(tables.values()))
    if len(tables) == 1:
        return first
    flags = tuple(_worst(tables, code) for code in [flag.code for flag in first.flags])

    def means(rows: Sequence[Sequence[AttackRow]]) -> tuple[AttackRow, ...]:
        return tuple(
            _row(
                same[0].attack,
                same[0].eps,
                accuracy([row.accuracy for row in same], first.n),
                first.n,
                _says(same[0].attack, flags, same[0].eps, first.gradient_source),
            )
            for same in zip(*rows, strict=True)
        )

    medians = [table.median_l2.value for table in tables.values() if table.median_l2]
    return Robustness(
        title=_title(net, list(tables)),
        norm=first.norm,
        n=first.n,
        gradient_source=first.gradient_source,
        red=_red(flags),
        rows=means([table.rows for table in tables.values()]),
        l2=means([table.l2 for table in tables.values()]),
        median_l2=_distance(student(medians) if len(medians) == len(tables) else None),
        flags=flags,
    )


def beside(table: Robustness) -> Robustness | None:
    """Its attacks in the Euclidean ball as a table of their own, with the clean row; None where
    there are none.
    """
    if not table.l2:
        return None
    clean = tuple(row for row in table.rows if row.eps is None)
    return table.model_copy(update={"norm": "l2", "rows": clean + table.l2})


def crossed(table: Robustness) -> Crossed:
    """Attacks down and eps across, clean first; the other way round where eps are many."""
    clean, *attacked = table.rows
    called = labels(dict.fromkeys(row.eps for row in attacked if row.eps is not None))
    attacks = dict.fromkeys(row.attack for row in attacked)
    cells = {(row.attack, called[row.eps]): row for row in attacked if row.eps is not None}
    cells |= {(attack, CLEAN): clean for attack in attacks}
    names, columns = list(attacks), [CLEAN, *called.values()]
    rows = {name: [cells.get((name, column)) for column in columns] for name in names}
    if len(called) <= MOST_LISTED:
        return Crossed("attack", columns, rows)
    turned = {column: list(cells) for column, *cells in zip(columns, *rows.values(), strict=True)}
    return Crossed("eps", names, turned)


def findings(table: Robustness) -> list[str]:
    """What the checks say: a sentence for each red one, then how many were quiet and which could
    not be made.
    """
    red = [flag for flag in table.flags if flag.state == "red"]
    unchecked = [flag.code for flag in table.flags if flag.state == "not checked"]
    stamp = [MASKED] if table.gradient_source == "training" else []
    stamp += [DISTANCE.format(**table.median_l2.model_dump())] if table.median_l2 else []
    said = [
        f"{flag.words} ({flag.code} at eps {listed(flag.eps) or 'any'}): {flag.sentence}"
        for flag in red
    ]
    quiet = len(table.flags) - len(red) - len(unchecked)
    missing = f"; not checked: {', '.join(unchecked)}" if unchecked else ""
    return [*stamp, *said, f"{quiet} checks quiet, {len(red)} red{missing}"]


def as_csv(table: Robustness) -> str:
    """One line for each row, accuracies as fractions; the last column is filled in the row of
    deepfool alone.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    source = {"gradient_source": table.gradient_source}
    both = [(row, table.norm) for row in table.rows] + [(row, "l2") for row in table.l2]
    for row, norm in both:
        ends = {name: f"{getattr(row, name):.6g}" for name in ("accuracy", "low", "high")}
        eps = "" if row.eps is None else f"{row.eps:.6g}"
        writer.writerow(row.model_dump() | ends | source | {"eps": eps, "norm": norm})
    if distance := table.median_l2:
        ends = {"low": f"{distance.low:.6g}", "high": f"{distance.high:.6g}"}
        about = {"attack": "deepfool", "n": table.n, "norm": "l2", "interval": distance.interval}
        writer.writerow(about | ends | source | {"median_l2": f"{distance.value:.6g}"})
    return text.getvalue()


def as_markdown(table: Robustness) -> str:
    """The table for people, with every check and what it says."""
    ball = "L-infinity" if table.norm == "linf" else "L2"
    lines = [
        f"# {table.title}" + (f" ({MASKED})" if table.gradient_source == "training" else ""),
        "",
        (
            f"White-box, untargeted, {ball}, pixels in [0, 1]; {table.n} test images, those "
            "misclassified clean count as broken; the worst case is the minimum per image over all "
            "attacks."
        ),
        f"gradient_source: {table.gradient_source}. 95 % intervals: {table.rows[0].interval}.",
        "",
        "| attack | eps | accuracy | 95 % interval | n | says |",
        "|---|---|---|---|---|---|",
    ]
    called = labels(row.eps for row in (*table.rows, *table.l2) if row.eps is not None)
    both = [(row, "") for row in table.rows] + [(row, " (L2)") for row in table.l2]
    for row, ball in both:
        eps = "" if row.eps is None else called[row.eps] + ball
        ends = f"[{row.low:.4f}, {row.high:.4f}]"
        lines.append(
            f"| {row.attack} | {eps} | {row.accuracy:.4f} | {ends} | {row.n} | {row.verdict} |"
        )
    if table.median_l2:
        lines += ["", DISTANCE.format(**table.median_l2.model_dump())]
    lines += ["", "| check | state | at eps | |", "|---|---|---|---|"]
    for flag in table.flags:
        state = f"**{flag.words}**" if flag.state == "red" else flag.state
        lines.append(f"| {flag.code} | {state} | {listed(flag.eps)} | {flag.sentence} |")
    return "\n".join(lines) + "\n"


def _row(attack: str, eps: float | None, interval: Interval, n: int, verdict: str) -> AttackRow:
    return AttackRow(
        attack=attack,
        eps=None if eps is None else float(eps),
        accuracy=float(interval.value),
        n=n,
        verdict=verdict,
        low=float(interval.low),
        high=float(interval.high),
        interval=interval.over,
    )


def _distance(interval: Interval | None) -> Distance | None:
    if interval is None:
        return None
    value, low, high, over = interval
    return Distance(value=float(value), low=float(low), high=float(high), interval=over)


def _red(flags: Sequence[Flag]) -> bool:
    return any(flag.state == "red" for flag in flags)


def _says(attack: str, flags: tuple[Flag, ...], eps: float | None, gradient: Gradient) -> str:
    """What may be said of a row: of the worst case by the checks, of attacks along another gradient
    that they are none.
    """
    if gradient == "training":
        return MASKED if eps is not None else ""
    return verdict(flags, eps) if attack == WORST and eps is not None else ""


def _title(net: str, seeds: list[int]) -> str:
    numbers = f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"
    return f"{net}, {numbers}: accuracy under attack"


def _worst(tables: Mapping[int, Robustness], code: str) -> Flag:
    """The check as it stands in the worst seed, at every eps where it is red in some seed."""
    by_seed = {
        seed: flag for seed, table in tables.items() for flag in table.flags if flag.code == code
    }
    seed, worst = max(by_seed.items(), key=lambda item: STATES.index(item[1].state))
    if worst.state != "red":
        return worst
    everywhere = any(flag.state == "red" and not flag.eps for flag in by_seed.values())
    eps = () if everywhere else tuple(sorted({e for flag in by_seed.values() for e in flag.eps}))
    return worst.model_copy(update={"eps": eps, "sentence": f"seed {seed}: {worst.sentence}"})
