"""The verdict of every claim of a study, from the runs that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import NamedTuple

from bioexp.claims.drawings import missing, picture, runs_named
from bioexp.claims.notes import reasons
from bioexp.claims.records import ClaimRow, ControlRow, Ends, ReadingRow, Verdict
from bioexp.measures.estimators import Estimate, exact, mean, over_images, prediction
from bioexp.measures.interval import LEVEL, wilson
from bioexp.measures.verdict import Part, all_of, holm, seeds_to_decide, verdict
from bioexp.papers.paper import Claim, Control, Evidence, Reading, Study
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
        why = missing(claim.experiments, failed)
        row = _absent(claim, why) if why else row_of(claim, evidence, comparable)
        about = {"command": command, "figure": figure}
        rows.append(
            row.model_copy(update=about | {"runs": runs_named(claim.experiments, evidence)})
        )
    return rows


def row_of(claim: Claim, evidence: Evidence, comparable: bool) -> ClaimRow:
    """A claim measured and judged. `comparable` is False where runs were too short for it."""
    values = claim.measure(evidence)
    estimate = _estimate(claim, list(values.values()), evidence)
    parts = [_Measured.of(part, evidence) for part in claim.parts]
    null = claim.null and _Measured.of(_null(claim, claim.null), evidence)
    row = _row(claim, values, estimate).model_copy(
        update={
            "controls": tuple(_control_row(control, evidence) for control in claim.controls),
            "parts": tuple(part.row() for part in parts),
            "readings": tuple(_Measured.of(other, evidence).row() for other in claim.readings),
            "null": null and null.row(),
        }
    )
    if claim.timing:
        ratio = estimate.value / claim.expected if claim.expected else 1.0
        why = f"a wall time of other hardware; ours is {ratio:.2g} times the paper's"
        return row.model_copy(update={"verdict": "not comparable", "why": why})
    if not comparable:
        why = "trained for a few steps only, to see that everything runs"
        return row.model_copy(update={"verdict": "not comparable", "why": why})
    if red := _red(claim.flagged, evidence):
        why = f"robustness NOT established: {'; '.join(red)}"
        return row.model_copy(update={"verdict": "undecided", "why": why})
    all_parts = [Part(list(values.values()), claim.estimator, claim.accepted)]
    all_parts += [part.as_part() for part in parts]
    row = row.model_copy(update={"verdict": _verdict(claim, estimate, all_parts, row.null)})
    needed = seeds_to_decide(all_parts) if row.verdict == "undecided" else None
    row = row.model_copy(update={"seeds_needed": needed})
    return row.model_copy(update={"why": reasons(claim, row)})


class _Measured(NamedTuple):
    """A part or another reading of a claim, with what seeds measured."""

    reading: Reading
    values: Mapping[int, float]

    @classmethod
    def of(cls, reading: Reading, evidence: Evidence) -> _Measured:
        return cls(reading, reading.measure(evidence))

    def as_part(self) -> Part:
        return Part(list(self.values.values()), self.reading.estimator, self.reading.accepted)

    def row(self) -> ReadingRow:
        part = self.as_part()
        estimate = part.estimator.estimate(part.values, LEVEL)
        return ReadingRow(
            name=self.reading.name,
            what=self.reading.what,
            expected=self.reading.expected,
            accepted=_bounds(part.accepted),
            measured=estimate.value,
            ci95=_ends(estimate),
            per_seed=tuple(part.values),
            interval=estimate.over,
            verdict=verdict(estimate, part.accepted),
        )


def _verdict(
    claim: Claim, estimate: Estimate, parts: Sequence[Part], null: ReadingRow | None
) -> Verdict:
    said = verdict(estimate, claim.accepted) if len(parts) == 1 else all_of(holm(parts))
    if said != "reproduced":
        return said
    if claim.fitted:
        return "fitted"
    trivial = claim.trivial or (null is not None and null.verdict == "reproduced")
    return "holds trivially" if trivial else "reproduced"


def _null(claim: Claim, null: Control) -> Reading:
    """Held to the same bar; where the claim is exact, its null is still drawn by seeds."""
    estimator = mean if claim.estimator is exact else claim.estimator
    return Reading(null.what, null.measure, claim.accepted, estimator, null.name or "null")


def _absent(claim: Claim, why: str) -> ClaimRow:
    row = _row(claim, {}, None)
    return row.model_copy(update={"verdict": "not run", "why": why})


def _row(claim: Claim, values: Mapping[int, float], estimate: Estimate | None) -> ClaimRow:
    """The row of a claim, still without what stands beside it and without a verdict."""
    low, high = claim.accepted
    return ClaimRow(
        id=claim.id,
        kind=claim.kind,
        where=claim.where,
        what=claim.what,
        measured_as=claim.measured,
        expected=claim.expected,
        accepted=_bounds(claim.accepted),
        tolerance=(high - low) / 2 if claim.expected is not None else None,
        measured=estimate.value if estimate else None,
        ci95=_ends(estimate),
        prediction=prediction(list(values.values())) if claim.one_net else None,
        per_seed=tuple(float(value) for value in values.values()),
        seeds=tuple(values),
        n_seeds=len(values),
        interval=estimate.over if estimate else "",
        controls=(),
        decides=claim.decides,
        verdict="undecided",
        why="",
        command="",
        figure=None,
        runs=(),
    )


def _estimate(claim: Claim, values: Sequence[float], evidence: Evidence) -> Estimate:
    """By the claim's estimator over seeds; over images, too, where it is measured image by image;
    of one seed's share of the test images over these.
    """
    if claim.per_image is not None:
        return over_images(claim.per_image(evidence))
    if len(values) == 1 and claim.share:
        n = len(evidence[claim.experiments[0]][0].dataset.y_test)
        share, low, high, _ = wilson(round(values[0] * n), n)
        return Estimate(share, low, high, f"binomial over {n} images, 1 seed")
    return claim.estimator.estimate(values, LEVEL)


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
    estimate = mean.estimate(list(control.measure(evidence).values()), LEVEL)
    red = _red(control.flagged, evidence)
    what = f"{control.what}; robustness NOT established: {'; '.join(red)}" if red else control.what
    return ControlRow(name=control.name, what=what, measured=estimate.value, ci95=_ends(estimate))


def _bounds(accepted: tuple[float, float]) -> tuple[float | None, float | None]:
    low, high = accepted
    return None if low == -inf else low, None if high == inf else high


def _ends(estimate: Estimate | None) -> Ends | None:
    if estimate is None or estimate.low is None or estimate.high is None:
        return None
    return estimate.low, estimate.high
