"""A writer inside the test, on a real broker: commands in, changes and answers out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from aiokafka import AIOKafkaProducer
from faust.types import TP

from connectors.kafka import Record
from schemas.case import Case, Change, Command
from schemas.settings import Settings
from streams.cases import Writer
from streams.chunks import Chunk
from streams.deadlines import Timer
from streams.offsets import COMMANDS
from tests.cases.small_city import RULES

NUMBER = 1  # the partition the tests use


class Told:
    """Takes what a writer sends beside its changes."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    async def put(self, records: Sequence[Record]) -> None:
        self.records += records


class Event:
    """What Faust hands an agent."""

    def __init__(self, chunk: Chunk) -> None:
        self.value, self.acked = chunk, False
        self.message = SimpleNamespace(value=chunk)

    def ack(self) -> None:
        self.acked = True


class Desk:
    """One writer with one partition; ``send`` puts commands into Kafka, ``work`` applies them."""

    def __init__(self, kafka: str, clock: Callable[[], float] | None = None) -> None:
        self.kafka, self.told = kafka, Told()
        self.writer = Writer(Settings(kafka=kafka), RULES, self.told)  # type: ignore[arg-type]
        self.timer = Timer(self.writer, clock) if clock else Timer(self.writer)
        self._waiting: list[Any] = []

    async def send(self, *commands: Command, garbage: bytes | None = None) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka)
        await producer.start()
        try:
            bodies = [command.model_dump_json().encode() for command in commands]
            for body in [*bodies, *([garbage] if garbage else [])]:
                at = await producer.send_and_wait(COMMANDS, body, b"v", partition=NUMBER)
                self._waiting.append(SimpleNamespace(
                    offset=at.offset, timestamp=at.timestamp, key=b"v", value=body, headers=[],
                ))  # fmt: skip
        finally:
            await producer.stop()

    async def work(self, again: Sequence[Any] = ()) -> Event:
        """Apply what was sent and not yet applied, after what is read ``again``."""
        records, self._waiting = [*again, *self._waiting], []
        event = Event(Chunk(TP(COMMANDS, NUMBER), records, records[-1].offset + 1))
        await self.writer.take(event)
        await self.writer.settled()
        return event

    async def act(self, *commands: Command) -> list[Any]:
        await self.send(*commands)
        records = list(self._waiting)
        assert (await self.work()).acked
        return records

    async def case(self, case_no: str) -> Case | None:
        return (await self.writer.partition(NUMBER)).book.get(case_no)

    async def close(self) -> None:
        await self.writer.close()


@asynccontextmanager
async def desks(kafka: str, count: int = 1, **more: Any) -> AsyncIterator[list[Desk]]:
    made = [Desk(kafka, **more) for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            await one.close()


def run(story: Coroutine[Any, Any, None], seconds: float = 60) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(seconds):
            await story

    asyncio.run(bounded())


def content(desk: Desk) -> dict[str, Any]:
    """All a partition holds of its cases, in words that can be compared."""
    part = desk.writer.partitions[NUMBER]
    book = part.book
    return {
        key.decode(): (book.case(row), book.brief(row), book.wakes_at(row))
        for key, row in book._rows.items()
    }


def seconds(at: datetime) -> float:
    return at.timestamp()


def lights(changes: list[Change]) -> list[tuple[str, str]]:
    return [(c.clock or "", c.stage or "") for c in changes if c.move == "overdue"]
