"""What a paper is here: its rows, how each is measured or drawn, and the experiments that they
need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bioexp.experiment import Trained
from bioexp.measures.estimators import Estimate, Estimator, mean
from bioexp.types import Model, Objective, Rule

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

# The runs that a claim or a figure may look at, by the experiment's name: one for each seed, in the
# order of the seeds. One with axes has all its variants there, each with all its seeds.
Evidence = Mapping[str, Sequence[Trained]]
Measure = Callable[[Evidence], Mapping[int, float]]  # by seed: differences pair by it


@dataclass(frozen=True)
class Control:
    """The same measure where the claim should not hold: what it is, and its value per seed.

    flagged: the experiments whose red checks are said beside it, where it is a robust accuracy.
    name: what notes call it.
    """

    what: str
    measure: Measure
    flagged: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Reading:
    """A part of a claim that must hold too, or another way to take its sentence: what is measured,
    and what is accepted.

    name: what notes call it. expected: the paper's number.
    """

    what: str
    measure: Measure
    accepted: tuple[float, float]
    estimator: Estimator = mean
    name: str = ""
    expected: float | None = None


@dataclass(frozen=True)
class Numbers:
    """What a row says in numbers, from which its notes are made: its verdict, the paper's number,
    and estimates by name: `measured`, then those of its controls, parts, readings and null.
    """

    verdict: str
    expected: float | None
    named: Mapping[str, Estimate]

    def __getitem__(self, name: str) -> Estimate:
        return self.named[name]


@dataclass(frozen=True)
class Note:
    """A sentence on what was found, made from numbers: "{control:.2f} without the log", where
    names are those of Numbers, {control.low:.2f} the end of an interval, {expected} and {verdict}
    the row's own.

    when: the measured condition under which it is true; always where it only tells numbers.
    """

    text: str
    when: Callable[[Numbers], bool] | None = None


def fails(numbers: Numbers) -> bool:
    """Whether the claim is not reproduced."""
    return numbers.verdict == "not reproduced"


def holds(numbers: Numbers) -> bool:
    """Whether the measure is within what is accepted, whatever that is worth."""
    return numbers.verdict in ("reproduced", "holds trivially", "fitted")


@dataclass(frozen=True)
class Claim:
    """A number or sentence of a paper, and how it is tested.

    id: as in the ledger, "log_net/acc_log". where: its place in the paper. what: what it says.
    measured: what the value is, in words. expected: the paper's number; None for a sentence.
    accepted: the claim is reproduced when the whole interval of the measure lies in here, ends
        included.
    experiments: whose runs it needs; the first is the one it is about. measure(evidence) -> one
        value per seed.
    estimator: what makes an interval of these values.
    parts: what must hold as well, each by itself, at a joint level of 95 % (Holm).
    readings: other ways to take the sentence, each judged; decides: why this one decides.
    null: the same measure where the claim cannot be true. Where it passes, too, the claim "holds
        trivially". trivial: why the bar cannot fail, where no null can be measured.
    fitted: what was chosen by looking at the paper's number, so that agreement is no evidence.
    notes: what was found, in sentences made from the numbers.
    flagged: the experiments whose red checks leave a claim on robustness undecided.
    share: whether the measure is a share of the test images: with one seed its interval is then
        binomial over them.
    per_image: the measure image by image, a row for each seed, so that its interval is over
        images, too.
    one_net: whether the paper's number is that of a single net: where one more seed would lie is
        then shown beside the interval of the mean.
    timing: whether it is a wall time of other hardware, which is shown as a ratio and never judged.
    draw: a picture that shows it.
    """

    id: str
    kind: Literal["number", "claim"]
    where: str
    what: str
    measured: str
    accepted: tuple[float, float]
    experiments: tuple[str, ...]
    measure: Measure
    expected: float | None = None
    estimator: Estimator = mean
    controls: tuple[Control, ...] = ()
    parts: tuple[Reading, ...] = ()
    readings: tuple[Reading, ...] = ()
    decides: str = ""
    null: Control | None = None
    trivial: str = ""
    fitted: str = ""
    notes: tuple[Note, ...] = ()
    flagged: tuple[str, ...] = ()
    share: bool = False
    per_image: Callable[[Evidence], np.ndarray] | None = None
    one_net: bool = False
    timing: bool = False
    draw: Callable[[Evidence], Figure] | None = None


@dataclass(frozen=True)
class Drawing:
    """A figure of a paper: what it shows there (its caption here), and how it is drawn again
    from runs.
    """

    id: str
    where: str
    what: str
    experiments: tuple[str, ...]
    draw: Callable[[Evidence], Figure]


@dataclass(frozen=True)
class Outcome:
    """What a judged claim came to, as overviews show it: id is its row's. readings: by name, each
    with its verdict.
    """

    id: str
    verdict: str
    accepted: tuple[float | None, float | None]
    measured: Estimate
    null: Estimate | None
    controls: tuple[Estimate, ...]
    readings: Mapping[str, tuple[Estimate, str]]


@dataclass(frozen=True)
class Overview:
    """A figure of what all claims came to, those of other studies too; drawn once all are judged.

    Its fields are those of a Drawing, but for what it is drawn from.
    """

    id: str
    where: str
    what: str
    draw: Callable[[Sequence[Outcome]], Figure]


@dataclass(frozen=True)
class Study:
    """Rows to be measured or drawn, and the experiments that they need.

    name: the first word of its rows' ids. configs: files, by their path below configs/, without
        .yaml ("log_net", "log_net/nets"); an experiment is called by the name inside.
    attacked: the experiments whose robustness is judged, with more seeds. repeated: others that
        need as many. single: those so large that the profile `laptop` trains one seed. seeds: how
        many those have that a claim needs more of.
    full: what the profile `paper` trains in place of an experiment.
    folder: where the configs of a user's own study lie; None for bioexp's.
    about: citation and numbered deviations, the docstring of its folder.
    """

    name: str
    title: str
    configs: tuple[str, ...]
    drawings: tuple[Drawing, ...]
    claims: tuple[Claim, ...]
    attacked: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    single: tuple[str, ...] = ()
    seeds: Mapping[str, int] = field(default_factory=dict)
    full: Mapping[str, str] = field(default_factory=dict)
    overviews: tuple[Overview, ...] = ()
    folder: Path | None = None
    about: str = ""


@dataclass(frozen=True)
class Paper:
    """A paper the library re-implements, with the models, rules and objectives only it uses.

    headlines: the claims on the accuracy (or the error) of a net as it is trained, which
        `bioexp train` prints beside its own. equations: what the report explains, each with the
        function that is it.
    """

    study: Study
    authors: str
    year: int
    models: Mapping[str, Callable[..., Model]] = field(default_factory=dict)
    rules: Mapping[str, Callable[..., Rule]] = field(default_factory=dict)
    objectives: Mapping[str, Callable[..., Objective]] = field(default_factory=dict)
    headlines: Mapping[str, Literal["accuracy", "error"]] = field(default_factory=dict)
    equations: tuple[tuple[str, Callable[..., Any]], ...] = ()

    @property
    def name(self) -> str:
        """What the command line and the ids of its rows call it."""
        return self.study.name

    @property
    def title(self) -> str:
        """The title on its first page."""
        return self.study.title

    @property
    def about(self) -> str:
        """Citation and deviations."""
        return self.study.about
