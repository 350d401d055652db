"""Acknowledge after the effect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any


class Finisher:
    """Acknowledges Faust events once everything they caused is safe.

    ``on_failure`` hears of an effect that cannot be done at all: that is a bug, and the worker must
    stop with its offsets uncommitted rather than go on.
    """

    def __init__(self, on_failure: Callable[[BaseException], None] | None = None) -> None:
        self.on_failure = on_failure
        self._tasks: set[asyncio.Task[None]] = set()

    def finish(self, event: Any, effects: Iterable[Awaitable[Any]]) -> None:
        task = asyncio.ensure_future(self._finish(event, list(effects)))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def _finish(self, event: Any, effects: list[Awaitable[Any]]) -> None:
        await asyncio.gather(*effects)
        event.message.value = None  # the queue of uncommitted messages must not hold the records
        event.ack()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (exc := task.exception()) is None:
            return
        if self.on_failure is None:
            raise exc
        self.on_failure(exc)

    async def drained(self) -> None:
        """Return when nothing is left to finish."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))
