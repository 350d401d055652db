"""Replays an export through a mapping, straight into the raw topics.

Ids come from the file, so a replay that was interrupted is simply run again: what is already there
counts once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from connectors.inbound.edge import Admitted, Edge
from connectors.inbound.mapping import Mapping
from connectors.inbound.problems import Problem, Refused
from connectors.inbound.table_file import Row
from connectors.kafka import KafkaUnavailable, Sink

BATCH = 500
MOST_SORTED = 1_000_000  # rows held in memory to bring them into the order of their times
WAITS = (1.0, 2.0, 5.0, 10.0)  # seconds between attempts while Kafka is away


@dataclass
class Tally:
    """What became of the rows: read = sent + skipped + rejected, when it ran to the end."""

    read: int = 0
    sent: int = 0
    skipped: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Entry:
    line: int
    at: datetime | None
    admitted: Admitted


#: hears each rejected row: its line and what is wrong
OnReject = Callable[[int, tuple[Problem, ...]], None]


def last_time(rows: Iterable[Row], mapping: Mapping) -> datetime | None:
    """Latest time of the rows that would be sent; None when no row has one."""
    latest: datetime | None = None
    for row in rows:
        if row.problems:
            continue
        try:
            at = None if mapping.skips(row.values) else mapping.occurred_at(row.values)
        except Refused:
            continue
        if at is not None and (latest is None or at > latest):
            latest = at
    return latest


def entries(
    rows: Iterable[Row],
    mapping: Mapping,
    edge: Edge,
    tally: Tally,
    on_reject: OnReject,
    *,
    shift: timedelta = timedelta(0),
) -> Iterator[Entry]:
    """Rows as reports ready to send. Counts into ``tally`` what is skipped and rejected."""
    for row in rows:
        tally.read += 1
        try:
            if row.problems:
                raise Refused(row.problems)
            values = {**row.values, "_line": str(row.line)}
            if mapping.skips(values):
                tally.skipped += 1
                continue
            channel, body = mapping.report(values)
            if body["occurred_at"] is not None:
                body["occurred_at"] += shift
            admitted = edge.admit(body, channel=channel, source=mapping.source)
        except Refused as refused:
            tally.rejected += 1
            on_reject(row.line, tuple(replace(p, index=0) for p in refused.problems))
            continue
        yield Entry(row.line, body["occurred_at"], admitted)


def in_order(found: Iterable[Entry]) -> list[Entry]:
    """By time; rows without one stay behind the row before them. MemoryError past a million."""
    held = list(islice(found, MOST_SORTED + 1))
    if len(held) > MOST_SORTED:
        raise MemoryError(f"按时间回放最多 {MOST_SORTED} 行,请先按时间排序并拆分文件")
    latest: datetime | None = None
    keyed = []
    for number, entry in enumerate(held):
        latest = entry.at or latest
        keyed.append((latest is not None, latest.timestamp() if latest else 0.0, number))
    return [held[number] for _, _, number in sorted(keyed)]


async def send_all(
    found: Iterable[Entry],
    sink: Sink,
    tally: Tally,
    *,
    speed: float | None = None,
    on_sent: Callable[[], None] = lambda: None,
    on_wait: Callable[[str], None] = lambda reason: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Sends everything; ``speed`` None is as fast as it goes, else so many times real time.

    While Kafka is away it waits and tries the same records again, for ever: nothing is skipped.
    """
    batch: list[Entry] = []

    async def flush() -> None:
        if batch:
            await _send(batch, sink, on_wait, sleep)
            tally.sent += len(batch)
            batch.clear()
            on_sent()

    started = clock()
    origin: datetime | None = None
    for entry in found:
        if speed is not None and entry.at is not None:
            origin = origin or entry.at
            due = started + (entry.at - origin).total_seconds() / speed
            if due > clock():
                await flush()
                if (pause := due - clock()) > 0:
                    await sleep(pause)
        batch.append(entry)
        if len(batch) >= BATCH:
            await flush()
    await flush()


async def _send(
    batch: list[Entry],
    sink: Sink,
    on_wait: Callable[[str], None],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    records = [record for entry in batch for record in entry.admitted.records()]
    attempt = 0
    while True:
        try:
            return await sink.send_many(records, 30.0)
        except KafkaUnavailable as error:
            on_wait(str(error))
            await sleep(WAITS[min(attempt, len(WAITS) - 1)])
            attempt += 1
