"""Producing and consuming with the three clients, and partitions, keys, times and offsets."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import confluent_kafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as AioPartition
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.protocol.consumer import FetchRequest

COUNT = 200
VALUES = [b"record %d %s" % (n, b"x" * (n % 50)) for n in range(COUNT)]
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def kafka_python_produces(address: str, topic: str, codec: str) -> None:
    if codec == "snappy":
        pytest.skip("kafka-python has snappy only with another package")
    kind = None if codec == "none" else codec
    with contextlib.closing(
        KafkaProducer(bootstrap_servers=address, compression_type=kind, linger_ms=5)
    ) as producer:
        for value in VALUES:
            producer.send(topic, value, partition=0)
        producer.flush(20)


def aiokafka_produces(address: str, topic: str, codec: str) -> None:
    async def run() -> None:
        kind = None if codec == "none" else codec
        async with AIOKafkaProducer(
            bootstrap_servers=address, compression_type=kind, linger_ms=5
        ) as producer:
            for sent in [await producer.send(topic, value, partition=0) for value in VALUES]:
                await sent

    asyncio.run(run())


def librdkafka_produces(address: str, topic: str, codec: str) -> None:
    failed = []
    producer = confluent_kafka.Producer({"bootstrap.servers": address, "compression.type": codec})
    for value in VALUES:
        producer.produce(
            topic, value, partition=0, on_delivery=lambda error, _: error and failed.append(error)
        )
    assert producer.flush(20) == 0
    assert not failed


def kafka_python_consumes(address: str, topic: str, count: int) -> list[bytes]:
    with contextlib.closing(
        KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
    ) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        got: list[bytes] = []
        end = time.monotonic() + 20
        while len(got) < count and time.monotonic() < end:
            for records in consumer.poll(500).values():
                got += [record.value for record in records]
    return got


def aiokafka_consumes(address: str, topic: str, count: int) -> list[bytes]:
    async def run() -> list[bytes]:
        consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([AioPartition(topic, 0)])
            async with asyncio.timeout(20):
                return [(await consumer.getone()).value for _ in range(count)]
        finally:
            await consumer.stop()

    return asyncio.run(run())


def librdkafka_consumes(address: str, topic: str, count: int) -> list[bytes]:
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": address, "group.id": "unused", "auto.offset.reset": "earliest"}
    )
    try:
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
        messages = consumer.consume(count, 20)
        assert not any(message.error() for message in messages)
        return [message.value() for message in messages]
    finally:
        consumer.close()


PRODUCE = (kafka_python_produces, aiokafka_produces, librdkafka_produces)
CONSUME = (kafka_python_consumes, aiokafka_consumes, librdkafka_consumes)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("produce", PRODUCE)
def test_what_one_client_produces_the_others_consume(
    broker: Any, topic: Callable[..., str], produce: Any, codec: str
) -> None:
    name = topic()
    produce(broker.address, name, codec)
    for consume in CONSUME:
        if codec == "snappy" and consume is kafka_python_consumes:
            continue  # it reads snappy only with another package
        assert consume(broker.address, name, COUNT) == VALUES


def test_keys_headers_and_times_come_back_unchanged(broker: Any, topic: Any) -> None:
    name = topic(retention_ms=-1)
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        sent = producer.send(
            name,
            b"v",
            key=b"370102001001",
            headers=[("trace", b"1")],
            timestamp_ms=1_700_000_000_123,
        ).get(10)
    assert (sent.partition, sent.offset) == (0, 0)
    with contextlib.closing(
        KafkaConsumer(name, bootstrap_servers=broker.address, auto_offset_reset="earliest")
    ) as consumer:
        record = next(consumer)
    assert (record.key, record.value, record.timestamp) == (
        b"370102001001", b"v", 1_700_000_000_123,
    )  # fmt: skip
    assert list(record.headers) == [("trace", b"1")]


def test_every_partition_counts_its_own_offsets(broker: Any, topic: Any) -> None:
    name = topic(partitions=5)
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        for partition in range(5):
            for n in range(partition + 1):
                producer.send(name, b"%d" % n, partition=partition)
        producer.flush(20)
    with contextlib.closing(KafkaConsumer(bootstrap_servers=broker.address)) as consumer:
        partitions = [TopicPartition(name, n) for n in range(5)]
        assert consumer.partitions_for_topic(name) == set(range(5))
        assert consumer.end_offsets(partitions) == {p: p.partition + 1 for p in partitions}
        assert consumer.beginning_offsets(partitions) == dict.fromkeys(partitions, 0)


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_an_offset_is_found_by_time_to_the_record(broker: Any, topic: Any, codec: str) -> None:
    name = topic(retention_ms=-1)
    with contextlib.closing(
        KafkaProducer(
            bootstrap_servers=broker.address,
            compression_type=None if codec == "none" else codec,
            linger_ms=50,
        )
    ) as producer:
        for n in range(100):
            producer.send(name, b"x", partition=0, timestamp_ms=1_700_000_000_000 + n * 1000)
        producer.flush(20)
    at = TopicPartition(name, 0)
    with contextlib.closing(KafkaConsumer(bootstrap_servers=broker.address)) as consumer:
        for asked, offset in ((0, 0), (40_000, 40), (40_001, 41), (99_000, 99)):
            found = consumer.offsets_for_times({at: 1_700_000_000_000 + asked})[at]
            assert (found.offset, found.timestamp) == (offset, 1_700_000_000_000 + offset * 1000)
        assert consumer.offsets_for_times({at: 1_700_000_000_000 + 99_001})[at] is None


def test_reading_on_from_any_offset_gives_each_record_once(broker: Any, topic: Any) -> None:
    name = topic()
    with contextlib.closing(
        KafkaProducer(bootstrap_servers=broker.address, batch_size=500, linger_ms=5)
    ) as producer:
        for n in range(2000):
            producer.send(name, b"%d" % n, partition=0)
        producer.flush(20)
    with contextlib.closing(
        KafkaConsumer(bootstrap_servers=broker.address, max_partition_fetch_bytes=2000)
    ) as consumer:
        at = TopicPartition(name, 0)
        consumer.assign([at])
        for start in (0, 1, 37, 1000, 1999):
            consumer.seek(at, start)
            got: list[int] = []
            while len(got) < 2000 - start:
                for records in consumer.poll(5000).values():
                    got += [record.offset for record in records]
            assert got == list(range(start, 2000))


def test_a_fetch_waits_for_the_record_to_come(broker: Any, topic: Any, wire: Any) -> None:
    name = topic(partitions=3)
    parts = FetchRequest.FetchTopic.FetchPartition
    rows = [
        parts(partition=n, fetch_offset=1, partition_max_bytes=1 << 20, current_leader_epoch=-1)
        for n in range(3)
    ]
    request = FetchRequest(
        max_wait_ms=20_000,
        min_bytes=1,
        max_bytes=1 << 20,
        isolation_level=0,
        session_id=0,
        session_epoch=-1,
        topics=[FetchRequest.FetchTopic(topic=name, partitions=rows)],
        forgotten_topics_data=[],
        rack_id="",
    )
    link = wire(broker.address)
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        for n in range(3):
            producer.send(name, b"already here", partition=n).get(10)
        link.send(request, 11)
        producer.send(name, b"at last", partition=2).get(10)
    answer = link.receive(request, 11)
    sizes = {
        p.partition_index: len(p.records or b"") for t in answer.responses for p in t.partitions
    }
    assert sizes.get(2, 0) > 0
    assert not sizes.get(0)
    assert not sizes.get(1)
