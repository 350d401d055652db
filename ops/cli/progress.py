"""Progress of long work: a bar on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import typer

EVERY = 5.0  # seconds between lines when it is no terminal


class Progress(Protocol):
    def advance_to(self, done: int) -> None: ...
    def note(self, text: str) -> None: ...


@contextmanager
def file_progress(total: int, state: Callable[[], str]) -> Iterator[Progress]:
    """Progress over the bytes of a file, with ``state()`` beside it, on standard error."""
    if sys.stderr.isatty():
        with _bar(total, state) as bar:
            yield bar
    else:
        yield _Lines(total, state)


class _Lines:
    def __init__(self, total: int, state: Callable[[], str]) -> None:
        self._total = max(1, total)
        self._state = state
        self._last = time.monotonic()

    def advance_to(self, done: int) -> None:
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            self.note(f"{min(100, 100 * done // self._total)}% {self._state()}")

    def note(self, text: str) -> None:
        typer.echo(text, err=True)


@contextmanager
def _bar(total: int, state: Callable[[], str]) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(state(), total=max(1, total))

        class Bar:
            def advance_to(self, done: int) -> None:
                bars.update(task, completed=done, description=state())

            def note(self, text: str) -> None:
                bars.console.print(text)

        yield Bar()
        bars.update(task, completed=max(1, total), description=state())
