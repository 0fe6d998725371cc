"""Transfer: images made against another net, the attack that a masked gradient cannot hinder."""

from bioexp.attacks.pgd import pgd
from bioexp.types import Attack, Count, Positive


def transfer(*, steps: Count = 40, path: Positive = 2.5) -> Attack:
    """`pgd_margin` against another net trained on the same data: the backprop twin, another seed of
    the same rule.

    The net under attack is asked once, for its answer to the finished image. Every source is one
    try.

    steps: gradient steps against the source.
    path: length of all steps together, in units of eps.
    """
    return pgd(steps=steps, restarts=1, path=path, loss="margin")._replace(
        multi_step=False, kind="transfer"
    )
