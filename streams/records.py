"""Records: changes, alerts and dead letters into ClickHouse, each row idempotent by its key."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from schemas.alarm import AlarmRecord
from schemas.alert import Alert
from schemas.case import Case, Change, Deadline
from schemas.deadletter import DeadLetter
from schemas.settings import Settings
from streams.app import StageApp
from streams.finish import Finisher
from streams.sink import TableSink, store_address

log = logging.getLogger(__name__)

CHANGE_COLUMNS = (
    "case_no", "version", "change_id", "command_id", "move", "from_state", "state", "at_ms",
    "actor_role", "actor_id", "actor_unit", "reason", "event_id", "clock", "stage",
    "late_seconds", "alert_id", "satisfaction", "resolved", "channel", "class_code", "grade",
    "village", "grid", "unit", "light", "opened_ms", "test", "simulated", "body",
    "found",
)  # fmt: skip
CASE_COLUMNS = (
    "case_no", "version", "state", "class_code", "grade", "emergency", "title", "channel",
    "county", "village", "grid", "building", "lon", "lat", "device_id", "unit", "unit_level",
    "light", "level_up", "events", "opened_ms", "updated_ms", "closed_ms", "due_clock", "due_ms",
    "yellow_ms", "satisfaction", "resolved", "test", "simulated", "body",
)  # fmt: skip
ALERT_COLUMNS = (
    "alert_id", "kind", "recipient", "case_no", "change_id", "event_id", "class_code", "grade",
    "village", "grid", "building", "title", "channel", "clock", "due_ms", "late_seconds",
    "created_ms", "needs_ack", "test", "simulated",
)  # fmt: skip
VERDICT_COLUMNS = (
    "village", "key", "event_id", "at_ms", "device_id", "event_code", "building", "grid",
    "outcome", "rule", "reason", "case_no", "simulated",
)  # fmt: skip
ALARM_COLUMNS = (
    "key", "version", "village", "device_id", "event_code", "state", "first_ms", "last_ms",
    "cleared_ms", "acknowledged_ms", "heard_ms", "raises", "clears", "flapping", "bundled",
    "case_no", "rule", "simulated",
)  # fmt: skip
WINDOW_COLUMNS = (
    "window_id", "village", "version", "scope", "target", "area", "events", "start_ms", "end_ms",
    "who", "by", "reason",
)  # fmt: skip
LETTER_COLUMNS = (
    "topic", "partition", "offset", "part", "reason", "field", "detail", "at_ms",
    "dl_partition", "dl_offset",
)  # fmt: skip

Rows = tuple[tuple[Any, ...], ...]


def change_row(change: Change) -> tuple[Any, ...]:
    case = change.case
    return (
        case.case_no, case.version, change.change_id, change.command_id, change.move,
        change.from_state or "", case.state, _ms(change.at), change.actor.role, change.actor.id,
        change.actor.unit, change.reason, change.event_id, change.clock or "", change.stage or "",
        change.late_seconds, change.alert_id, change.satisfaction or 0,
        _yes_no(change.resolved), case.channel, case.class_code, case.grade, case.village,
        case.grid, case.unit, case.light, _ms(case.opened_at), case.test, case.simulated,
        change.model_dump_json(exclude_defaults=True), _yes_no(change.found),
    )  # fmt: skip


def case_row(case: Case) -> tuple[Any, ...]:
    due = _next_due(case)
    return (
        case.case_no, case.version, case.state, case.class_code, case.grade, case.emergency,
        case.title, case.channel, case.village[:6], case.village, case.grid, case.building,
        case.lon, case.lat, case.device_id, case.unit, case.unit_level, case.light, case.level_up,
        case.events, _ms(case.opened_at), _ms(case.updated_at), _ms(case.closed_at),
        due.clock if due else "", _ms(due.due) if due else 0, _ms(due.yellow_at) if due else 0,
        case.satisfaction or 0, _yes_no(case.resolved), case.test, case.simulated,
        case.model_dump_json(exclude_defaults=True),
    )  # fmt: skip


def alert_row(alert: Alert) -> tuple[Any, ...]:
    return (
        alert.alert_id, alert.kind, alert.recipient, alert.case_no, alert.change_id,
        alert.event_id, alert.class_code, alert.grade, alert.village, alert.grid, alert.building,
        alert.title, alert.channel, alert.clock, _ms(alert.due), alert.late_seconds,
        _ms(alert.created_at), alert.needs_ack, alert.test, alert.simulated,
    )  # fmt: skip


def verdict_rows(record: AlarmRecord) -> Rows:
    return tuple(
        (
            record.village, record.key, v.event_id, _ms(v.at), v.device_id, v.event_code,
            v.building, v.grid, v.outcome, v.rule, v.reason, v.case_no,
            v.simulated or record.key.endswith("|s"),
        )
        for v in record.verdicts
    )  # fmt: skip


def alarm_rows(record: AlarmRecord, offset: int) -> Rows:
    """The alarm as it stands; none for the record of a pattern, a storm or a window."""
    a = record.alarm
    if a is None:
        return ()
    return ((
        record.key, offset, record.village, a.device_id, a.event_code, a.state, _ms(a.first_at),
        _ms(a.last_at), _ms(a.cleared_at), _ms(a.acknowledged_at), _ms(a.heard_at), a.raises,
        a.clears, a.flapping, a.bundled, a.case_no, a.rule, record.key.endswith("|s"),
    ),)  # fmt: skip


def window_rows(record: AlarmRecord, offset: int) -> Rows:
    """A repair window as its village knows it; none for other records."""
    w = record.window
    if w is None:
        return ()
    return ((
        w.window_id, record.village, offset, w.scope, w.target, w.area, list(w.events),
        _ms(w.start), _ms(w.end), w.who, w.by, w.reason,
    ),)  # fmt: skip


def letter_row(letter: DeadLetter, partition: int, offset: int) -> tuple[Any, ...]:
    """Where and why; the payload stays in Kafka."""
    return (
        letter.topic, letter.partition, letter.offset, letter.part, letter.reason, letter.field,
        letter.detail, _ms(letter.at), partition, offset,
    )  # fmt: skip


def _next_due(case: Case) -> Deadline | None:
    running = [d for d in case.deadlines if d.paused_at is None]
    return min(running, key=lambda d: d.due, default=None)


def _ms(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp() * 1000)


def _yes_no(value: bool | None) -> int:
    return -1 if value is None else int(value)


class Copy(NamedTuple):
    """One topic copied into tables: ``rows`` gives, for a record, one tuple of rows a table."""

    topic: str
    tables: tuple[tuple[str, tuple[str, ...]], ...]
    rows: Callable[[Any, int], tuple[Rows, ...]]


def _change(record: Any, _partition: int) -> tuple[Rows, ...]:
    change = Change.model_validate_json(record.value)
    return (change_row(change),), (case_row(change.case),)


def _alert(record: Any, _partition: int) -> tuple[Rows, ...]:
    return ((alert_row(Alert.model_validate_json(record.value)),),)


def _alarms(record: Any, _partition: int) -> tuple[Rows, ...]:
    state = AlarmRecord.model_validate_json(record.value)
    at = record.offset
    return verdict_rows(state), alarm_rows(state, at), window_rows(state, at)


def _letter(record: Any, partition: int) -> tuple[Rows, ...]:
    letter = DeadLetter.model_validate_json(record.value)
    return ((letter_row(letter, partition, record.offset),),)


COPIES = (
    Copy("case-changes", (("case_changes", CHANGE_COLUMNS), ("cases", CASE_COLUMNS)), _change),
    Copy("alerts",       (("alerts", ALERT_COLUMNS),), _alert),
    Copy("alarm-states", (("alarm_verdicts", VERDICT_COLUMNS), ("alarms", ALARM_COLUMNS),
                          ("repair_windows", WINDOW_COLUMNS)), _alarms),
    Copy("dead-letters", (("dead_letters", LETTER_COLUMNS),), _letter),
)  # fmt: skip


def attach(app: StageApp, settings: Settings) -> None:
    address = store_address(settings)
    for copy in COPIES:
        sinks = [
            TableSink(table, columns, address, most_waiting=50_000)
            for table, columns in copy.tables
        ]
        app.sinks += sinks
        _attach(app, copy, sinks)


def _attach(app: StageApp, copy: Copy, sinks: list[TableSink]) -> None:
    finisher = Finisher(app.crash_soon)

    async def flush() -> None:
        for sink in sinks:
            await sink.flush()
        await finisher.drained()

    app.flush_hooks.append(flush)

    @app.agent(app.chunks(copy.topic), name=f"records-{copy.topic}")
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            chunk = event.value
            rows: list[list[tuple[Any, ...]]] = [[] for _ in sinks]
            for record in chunk.records:
                if record.value is None:  # a tombstone: the case is over and forgotten here
                    continue
                for table, more in zip(rows, copy.rows(record, chunk.tp.partition), strict=True):
                    table.extend(more)
            waits = [sink.add(table) for sink, table in zip(sinks, rows, strict=True)]
            finisher.finish(event, waits)
            for sink in sinks:
                await sink.room()
