"""The radius of the ball as people write it: 8/255 or 0.1, pixel values being in [0, 1]."""

import math
from fractions import Fraction

from bioexp.types import UserError

# 4/255, 8/255 and 12/255 are the usual ones for natural images; the larger show where a net must
# break
DEFAULT_EPS = (4 / 255, 8 / 255, 12 / 255, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
# Euclidean lengths, for the attacks in that ball; 28 x 28 pixels hold lengths up to 28
L2_EPS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0)


def parse_eps(text: str) -> tuple[float, ...]:
    """ "4/255,0.1" -> (0.0156…, 0.1), in the order given, without repetitions.

    Raises UserError for what is no number or fraction, and for what is outside [0, 1].
    """
    return tuple(dict.fromkeys(_number(part.strip()) for part in text.split(",")))


def check_eps(eps: float) -> float:
    """eps itself; raises UserError when it is outside [0, 1]."""
    if not (math.isfinite(eps) and 0 <= eps <= 1):
        raise UserError(
            f"--eps: must be between 0 and 1 (pixels are in [0, 1]), got {eps:g}; for 8 gray levels"
            " write 8/255"
        )
    return eps


def show_eps(eps: float) -> str:
    """0.0313… -> "8/255", 0.1 -> "0.1"."""
    levels = eps * 255
    return (
        f"{levels:.0f}/255"
        if 0.5 < levels < 128 and abs(levels - round(levels)) < 1e-4 and round(eps, 3) != eps
        else f"{eps:.4g}"
    )


def _number(text: str) -> float:
    try:
        value = float(Fraction(text))
    except (ValueError, ZeroDivisionError):
        raise UserError(
            f'--eps: expected numbers or fractions such as 4/255,0.1, got "{text}"'
        ) from None
    except OverflowError:
        raise UserError(f'--eps: must be between 0 and 1, got "{text}"') from None
    return check_eps(value)
