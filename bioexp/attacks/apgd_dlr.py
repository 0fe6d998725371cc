"""Auto-PGD on the difference of logits ratio, which no scale of the logits can flatten."""

from bioexp.attacks.apgd import apgd
from bioexp.types import Attack, Count


def apgd_dlr(*, steps: Count = 100, restarts: Count = 1) -> Attack:
    """`apgd` that ascends the difference of logits ratio (Croce & Hein 2020, eq. 6); the margin
    where there are under four classes.

    steps: gradient steps of one try.
    restarts: tries for each image; the first that breaks it counts.
    """
    return apgd(steps=steps, restarts=restarts, loss="dlr")
