"""The papers that the library re-implements, a folder for each, and the rows beyond them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bioexp.papers.paper import Paper, Study


def _log_net() -> Paper:
    from bioexp.papers.log_net import PAPER

    return PAPER


def _competing_hidden_units() -> Paper:
    from bioexp.papers.competing_hidden_units import PAPER

    return PAPER


def _spatial_nets() -> Paper:
    from bioexp.papers.spatial_nets import PAPER

    return PAPER


def _brain_models() -> Paper:
    from bioexp.papers.brain_models import PAPER

    return PAPER


def _stdp_rule() -> Paper:
    from bioexp.papers.stdp_rule import PAPER

    return PAPER


def _beyond(papers: Mapping[str, Paper]) -> Study:
    from bioexp.papers.beyond import study

    return study(tuple(papers.values()))


# A paper is imported when it is asked for, so that one that is broken leaves the others alone. The
# functions have underscores because an imported folder takes its own name in this module.
TABLE: Mapping[str, Callable[[], Paper]] = {
    "log_net": _log_net,
    "competing_hidden_units": _competing_hidden_units,
    "spatial_nets": _spatial_nets,
    "brain_models": _brain_models,
    "stdp_rule": _stdp_rule,
}


class Papers(NamedTuple):
    """The papers whose modules can be imported, by name; and of the others what is wrong."""

    whole: dict[str, Paper]
    broken: dict[str, Exception]


def papers() -> Papers:
    """Every paper of the table."""
    whole, broken = {}, {}
    for name, paper in TABLE.items():
        try:
            whole[name] = paper()
        except Exception as error:
            broken[name] = error
    return Papers(whole, broken)


def studies() -> dict[str, Study]:
    """What `bioexp reproduce all` reproduces: the rows of every whole paper, then those beyond."""
    whole = papers().whole
    return {name: paper.study for name, paper in whole.items()} | {"beyond": _beyond(whole)}
