"""Alarms beside the cases: what a writer does with ``streams.core.alarmbook``.

States of alarms go to ``alarm-states`` in the transaction of the changes they led to, one record a
key and chunk of commands: a device that floods costs a record a chunk, not one a signal.
"""

from __future__ import annotations

import logging
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from connectors.kafka import Record
from connectors.metrics import metric
from schemas.alarm import AlarmRecord
from schemas.case import Command
from streams.changelog import Entry
from streams.offsets import ALARMS

if TYPE_CHECKING:
    from streams.cases import Writer
    from streams.partition import Partition

log = logging.getLogger(__name__)

WOKEN = 1_000  # states woken in one write


def goes_on(part: Partition, command: Command, now: datetime) -> list[Command]:
    """What a command leads to once the alarm rules have seen it. A bug in them holds nothing back:
    the command goes on as it is."""
    try:
        return part.alarms.take(command, now, part.book.has_open)
    except Exception:
        log.exception("an alarm rule failed on command %s", command.command_id)
        return [command]


def alarm_entries(part: Partition, offset: int) -> list[Entry]:
    """Records of the alarms that changed, commands up to ``offset`` done."""
    out: list[Entry] = []
    for record in part.alarms.states.records(offset):
        key = record.key.encode()
        for one in record.verdicts:
            metric("gridwhistle_alarms_total").labels(one.outcome).inc()
        known = record.alarm or record.watch or record.storm or record.window
        if known is not None or record.verdicts:
            out.append(Entry(key, record.model_dump_json(exclude_defaults=True).encode(), b""))
        if known is None:
            out.append(Entry(key, None, b""))
    metric("gridwhistle_alarms_known").labels(str(part.number)).set(len(part.alarms.states))
    return out


async def wake_alarms(writer: Writer, part: Partition, now: datetime) -> None:
    """Alarms that have waited long enough for their all-clear, flapping and storms that are over.
    Called once every command that Kafka had is applied, so that no all-clear is overtaken."""
    while part.alarms.states.due(now):
        async with part.lock:
            if writer.partitions.get(part.number) is not part:
                return
            entries: list[Entry] = []
            letters: list[Record] = []
            told: list[Record] = []
            reached: dict[str, str] = {}
            for command in part.alarms.wake(now, part.book.has_open, WOKEN):
                record = SimpleNamespace(
                    offset=part.done_now, value=command.model_dump_json().encode(),
                    key=command.case_no.encode(), headers=[],
                )  # fmt: skip
                writer.do(part, command, record, entries, told, letters, reached)
            await writer.outlet.put(letters)
            await writer.write(part, entries, alarm_entries(part, part.done_now))


async def read_alarms(part: Partition) -> None:
    """Take the alarms of a partition in; ``part.done`` says which commands they know of."""
    newest: dict[bytes, bytes | None] = {}
    async for run in part.changes.read(ALARMS):
        for _, key, value, _ in run:
            if key is not None:
                newest[key] = value
    for key, value in newest.items():
        if value is None:
            continue
        try:
            record = AlarmRecord.model_validate_json(value)
        except ValidationError:
            log.error("%s: state of %r cannot be read: left out", ALARMS, key)
            continue
        part.alarms.states.load(record.key, record)
        part.done = max(part.done, record.command_offset)
