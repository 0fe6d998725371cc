"""The radius of the ball as people write it: 8/255 or 0.1, pixel values being in [0, 1]. And which
ball it is of, where attacks in both are made.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from numbers import Real
from typing import NamedTuple

from bioexp.types import Attack, UserError

# 4/255, 8/255 and 12/255 are the usual ones for natural images; the larger show where a net must
# break
DEFAULT_EPS = (4 / 255, 8 / 255, 12 / 255, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
# Euclidean lengths, for the attacks in that ball; 28 x 28 pixels hold lengths up to 28
L2_EPS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
LARGEST_L2 = 1e9  # far beyond every image; squares of lengths must fit in single precision

MOST_LISTED = 12  # eps that a reader takes in at once, in a sentence or across a table


class Radii(NamedTuple):
    """The radii of each ball. notes: what became of those given where that is not plain, a line
    each.
    """

    linf: tuple[float, ...]
    l2: tuple[float, ...]
    notes: tuple[str, ...] = ()

    def of(self, attack: Attack) -> tuple[float, ...]:
        """At which radii an attack is made; one that looks for the smallest change has no ball."""
        if attack.kind == "nearest":
            return (math.inf,)
        return self.linf if attack.norm == "linf" else self.l2


def radii(attacks: Mapping[str, Attack], eps: object, eps_l2: object = None) -> Radii:
    """Which radii are meant for these attacks, by name as they were asked for.

    eps: of the L-infinity ball, in [0, 1]; Euclidean lengths where no attack is in that ball and no
        eps_l2 comes. As users give them: a number, several, or "4/255,0.1"; None: the usual ones.
    eps_l2: of the Euclidean ball, in the same ways.
    Raises UserError for what is no number, for one outside its ball's range, and for none at all.
    """
    names = ", ".join(attacks)
    balls = [(name, attack.norm) for name, attack in attacks.items() if attack.kind != "nearest"]
    l2, linf = ([name for name, norm in balls if norm == ball] for ball in ("l2", "linf"))
    given = None if eps is None else _numbers("--eps", eps)
    lengths = None if eps_l2 is None else _lengths("--eps-l2", _numbers("--eps-l2", eps_l2))
    usual = f"noise, which is always made, keeps the usual eps ({listed(DEFAULT_EPS)})"
    notes = []
    if lengths and not l2:
        notes.append(f"--eps-l2: not used: nothing asked for ({names}) takes Euclidean lengths")
    if given and not linf and l2 and not lengths:
        lengths, given = _lengths("--eps", given), None
        notes.append(f"--eps: read as Euclidean lengths, of {', '.join(l2)}; {usual}")
    elif given and not balls:
        given = None
        notes.append(f"--eps: not used: what was asked for ({names}) has no radius; {usual}")
    elif given and l2 and not lengths:
        notes.append(
            f"--eps: of the L-infinity ball; in the Euclidean one ({', '.join(l2)}) the usual "
            f"lengths are used ({listed(L2_EPS)}), or those of --eps-l2"
        )
    pixels = tuple(map(_in_unit, given)) if given else DEFAULT_EPS
    return Radii(pixels, lengths or L2_EPS, tuple(notes))


def show_eps(eps: float) -> str:
    """0.0313… -> "8/255", 0.1 -> "0.1"."""
    levels = eps * 255
    return (
        f"{levels:.0f}/255"
        if 0.5 < levels < 128 and abs(levels - round(levels)) < 1e-4 and round(eps, 3) != eps
        else f"{eps:.4g}"
    )


def labels(eps: Iterable[float]) -> dict[float, str]:
    """What each eps is called beside the others: with all its digits where two would look alike."""
    shown = {value: show_eps(value) for value in eps}
    count = Counter(shown.values())
    return {
        value: text if count[text] == 1 else repr(float(value)) for value, text in shown.items()
    }


def listed(eps: Sequence[float]) -> str:
    """Several eps in a sentence; the first and the last where there are many."""
    shown = list(labels(eps).values())
    if len(shown) <= MOST_LISTED:
        return ", ".join(shown)
    return f"{', '.join(shown[:2])}, …, {shown[-1]} ({len(shown)} of them)"


def _numbers(option: str, given: object) -> tuple[float, ...]:
    """ "4/255,0.1", or one number, or several -> (0.0156…, 0.1), in the order given, without
    repetitions.
    """
    parts: Iterable[object] = (given,)  # also where it is an array without axes
    if isinstance(given, str):
        parts = given.split(",")
    elif isinstance(given, Iterable) and getattr(given, "ndim", None) != 0:
        parts = given
    numbers = dict.fromkeys(_number(option, part) for part in parts)
    if not numbers:
        raise UserError(f"{option}: needs at least one value")
    return tuple(numbers)


def _number(option: str, given: object) -> float:
    value = given.item() if getattr(given, "ndim", None) == 0 else given  # type: ignore[attr-defined]
    try:
        if isinstance(value, str):
            return float(Fraction(value) if "/" in value else value) + 0.0  # no -0
        if isinstance(value, Real) and not isinstance(value, bool):
            return float(value) + 0.0
    except (ValueError, ZeroDivisionError):
        pass
    except OverflowError:
        return math.inf
    shown = f'"{value.strip()}"' if isinstance(value, str) else repr(value)
    raise UserError(f"{option}: expected numbers or fractions such as 4/255,0.1, got {shown}")


def _in_unit(eps: float) -> float:
    if not 0 <= eps <= 1:
        raise UserError(
            f"--eps: must be between 0 and 1 (pixels are in [0, 1]), got {eps:g}; for 8 gray levels"
            " write 8/255, Euclidean lengths go to --eps-l2"
        )
    return eps


def _lengths(option: str, given: tuple[float, ...]) -> tuple[float, ...]:
    """The radii of a Euclidean ball; raises UserError where one is none."""
    for eps in given:
        if not 0 <= eps <= LARGEST_L2:
            raise UserError(
                f"{option}: Euclidean lengths must be between 0 and {LARGEST_L2:g}, got {eps:g}"
            )
    return given
