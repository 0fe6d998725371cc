"""The backprop twin of a net: the first other one that backprop alone trained on the same data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from bioexp.experiment import Experiment, Run

Twin = TypeVar("Twin")


class Kind(NamedTuple):
    """What decides who is whose twin: the rules of its stages, and its data."""

    rules: tuple[str, ...]
    data: object

    @property
    def by_backprop(self) -> bool:
        """Whether nothing else trained it."""
        return all(rule == "backprop" for rule in self.rules)


def kind_of_run(run: Run) -> Kind:
    """The kind of a finished run; its data is known by its digest."""
    data = (run.provenance.dataset.digest, run.summary.n_test, run.summary.test_loss is None)
    return Kind(tuple(stage.rule.name for stage in run.config.stages), data)


def kind_of_experiment(experiment: Experiment) -> Kind:
    """The kind of an experiment that may not be trained yet; its data is known by its config."""
    rules = tuple(stage.rule.name for stage in experiment.stages)
    return Kind(rules, (experiment.dataset.name, repr(experiment.dataset.options)))


def twin_of(own: Kind, others: Iterable[tuple[Kind, Twin]]) -> Twin | None:
    """The twin among others; None where there is none, or where backprop trained the net itself."""
    if own.by_backprop:
        return None
    return next((net for kind, net in others if kind.by_backprop and kind.data == own.data), None)
