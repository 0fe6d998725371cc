"""Whether some of the examples can stand for all: of data sorted by class, the first or the last
ones are of one class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bioexp.types import UserError

if TYPE_CHECKING:
    import numpy as np

RARE = 1e-4  # how often examples in random order may be taken for sorted ones, at most
NAMED = 5  # classes whose counts are in a message


def refuse_lopsided(where: str, part: np.ndarray, whole: np.ndarray, remedy: str) -> None:
    """Raises UserError with the counts where these labels cannot stand for all; `where` ends with
    what takes them.
    """
    if is_lopsided(part, whole):
        raise UserError(
            f"{where} {counted(part, whole)}, as examples in random order would not be; {remedy}"
        )


def is_lopsided(part: np.ndarray, whole: np.ndarray) -> bool:
    """Whether a class has less than half or more than twice its share, and examples in random order
    would hardly ever give it that (Chernoff's bound, over all classes, below 1 in 10,000).
    """
    import numpy as np

    counts, total = _counts(part, whole)
    n, share = counts.sum(), total / total.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        own = counts / n
        apart = np.where(own > 0, own * np.log(own / share), 0)
        apart += np.where(own < 1, (1 - own) * np.log((1 - own) / (1 - share)), 0)
    gross = (own < share / 2) | (own > 2 * share)
    return bool((gross & (len(counts) * np.exp(-n * apart) < RARE)).any())


def lacks(part: np.ndarray, whole: np.ndarray) -> bool:
    """Whether there is a class that these labels do not name."""
    counts, _ = _counts(part, whole)
    return bool((counts == 0).any())


def counted(part: np.ndarray, whole: np.ndarray) -> str:
    """How many examples these are, and of which classes: the most frequent and those absent."""
    import numpy as np

    classes, (counts, _) = np.unique(whole), _counts(part, whole)
    frequent = np.argsort(-counts, kind="stable")[:NAMED]
    words = [f"{counts[i]:,} of class {classes[i]}" for i in frequent if counts[i]]
    if (absent := classes[counts == 0]).size:
        more = ", …" if absent.size > NAMED else ""
        words.append(f"none of {', '.join(map(str, absent[:NAMED]))}{more}")
    return (
        f"{len(part):,} of {len(whole):,} examples, of {np.count_nonzero(counts)} of"
        f" {len(classes)} classes ({', '.join(words)})"
    )


def _counts(part: np.ndarray, whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each class that there is: how many there are in the part, and in the whole."""
    import numpy as np

    classes, total = np.unique(whole, return_counts=True)
    places = np.searchsorted(classes, part.ravel())
    return np.bincount(places, minlength=len(classes)), total
