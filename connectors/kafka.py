"""Kafka for connectors and operators: its address, a producer that never drops.

Bad news comes in two kinds: ``KafkaUnavailable`` (send again later; the same id twice is harmless)
and ``RecordTooLarge`` (never will fit). Nothing else leaves this module on purpose.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, NamedTuple, Protocol, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from connectors.kafka_address import KafkaAddress, KafkaUnavailable, RecordTooLarge
from connectors.kafka_topics import (
    TopicMismatch,
    TopicReport,
    TopicState,
    create_topics,
    describe_topics,
)

__all__ = [
    "KafkaAddress", "KafkaUnavailable", "Producer", "Record", "RecordTooLarge", "Sink",
    "TopicMismatch", "TopicReport", "TopicState", "create_topics", "describe_topics",
]  # fmt: skip

log = logging.getLogger(__name__)

MAX_REQUEST = (8 << 20) + 4096  # bytes of one produce request
MAX_RECORD = (4 << 20) - 4096  # bytes of a record's key and value; topics take 4 MiB with overhead
BATCH = 256 << 10


class Record(NamedTuple):
    """``partition`` None lets the key decide, as every other client's default does."""

    topic: str
    key: bytes
    value: bytes
    partition: int | None = None


class Sink(Protocol):
    """What takes records and returns once they are safe."""

    async def send_many(self, records: Sequence[Record], timeout: float = ...) -> None: ...


class Producer:
    """Idempotent, ``acks=all``. Connects on first use and again after a fatal error.

    One event loop; any number of tasks. Within a partition, records of one task stay in order.
    """

    def __init__(
        self,
        address: KafkaAddress,
        *,
        client_id: str = "gridwhistle-inbound",
        compression: Literal["lz4", "gzip", "zstd"] | None = "lz4",
        most_bytes: int = MAX_RECORD,
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._compression = compression
        self._most_bytes = most_bytes
        self._connected: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def send(self, topic: str, key: bytes, value: bytes, timeout: float = 5.0) -> None:
        """Returns once Kafka has acknowledged. See ``send_many``."""
        await self.send_many([Record(topic, key, value)], timeout)

    async def send_many(self, records: Sequence[Record], timeout: float = 5.0) -> None:
        """Returns once Kafka has acknowledged every record.

        KafkaUnavailable after ``timeout`` seconds at the latest: then some may be in the topic.
        RecordTooLarge before anything was sent, when one of them never will fit.
        """
        for number, record in enumerate(records):
            if (size := len(record.key) + len(record.value)) > self._most_bytes:
                raise RecordTooLarge(f"第 {number + 1} 条 {size} 字节,上限 {self._most_bytes} 字节")
        if not records:
            return
        try:
            async with asyncio.timeout(timeout):
                await self._deliver(records)
        except TimeoutError as error:
            raise KafkaUnavailable(
                f"{self._address.bootstrap} 在 {timeout:g} 秒内没有确认"
            ) from error
        except MessageSizeTooLargeError as error:
            raise RecordTooLarge(str(error)) from error
        except (KafkaError, OSError) as error:
            await self._drop_if_dead()
            raise KafkaUnavailable(f"{self._address.bootstrap}:{error}") from error

    async def _deliver(self, records: Sequence[Record]) -> None:
        producer = await self._producer()
        waiting: list[asyncio.Future[Any]] = []
        try:
            for record in records:
                waiting.append(
                    await producer.send(
                        record.topic, record.value, record.key, partition=record.partition
                    )
                )
            for future in waiting:
                await asyncio.shield(future)
        finally:
            # What we stop waiting for may still fail later; its error has been reported already.
            for future in waiting:
                future.add_done_callback(_seen)

    async def _producer(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._connected is None:
                fresh = AIOKafkaProducer(
                    client_id=self._client_id,
                    acks="all",
                    enable_idempotence=True,
                    linger_ms=5,
                    compression_type=self._compression,
                    max_request_size=MAX_REQUEST,
                    max_batch_size=BATCH,
                    **self._address.client(),
                )
                try:
                    await fresh.start()
                except BaseException:
                    await _close(fresh)
                    raise
                self._connected = fresh
            return self._connected

    async def _drop_if_dead(self) -> None:
        """A fenced or out-of-sequence idempotent producer never recovers: the next send opens
        another one."""
        producer = self._connected
        if producer is None:
            return
        task = producer._sender.sender_task
        if task is None or task.done():
            log.warning("Kafka producer ended, opening another one")
            self._connected = None
            await _close(producer)

    async def stop(self, timeout: float = 5.0) -> None:
        """Waits for what is on its way, ``timeout`` seconds at the most, and closes."""
        async with self._connecting:
            producer, self._connected = self._connected, None
            if producer is not None:
                await _close(producer, timeout)


def _seen(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


async def _close(producer: AIOKafkaProducer, timeout: float = 1.0) -> None:
    """aiokafka's stop waits for ever while the broker is away, so it is bounded here."""
    stopping = asyncio.ensure_future(producer.stop())
    done, _ = await asyncio.wait([stopping], timeout=timeout)
    if done:
        stopping.exception()
        return
    stopping.cancel()
    sender = producer._sender.sender_task
    if sender is not None:
        sender.cancel()
    producer._message_accumulator.fail_all(KafkaError("closed before Kafka acknowledged"))
    with suppress(Exception):
        async with asyncio.timeout(1):
            await producer.client.close()
