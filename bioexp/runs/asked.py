"""What is asked of `bioexp attack`: which runs, by which attacks, how far. What cannot be granted
is refused here, before anything is written.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from bioexp.attacks import ATTACKS, LADDER
from bioexp.attacks.eps import Radii, radii
from bioexp.config.lookup import Builder, builder_of, built
from bioexp.config.user_code import digest
from bioexp.experiment import Run
from bioexp.files import expanded
from bioexp.options import check, schema
from bioexp.records import Gradient
from bioexp.runs.directory import open_run
from bioexp.types import Attack, UserError

Node = str | Mapping[str, object]  # an attack as it is named: with its options, if any
Given = str | float | Iterable[float | str] | None  # radii; None: the usual
Named = Run | str | Path  # a run, or its directory
Pictures = Literal["all", "first"]


class Chosen(NamedTuple):
    """An attack, what built it, with which options, and the digest of the user's code it is of."""

    attack: Attack
    builder: Builder
    options: Mapping[str, object]
    code: str


@dataclass(frozen=True)
class Ladder:
    """What is asked of every net: attacks by name, noise first; at which radii; on how many of the
    first test images (None: all); along which gradient; whether transfer was asked for by name.
    """

    attacks: Mapping[str, Chosen]
    radii: Radii
    n: int | None
    gradient: Gradient
    transfer: bool

    @property
    def probe(self) -> Attack:
        """The attack that shows whether a net breaks at all."""
        asked = [rung.attack for name, rung in self.attacks.items() if name == "pgd"]
        return next((pgd for pgd in asked if pgd.norm == "linf"), ATTACKS["pgd"]())


def ladder_of(
    attacks: Iterable[Node] | Node | None,
    eps: Given = None,
    eps_l2: Given = None,
    n: int | None = None,
    gradient: Gradient = "true",
) -> Ladder:
    """What a wish comes to; raises UserError where it cannot be granted. Noise that nobody asked
    for has no say in which ball eps is of.
    """
    nodes = nodes_of(LADDER if attacks is None else attacks)
    chosen, named = attacks_named(nodes), {node["name"] for node in nodes}
    asked = {
        name: rung.attack
        for name, rung in chosen.items()
        if name != "noise" or named & {"noise", "all"}
    }
    one_of("gradient", gradient, Gradient)
    by_name = attacks is not None and "transfer" in named
    return Ladder(chosen, radii(asked, eps, eps_l2), _count(n), gradient, by_name)


def nodes_of(attacks: Iterable[Node] | Node) -> list[dict[str, Any]]:
    """Attacks as they are named, each with its options."""
    given = [attacks] if isinstance(attacks, Mapping) else attacks
    words = given.split(",") if isinstance(given, str) else given
    nodes = [_node(word) for word in words] if isinstance(words, Iterable) else [_node(words)]
    if not nodes:
        raise UserError("attacks: needs at least one; leave them out for the usual ones")
    return nodes


def _node(given: object) -> dict[str, Any]:
    if isinstance(given, Mapping) and isinstance(given.get("name"), str):
        return dict(given)
    if isinstance(given, str) and given.strip():
        return {"name": given.strip()}
    raise UserError(
        'attacks: expected names such as fgsm, or {"name": "square", "queries": 5000}, got '
        f"{given!r}"
    )


def attacks_named(nodes: Sequence[dict[str, Any]]) -> dict[str, Chosen]:
    """The attacks by name, noise first, with the options that were given; those of a name that
    stands twice are the last's.

    One of the user's own, `./my_attack.py:my_attack`, goes by the name of its function.
    """
    whole = [{"name": name} for name in ATTACKS] if {"name": "all"} in nodes else []
    chosen: dict[str, Chosen] = {}
    for options in (
        {"name": "noise"},
        *whole,
        *(dict(node) for node in nodes if node != {"name": "all"}),
    ):
        word = str(options.pop("name", ""))
        name = word.rpartition(":")[2]
        if name != word and name in ATTACKS:
            raise UserError(
                f"{word}: {name} is an attack of bioexp's already; give yours another name"
            )
        own = (ATTACKS[name], {}, name) if name in ATTACKS else builder_of("attack", word, Path())
        builder, code, _ = own
        values, problems = check(schema(builder), options)
        if problems:
            raise UserError(
                "\n".join(f"{name}: {'.'.join(map(str, where))} {what}" for where, what in problems)
            )
        chosen[name] = Chosen(built(Attack, word, builder, **values), builder, values, digest(code))
    return chosen


def _count(n: int | None) -> int | None:
    try:
        count = None if n is None else operator.index(n)
    except TypeError:
        count = 0
    if count is not None and (isinstance(n, bool) or count < 1):
        raise UserError(f"--n: must be at least 1, a whole number, got {n!r}")
    return count


def one_of(option: str, given: object, words: object) -> None:
    """Raises UserError for what is none of the words of a Literal."""
    if given not in get_args(words):
        raise UserError(f"{option}: must be {' or '.join(get_args(words))}, got {given!r}")


def opened(option: str, runs: Iterable[Named] | Named) -> list[Run]:
    """The runs, opened where their directories came."""
    several = (
        [runs] if isinstance(runs, Run | str | Path) or not isinstance(runs, Iterable) else runs
    )
    return [_open(option, run) for run in several]


def _open(option: str, run: object) -> Run:
    if isinstance(run, Run):
        return run
    if isinstance(run, str | Path):
        return open_run(expanded(run))
    raise UserError(f"{option}: expected runs, as `fit` gives them, or their paths, got {run!r}")
