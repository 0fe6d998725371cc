"""Figures and verdicts of a document, from the runs that are there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from bioexp.experiment import Trained
from bioexp.figures.canvas import save
from bioexp.files import write_json
from bioexp.measures.verdict import Measured, measured, over_images, seeds_to_decide, verdict
from bioexp.papers.paper import Claim, Control, Drawing, Evidence, Paper
from bioexp.runs.provenance import digest_of
from bioexp.runs.seed_group import Say

Row = dict[str, Any]


def draw_all(
    paper: Paper,
    evidence: Mapping[str, Sequence[Trained]],
    failed: Mapping[str, str],
    results: Path,
    say: Say,
) -> list[Row]:
    """Every figure whose code or runs changed since it was last drawn; the others are left as they
    are.
    """
    folder = results / "figures" / paper.name
    ledger = folder / "drawn.json"
    drawn: dict[str, str] = json.loads(ledger.read_text("utf-8")) if ledger.is_file() else {}
    rows = []
    shown = [
        Drawing(claim.id, claim.where, claim.what, claim.configs, claim.draw)
        for claim in paper.claims
        if claim.draw
    ]
    for drawing in (*paper.drawings, *shown):
        path = _picture(results, drawing.id)
        why = _missing(drawing.configs, failed)
        if not why:
            state = _state(drawing, evidence)
            if drawn.get(drawing.id) != state or not path.is_file():
                say(f"drawing {drawing.id}")
                save(drawing.draw(evidence), path)
                drawn[drawing.id] = state
                write_json(ledger, drawn)
        if drawing in paper.drawings:
            rows.append(
                _figure_row(drawing, str(path.relative_to(results)), why)
                | {"runs": _runs(drawing.configs, evidence)}
            )
    return rows


def judge_all(
    paper: Paper,
    evidence: Mapping[str, Sequence[Trained]],
    failed: Mapping[str, str],
    results: Path,
    *,
    comparable: bool,
    command: str,
) -> list[Row]:
    """A row with a verdict for every claim; `comparable` is False where runs were too short to be
    judged.
    """
    rows = []
    for claim in paper.claims:
        path = _picture(results, claim.id)
        figure = str(path.relative_to(results)) if claim.draw and path.is_file() else None
        row = _claim_row(claim, evidence, failed, comparable)
        rows.append(
            row | {"command": command, "figure": figure, "runs": _runs(claim.configs, evidence)}
        )
    return rows


def _picture(results: Path, row: str) -> Path:
    """Where the picture of a row lies."""
    paper, name = row.split("/")
    return results / "figures" / paper / f"{name}.png"


def _claim_row(
    claim: Claim, evidence: Evidence, failed: Mapping[str, str], comparable: bool
) -> Row:
    low, high = claim.accepted
    row = {
        "id": claim.id,
        "kind": claim.kind,
        "where": claim.where,
        "what": claim.what,
        "measured_as": claim.measured,
        "expected": claim.expected,
        "accepted": [None if abs(bound) == inf else bound for bound in claim.accepted],
        "tolerance": (high - low) / 2 if claim.expected is not None else None,
    }
    why = _missing(claim.configs, failed)
    if why:
        return row | _values(None, ()) | {"controls": [], "verdict": "not run", "why": why}
    per_seed = list(claim.measure(evidence))
    found = _measured(claim, per_seed, evidence)
    red = _red(claim.flagged, evidence)
    said = (
        "not comparable"
        if claim.timing or not comparable
        else "undecided"
        if red
        else verdict(found, claim.accepted)
    )
    controls = [_control_row(control, evidence) for control in claim.controls]
    why = _why(claim, said, per_seed)
    if red and comparable:
        why = f"robustness NOT established: {'; '.join(red)}"
    elif claim.timing and claim.expected:
        why = (
            f"a wall time of other hardware; ours is {found.mean / claim.expected:.2g} times the"
            " document's"
        )
    return row | _values(found, per_seed) | {"controls": controls, "verdict": said, "why": why}


def _red(configs: Sequence[str], evidence: Evidence) -> list[str]:
    """The red checks of the attacks on these configs' runs, in words."""
    found = set()
    for one in (one for config in configs for one in evidence[config]):
        flags = json.loads((one.run.path / "robustness.json").read_text("utf-8"))["flags"]
        found |= {
            f"{one.run.path.parent.name}: {flag['words']} ({flag['code']})"
            for flag in flags
            if flag["state"] == "red"
        }
    return sorted(found)


def _measured(claim: Claim, per_seed: Sequence[float], evidence: Evidence) -> Measured:
    """The interval over seeds; with one seed over images, where the claim has any."""
    if len(per_seed) == 1 and claim.per_image is not None:
        return over_images(claim.per_image(evidence))
    return measured(
        per_seed, len(evidence[claim.configs[0]][0].dataset.y_test) if claim.share else None
    )


def _values(found: Measured | None, per_seed: Sequence[float]) -> Row:
    ends = [found.low, found.high] if found and found.low is not None else None
    return {
        "measured": found.mean if found else None,
        "ci95": ends,
        "per_seed": [float(value) for value in per_seed],
        "n_seeds": len(per_seed),
        "interval": found.interval if found else "",
    }


def _control_row(control: Control, evidence: Evidence) -> Row:
    found, red = measured(list(control.measure(evidence))), _red(control.flagged, evidence)
    what = f"{control.what}; robustness NOT established: {'; '.join(red)}" if red else control.what
    return {
        "what": what,
        "measured": found.mean,
        "ci95": [found.low, found.high] if found.low is not None else None,
    }


def _why(claim: Claim, said: str, per_seed: Sequence[float]) -> str:
    """Why a claim is not reproduced, how many seeds would decide, or what to know although it is
    reproduced.
    """
    if said == "reproduced":
        return claim.note
    if said == "not comparable":
        return "trained for a few steps only, to see that everything runs"
    if said == "undecided":
        enough = seeds_to_decide(per_seed, claim.accepted)
        needed = f"; about {enough} seeds would decide" if enough else ""
        return f"the interval straddles what is accepted{needed}"
    return claim.why


def _figure_row(drawing: Drawing, figure: str, why: str) -> Row:
    nothing = {
        "measured_as": "",
        "expected": None,
        "accepted": [None, None],
        "tolerance": None,
        "controls": [],
    }
    row = {
        "id": drawing.id,
        "kind": "figure",
        "where": drawing.where,
        "what": drawing.what,
        **nothing,
        **_values(None, ()),
    }
    return row | {
        "verdict": "not run" if why else "drawn",
        "why": why,
        "figure": None if why else figure,
        "command": "",
    }


def _runs(configs: Sequence[str], evidence: Evidence) -> list[str]:
    """The experiments a row looks at, as folders in the results, without the seeds:
    log_net/0b493a8b.
    """
    return list(
        dict.fromkeys(
            one.run.name.rpartition("-s")[0]
            for config in configs
            for one in evidence.get(config, ())
        )
    )


def _missing(configs: Sequence[str], failed: Mapping[str, str]) -> str:
    """Why a row cannot be had, "" when it can; a reason that several configs share is said once."""
    reasons = dict.fromkeys(failed[config] for config in configs if config in failed)
    names = {
        reason: ", ".join(config for config in configs if failed.get(config) == reason)
        for reason in reasons
    }
    return "; ".join(f"{names[reason]}: {reason}" for reason in reasons)


def _state(drawing: Drawing, evidence: Evidence) -> str:
    """What a picture depends on: the code that draws it and the runs it is drawn from."""
    runs = [
        f"{one.run.name} {one.run.provenance['finished']}"
        for config in drawing.configs
        for one in evidence[config]
    ]
    return digest_of(drawing.draw) + " " + " ".join(runs)
