"""A partition of cases in memory: its book, what is known of its commands, and how it comes back.

A worker that takes a partition over shuts the former writer out first and then reads the changes
from the first to the last: what is in that topic is what is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from connectors.kafka import KafkaAddress
from connectors.metrics import metric
from schemas.case import Change, Command
from streams.alarming import read_alarms
from streams.book import Book, encode
from streams.brief import HEADER, brief, commands_of, done_of, gravestone, hashed
from streams.changelog import ChangeLog, Entry, Stored
from streams.core.alarm_tables import AlarmTables
from streams.core.alarmbook import AlarmBook
from streams.core.matter import NOWHERE
from streams.core.whereabouts import Whereabouts
from streams.joins import BookIndex
from streams.offsets import CHANGES, COMMANDS, Offsets

log = logging.getLogger(__name__)

AT_ONCE = 5_000  # of them taken in without a pause
RECENT = 100_000  # commands remembered a partition, so that a repeated one is known


class Partition:
    """All cases of the villages of one partition, and what is known of its commands."""

    def __init__(
        self, number: int, changes: ChangeLog, tables: AlarmTables, places: Whereabouts = NOWHERE
    ) -> None:
        self.number, self.changes = number, changes
        self.alarms = AlarmBook(tables)
        self.book = Book()
        self.index = BookIndex(self.book, places)
        self.lock = asyncio.Lock()  # one task at a time decides and writes
        self.done = -1  # commands up to this offset are done
        self.position = 0  # next command to come
        self._recent: set[int] = set()
        self._recent_order: deque[int] = deque()

    @property
    def done_now(self) -> int:
        """Commands up to this offset are done, those that changed nothing included."""
        return max(self.done, self.position - 1)

    def keep(self, change: Change) -> Entry:
        """Take a change in. Returns its record."""
        entry = Entry(change.case.case_no.encode(), encode(change), brief(change))
        self.take([entry])
        self.book.lately(change.case)
        return entry

    def take(self, entries: Sequence[Entry]) -> None:
        """Records in the topic's order: the last one says which commands are done."""
        if not entries:
            return
        self.book.load(list({entry.key: entry for entry in entries}.values()))
        self.remember(commands_of(entry.brief for entry in entries))
        self.done = done_of(entries[-1].brief)

    def remember(self, commands: Iterable[int]) -> None:
        recent, order = self._recent, self._recent_order
        for command in commands:
            if command and command not in recent:
                recent.add(command)
                order.append(command)
        while len(order) > RECENT:
            recent.discard(order.popleft())

    def repeated(self, command: Command) -> bool:
        return hashed(command.command_id) in self._recent


async def recovered(
    address: KafkaAddress,
    offsets: Offsets,
    number: int,
    tables: AlarmTables,
    places: Whereabouts = NOWHERE,
) -> Partition:
    """A partition taken over and read back. No command of it is applied before this is done.

    KafkaUnavailable: nothing is kept, try again.
    """
    started = time.monotonic()
    part = Partition(number, ChangeLog(address, offsets, number), tables, places)
    try:
        await part.changes.open()  # first shut the former writer out, then read what it left
        commands = await offsets.commands(number)
        read, latest = 0, deque[int](maxlen=RECENT)
        async for run in part.changes.read():
            latest.extend(commands_of(await _load_run(part, run)))
            read += len(run)
        while latest:  # as much at a time as keeps no other partition waiting
            part.remember(latest.popleft() for _ in range(min(len(latest), AT_ONCE)))
            await asyncio.sleep(0)
        await read_alarms(part)
    except BaseException:
        await part.changes.close()
        raise
    if part.done >= commands.end:
        log.error(
            "%s[%d] ends at %d, but changes know of command %d: the topic was made anew or has lost"
            " its end; repeats are told by their ids alone", COMMANDS, number, commands.end,
            part.done,
        )  # fmt: skip
        part.done = -1
    part.position = commands.done_up_to
    seconds = time.monotonic() - started
    metric("gridwhistle_recovery_seconds").observe(seconds)
    log.info(
        "%s[%d]: %d cases from %d changes in %.2f s, commands up to %d",
        CHANGES, number, len(part.book), read, seconds, commands.end,
    )  # fmt: skip
    return part


async def _load_run(part: Partition, run: Sequence[Stored]) -> list[bytes]:
    """Take a run in. Returns the briefs of its records."""
    entries: list[Any] = []
    for offset, key, value, headers in run:
        if len(headers) == 1 and headers[0][0] == HEADER:
            entries.append((key, value, headers[0][1]))
        elif (entry := _entry(offset, key, value)) is not None:
            entries.append(entry)
    squeezed = await asyncio.to_thread(part.book.squeeze, entries)
    part.book.load(entries, squeezed)
    if entries:
        part.done = done_of(entries[-1][2])  # in the topic's order the last one counts
    return [head for _, _, head in entries]


def _entry(offset: int, key: bytes | None, value: bytes | None) -> Entry | None:
    """A record without a brief; None, and loudly, for one that nobody can read."""
    if value is None:
        return Entry(key, None, gravestone(-1)) if key else None
    try:
        change = Change.model_validate_json(value)
    except ValidationError:
        log.error("%s@%d is not a change: left out", CHANGES, offset)
        return None
    return Entry(change.case.case_no.encode(), encode(change), brief(change))
