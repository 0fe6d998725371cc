"""Robustness checks by code: what each is called, what users read, and what may be said when one is red.

A check that lacks its evidence says so: it never passes silently.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bioexp.measures import checks
from bioexp.measures.checks import Evidence, Finding

GRADIENT, WEAK, TEST = "gradient wrong", "attack too weak", "test broken"
ALWAYS = ("S3", "S9", "S10", "S11", "S12", "S13", "S14")  # a claim at one eps reads these at every eps

CHECKS: dict[str, tuple[str, Callable[[Evidence], Finding]]] = {
    "S1": (WEAK, checks.weaker_than_fgsm),
    "S3": (WEAK, checks.survives_everything),
    "S4": (WEAK, checks.noise_is_stronger),
    "S5": (WEAK, checks.rises_with_eps),
    "S6": (WEAK, checks.above_chance),
    "S7": (WEAK, checks.restarts_still_help),
    "S8": (GRADIENT, checks.gradient_is_useless),
    "S9": (GRADIENT, checks.like_noise),
    "S11": (GRADIENT, checks.returns_probabilities),
    "S13": (TEST, checks.files_disagree),
}
MISSING = {  # code: (words, what it waits for)
    "S2": (WEAK, "no black-box or transfer attack was run"),
    "S10": (TEST, "the forward pass was not tested for randomness"),
    "S12": (GRADIENT, "the gradient was not compared with finite differences"),
    "S14": (TEST, "the self-test on nets with a known answer was not run"),
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
        words = {code: of for code, (of, _) in (CHECKS | MISSING).items()}
        flags = [Flag(code, of, "not checked", (), "no image is classified correctly, so none was attacked") for code, of in words.items()]
    else:
        flags = [_flag(code, words, look(evidence)) for code, (words, look) in CHECKS.items()]
        flags += [Flag(code, words, "not checked", (), why) for code, (words, why) in MISSING.items()]
    return tuple(sorted(flags, key=lambda flag: int(flag.code[1:])))


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
