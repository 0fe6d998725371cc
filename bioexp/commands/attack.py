"""`bioexp attack`: run the ladder on finished runs, check the numbers, and leave files in each run directory."""

from __future__ import annotations

import difflib
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Num

from bioexp import build
from bioexp.attacks import ATTACKS, LADDER
from bioexp.attacks.eps import DEFAULT_EPS, check_eps, parse_eps
from bioexp.figures.adversarial_grid import Attacked, adversarial_grid
from bioexp.figures.canvas import save
from bioexp.figures.robustness_curve import robustness_curve
from bioexp.files import read_arrays, write_atomically, write_json, write_text
from bioexp.measures.checks import Evidence, Stored
from bioexp.measures.flags import check
from bioexp.measures.robustness import Apply, Net, Outcome, evaluate, key_of, logits
from bioexp.measures.robustness_table import Table, as_csv, as_markdown, over_seeds, record, tabulate
from bioexp.ops import exact
from bioexp.run import Revived, revive
from bioexp.training import begin
from bioexp.types import Attack, Batch, Model, Params, Rule, Run, State, UserError

__all__ = ["attack", "parse_eps"]

Progress = Callable[[str, str, float], None]  # run, attack, fraction done
PROBE = (0.5, 1.0)  # where a net must break; looked at on fewer images when nobody asked for these eps
PROBE_IMAGES = 1000
SHOWN_EPS, SHOWN_IMAGES, LARGEST_SHOWN = 3, 10, 0.3  # in the grid of pictures; beyond eps 0.3 there is little left to see


def attack(
    runs: Sequence[Run],
    *,
    attacks: Sequence[str] | None = None,
    eps: Sequence[float] | None = None,
    n: int | None = None,
    data_dir: Path | None = None,
    pictures: Literal["all", "first"] = "all",
    gradient: Literal["true", "training"] = "true",
    progress: Progress = lambda run, attack, fraction: None,
) -> list[dict[str, object]]:
    """Attack finished runs and write attacks/*.npz, robustness.{csv,md,png} and figures/adversarial.png into each.

    Returns one record per experiment, with means over its seeds (`red` is what `--strict` reads).

    attacks: names from `ATTACKS`; noise is always run, as the measure of what mere disturbance does. None: the ladder.
    eps: radii in [0, 1]; None: the usual nine.
    n: the first n test images; None: all.
    pictures: of every run, or of the first seed of each experiment only.
    gradient: what the attacks follow: the forward pass as deployed, or the backward pass that the rule trained with. The second
        shows an artefact: it goes into attacks_training/ and robustness_training.*, stamped, and no claim reads it.
    Raises UserError for an unknown attack, an eps outside [0, 1], n below 1, no eps, a run without classes, and a rule whose
    training gradient is the true one or a matter of chance.
    """
    chosen = _chosen(attacks)
    radii = tuple(dict.fromkeys(check_eps(value) for value in (DEFAULT_EPS if eps is None else eps)))
    if not radii:
        raise UserError("--eps: needs at least one value")
    if n is not None and n < 1:
        raise UserError(f"--n: must be at least 1, got {n}")
    probe, records = chosen.get("pgd") or ATTACKS["pgd"](), []
    for group in _groups(runs):
        tables: dict[int, Table] = {}
        forward: Apply | None = None
        for run in group:
            revived = revive(run, data_dir)
            if "test_loss" in run.summary:
                raise UserError(f"{run.name}: its outputs are no classes, so there is nothing to attack")
            params = revived.params
            if gradient == "training":
                rule, state = _trained_with(revived, run)
                params = {"weights": params, "state": state}
            # one function object for all seeds: one compilation
            forward = forward or (_deployed(revived.model) if gradient == "true" else _as_trained(revived.model, rule))
            net = Net(forward, params, revived.dataset.x_test[:n], revived.dataset.y_test[:n])
            table, evidence = _attack_one(run, revived.dataset.name, net, chosen, probe, radii, gradient, progress)
            tables[run.seed] = table
            if gradient == "true" and (pictures == "all" or run is group[0]):
                _draw(run, table, net, evidence)
        names = {"experiment": group[0].path.parent.name, "runs": [run.name for run in group], "seeds": list(tables)}
        records.append(names | {"dataset": revived.dataset.name, "source": revived.dataset.source} | record(over_seeds(tables)))
    return records


def _chosen(names: Sequence[str] | None) -> dict[str, Attack]:
    """The attacks by name, noise first."""
    for name in names or ():
        if name not in ATTACKS:
            close = difflib.get_close_matches(name, ATTACKS, 1)
            raise UserError(f"{name}: unknown attack{f'; did you mean {close[0]}?' if close else ''} (there are {', '.join(ATTACKS)})")
    return {name: ATTACKS[name]() for name in dict.fromkeys(("noise", *(names or LADDER)))}


def _groups(runs: Sequence[Run]) -> Iterable[list[Run]]:
    """Runs of one experiment that differ in their seed alone."""

    def identity(run: Run) -> str:
        return str(run.path.parent / run.path.name.rpartition("-s")[0])

    return [sorted(same, key=lambda run: run.seed) for _, same in groupby(sorted(runs, key=identity), identity)]


def _deployed(model: Model) -> Apply:
    """The forward pass with every derivative JAX's own, whatever the rule trained with."""

    def forward(params: Params, x: Num[jax.Array, "batch *shape"]) -> Float[jax.Array, "batch classes"]:
        return model.apply(params, x, exact)[0]

    return forward


def _as_trained(model: Model, rule: Rule) -> Apply:
    """The same forward pass with the backward pass of the rule: no gradient of what is deployed."""

    def forward(params: Params, x: Num[jax.Array, "batch *shape"]) -> Float[jax.Array, "batch classes"]:
        assert rule.ops is not None
        return model.apply(params["weights"], x, rule.ops(params["weights"], params["state"]))[0]

    return forward


def _trained_with(revived: Revived, run: Run) -> tuple[Rule, State]:
    """The rule of the last stage, and the state it began with for this seed: its feedback weights, say."""
    experiment, dataset = revived.experiment, revived.dataset
    train = build.split(experiment, dataset).train
    stage = build.stages_of(experiment, dataset, train)[-1]
    name = experiment.stages[-1].rule.name
    if stage.rule.ops is None or min(stage.train) > 0:
        raise UserError(
            f"{run.name}: {name} has no fixed backward pass of its own through the whole net; attack it without --gradient training"
        )
    group = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], revived.params)
    data = Batch(jnp.asarray(train.x), jnp.asarray(train.y))
    state, _ = begin(stage, group, data, np.asarray([run.seed], np.uint32), len(experiment.stages) - 1)
    return stage.rule, jax.tree.map(lambda leaf: leaf[0], state.rule)


def _attack_one(
    run: Run,
    dataset: str,
    net: Net,
    chosen: Mapping[str, Attack],
    probe: Attack,
    eps: tuple[float, ...],
    gradient: Literal["true", "training"],
    progress: Progress,
) -> tuple[Table, Evidence]:
    """Every attack on one run; each one's file is written as soon as it is done, the tables at the end."""
    key, outcomes, stored = jax.random.key(run.seed), {}, {}
    suffix = "" if gradient == "true" else "_training"
    for name, each in chosen.items():
        outcomes[name] = evaluate(net, each, eps, key_of(name, key), progress=partial(progress, run.name, name))
        stored[name] = _store(run.path / f"attacks{suffix}" / f"{name}.npz", outcomes[name])
    evidence = Evidence(net, outcomes, _probe(net, probe, outcomes, key), stored)
    flags = check(evidence)
    subject = f"{run.path.parent.name} on {dataset}"
    table = tabulate(subject, run.seed, evidence.clean, outcomes, flags, gradient)
    write_json(run.path / f"robustness{suffix}.json", record(table))
    write_text(run.path / f"robustness{suffix}.csv", as_csv(table))
    write_text(run.path / f"robustness{suffix}.md", as_markdown(table))
    return table, evidence


def _draw(run: Run, table: Table, net: Net, evidence: Evidence) -> None:
    """robustness.png, and figures/adversarial.png where the inputs are images."""
    _draw_curve(run.path / "robustness.png", table, 1 / evidence.scores.shape[1])
    if net.images.ndim > 2 and evidence.clean.any():
        _draw_grid(run.path / "figures" / "adversarial.png", net, evidence, f"{table.net}, seed {run.seed}")


def _probe(net: Net, pgd: Attack, outcomes: Mapping[str, Outcome], key: jax.Array) -> dict[str, Outcome]:
    """PGD at the eps where every net must break, when the results asked for do not show it."""
    seen = [set(outcome.eps) for outcome in outcomes.values() if outcome.attack.multi_step]
    missing = [eps for eps in PROBE if not seen or eps not in seen[0]]
    return {"pgd": evaluate(net.first(PROBE_IMAGES), pgd, missing, key_of("pgd", key))} if missing else {}


def _store(path: Path, outcome: Outcome) -> Stored:
    """Write eps, correct and x_adv, and read them back from the disk."""
    arrays = {"eps": np.asarray(outcome.eps), "correct": outcome.correct, "x_adv": outcome.x_adv}

    def write(file: BinaryIO) -> None:
        # the fastest compression: a third of the size at a fraction of savez_compressed's time
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)

    write_atomically(path, write)
    again = read_arrays(path)
    return Stored(again["eps"].tolist(), again["correct"], again["x_adv"])


def _draw_curve(path: Path, table: Table, chance: float) -> None:
    clean, attacked = table.rows[0], table.rows[1:]
    lines = {name: list(rows) for name, rows in groupby(attacked, lambda row: row.attack)}
    eps = [row.eps for row in next(iter(lines.values())) if row.eps is not None]
    figure = robustness_curve(
        eps,
        {name: [row.accuracy for row in rows] for name, rows in lines.items()},
        clean=clean.accuracy,
        chance=chance,
        norm=table.norm,
        title=table.title,
        caption=f"n = {table.n:,} test images; bands: 95 %, {clean.accuracy.over}{'; some checks are RED' if table.red else ''}",
    )
    save(figure, path)


def _draw_grid(path: Path, net: Net, evidence: Evidence, title: str) -> None:
    """The last attack asked for, which is the strongest of the ladder, at up to three of its eps, none above 0.3 if that can be."""
    name, outcome = list(evidence.outcomes.items())[-1]
    columns = _one_per_class(net.labels, evidence)
    order = np.argsort(outcome.eps)
    order = order[: max(1, int((np.asarray(outcome.eps) <= LARGEST_SHOWN).sum()))]
    picked = order[np.unique(np.linspace(0, len(order) - 1, SHOWN_EPS).round().astype(int))]
    shown = []
    for level in picked:
        x_adv = outcome.x_adv[level][columns]
        predictions = logits(Net(net.apply, net.params, x_adv, net.labels[columns])).argmax(-1)
        shown.append(Attacked(outcome.eps[level], x_adv / 255, predictions))
    clean = net.images[columns] / (255 if net.images.dtype == np.uint8 else 1)
    caption = (
        f"{len(columns)} of {len(net.labels):,} test images, each class's first that the net gets right; label → prediction under attack"
    )
    save(adversarial_grid(clean, net.labels[columns], shown, title=f"{title}, under {name}", caption=caption), path)


def _one_per_class(labels: Int[np.ndarray, "n"], evidence: Evidence) -> Int[np.ndarray, "shown"]:
    """Places of the first correctly classified image of each class."""
    found = np.flatnonzero(evidence.clean)
    _, first = np.unique(labels[found], return_index=True)
    return found[first][:SHOWN_IMAGES]
