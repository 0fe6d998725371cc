"""What is committed of a full reproduction: claims, tables, small figures, provenance, the page;
without weights and machine paths.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from bioexp.claims.rows import claims_of, measured, runs_of, write_claims
from bioexp.experiment import Run
from bioexp.files import write_atomically, write_json, write_text
from bioexp.report.formats import cell
from bioexp.report.images import compact
from bioexp.report.page import report
from bioexp.runs.directory import grouped
from bioexp.types import UserError

WIDTH, COLORS = 800, 64  # pixels and colors: enough to read a figure by
ABSOLUTE = re.compile(r"(?<![\w.~-])~?/(?:[\w.+@-]+/)+")
BEGIN, END = (
    "<!-- claims: from results/reference/claims.json, by make reference -->",
    "<!-- end of claims -->",
)


def reference(results: Path, folder: Path) -> None:
    """Write into folder what results holds of a reproduction, at most a few MB; figures that no row
    names any more are removed.

    Raises UserError where nothing was reproduced yet, or where a run is gone that a row was
    measured on.
    """
    rows = [_portable(row) for row in claims_of(results)]
    if not rows:
        raise UserError(f"{results}: holds no claims.json; `bioexp reproduce all` makes one")
    if not any(row.get("runs") for row in rows):
        raise UserError(
            f"{results}/claims.json: its rows name no runs; run `bioexp reproduce` again"
        )
    runs = [
        replace(run, provenance=_portable(run.provenance), config=_portable(run.config))
        for run in runs_of(results, rows)
    ]
    figures = [row["figure"] for row in rows if row["figure"]]
    for figure in figures:
        write_atomically(folder / figure, partial(_write, compact(results / figure, COLORS, WIDTH)))
    for old in folder.glob("figures/*/*.png"):
        if str(old.relative_to(folder)) not in figures:
            old.unlink()
    write_claims(folder, rows)
    write_json(folder / "provenance.json", dict(_provenance(group) for group in grouped(runs)))
    report(runs, folder / "report.html", rows, figures=folder)


def refresh(readme: Path, folder: Path) -> None:
    """Put the table of the folder's claims between the markers of a README. Raises UserError where
    it has none.
    """
    before, found, rest = readme.read_text("utf-8").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise UserError(f"{readme}: has no lines {BEGIN} and {END} for the table to stand between")
    write_text(readme, f"{before}{BEGIN}\n{table(folder)}{END}{after}")


def table(folder: Path) -> str:
    """Every claim and number of a reference with its verdict, as the README shows them; one line
    where there is none yet.
    """
    rows = [row for row in claims_of(folder) if row["kind"] != "figure"]
    if not rows:
        return "\nNot made yet: `bioexp reproduce all`, then `make reference`.\n"
    lines = ["", "| | holds | does not | undecided | not judged |", "|---|---|---|---|---|"]
    for paper in dict.fromkeys(row["id"].partition("/")[0] for row in rows):
        verdicts = [row["verdict"] for row in rows if row["id"].startswith(f"{paper}/")]
        counts = [
            verdicts.count(verdict) for verdict in ("reproduced", "not reproduced", "undecided")
        ]
        lines.append(
            f"| {paper} | {' | '.join(map(str, counts))} | {len(verdicts) - sum(counts)} |"
        )
    lines += ["", "| claim | document | ours, 95 % | verdict | found |", "|---|---|---|---|---|"]
    for row in rows:
        document = "" if row["expected"] is None else f"{row['expected']:g}"
        ours = (
            f"{measured(row)}, {row['n_seeds']} seed{'s' * (row['n_seeds'] > 1)}"
            if row["n_seeds"]
            else ""
        )
        lines.append(
            f"| {row['id']}: {cell(row['what'])} | {document} | {ours} | {row['verdict']} |"
            f" {cell(row['why'])} |"
        )
    return "\n".join(lines) + "\n"


def _provenance(group: Sequence[Run]) -> tuple[str, dict[str, Any]]:
    """Of an experiment: its seeds with their scores, and where the first of them comes from."""
    first = group[0]
    scores = {
        str(run.seed): run.summary.get("test_accuracy", run.summary.get("test_loss"))
        for run in group
    }
    return first.name.rpartition("-s")[0], {"scores": scores, **first.provenance}


def _portable(value: Any) -> Any:
    """The same without the folders of this machine: what stands behind the last slash of an
    absolute path.
    """
    if isinstance(value, Mapping):
        return {key: _portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_portable(item) for item in value]
    return ABSOLUTE.sub("", value) if isinstance(value, str) else value


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)
