"""Partitions whose records were mostly bad: they stand, say so, and wait for an operator."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from faust.types import TP

from connectors.metrics import metric
from connectors.sqlfiles import read_sql
from streams.line import StoreLine

log = logging.getLogger(__name__)

LOOK = 2.0  # seconds between looks at the table of breakers


class Stopped:
    """Chunks of stopped partitions, unacknowledged, in order, and the row that tells of them."""

    def __init__(self, line: StoreLine) -> None:
        self.line = line
        self._waiting: dict[TP, list[Any]] = {}
        self._since: dict[TP, int] = {}
        self._stood: set[TP] = set()  # by the table, when we took them over
        self._told: set[asyncio.Task[None]] = set()

    def stands(self, tp: TP) -> bool:
        return tp in self._waiting

    def holds(self, tp: TP, event: Any) -> bool:
        """Keep the event when its partition stands; whether it does."""
        waiting = self._waiting.get(tp)
        if waiting is None:
            return False
        waiting.append(event)
        return True

    def stop(self, event: Any, bad: int, seen: int, reason: str) -> None:
        chunk = event.value
        tp, now = chunk.tp, int(time.time() * 1000)
        self._waiting[tp], self._since[tp] = [event], now
        metric("gridwhistle_breaker_open").labels(tp.topic, str(tp.partition)).set(1)
        log.error(
            "%s[%d] STOPPED at %d: %d of the last %d records are bad, mostly %s. Nothing is lost: "
            "they stay in Kafka. Repair the sender or the profile and restart the worker, or let "
            "them go to the dead letters with gridwhistle deadletters pass",
            tp.topic, tp.partition, chunk.first, bad, seen, reason,
        )  # fmt: skip
        self._tell(tp, "open", chunk.first, bad, seen, reason, now)

    def _tell(
        self, tp: TP, state: str, offset: int, bad: int, seen: int, reason: str, at_ms: int
    ) -> None:
        told = asyncio.ensure_future(
            self.line.tell(
                read_sql("ledger/stop_partition.sql"),
                {"topic": tp.topic, "partition": tp.partition, "state": state, "offset": offset,
                 "bad": bad, "seen": seen, "reason": reason, "at_ms": at_ms},
            )
        )  # fmt: skip
        self._told.add(told)
        told.add_done_callback(self._told.discard)

    async def passed(self) -> list[tuple[TP, int]]:
        """Stopped partitions that may go on, and up to which offset bad records pass. Waits a
        moment first."""
        await asyncio.sleep(LOOK)
        if not self._waiting:
            return []
        rows = await self.line.ask(read_sql("ledger/passed.sql"), {})
        return [
            (tp, int(until))
            for topic, partition, until, at_ms in rows
            if self.stands(tp := TP(topic, partition)) and at_ms >= self._since[tp]
        ]

    async def passed_until(self, tp: TP) -> int:
        """The offset up to which an operator has let bad records of a partition through; -1."""
        rows = await self.line.ask(read_sql("ledger/passed.sql"), {})
        stood = await self.line.ask(read_sql("ledger/stopped.sql"), {})
        self._stood |= {TP(t, p) for t, p, *_ in stood} & {tp}
        return max((int(u) for t, p, u, _ in rows if TP(t, p) == tp), default=-1)

    def went_well(self, tp: TP) -> None:
        """A chunk of the partition was taken: if it stood before a restart, it does no more."""
        if tp in self._stood:
            self._stood.discard(tp)
            log.warning("%s[%d]: stood before the restart, goes on", tp.topic, tp.partition)
            self._tell(tp, "closed", -1, 0, 0, "", int(time.time() * 1000))

    def release(self, tp: TP) -> list[Any]:
        """The events that waited; the partition stands no more."""
        metric("gridwhistle_breaker_open").labels(tp.topic, str(tp.partition)).set(0)
        self._since.pop(tp, None)
        return self._waiting.pop(tp, [])

    def forget(self) -> None:
        for tp in list(self._waiting):
            self.release(tp)
