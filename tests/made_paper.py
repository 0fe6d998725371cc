"""A paper made for tests: two experiments, one of which cannot be trained; figures, claims, and how
to put it in the place of all others.
"""

from dataclasses import replace
from math import inf

from bioexp import papers
from bioexp.figures.canvas import canvas
from bioexp.papers.measuring import accuracy, each
from bioexp.papers.paper import Claim, Control, Drawing, Note, Paper, Study, fails
from bioexp.runs.tasks import Asked

__all__ = ["Asked"]
LADDER = ("noise", "fgsm")


def survivors(evidence):
    """Share that survives FGSM, by seed."""
    nets = evidence["small"]
    return {trained.seed: float(trained.attacks["fgsm"].correct.mean()) for trained in nets}


def picture(evidence):
    figure = canvas(2.0, 2.0)
    figure.add_subplot().set_title(f"{len(evidence['small'])} seeds")
    return figure


ACCURACY = each("small", accuracy)


def claim(name, accepted, experiments=("small",), measure=ACCURACY, **more):
    said = (f"made/{name}", "claim", "p. 1", f"what {name} says", "a measure")
    return Claim(*said, accepted, experiments, measure, **more)


PAPER = Paper(
    study=Study(
        name="made",
        title="A Made Paper",
        configs=("small", "broken"),
        drawings=(
            Drawing("made/fig1", "fig. 1", "a picture", ("small",), picture),
            Drawing("made/fig2", "fig. 2", "none", ("broken",), picture),
        ),
        claims=(
            claim("holds", (-5.0, inf), controls=(Control("under attack", survivors),)),
            claim("fails", (2.0, inf), notes=(Note("accuracies end at one", fails),)),
            claim("absent", (0.0, inf), experiments=("broken",)),
            claim("attacked", (-5.0, 5.0), measure=survivors),
        ),
        attacked=("small",),
    ),
    authors="Nobody",
    year=2000,
)


def changed(**fields) -> Paper:
    """The paper with other fields of its study."""
    return replace(PAPER, study=replace(PAPER.study, **fields))


def publish(monkeypatch, broken: Exception | None = None, **whole: Paper) -> None:
    """These papers instead of bioexp's, with nothing beyond them; and one called `broken`."""

    def unread():
        raise broken

    table = {name: lambda paper=paper: paper for name, paper in whole.items()}
    monkeypatch.setattr(papers, "TABLE", table | ({"broken": unread} if broken else {}))
    nothing = Study("beyond", "Beyond the papers", configs=(), drawings=(), claims=())
    monkeypatch.setattr(papers, "_beyond", lambda whole: nothing)
