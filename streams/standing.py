"""Which partitions stand while what was read does not get away.

A partition with much to read stands: no more of it is fetched, and what it has handed out already
is set aside, unacknowledged and in order. The others go on, for their next record may be a call for
help. Only when far too much is waiting does everybody wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from faust.types import TP

MUCH = 200  # records of a chunk: a partition with so many waiting is busy
MUCH_BYTES = 256 << 10
FAR_TOO_MUCH = 2.0  # times what may wait


class Store(Protocol):
    """Where work in hand waits: a sink, or chunks that are not yet finished."""

    def fullness(self) -> float: ...
    async def room(self) -> None: ...


class Standing:
    """``app.held`` names the partitions that stand; the transport reads it in its own thread."""

    def __init__(
        self, app: Any, stores: Sequence[Store], take: Callable[[Any], Awaitable[None]]
    ) -> None:
        """``take`` decides one event of a chunk. ``app`` may be None: then all simply wait."""
        self._app, self._stores, self._take = app, stores, take
        self._aside: dict[TP, deque[Any]] = {}
        self._going_on: asyncio.Task[None] | None = None

    def sets_aside(self, event: Any) -> bool:
        """Keep an event whose partition stands, behind those kept before; whether it does."""
        tp = event.value.tp
        if tp not in self._aside and (self._app is None or tp not in self._app.held):
            return False
        self._aside.setdefault(tp, deque()).append(event)
        return True

    async def room(self, chunk: Any) -> None:
        """Return when the next chunk may come after ``chunk`` was taken."""
        full = max(store.fullness() for store in self._stores)
        if self._app is None or full >= FAR_TOO_MUCH:
            await self._emptied()
        elif full >= 1.0 and (len(chunk) >= MUCH or chunk.size >= MUCH_BYTES):
            self._app.held |= {chunk.tp}
            if self._going_on is None or self._going_on.done():
                self._going_on = asyncio.ensure_future(self._go_on())

    def forget(self) -> None:
        """Partitions move: what was set aside is read again by whoever has them next."""
        self._aside.clear()
        if self._app is not None:
            self._app.held = frozenset()

    async def _emptied(self) -> None:
        await asyncio.gather(*(store.room() for store in self._stores))

    async def _go_on(self) -> None:
        """Once there is room: what was set aside, one chunk of each partition in turn, then all."""
        try:
            await self._emptied()
            while self._aside:
                for tp in list(self._aside):
                    queue = self._aside.get(tp)
                    if queue:
                        await self._take(queue.popleft())
                        await self._emptied()
                    if queue is not None and not queue and self._aside.get(tp) is queue:
                        del self._aside[tp]
        except Exception as exc:  # a bug: loud, with the offsets uncommitted
            self._app.crash_soon(exc)
        else:
            self._app.held = frozenset()
