"""The datasets on this machine: which are there, fetching those that are not, checking those that
are. Records for others to show; nothing is printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict

from bioexp.datasets import DATASETS, DERIVED, SOURCES, store
from bioexp.datasets.source import Missing, Report, silent
from bioexp.options import suggestion
from bioexp.types import Dataset, UserError


class Record(TypedDict):
    """One dataset. `where` is its source in words, `shape` that of one example, and `message` says
    what is wrong and what to do.
    """

    name: str
    status: Literal["ready", "absent", "wrong"]
    where: str
    n_train: int | None
    n_test: int | None
    shape: list[int] | None
    classes: int | None
    digest: str | None
    message: str


def list_data(data_dir: Path | None) -> list[Record]:
    """Every dataset that bioexp knows, without downloading any."""
    return verify([], data_dir)


def verify(names: Sequence[str], data_dir: Path | None) -> list[Record]:
    """The named datasets, or all, with every byte of those that are there hashed; nothing is
    downloaded.
    """
    return [_record(name, data_dir, silent, online=False) for name in _known(names)]


def fetch(names: Sequence[str], data_dir: Path | None, report: Report = silent) -> list[Record]:
    """The named datasets, or all, downloaded where they are in none of the other places; one that
    fails does not stop the rest.
    """
    return [_record(name, data_dir, report, online=True) for name in _known(names)]


def _known(names: Sequence[str]) -> list[str]:
    """The names; without any, all but npz, which is nowhere until a config names its file, and the
    datasets made of others.
    """
    known = [name for name in DATASETS if name not in ("npz", *DERIVED)]
    for name in names:
        if name in DERIVED:
            raise UserError(
                f"{name}: is made of other datasets, which lie here under their own names"
                f" ({', '.join(known)})"
            )
        if name == "npz":
            raise UserError(
                "npz: is a file of your own, which a config names: dataset: {name: npz, path: FILE}"
            )
        if name not in known:
            raise UserError(
                f"unknown dataset {name!r}{suggestion(name, known)} (there are {', '.join(known)})"
            )
    return list(dict.fromkeys(names)) or known


def _record(name: str, data_dir: Path | None, report: Report, *, online: bool) -> Record:
    try:
        return _ready(
            store.load(SOURCES[name], data_dir, report, online)
            if name in SOURCES
            else DATASETS[name](data_dir, report)
        )
    except UserError as error:
        return {
            "name": name,
            "status": "absent" if isinstance(error, Missing) else "wrong",
            "where": "",
            "n_train": None,
            "n_test": None,
            "shape": None,
            "classes": None,
            "digest": None,
            "message": str(error),
        }


def _ready(data: Dataset) -> Record:
    return {
        "name": data.name,
        "status": "ready",
        "where": data.source,
        "n_train": len(data.y_train),
        "n_test": len(data.y_test),
        "shape": list(data.shape),
        "classes": data.n_classes,
        "digest": data.digest,
        "message": "",
    }
