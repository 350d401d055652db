"""Cases: one writer a partition of villages turns commands into changes.

The topic ``case-changes`` is the state. A partition's cases are rebuilt from it when the partition
is assigned, and a command counts as done once its change is in that topic: there is no second write
that could fail alone. ``command_offset`` in each change says which commands are done already.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP
from pydantic import ValidationError

from connectors.kafka import KafkaAddress, Record
from connectors.letters import dead_letter
from connectors.metrics import metric
from schemas.case import Case, Change, Command, Outcome, Refusal
from schemas.ids import village_of
from schemas.profile import Profile
from schemas.settings import Settings
from streams.app import StageApp
from streams.core.cases import apply
from streams.core.incidents import OpenCases
from streams.core.rules import Rules
from streams.core.workdays import load_workdays
from streams.deadlines import Wakeups
from streams.finish import Finisher
from streams.outlet import Outlet

log = logging.getLogger(__name__)

COMMANDS, CHANGES, OUTCOMES = "case-commands", "case-changes", "case-outcomes"
PEOPLE = {"operator", "supervisor", "unit", "grid_worker", "reporter"}
RECENT = 100_000  # command ids kept a partition, so that a repeated command is known


@dataclass
class Partition:
    """All cases of the villages of one partition, and what is known of its commands."""

    number: int
    cases: dict[str, Case] = field(default_factory=dict)
    open: OpenCases = field(default_factory=OpenCases)
    wakeups: Wakeups = field(default_factory=Wakeups)
    done: int = -1  # offset of the last command that caused a change
    recent: dict[str, None] = field(default_factory=dict)
    drain_to: int = 0  # end of the commands when we took over; no light before they are applied
    position: int = 0

    def keep(self, change: Change) -> None:
        """Take a change in, newest version of a case last or first."""
        case = change.case
        held = self.cases.get(case.case_no)
        self.done = max(self.done, change.command_offset)
        self.recent[change.command_id] = None
        if len(self.recent) > RECENT:
            del self.recent[next(iter(self.recent))]
        if held is not None and held.version >= case.version:
            return
        self.cases[case.case_no] = case
        self.open.put(case)
        self.wakeups.put(case)

    @property
    def drained(self) -> bool:
        return self.position >= self.drain_to


class Writer:
    """Applies commands in order, one partition each. The only one that makes changes."""

    def __init__(self, settings: Settings, rules: Rules, outlet: Outlet) -> None:
        self.rules, self.outlet = rules, outlet
        self.address = KafkaAddress.of(settings)
        self.finisher = Finisher()
        self.partitions: dict[int, Partition] = {}
        self._loading: dict[int, asyncio.Task[Partition]] = {}

    async def partition(self, number: int) -> Partition:
        """The partition's state, read back first if need be."""
        if number in self.partitions:
            return self.partitions[number]
        if number not in self._loading:
            self._loading[number] = asyncio.ensure_future(self._recover(number))
        try:
            return await asyncio.shield(self._loading[number])
        finally:
            self._loading.pop(number, None)

    async def take(self, event: Any) -> None:
        chunk = event.value
        part = await self.partition(chunk.tp.partition)
        records: list[Record] = []
        for record in chunk.records:
            records += self._answer(part, record)
            part.position = record.offset + 1
        part.position = chunk.next_offset
        metric("gridwhistle_records_total").labels(COMMANDS).inc(len(chunk))
        metric("gridwhistle_open_cases").labels(str(part.number)).set(len(part.open))
        await self.outlet.put(records)
        self.finisher.finish(event, ())

    def _answer(self, part: Partition, record: Any) -> list[Record]:
        """Records one command leads to. Repeats and refusals change nothing."""
        try:
            command = Command.model_validate_json(record.value or b"")
        except ValidationError as exc:
            return [self._letter(part, record, exc)]
        if record.offset <= part.done:
            return []
        if command.command_id in part.recent:
            metric("gridwhistle_commands_total").labels(command.move, "repeated").inc()
            return []
        now = datetime.now(UTC)
        command = self._aim(part, command)
        try:
            applied = apply(
                part.cases.get(command.case_no), command, self.rules, now, record.offset
            )
        except Exception as exc:  # a bug must not stop every case of a town
            log.exception("a rule failed on command %s of %s", command.command_id, command.case_no)
            return [self._letter(part, record, exc)]
        result = {Change: "changed", Refusal: "refused"}.get(type(applied), "repeated")
        metric("gridwhistle_commands_total").labels(command.move, result).inc()
        out: list[Record] = []
        if isinstance(applied, Change):
            part.keep(applied)
            out.append(_change_record(applied, part.number))
            if applied.stage:
                metric("gridwhistle_lights_total").labels(applied.clock, applied.stage).inc()
                metric("gridwhistle_timer_lateness_seconds").labels(applied.stage).observe(
                    applied.late_seconds
                )
        if command.actor.role in PEOPLE:
            out.append(_outcome_record(command, applied, part.cases.get(command.case_no)))
        elif isinstance(applied, Refusal) and applied.code not in ("stale_timer", "unknown_case"):
            log.warning("command %s refused: %s", command.command_id, applied.detail)
        return out

    def _aim(self, part: Partition, command: Command) -> Command:
        """A report joins an open case of the same matter; a clear finds the case of its device."""
        if command.report is None or command.case_no in part.cases:
            return command
        if command.move == "clear":
            found = part.open.of_device(command.report.device_id)
            return command.model_copy(update={"case_no": found}) if found else command
        if command.move == "report" and (found := part.open.match(command.report)):
            return command.model_copy(update={"case_no": found, "move": "attach"})
        return command

    def _letter(self, part: Partition, record: Any, exc: Exception) -> Record:
        if isinstance(exc, ValidationError):
            first = exc.errors(include_input=False, include_url=False)[0]
            reason, name = "bad_value", ".".join(str(x) for x in first["loc"])
            detail = f"指令字段 {name or '(整体)'}: {first['msg']}"
        else:
            reason, name, detail = "bug", "", f"处理规则出错:{type(exc).__name__}"
        metric("gridwhistle_dead_letters_total").labels(COMMANDS, reason).inc()
        return Record(
            "dead-letters",
            *dead_letter(COMMANDS, part.number, record, 0, reason, name, detail),  # type: ignore[arg-type]
        )

    async def _recover(self, number: int) -> Partition:
        """Read a partition's cases back. No command of it is applied before this is done."""
        started = time.monotonic()
        part = Partition(number)
        changes = TopicPartition(CHANGES, number)
        commands = TopicPartition(COMMANDS, number)
        consumer = AIOKafkaConsumer(
            group_id="gridwhistle-cases", enable_auto_commit=False, auto_offset_reset="earliest",
            fetch_max_bytes=8 << 20, **self.address.client(),
        )  # fmt: skip
        await consumer.start()
        try:
            consumer.assign([changes])
            ends = await consumer.end_offsets([changes, commands])
            part.position = await consumer.committed(commands) or 0
            await consumer.seek_to_beginning(changes)
            read = 0
            while await consumer.position(changes) < ends[changes]:
                got = await consumer.getmany(changes, timeout_ms=1000, max_records=2000)
                for record in got.get(changes, ()):
                    if record.value is not None:
                        part.keep(Change.model_validate_json(record.value))
                        read += 1
        finally:
            await consumer.stop()
        part.drain_to = ends[commands]
        self.partitions[number] = part
        seconds = time.monotonic() - started
        metric("gridwhistle_recovery_seconds").observe(seconds)
        log.info(
            "%s[%d]: %d cases from %d changes in %.2f s, commands up to %d",
            CHANGES, number, len(part.cases), read, seconds, ends[commands],
        )  # fmt: skip
        return part

    def forget(self, revoked: set[TP]) -> None:
        for tp in revoked:
            if tp.topic == COMMANDS:
                self.partitions.pop(tp.partition, None)


def _change_record(change: Change, partition: int) -> Record:
    body = change.model_dump_json(exclude_defaults=True).encode()
    return Record(CHANGES, change.case.case_no.encode(), body, partition)


def _outcome_record(
    command: Command, applied: Change | Refusal | None, case: Case | None
) -> Record:
    outcome = Outcome(
        command_id=command.command_id,
        case_no=command.case_no,
        change=applied if isinstance(applied, Change) else None,
        refusal=applied if isinstance(applied, Refusal) else None,
        case=case,
    )
    try:
        key = village_of(command.case_no).encode()
    except ValueError:
        key = command.case_no.encode()
    return Record(OUTCOMES, key, outcome.model_dump_json(exclude_defaults=True).encode())


def attach(app: StageApp, settings: Settings, profile: Profile, outlet: Outlet) -> Writer:
    writer = Writer(settings, Rules(profile, load_workdays(profile)), outlet)
    writer.finisher.on_failure = app.crash_soon
    app.flush_hooks.append(writer.finisher.drained)
    app.revoked_hooks.append(writer.forget)

    @app.agent(app.chunks(COMMANDS), name="cases")
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await writer.take(event)

    return writer
