"""Rows of labeled images: clean, changed, and what the net says to each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from bioexp.robustness.evaluate import Net, unit
from bioexp.robustness.perturbation import Fooled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

RIGHT, WRONG = "#0072B2", "#D55E00"  # blue and vermilion: distinct to every common color vision


class Row(NamedTuple):
    """Images beside one another, with the row's name, a text above each and that text's color.

    change: the images are differences, drawn from blue (darker) over white to red (brighter) or, of
        color images, around gray.
    """

    name: str
    images: Float[np.ndarray, "n *shape"]
    texts: Sequence[str]
    colors: Sequence[str] = ()
    change: bool = False


def digits(figure: FigureBase, rows: Sequence[Row]) -> None:
    """Draw the rows below one another; pixels are in [0, 1], changes saturate at 0.9."""
    grid = figure.subplots(len(rows), len(rows[0].images), squeeze=False)
    for line, row in zip(grid, rows, strict=True):
        for i, axes in enumerate(line):
            _show(axes, row.images[i], change=row.change)
            if row.texts:
                axes.set_title(
                    row.texts[i], fontsize=9, color=row.colors[i] if row.colors else "black", pad=2
                )
        line[0].set_ylabel(row.name, fontsize=9, rotation=0, ha="right", va="center")


def verdict(
    labels: Int[np.ndarray, "n"], predictions: Int[np.ndarray, "n"]
) -> tuple[list[str], list[str]]:
    """label → prediction for each image, blue where they agree."""
    answers = list(zip(labels, predictions, strict=True))
    texts = [f"{label} → {guess}" for label, guess in answers]
    return texts, [RIGHT if label == guess else WRONG for label, guess in answers]


def clean_row(shown: Net) -> Row:
    """The images as they are, with their labels."""
    return Row(
        "clean", np.asarray(unit(jnp.asarray(shown.images))), [str(label) for label in shown.labels]
    )


def fooled_rows(
    shown: Net, fooled: Fooled, *, name: str, gain: int, write: Callable[[float], str]
) -> list[Row]:
    """The changes times `gain`, each below its eps as `write` spells it, and the images that they
    make.
    """
    clean = np.asarray(unit(jnp.asarray(shown.images)))
    return [
        Row(
            f"{name}\nchange × {gain}",
            gain * (fooled.images - clean),
            [write(eps) for eps in fooled.eps],
            change=True,
        ),
        Row(f"{name}\nperturbed", fooled.images, *verdict(shown.labels, fooled.predictions)),
    ]


def _show(axes: Axes, image: Float[np.ndarray, "*shape"], *, change: bool) -> None:
    if not change:
        axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    elif image.ndim == 2:
        axes.imshow(image, cmap="RdBu_r", vmin=-0.9, vmax=0.9, interpolation="nearest")
    else:
        axes.imshow(np.clip(0.5 + image, 0, 1), interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_linewidth(0.4)
