"""Where Kafka's partitions begin and end, what is committed, and raw fetches.

One connection for all partitions of a worker, beside the one Faust reads with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.fetch import FetchRequest

from connectors.kafka_address import KafkaAddress, KafkaUnavailable

COMMANDS, CHANGES, ALARMS = "case-commands", "case-changes", "alarm-states"
GROUP = "gridwhistle-cases"
ANSWER_SECONDS = 30.0


class Ends(NamedTuple):
    """Where a partition's commands stood when it was taken over."""

    done_up_to: int  # first offset not known to be done: committed, or the topic's start
    end: int


class Offsets:
    """Ends and committed offsets, and fetches. One connection for all partitions of a worker."""

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address
        self._consumer: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()

    async def consumer(self) -> AIOKafkaConsumer:
        async with self._starting:
            if self._consumer is None:
                fresh = AIOKafkaConsumer(
                    group_id=GROUP, enable_auto_commit=False, isolation_level="read_committed",
                    **self._address.client(),
                )  # fmt: skip
                try:
                    await fresh.start()
                except BaseException:
                    await fresh.stop()
                    raise
                self._consumer = fresh
            return self._consumer

    async def ends(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """Offsets after the last record. KafkaUnavailable when Kafka does not answer."""
        asked = [TopicPartition(topic, number) for number in partitions]
        async with touching():
            found = await (await self.consumer()).end_offsets(asked)
        return {tp.partition: offset for tp, offset in found.items()}

    async def start(self, topic: str, partition: int) -> int:
        tp = TopicPartition(topic, partition)
        async with touching():
            return int((await (await self.consumer()).beginning_offsets([tp]))[tp])

    async def commands(self, partition: int) -> Ends:
        tp = TopicPartition(COMMANDS, partition)
        async with touching():
            consumer = await self.consumer()
            committed = await consumer.committed(tp)
        end = (await self.ends(COMMANDS, [partition]))[partition]
        start = await self.start(COMMANDS, partition)
        if committed is None or committed > end:  # nothing yet, or the topic was made anew
            committed = start
        return Ends(max(committed, start), end)

    async def fetch(
        self, partition: int, offset: int, size: int, topic: str = CHANGES
    ) -> tuple[int, Any, Any]:
        """Records from ``offset`` on: their stable end, aborted transactions, raw bytes."""
        asked = [(topic, [(partition, offset, size)])]
        async with touching():
            client = (await self.consumer())._client
            leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
            if leader is None or leader == -1:
                await client.add_topic(topic)
                raise KafkaUnavailable(f"{topic}[{partition}] 暂无首领")
            request = FetchRequest(100, 1, size, READ_COMMITTED, asked)
            answer = await client.send(leader, request)
        (_, ((_, code, _, *rest),)), *_ = answer.topics
        if code:
            client.force_metadata_update()
            raise KafkaUnavailable(f"{topic}[{partition}]@{offset}: {for_code(code).__name__}")
        return rest[0], rest[2] if answer.API_VERSION >= 11 else rest[-2], rest[-1]

    async def stop(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()


class touching:
    """Turns what Kafka says when it is away into KafkaUnavailable."""

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._limit = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise KafkaUnavailable("Kafka 没有应答") from late
        if isinstance(error, (KafkaError, OSError)):
            raise KafkaUnavailable(repr(error)) from error
