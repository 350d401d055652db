"""Deadlines: wake the case's writer when a clock turns yellow, red, or goes up a level.

The timer shows no light itself: it sends ``overdue`` commands, and the writer of the case decides.
It keeps nothing of its own that a restart could lose: what wakes when follows from the cases.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connectors.kafka import Record
from connectors.metrics import metric
from schemas.case import Case
from schemas.ids import village_of
from streams.core.deadlines import Wakeup, overdue_command, wakeups
from streams.outlet import Outlet

if TYPE_CHECKING:
    from streams.app import StageApp
    from streams.cases import Partition, Writer

log = logging.getLogger(__name__)

TICK = 0.5  # seconds between looks
SLICE = 2_000  # lights sent at a time, most overdue first
STEP = 5.0  # a wall clock that moves this much against the monotonic one has been set
PAUSE_AFTER_STEP = 5.0
AGAIN = 60.0  # seconds after which an unanswered wake-up is sent again; doing it twice is harmless


class Wakeups:
    """When to look at which case next: a heap, with stale entries dropped as they come up."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, str, Wakeup]] = []
        self._next: dict[str, dict[tuple[str, int, str], Wakeup]] = {}

    def put(self, case: Case) -> None:
        """Replace what is known of a case."""
        found = {(w.clock, w.version, w.stage): w for w in wakeups(case)}
        before = self._next.get(case.case_no, {})
        for key, wakeup in found.items():
            if before.get(key) != wakeup:
                heapq.heappush(self._heap, (wakeup.at, case.case_no, wakeup))
        if found:
            self._next[case.case_no] = found
        else:
            self._next.pop(case.case_no, None)

    def due(self, now: datetime, most: int) -> list[tuple[str, Wakeup]]:
        """Wake-ups whose time has come, most overdue first; each is handed out once."""
        out: list[tuple[str, Wakeup]] = []
        while self._heap and self._heap[0][0] <= now and len(out) < most:
            _, case_no, wakeup = heapq.heappop(self._heap)
            known = self._next.get(case_no, {})
            if known.get((wakeup.clock, wakeup.version, wakeup.stage)) == wakeup:
                out.append((case_no, wakeup))
        return out

    def again(self, case_no: str, wakeup: Wakeup, at: datetime) -> None:
        """Look once more at ``at``, in case the command did not come through."""
        heapq.heappush(self._heap, (at, case_no, wakeup))

    def __len__(self) -> int:
        return sum(len(w) for w in self._next.values())


class Timer:
    """Looks at the owned partitions twice a second.

    No light before a partition's cases are read back *and* the commands that came in meanwhile are
    applied: a case closed while we were down stays dark. After the wall clock is set, it waits.
    """

    def __init__(self, writer: Writer, outlet: Outlet) -> None:
        self.writer, self.outlet = writer, outlet
        self._drift = time.time() - time.monotonic()
        self._quiet_until = 0.0

    async def look(self) -> int:
        """Send what is due. Returns how many commands went out."""
        if self._clock_was_set():
            return 0
        sent = 0
        for part in list(self.writer.partitions.values()):
            if part.drained:
                sent += await self._fire(part, datetime.now(UTC))
            metric("gridwhistle_timer_waiting").labels(str(part.number)).set(len(part.wakeups))
        return sent

    async def _fire(self, part: Partition, now: datetime) -> int:
        due = part.wakeups.due(now, SLICE)
        records = []
        for case_no, wakeup in due:
            command = overdue_command(case_no, wakeup, now)
            body = command.model_dump_json(exclude_defaults=True).encode()
            key = village_of(case_no).encode()
            records.append(Record("case-commands", key, body, part.number))
            part.wakeups.again(
                case_no, wakeup, datetime.fromtimestamp(now.timestamp() + AGAIN, UTC)
            )
        await self.outlet.put(records)
        return len(due)

    def _clock_was_set(self) -> bool:
        drift = time.time() - time.monotonic()
        if abs(drift - self._drift) > STEP:
            log.warning(
                "系统时钟跳变 %.1f 秒,暂停亮灯 %.0f 秒", drift - self._drift, PAUSE_AFTER_STEP
            )
            metric("gridwhistle_clock_steps_total").inc()
            self._quiet_until = time.monotonic() + PAUSE_AFTER_STEP
        self._drift = drift
        return time.monotonic() < self._quiet_until


def attach(app: StageApp, writer: Writer, outlet: Outlet) -> None:
    timer = Timer(writer, outlet)

    @app.task
    async def fire(_app: Any) -> None:
        while not app.should_stop:
            for tp in list(app.consumer.assignment()):
                if tp.topic == "case-commands":
                    await writer.partition(tp.partition)  # read back even when no command comes
            sent = await timer.look()
            await asyncio.sleep(0 if sent >= SLICE else TICK)
