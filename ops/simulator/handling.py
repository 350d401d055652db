"""Simulated units at work: read the topic of changes, send commands when their time has come.

``Worklist`` decides nothing and knows no clock; ``work`` is the shell around it.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from connectors.kafka import KafkaAddress, KafkaUnavailable, Record, Sink
from ops.simulator.offices import Offices
from ops.simulator.patience import PACE
from ops.simulator.units import next_step
from schemas.case import Case, Change, Command
from schemas.ids import village_of
from schemas.topics import BY_NAME

CHANGES, COMMANDS = "case-changes", "case-commands"
MOST = 20_000  # open cases in hand: about 100 MB
AT_ONCE = 200  # commands a look; after a pause the backlog is worked off, not dumped
LOOK = 0.25  # seconds
AGAIN = timedelta(seconds=60)  # no answer: the worker is down, or somebody was quicker
LONGEST = timedelta(minutes=15)
QUIET_MS = 1000
WAIT = 5.0  # seconds until Kafka is tried again
ASIDE = frozenset({"attach", "absorb", "clear", "overdue", "note", "mark"})  # nobody's hand
FLAG = b'"simulated":true'  # written only when true; a quoted text cannot hold it


class _Held(NamedTuple):
    case: Case
    since: datetime
    partition: int
    number: int  # of its place in the heap
    tries: int = 0


@dataclass
class Worklist:
    """Open simulated cases and when the next hand is laid on each."""

    offices: Offices
    pace: float = PACE
    most: int = MOST
    missed: int = 0  # cases there was no room for
    _held: dict[str, _Held] = field(default_factory=dict)
    _heap: list[tuple[datetime, int, Command]] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)

    def __len__(self) -> int:
        return len(self._held)

    def put(self, change: Change, partition: int, now: datetime) -> None:
        """Take a change in. Real cases, old versions and closed cases leave nothing behind."""
        case = change.case
        held = self._held.get(case.case_no)
        if not case.simulated or (held and held.case.version >= case.version):
            return
        if held and change.move in ASIDE and held.case.state == case.state:
            self._held[case.case_no] = held._replace(case=case)  # the plan stands
            return
        if held is None and len(self._held) >= self.most:
            self.missed += 1
            return
        self._plan(_Held(case, change.at, partition, 0), now)

    def due(self, now: datetime, most: int = AT_ONCE) -> list[tuple[int, Command]]:
        """(partition, command) whose time has come, stamped ``now``. Each comes again after a
        while unless a change answers it."""
        out: list[tuple[int, Command]] = []
        while self._heap and self._heap[0][0] <= now and len(out) < most:
            _, number, command = heapq.heappop(self._heap)
            held = self._held.get(command.case_no)
            if held is None or held.number != number:
                continue
            out.append((held.partition, command.model_copy(update={"at": now})))
            wait = min(LONGEST, AGAIN * 2**held.tries)
            self._plan(held._replace(tries=min(held.tries + 1, 10)), now, wait)
        return out

    def _plan(self, held: _Held, now: datetime, wait: timedelta = timedelta(0)) -> None:
        step = next_step(held.case, held.since, now + wait, self.offices, self.pace)
        if step is None:
            self._held.pop(held.case.case_no, None)
            return
        number = next(self._numbers)
        self._held[held.case.case_no] = held._replace(number=number)
        heapq.heappush(self._heap, (step[0], number, step[1]))
        if len(self._heap) > 2 * len(self._held) + 1000:  # most of it is out of date
            live = {one.number for one in self._held.values()}
            self._heap = [entry for entry in self._heap if entry[1] in live]
            heapq.heapify(self._heap)


async def work(
    address: KafkaAddress, sink: Sink, list_: Worklist, say: Callable[[str], None],
    restored: asyncio.Future[bool],
) -> None:  # fmt: skip
    """Handle simulated cases until cancelled. ``restored`` gets True when the topic had no case
    at all: a fresh start."""
    while True:
        consumer = AIOKafkaConsumer(
            enable_auto_commit=False, auto_offset_reset="earliest",
            isolation_level="read_committed", **address.client(),
        )  # fmt: skip
        try:
            await consumer.start()
            fresh = await _restore(consumer, list_)
            if not restored.done():
                restored.set_result(fresh)
            say(f"模拟承办单位上岗:在办 {len(list_)} 件,比真人快 {list_.pace:g} 倍,亮灯不加速")
            while not (list_.missed and len(list_) < list_.most // 2):
                await _look(consumer, sink, list_, say)
            list_.missed = 0  # room again: read from the start what there was no room for
        except (KafkaError, OSError):  # who feeds reports says so already
            if not restored.done():
                restored.set_result(False)
            await asyncio.sleep(WAIT)
        finally:
            await consumer.stop()


async def _restore(consumer: AIOKafkaConsumer, list_: Worklist) -> bool:
    """Find the open simulated cases. True when the topic never held anything.

    A quiet second ends it too: a transaction's end can leave the position short of the topic's.
    What comes after is read like any other change.
    """
    parts = [TopicPartition(CHANGES, n) for n in range(BY_NAME[CHANGES].partitions)]
    consumer.assign(parts)
    ends = await consumer.end_offsets(parts)
    await consumer.seek_to_beginning(*parts)
    latest: dict[str, tuple[Change, int]] = {}
    while any([await consumer.position(tp) < ends[tp] for tp in parts]):
        got = await consumer.getmany(timeout_ms=QUIET_MS, max_records=1000)
        if not got:
            break
        for tp, records in got.items():
            for record in records:
                change = _simulated(record)
                if change is None:
                    continue
                if change.case.state in ("closed", "merged"):
                    latest.pop(change.case.case_no, None)
                elif change.case.case_no in latest or len(latest) < list_.most:
                    latest[change.case.case_no] = change, tp.partition
                else:
                    list_.missed += 1
    now = datetime.now(UTC)
    for change, partition in latest.values():
        list_.put(change, partition, now)
    return not any(ends.values())


async def _look(
    consumer: AIOKafkaConsumer, sink: Sink, list_: Worklist, say: Callable[[str], None]
) -> None:
    """One turn: what has changed, then what is due."""
    got = await consumer.getmany(timeout_ms=int(LOOK * 1000), max_records=2000)
    now = datetime.now(UTC)
    for tp, records in got.items():
        for record in records:
            if (change := _simulated(record)) is not None:
                list_.put(change, tp.partition, now)
    records = [
        Record(
            COMMANDS, village_of(command.case_no).encode(),
            command.model_dump_json(exclude_defaults=True).encode(), partition,
        )
        for partition, command in list_.due(now)
    ]  # fmt: skip
    if not records:
        return
    try:
        await sink.send_many(records)
    except KafkaUnavailable as problem:  # each comes again by itself
        say(f"模拟承办单位的 {len(records)} 条指令稍后重发:{problem}")
        await asyncio.sleep(WAIT)


def _simulated(record: ConsumerRecord) -> Change | None:
    """The change, when it is of a simulated case. What cannot be read is not ours to judge."""
    if record.value is None or FLAG not in record.value:
        return None
    try:
        change = Change.model_validate_json(record.value)
    except ValidationError:
        return None
    return change if change.case.simulated else None
