"""What is committed of a full reproduction: claims with a README of them, small figures,
provenance, the page; without weights and machine paths. And what the root README counts of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from bioexp.claims.records import ClaimRow, Verdict
from bioexp.claims.rows import claims_of, expected, measured, runs_of
from bioexp.experiment import Run
from bioexp.files import read_text, write_atomically, write_json, write_text
from bioexp.records import Record, content, write
from bioexp.report.formats import cell
from bioexp.report.images import compact
from bioexp.report.page import report
from bioexp.runs.directory import grouped
from bioexp.types import UserError

WIDTH = 800  # pixels: enough to read a figure by
ABSOLUTE = re.compile(r"(?<![\w.~-])~?/(?:[\w.+@-]+/)+")
BEGIN, END = "<!-- claims -->", "<!-- /claims -->"
NONE_YET = "Not made yet: `bioexp reproduce all`, then `make reference`.\n"
JUDGED: tuple[Verdict, ...] = (
    "reproduced",
    "not reproduced",
    "undecided",
    "holds trivially",
    "fitted",
)
ABOUT = """\
# What reproduces

Every claim of the last full reproduction with its verdict, written by `make reference` from
[claims.json](claims.json): not to be edited. One [page](report.html) ([as text](report.md)) has
them with their controls, figures and equations; where each run comes from is in
[provenance.json](provenance.json).

A claim is reproduced where the whole 95 % interval of its measure lies in what would be accepted,
and not reproduced where it lies outside; it is undecided where it straddles the edge, or where a
check of the attacks is red. It holds trivially where it could not have failed: its bar cannot, or
the same measure passes where the claim cannot be true. It is fitted where something was chosen by
looking at the paper's number.
"""

AnyRecord = TypeVar("AnyRecord", bound=Record)


def reference(results: Path, folder: Path) -> None:
    """Write into folder what results holds of a reproduction, at most a few MB; figures that no row
    names any more are removed.

    Raises UserError where nothing was reproduced yet, or where a run is gone that a row was
    measured on.
    """
    rows = [_portable(row) for row in claims_of(results)]
    if not rows:
        raise UserError(f"{results}: holds no claims.json; `bioexp reproduce all` makes one")
    if not any(row.runs for row in rows):
        raise UserError(
            f"{results}/claims.json: its rows name no runs; run `bioexp reproduce` again"
        )
    runs = [
        replace(run, provenance=_portable(run.provenance), config=_portable(run.config))
        for run in runs_of(results, rows)
    ]
    figures = [row.figure for row in rows if row.figure]
    for figure in figures:
        write_atomically(folder / figure, partial(_write, compact(results / figure, WIDTH)))
    for old in folder.glob("figures/*/*.png"):
        if str(old.relative_to(folder)) not in figures:
            old.unlink()
    write(folder / "claims.json", rows)
    write_json(folder / "provenance.json", dict(map(_provenance, grouped(runs))))
    report(runs, folder / "report.html", rows, figures=folder)
    write_text(folder / "README.md", table(folder))


def refresh(readme: Path, folder: Path) -> None:
    """Put the counts of the folder's claims between the markers of a README. Raises UserError where
    it has none.
    """
    before, begun, rest = read_text(readme, "restore it").partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise UserError(f"{readme}: has no {BEGIN} and {END} for the counts to stand between")
    place = Path(os.path.relpath(folder, readme.parent)).as_posix()
    write_text(readme, f"{before}{BEGIN}\n{counts(folder, place)}\n{END}{after}")


def counts(folder: Path, place: str = "") -> str:
    """How many claims hold, in all and paper by paper; one line where there are none yet.

    place: what links to the folder's README begin with; "" for links inside it.
    """
    rows = [row for row in claims_of(folder) if row.kind != "figure"]
    if not rows:
        return NONE_YET
    readme = f"{place}/README.md" if place else ""
    holds, fails, undecided, trivial, fitted, others = _tally(rows)
    were = "was" if fitted == 1 else "were"
    lines = [
        f"Of {len(rows)} claims and numbers, {holds} hold{'s' * (holds == 1)}, {fails} "
        f"do{'es' * (fails == 1)} not, {undecided} {'is' if undecided == 1 else 'are'} undecided"
        f"{f', {trivial} could not fail' if trivial else ''}"
        f"{f', {fitted} {were} fitted' if fitted else ''}"
        f"{f', {others} could not be judged' if others else ''}"
        + (f"\n([each with its interval]({readme})):" if readme else ":"),
        "",
        *_head("paper", "holds", "does not", "undecided", "trivially", "fitted", "not judged"),
    ]
    for name in _papers(rows):
        lines.append(_row(f"[{name}]({readme}#{name})", *map(str, _tally(_of(rows, name)))))
    return "\n".join(lines) + "\n"


def table(folder: Path) -> str:
    """The README of a reference: every claim with its verdict, paper by paper, and its figures."""
    rows = claims_of(folder)
    sections = [_section(name, _of(rows, name)) for name in _papers(rows)]
    return "\n".join([ABOUT, counts(folder), *sections])


def _section(name: str, rows: Sequence[ClaimRow]) -> str:
    """A paper: its claims as a table, its figures as a list."""
    claims = [row for row in rows if row.kind != "figure"]
    lines = [f"## {name}", ""]
    if claims:
        lines += _head("claim", "where", "paper", "ours, 95 %", "verdict", "what was found")
        lines += [_claim(row) for row in claims] + [""]
    figures = [_figure(row) for row in rows if row.kind == "figure"]
    return "\n".join([*lines, *figures, *[""] * bool(figures)])


def _claim(row: ClaimRow) -> str:
    seeds = f", {row.n_seeds} seed{'s' * (row.n_seeds > 1)}" if row.n_seeds else ""
    short = row.id.partition("/")[2]
    return _row(
        f"{short}: {cell(row.what)} ({cell(row.measured_as)})",
        cell(row.where),
        expected(row),
        measured(row) + seeds,
        row.verdict,
        cell(row.why) if row.why else "",
    )


def _figure(row: ClaimRow) -> str:
    short = row.where or row.id.partition("/")[2]
    shown = (
        f"[{short}]({row.figure})" if row.figure else f"{short}, {row.verdict} ({cell(row.why)})"
    )
    return f"- {shown}: {cell(row.what)}"


def _tally(rows: Sequence[ClaimRow]) -> tuple[int, ...]:
    """How many hold, do not, are undecided, hold trivially, were fitted, could not be judged."""
    verdicts = [row.verdict for row in rows]
    judged = [verdicts.count(verdict) for verdict in JUDGED]
    return (*judged, len(rows) - sum(judged))


def _head(*names: str) -> list[str]:
    return [_row(*names), "|" + "---|" * len(names)]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _papers(rows: Sequence[ClaimRow]) -> list[str]:
    return list(dict.fromkeys(row.paper for row in rows))


def _of(rows: Sequence[ClaimRow], name: str) -> list[ClaimRow]:
    return [row for row in rows if row.paper == name]


def _provenance(group: Sequence[Run]) -> tuple[str, dict[str, Any]]:
    """Of an experiment: its seeds with their scores, and where the first of them comes from."""
    summaries = {str(run.seed): run.summary for run in group}
    scores = {
        seed: summary.test_loss if summary.test_accuracy is None else summary.test_accuracy
        for seed, summary in summaries.items()
    }
    return group[0].group, {"scores": scores, **content(group[0].provenance)}


def _portable(record: AnyRecord) -> AnyRecord:
    """The record without the folders of this machine."""
    values = record.model_dump(mode="json", exclude_unset=True)
    return type(record).model_validate_json(json.dumps(_without_folders(values)))


def _without_folders(value: Any) -> Any:
    """The same with what stands behind the last slash of an absolute path in its place."""
    if isinstance(value, Mapping):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    return ABSOLUTE.sub("", value) if isinstance(value, str) else value


def _write(content: bytes, file: BinaryIO) -> None:
    file.write(content)
