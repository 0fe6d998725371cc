"""The figures of a study, drawn from the runs that are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bioexp.claims.notes import outcome_of
from bioexp.claims.records import ClaimRow, Drawn
from bioexp.figures.canvas import NothingDrawn, own_style, save
from bioexp.papers.paper import Drawing, Evidence, Overview, Study
from bioexp.records import read, write
from bioexp.runs.provenance import digest_of
from bioexp.runs.workspace import Workspace
from bioexp.types import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(
    study: Study, evidence: Evidence, failed: Mapping[str, str], workspace: Workspace
) -> list[ClaimRow]:
    """A row for every figure. Those whose code or runs changed since they were last drawn are drawn
    again; the others are left as they are. Where nothing can be drawn at all, rows say so.
    """
    results = workspace.results
    ledger = results / "figures" / study.name / "drawn.json"
    drawn = _drawn(ledger)
    rows = []
    of_claims = [
        Drawing(claim.id, claim.where, claim.what, claim.experiments, claim.draw)
        for claim in study.claims
        if claim.draw
    ]
    for drawing in (*study.drawings, *of_claims):
        file = picture(results, drawing.id)
        why = missing(drawing.experiments, failed)
        if not why:
            state = _state(drawing, evidence)
            if drawn.get(drawing.id) != state or not file.is_file():
                workspace.say(f"drawing {drawing.id}")
                why = _saved(partial(drawing.draw, evidence), file)
                drawn[drawing.id] = "" if why else state
                write(ledger, Drawn(drawn=drawn))
                if why:
                    workspace.say(f"{drawing.id}: {why}")
        if drawing in study.drawings:
            figure = None if why else str(file.relative_to(results))
            rows.append(_row(drawing, figure, why, runs_named(drawing.experiments, evidence)))
    return rows


def draw_overviews(
    study: Study, claims: Sequence[ClaimRow], workspace: Workspace
) -> list[ClaimRow]:
    """A row for every overview, drawn from the rows of all claims that were measured."""
    results = workspace.results
    measured = [row for row in claims if row.kind != "figure" and row.measured is not None]
    outcomes = [outcome_of(row) for row in measured]
    runs = tuple(dict.fromkeys(group for row in measured for group in row.runs))
    rows = []
    for overview in study.overviews:
        file = picture(results, overview.id)
        why = _saved(lambda shown=overview: shown.draw(outcomes), file)  # type: ignore[misc]
        figure = None if why else str(file.relative_to(results))
        rows.append(_row(overview, figure, why, runs))
    return rows


def _saved(make: Callable[[], Figure], file: Path) -> str:
    """Draw it; why that was impossible, an older picture then being no longer there."""
    try:
        with own_style():
            save(make(), file)
    except NothingDrawn as error:
        file.unlink(missing_ok=True)
        return str(error)
    return ""


def picture(results: Path, row: str) -> Path:
    """Where the picture of a row lies."""
    study, name = row.split("/")
    return results / "figures" / study / f"{name}.png"


def missing(experiments: Sequence[str], failed: Mapping[str, str]) -> str:
    """Why a row cannot be had, "" when it can; a reason that several share is said once."""
    reasons: dict[str, list[str]] = {}
    for name in experiments:
        if name in failed:
            reasons.setdefault(failed[name], []).append(name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())


def runs_named(experiments: Sequence[str], evidence: Evidence) -> tuple[str, ...]:
    """The experiments a row looks at, as folders in the results, without the seeds:
    log_net/0b493a8b.
    """
    groups = (trained.run.group for name in experiments for trained in evidence.get(name, ()))
    return tuple(dict.fromkeys(groups))


def _drawn(ledger: Path) -> dict[str, str]:
    """What each figure was drawn from; nothing where nobody can tell."""
    try:
        return dict(read(ledger, Drawn).drawn)
    except UserError:
        return {}


def _row(
    drawing: Drawing | Overview, figure: str | None, why: str, runs: tuple[str, ...]
) -> ClaimRow:
    return ClaimRow(
        id=drawing.id,
        kind="figure",
        where=drawing.where,
        what=drawing.what,
        measured_as="",
        expected=None,
        accepted=(None, None),
        tolerance=None,
        measured=None,
        ci95=None,
        per_seed=(),
        n_seeds=0,
        interval="",
        controls=(),
        verdict="not run" if why else "drawn",
        why=why,
        command="",
        figure=figure,
        runs=runs,
    )


def _state(drawing: Drawing, evidence: Evidence) -> str:
    """What a picture depends on: the code that draws it and the runs it is drawn from."""
    runs = [
        f"{trained.run.name} {trained.run.provenance.finished}"
        for name in drawing.experiments
        for trained in evidence[name]
    ]
    return " ".join([digest_of(drawing.draw), *runs])
