"""What the report says of each paper: its deviations, its equations with their code, its claims
with their verdicts.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bioexp.claims.records import ClaimRow, ControlRow, ReadingRow, Verdict
from bioexp.experiment import Run
from bioexp.papers import papers, studies
from bioexp.papers.paper import Claim, Drawing, Paper, Study
from bioexp.report.images import Picture, picture

VERDICTS: tuple[Verdict, ...] = (
    "reproduced",
    "not reproduced",
    "undecided",
    "holds trivially",
    "fitted",
    "not comparable",
    "not run",
)
PACKAGE = Path(__file__).parent.parent
UNKNOWN = "a paper of the user's own, or one that this version of bioexp does not know"

Other = TypeVar("Other", ControlRow, ReadingRow)
Known = Paper | Study | Exception | None  # what stands behind a name: Exception where it is broken


@dataclass(frozen=True)
class Strip:
    """Where things lie on a line from 0 to 100: what would be accepted, the interval, the measure,
    the paper's number, the controls.
    """

    band: tuple[float, float] | None
    line: tuple[float, float] | None
    dot: float
    tick: float | None
    rings: tuple[float, ...]


@dataclass(frozen=True)
class ShownRow:
    """A claim or a figure. short: its id without the paper. rank: of its verdict, to sort by.

    missing: its picture, where that is not there or lies outside the results; "" otherwise.
    beside: whether anything stands beside its measure.
    """

    row: ClaimRow
    short: str
    rank: int
    strip: Strip | None
    missing: str
    beside: bool


@dataclass(frozen=True)
class ShownPicture:
    """The picture of a row."""

    picture: Picture
    shown: ShownRow


@dataclass(frozen=True)
class Equation:
    """An equation, and the code that is it: its function's name, where it stands, its text."""

    text: str
    name: str
    where: str
    code: str


@dataclass(frozen=True)
class Section:
    """A paper. by: its authors and year. cited: whether who cites the page must cite it too.

    about: paragraphs from its module. drawn: how many of its figures were.
    """

    name: str
    title: str
    by: str
    cited: bool
    about: str
    deviations: tuple[str, ...]
    equations: tuple[Equation, ...]
    claims: tuple[ShownRow, ...]
    figures: tuple[ShownRow, ...]
    tally: Mapping[str, int]
    drawn: int
    pictures: tuple[ShownPicture, ...]


def sections(claims: Sequence[ClaimRow], runs: Sequence[Run], results: Path) -> list[Section]:
    """A section for every paper that has claims here, a user's own last; without any claims, for
    those whose experiments were run.
    """
    known = _known()
    if claims:
        claimed = dict.fromkeys(row.paper for row in claims)
        names = [name for name in known if name in claimed]
        names += [name for name in claimed if name not in known]
    else:
        used = {run.config.name for run in runs}
        names = [name for name in known if used & _experiments(known[name])]
    rows = {name: [row for row in claims if row.paper == name] for name in names}
    return [_section(name, known.get(name), rows[name], results) for name in names]


def tally(claims: Sequence[ShownRow]) -> dict[str, int]:
    """How many claims have each verdict."""
    verdicts = [claim.row.verdict for claim in claims]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS}


def _known() -> dict[str, Known]:
    """What stands behind each name of the library: the papers, then the rows beyond them."""
    whole, broken = papers()
    known: dict[str, Known] = {**whole, **broken}
    return known | {name: study for name, study in studies().items() if name not in known}


def _experiments(known: Known) -> set[str]:
    """The experiments whose runs a paper's rows look at."""
    study = known.study if isinstance(known, Paper) else known
    if not isinstance(study, Study):
        return set()
    rows: list[Claim | Drawing] = [*study.claims, *study.drawings]
    return {*study.attacked, *(name for row in rows for name in row.experiments)}


def _section(name: str, known: Known, rows: Sequence[ClaimRow], results: Path) -> Section:
    shown = [_shown(row, results) for row in rows]
    claims = tuple(claim for claim in shown if claim.row.kind != "figure")
    figures = tuple(figure for figure in shown if figure.row.kind == "figure")
    title, by = _cited(name, known)
    about, deviations = _explained(known)
    equations = known.equations if isinstance(known, Paper) else ()
    return Section(
        name=name,
        title=title,
        by=by,
        cited=isinstance(known, Paper) and bool(claims),
        about=about,
        deviations=tuple(deviations),
        equations=tuple(_equation(*equation) for equation in equations),
        claims=claims,
        figures=figures,
        tally=tally(claims),
        drawn=sum(figure.row.verdict == "drawn" for figure in figures),
        pictures=tuple(
            ShownPicture(picture(results / drawn.row.figure, drawn.row.what), drawn)
            for drawn in shown
            if drawn.row.figure and not drawn.missing
        ),
    )


def _cited(name: str, known: Known) -> tuple[str, str]:
    """The title of a paper, and who wrote it."""
    if isinstance(known, Paper):
        return known.title, f"{known.authors}, {known.year}"
    if isinstance(known, Study):
        return known.title, "bioexp"
    if known is None:
        return name, UNKNOWN
    return name, f"its code cannot be imported here: {type(known).__name__}: {known}"


def _shown(row: ClaimRow, results: Path) -> ShownRow:
    finite = _finite_row(row)
    return ShownRow(
        row=finite,
        short=row.id.partition("/")[2],
        rank=(*VERDICTS, "drawn").index(row.verdict),
        strip=_strip(finite),
        missing=row.figure if row.figure and not _is_in(results, row.figure) else "",
        beside=bool(row.controls or row.parts or row.readings or row.null),
    )


def _is_in(results: Path, path: str) -> bool:
    """Whether a picture is there, and in the results."""
    file = results / path
    return file.is_file() and file.resolve().is_relative_to(results.resolve())


def _finite_row(row: ClaimRow) -> ClaimRow:
    """The row without nan and infinities, which no page can draw or sort."""
    finite = {
        "expected": _finite(row.expected),
        "accepted": (_finite(row.accepted[0]), _finite(row.accepted[1])),
        "measured": _finite(row.measured),
        "ci95": _finite_ends(row.ci95),
        "prediction": _finite_ends(row.prediction),
        "controls": tuple(map(_finite_other, row.controls)),
        "parts": tuple(map(_finite_other, row.parts)),
        "readings": tuple(map(_finite_other, row.readings)),
        "null": row.null and _finite_other(row.null),
    }
    return row.model_copy(update=finite)


def _finite_other(other: Other) -> Other:
    """The same of what stands beside it."""
    ends = _finite_ends(other.ci95)
    return other.model_copy(update={"measured": _finite(other.measured), "ci95": ends})


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _finite_ends(ends: tuple[float, float] | None) -> tuple[float, float] | None:
    return ends if ends and all(map(math.isfinite, ends)) else None


def _strip(row: ClaimRow) -> Strip | None:
    """The drawing beside a measure; None where nothing was measured."""
    controls = [control.measured for control in row.controls if control.measured is not None]
    ends, band = row.ci95 or (None, None), row.accepted
    within = [value for value in (row.expected, *ends, *band) if value is not None]
    if row.measured is None or len({row.measured, *within, *controls}) < 2:
        return None
    points = (row.measured, *within, *controls)
    low, width = min(points), max(points) - min(points)

    def at(value: float) -> float:
        return round(6 + 88 * (value - low) / width, 2)

    left, right = band
    return Strip(
        band=None
        if left is right is None
        else (0.0 if left is None else at(left), 100.0 if right is None else at(right)),
        line=(at(row.ci95[0]), at(row.ci95[1])) if row.ci95 else None,
        dot=at(row.measured),
        tick=None if row.expected is None else at(row.expected),
        rings=tuple(map(at, controls)),
    )


def _explained(known: Known) -> tuple[str, list[str]]:
    """What a paper's folder says of it: what comes before the deviations, and each deviation."""
    if not isinstance(known, Paper | Study):
        return "", []
    about, _, rest = inspect.cleandoc(known.about).partition("\nDeviations")
    items = [item.split("\n\n")[0] for item in re.split(r"\n(?=\d+\. )", rest)[1:]]
    return about.strip(), [" ".join(re.sub(r"^\d+\. ", "", item).split()) for item in items]


def _equation(text: str, function: Callable[..., Any]) -> Equation:
    """An equation, and the code that is it, without its docstring."""
    function = inspect.unwrap(function)
    name = getattr(function, "__name__", "")
    try:
        lines, first = inspect.getsourcelines(function)
        file = Path(inspect.getfile(function)).resolve()
    except (OSError, TypeError):
        return Equation(text, name, "source not at hand", "")
    where = file.relative_to(PACKAGE.parent) if file.is_relative_to(PACKAGE.parent) else file.name
    code = _without_docstring(textwrap.dedent("".join(lines)))
    return Equation(text, name, f"{where}:{first}", code)


def _without_docstring(code: str) -> str:
    try:
        (defined,) = ast.parse(code).body
    except (SyntaxError, ValueError):  # a lambda in the middle of a table
        return code.rstrip()
    if (
        not isinstance(defined, ast.FunctionDef | ast.ClassDef)
        or ast.get_docstring(defined) is None
        or len(defined.body) == 1
    ):
        return code.rstrip()
    lines, docstring = code.splitlines(), defined.body[0]
    return "\n".join(lines[: docstring.lineno - 1] + lines[docstring.end_lineno :]).rstrip()
