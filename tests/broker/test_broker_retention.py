"""What is dropped and what stays: retention by size and by age, compaction."""

import contextlib
import time
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

MIB = 1 << 20


def bounds(address: str, topic: str) -> tuple[int, int]:
    with contextlib.closing(KafkaConsumer(bootstrap_servers=address)) as consumer:
        at = TopicPartition(topic, 0)
        return consumer.beginning_offsets([at])[at], consumer.end_offsets([at])[at]


def send(address: str, topic: str, rows: Any) -> None:
    """Produces (key, value, timestamp) rows to partition 0."""
    with contextlib.closing(
        KafkaProducer(bootstrap_servers=address, linger_ms=20, batch_size=100_000)
    ) as producer:
        for key, value, stamp in rows:
            sent = producer.send(topic, value, key=key, partition=0, timestamp_ms=stamp)
        producer.flush(30)
        sent.get(10)


def table(address: str, topic: str) -> tuple[dict[bytes, bytes | None], int]:
    """Last value by key, and how many records it took to read them."""
    start, end = bounds(address, topic)
    found: dict[bytes, bytes | None] = {}
    count = 0
    with contextlib.closing(KafkaConsumer(bootstrap_servers=address)) as consumer:
        at = TopicPartition(topic, 0)
        consumer.assign([at])
        consumer.seek(at, start)
        while consumer.position(at) < end:
            for records in consumer.poll(1000).values():
                for record in records:
                    found[record.key] = record.value
                    count += 1
    return found, count


def test_a_topic_keeps_about_as_many_bytes_as_it_may(broker: Any, topic: Any, until: Any) -> None:
    name = topic(retention_bytes=2 * MIB, segment_bytes=MIB, retention_ms=-1)
    send(broker.address, name, ((None, b"%06d" % n + b"x" * 10_000, None) for n in range(800)))
    start, end = until(
        lambda: (b := bounds(broker.address, name))[0] >= 400 and b, "old records dropped"
    )
    assert end == 800
    assert (end - start) * 10_000 >= 2 * MIB
    with contextlib.closing(
        KafkaConsumer(name, bootstrap_servers=broker.address, auto_offset_reset="earliest")
    ) as consumer:
        record = next(consumer)
    assert record.value[:6] == b"%06d" % record.offset


def test_a_topic_drops_what_is_too_old(broker: Any, topic: Any, until: Any) -> None:
    name = topic(retention_ms=3_600_000)
    now = int(time.time() * 1000)
    send(broker.address, name, ((None, b"old", now - 7_200_000) for _ in range(10)))
    assert until(lambda: bounds(broker.address, name) == (10, 10), "old records dropped")
    send(broker.address, name, ((None, b"new", now) for _ in range(5)))
    assert bounds(broker.address, name) == (10, 15)


def test_what_is_kept_for_ever_stays(broker: Any, topic: Any, until: Any) -> None:
    kept = topic(retention_ms=-1, retention_bytes=-1)
    dropped = topic(retention_ms=3_600_000)
    for name in (kept, dropped):
        send(broker.address, name, ((None, b"x", 86_400_000) for _ in range(10)))
    until(lambda: bounds(broker.address, dropped) == (10, 10), "the other topic's records dropped")
    assert bounds(broker.address, kept) == (0, 10)


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
def test_compaction_keeps_the_last_value_of_every_key(
    broker: Any, topic: Any, until: Any, policy: str
) -> None:
    name = topic(
        cleanup_policy=policy,
        segment_bytes=MIB,
        min_cleanable_dirty_ratio=0.01,
        retention_ms=-1,
        retention_bytes=-1,
    )
    rows = [(b"key-%d" % (n % 500), b"%08d" % n + b"x" * 500, None) for n in range(12_000)]
    wanted = {key: value for key, value, _ in rows}
    send(broker.address, name, rows)
    until(lambda: table(broker.address, name)[1] < 5_000, "compaction")
    found, count = table(broker.address, name)
    assert found == wanted
    assert bounds(broker.address, name) == (0, 12_000)
    assert count < 5_000


def test_a_deleted_key_stays_deleted(broker: Any, topic: Any, until: Any) -> None:
    name = topic(
        cleanup_policy="compact",
        segment_bytes=MIB,
        min_cleanable_dirty_ratio=0.01,
        delete_retention_ms=0,
    )
    rows: list[Any] = [(b"key-%d" % n, b"x" * 200, None) for n in range(1000)]
    rows += [(b"key-%d" % n, None, None) for n in range(0, 1000, 2)]
    send(broker.address, name, rows)
    fill = [(b"fill-%d" % (n % 3), b"y" * 2000, None) for n in range(2000)]
    send(broker.address, name, fill)
    until(lambda: table(broker.address, name)[1] < 2200, "superseded values gone")
    send(broker.address, name, fill)

    def tombstones() -> int:
        found, _ = table(broker.address, name)
        assert not any(found.get(b"key-%d" % n) for n in range(0, 1000, 2))
        return sum(value is None for value in found.values())

    until(lambda: tombstones() == 0, "the tombstones gone too")
    found, _ = table(broker.address, name)
    assert {key for key in found if key.startswith(b"key-")} == {
        b"key-%d" % n for n in range(1, 1000, 2)
    }


def test_young_records_wait_for_compaction(broker: Any, topic: Any, until: Any) -> None:
    settings = {
        "cleanup_policy": "compact",
        "segment_bytes": MIB,
        "min_cleanable_dirty_ratio": 0.01,
    }
    waits = topic(**settings, min_compaction_lag_ms=3_600_000)
    goes = topic(**settings)
    rows = [(b"k", b"x" * 1000, None) for _ in range(4000)]
    for name in (waits, goes):
        send(broker.address, name, rows)
    until(lambda: table(broker.address, goes)[1] < 3000, "compaction of the other topic")
    assert table(broker.address, waits)[1] == 4000
