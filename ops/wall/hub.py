"""Server-sent events for many screens: one encoded frame, one short queue a screen.

A screen that reads too slowly never blocks the others: its queue is emptied and it gets whatever
``fresh`` gives (a whole snapshot) instead of what it missed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from ops.wall.metrics import metric

QUEUE = 8  # frames a screen may lag behind
PING_SECONDS = 15.0
RETRY_MS = 2000
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Place(NamedTuple):
    """What a frame is about, to decide who may see it. Empty = everybody."""

    village: str = ""
    grid: str = ""
    unit: str = ""


Keep = Callable[[Place], bool]


def encode(event: str, data: Any, id_: str = "") -> bytes:
    """One frame of an event stream (WHATWG HTML, 9.2)."""
    head = f"id: {id_}\nevent: {event}\ndata: " if id_ else f"event: {event}\ndata: "
    return head.encode() + orjson.dumps(data) + b"\n\n"


class _Sent(NamedTuple):
    seq: int
    frame: bytes
    place: Place


_RESYNC, _CLOSE = object(), object()


@dataclass(eq=False)
class _Screen:
    keep: Keep
    queue: asyncio.Queue[Any] = field(default_factory=lambda: asyncio.Queue(QUEUE))


class Hub:
    """Fans frames out. ``epoch`` tells our sequence from that of a process before us."""

    def __init__(self, epoch: str, name: str, remember: int = QUEUE) -> None:
        self.epoch, self.name, self.seq, self.closed = epoch, name, 0, False
        self._screens: set[_Screen] = set()
        self._sent: deque[_Sent] = deque(maxlen=remember)

    @property
    def watchers(self) -> int:
        return len(self._screens)

    @property
    def last_id(self) -> str:
        return f"{self.epoch}-{self.seq}"

    def publish(self, event: str, data: Any, place: Place = Place()) -> None:  # noqa: B008
        self.seq += 1
        frame = encode(event, data, self.last_id)
        self._sent.append(_Sent(self.seq, frame, place))
        for screen in self._screens:
            if not screen.keep(place):
                continue
            if screen.queue.full():
                _empty(screen.queue)
                screen.queue.put_nowait(_RESYNC)
                metric("gridwhistle_wall_slow_screens_total").labels(self.name).inc()
            else:
                screen.queue.put_nowait(frame)

    def close(self) -> None:
        """End every stream. Must come before the server waits for its open requests."""
        self.closed = True
        for screen in self._screens:
            _empty(screen.queue)
            screen.queue.put_nowait(_CLOSE)

    async def stream(
        self,
        fresh: Callable[[], bytes],
        last_event_id: str = "",
        keep: Keep = lambda place: True,
        ping: float = PING_SECONDS,
    ) -> AsyncIterator[bytes]:
        """Frames for one screen: what it missed since ``last_event_id``, else ``fresh()``."""
        if self.closed:
            return
        screen = _Screen(keep)
        self._screens.add(screen)
        gauge = metric("gridwhistle_wall_screens").labels(self.name)
        gauge.inc()
        try:
            missed = self._since(last_event_id)
            head = f"retry: {RETRY_MS}\n\n".encode()
            if missed is None:
                yield head + fresh()
            else:
                yield head + b"".join(s.frame for s in missed if keep(s.place))
            while True:
                try:
                    frame = await asyncio.wait_for(screen.queue.get(), ping)
                except TimeoutError:
                    yield b": ping\n\n"
                    continue
                if frame is _CLOSE:
                    yield encode("bye", {})
                    return
                yield fresh() if frame is _RESYNC else frame
        finally:
            self._screens.discard(screen)
            gauge.dec()

    def _since(self, last_event_id: str) -> list[_Sent] | None:
        """Frames after that id, or None when we no longer (or never) had them all."""
        epoch, _, number = last_event_id.rpartition("-")
        if epoch != self.epoch or not number.isdigit():
            return None
        seen = int(number)
        if seen == self.seq:
            return []
        if not self._sent or seen > self.seq or seen < self._sent[0].seq - 1:
            return None
        return [s for s in self._sent if s.seq > seen]


def _empty(queue: asyncio.Queue[Any]) -> None:
    while not queue.empty():
        queue.get_nowait()
