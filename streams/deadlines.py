"""Deadlines: wake a case's writer when a clock turns yellow, red, or goes up a level.

The timer keeps nothing of its own that a restart could lose: what wakes when stands in the cases,
and a light that was shown stands in the change that showed it. Lights go the way of every change,
through the partition's one writer, and are decided by the same rules as an ``overdue`` command.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connectors.kafka_address import KafkaUnavailable
from connectors.metrics import metric
from streams.alarming import wake_alarms
from streams.book import REOPENING
from streams.brief import NEVER, gravestone, microseconds, relit
from streams.cases import Forgotten, Writer, count_lights
from streams.changelog import Entry, Fenced
from streams.core.lights import due_lights
from streams.offsets import COMMANDS
from streams.partition import Partition

if TYPE_CHECKING:
    from streams.app import StageApp

log = logging.getLogger(__name__)

TICK = 0.5  # seconds between looks
SLICE = 2_000  # cases lit in one write
BREATH = 0.005  # seconds of work before other tasks get a turn
AHEAD = 32_000  # most overdue cases sorted out at a time
STEP = 5.0  # a wall clock that moves this much against the monotonic one has been set
PAUSE_AFTER_STEP = 5.0
AGAIN = 60_000_000  # microseconds until a case that could not be lit is looked at again
SWEEP = 600.0  # seconds between looks for cases closed long ago
SWEPT = 2_000  # cases forgotten in one write


#: clock and stage → how many lights, the latest of them in seconds after its time
Shown = dict[tuple[str, str], tuple[int, int]]


def light_up(part: Partition, row: int, now: datetime, shown: Shown) -> Iterator[Entry]:
    """Records of the lights of a case that are due at ``now``. The book has yet to take them."""
    done, head = part.done_now, part.book.brief(row)
    for lit in due_lights(part.book.json(row), now, done):
        wake = NEVER if lit.later is None else microseconds(lit.later)
        head = relit(head, lit.version, wake, done, lit.command_id)
        yield Entry(lit.case_no.encode(), lit.body, head)
        light = lit.clock, lit.stage
        count, latest = shown.get(light, (0, 0))
        shown[light] = count + 1, max(latest, lit.late_seconds)


class Timer:
    """Looks at the owned partitions twice a second.

    No light before every command that Kafka had at that moment is applied: a case closed while we
    were down, or in a record we have not read yet, stays dark. After the wall clock is set, it
    waits.
    """

    def __init__(self, writer: Writer, clock: Callable[[], float] = time.time) -> None:
        self.writer, self._clock = writer, clock
        self._drift = clock() - time.monotonic()
        self._quiet_until = 0.0
        self._swept = time.monotonic()

    async def look(self) -> int:
        """Show what is due. Returns how many lights were shown."""
        if self._clock_was_set():
            return 0
        now = self._now()
        waiting = [
            part
            for part in self.writer.partitions.values()
            if part.book.due(microseconds(now), 1) or part.alarms.states.due(now)
        ]
        shown = 0
        try:
            ends = await self.writer.offsets.ends(COMMANDS, [p.number for p in waiting])
            for part in waiting:
                if part.position >= ends[part.number]:
                    await wake_alarms(self.writer, part, now)
                    shown += await self._fire(part, now)
        except KafkaUnavailable as exc:
            log.warning("消息总线没有应答,亮灯等待: %s", exc)
        except Forgotten:
            pass
        except Fenced as exc:
            log.warning("分区已由其他进程接管: %s", exc)
        for part in list(self.writer.partitions.values()):
            metric("gridwhistle_timer_waiting").labels(str(part.number)).set(part.book.waiting)
        return shown

    async def _fire(self, part: Partition, now: datetime) -> int:
        """Everything of a partition that is due at ``now``, most overdue first."""
        until, shown = microseconds(now), 0
        rows = part.book.due(until, AHEAD)
        for at in range(0, len(rows), SLICE):
            async with part.lock:
                if self.writer.partitions.get(part.number) is not part or self._clock_was_set():
                    return shown
                entries = await self._lit(part, rows[at : at + SLICE], now, until)
                await self.writer.write(part, entries)
                shown += len(entries)
        return shown

    async def _lit(
        self, part: Partition, rows: list[int], now: datetime, until: int
    ) -> list[Entry]:
        """Lights of these rows, in the book and ready to be written."""
        entries: list[Entry] = []
        at = 0
        while at < len(rows):
            fresh: list[Entry] = []
            shown: Shown = {}
            begun, pause = at, time.perf_counter() + BREATH
            while at < len(rows) and time.perf_counter() < pause:
                row = rows[at]
                at += 1
                if part.book.wakes_at(row) > until:  # changed or forgotten since it was found due
                    continue
                try:
                    fresh += light_up(part, row, now, shown)
                except Exception:
                    log.exception("no light for a case of partition %d", part.number)
            part.take(fresh)
            for (clock, stage), (count, latest) in shown.items():
                count_lights(clock, stage, count, latest)
            for row in rows[begun:at]:
                if part.book.wakes_at(row) <= until:
                    part.book.postpone(row, until + AGAIN)
            entries += fresh
            await asyncio.sleep(0)
        return entries

    async def sweep(self) -> int:
        """Forget cases that can no longer be reopened, in memory and in the topic."""
        if time.monotonic() - self._swept < SWEEP:
            return 0
        self._swept = time.monotonic()
        gone = 0
        for part in list(self.writer.partitions.values()):
            gone += await self._forget(part, microseconds(self._now() - REOPENING))
        return gone

    async def _forget(self, part: Partition, before: int) -> int:
        async with part.lock:
            if self.writer.partitions.get(part.number) is not part:
                return 0
            head = gravestone(part.done_now)
            entries = [Entry(key, None, head) for key in part.book.closed_before(before, SWEPT)]
            part.book.load(entries)
            try:
                await self.writer.write(part, entries)
            except (KafkaUnavailable, Forgotten, Fenced) as exc:
                log.warning("旧案未清理,稍后再试: %s", exc)
                return 0
        return len(entries)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _clock_was_set(self) -> bool:
        drift = self._clock() - time.monotonic()
        if abs(drift - self._drift) > STEP:
            log.warning(
                "系统时钟跳变 %.1f 秒,暂停亮灯 %.0f 秒", drift - self._drift, PAUSE_AFTER_STEP
            )
            metric("gridwhistle_clock_steps_total").inc()
            self._quiet_until = time.monotonic() + PAUSE_AFTER_STEP
        self._drift = drift
        return time.monotonic() < self._quiet_until


async def hold_assigned(app: Any, writer: Writer) -> None:
    """Read every assigned partition back, also when no command comes."""
    numbers = [tp.partition for tp in app.consumer.assignment() if tp.topic == COMMANDS]
    missing = [number for number in numbers if number not in writer.partitions]
    found = await asyncio.gather(*map(writer.partition, missing), return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, Forgotten):
            raise one


def attach(app: StageApp, writer: Writer) -> None:
    timer = Timer(writer)

    @app.task
    async def fire(_app: Any) -> None:
        while not app.should_stop:
            try:
                await hold_assigned(app, writer)
                shown = await timer.look()
                await timer.sweep()
            except Exception as exc:  # a bug: loud
                app.crash_soon(exc)
            await asyncio.sleep(0 if shown >= SLICE else TICK)
