"""A document of one's own: bioexp reproduce configs/examples/my_paper.py:PAPER

Deviations, and what each costs

1. The document does not exist. Cost: none.
"""

from math import inf

from bioexp.figures.canvas import canvas
from bioexp.papers.paper import Claim, Control, Drawing, Paper


def accuracy(evidence):
    return [one.run.summary["test_accuracy"] for one in evidence["my_paper"]]


def curves(evidence):
    figure = canvas(4.0, 3.0)
    axes = figure.add_subplot(xlabel="step", ylabel="training loss")
    for one in evidence["my_paper"]:
        axes.plot(
            [record["step"] for record in one.run.metrics],
            [record["train_loss"] for record in one.run.metrics],
        )
    return figure


PAPER = Paper(
    name="my_paper",
    title="Bars are Easy",
    authors="Nobody",
    year=2000,
    configs=("my_paper",),  # my_paper.yaml, beside this file
    models={},
    rules={},
    drawings=(Drawing("my_paper/fig1", "Fig. 1", "the loss falls", ("my_paper",), curves),),
    claims=(
        Claim(
            id="my_paper/learns",
            kind="claim",
            where="p. 1",
            what="squares tell rows from columns",
            measured="test accuracy",
            accepted=(0.9, inf),
            configs=("my_paper",),
            measure=accuracy,
            controls=(
                Control(
                    "always the same answer", lambda evidence: [0.5 for _ in evidence["my_paper"]]
                ),
            ),
            why="a row and a column cannot be told apart",
        ),
    ),
)
