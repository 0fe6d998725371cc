"""An attack of one's own.

bioexp attack my_paper --attacks fgsm,configs/examples/my_attack.py:one_direction --eps 0.1
"""

import jax
import jax.numpy as jnp

from bioexp.types import Attack


def one_direction() -> Attack:
    """The whole image gets brighter or darker, whichever the true label likes less."""

    def perturb(logits, x, y, eps, key):
        slope = jax.grad(lambda shift: logits(x + shift)[y])(0.0)
        return x - eps * jnp.sign(slope)

    return Attack("linf", perturb)
