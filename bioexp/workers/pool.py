"""Workers as a launcher sees them, wherever they run."""

from collections.abc import Callable
from typing import NamedTuple


class Workers(NamedTuple):
    """name: for the user. look: seconds between two looks at them. alive(): whether one may still
    do something.

    why(): what keeps them, in words. stopped(): ends them if they are ours to end, and says what
    became of them.
    """

    name: str
    look: float
    alive: Callable[[], bool]
    why: Callable[[], str]
    stopped: Callable[[], str]
