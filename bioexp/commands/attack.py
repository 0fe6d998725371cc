"""`bioexp attack`: run the ladder on finished runs, check the numbers, and leave files in each run directory."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Literal, NamedTuple

import jax
import numpy as np

from bioexp.attacks import ATTACKS, LADDER
from bioexp.attacks.eps import DEFAULT_EPS, L2_EPS, check_eps, parse_eps
from bioexp.commands.attack_files import draw, resume, store, write_tables
from bioexp.commands.attack_targets import Target, sources, targets, twin
from bioexp.lock import locked
from bioexp.lookup import Builder, builder_of
from bioexp.measures.checks import Doubled, Evidence
from bioexp.measures.flags import check as checked
from bioexp.measures.robustness import Net, Outcome, evaluate, key_of, worst_case
from bioexp.measures.robustness_table import Table, over_seeds, record, tabulate
from bioexp.options import check, schema
from bioexp.provenance import digest_of
from bioexp.run import grouped
from bioexp.types import Attack, Run, UserError

__all__ = ["attack", "parse_eps"]

Progress = Callable[[str, str, float], None]  # run, attack, fraction done
Node = str | Mapping[str, object]  # an attack as it is named: with its options, if any
PROBE = (0.5, 1.0)  # where a net must break; looked at on fewer images when nobody asked for these eps
PROBE_IMAGES = 1000
DOUBLED_IMAGES = 200  # on which twice the steps are tried
LONG_PGD = ATTACKS["pgd"](steps=80, restarts=1)


def attack(
    runs: Sequence[Run],
    *,
    attacks: Sequence[Node] | None = None,
    eps: Sequence[float] | None = None,
    n: int | None = None,
    data_dir: Path | None = None,
    pictures: Literal["all", "first"] = "all",
    gradient: Literal["true", "training"] = "true",
    follow: Sequence[Run] = (),
    among: Sequence[Run] = (),
    patient: bool = True,
    progress: Progress = lambda run, attack, fraction: None,
) -> list[dict[str, object]]:
    """Attack finished runs and write attacks/*.npz, robustness.{json,csv,md,png} and figures/adversarial.png into each.

    Returns one record per experiment, with means over its seeds (`red` is what `--strict` reads).

    runs: what `fit` gave, or `run.open_run` of their directories; seeds of one experiment are attacked together.
    attacks: names from `ATTACKS`, "all", or a user's own, "./my_attack.py:my_attack"; {"name": "square", "queries": 5000} for options.
        None: the ladder. Noise is always run, as the measure of what mere disturbance does. Attacks by transfer follow the next
        seed of the same experiment and its backprop twin, as far as these are among `runs`, or `among` others, and in place of
        that twin every experiment in `follow`.
        Those in the Euclidean ball have lengths of their own (`L2_EPS`), rows of their own, and files in attacks_l2/.
    eps: radii in [0, 1]; None: the usual nine.
    n: the first n test images; None: all.
    pictures: of every run, or of the first seed of each experiment only.
    data_dir: where the datasets' files lie; None: the usual places.
    gradient: what the attacks follow: the forward pass as deployed, or the backward pass that the rule trained with. The second
        shows an artifact: it goes into attacks_training/ and robustness_training.*, stamped, and no claim reads it.
    follow: runs that attacks by transfer follow and that are not attacked themselves, trained on the same data.
    patient: whether to look for a minute if another machine that was at work on these runs is still alive.
    progress: called with run, attack and the fraction done.
    Raises Busy where another process is at work on one, and UserError for an unknown attack, an eps outside [0, 1], n below 1,
    no eps, transfer by name where no run has a source, a run without classes, and a rule whose training gradient is the true one
    or a matter of chance.
    """
    chosen = attacks_named(attacks)
    radii = tuple(dict.fromkeys(check_eps(value) for value in (DEFAULT_EPS if eps is None else eps)))
    if not radii:
        raise UserError("--eps: needs at least one value")
    if n is not None and n < 1:
        raise UserError(f"--n: must be at least 1, got {n}")
    probe, records = chosen["pgd"].attack if "pgd" in chosen else ATTACKS["pgd"](), []
    together, followed = grouped([*runs, *among]), grouped(follow)
    if "transfer" in (attacks or ()) and not followed and not any(len(group) > 1 or twin(group, together) for group in together):
        raise UserError("transfer: needs another net; name one with --transfer-from, a second seed, or a run that backprop trained")
    for group in grouped(runs):
        others: Sequence[Sequence[Run]] = followed or [found for found in [twin(group, together)] if found]
        with locked([run.path for run in group], patient=patient):
            seeds, tables = _attack_group(group, others, chosen, probe, radii, n, data_dir, pictures, gradient, progress)
        names = {"experiment": group[0].path.parent.name, "runs": [run.name for run in group], "seeds": list(tables)}
        records.append(names | {"dataset": seeds[0].dataset, "source": seeds[0].source} | record(over_seeds(tables)))
    return records


def _attack_group(
    group: Sequence[Run],
    others: Sequence[Sequence[Run]],
    chosen: Mapping[str, "Chosen"],
    probe: Attack,
    radii: tuple[float, ...],
    n: int | None,
    data_dir: Path | None,
    pictures: Literal["all", "first"],
    gradient: Literal["true", "training"],
    progress: Progress,
) -> tuple[Sequence[Target], dict[int, Table]]:
    """All seeds of one experiment, with the other nets that transfer may follow."""
    tables: dict[int, Table] = {}
    seeds = targets(group, data_dir, n, gradient)
    nets = [targets(other, data_dir, n, "true") for other in others] if gradient == "true" and "transfer" in chosen else []
    for target in seeds:
        guides = sources(target, seeds, nets) if gradient == "true" else []
        made = _with_sources(chosen, len(guides))
        began = time.perf_counter()
        table, evidence = _attack_one(target, made, guides, probe, radii, gradient, progress)
        tables[target.run.seed] = table
        if gradient == "true" and (pictures == "all" or target is seeds[0]):
            draw(target.run.path, target.run.seed, table, target.net, evidence)
        write_tables(target.run.path, "" if gradient == "true" else "_training", table, time.perf_counter() - began)
    return seeds, tables


class Chosen(NamedTuple):
    """An attack, what built it, and with which options."""

    attack: Attack
    builder: Builder
    options: Mapping[str, object]


def attacks_named(nodes: Sequence[Node] | None) -> dict[str, Chosen]:
    """The attacks by name, noise first, with the options that were given; those of a name that stands twice are the last's.

    One of the user's own, `./my_attack.py:my_attack`, goes by the name of its function.
    """
    found: dict[str, Chosen] = {}
    given = [dict(node) if isinstance(node, Mapping) else {"name": node} for node in (LADDER if nodes is None else nodes)]
    whole = [{"name": name} for name in ATTACKS] if {"name": "all"} in given else []
    for options in ({"name": "noise"}, *whole, *(one for one in given if one != {"name": "all"})):
        word = str(options.pop("name", ""))
        name = word.rpartition(":")[2]
        if name != word and name in ATTACKS:
            raise UserError(f"{word}: {name} is an attack of bioexp's already; give yours another name")
        builder = ATTACKS[name] if name in ATTACKS else builder_of("attack", word, Path())[0]
        values, problems = check(schema(builder), options)
        if problems:
            raise UserError("\n".join(f"{name}: {'.'.join(map(str, where))} {what}" for where, what in problems))
        found[name] = Chosen(builder(**values), builder, values)
    return found


def _with_sources(chosen: Mapping[str, Chosen], count: int) -> dict[str, Chosen]:
    """The attacks with one try for every source; without a source those by transfer are left out."""
    return {
        name: one._replace(attack=one.attack._replace(restarts=count)) if one.attack.kind == "transfer" else one
        for name, one in chosen.items()
        if count or one.attack.kind != "transfer"
    }


def _attack_one(
    target: Target,
    chosen: Mapping[str, Chosen],
    followed: Sequence[Target],
    probe: Attack,
    eps: tuple[float, ...],
    gradient: Literal["true", "training"],
    progress: Progress,
) -> tuple[Table, Evidence]:
    """Every attack on one run; each one's file is written as soon as it is done, the tables by the caller.

    What an interrupted call left is taken up, if nothing changed since that decides the result.
    """
    run, net, key = target.run, target.net, jax.random.key(target.run.seed)
    suffix = "" if gradient == "true" else "_training"
    outcomes: dict[str, Outcome] = {}
    stored = {}
    for name, one in chosen.items():
        each = one.attack
        radii = (inf,) if each.kind == "nearest" else eps if each.norm == "linf" else L2_EPS
        guides = followed if each.kind == "transfer" else ()
        folder = f"attacks{'' if each.norm == 'linf' else '_l2'}{suffix}"
        path, identity = run.path / folder / f"{name}.npz", _identity(one, radii, target, guides)
        kept = resume(path, each, identity)
        if kept:
            outcomes[name], stored[name] = kept
            continue
        nets = [guide.net for guide in guides]
        outcomes[name] = evaluate(net, each, radii, key_of(name, key), sources=nets, progress=partial(progress, run.name, name))
        stored[name] = store(path, outcomes[name], identity)
    linf = {name: outcome for name, outcome in outcomes.items() if outcome.attack.norm == "linf"}
    l2 = {name: outcome for name, outcome in outcomes.items() if outcome.attack.norm == "l2"}
    evidence = Evidence(net, linf, l2, _probe(net, probe, linf, key), stored, _doubled(net, linf, key))
    flags = checked(evidence)
    subject = f"{run.path.parent.name} on {target.dataset}"
    return tabulate(subject, run.seed, evidence.clean, linf, flags, gradient, l2), evidence


def _identity(chosen: Chosen, eps: tuple[float, ...], target: Target, guides: Sequence[Target]) -> str:
    """Of everything that decides an attack's result."""
    nets = [one.identity for one in (target, *guides)]
    made_of = (digest_of(evaluate, chosen.builder), dict(chosen.options), chosen.attack.restarts)
    parts = (*made_of, eps, target.run.seed, nets, jax.default_backend(), jax.__version__)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _probe(net: Net, pgd: Attack, outcomes: Mapping[str, Outcome], key: jax.Array) -> dict[str, Outcome]:
    """PGD at the eps where every net must break, when the results asked for do not show it."""
    seen = [set(outcome.eps) for outcome in outcomes.values() if outcome.attack.multi_step]
    missing = [eps for eps in PROBE if not seen or eps not in seen[0]]
    return {"pgd": evaluate(net.first(PROBE_IMAGES), pgd, missing, key_of("pgd", key))} if missing else {}


def _doubled(net: Net, outcomes: Mapping[str, Outcome], key: jax.Array) -> Doubled | None:
    """PGD of twice the steps on the first images that survived all gradient attacks of many steps."""
    multi = {name: outcome for name, outcome in outcomes.items() if outcome.attack.multi_step}
    places = np.flatnonzero(worst_case(multi).any(0))[:DOUBLED_IMAGES] if multi else np.empty(0, int)
    if not len(places):
        return None
    few = Net(net.apply, net.params, net.images[places], net.labels[places])
    return Doubled(places, evaluate(few, LONG_PGD, next(iter(multi.values())).eps, key_of("doubled", key)))
