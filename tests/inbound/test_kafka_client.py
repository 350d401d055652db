"""Producer and topics against the embedded broker: acknowledged or an error, nothing between."""

import asyncio
import dataclasses
import socket
import time

import pytest

from connectors.kafka import (
    KafkaAddress,
    KafkaUnavailable,
    Producer,
    Record,
    RecordTooLarge,
    TopicMismatch,
    create_topics,
    describe_topics,
)
from schemas.topics import BY_NAME, TOPICS


@pytest.fixture(scope="module")
def broker(new_broker):
    broker = new_broker()
    create_topics(broker.address)
    return broker


def ends(broker, topic):
    return sum(describe_topics(broker.address, [topic])[topic].ends)


def test_topics_are_made_from_the_table_once(broker):
    report = create_topics(broker.address)
    assert report.created == ()
    assert report.existing == tuple(topic.name for topic in TOPICS)
    found = describe_topics(broker.address)
    assert list(found) == [topic.name for topic in TOPICS]
    assert all(found[topic.name].partitions == topic.partitions for topic in TOPICS)
    assert found["case-changes"].config["cleanup.policy"] == "compact"


@pytest.mark.parametrize(
    ("change", "word"),
    [({"partitions": 5}, "分区数为 4,应为 5"), ({"cleanup": "compact"}, "cleanup")],
)
def test_a_topic_that_differs_is_an_error_and_stays(broker, change, word):
    other = BY_NAME["raw.lift"]._replace(**change)
    extra = BY_NAME["raw.lift"]._replace(name="extra")
    with pytest.raises(TopicMismatch, match=word):
        create_topics(broker.address, [other, extra])
    assert describe_topics(broker.address, ["raw.lift", "extra"]).keys() == {"raw.lift"}


def test_acknowledged_records_are_there(broker):
    before = ends(broker, "raw.fire")

    async def run():
        async with Producer(broker.address) as producer:
            await producer.send("raw.fire", b"k", b"1")
            await producer.send_many(
                [Record("raw.fire", str(n).encode(), b"x") for n in range(999)]
            )
            await producer.send_many([])

    asyncio.run(run())
    assert ends(broker, "raw.fire") == before + 1000


def test_too_large_is_found_before_anything_is_sent(broker):
    before = ends(broker, "raw.fire")

    async def run():
        async with Producer(broker.address) as producer:
            records = [Record("raw.fire", b"k", b"1"), Record("raw.fire", b"k", b"x" * (5 << 20))]
            with pytest.raises(RecordTooLarge, match="第 2 条"):
                await producer.send_many(records)
            await producer.send("raw.fire", b"k", b"y" * (4_000_000))

    asyncio.run(run())
    assert ends(broker, "raw.fire") == before + 1


def test_a_topic_that_is_not_there_is_unavailable(broker):
    async def run():
        async with Producer(broker.address) as producer:
            with pytest.raises(KafkaUnavailable):
                await producer.send("no-such-topic", b"k", b"v", timeout=0.5)

    asyncio.run(run())


def test_nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = KafkaAddress(f"127.0.0.1:{free.getsockname()[1]}")

    async def run():
        async with Producer(address) as producer:
            for _ in range(2):
                with pytest.raises(KafkaUnavailable, match=address.bootstrap):
                    await producer.send("raw.fire", b"k", b"v", timeout=1)

    asyncio.run(run())
    with pytest.raises(KafkaUnavailable):
        create_topics(address)


def test_a_broker_that_comes_back_is_used_again(new_broker):
    broker = new_broker()
    create_topics(broker.address, [BY_NAME["raw.lift"]])

    async def until_sent(producer, value):
        deadline = time.monotonic() + 30
        while True:
            try:
                await producer.send("raw.lift", b"k", value, timeout=2)
                return
            except KafkaUnavailable:
                assert time.monotonic() < deadline, "the broker is back, yet nothing gets through"

    async def run():
        async with Producer(broker.address) as producer:
            await producer.send("raw.lift", b"k", b"1")
            broker.kill()
            with pytest.raises(KafkaUnavailable):
                await producer.send("raw.lift", b"k", b"2", timeout=1)
            broker.start()
            await until_sent(producer, b"2 again")

    asyncio.run(run())
    assert ends(broker, "raw.lift") >= 2


def test_stop_is_bounded_while_the_broker_is_away(new_broker):
    broker = new_broker()
    create_topics(broker.address, [BY_NAME["raw.lift"]])

    async def run():
        producer = Producer(broker.address)
        await producer.send("raw.lift", b"k", b"1")
        broker.kill()
        with pytest.raises(KafkaUnavailable):
            await producer.send("raw.lift", b"k", b"2", timeout=0.5)
        async with asyncio.timeout(20):
            await producer.stop(0.5)

    asyncio.run(run())


def test_a_password_is_not_shown():
    address = KafkaAddress("a:1,b:2", "SASL_SSL", "user", "secret")
    assert "secret" not in repr(address)
    assert address.client()["bootstrap_servers"] == ["a:1", "b:2"]
    assert dataclasses.replace(address, security="PLAINTEXT").client().keys() == {
        "bootstrap_servers", "security_protocol",
    }  # fmt: skip
