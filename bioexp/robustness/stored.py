"""What `bioexp attack` left in a run directory, read back: its table, and who survived what."""

from pathlib import Path

import numpy as np

from bioexp.experiment import Attacked
from bioexp.files import read_arrays
from bioexp.records import Gradient, Robustness, read
from bioexp.types import Norm, UserError
from bioexp.vouched import altered

REMEDY = "attack the run again"


def suffix(gradient: Gradient) -> str:
    """What names of files end in where attacks followed the gradient that a rule trained with."""
    return "" if gradient == "true" else "_training"


def file_of(run: Path, attack: str, norm: Norm = "linf", gradient: Gradient = "true") -> Path:
    """Where an attack by this name leaves what became of every image."""
    ball = "" if norm == "linf" else "_l2"
    return run / f"attacks{ball}{suffix(gradient)}" / f"{attack}.npz"


def marker_of(run: Path, gradient: Gradient = "true") -> Path:
    """What is written once a run is attacked, and vouches for its tables and files."""
    return run / f"ATTACKED{suffix(gradient)}"


def table_of(run: Path, gradient: Gradient = "true") -> Robustness | None:
    """The table of a run directory; None where it was not attacked to the end. UserError where
    something that the attack wrote was altered since; what became of each image takes room, and may
    be deleted.
    """
    marker = marker_of(run, gradient)
    if not marker.is_file():
        return None
    if what := altered(marker, spare="attacks"):
        raise UserError(f"{what}; {REMEDY}")
    return read(run / f"robustness{suffix(gradient)}.json", Robustness, REMEDY)


def attacked(run: Path) -> dict[str, Attacked]:
    """The attacks in the L-infinity ball that its table is made of, by name; {} without a table.

    Files of an earlier call may lie beside them, of other eps.
    """
    table = table_of(run)
    names = dict.fromkeys(row.attack for row in table.rows) if table else {}
    files = {name: file_of(run, name) for name in names}
    return {name: _attacked(file) for name, file in files.items() if file.is_file()}


def _attacked(file: Path) -> Attacked:
    names = ("eps", "correct", "clean")
    arrays = read_arrays(file, names)
    if missing := set(names) - arrays.keys():
        raise UserError(f"{file}: has no {min(missing)}; {REMEDY}")
    eps, correct, clean = (arrays[name] for name in names)
    shaped = eps.ndim == clean.ndim == 1 and correct.shape == (len(eps), len(clean))
    if not shaped or {correct.dtype, clean.dtype} != {np.dtype(bool)} or eps.dtype.kind != "f":
        raise UserError(f"{file}: does not hold who survived at which eps; {REMEDY}")
    return Attacked(tuple(eps.tolist()), correct, clean)
