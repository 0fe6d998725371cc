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
import numpy as np
from jaxtyping import Float, Int, Num

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
from bioexp.run import revive
from bioexp.types import Attack, Model, Params, Run, UserError

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
    progress: Progress = lambda run, attack, fraction: None,
) -> list[dict[str, object]]:
    """Attack finished runs and write attacks/*.npz, robustness.{csv,md,png} and figures/adversarial.png into each.

    Returns one record per experiment, with means over its seeds (`red` is what `--strict` reads).

    attacks: names from `ATTACKS`; noise is always run, as the measure of what mere disturbance does. None: the ladder.
    eps: radii in [0, 1]; None: the usual nine.
    n: the first n test images; None: all.
    pictures: of every run, or of the first seed of each experiment only.
    Raises UserError for an unknown attack, an eps outside [0, 1], n below 1, no eps.
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
            forward = forward or _deployed(revived.model)  # one function object for all seeds: one compilation
            net = Net(forward, revived.params, revived.dataset.x_test[:n], revived.dataset.y_test[:n])
            table, evidence = _attack_one(run, revived.dataset.name, net, chosen, probe, radii, progress)
            tables[run.seed] = table
            if pictures == "all" or run is group[0]:
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


def _attack_one(
    run: Run, dataset: str, net: Net, chosen: Mapping[str, Attack], probe: Attack, eps: tuple[float, ...], progress: Progress
) -> tuple[Table, Evidence]:
    """Every attack on one run; each one's file is written as soon as it is done, the tables at the end."""
    key, outcomes, stored = jax.random.key(run.seed), {}, {}
    for name, each in chosen.items():
        outcomes[name] = evaluate(net, each, eps, key_of(name, key), progress=partial(progress, run.name, name))
        stored[name] = _store(run.path / "attacks" / f"{name}.npz", outcomes[name])
    evidence = Evidence(net, outcomes, _probe(net, probe, outcomes, key), stored)
    flags = check(evidence)
    subject = f"{run.path.parent.name} on {dataset}"
    table = tabulate(subject, run.seed, evidence.clean, outcomes, flags)
    write_json(run.path / "robustness.json", record(table))
    write_text(run.path / "robustness.csv", as_csv(table))
    write_text(run.path / "robustness.md", as_markdown(table))
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
