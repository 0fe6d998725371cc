"""`bioexp report`: one self-contained HTML page over any number of runs, with a Markdown twin, made
from what lies in their directories.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bioexp import __version__
from bioexp.experiment import Run
from bioexp.files import write_json, write_text
from bioexp.report.comparison import comparison
from bioexp.report.formats import environment
from bioexp.report.ladder import as_csv, cross_table
from bioexp.report.papers import sections, tally
from bioexp.report.runs import experiment
from bioexp.runs.directory import grouped
from bioexp.runs.labels import labelled
from bioexp.types import UserError

TEMPLATES = Path(__file__).parent.parent / "templates"


def report(
    runs: Sequence[Run],
    output: Path,
    claims: Sequence[Mapping[str, Any]] = (),
    *,
    compare: bool | None = None,
    figures: Path | None = None,
) -> Path:
    """Write the page and, beside it, its Markdown twin; returns the page's path. All of the page is
    inlined: it can be mailed.

    Where more than one experiment was attacked, <page>.robustness.csv and .json hold their common
    table.

    claims: rows of claims.json; the runs must lie in the same results folder, where their figures
        are looked for. Beside claims, the runs' own pictures are shown for the first configuration
        of each experiment only.
    figures: another folder where the figures of the claims lie; the runs' own pictures are then
        left out.
    compare: whether the first experiment is set beside the others; None: where there are no claims
        to show.
    Raises UserError for no runs, for an output that is no page, and for rows that are no claims.
    """
    if not runs:
        raise UserError("report: no runs to report on; train one first")
    if output.suffix == ".md":
        raise UserError(f"{output}: names the HTML page; its Markdown twin is written beside it")
    content = _content(runs, claims, figures, compare=not claims if compare is None else compare)
    templates = environment()
    templates.filters["beside"] = lambda path: quote(
        Path(os.path.relpath(path, output.parent)).as_posix()
    )
    script = (TEMPLATES / "report.js").read_text("utf-8")
    page = templates.get_template("report.html").render(
        **content,
        style=(TEMPLATES / "report.css").read_text("utf-8"),
        script=script,
        digest=_digest(script),
    )
    write_text(output, page)
    write_text(output.with_suffix(".md"), templates.get_template("report.md").render(**content))
    if content["ladder"]:
        write_text(output.with_suffix(".robustness.csv"), as_csv(content["ladder"]))
        write_json(output.with_suffix(".robustness.json"), content["ladder"]["rows"])
    return output


def _content(
    runs: Sequence[Run], claims: Sequence[Mapping[str, Any]], figures: Path | None, *, compare: bool
) -> dict[str, Any]:
    """Everything that page and twin say."""
    groups = grouped(runs)
    first = {group[0].path.parent: group for group in reversed(groups)}
    experiments = [
        experiment(
            group, pictures=figures is None and (not claims or first[group[0].path.parent] is group)
        )
        for group in groups
    ]
    for one, label in zip(experiments, labelled(groups), strict=True):
        one["label"] = label
    papers = sections(claims, runs, figures or runs[0].path.parent.parent)
    names = list(dict.fromkeys(one["experiment"] for one in experiments))
    judged = [row for paper in papers for row in paper["claims"]]
    return {
        "title": (
            "bioexp: "
            + (
                "which claims hold"
                if claims
                else ", ".join(names)
                if len(names) <= 4
                else f"{len(names)} experiments"
            )
        ),
        "version": __version__,
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "claimed": bool(claims),
        "papers": papers,
        "n_papers": sum(bool(paper["claims"]) for paper in papers),
        "tally": tally(judged),
        "n_claims": len(judged),
        "n_figures": sum(len(paper["figures"]) for paper in papers),
        "n_drawn": sum(paper["drawn"] for paper in papers),
        "n_runs": sum(len(group) for group in groups),
        "commits": ", ".join(
            dict.fromkeys(
                seed["commit"] for one in experiments for seed in one["seeds"] if seed["commit"]
            )
        ),
        "anchors": {f"{one['experiment']}/{one['identity']}": one["anchor"] for one in experiments},
        "experiments": experiments,
        "ladder": cross_table(groups) if len(groups) > 1 else None,
        "comparison": comparison(groups, experiments) if compare else None,
    }


def _digest(script: str) -> str:
    """What the page's security policy lets run: this script and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
