"""What all pictures share: size, colors that the color-blind can tell apart, and how they are
saved.
"""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from bioexp.files import write_atomically
from bioexp.types import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bioexp.experiment import Trained

# Okabe & Ito (2008): distinguishable with every common color vision.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DPI = 130


class NothingDrawn(UserError):
    """No picture can be drawn here, whatever it shows."""


@contextmanager
def own_style() -> Iterator[None]:
    """Pictures look the same everywhere: no matplotlibrc of the user's decides, and a font that is
    not there is replaced in silence. Raises NothingDrawn where matplotlib itself stops at that
    file, or at a variable.
    """
    logger = logging.getLogger("matplotlib")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        matplotlib = _matplotlib()
        with matplotlib.rc_context(matplotlib.rcParamsDefault):
            yield
    finally:
        logger.setLevel(before)


def _matplotlib() -> ModuleType:
    try:
        import matplotlib
    except (OSError, ValueError) as error:
        raise NothingDrawn(
            f"nothing can be drawn, as matplotlib does not start: {error}; mend or remove its"
            " matplotlibrc, or MPLBACKEND"
        ) from None
    return matplotlib


def drawn(draw: Callable[[], None], say: Callable[[str], None]) -> None:
    """Draw what a run is whole without: whatever keeps it from being drawn is said, and fails
    nothing.
    """
    try:
        with own_style():
            draw()
    except Exception as error:
        what = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        say(f"a picture is missing: {what}")


def canvas(width: float, height: float) -> Figure:
    """An empty figure, in inches; no pyplot, so nothing is left open."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def explain(figure: Figure, paper: str, measured: str) -> None:
    """Below the picture, in wrapped lines: what the paper shows or says, and what was measured
    here.
    """
    wrap = partial(textwrap.wrap, width=round(16.2 * figure.get_figwidth()))
    text = "\n".join(wrap(f"Paper: {paper}") + wrap(f"Measured: {measured}"))
    figure.supxlabel(text, fontsize=8.5, x=0.01, ha="left")


def named(trained: Trained) -> str:
    """What a title says of a run: its config, data and seed."""
    return f"{trained.experiment.name}, {trained.dataset.name}, seed {trained.seed}"


def over_seeds(values: Sequence[float]) -> str:
    """The mean over seeds, with the range where there are several."""
    spread = (
        f" ({min(values):.2f} to {max(values):.2f}, {len(values)} seeds)"
        if len(values) > 1
        else " (1 seed)"
    )
    return f"{sum(values) / len(values):.2f}{spread}"


def plain(axes: Axes) -> None:
    """Only the two spines that carry a scale, and a light grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)


def save(figure: Figure, path: Path) -> None:
    """Write the picture as PNG, atomically, with the colors of its legends, as "#0072B2 #D55E00":
    what shows the picture smaller can be held to them.
    """
    told = {"Legend": " ".join(legend_colors(figure))}
    write_atomically(path, lambda file: figure.savefig(file, format="png", metadata=told))


def legend_colors(figure: Figure) -> list[str]:
    """The colors that the legends of a picture name, each once."""
    from matplotlib.collections import Collection
    from matplotlib.colors import to_hex, to_rgba_array
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    colors: dict[str, None] = {}
    for handle in (handle for legend in legends if legend for handle in legend.legend_handles):
        if isinstance(handle, Line2D):
            colors[to_hex(handle.get_color())] = None
        elif isinstance(handle, Patch):
            colors[to_hex(handle.get_facecolor())] = None
        elif isinstance(handle, Collection):
            colors |= {to_hex(face): None for face in to_rgba_array(handle.get_facecolor())}
    return list(colors)
