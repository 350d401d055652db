"""Intake: raw reports become events, and the few that matter become commands to cases.

For each chunk: decode and decide every record (pure, ``streams.core``); send commands, emergencies
first, and dead letters to Kafka; hand rows to the sinks; acknowledge the chunk once all of it is
safe. A record ends as exactly one of three: rows in ``events``, rows in ``filtered``, or letters in
``dead-letters``; ``gridwhistle ledger`` counts them against the offsets.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from faust.types import TP

from connectors.kafka import Record
from connectors.metrics import metric
from schemas.case import Actor, Command
from schemas.event import Event
from schemas.ids import case_number, command_id
from schemas.profile import Profile
from schemas.settings import Settings
from schemas.topics import RAW_TOPICS
from streams.app import StageApp
from streams.chunks import Chunk
from streams.claims import Claims, Held
from streams.core.breaker import Breaker
from streams.core.decide import Decider
from streams.core.quiet import Bulk
from streams.core.reporting import report_of
from streams.decided import Decided, decide_chunk
from streams.event_sink import EventRows, EventSink
from streams.finish import Finisher
from streams.learned import learned
from streams.line import StoreLine
from streams.outlet import Outlet
from streams.sink import TableSink, store_address
from streams.standing import Standing
from streams.stopped import Stopped

log = logging.getLogger(__name__)

FILTERED_COLUMNS = ("topic", "partition", "offset", "part", "event_id", "reason", "ingest_ms")
SYSTEM = Actor(role="system", id="intake")
OPENS = {"case": "report", "triage": "report", "clear": "clear"}


def command_of(event: Event) -> Command:
    """The command an event sends to its case. A device's all-clear names no case, only the village
    it stands in: the writer finds the device's open case."""
    at = datetime.fromtimestamp(event.ingest_ms / 1000, UTC)
    move = OPENS[event.disposition]
    return Command(
        command_id=command_id(event.event_id, move),
        case_no=event.case_no or case_number(event.event_id, event.village, at),
        move=move,
        at=at,
        actor=SYSTEM,
        report=report_of(event),
    )


class Intake:
    """The effects of intake: sinks, commands, letters, and the acknowledgement after them."""

    def __init__(
        self, settings: Settings, profile: Profile, outlet: Outlet, app: StageApp | None = None
    ) -> None:
        address = store_address(settings)
        crash = app.crash_soon if app is not None else None
        self.app, self.outlet = app, outlet
        # What the model was taught with is 8 MB of texts that nobody asks for once it is there.
        self.bulk = Bulk(Decider(replace(profile, training=()), learned(profile)))
        line = StoreLine(address, "claims")
        self.claims = Claims(line)
        self.stopped = Stopped(line)
        self.events = EventSink(address, writer=self._writer, on_failure=crash)
        self.filtered = TableSink(
            "filtered", FILTERED_COLUMNS, address, writer=self._writer, on_failure=crash
        )
        self.finisher = Finisher(crash)
        self._held: dict[TP, Held] = {}
        self._breakers: dict[TP, Breaker] = {}
        self._sent: dict[TP, asyncio.Future[None]] = {}  # the last commands of each partition
        self._next: dict[TP, int] = {}
        stores = (self.events, self.filtered, self.finisher)
        self.standing = Standing(app, stores, self._take)

    def _writer(self) -> str:
        return self.claims.writer

    async def take(self, event: Any) -> None:
        """One chunk. Returns when the next may come, which is before this one is safe."""
        if not self.standing.sets_aside(event):
            await self._take(event)
            await self.standing.room(event.value)

    async def _take(self, event: Any) -> None:
        chunk = event.value
        if self.stopped.holds(chunk.tp, event):
            return
        writer = self.claims.writer
        held = self._held.get(chunk.tp) or await self._hold(chunk)
        if writer != self.claims.writer:  # the partitions have moved while we asked
            return
        self._note_lost(chunk)
        started = time.perf_counter()
        out = decide_chunk(self.bulk, chunk, held, int(time.time() * 1000))
        metric("gridwhistle_decide_seconds").observe(time.perf_counter() - started)
        breaker = self._breakers[chunk.tp]
        if breaker.trips(out.bad, len(chunk), chunk.last):
            await self._stop(event, out, breaker)
            return
        self.stopped.went_well(chunk.tp)
        chunk.release()
        self._count(chunk, out)
        self.finisher.finish(event, self._effects(chunk.tp, out), chunk.size)

    def _count(self, chunk: Chunk, out: Decided) -> None:
        topic = chunk.tp.topic
        metric("gridwhistle_records_total").labels(topic).inc(len(chunk))
        kinds = Counter((e.channel, e.disposition) for e in out.events)
        for say, count in Counter(out.quiet.says if out.quiet is not None else ()).items():
            kinds[say.like.channel, say.like.disposition] += count
        for (channel, disposition), count in kinds.items():
            metric("gridwhistle_events_total").labels(channel, disposition).inc(count)
        for reason, count in out.reasons.items():
            metric("gridwhistle_dead_letters_total").labels(topic, reason).inc(count)
        if out.filtered:
            metric("gridwhistle_filtered_total").labels(topic, "repeat").inc(len(out.filtered))
        for event in out.reports:
            if event.emergency:
                metric("gridwhistle_emergencies_total").labels(event.channel).inc()

    def _effects(self, tp: TP, out: Decided) -> list[Awaitable[Any]]:
        """Commands leave before the rows are written, those of emergencies before all others."""
        urgent = asyncio.ensure_future(
            self.outlet.put([_record(e) for e in out.reports if e.emergency])
        )
        others = [_record(e) for e in out.reports if not e.emergency]
        others += [Record("dead-letters", key, value) for key, value in out.letters]
        sent: asyncio.Future[None] = asyncio.ensure_future(
            self._in_turn(self._sent.get(tp), urgent, others)
        )
        self._sent[tp] = sent
        rows = EventRows(out.quiet, out.events)
        return [sent, self.events.add(rows), self.filtered.add(out.filtered)]

    async def _in_turn(
        self, before: asyncio.Future[None] | None, urgent: asyncio.Future[None],
        others: list[Record],
    ) -> None:  # fmt: skip
        """After what the partition sent before, so that a clear never overtakes its report."""
        if before is not None and others:
            await asyncio.wait({before})
        await self.outlet.put(others)
        await urgent

    async def _stop(self, event: Any, out: Decided, breaker: Breaker) -> None:
        """Too much is bad: only emergencies leave; the chunk and what follows it wait."""
        chunk = event.value
        self._held[chunk.tp].calm.clear()  # its normal states have not left and are decided again
        await self.outlet.put([_record(e) for e in out.reports if e.emergency])
        reason = out.reasons.most_common(1)[0][0] if out.reasons else ""
        self.stopped.stop(event, breaker.bad, breaker.seen, reason)
        if self.app is not None:
            self.app.consumer.pause_partitions({chunk.tp})

    async def watch_stopped(self) -> None:
        """Go on with stopped partitions that an operator lets through. Runs for ever."""
        while True:
            for tp, until in await self.stopped.passed():
                log.warning("%s[%d]: goes on, bad records up to %d pass", tp.topic, tp.partition,
                            until)  # fmt: skip
                self._breakers[tp] = Breaker(until)
                for event in self.stopped.release(tp):
                    await self.take(event)
                if not self.stopped.stands(tp) and self.app is not None:
                    self.app.consumer.resume_partitions({tp})

    def _note_lost(self, chunk: Chunk) -> None:
        """Say so when Kafka deleted records before they were read."""
        tp, expected = chunk.tp, self._next.get(chunk.tp, 0)
        if chunk.first > expected:
            lost = chunk.first - expected
            metric("gridwhistle_lost_records_total").labels(tp.topic).inc(lost)
            log.error(
                "%s[%d]: records %d to %d (%d) were deleted by retention before they were read",
                tp.topic, tp.partition, expected, chunk.first - 1, lost,
            )  # fmt: skip
        self._next[tp] = chunk.next_offset

    async def _hold(self, chunk: Chunk) -> Held:
        """Take a partition over. Nobody else can write it once this returns."""
        tp, writer = chunk.tp, self.claims.writer
        consumer = self.app.consumer if self.app is not None else None
        assigned = [t for t in consumer.assignment() if t.topic in RAW_TOPICS] if consumer else [tp]
        await self.claims.claim(assigned if tp in assigned else [tp])
        held = await self.claims.held(tp, chunk.first)
        passed = await self.stopped.passed_until(tp)
        if writer == self.claims.writer:
            committed = consumer.read_from(tp) if consumer else None
            self._next[tp] = chunk.first if consumer is None else committed or 0
            self._held[tp], self._breakers[tp] = held, Breaker(passed)
            log.info(
                "%s[%d] from %d on, %d rows there already",
                tp.topic, tp.partition, chunk.first, len(held.done),
            )  # fmt: skip
        return held

    def forget(self, _revoked: set[TP]) -> None:
        """Partitions move, all at once: what has not landed by now is left to the next owner."""
        self.claims.give_up()
        self.events.abandon()
        self.filtered.abandon()
        self.stopped.forget()
        self.standing.forget()
        for known in (self._held, self._breakers, self._sent, self._next):
            known.clear()

    async def flush(self) -> None:
        await asyncio.gather(self.events.flush(), self.filtered.flush())
        if self.events.failing_since is None and self.filtered.failing_since is None:
            await self.finisher.drained()


def _record(event: Event) -> Record:
    body = command_of(event).model_dump_json(exclude_defaults=True)
    return Record("case-commands", event.village.encode(), body.encode())


def attach(app: StageApp, settings: Settings, profile: Profile, outlet: Outlet) -> None:
    intake = Intake(settings, profile, outlet, app)
    app.flush_hooks.append(intake.flush)
    app.revoked_hooks.append(intake.forget)
    app.sinks += [intake.events, intake.filtered]
    app.excused.append(intake.stopped.stands)
    app.task(intake.watch_stopped)

    @app.agent(app.chunks(*RAW_TOPICS), name="intake")
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await intake.take(event)
