"""What the user sees: plain lines, tables, a progress bar; with --json nothing but JSON on stdout,
the rest on stderr.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bioexp.streams import results

if TYPE_CHECKING:
    from rich.console import Console

    from bioexp.runs.seed_group import Watch


NARROW, WIDE = 20, 1000  # columns; a file or a pipe is wide: one line a row, for grep


@dataclass(frozen=True)
class Terminal:
    """Where a command's words go. as_json: results as JSON on stdout, everything else on stderr.
    quiet: only results and errors.
    """

    as_json: bool = False
    quiet: bool = False

    @property
    def _console(self) -> Console:
        from rich.console import Console

        width = shutil.get_terminal_size((WIDE, 0)).columns  # COLUMNS, if it is a number above 0
        file = sys.stderr if self.as_json else results()
        return Console(
            file=file, width=min(max(width, NARROW), WIDE), highlight=False, soft_wrap=True
        )

    def say(self, text: str) -> None:
        """A line on what is going on."""
        if not self.quiet:
            self._console.print(text, markup=False)

    def show(self, result: Any, lines: Sequence[str] = ()) -> None:
        """A command's result: as JSON unless it is None, or these lines.

        result: records, named tuples, and lists and mappings of them.
        """
        if self.as_json and result is not None:
            print(json.dumps(_plain(result), ensure_ascii=not _is_unicode()), file=results())
        elif not self.as_json:
            for line in lines:
                self._console.print(line, markup=False)

    def table(
        self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], title: str = ""
    ) -> None:
        """Records as a table; does nothing with --json, where `show` prints them."""
        from rich.table import Table
        from rich.text import Text

        if self.as_json:
            return
        table = Table(
            title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold"
        )
        for column in columns:
            numbers = rows and all(_is_number(row.get(column)) for row in rows)
            table.add_column(column, justify="right" if numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_cell(row.get(column))) for column in columns))
        self._console.print(table)

    @contextmanager
    def progress(self, what: str) -> Iterator[Watch]:
        """A progress bar for training: step, loss, accuracy, time left."""
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        console = self._console
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[now]}"),
            TimeRemainingColumn(),
        )
        with Progress(
            *columns,
            console=console,
            transient=True,
            disable=self.quiet or not console.file.isatty(),
        ) as bar:
            task = bar.add_task(what, total=None, now="")

            def watch(record: Any, steps: int) -> None:
                now = "  ".join(
                    f"{name} {float(values.mean()):.4f}" for name, values in record.metrics.items()
                )
                bar.update(task, completed=record.total, total=steps, now=now)

            yield watch

    @contextmanager
    def percent(self, what: str) -> Iterator[Callable[[str, str, float], None]]:
        """A progress bar for attacks on an experiment: run, attack, share done."""
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        console = self._console
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
        with Progress(
            *columns,
            console=console,
            transient=True,
            disable=self.quiet or not console.file.isatty(),
        ) as bar:
            task = bar.add_task(what, total=1.0)
            yield lambda run, attack, done: bar.update(
                task, completed=done, description=f"{run} {attack}"
            )


def _plain(result: Any) -> Any:
    """The value as JSON holds it."""
    from bioexp.records import Record, content

    if isinstance(result, Record):
        return content(result)
    if hasattr(result, "_asdict"):
        return _plain(result._asdict())
    if isinstance(result, Mapping):
        return {key: _plain(value) for key, value in result.items()}
    return [_plain(item) for item in result] if isinstance(result, list | tuple) else result


def _is_unicode() -> bool:
    """Whether stdout takes every letter; "?" for one would be another name."""
    return (results().encoding or "").lower().replace("-", "") == "utf8"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or value is None


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)
