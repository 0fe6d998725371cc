"""`bioexp attack`: run the ladder on finished runs, check the numbers, leave files in each run."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import Int

from bioexp.attacks import ATTACKS, LADDER
from bioexp.attacks.eps import DEFAULT_EPS, L2_EPS, check_eps
from bioexp.config.lookup import Builder, builder_of
from bioexp.datasets.proportion import is_lopsided, refuse_lopsided
from bioexp.datasets.valid import valid_examples
from bioexp.experiment import Run, Trained
from bioexp.options import check, schema
from bioexp.records import AttackedExperiment, Gradient, Robustness
from bioexp.robustness.checks import Doubled, Evidence
from bioexp.robustness.compare import same_data
from bioexp.robustness.evaluate import Net, Outcome, evaluate, key_of, worst_case
from bioexp.robustness.flags import check as checked
from bioexp.robustness.stored import suffix
from bioexp.robustness.table import over_seeds, tabulate
from bioexp.runs.attack_files import draw, resume, store, write_tables
from bioexp.runs.directory import grouped
from bioexp.runs.lock import locked
from bioexp.runs.nets import guides, nets, trained
from bioexp.runs.provenance import digest_of
from bioexp.runs.twins import kind_of_run, twin_of
from bioexp.types import Attack, Dataset, UserError

Progress = Callable[[str, str, float], None]  # run, attack, fraction done
Node = str | Mapping[str, object]  # an attack as it is named: with its options, if any
PROBE = (0.5, 1.0)  # eps where a net must break; on fewer images when nobody asked for these
PROBE_IMAGES = 1000
DOUBLED_IMAGES = 200  # on which twice the steps are tried
LONG_PGD = ATTACKS["pgd"](steps=80, restarts=1)


class Chosen(NamedTuple):
    """An attack, what built it, and with which options."""

    attack: Attack
    builder: Builder
    options: Mapping[str, object]


@dataclass(frozen=True)
class Ladder:
    """What is asked of every net: attacks by name, noise first; at which eps; on how many of the
    first test images (None: all); along which gradient.
    """

    attacks: Mapping[str, Chosen]
    eps: tuple[float, ...]
    n: int | None
    gradient: Gradient

    @property
    def probe(self) -> Attack:
        """The attack that shows whether a net breaks at all."""
        return self.attacks["pgd"].attack if "pgd" in self.attacks else ATTACKS["pgd"]()


def attack(
    runs: Sequence[Run] | Run,
    *,
    attacks: Sequence[Node] | None = None,
    eps: Sequence[float] | None = None,
    n: int | None = None,
    data_dir: Path | None = None,
    pictures: Literal["all", "first"] = "all",
    gradient: Gradient = "true",
    follow: Sequence[Run] = (),
    among: Sequence[Run] = (),
    patient: bool = True,
    progress: Progress = lambda run, attack, fraction: None,
) -> list[AttackedExperiment]:
    """Attack finished runs and write attacks/*.npz, robustness.{json,csv,md,png} and
    figures/adversarial.png into each.

    Returns one record for each experiment, with means over its seeds (`red` is what `--strict`
    reads).

    runs: what `fit` gave, or `open_run` of their directories; seeds of one experiment are attacked
        together.
    attacks: names from `ATTACKS`, "all", or a user's own, "./my_attack.py:my_attack"; {"name":
        "square", "queries": 5000} for options. None: the ladder. Noise is always run, as the
        measure of what mere disturbance does. Attacks by transfer follow the next seed of the same
        experiment and its backprop twin, or in place of that twin every experiment in `follow`.
        Those in the Euclidean ball have lengths of their own (`L2_EPS`), rows of their own, and
        files in attacks_l2/.
    eps: radii in [0, 1]; None: the usual nine.
    n: the first n test images; None: all.
    pictures: of every run, or of the first seed of each experiment only.
    data_dir: where the datasets' files lie; None: the usual places.
    gradient: what the attacks follow: the forward pass as deployed, or the backward pass that the
        rule trained with. The second shows an artifact: it goes into attacks_training/ and
        robustness_training.*, stamped, and no claim reads it.
    follow: runs that attacks by transfer follow and that are not attacked themselves, trained on
        the same data.
    among: runs besides `runs` among which a backprop twin is looked for.
    patient: whether to look for a minute if another machine that was at work on these runs is still
        alive.
    progress: called with run, attack and the fraction done.
    Raises Busy where another process is at work on one, and UserError for an unknown attack, an eps
    outside [0, 1], n below 1, no eps, n images that are not of all classes because the data are
    sorted, images outside [0, 1], transfer by name where no run has a source, a source with other
    data, a run without classes, and a rule whose training gradient is the true one or a matter of
    chance.
    """
    ladder = Ladder(attacks_named(attacks), _radii(eps), n, gradient)
    if n is not None and n < 1:
        raise UserError(f"--n: must be at least 1, got {n}")
    groups = grouped([runs] if isinstance(runs, Run) else runs)
    together = [*groups, *grouped(among)]
    sources = [_sources(group, together, grouped(follow)) for group in together]
    if "transfer" in (attacks or ()) and not any(sources) and all(len(g) == 1 for g in together):
        raise UserError(
            "transfer: needs another net; name one with --transfer-from, a second seed, or a run "
            "that backprop trained"
        )
    records = []
    for group, others in zip(groups, sources, strict=False):
        with locked([run.path for run in group], patient=patient):
            load = partial(trained, data_dir=data_dir, with_attacks=False)
            targets, followed = list(load(group)), [list(load(other)) for other in others]
            _refuse_part(targets[0].dataset, n)
            tables = _attack_group(targets, followed, ladder, pictures, progress)
        dataset, table = targets[0].dataset, over_seeds(_subject(targets[0]), tables)
        about = {
            "experiment": group[0].path.parent.name,
            "runs": tuple(run.name for run in group),
            "seeds": tuple(tables),
            "dataset": dataset.name,
            "source": dataset.source,
        }
        records.append(AttackedExperiment.model_validate(dict(table) | about))
    return records


def attacks_named(nodes: Sequence[Node] | None) -> dict[str, Chosen]:
    """The attacks by name, noise first, with the options that were given; those of a name that
    stands twice are the last's.

    One of the user's own, `./my_attack.py:my_attack`, goes by the name of its function.
    """
    given = [
        dict(node) if isinstance(node, Mapping) else {"name": node}
        for node in (LADDER if nodes is None else nodes)
    ]
    whole = [{"name": name} for name in ATTACKS] if {"name": "all"} in given else []
    chosen: dict[str, Chosen] = {}
    for options in (
        {"name": "noise"},
        *whole,
        *(node for node in given if node != {"name": "all"}),
    ):
        word = str(options.pop("name", ""))
        name = word.rpartition(":")[2]
        if name != word and name in ATTACKS:
            raise UserError(
                f"{word}: {name} is an attack of bioexp's already; give yours another name"
            )
        builder = ATTACKS[name] if name in ATTACKS else builder_of("attack", word, Path())[0]
        values, problems = check(schema(builder), options)
        if problems:
            raise UserError(
                "\n".join(f"{name}: {'.'.join(map(str, where))} {what}" for where, what in problems)
            )
        chosen[name] = Chosen(builder(**values), builder, values)
    return chosen


def _radii(eps: Sequence[float] | None) -> tuple[float, ...]:
    radii = tuple(dict.fromkeys(map(check_eps, DEFAULT_EPS if eps is None else eps)))
    if not radii:
        raise UserError("--eps: needs at least one value")
    return radii


def _refuse_part(dataset: Dataset, n: int | None) -> None:
    """Raises UserError where the first n test images are of other classes than all of them."""
    where, remedy = f"--n {n}: takes the first", "leave out --n, or shuffle the data once"
    refuse_lopsided(where, dataset.y_test[:n], dataset.y_test, remedy)


def _sources(
    group: Sequence[Run], together: Sequence[Sequence[Run]], follow: Sequence[Sequence[Run]]
) -> list[Sequence[Run]]:
    """The other experiments that transfer follows: those named, or else the backprop twin."""
    for other in follow:
        if not same_data(group[0], other[0]):
            raise UserError(
                f"{other[0].name}: cannot be followed by an attack on {group[0].name}, which has "
                "other data"
            )
    if follow:
        return list(follow)
    twin = twin_of(kind_of_run(group[0]), [(kind_of_run(other[0]), other) for other in together])
    return [twin] if twin else []


def _attack_group(
    group: Sequence[Trained],
    others: Sequence[Sequence[Trained]],
    ladder: Ladder,
    pictures: Literal["all", "first"],
    progress: Progress,
) -> dict[int, Robustness]:
    """All seeds of one experiment, with the other nets that transfer may follow; tables by seed."""
    tables: dict[int, Robustness] = {}
    seeds = nets(group, ladder.n, ladder.gradient)
    transfers = ladder.gradient == "true" and "transfer" in ladder.attacks
    followed = [nets(other, ladder.n, "true") for other in others] if transfers else []
    for target in group:
        sources = guides(target.seed, seeds, followed) if transfers else []
        began, net = time.perf_counter(), seeds[target.seed]
        own = partial(progress, target.run.name)
        table, evidence = _attack_net(target, net, sources, ladder, own)
        tables[target.seed] = table
        if ladder.gradient == "true" and (pictures == "all" or target is group[0]):
            draw(target.run.path, _subject(target), target.seed, table, evidence)
        write_tables(target.run.path, table, time.perf_counter() - began)
    return tables


def _attack_net(
    target: Trained,
    net: Net,
    sources: Sequence[Net],
    ladder: Ladder,
    progress: Callable[[str, float], None],
) -> tuple[Robustness, Evidence]:
    """Every attack on one net; each one's file is written as soon as it is done, the tables by the
    caller.

    What an interrupted call left is taken up, if nothing changed since that decides the result.
    """
    valid_examples(f"{target.run.name}: test images", net.images)
    key, outcomes, stored = jax.random.key(target.seed), {}, {}
    for name, chosen in _with_sources(ladder.attacks, len(sources)).items():
        attack = chosen.attack
        radii = (
            (inf,) if attack.kind == "nearest" else ladder.eps if attack.norm == "linf" else L2_EPS
        )
        followed = sources if attack.kind == "transfer" else ()
        identity = _identity(chosen, radii, target.seed, [net, *followed])
        ball = "" if attack.norm == "linf" else "_l2"
        path = target.run.path / f"attacks{ball}{suffix(ladder.gradient)}" / f"{name}.npz"
        if kept := resume(path, attack, identity):
            outcomes[name], stored[name] = kept
            continue
        outcomes[name] = evaluate(
            net,
            attack,
            radii,
            key_of(name, key),
            sources=followed,
            progress=partial(progress, name),
        )
        stored[name] = store(path, outcomes[name], identity)
    linf = {name: outcome for name, outcome in outcomes.items() if outcome.attack.norm == "linf"}
    l2 = {name: outcome for name, outcome in outcomes.items() if outcome.attack.norm == "l2"}
    probe = _probe(net, ladder.probe, linf, key)
    evidence = Evidence(net, linf, l2, probe, stored, _doubled(net, linf, key))
    flags, subject = checked(evidence), _subject(target)
    table = tabulate(subject, target.seed, evidence.clean, linf, flags, ladder.gradient, l2)
    return table, evidence


def _subject(target: Trained) -> str:
    return f"{target.run.path.parent.name} on {target.dataset.name}"


def _with_sources(chosen: Mapping[str, Chosen], count: int) -> dict[str, Chosen]:
    """The attacks with one try for every source; without a source those by transfer are left
    out.
    """
    return {
        name: (
            rung._replace(attack=rung.attack._replace(restarts=count))
            if rung.attack.kind == "transfer"
            else rung
        )
        for name, rung in chosen.items()
        if count or rung.attack.kind != "transfer"
    }


def _identity(chosen: Chosen, eps: tuple[float, ...], seed: int, nets: Sequence[Net]) -> str:
    """A digest of everything that decides an attack's result."""
    made_of = (digest_of(evaluate, chosen.builder), dict(chosen.options), chosen.attack.restarts)
    where = (jax.default_backend(), jax.__version__)
    parts = (*made_of, eps, seed, [net.identity for net in nets], *where)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _probe(
    net: Net, pgd: Attack, outcomes: Mapping[str, Outcome], key: jax.Array
) -> dict[str, Outcome]:
    """PGD at the eps where every net must break, when the results asked for do not show it."""
    seen = [set(outcome.eps) for outcome in outcomes.values() if outcome.attack.multi_step]
    missing = [eps for eps in PROBE if not seen or eps not in seen[0]]
    if not missing:
        return {}
    few = _at(net, _few(np.arange(len(net.labels)), net, PROBE_IMAGES))
    return {"pgd": evaluate(few, pgd, missing, key_of("pgd", key))}


def _doubled(net: Net, outcomes: Mapping[str, Outcome], key: jax.Array) -> Doubled | None:
    """PGD of twice the steps on some of the images that survived all gradient attacks of many
    steps.
    """
    multi = {name: outcome for name, outcome in outcomes.items() if outcome.attack.multi_step}
    survivors = np.flatnonzero(worst_case(multi).any(0)) if multi else np.empty(0, int)
    if not len(survivors):
        return None
    places, eps = _few(survivors, net, DOUBLED_IMAGES), next(iter(multi.values())).eps
    return Doubled(places, evaluate(_at(net, places), LONG_PGD, eps, key_of("doubled", key)))


def _few(places: Int[np.ndarray, "some"], net: Net, n: int) -> Int[np.ndarray, "few"]:
    """The first n of these places or, where the images are sorted by class, as many from all over
    them.
    """
    first = places[:n]
    if is_lopsided(net.labels[first], net.labels[places]):
        return places[np.linspace(0, len(places) - 1, n).astype(int)]
    return first


def _at(net: Net, places: Int[np.ndarray, "some"]) -> Net:
    """The same net on the images at these places."""
    return Net(net.apply, net.params, net.images[places], net.labels[places])
