"""Robustness checks by code: what each is called, what users read, and what may be said when one is
red.

A check that lacks its evidence says so: it never passes silently.
"""

from collections.abc import Callable, Iterable, Sequence

from bioexp.records import Flag
from bioexp.robustness import checks
from bioexp.robustness.checks import Evidence, Finding
from bioexp.robustness.contract import forward_is_random, gradient_is_another
from bioexp.robustness.self_test import self_test_fails

GRADIENT, WEAK, TEST = "gradient wrong", "attack too weak", "test broken"

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


def check(evidence: Evidence) -> tuple[Flag, ...]:
    """Every check of the protocol, in order of its code."""
    if not evidence.clean.any():
        nothing = "no image is classified correctly, so none was attacked"
        return tuple(_flag(code, words, nothing) for code, (words, _) in CHECKS.items())
    return tuple(_flag(code, words, look(evidence)) for code, (words, look) in CHECKS.items())


def verdict(flags: Iterable[Flag], eps: float) -> str:
    """What may be said of the worst case at this eps: the three words for the red checks, and what
    was not checked.
    """
    flags = tuple(flags)
    red = [flag for flag in flags if flag.state == "red" and flag.reads_at(eps)]
    if red:
        return "NOT established: " + ", ".join(
            f"{words} ({' '.join(f.code for f in red if f.words == words)})"
            for words in _words(red)
        )
    unchecked = [flag.code for flag in flags if flag.state == "not checked"]
    return "no flag" + (f"; not checked: {' '.join(unchecked)}" if unchecked else "")


def _flag(code: str, words: str, finding: Finding) -> Flag:
    if finding is None:
        return Flag(code=code, words=words, state="quiet", eps=(), sentence="")
    if isinstance(finding, str):
        return Flag(code=code, words=words, state="not checked", eps=(), sentence=finding)
    eps, sentence = finding
    return Flag(code=code, words=words, state="red", eps=tuple(map(float, eps)), sentence=sentence)


def _words(flags: Sequence[Flag]) -> list[str]:
    return list(dict.fromkeys(flag.words for flag in flags))
