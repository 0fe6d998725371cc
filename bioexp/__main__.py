"""`bioexp`, and `python -m bioexp`: runs the command line, turns errors into one clear message and
an exit code.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import traceback
from types import FrameType

import typer

from bioexp.cli import app
from bioexp.jobs import Call
from bioexp.streams import lasting
from bioexp.types import UserError

INTERRUPTED = 128 + signal.SIGINT  # what the parser makes of Ctrl-C
MACHINES = {  # what no code is to blame for
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO),
    *(errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR),
}
ENDING = (signal.SIGTERM, signal.SIGHUP)  # they end a command as Ctrl-C does


class Ended(BaseException):
    """A signal that ends the command came."""


def script() -> None:
    """The console script: main without what only costs a short command time.

    JAX and matplotlib make a hundred thousand objects that live to the end: looking through them
    for garbage, and taking the interpreter down piece by piece, took a quarter of `bioexp train`
    for one epoch. Every file is closed by then.
    """
    gc.set_threshold(100_000, 50, 50)
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _end)
    try:
        main()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
        if code > 128:  # a shell's loop goes on after a command that does not die of its signal
            signal.signal(code - 128, signal.SIG_DFL)
            os.kill(os.getpid(), code - 128)
        os._exit(code)


def _end(number: int, frame: FrameType | None) -> None:
    raise Ended(number)


def main() -> None:
    """Run the command that was typed. Exits with 0, 1 for a bug, 2 for the user's error, 3 for a
    check that failed, 130 for Ctrl-C.
    """
    with lasting():
        code = _run(sys.argv[1:])
    sys.exit(code)


def _run(words: list[str]) -> int:
    try:
        code = app(words, standalone_mode=False, obj=Call(tuple(words)))
    except UserError as error:
        return _complain(str(error))
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Ended as ended:
        code = 128 + ended.args[0]
    except OSError as error:
        if error.errno not in MACHINES:
            return _usage(error)
        return _complain(f"{error.filename or 'the machine'}: {error.strerror}")
    except Exception as error:
        return _usage(error)
    if isinstance(code, int) and code > 128:
        _complain("stopped; the same command again continues where it was")
    return code if isinstance(code, int) else 0


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
