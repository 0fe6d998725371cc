"""The verdict of every claim of a study, from the runs that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path

from bioexp.claims.drawings import missing, picture, runs_named
from bioexp.measures.verdict import Measured, measured, over_images, seeds_to_decide, verdict
from bioexp.papers.paper import Claim, Control, Evidence, Study
from bioexp.records import ClaimRow, ControlRow, Verdict
from bioexp.robustness.stored import table_of


def judge(
    study: Study,
    evidence: Evidence,
    failed: Mapping[str, str],
    results: Path,
    *,
    comparable: bool,
    command: str,
) -> list[ClaimRow]:
    """A row for every claim; `comparable` is False where runs were too short to be judged."""
    rows = []
    for claim in study.claims:
        file = picture(results, claim.id)
        figure = str(file.relative_to(results)) if claim.draw and file.is_file() else None
        row = _row(claim, evidence, missing(claim.experiments, failed), comparable)
        about = {"command": command, "figure": figure}
        rows.append(
            row.model_copy(update=about | {"runs": runs_named(claim.experiments, evidence)})
        )
    return rows


def _row(claim: Claim, evidence: Evidence, why: str, comparable: bool) -> ClaimRow:
    if why:
        return _claim_row(claim, {}, None, (), "not run", why)
    values = claim.measure(evidence)
    interval = _interval(claim, list(values.values()), evidence)
    red = _red(claim.flagged, evidence)
    said: Verdict = "undecided" if red else verdict(interval, claim.accepted)
    if claim.timing or not comparable:
        said = "not comparable"
    why = _why(claim, said, list(values.values()))
    if red and comparable:
        why = f"robustness NOT established: {'; '.join(red)}"
    elif claim.timing and claim.expected:
        times = interval.mean / claim.expected
        why = f"a wall time of other hardware; ours is {times:.2g} times the paper's"
    controls = tuple(_control_row(control, evidence) for control in claim.controls)
    return _claim_row(claim, values, interval, controls, said, why)


def _claim_row(
    claim: Claim,
    values: Mapping[int, float],
    interval: Measured | None,
    controls: Sequence[ControlRow],
    said: Verdict,
    why: str,
) -> ClaimRow:
    low, high = claim.accepted
    return ClaimRow(
        id=claim.id,
        kind=claim.kind,
        where=claim.where,
        what=claim.what,
        measured_as=claim.measured,
        expected=claim.expected,
        accepted=(None if low == -inf else low, None if high == inf else high),
        tolerance=(high - low) / 2 if claim.expected is not None else None,
        measured=interval.mean if interval else None,
        ci95=_ends(interval),
        per_seed=tuple(float(value) for value in values.values()),
        seeds=tuple(values),
        n_seeds=len(values),
        interval=interval.interval if interval else "",
        controls=tuple(controls),
        verdict=said,
        why=why,
        command="",
        figure=None,
        runs=(),
    )


def _interval(claim: Claim, values: Sequence[float], evidence: Evidence) -> Measured:
    """The interval over seeds; with one seed over images, where the claim has any."""
    if len(values) == 1 and claim.per_image is not None:
        return over_images(claim.per_image(evidence))
    first = evidence[claim.experiments[0]][0]
    return measured(values, len(first.dataset.y_test) if claim.share else None)


def _red(experiments: Sequence[str], evidence: Evidence) -> list[str]:
    """The red checks of the attacks on these experiments' runs, in words."""
    words = set()
    for trained in (trained for name in experiments for trained in evidence[name]):
        table = table_of(trained.run.path)
        words |= {
            f"{trained.run.path.parent.name}: {flag.words} ({flag.code})"
            for flag in (table.flags if table else ())
            if flag.state == "red"
        }
    return sorted(words)


def _control_row(control: Control, evidence: Evidence) -> ControlRow:
    interval = measured(list(control.measure(evidence).values()))
    red = _red(control.flagged, evidence)
    what = f"{control.what}; robustness NOT established: {'; '.join(red)}" if red else control.what
    return ControlRow(what=what, measured=interval.mean, ci95=_ends(interval))


def _ends(interval: Measured | None) -> tuple[float, float] | None:
    if interval is None or interval.low is None or interval.high is None:
        return None
    return interval.low, interval.high


def _why(claim: Claim, said: Verdict, values: Sequence[float]) -> str:
    """Why a claim is not reproduced, how many seeds would decide, or what to know although it is
    reproduced.
    """
    if said == "reproduced":
        return claim.note
    if said == "not comparable":
        return "trained for a few steps only, to see that everything runs"
    if said == "undecided":
        enough = seeds_to_decide(values, claim.accepted)
        needed = f"; about {enough} seeds would decide" if enough else ""
        return f"the interval straddles what is accepted{needed}"
    return claim.why
