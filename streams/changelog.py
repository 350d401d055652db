"""A partition of ``case-changes``: read back whole, written by one writer only.

Who opens a partition takes its transactional id over: from then on Kafka refuses whatever a former
writer still has in hand, be it frozen, cut off, or only slow. Changes of one call become visible
together or not at all, and readers (``read_committed``) never see those of a call that failed.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    CorruptRecordException,
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    KafkaError,
    ProducerFenced,
)
from aiokafka.record.memory_records import MemoryRecords

from connectors.kafka_address import KafkaAddress, KafkaUnavailable
from streams.brief import HEADER
from streams.offsets import ALARMS, CHANGES, GROUP, Offsets, touching

log = logging.getLogger(__name__)

RUN = 500  # records handed out at a time
#: offset, key, value (None: the case is over and forgotten), headers
Stored = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]
FETCH = 4 << 20  # bytes asked for at a time
BATCH = 512 << 10
OPEN_SECONDS = 30.0
WRITE_SECONDS = 45.0
TRANSACTION_MS = 60_000  # after this Kafka ends what a dead writer has begun
_BATCH_HEAD = struct.Struct(">qi")  # base offset, length of what follows
_LAST_DELTA = struct.Struct(">i")
_FENCED = (ProducerFenced, InvalidProducerEpoch, InvalidProducerIdMapping)


class Fenced(Exception):
    """Another writer has taken the partition over. Nothing of ours is written any more."""


class Entry(NamedTuple):
    """A record: case number, change (None: the case is over and forgotten), brief."""

    key: bytes
    body: bytes | None
    brief: bytes


class ChangeLog:
    """One partition, ours from ``open`` until somebody else opens it."""

    def __init__(self, address: KafkaAddress, offsets: Offsets, number: int) -> None:
        self._address, self._offsets, self.number = address, offsets, number
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Take the partition over. KafkaUnavailable: try again."""
        self._producer = AIOKafkaProducer(
            transactional_id=f"{GROUP}-{self.number}", transaction_timeout_ms=TRANSACTION_MS,
            acks="all", enable_idempotence=True, max_batch_size=BATCH,
            max_request_size=(8 << 20) + 4096, **self._address.client(),
            compression_type="zstd",  # a fifth of lz4's time as aiokafka has it, and fewer bytes
        )  # fmt: skip
        async with touching(OPEN_SECONDS):
            await self._producer.start()

    async def read(self, topic: str = CHANGES) -> AsyncIterator[list[Stored]]:
        """Runs of records of the topic from the first to the last one.

        What compaction has removed, markers and aborted records are left out; the topic may end in
        any of them. KafkaUnavailable: start again.
        """
        offset = await self._offsets.start(topic, self.number)
        end = (await self._offsets.ends(topic, [self.number]))[self.number]
        coming = asyncio.ensure_future(self._offsets.fetch(self.number, offset, FETCH, topic))
        try:
            while offset < end:
                stable, aborted, raw = await coming
                following = _end_of(raw)
                if following is None:
                    if not len(raw) and stable >= end:
                        return  # nothing but removed records until the end
                    coming = asyncio.ensure_future(
                        self._offsets.fetch(self.number, offset, 4 * FETCH, topic)
                    )
                    continue
                if following < end:
                    coming = asyncio.ensure_future(
                        self._offsets.fetch(self.number, following, FETCH, topic)
                    )
                runs = _runs(aborted, raw, offset, end)
                # unpacking needs no lock of Python's: a thread does it while others are taken in
                while (run := await asyncio.to_thread(next, runs, None)) is not None:
                    yield run
                offset = following
        finally:
            coming.cancel()
            with suppress(BaseException):
                await coming

    async def append(self, entries: Sequence[Entry], alarms: Sequence[Entry] = ()) -> None:
        """Returns once all of them are in their topics and visible.

        Fenced: none is, and none will be. KafkaUnavailable: all are or none, read it back to know.
        """
        if not entries and not alarms:
            return
        producer = self._producer
        assert producer is not None, "open it first"
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await producer.begin_transaction()
                waiting = []
                for topic, some in ((CHANGES, entries), (ALARMS, alarms)):
                    if some:
                        waiting += await self._put(producer, topic, some)
                await asyncio.gather(*waiting)
                await producer.commit_transaction()
        except _FENCED as error:
            raise Fenced(f"{CHANGES}[{self.number}]") from error
        except (KafkaError, OSError, TimeoutError, AssertionError) as error:
            raise KafkaUnavailable(f"{CHANGES}[{self.number}]: {error!r}") from error

    async def _put(
        self, producer: AIOKafkaProducer, topic: str, entries: Sequence[Entry]
    ) -> list[Any]:
        waiting = []
        batch = producer.create_batch()
        for key, body, brief in entries:
            headers = [(HEADER, brief)] if brief else []
            record = {"key": key, "value": body, "headers": headers}
            if batch.append(timestamp=None, **record) is None:
                waiting.append(await self._send(producer, topic, batch))
                await asyncio.sleep(0)  # other tasks get a turn between batches
                batch = producer.create_batch()
                batch.append(timestamp=None, **record)
        waiting.append(await self._send(producer, topic, batch))
        return waiting

    async def _send(self, producer: AIOKafkaProducer, topic: str, batch: Any) -> Any:
        batch.close()
        return await producer.send_batch(batch, topic, partition=self.number)

    async def close(self) -> None:
        """Let go of the connection. What is not committed is ended by whoever opens next."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        sender = producer._sender.sender_task
        if sender is not None:
            sender.cancel()
        with suppress(BaseException):
            async with asyncio.timeout(2):
                await producer.client.close()
        producer._closed = True  # else its destructor complains of a producer left open


def _end_of(raw: Any) -> int | None:
    """Offset after the last whole batch of a fetch; None when there is none."""
    at, following = 0, None
    while at + 61 <= len(raw):
        base, length = _BATCH_HEAD.unpack_from(raw, at)
        if at + 12 + length > len(raw):
            break
        following = base + _LAST_DELTA.unpack_from(raw, at + 23)[0] + 1
        at += 12 + length
    return following


def _runs(aborted: Any, raw: Any, offset: int, end: int) -> Iterator[list[Stored]]:
    """Records of a fetch, some hundreds at a time. What ``PartitionRecords`` of aiokafka does,
    without an object and two generators for each record."""
    run: list[Stored] = []
    ended = sorted(aborted or (), key=lambda row: row[1])
    dead: set[int] = set()
    batches = MemoryRecords(bytes(raw))
    while batches.has_next():
        batch = batches.next_batch()
        if not batch.validate_crc():
            raise CorruptRecordException(f"{CHANGES}@{batch.base_offset}")
        while ended and ended[0][1] <= batch.base_offset:
            dead.add(ended.pop(0)[0])
        if batch.is_control_batch:
            dead.discard(batch.producer_id)  # whatever it says, its transaction is over
            continue
        if batch.is_transactional and batch.producer_id in dead:
            continue
        run += [(r.offset, r.key, r.value, r.headers) for r in batch if offset <= r.offset < end]
        if len(run) >= RUN:  # a writer's batches may be of one record
            for at in range(0, len(run), RUN):
                yield run[at : at + RUN]
            run = []
    if run:
        yield run
