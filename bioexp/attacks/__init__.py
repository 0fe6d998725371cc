"""Attacks on one image each, in the order of the ladder; the caller (`measures.robustness`) enforces ball and box.

One thing per file; an attack of one's own is one more file and one more row here.
"""

from collections.abc import Callable

from bioexp.attacks.fgsm import fgsm
from bioexp.attacks.noise import noise
from bioexp.attacks.pgd import pgd
from bioexp.attacks.pgd_margin import pgd_margin
from bioexp.types import Attack

ATTACKS: dict[str, Callable[..., Attack]] = {"noise": noise, "fgsm": fgsm, "pgd": pgd, "pgd_margin": pgd_margin}
LADDER = ("noise", "fgsm", "pgd", "pgd_margin")  # what runs when no attack is named
