"""The nets that the paper's sentences are tried on, and what they are called in rows and notes.

Which one decides: sentences on accuracy and on what the log does, the net with the paper's
accuracy; those on prototypes, the net that one can read; those below a figure that names the
control network, that one. The others are readings, each judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bioexp.experiment import Trained
from bioexp.measures.estimators import Estimator, mean
from bioexp.papers.measuring import each
from bioexp.papers.paper import Measure, Reading

ACCURATE, READABLE, CONTROL = "log_net_unconstrained", "log_net", "log_net_control"
WORDS = {
    ACCURATE: "the unconstrained net, as accurate as the paper's",
    READABLE: "the net whose weights look like digits",
    "log_net_balanced": "constrained, a smaller step for w2",
    "log_net_joint": "constrained, both layers by Adam",
    CONTROL: "the net of the heuristic",
}


def readings(
    decides: str,
    number: Callable[[str], Measure],
    accepted: tuple[float, float],
    nets: Sequence[str] = tuple(WORDS),
    estimator: Estimator = mean,
) -> tuple[Reading, ...]:
    """The same sentence of every other net; notes call them by the end of their name."""
    return tuple(
        Reading(WORDS[net], number(net), accepted, estimator, name=short(net))
        for net in nets
        if net != decides
    )


def short(net: str) -> str:
    """What notes call a net: joint for log_net_joint; log_net is readable."""
    return net.removeprefix("log_net_") if net != READABLE else "readable"


def of(number: Callable[[Trained], float]) -> Callable[[str], Measure]:
    """The number of every seed of a net."""
    return lambda net: each(net, number)
