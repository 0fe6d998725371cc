"""`bioexp attack` as work that processes share: an experiment with all its seeds at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, Literal

from bioexp.attacks.eps import DEFAULT_EPS
from bioexp.commands.attack import Node, Progress, attack, attacks_named
from bioexp.commands.attack_files import read_table
from bioexp.commands.share import Task
from bioexp.run import grouped
from bioexp.types import Run


def tasks(
    runs: Sequence[Run],
    *,
    attacks: Sequence[Node] | None,
    eps: Sequence[float] | None,
    n: int | None,
    data_dir: Path | None,
    gradient: Literal["true", "training"],
    follow: Sequence[Run],
    progress: Progress,
    ready: Callable[[int, dict[str, object]], None],
) -> list[Task]:
    """One for each experiment; ready(number, record) is called as they are attacked. The options are those of `attack`."""

    def task(number: int, group: Sequence[Run]) -> Task:
        def work(patient: bool) -> bool:
            size: dict[str, Any] = {"attacks": attacks, "eps": eps, "n": n, "gradient": gradient, "follow": follow}
            (found,) = attack(group, **size, data_dir=data_dir, among=runs, patient=patient, progress=progress)
            ready(number, found)
            return True

        done = partial(all_attacked, group, tabulated(attacks), eps or DEFAULT_EPS, n, gradient)
        return Task(f"{group[0].path.parent.name} ({len(group)} seeds)", tuple(run.path for run in group), done, work)

    return [task(number, group) for number, group in enumerate(grouped(runs))]


def tabulated(attacks: Sequence[Node] | None, sources: bool = False) -> list[str]:
    """The attacks that a table surely has rows of; transfer only where there is another net to follow."""
    return [
        name for name, one in attacks_named(attacks).items() if one.attack.kind != "nearest" and (sources or one.attack.kind != "transfer")
    ]


def all_attacked(runs: Sequence[Run], names: Sequence[str], eps: Sequence[float], n: int | None, gradient: str = "true") -> bool:
    """Whether each run has a table with these attacks, at these eps, on its first n test images."""
    suffix = "" if gradient == "true" else "_training"
    return all(attacked(read_table(run.path, suffix), names, eps, n, run.summary["n_test"]) for run in runs)


def attacked(table: dict[str, Any] | None, names: Sequence[str], eps: Sequence[float], n: int | None, n_test: int) -> bool:
    """Whether a run's table, if it has one, holds these attacks, at these eps, on the first n of its test images; None: all."""
    if table is None:
        return False
    made = {row["attack"] for row in (*table["rows"], *table["l2"])}
    return set(names) <= made and set(eps) <= {row["eps"] for row in table["rows"]} and table["n"] == min(n or inf, n_test)
