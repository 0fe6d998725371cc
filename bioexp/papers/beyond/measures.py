"""What the figures over all papers show: rules by dataset, nets by attack, claims beside their
controls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bioexp.experiment import Experiment, Trained
from bioexp.measures.estimators import Estimate, mean
from bioexp.measures.interval import LEVEL
from bioexp.papers.measuring import EPS, accuracy, by_seed
from bioexp.papers.paper import Claim, Evidence, Measure
from bioexp.records import Robustness
from bioexp.robustness.stored import table_of
from bioexp.robustness.table import CLEAN, WORST

# The experiments of configs/rule_by_dataset.yaml: rules on one ordinary net, and those with their
# paper's.
BY_DATASET = ("rule_by_dataset", "rule_by_dataset_own")


class Scores(NamedTuple):
    """Test accuracy of every rule on one dataset, over seeds."""

    rules: dict[str, Estimate]
    seeds: int
    n_test: int


def scores(evidence: Evidence) -> dict[str, Scores]:
    """By dataset; a rule with a net of its own is marked by a star."""
    nets: dict[str, dict[str, list[Trained]]] = {}
    for name in BY_DATASET:
        for trained in evidence[name]:
            rules = nets.setdefault(trained.dataset.name, {})
            rules.setdefault(_rule(trained.experiment), []).append(trained)
    return {dataset: _scores(rules) for dataset, rules in nets.items()}


def _scores(nets: Mapping[str, Sequence[Trained]]) -> Scores:
    found = {rule: _over_seeds(by_seed(seeds, accuracy)) for rule, seeds in nets.items()}
    first = next(iter(nets.values()))
    return Scores(found, len(first), first[0].run.summary.n_test)


def _rule(experiment: Experiment) -> str:
    star = "" if experiment.model.name == "mlp" else " *"
    return f"{experiment.variant['rule'].replace('_', ' ')}{star}"


class AttackedNet(NamedTuple):
    """An experiment under the ladder of attacks, over seeds: accuracy at EPS by attack, None for
    one that was not made; the words of what is red at EPS; and how many images were attacked.
    """

    name: str
    seeds: int
    accuracy: dict[str, Estimate | None]
    red: str
    images: tuple[int, ...]


def attacked_nets(attacked: Sequence[str], evidence: Evidence) -> list[AttackedNet]:
    """Every variant of the attacked experiments that has tables, all with the same attacks: clean
    first, the worst case last.
    """
    groups: dict[str, dict[int, Robustness]] = {}
    for trained in (trained for name in attacked for trained in evidence[name]):
        if table := table_of(trained.run.path):
            groups.setdefault(_name(trained.experiment), {})[trained.seed] = table
    tables = [table for seeds in groups.values() for table in seeds.values()]
    made = dict.fromkeys(row.attack for table in tables for row in table.rows)
    attacks = (CLEAN, *(name for name in made if name not in (CLEAN, WORST)), WORST)
    return [
        AttackedNet(
            name,
            len(seeds),
            {attack: _accuracy(seeds, attack) for attack in attacks},
            _red(seeds),
            tuple(sorted({table.n for table in seeds.values()})),
        )
        for name, seeds in groups.items()
    ]


def _name(experiment: Experiment) -> str:
    """As the command line calls it: stdp_ladder/rule=stable."""
    variant = ",".join(f"{axis}={name}" for axis, name in experiment.variant.items())
    return f"{experiment.folder}/{variant}" if variant else experiment.folder


def _accuracy(seeds: Mapping[int, Robustness], attack: str) -> Estimate | None:
    """Over seeds at EPS, or clean; None where the attack was not made."""
    eps = None if attack == CLEAN else EPS
    values = {
        seed: row.accuracy
        for seed, table in seeds.items()
        for row in table.rows
        if row.attack == attack and row.eps == eps
    }
    return _over_seeds(values) if values else None


def _red(seeds: Mapping[int, Robustness]) -> str:
    """The words of the checks that are red at EPS for some seed."""
    flags = (flag for table in seeds.values() for flag in table.flags)
    red = (flag for flag in flags if flag.state == "red" and flag.reads_at(EPS))
    return ", ".join(sorted({f"{flag.words} ({flag.code})" for flag in red}))


class Compared(NamedTuple):
    """A claim and then its controls, each with what it is called, over seeds."""

    claim: Claim
    values: list[tuple[str, Estimate]]


def controlled(claims: Sequence[Claim], evidence: Evidence) -> list[Compared]:
    """Each of these claims beside the controls that would explain it away."""
    return [
        Compared(
            claim,
            [(what, _over_seeds(measure(evidence))) for what, measure in _measures(claim)],
        )
        for claim in claims
    ]


def _measures(claim: Claim) -> list[tuple[str, Measure]]:
    controls = [(control.what, control.measure) for control in claim.controls]
    return [(claim.measured, claim.measure), *controls]


def _over_seeds(values: Mapping[int, float]) -> Estimate:
    return mean.estimate(list(values.values()), LEVEL)
