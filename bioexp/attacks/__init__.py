"""Attacks on one image each, in the order of the ladder; the caller (`robustness.evaluate`)
enforces ball and box.

One attack per file; a new one is one more file and one more row here.
"""

from collections.abc import Callable

from bioexp.attacks.apgd import apgd
from bioexp.attacks.apgd_dlr import apgd_dlr
from bioexp.attacks.deepfool import deepfool
from bioexp.attacks.fgsm import fgsm
from bioexp.attacks.noise import noise
from bioexp.attacks.pgd import pgd
from bioexp.attacks.pgd_l2 import pgd_l2
from bioexp.attacks.pgd_margin import pgd_margin
from bioexp.attacks.square import square
from bioexp.attacks.transfer import transfer
from bioexp.types import Attack

ATTACKS: dict[str, Callable[..., Attack]] = {
    "noise": noise,
    "fgsm": fgsm,
    "pgd": pgd,
    "pgd_margin": pgd_margin,
    "apgd": apgd,
    "apgd_dlr": apgd_dlr,
    "square": square,
    "transfer": transfer,
    "pgd_l2": pgd_l2,
    "deepfool": deepfool,
}
# What runs when no attack is named; transfer where it has a source.
LADDER = ("noise", "fgsm", "pgd", "pgd_margin", "transfer")
