"""What a command prints to: streams that never fail it, whatever terminal, pipe or disk is behind
them; and stdout for results alone, as code of the user's prints too.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

_RESULTS: list[TextIO] = []  # stdout, while what is printed goes to stderr


class _Lasting:
    """A stream whose writes are lost where they cannot be had, once said so on stderr; letters that
    it cannot show become "?".
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lost = stream is None

    def write(self, text: str) -> int:
        if self._stream is not None and not self._lost:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                code = self._stream.encoding or "ascii"
                return self.write(text.encode(code, "replace").decode(code))
            except OSError as error:
                self._lose(error)
            except ValueError:  # closed
                self._lost = True
        return len(text)

    def flush(self) -> None:
        if self._stream is not None and not self._lost:
            try:
                self._stream.flush()
            except OSError as error:
                self._lose(error)
            except ValueError:
                self._lost = True

    def isatty(self) -> bool:
        try:
            return bool(self._stream and self._stream.isatty())
        except (OSError, ValueError):
            return False

    def _lose(self, error: OSError) -> None:
        """Said, unless the reader of a pipe has seen enough."""
        self._lost = True
        if error.errno != errno.EPIPE and sys.stderr is not self:
            print(f"stdout: {error.strerror}; what is printed is lost", file=sys.stderr)

    def __getattr__(self, name: str) -> Any:
        if self._stream is None:
            raise AttributeError(name)
        return getattr(self._stream, name)


@contextmanager
def lasting() -> Iterator[None]:
    """While a command runs: nothing that it prints can fail it."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, _Lasting(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


@contextmanager
def for_results() -> Iterator[None]:
    """While code of the user's may run: what is printed goes to stderr, and stdout is for
    `results`.
    """
    _RESULTS.append(sys.stdout)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout = _RESULTS.pop()


def results() -> TextIO:
    """Where results go."""
    return _RESULTS[0] if _RESULTS else sys.stdout
