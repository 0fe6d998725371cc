"""A paper of one's own: bioexp reproduce configs/examples/my_paper.py:PAPER

Deviations, and what each costs

1. The paper does not exist. Cost: none.
"""

from math import inf

from bioexp.figures.canvas import canvas
from bioexp.papers.measuring import accuracy, each
from bioexp.papers.nulls import untrained
from bioexp.papers.paper import Claim, Control, Drawing, Note, Paper, Study


def curves(evidence):
    figure = canvas(4.0, 3.0)
    axes = figure.add_subplot(xlabel="step", ylabel="training loss")
    for trained in evidence["my_paper"]:
        metrics = trained.run.metrics
        axes.plot(
            [record["step"] for record in metrics], [record["train_loss"] for record in metrics]
        )
    return figure


PAPER = Paper(
    study=Study(
        name="my_paper",
        title="Bars are Easy",
        about=__doc__,
        configs=("my_paper",),  # my_paper.yaml, beside this file
        drawings=(Drawing("my_paper/fig1", "Fig. 1", "the loss falls", ("my_paper",), curves),),
        claims=(
            Claim(
                id="my_paper/learns",
                kind="claim",
                where="p. 1",
                what="squares tell rows from columns",
                measured="test accuracy",
                accepted=(0.9, inf),
                experiments=("my_paper",),
                measure=each("my_paper", accuracy),
                null=Control("before training", untrained(each("my_paper", accuracy))),
                notes=(Note("{measured:.2f}, against {null:.2f} before training"),),
            ),
        ),
    ),
    authors="Nobody",
    year=2000,
)
