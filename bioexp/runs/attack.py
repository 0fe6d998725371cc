"""`bioexp attack`: run the ladder on finished runs, check the numbers, leave files in each run."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Int

from bioexp.attacks import ATTACKS
from bioexp.datasets.proportion import is_lopsided, refuse_lopsided
from bioexp.experiment import Run, Trained
from bioexp.figures.canvas import drawn
from bioexp.files import folder_at
from bioexp.pinned import pinned
from bioexp.records import AttackedExperiment, Gradient, Robustness
from bioexp.robustness.checks import Doubled, Evidence
from bioexp.robustness.compare import same_data
from bioexp.robustness.evaluate import Net, Outcome, evaluate, key_of, worst_case
from bioexp.robustness.flags import check as checked
from bioexp.robustness.stored import file_of
from bioexp.robustness.table import over_seeds, tabulate
from bioexp.runs.asked import (
    Chosen,
    Given,
    Ladder,
    Named,
    Node,
    Pictures,
    ladder_of,
    one_of,
    opened,
)
from bioexp.runs.attack_files import begin, draw, finish, resume, store
from bioexp.runs.directory import grouped
from bioexp.runs.lock import locked
from bioexp.runs.nets import guides, nets, trained
from bioexp.runs.provenance import digest_of
from bioexp.runs.twins import kind_of_run, twin_of
from bioexp.runs.workspace import Say
from bioexp.types import Attack, Dataset, UserError

Progress = Callable[[str, str, float], None]  # run, attack, fraction done
PROBE = (0.5, 1.0)  # eps where a net must break; on fewer images when nobody asked for these
PROBE_IMAGES = 1000
DOUBLED_IMAGES = 200  # on which twice the steps are tried
LONG_PGD = ATTACKS["pgd"](steps=80, restarts=1)


def warn(note: str) -> None:
    """Tells who called `attack` from Python."""
    warnings.warn(note, stacklevel=4)


@pinned
def attack(
    runs: Iterable[Named] | Named,
    *,
    attacks: Iterable[Node] | Node | None = None,
    eps: Given = None,
    eps_l2: Given = None,
    n: int | None = None,
    data_dir: str | Path | None = None,
    pictures: Pictures = "all",
    gradient: Gradient = "true",
    follow: Iterable[Named] | Named = (),
    among: Iterable[Named] | Named = (),
    patient: bool = True,
    progress: Progress = lambda run, attack, fraction: None,
    say: Say = warn,
) -> list[AttackedExperiment]:
    """Attack finished runs and write attacks/*.npz, robustness.{json,csv,md,png} and
    figures/adversarial.png into each.

    Returns one record for each experiment, with means over its seeds (`red` is what `--strict`
    reads).

    runs: what `fit` gave, or their directories; one or several. Seeds of one experiment are
        attacked together.
    attacks: one or several, or "fgsm,pgd": names from `ATTACKS`, "all", or a user's own,
        "./my_attack.py:my_attack"; {"name": "square", "queries": 5000} for options. None: the
        ladder. Noise is always run, as the measure of what mere disturbance does. Attacks by
        transfer follow the next seed of the same experiment and its backprop twin, or in place of
        that twin every experiment in `follow`. Those in the Euclidean ball have radii of their own,
        rows of their own, and files in attacks_l2/.
    eps: radii in [0, 1], one or several, or "4/255,0.1"; None: the usual nine. Where all attacks
        asked for are in the Euclidean ball and eps_l2 is None: their radii.
    eps_l2: radii in the Euclidean ball, lengths from 0; None: the usual six (`L2_EPS`).
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
    say: takes a line for every eps that is not used, or not for all attacks; for a dead process
        whose work is taken over, and for a picture that cannot be drawn.
    Raises Busy where another process is at work on one, and UserError for no runs, an unknown
    attack, an eps outside its ball's range, n below 1, no eps, no attack, n images that are not of
    all classes because the data are sorted, images outside [0, 1], transfer by name where no run
    has a source, a source with other data, a run without classes, and a rule whose training
    gradient is the true one or a matter of chance.
    """
    ladder = ladder_of(attacks, eps, eps_l2, n, gradient)
    one_of("pictures", pictures, Pictures)
    groups = grouped(opened("runs", runs))
    if not groups:
        raise UserError("attack: no runs to attack; train one first")
    together = [*groups, *grouped(opened("among", among))]
    named = grouped(opened("follow", follow))
    sources = [_sources(group, together, named) for group in together]
    if ladder.transfer and not any(sources) and all(len(group) == 1 for group in together):
        raise UserError(
            "transfer: needs another net; name one with --transfer-from, a second seed, or a run "
            "that backprop trained"
        )
    for note in ladder.radii.notes:
        say(note)
    folder = folder_at(data_dir) if data_dir is not None else None
    records = []
    for group, others in zip(groups, sources, strict=False):
        with locked([run.path for run in group], patient=patient, say=say):
            load = partial(trained, data_dir=folder, with_attacks=False)
            targets, followed = list(load(group)), [list(load(other)) for other in others]
            _refuse_part(targets[0].dataset, n)
            tables = _attack_group(targets, followed, ladder, pictures, progress, say)
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


def _refuse_part(dataset: Dataset, n: int | None) -> None:
    """Raises UserError where the first n test images are of other classes than all of them."""
    where, remedy = f"--n {n}: takes the first", "leave out --n, or shuffle the data once"
    refuse_lopsided(where, dataset.y_test[:n], dataset.y_test, remedy)


def _refuse_outside(run: str, images: np.ndarray) -> None:
    """Raises UserError for images outside [0, 1], which every attack would move into it, at eps 0
    too: what it finds would not begin at clean accuracy.
    """
    if images.dtype != np.uint8 and not (images.min() >= 0 and images.max() <= 1):
        raise UserError(
            f"{run}: test images must lie in [0, 1], got {images.min():.9g} to {images.max():.9g};"
            " train on rescaled ones"
        )


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
    pictures: Pictures,
    progress: Progress,
    say: Say,
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
            about = (target.run.path, _subject(target), target.seed, table, evidence)
            drawn(partial(draw, *about), say)
        files = [_file(target, name, ladder) for name in evidence.stored]
        finish(target.run.path, table, files, time.perf_counter() - began)
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
    _refuse_outside(target.run.name, net.images)
    begin(target.run.path, ladder.gradient)
    key, outcomes, stored = jax.random.key(target.seed), {}, {}
    for name, chosen in _with_sources(ladder.attacks, len(sources)).items():
        attack = chosen.attack
        eps = ladder.radii.of(attack)
        followed = sources if attack.kind == "transfer" else ()
        identity = _identity(chosen, eps, target.seed, [net, *followed])
        path = _file(target, name, ladder)
        if kept := resume(path, attack, identity):
            outcomes[name], stored[name] = kept
            continue
        outcomes[name] = evaluate(
            net,
            attack,
            eps,
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


def _file(target: Trained, name: str, ladder: Ladder) -> Path:
    """Where an attack of the ladder leaves what became of every image."""
    return file_of(target.run.path, name, ladder.attacks[name].attack.norm, ladder.gradient)


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
    made_of = (
        digest_of(evaluate, chosen.builder),
        chosen.code,
        dict(chosen.options),
        chosen.attack.restarts,
    )
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
