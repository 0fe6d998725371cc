"""Where a command works: its results, its data, how it was asked for, and whom it tells."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Say = Callable[[str], None]


def silent(text: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class Workspace:
    """results: the folder of all runs. data_dir: where the datasets' files lie; None: the usual
    places. words: of the command line, for provenance; () from Python. say: takes a line on what
    is going on.
    """

    results: Path
    data_dir: Path | None = None
    words: tuple[str, ...] = ()
    say: Say = silent

    @property
    def command(self) -> str:
        """The command line as it would be typed again."""
        return shlex.join(("bioexp", *self.words)) if self.words else "from Python"
