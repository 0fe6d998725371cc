"""`bioexp report`: one HTML page over any number of runs, self-contained unless its pictures are
many, with a Markdown twin, made from what lies in their directories.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bioexp import __version__
from bioexp.claims.records import ClaimRow
from bioexp.experiment import Run
from bioexp.files import is_stream, write_json, write_text
from bioexp.report.comparison import Comparison, comparison
from bioexp.report.formats import environment
from bioexp.report.images import clear, folder_of, inlined, is_small, link, linked
from bioexp.report.ladder import Ladder, as_csv, as_json, cross_table
from bioexp.report.papers import Section, sections, tally
from bioexp.report.runs import ShownExperiment, experiment
from bioexp.runs.directory import grouped
from bioexp.runs.labels import labelled
from bioexp.types import UserError

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Page:
    """Everything that page and twin say. made: when. anchors: of the experiments, by their groups
    (log_net/3f2a91c07b5e). inline: whether it holds its pictures itself.
    """

    title: str
    version: str
    made: str
    claimed: bool
    papers: tuple[Section, ...]
    tally: Mapping[str, int]
    commits: str
    anchors: Mapping[str, str]
    experiments: tuple[ShownExperiment, ...]
    ladder: Ladder | None
    comparison: Comparison | None
    inline: bool = True

    @property
    def pictures(self) -> list[Path]:
        """Where its pictures lie, each once."""
        own = [picture.path for shown in self.experiments for picture in shown.pictures]
        drawn = [shown.picture.path for paper in self.papers for shown in paper.pictures]
        return list(dict.fromkeys(own + drawn))

    @property
    def n_runs(self) -> int:
        """How many runs it is made from."""
        return sum(len(experiment.seeds) for experiment in self.experiments)

    @property
    def n_papers(self) -> int:
        """How many papers have claims here."""
        return sum(bool(paper.claims) for paper in self.papers)

    @property
    def n_claims(self) -> int:
        """How many claims and numbers there are."""
        return sum(len(paper.claims) for paper in self.papers)

    @property
    def n_figures(self) -> int:
        """How many figures there are."""
        return sum(len(paper.figures) for paper in self.papers)

    @property
    def n_drawn(self) -> int:
        """How many figures were drawn again."""
        return sum(paper.drawn for paper in self.papers)


def report(
    runs: Sequence[Run],
    output: Path,
    claims: Sequence[ClaimRow] = (),
    *,
    compare: bool | None = None,
    figures: Path | None = None,
) -> Path:
    """Write the page and, beside it, its Markdown twin; returns the page's path. All of the page is
    inlined: it can be mailed. Only where its pictures are more than 100, or 8 MB, they stay files
    that move with it: those of the runs below its folder, or else copies in <page>_files. Into a
    stream, such as /dev/stdout, goes the page with all of its pictures, and nothing beside it.

    Where more than one experiment was attacked, <page>.robustness.csv and .json hold their common
    table.

    claims: rows of claims.json; the runs must lie in the same results folder, where their figures
        are looked for. Beside claims, the runs' own pictures are shown for the first configuration
        of each experiment only.
    figures: another folder where the figures of the claims lie; the runs' own pictures are then
        left out.
    compare: whether the first experiment is set beside the others; None: where there are no claims
        to show.
    Raises UserError for no runs, for an output that is no page, and for a damaged robustness.json.
    """
    if not runs:
        raise UserError("report: no runs to report on; train one first")
    if output.is_dir():
        raise UserError(f"{output}: is a folder; name the page to write in it")
    if output.suffix == ".md":
        raise UserError(f"{output}: names the HTML page; its Markdown twin is written beside it")
    page = _page(runs, claims, figures, compare=not claims if compare is None else compare)
    script = (TEMPLATES / "report.js").read_text("utf-8")
    style = (TEMPLATES / "report.css").read_text("utf-8")
    page = replace(page, inline=is_stream(output) or is_small(page.pictures))
    files = {} if page.inline else linked(page.pictures, output)

    def beside(path: Path) -> str:
        return link(files.get(path, path), output)

    templates = environment()
    templates.filters["beside"] = beside
    templates.filters["source"] = inlined if page.inline else beside
    html = templates.get_template("report.html")
    write_text(output, html.render(page=page, style=style, script=script, digest=_digest(script)))
    if is_stream(output):
        return output
    twin = templates.get_template("report.md").render(page=page)
    write_text(output.with_suffix(".md"), twin)
    clear(folder_of(output), files.values())
    if page.ladder:
        write_text(output.with_suffix(".robustness.csv"), as_csv(page.ladder))
        write_json(output.with_suffix(".robustness.json"), as_json(page.ladder))
    return output


def _page(
    runs: Sequence[Run], claims: Sequence[ClaimRow], figures: Path | None, *, compare: bool
) -> Page:
    groups = grouped(runs)
    labels = labelled(groups)
    first = {group[0].path.parent: group for group in reversed(groups)}
    experiments = tuple(
        experiment(
            group,
            label,
            pictures=figures is None and (not claims or first[group[0].path.parent] is group),
        )
        for group, label in zip(groups, labels, strict=True)
    )
    papers = tuple(sections(claims, runs, figures or runs[0].path.parent.parent))
    commits = [seed.commit for shown in experiments for seed in shown.seeds if seed.commit]
    return Page(
        title=f"bioexp: {'which claims hold' if claims else _names(groups)}",
        version=__version__,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        claimed=bool(claims),
        papers=papers,
        tally=tally([claim for paper in papers for claim in paper.claims]),
        commits=", ".join(dict.fromkeys(commits)),
        anchors={
            group[0].group: shown.anchor for group, shown in zip(groups, experiments, strict=True)
        },
        experiments=experiments,
        ladder=cross_table(groups, labels) if len(groups) > 1 else None,
        comparison=comparison(groups, experiments) if compare else None,
    )


def _names(groups: Sequence[Sequence[Run]]) -> str:
    names = list(dict.fromkeys(group[0].path.parent.name for group in groups))
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} experiments"


def _digest(script: str) -> str:
    """What the page's security policy lets run: this script and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
