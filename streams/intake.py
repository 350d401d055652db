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
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from faust.types import TP

from connectors.kafka import Record
from connectors.letters import dead_letter
from connectors.metrics import metric
from connectors.sqlfiles import read_sql
from schemas.case import Actor, Command, Report
from schemas.event import EVENT_COLUMNS, Event
from schemas.ids import command_id
from schemas.profile import Profile
from schemas.settings import Settings
from schemas.topics import RAW_TOPICS
from streams.app import StageApp
from streams.core.decide import Decider, Position
from streams.core.reading import Invalid, read_slice
from streams.core.recent import RecentIds
from streams.finish import Finisher
from streams.outlet import Outlet
from streams.sink import TableSink, store_address

log = logging.getLogger(__name__)

SLICE = 128  # records decoded together; larger slices leave the processor's cache
FILTERED_COLUMNS = ("topic", "partition", "offset", "part", "event_id", "reason", "ingest_ms")
SYSTEM = Actor(role="system", id="intake")
OPENS = {"case": "report", "triage": "report", "clear": "clear"}
MONTH_OF_INGEST = EVENT_COLUMNS.index("ingest_ms")
SANE_STAMP_MS = 7 * 86_400_000
REPEAT_WINDOW_MS = 86_400_000


@dataclass
class Held:
    """What a worker knows about a partition it owns."""

    events: int  # highest offset the table holds
    filtered: int
    recent: RecentIds


@dataclass
class Decided:
    """What one chunk comes to."""

    events: list[Event] = field(default_factory=list)
    filtered: list[tuple[Any, ...]] = field(default_factory=list)
    letters: list[tuple[bytes, bytes]] = field(default_factory=list)
    reports: list[Event] = field(default_factory=list)


def decide_chunk(decider: Decider, tp: TP, records: list[Any], held: Held, now_ms: int) -> Decided:
    """Decode and decide the records of a chunk. Never raises for what a record holds: a bug in a
    rule costs that record its place among the events, not the chunk.
    """
    out = Decided()
    for start in range(0, len(records), SLICE):
        cut = records[start : start + SLICE]
        for record, read in zip(cut, read_slice(tp.topic, [r.value for r in cut]), strict=True):
            _decide_record(decider, tp, record, read, held, now_ms, out)
    return out


def _decide_record(
    decider: Decider, tp: TP, record: Any, read: Any, held: Held, now_ms: int, out: Decided
) -> None:
    part, offset = 0, record.offset
    stamp = record.timestamp
    ingest_ms = stamp if stamp and abs(stamp - now_ms) < SANE_STAMP_MS else now_ms
    for raw in read if isinstance(read, list) else [read]:
        decided: list[Event] | Invalid
        if isinstance(raw, Invalid):
            decided = raw
        else:
            try:
                decided = decider.decide(
                    raw, Position(tp.topic, tp.partition, offset, part, ingest_ms)
                )
            except Exception as exc:
                log.exception("a rule failed on %s[%d]@%d", tp.topic, tp.partition, offset)
                decided = Invalid("bug", "", f"处理规则出错:{type(exc).__name__}")
        if isinstance(decided, Invalid):
            out.letters.append(
                dead_letter(tp.topic, tp.partition, record, part,
                            decided.reason, decided.field, decided.detail)
            )  # fmt: skip
            metric("gridwhistle_dead_letters_total").labels(tp.topic, decided.reason).inc()
            part += 1
            continue
        for event in decided:
            if held.recent.repeated(event.event_id, offset, part):
                if offset > held.filtered:
                    out.filtered.append(
                        (tp.topic, tp.partition, offset, part, event.event_id, "repeat", ingest_ms)
                    )
                    metric("gridwhistle_filtered_total").labels(tp.topic, "repeat").inc()
            else:
                if offset > held.events:
                    out.events.append(event)
                if event.disposition in OPENS:
                    out.reports.append(event)
            part += 1


def command_of(event: Event) -> Command:
    """The command an event sends to its case."""
    at = datetime.fromtimestamp(event.ingest_ms / 1000, UTC)
    move = OPENS[event.disposition]
    return Command(
        command_id=command_id(event.event_id, move),
        case_no=event.case_no,
        move=move,  # type: ignore[arg-type]
        at=at,
        actor=SYSTEM,
        report=Report(
            event_id=event.event_id, channel=event.channel,
            occurred_at=datetime.fromtimestamp(event.occurred_ms / 1000, UTC), ingested_at=at,
            title=event.title, text=event.text, device_id=event.device_id,
            event_code=event.event_code, class_code=event.class_code,
            confidence=event.confidence, top3=event.top3, grade=event.grade,
            emergency=event.emergency, grid=event.grid, building=event.building,
            lon=event.lon, lat=event.lat, unit=event.unit, unit_level=event.unit_level,
            route=event.route, reporter=event.reporter, test=event.test,
            simulated=event.simulated,
        ),
    )  # fmt: skip


class Intake:
    """The effects of intake: sinks, commands, letters, and the acknowledgement after them."""

    def __init__(self, settings: Settings, profile: Profile, outlet: Outlet) -> None:
        address = store_address(settings)
        self.decider = Decider(profile)
        self.outlet = outlet
        self.events = TableSink("events", EVENT_COLUMNS, address, split=_month)
        self.filtered = TableSink("filtered", FILTERED_COLUMNS, address)
        self.finisher = Finisher()
        self._held: dict[TP, Held] = {}

    async def take(self, event: Any) -> None:
        chunk = event.value
        held = self._held.get(chunk.tp) or await self._hold(chunk.tp)
        started = time.perf_counter()
        now_ms = int(time.time() * 1000)
        out = decide_chunk(self.decider, chunk.tp, chunk.records, held, now_ms)
        metric("gridwhistle_decide_seconds").observe(time.perf_counter() - started)
        metric("gridwhistle_records_total").labels(chunk.tp.topic).inc(len(chunk))
        for decided in out.events:
            metric("gridwhistle_events_total").labels(decided.channel, decided.disposition).inc()
        self.finisher.finish(event, self._effects(out))
        await self.events.room()

    def _effects(self, out: Decided) -> list[Awaitable[Any]]:
        """Commands leave before the rows are written, those of emergencies before all others."""
        emergencies = [e for e in out.reports if e.emergency]
        for event in emergencies:
            metric("gridwhistle_emergencies_total").labels(event.channel).inc()
        others = [e for e in out.reports if not e.emergency]
        letters = [Record("dead-letters", key, value) for key, value in out.letters]
        return [
            asyncio.ensure_future(self.outlet.put([_record(e) for e in emergencies])),
            asyncio.ensure_future(self.outlet.put([_record(e) for e in others] + letters)),
            self.events.add(out.events),
            self.filtered.add(out.filtered),
        ]

    async def _hold(self, tp: TP) -> Held:
        """What the store already holds of a partition just taken over."""
        events, filtered = await asyncio.gather(
            self.events.fence(tp.topic, tp.partition), self.filtered.fence(tp.topic, tp.partition)
        )
        known = await self.events.asked(
            read_sql("ledger/recent_ids.sql"),
            {"topic": tp.topic, "partition": tp.partition, "most": 20_000,
             "since_ms": int(time.time() * 1000) - REPEAT_WINDOW_MS},
        )  # fmt: skip
        self._held[tp] = Held(events, filtered, RecentIds(known=((k, o, p) for k, o, p in known)))
        log.info("%s[%d]: store holds events up to %d", tp.topic, tp.partition, events)
        return self._held[tp]

    def forget(self, revoked: set[TP]) -> None:
        for tp in revoked:
            self._held.pop(tp, None)

    async def flush(self) -> None:
        await asyncio.gather(self.events.flush(), self.filtered.flush())
        await self.finisher.drained()


def _record(event: Event) -> Record:
    body = command_of(event).model_dump_json(exclude_defaults=True)
    return Record("case-commands", event.village.encode(), body.encode())


def _month(row: tuple[Any, ...]) -> int:
    """Partition of the table an event falls into: months of UTC, as in the DDL."""
    at = time.gmtime(row[MONTH_OF_INGEST] / 1000)
    return at.tm_year * 12 + at.tm_mon


def attach(app: StageApp, settings: Settings, profile: Profile, outlet: Outlet) -> None:
    intake = Intake(settings, profile, outlet)
    intake.finisher.on_failure = app.crash_soon
    app.flush_hooks.append(intake.flush)
    app.revoked_hooks.append(intake.forget)
    app.sinks += [intake.events, intake.filtered]

    @app.agent(app.chunks(*RAW_TOPICS), name="intake")
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await intake.take(event)
