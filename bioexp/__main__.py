"""`bioexp`, and `python -m bioexp`: runs the command line, turns errors into one clear message and
an exit code.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback

import typer

from bioexp.cli import app
from bioexp.jobs import Call
from bioexp.types import UserError

INTERRUPTED = 130  # what the parser makes of Ctrl-C


def script() -> None:
    """The console script: main without what only costs a short command time.

    JAX and matplotlib make a hundred thousand objects that live to the end: looking through them
    for garbage, and taking the interpreter down piece by piece, took a quarter of `bioexp train`
    for one epoch. Every file is closed by then.
    """
    gc.set_threshold(100_000, 50, 50)
    try:
        main()
    except SystemExit as stop:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(stop.code if isinstance(stop.code, int) else 1)


def main() -> None:
    """Run the command that was typed. Exits with 0, 1 for a bug, 2 for the user's error, 3 for a
    check that failed.
    """
    words = sys.argv[1:]
    try:
        code = app(words, standalone_mode=False, obj=Call(tuple(words)))
    except UserError as error:
        code = _complain(str(error))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:
        code = _usage(error)
    if code == INTERRUPTED:
        code = _complain("stopped; the same command again continues where it was")
    sys.stdout.flush()
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: Exception) -> int:
    """What the parser refused is shown its way (2); anything else is a bug, with all of its
    traceback (1).
    """
    show = getattr(error, "show", None)
    if show is None:
        traceback.print_exc()
        return 1
    show()
    return 2


def _complain(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    script()
