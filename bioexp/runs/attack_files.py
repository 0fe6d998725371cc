"""What `bioexp attack` leaves in a run directory: per-image results, tables and pictures."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Int

from bioexp import records
from bioexp.figures.adversarial_grid import Attacked, adversarial_grid
from bioexp.figures.canvas import save
from bioexp.figures.robustness_curve import robustness_curve
from bioexp.files import Unreadable, read_arrays, remove, write_atomically, write_text
from bioexp.measures.interval import Interval
from bioexp.records import AttackRow, Gradient, Robustness
from bioexp.robustness.checks import Evidence, Stored
from bioexp.robustness.evaluate import Net, Outcome, logits
from bioexp.robustness.stored import marker_of, suffix
from bioexp.robustness.table import as_csv, as_markdown
from bioexp.types import Attack, UserError
from bioexp.vouched import vouch

# In the grid of pictures; beyond eps 0.3 there is little left to see.
PICTURES = ("robustness.png", "figures/adversarial.png")
SHOWN_EPS, SHOWN_IMAGES, LARGEST_SHOWN = 3, 10, 0.3


def store(path: Path, outcome: Outcome, identity: str) -> Stored:
    """Write eps, correct, clean (whether each image was right before), x_adv and what `resume`
    needs, and read them back.
    """
    arrays = {
        "eps": np.asarray(outcome.eps),
        "correct": outcome.correct,
        "clean": outcome.clean,
        "x_adv": outcome.x_adv,
    }
    arrays |= {
        "tries": outcome.tries,
        "nonfinite": outcome.nonfinite,
        "moved": outcome.moved,
        "identity": np.asarray(identity),
    }
    arrays["digest"] = np.asarray(_digest(arrays))

    def write(file: BinaryIO) -> None:
        # the fastest compression: a third of the size at a fraction of savez_compressed's time
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)

    write_atomically(path, write)
    return _stored(read_arrays(path))


def resume(path: Path, attack: Attack, identity: str) -> tuple[Outcome, Stored] | None:
    """The result of an earlier call for the same nets, images, eps and code; None where there is
    none.
    """
    try:
        found = read_arrays(path)
    except Unreadable:
        raise
    except UserError:  # not there, or damaged: it is made again
        return None
    if str(found.get("identity")) != identity or str(found.get("digest")) != _digest(found):
        return None
    eps = tuple(float(value) for value in found["eps"])
    return Outcome(
        attack, eps, found["tries"], found["x_adv"], found["nonfinite"], found["moved"]
    ), _stored(found)


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    """sha256 over all of a result but this digest: it is told from one that was altered."""
    whole = hashlib.sha256()
    for name in sorted(arrays.keys() - {"digest"}):
        array = arrays[name]
        whole.update(repr((name, array.dtype.str, array.shape)).encode() + array.tobytes())
    return whole.hexdigest()


def _stored(arrays: Mapping[str, np.ndarray]) -> Stored:
    return Stored(arrays["eps"].tolist(), arrays["correct"], arrays["x_adv"])


def begin(folder: Path, gradient: Gradient) -> None:
    """Take back that a run was attacked, and the pictures of that."""
    remove(marker_of(folder, gradient))
    for name in PICTURES if gradient == "true" else ():
        remove(folder / name)


def finish(folder: Path, table: Robustness, files: Iterable[Path], seconds: float) -> None:
    """robustness.csv, .md and .json with how many seconds it took this time; and, last, what
    vouches for them, the attacks' files, the pictures and the run that was attacked.
    """
    gradient = table.gradient_source
    tables = [folder / f"robustness{suffix(gradient)}.{kind}" for kind in ("csv", "md", "json")]
    write_text(tables[0], as_csv(table))
    write_text(tables[1], as_markdown(table))
    records.write(tables[2], table.model_copy(update={"wall_s": round(seconds, 3)}))
    drawn = [folder / name for name in PICTURES if gradient == "true" and (folder / name).is_file()]
    vouch(marker_of(folder, gradient), [folder / "FINISHED", *tables, *drawn, *files])


def draw(folder: Path, subject: str, seed: int, table: Robustness, evidence: Evidence) -> None:
    """robustness.png, and figures/adversarial.png where the inputs are images."""
    curve, grid = (folder / name for name in PICTURES)
    _draw_curve(curve, table, 1 / evidence.scores.shape[1])
    if evidence.net.images.ndim > 2 and evidence.clean.any():
        _draw_grid(grid, evidence.net, evidence, f"{subject}, seed {seed}")


def _draw_curve(path: Path, table: Robustness, chance: float) -> None:
    clean, attacked = table.rows[0], table.rows[1:]
    lines = {name: list(rows) for name, rows in groupby(attacked, lambda row: row.attack)}
    eps = [row.eps for row in next(iter(lines.values())) if row.eps is not None]
    red = "; some checks are RED" if table.red else ""
    figure = robustness_curve(
        eps,
        {name: [_interval(row) for row in rows] for name, rows in lines.items()},
        clean=_interval(clean),
        chance=chance,
        norm=table.norm,
        title=table.title,
        caption=f"n = {table.n:,} test images; bands: 95 %, {clean.interval}{red}",
    )
    save(figure, path)


def _interval(row: AttackRow) -> Interval:
    return Interval(row.accuracy, row.low, row.high, row.interval)


def _draw_grid(path: Path, net: Net, evidence: Evidence, title: str) -> None:
    """The last attack asked for, which is the strongest of the ladder, at up to three of its eps,
    none above 0.3 if that can be.
    """
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
        f"{len(columns)} of {len(net.labels):,} test images, each class's first that the net gets "
        "right; label → prediction under attack"
    )
    labels, title = net.labels[columns], f"{title}, under {name}"
    save(adversarial_grid(clean, labels, shown, title=title, caption=caption), path)


def _one_per_class(labels: Int[np.ndarray, "n"], evidence: Evidence) -> Int[np.ndarray, "shown"]:
    """Places of the first correctly classified image of each class."""
    right = np.flatnonzero(evidence.clean)
    _, first = np.unique(labels[right], return_index=True)
    return right[first][:SHOWN_IMAGES]
