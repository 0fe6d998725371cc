"""What the figures over all papers show: rules by dataset, nets by attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bioexp.attacks.eps import show_eps
from bioexp.experiment import Experiment, Trained
from bioexp.measures.estimators import Estimate, mean
from bioexp.measures.interval import LEVEL
from bioexp.papers.measuring import EPS, accuracy, by_seed
from bioexp.papers.paper import Evidence
from bioexp.records import Robustness
from bioexp.robustness.stored import table_of
from bioexp.robustness.table import CLEAN, WORST

# The experiments of configs/rule_by_dataset.yaml: rules on one ordinary net, and those with their
# paper's.
BY_DATASET = ("rule_by_dataset", "rule_by_dataset_own")
FROZEN = "frozen hidden"  # the control that learns its read-out only


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
    """An experiment under the ladder of attacks, over seeds: accuracy by column, None for an attack
    that was not made; the words of what is red at EPS; and how many images were attacked.
    """

    name: str
    seeds: int
    accuracy: dict[str, Estimate | None]
    red: str
    images: tuple[int, ...]


class Column(NamedTuple):
    """An attack at one eps (None: clean), and what it is called."""

    attack: str
    eps: float | None
    name: str


def attacked_nets(attacked: Sequence[str], evidence: Evidence) -> list[AttackedNet]:
    """Every variant of the attacked experiments that has tables, all with the same columns: clean,
    every attack at EPS, the worst case at every eps, and attacks in the Euclidean ball.
    """
    groups: dict[str, dict[int, Robustness]] = {}
    for trained in (trained for name in attacked for trained in evidence[name]):
        if table := table_of(trained.run.path):
            groups.setdefault(_name(trained.experiment), {})[trained.seed] = table
    columns = _columns([table for seeds in groups.values() for table in seeds.values()])
    return [
        AttackedNet(
            name,
            len(seeds),
            {column.name: _accuracy(seeds, column) for column in columns},
            _red(seeds),
            tuple(sorted({table.n for table in seeds.values()})),
        )
        for name, seeds in groups.items()
    ]


def _columns(tables: Sequence[Robustness]) -> list[Column]:
    """What there is to show; eps that are shared by no other net are left out."""
    rows = [row for table in tables for row in table.rows]
    single = dict.fromkeys(row.attack for row in rows if row.attack not in (CLEAN, WORST))
    everywhere = set.intersection(*({row.eps for row in table.rows} for table in tables))
    eps = sorted(value for value in everywhere if value is not None)
    euclidean = dict.fromkeys((row.attack, row.eps) for table in tables for row in table.l2)
    return [
        Column(CLEAN, None, CLEAN),
        *(Column(name, EPS, f"{name} {EPS:g}") for name in single),
        *(Column(WORST, value, f"{WORST} {show_eps(value)}") for value in eps),
        *(
            Column(name, length, f"{name} {show_eps(length)}")
            for name, length in euclidean
            if length is not None
        ),
    ]


def _name(experiment: Experiment) -> str:
    """As the command line calls it: stdp_ladder/rule=stable."""
    variant = ",".join(f"{axis}={name}" for axis, name in experiment.variant.items())
    return f"{experiment.folder}/{variant}" if variant else experiment.folder


def _accuracy(seeds: Mapping[int, Robustness], column: Column) -> Estimate | None:
    """Over seeds; None where the attack was not made."""
    values = {
        seed: row.accuracy
        for seed, table in seeds.items()
        for row in (*table.rows, *table.l2)
        if row.attack == column.attack and row.eps == column.eps
    }
    return _over_seeds(values) if values else None


def _red(seeds: Mapping[int, Robustness]) -> str:
    """The words of the checks that are red at EPS for some seed."""
    flags = (flag for table in seeds.values() for flag in table.flags)
    red = (flag for flag in flags if flag.state == "red" and flag.reads_at(EPS))
    return ", ".join(sorted({f"{flag.words} ({flag.code})" for flag in red}))


def _over_seeds(values: Mapping[int, float]) -> Estimate:
    return mean.estimate(list(values.values()), LEVEL)
