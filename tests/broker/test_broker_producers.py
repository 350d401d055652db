"""Idempotent producers, repeats after a lost answer, transactions and fencing."""

import contextlib
from typing import Any

import confluent_kafka
import crc32c
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.protocol.producer import InitProducerIdRequest, ProduceRequest
from kafka.record.default_records import DefaultRecordBatchBuilder

CORRUPT, OUT_OF_ORDER, STALE_EPOCH, INVALID_RECORD = 2, 45, 47, 87
FENCED = 90


def batch(
    producer_id: int, epoch: int, sequence: int, values: list[bytes], key: bytes | None = b"k"
) -> bytes:
    """A record batch as an idempotent producer sends it."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=False,
        producer_id=producer_id,
        producer_epoch=epoch,
        base_sequence=sequence,
        batch_size=1 << 20,
    )
    for n, value in enumerate(values):
        builder.append(n, timestamp=None, key=key, value=value, headers=[])
    return bytes(builder.build())


def produced(link: Any, topic: str, data: bytes, acks: int = -1) -> Any:
    topic_of = ProduceRequest.TopicProduceData
    part = topic_of.PartitionProduceData(index=0, records=data)
    request = ProduceRequest(
        transactional_id=None,
        acks=acks,
        timeout_ms=5000,
        topic_data=[topic_of(name=topic, partition_data=[part])],
    )
    return link.ask(request, 8).responses[0].partition_responses[0]


def producer_id(link: Any) -> tuple[int, int]:
    request = InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
    answer = link.ask(request, 1)
    assert answer.error_code == 0
    return answer.producer_id, answer.producer_epoch


def end_of(address: str, topic: str) -> int:
    with contextlib.closing(KafkaConsumer(bootstrap_servers=address)) as consumer:
        at = TopicPartition(topic, 0)
        return int(consumer.end_offsets([at])[at])


def test_producer_ids_are_never_given_twice(broker: Any, wire: Any) -> None:
    link = wire(broker.address)
    assert len({producer_id(link)[0] for _ in range(50)}) == 50


def test_a_repeat_after_a_lost_answer_is_not_appended_again(
    broker: Any, topic: Any, wire: Any
) -> None:
    name, link = topic(), wire(broker.address)
    pid, epoch = producer_id(link)
    batches = [batch(pid, epoch, n * 3, [b"%d" % n] * 3) for n in range(5)]
    offsets = [produced(link, name, data).base_offset for data in batches]
    assert offsets == [0, 3, 6, 9, 12]
    link.close()
    again = wire(broker.address)
    for data, offset in zip(batches, offsets, strict=True):
        row = produced(again, name, data)
        assert (row.error_code, row.base_offset) == (0, offset)
    assert end_of(broker.address, name) == 15


def test_a_gap_in_the_sequence_is_refused(broker: Any, topic: Any, wire: Any) -> None:
    name, link = topic(), wire(broker.address)
    pid, epoch = producer_id(link)
    assert produced(link, name, batch(pid, epoch, 0, [b"a"])).error_code == 0
    assert produced(link, name, batch(pid, epoch, 5, [b"b"])).error_code == OUT_OF_ORDER
    assert produced(link, name, batch(pid, epoch, 1, [b"c"])).base_offset == 1
    assert produced(link, name, batch(pid, epoch + 1, 0, [b"d"])).base_offset == 2
    assert produced(link, name, batch(pid, epoch, 2, [b"e"])).error_code == STALE_EPOCH
    assert end_of(broker.address, name) == 3


def test_a_damaged_batch_is_refused(broker: Any, topic: Any, wire: Any) -> None:
    name, link = topic(), wire(broker.address)
    good = batch(-1, -1, -1, [b"whole"])
    damaged = bytearray(good)
    damaged[-3] ^= 0xFF
    assert produced(link, name, bytes(damaged)).error_code == CORRUPT
    assert end_of(broker.address, name) == 0
    assert produced(link, name, good).base_offset == 0


def test_a_batch_that_counts_its_records_wrongly_is_refused(
    broker: Any, topic: Any, wire: Any
) -> None:
    name, link = topic(), wire(broker.address)
    data = bytearray(batch(-1, -1, -1, [b"one"]))
    data[23:27] = (7).to_bytes(4, "big")  # last offset delta
    data[17:21] = crc32c.crc32c(bytes(data[21:])).to_bytes(4, "big")
    assert produced(link, name, bytes(data)).error_code == INVALID_RECORD
    assert end_of(broker.address, name) == 0


def test_a_record_without_key_does_not_fit_a_compacted_topic(
    broker: Any, topic: Any, wire: Any
) -> None:
    name, link = topic(cleanup_policy="compact"), wire(broker.address)
    good = batch(-1, -1, -1, [b"v"])
    assert produced(link, name, batch(-1, -1, -1, [b"v"], key=None)).error_code == INVALID_RECORD
    assert produced(link, name, good).base_offset == 0


def transactional(address: str, name: str) -> confluent_kafka.Producer:
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": address, "transactional.id": name, "transaction.timeout.ms": 20_000}
    )
    producer.init_transactions(20)
    return producer


def read(address: str, topic: str, isolation: str, count: int) -> list[bytes]:
    with contextlib.closing(
        KafkaConsumer(
            topic,
            bootstrap_servers=address,
            auto_offset_reset="earliest",
            isolation_level=isolation,
            consumer_timeout_ms=60_000,
        )
    ) as consumer:
        return [record.value for _, record in zip(range(count), consumer, strict=False)]


def test_only_committed_transactions_reach_careful_readers(broker: Any, topic: Any) -> None:
    name = topic()
    producer = transactional(broker.address, f"{name}-writer")
    for values, ends in (
        ((b"a1", b"a2"), producer.commit_transaction),
        ((b"b1", b"b2"), producer.abort_transaction),
        ((b"c1",), producer.commit_transaction),
    ):
        producer.begin_transaction()
        for value in values:
            producer.produce(name, value, partition=0)
        producer.flush(10)
        ends(20)
    assert read(broker.address, name, "read_committed", 3) == [b"a1", b"a2", b"c1"]
    assert read(broker.address, name, "read_uncommitted", 5) == [b"a1", b"a2", b"b1", b"b2", b"c1"]


def test_a_producer_that_was_replaced_can_write_no_more(broker: Any, topic: Any) -> None:
    name = topic()
    old = transactional(broker.address, f"{name}-writer")
    old.begin_transaction()
    old.produce(name, b"from the old one", partition=0)
    old.flush(10)
    new = transactional(broker.address, f"{name}-writer")
    with pytest.raises(confluent_kafka.KafkaException) as caught:
        old.commit_transaction(20)
    assert caught.value.args[0].fatal()
    new.begin_transaction()
    new.produce(name, b"from the new one", partition=0)
    new.commit_transaction(20)
    assert read(broker.address, name, "read_committed", 1) == [b"from the new one"]


def test_offsets_are_committed_with_the_transaction_or_not_at_all(broker: Any, topic: Any) -> None:
    source, target = topic(), topic()
    group = f"{source}-group"
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": broker.address, "group.id": group, "enable.auto.commit": False}
    )
    consumer.subscribe([source])
    at = confluent_kafka.TopicPartition(source, 0)
    while not consumer.assignment():
        consumer.poll(0.1)
    producer = transactional(broker.address, f"{source}-writer")
    for offset, ends, kept in (
        (5, producer.abort_transaction, -1001),
        (7, producer.commit_transaction, 7),
    ):
        producer.begin_transaction()
        producer.produce(target, b"x", partition=0)
        producer.send_offsets_to_transaction(
            [confluent_kafka.TopicPartition(source, 0, offset)],
            consumer.consumer_group_metadata(),
            20,
        )
        ends(20)
        assert consumer.committed([at], 10)[0].offset == kept
    consumer.close()
