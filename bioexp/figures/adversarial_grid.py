"""What an attack does to images: clean, the change made visible, attacked, and what the net says to
each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from bioexp.attacks.eps import show_eps
from bioexp.figures.canvas import canvas
from bioexp.figures.digits import Row, digits, verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST_GAIN = 128  # a pixel's smallest change is then half of its range


class Attacked(NamedTuple):
    """The shown images after an attack at one eps, in [0, 1], and the classes the net finds in
    them.
    """

    eps: float
    images: Float[np.ndarray, "n *shape"]
    predictions: Int[np.ndarray, "n"]


def adversarial_grid(
    clean: Float[np.ndarray, "n *shape"],
    labels: Int[np.ndarray, "n"],
    attacked: Sequence[Attacked],
    *,
    title: str,
    caption: str,
    most: int = 8,
) -> Figure:
    """One column per image; below the clean row, for each eps, the change (amplified) and the
    attacked image.

    The factor stands beside the row. Over each attacked image stands label -> prediction, blue
    where the net resists. Of more than `most` eps so many are shown, spread evenly.
    """
    if len(attacked) > most:
        attacked = [
            attacked[i] for i in np.linspace(0, len(attacked) - 1, most).round().astype(int)
        ]
    rows = [Row("clean", clean, [str(label) for label in labels])]
    for eps, images, predictions in attacked:
        # the largest change is then about half of the pixels' range
        gain = max(1, round(min(0.5 / eps, LARGEST_GAIN))) if eps > 0 else 1
        rows.append(Row(f"change × {gain}", gain * (images - clean), (), change=True))
        rows.append(Row(f"eps {show_eps(eps)}", images, *verdict(labels, predictions)))
    figure = canvas(0.95 * len(clean) + 1.3, 1.08 * len(rows) + 0.8)
    digits(figure, rows)
    figure.suptitle(title, fontsize=11)
    figure.supxlabel(caption, fontsize=8)
    return figure
