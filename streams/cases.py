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
from schemas.case import Change, Command, Refusal
from schemas.profile import Profile
from schemas.settings import Settings
from streams.answers import letter, outcome
from streams.app import StageApp
from streams.changelog import Entry, Fenced
from streams.core.cases import apply
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
        await self.outlet.put(letters)
        await self.write(part, entries)
        part.position = next_offset
        metric("gridwhistle_open_cases").labels(str(part.number)).set(part.book.open)
        await self.outlet.put(told)  # nobody is told of a change that is not safe

    async def write(self, part: Partition, entries: Sequence[Entry]) -> None:
        """Make changes durable that the book already has. On doubt the book is dropped."""
        try:
            await part.changes.append(entries)
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
        try:
            command = self._aim(part, command)
            case = part.book.get(command.case_no)
            applied = apply(case, command, self.rules, datetime.now(UTC), record.offset)
        except Exception as exc:  # a bug must not stop every case of a town
            log.exception("a rule failed on command %s of %s", command.command_id, command.case_no)
            letters.append(letter(part.number, record, exc))
            return
        result = RESULTS[type(applied)]
        metric("gridwhistle_commands_total").labels(command.move, result).inc()
        if isinstance(applied, Change):
            entries.append(part.keep(applied))
            case = applied.case
            if applied.stage:
                count_lights(applied.clock or "", applied.stage, 1, applied.late_seconds)
        if person:
            told.append(outcome(command, applied, case))
        elif isinstance(applied, Refusal) and applied.code not in ("stale_timer", "unknown_case"):
            log.warning("command %s refused: %s", command.command_id, applied.detail)

    def _aim(self, part: Partition, command: Command) -> Command:
        """A report joins an open case of the same matter; a clear finds the case of its device."""
        if command.report is None or command.case_no in part.book:
            return command
        if command.move == "clear":
            found = part.index.device(command.report, command.case_no)
            return command.model_copy(update={"case_no": found}) if found else command
        if command.move == "report" and (
            found := part.index.joins(command.report, command.case_no)
        ):
            return command.model_copy(update={"case_no": found, "move": "attach"})
        return command

    async def _load(self, number: int) -> Partition:
        try:
            tries = 0
            while True:
                try:
                    part = await recovered(self.address, self.offsets, number)
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
