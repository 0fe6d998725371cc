"""What the log network's document claims, and how each sentence is measured."""

from __future__ import annotations

from collections.abc import Sequence

from bioexp.papers.log_net import log_net, own_images
from bioexp.types import Claim, Evidence, Paper


def accuracy(config: str, evidence: Evidence) -> Sequence[float]:
    return [trained.run.summary["test_accuracy"] for trained in evidence[config]]


PAPER = Paper(
    name="log_net",
    title="A Biophysically Inspired Neural Network",
    authors="Robin Thériault and Paul François",
    year=2021,
    configs=(
        "log_net",
        "log_net_balanced",
        "log_net_unconstrained",
        "log_net_joint",
        "log_net_control",
        "relu_net",
        "sigmoid_net",
        "linear_softmax",
        "class_mean",
    ),
    models={"log_net": log_net},
    rules={"own_images": own_images},
    drawings=(),
    claims=(
        Claim(
            id="log_net/acc_log",
            kind="number",
            where="About Linearity and Non-Linearity",
            what="test accuracy of the log net",
            measured="test accuracy",
            expected=0.9178,
            accepted=(0.9078, 0.9278),
            configs=("log_net_unconstrained", "log_net", "log_net_balanced", "log_net_joint", "log_net_control"),
            measure=lambda evidence: accuracy("log_net_unconstrained", evidence),
        ),
    ),
)
