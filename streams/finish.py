"""Acknowledge after the effect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

MOST_BYTES = 32 << 20  # of records whose effects are under way


class Finisher:
    """Acknowledges Faust events once everything they caused is safe.

    ``on_failure`` hears of an effect that cannot be done at all: that is a bug, and the worker must
    stop with its offsets uncommitted rather than go on.
    """

    def __init__(self, on_failure: Callable[[BaseException], None] | None = None) -> None:
        self.on_failure = on_failure
        self.waiting_bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._less = asyncio.Event()

    def finish(self, event: Any, effects: Iterable[Awaitable[Any]], size: int = 0) -> None:
        """``size``: bytes the event stands for, given back once it is acknowledged."""
        task = asyncio.ensure_future(self._finish(event, list(effects), size))
        self.waiting_bytes += size
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def _finish(self, event: Any, effects: list[Awaitable[Any]], size: int) -> None:
        try:
            await asyncio.gather(*effects)
            event.message.value = None  # the queue of uncommitted messages must not hold records
            event.ack()
        finally:
            self.waiting_bytes -= size
            self._less.set()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (exc := task.exception()) is None:
            return
        if self.on_failure is None:
            raise exc
        self.on_failure(exc)

    def fullness(self) -> float:
        """Bytes under way, as a share of MOST_BYTES."""
        return self.waiting_bytes / MOST_BYTES

    async def room(self) -> None:
        """Return when less than MOST_BYTES are under way: Kafka keeps the rest."""
        while self.waiting_bytes >= MOST_BYTES:
            self._less.clear()
            await self._less.wait()

    async def drained(self) -> None:
        """Return when nothing is left to finish."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))
