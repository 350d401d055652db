"""Claims: the store itself knows which worker writes a partition.

Kafka tells a worker too late that its partitions have moved: one that was frozen for a minute, or
whose insert still travels, would add rows its successor has written already. So whoever takes a
partition over first claims it in the table ``writers``, and every insert of intake is refused by
the store when it is not made by the claimed writer. In order:

1. claim: from here on inserts of anybody else are refused;
2. wait for the inserts that were running at that moment: they may have begun before the claim;
3. look what the tables hold. Nothing can be added behind our back any more.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from faust.types import TP

from connectors.sqlfiles import read_sql
from streams.core.recent import WINDOW, RecentIds
from streams.line import StoreLine

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
OLDEST_MS = 8 * DAY_MS  # raw topics are kept 7 days, and a stamp may be a day off


@dataclass
class Held:
    """What the tables hold of a partition from an offset on: written, but not committed."""

    done: set[tuple[int, int]] = field(default_factory=set)  # offset, part
    until: int = -1  # the highest offset of them
    recent: RecentIds = field(default_factory=RecentIds)
    calm: set[int] = field(default_factory=set)  # devices that last sent a normal state


class Claims:
    """The claims of one worker. ``writer`` changes with every assignment of partitions."""

    def __init__(self, line: StoreLine) -> None:
        self.line = line
        self.writer = uuid.uuid4().hex
        self._mine: set[TP] = set()
        self._fences: dict[TP, int] = {}  # highest offset in the table of events

    def give_up(self) -> None:
        """The partitions have moved: nothing inserted under the old name counts any more."""
        self.writer = uuid.uuid4().hex
        self._mine.clear()

    async def claim(self, wanted: Sequence[TP]) -> None:
        """Returns once nobody else can write these partitions. Waits while the store is away."""
        fresh = [tp for tp in wanted if tp not in self._mine]
        if not fresh:
            return
        writer = self.writer
        await self.line.tell(
            read_sql("ledger/claim.sql"),
            {"topics": [tp.topic for tp in fresh], "partitions": [tp.partition for tp in fresh],
             "writer": writer},
        )  # fmt: skip
        await self._inserts_ended()
        fences = {
            TP(topic, partition): int(offset)
            for topic, partition, offset in await self.line.ask(read_sql("ledger/fence.sql"), {})
        }
        if writer == self.writer:
            self._fences.update({tp: fences.get(tp, -1) for tp in fresh})
            self._mine.update(fresh)

    async def _inserts_ended(self) -> None:
        running = await self._inserting()
        began, told = time.monotonic(), 0.0
        while running:
            waited = time.monotonic() - began
            if waited - told > 5:
                told = waited
                log.warning("waiting %.0f s for %d inserts of others", waited, len(running))
            await asyncio.sleep(0.05)
            running &= await self._inserting()

    async def _inserting(self) -> set[str]:
        rows = await self.line.ask(read_sql("ledger/inserting.sql"), {})
        return {str(row[0]) for row in rows}

    async def held(self, tp: TP, first: int) -> Held:
        """What the tables hold of a claimed partition from ``first`` on, and its newest ids."""
        place = {"topic": tp.topic, "partition": tp.partition}
        now = int(time.time() * 1000)
        known = await self.line.ask(
            read_sql("ledger/recent_ids.sql"),
            {**place, "after": first - WINDOW, "since_ms": now - DAY_MS},
        )
        # Rows can be found by offset only by looking at all of them, so look only if there are any.
        since = now - OLDEST_MS if self._fences.get(tp, -1) >= first else now + DAY_MS
        found = await self.line.ask(
            read_sql("ledger/held.sql"), {**place, "first": first, "since_ms": since}
        )
        done = {(int(offset), int(part)) for offset, part in found}
        recent = RecentIds(known=((k, o, p) for k, o, p in known))
        return Held(done, max((o for o, _ in done), default=-1), recent)
