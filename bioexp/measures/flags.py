"""Robustness checks by code: what each is called, what users read, and what may be said when one is red.

A check that lacks its evidence says so: it never passes silently.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bioexp.measures import checks
from bioexp.measures.checks import Evidence, Finding
from bioexp.measures.contract import forward_is_random, gradient_is_another
from bioexp.measures.self_test import self_test_fails

GRADIENT, WEAK, TEST = "gradient wrong", "attack too weak", "test broken"
ALWAYS = ("S3", "S9", "S10", "S11", "S12", "S13", "S14")  # a claim at one eps reads these at every eps

CHECKS: dict[str, tuple[str, Callable[[Evidence], Finding]]] = {
    "S1": (WEAK, checks.weaker_than_fgsm),
    "S2": (WEAK, checks.black_box_is_stronger),
    "S3": (WEAK, checks.survives_everything),
    "S4": (WEAK, checks.noise_is_stronger),
    "S5": (WEAK, checks.rises_with_eps),
    "S6": (WEAK, checks.above_chance),
    "S7": (WEAK, checks.more_effort_helps),
    "S8": (GRADIENT, checks.gradient_is_useless),
    "S9": (GRADIENT, checks.like_noise),
    "S10": (TEST, forward_is_random),
    "S11": (GRADIENT, checks.returns_probabilities),
    "S12": (GRADIENT, gradient_is_another),
    "S13": (TEST, checks.files_disagree),
    "S14": (TEST, self_test_fails),
}


@dataclass(frozen=True)
class Flag:
    """A check's verdict: its code, what users read, the eps at which it is red (none: at all of them), one plain sentence."""

    code: str
    words: str
    state: Literal["red", "quiet", "not checked"]
    eps: tuple[float, ...]
    sentence: str

    def reads_at(self, eps: float) -> bool:
        """Whether a claim at this eps depends on the check."""
        return self.code in ALWAYS or not self.eps or eps in self.eps


def check(evidence: Evidence) -> tuple[Flag, ...]:
    """Every check of the protocol, in order of its code."""
    if not evidence.clean.any():
        nothing = "no image is classified correctly, so none was attacked"
        return tuple(_flag(code, words, nothing) for code, (words, _) in CHECKS.items())
    return tuple(_flag(code, words, look(evidence)) for code, (words, look) in CHECKS.items())


def verdict(flags: Iterable[Flag], eps: float) -> str:
    """What may be said of the worst case at this eps: the three words for the red checks, and what was not checked."""
    flags = tuple(flags)
    red = [flag for flag in flags if flag.state == "red" and flag.reads_at(eps)]
    if red:
        return "NOT established: " + ", ".join(f"{words} ({' '.join(f.code for f in red if f.words == words)})" for words in _words(red))
    unchecked = [flag.code for flag in flags if flag.state == "not checked"]
    return "no flag" + (f"; not checked: {' '.join(unchecked)}" if unchecked else "")


def _flag(code: str, words: str, finding: Finding) -> Flag:
    if finding is None:
        return Flag(code, words, "quiet", (), "")
    if isinstance(finding, str):
        return Flag(code, words, "not checked", (), finding)
    return Flag(code, words, "red", tuple(finding[0]), finding[1])


def _words(flags: Sequence[Flag]) -> list[str]:
    return list(dict.fromkeys(flag.words for flag in flags))
