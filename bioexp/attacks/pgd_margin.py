"""Projected gradient descent on the margin, for nets whose cross-entropy saturates."""

from bioexp.attacks.pgd import pgd
from bioexp.types import Attack, Count, Positive


def pgd_margin(*, steps: Count = 40, restarts: Count = 5, path: Positive = 2.5) -> Attack:
    """`pgd` that ascends the best wrong logit minus the true one (Carlini & Wagner 2017).

    steps: gradient steps of one try.
    restarts: tries for each image; the first that breaks it counts.
    path: length of all steps together, in units of eps.
    """
    return pgd(steps=steps, restarts=restarts, path=path, loss="margin")
