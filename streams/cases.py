"""Cases: one writer a partition of villages turns commands into changes.

The topic ``case-changes`` is the state. A partition's cases are rebuilt from it when the partition
is assigned, and a command counts as done once its change is in that topic: there is no second write
that could fail alone. ``command_offset`` in each change says which commands are done already.
Whoever takes a partition over shuts out its former writer (``streams.changelog``); on any doubt
about what was written, a partition is dropped from memory and read back.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from faust.types import TP
from pydantic import ValidationError

from connectors.kafka import KafkaAddress, KafkaUnavailable, Record
from connectors.metrics import metric
from schemas.case import Case, Change, Command, Move, Refusal
from schemas.ids import village_of
from schemas.profile import Profile
from schemas.settings import Settings
from streams.alarming import alarm_entries, goes_on
from streams.answers import letter, outcome
from streams.app import StageApp
from streams.changelog import Entry, Fenced
from streams.core.alarm_tables import AlarmTables
from streams.core.cases import Applied, aimed, apply, own_again
from streams.core.merging import absorbing, releasing
from streams.core.rules import Rules
from streams.core.workdays import load_workdays
from streams.finish import Finisher
from streams.offsets import COMMANDS, Offsets
from streams.outlet import Outlet
from streams.partition import Partition, recovered

log = logging.getLogger(__name__)

PEOPLE = {"operator", "supervisor", "unit", "grid_worker", "reporter"}
RESULTS: dict[type, str] = {Change: "changed", Refusal: "refused", type(None): "repeated"}
BREATH = 0.01  # seconds of work before other tasks get a turn
RETRY = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds between tries while Kafka is away


class Forgotten(Exception):
    """The partition is no longer ours. Whoever has it now reads its commands again."""


class Writer:
    """Applies commands in order, one partition each. The only one that makes changes."""

    def __init__(self, settings: Settings, rules: Rules, outlet: Outlet) -> None:
        self.rules, self.outlet = rules, outlet
        self.tables = AlarmTables(rules.profile)
        self.address = KafkaAddress.of(settings)
        self.offsets = Offsets(self.address)
        self.finisher = Finisher()
        self.partitions: dict[int, Partition] = {}
        self.on_fenced: Callable[[BaseException], None] | None = None
        self._loading: dict[int, asyncio.Task[Partition]] = {}
        self._held_since: dict[int, int] = {}  # how often a partition was taken from us
        self._closing: set[asyncio.Task[None]] = set()

    async def partition(self, number: int) -> Partition:
        """The partition's state, read back first if need be. Forgotten when it is taken away."""
        if number in self.partitions:
            return self.partitions[number]
        task = self._loading.get(number)
        if task is None:
            task = self._loading[number] = asyncio.ensure_future(self._load(number))
        await asyncio.wait({task})
        if task.cancelled():
            raise Forgotten(number)
        return task.result()

    async def take(self, event: Any) -> None:
        """Apply a chunk of commands; it is acknowledged once its changes are in their topic."""
        chunk = event.value
        number = chunk.tp.partition
        times, tries = self._held_since.get(number, 0), 0
        metric("gridwhistle_records_total").labels(COMMANDS).inc(len(chunk))
        while self._held_since.get(number, 0) == times:
            try:
                part = await self.partition(number)
                async with part.lock:
                    if self.partitions.get(number) is part:
                        await self._apply(part, chunk.records, chunk.next_offset)
                        self.finisher.finish(event, ())
                        return
            except Forgotten:
                break
            except KafkaUnavailable as exc:
                log.warning("案件变更未确认,重新读回分区 %d: %s", number, exc)
                await asyncio.sleep(RETRY[min(tries, len(RETRY) - 1)])
                tries += 1
        # Not acknowledged: the partition was taken away, and whoever has it now does it.

    async def _apply(self, part: Partition, records: Sequence[Any], next_offset: int) -> None:
        entries: list[Entry] = []
        told: list[Record] = []
        letters: list[Record] = []
        pause = time.monotonic() + BREATH
        for record in records:
            self._answer(part, record, entries, told, letters)
            if time.monotonic() > pause:
                await asyncio.sleep(0)
                pause = time.monotonic() + BREATH
        await self.outlet.put(letters)  # letters, and commands that other cases are to get
        await self.write(part, entries, alarm_entries(part, next_offset - 1))
        part.position = next_offset
        metric("gridwhistle_open_cases").labels(str(part.number)).set(part.book.open)
        await self.outlet.put(told)  # nobody is told of a change that is not safe

    async def write(
        self, part: Partition, entries: Sequence[Entry], alarms: Sequence[Entry] = ()
    ) -> None:
        """Make changes durable that the book already has, with the alarms that led to them. On
        doubt the book is dropped."""
        try:
            await part.changes.append(entries, alarms)
        except BaseException as exc:
            ours = self.partitions.get(part.number) is part
            self._drop(part)
            if not ours:
                raise Forgotten(part.number) from exc
            if isinstance(exc, Fenced) and self.on_fenced is not None:
                self.on_fenced(exc)
            raise

    def _answer(
        self, part: Partition, record: Any,
        entries: list[Entry], told: list[Record], letters: list[Record],
    ) -> None:  # fmt: skip
        """What one command leads to. Repeats and refusals change nothing."""
        try:
            command = Command.model_validate_json(record.value or b"")
        except ValidationError as exc:
            letters.append(letter(part.number, record, exc))
            return
        if record.offset <= part.done:
            return
        person = command.actor.role in PEOPLE
        if part.repeated(command):
            metric("gridwhistle_commands_total").labels(command.move, "repeated").inc()
            if person:  # whoever asks again with the same key wants to know how things stand
                told.append(outcome(command, None, part.book.get(command.case_no)))
            return
        reached: dict[str, str] = {}  # case a report was for → case it has joined
        if command.move == "maintain":  # it concerns devices: whoever sent it hears that it is kept
            told.append(outcome(command, None, None))
        for one in goes_on(part, command, datetime.now(UTC)):
            self.do(part, one, record, entries, told, letters, reached)

    def do(
        self, part: Partition, command: Command, record: Any,
        entries: list[Entry], told: list[Record], letters: list[Record],
        reached: dict[str, str],
    ) -> None:  # fmt: skip
        """Apply one command. ``record``: of the one behind it."""
        try:
            meant = command
            if command.case_no in reached:
                command = command.model_copy(update={"case_no": reached[command.case_no]})
            command = self._aim(part, command)
            reached[meant.case_no] = command.case_no
            if (other := self._elsewhere(part, command)) is not None:
                letters.append(other)
                return
            case = part.book.get(command.case_no)
            now = datetime.now(UTC)
            applied = apply(case, command, self.rules, now, record.offset)
            taken_in = self._beside(part, case, applied, command, now, record.offset)
            if isinstance(taken_in, Refusal):
                applied, taken_in = taken_in, None
        except Exception as exc:  # a bug must not stop every case of a town
            log.exception("a rule failed on command %s of %s", command.command_id, command.case_no)
            letters.append(letter(part.number, record, exc))
            return
        person = command.actor.role in PEOPLE
        result = RESULTS[type(applied)]
        metric("gridwhistle_commands_total").labels(command.move, result).inc()
        if isinstance(applied, Change):
            if command.move == "unmerge" and command.report is not None:
                letters.append(sent(own_again(command)))
            entries.append(part.keep(applied))
            case = applied.case
            if taken_in is not None:
                entries.append(part.keep(taken_in))
            part.alarms.landed(meant, case.case_no)
            part.alarms.changed(applied)
            if applied.stage:
                count_lights(applied.clock or "", applied.stage, 1, applied.late_seconds)
        if person:
            told.append(outcome(command, applied, case))
        elif isinstance(applied, Refusal) and applied.code not in ("stale_timer", "unknown_case"):
            log.warning("command %s refused: %s", command.command_id, applied.detail)

    def _aim(self, part: Partition, command: Command) -> Command:
        """A report joins an open case of the same matter; a clear finds the case of its device.
        What is meant for a merged case goes to its parent.
        """
        if command.report is None:
            return command
        if (held := part.book.get(command.case_no)) is not None:
            if held.state != "merged" or command.report.event_id in held.event_ids:
                return command
            move: Move = "attach" if command.move == "report" else command.move
            parent = part.index.parent(held.case_no) or command.case_no
            return command.model_copy(update={"case_no": parent, "move": move})
        if command.move == "clear":
            found = part.index.device(command.report, command.case_no)
            return command.model_copy(update={"case_no": found}) if found else command
        if command.move == "report" and not command.report.lead:  # each lead is to be looked at
            return aimed(command, part.index.joins(command.report, command.case_no))
        return command

    def _beside(
        self, part: Partition, case: Case | None, applied: Applied, command: Command,
        now: datetime, offset: int,
    ) -> Change | Refusal | None:  # fmt: skip
        """What a merge does to the case that takes the other one in: both change, or neither. And
        what its undoing does, where that one is still open.
        """
        if not isinstance(applied, Change) or case is None:
            return None
        if applied.move == "unmerge" and case.state == "merged":
            parent = part.book.get(case.merged_into)
            released = apply(parent, releasing(case, command), self.rules, now, offset)
            return released if isinstance(released, Change) else None
        if applied.move != "merge":
            return None
        parent = part.book.get(command.merged_into)
        absorb = absorbing(applied.case, parent, command)
        if isinstance(absorb, Refusal):
            return absorb
        taken = apply(parent, absorb, self.rules, now, offset)
        assert taken is not None, "a merge is done once"
        return taken

    def _elsewhere(self, part: Partition, command: Command) -> Record | None:
        """A report whose village is not known, or that belongs to a case of which none is, as a
        command for that case in another of our partitions. What other workers hold is not asked.
        """
        report = command.report
        if command.move != "report" or report is None or command.case_no in part.book:
            return None
        village = village_of(command.case_no)
        for other in self.partitions.values():
            if other is not part:
                found = other.index.elsewhere(report, village, command.case_no)
                if found.joins:
                    return sent(aimed(command, found))
        return None

    async def _load(self, number: int) -> Partition:
        try:
            tries = 0
            while True:
                try:
                    part = await recovered(
                        self.address, self.offsets, number, self.tables, self.rules.places
                    )
                except KafkaUnavailable as exc:
                    log.warning("读不到分区 %d 的案件,稍后再试: %s", number, exc)
                    await asyncio.sleep(RETRY[min(tries, len(RETRY) - 1)])
                    tries += 1
                else:
                    self.partitions[number] = part
                    return part
        finally:
            self._loading.pop(number, None)

    def forget(self, revoked: set[TP]) -> None:
        """Partitions that are no longer ours. A recovery under way is given up."""
        for tp in revoked:
            if tp.topic != COMMANDS:
                continue
            self._held_since[tp.partition] = self._held_since.get(tp.partition, 0) + 1
            if (task := self._loading.pop(tp.partition, None)) is not None:
                task.cancel()
            if (part := self.partitions.get(tp.partition)) is not None:
                self._drop(part)

    def _drop(self, part: Partition) -> None:
        if self.partitions.get(part.number) is part:
            del self.partitions[part.number]
        task = asyncio.ensure_future(part.changes.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def settled(self) -> None:
        """Return when nothing is being decided or written and all that is done is acknowledged."""
        for part in list(self.partitions.values()):
            async with part.lock:
                pass
        await self.finisher.drained()

    async def close(self) -> None:
        self.forget({TP(COMMANDS, number) for number in (*self.partitions, *self._loading)})
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self.offsets.stop()


def sent(command: Command) -> Record:
    """A command for a case of any partition."""
    key = village_of(command.case_no).encode()
    return Record(COMMANDS, key, command.model_dump_json(exclude_defaults=True).encode())


def count_lights(clock: str, stage: str, count: int, latest: float) -> None:
    """Of lights shown together the latest stands for all in the histogram of lateness."""
    shown, lateness = _light_metrics(clock, stage)
    shown.inc(count)
    lateness.observe(latest)


@cache
def _light_metrics(clock: str, stage: str) -> tuple[Any, Any]:
    return (
        metric("gridwhistle_lights_total").labels(clock, stage),
        metric("gridwhistle_timer_lateness_seconds").labels(stage),
    )


def attach(app: StageApp, settings: Settings, profile: Profile, outlet: Outlet) -> Writer:
    writer = Writer(settings, Rules(profile, load_workdays(profile)), outlet)
    writer.finisher.on_failure = writer.on_fenced = app.crash_soon
    app.flush_hooks.append(writer.settled)
    app.revoked_hooks.append(writer.forget)
    app.closers.append(writer.close)

    @app.agent(app.chunks(COMMANDS), name="cases")
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            try:
                await writer.take(event)
            except Exception as exc:  # a bug: loud, with the offsets uncommitted
                app.crash_soon(exc)

    return writer
