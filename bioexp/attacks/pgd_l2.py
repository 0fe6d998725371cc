"""Projected gradient descent in the Euclidean ball."""

from bioexp.attacks.pgd import pgd
from bioexp.types import Attack, Count, Positive


def pgd_l2(*, steps: Count = 40, restarts: Count = 5, path: Positive = 2.5) -> Attack:
    """`pgd` whose ball holds all changes of Euclidean length up to eps, so that its eps are no
    pixel values.

    steps: gradient steps of one try.
    restarts: tries for each image; the first that breaks it counts.
    path: length of all steps together, in units of eps.
    """
    return pgd(steps=steps, restarts=restarts, path=path, norm="l2")
