"""What none of the papers has: every rule on every image dataset, every net under every attack,
claims beside their controls.

The other rows of the ledger's last part (more rules, masking, information, many classes) are drawn
by the papers they extend.

Deviations, and what each costs
1. Image datasets are MNIST and Fashion-MNIST; CIFAR-10 is left out, whose archive may not be at
   hand. Nothing is said on color.
2. One setting for all rules of a kind, two epochs, nothing tuned. A rule that needs another rate
   looks worse than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bioexp.papers.beyond.figures import rule_by_attack, rule_by_dataset
from bioexp.papers.beyond.measures import BY_DATASET
from bioexp.papers.beyond.overview import controls
from bioexp.papers.paper import Drawing, Overview, Paper, Study


def study(papers: Sequence[Paper]) -> Study:
    """Figures over the runs of these papers; their experiments are trained as they train them."""
    studies = [paper.study for paper in papers]
    attacked = tuple(name for study in studies for name in study.attacked)
    return Study(
        name="beyond",
        title="Beyond the papers",
        about=__doc__ or "",
        configs=("rule_by_dataset", *(config for study in studies for config in study.configs)),
        drawings=(
            Drawing(
                "beyond/rule_by_dataset",
                "",
                "every rule on every image dataset, mean and 95 % interval over seeds",
                BY_DATASET,
                rule_by_dataset,
            ),
            Drawing(
                "beyond/rule_by_attack",
                "",
                "the attacked nets under the ladder of attacks, with flags",
                attacked,
                partial(rule_by_attack, attacked),
            ),
        ),
        overviews=(
            Overview(
                "beyond/controls",
                "",
                "every claim beside its null or the control that would explain it away",
                controls,
            ),
        ),
        claims=(),
        attacked=attacked,
        repeated=tuple(name for study in studies for name in study.repeated),
        single=tuple(name for study in studies for name in study.single),
        seeds={name: count for study in studies for name, count in study.seeds.items()},
        full={name: long for study in studies for name, long in study.full.items()},
    )
