"""Creating, growing, configuring, shortening and deleting topics, and what is refused."""

import contextlib
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import MessageSizeTooLargeError
from kafka.protocol.admin import (
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteRecordsRequest,
    DeleteTopicsRequest,
    DescribeConfigsRequest,
    IncrementalAlterConfigsRequest,
)
from kafka.protocol.metadata import MetadataRequest

UNKNOWN_TOPIC, TOO_LARGE, INVALID_TOPIC, EXISTS = 3, 10, 17, 36
INVALID_PARTITIONS, INVALID_REPLICATION, INVALID_CONFIG, OUT_OF_RANGE = 37, 38, 40, 1


def created(link: Any, name: str, partitions: int = 1, copies: int = 1, **config: str) -> Any:
    topic_of = CreateTopicsRequest.CreatableTopic
    configs = [topic_of.CreatableTopicConfig(name=k, value=v) for k, v in config.items()]
    topic = topic_of(
        name=name,
        num_partitions=partitions,
        replication_factor=copies,
        assignments=[],
        configs=configs,
    )
    request = CreateTopicsRequest(topics=[topic], timeout_ms=5000, validate_only=False)
    (row,) = link.ask(request, 4).topics
    return row


def settings_of(link: Any, name: str) -> dict[str, str]:
    resource = DescribeConfigsRequest.DescribeConfigsResource(
        resource_type=2, resource_name=name, configuration_keys=None
    )
    request = DescribeConfigsRequest(
        resources=[resource], include_synonyms=False, include_documentation=False
    )
    (row,) = link.ask(request, 3).results
    assert row.error_code == 0
    return {config.name: config.value for config in row.configs}


@pytest.mark.parametrize(
    ("name", "partitions", "copies", "config", "code"),
    [
        ("no/slash", 1, 1, {}, INVALID_TOPIC),
        ("网格", 1, 1, {}, INVALID_TOPIC),
        ("..", 1, 1, {}, INVALID_TOPIC),
        ("x" * 250, 1, 1, {}, INVALID_TOPIC),
        ("t-refused", 0, 1, {}, INVALID_PARTITIONS),
        ("t-refused", 1, 3, {}, INVALID_REPLICATION),
        ("t-refused", 1, 1, {"retention.minutes": "5"}, INVALID_CONFIG),
        ("t-refused", 1, 1, {"retention.ms": "soon"}, INVALID_CONFIG),
        ("t-refused", 1, 1, {"cleanup.policy": "shred"}, INVALID_CONFIG),
    ],
)
def test_a_topic_that_cannot_be_is_refused_with_a_reason(
    broker: Any, wire: Any, name: str, partitions: int, copies: int, config: Any, code: int
) -> None:
    row = created(wire(broker.address), name, partitions, copies, **config)
    assert row.error_code == code
    assert row.error_message


def test_creating_a_topic_twice_is_refused_and_harmless(broker: Any, topic: Any, wire: Any) -> None:
    name = topic(partitions=2)
    assert created(wire(broker.address), name, 4).error_code == EXISTS
    with contextlib.closing(KafkaConsumer(bootstrap_servers=broker.address)) as consumer:
        assert consumer.partitions_for_topic(name) == {0, 1}


def test_an_unknown_topic_is_not_made_by_asking_for_it(broker: Any, wire: Any) -> None:
    asked = MetadataRequest.MetadataRequestTopic(name="t-never-made")
    request = MetadataRequest(topics=[asked], allow_auto_topic_creation=True)
    for _ in range(2):
        (row,) = wire(broker.address).ask(request, 8).topics
        assert row.error_code == UNKNOWN_TOPIC


def test_partitions_can_be_added_but_not_taken_away(broker: Any, topic: Any, wire: Any) -> None:
    name = topic(partitions=2)
    link = wire(broker.address)
    for count, code in ((1, INVALID_PARTITIONS), (2, INVALID_PARTITIONS), (5, 0)):
        row = CreatePartitionsRequest.CreatePartitionsTopic(
            name=name, count=count, assignments=None
        )
        request = CreatePartitionsRequest(topics=[row], timeout_ms=5000, validate_only=False)
        (result,) = link.ask(request, 1).results
        assert result.error_code == code
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        assert producer.send(name, b"new", partition=4).get(10).offset == 0


def test_settings_are_kept_shown_and_changed_one_by_one(
    broker: Any, topic: Any, wire: Any, until: Any
) -> None:
    name = topic(retention_ms=3_600_000, cleanup_policy="compact,delete")
    link = wire(broker.address)
    shown = settings_of(link, name)
    assert shown["retention.ms"] == "3600000"
    assert set(shown["cleanup.policy"].split(",")) == {"compact", "delete"}
    row_of = IncrementalAlterConfigsRequest.AlterConfigsResource
    changes = [
        row_of.AlterableConfig(name="max.message.bytes", config_operation=0, value="2000"),
        row_of.AlterableConfig(name="retention.ms", config_operation=1, value=None),
    ]
    request = IncrementalAlterConfigsRequest(
        resources=[row_of(resource_type=2, resource_name=name, configs=changes)],
        validate_only=False,
    )
    (result,) = link.ask(request, 0).responses
    assert result.error_code == 0
    until(lambda: settings_of(link, name)["max.message.bytes"] == "2000", "the new setting")
    shown = settings_of(link, name)
    assert shown["retention.ms"] == str(7 * 24 * 3_600_000)
    assert set(shown["cleanup.policy"].split(",")) == {"compact", "delete"}


def test_the_admin_client_creates_describes_and_deletes(
    broker: Any, admin: Any, until: Any
) -> None:
    admin.create_topics([NewTopic("t-admin", 3, 1, topic_configs={"retention.ms": "60000"})])
    assert until(lambda: "t-admin" in admin.list_topics(), "the topic in the list")
    found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "t-admin")])
    assert "60000" in str(found)
    admin.delete_topics(["t-admin"])
    until(lambda: "t-admin" not in admin.list_topics(), "the topic gone")


def test_a_deleted_topic_comes_back_empty_under_its_name(
    broker: Any, topic: Any, wire: Any, until: Any
) -> None:
    name = topic(partitions=2)
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        for n in range(50):
            producer.send(name, b"old", partition=n % 2)
        producer.flush(10)
    link = wire(broker.address)
    request = DeleteTopicsRequest(topic_names=[name, "t-never-made"], timeout_ms=5000)
    answered = {row.name: row.error_code for row in link.ask(request, 3).responses}
    assert answered == {name: 0, "t-never-made": UNKNOWN_TOPIC}
    until(lambda: created(link, name, 1).error_code == 0, "the name free again")
    with contextlib.closing(KafkaConsumer(bootstrap_servers=broker.address)) as consumer:
        until(lambda: consumer.partitions_for_topic(name) == {0}, "one partition")
        at = TopicPartition(name, 0)
        until(lambda: consumer.end_offsets([at]) == {at: 0}, "an empty log")


def test_records_are_deleted_up_to_an_offset(broker: Any, topic: Any, wire: Any) -> None:
    name = topic()
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        for n in range(100):
            producer.send(name, b"%d" % n, partition=0)
        producer.flush(10)
    link = wire(broker.address)

    def delete(offset: int) -> Any:
        topic_of = DeleteRecordsRequest.DeleteRecordsTopic
        part = topic_of.DeleteRecordsPartition(partition_index=0, offset=offset)
        request = DeleteRecordsRequest(
            topics=[topic_of(name=name, partitions=[part])], timeout_ms=5000
        )
        return link.ask(request, 1).topics[0].partitions[0]

    assert delete(101).error_code == OUT_OF_RANGE
    assert delete(40).low_watermark == 40
    with contextlib.closing(
        KafkaConsumer(name, bootstrap_servers=broker.address, auto_offset_reset="earliest")
    ) as consumer:
        assert next(consumer).offset == 40
        at = TopicPartition(name, 0)
        assert consumer.beginning_offsets([at]) == {at: 40}
        assert consumer.end_offsets([at]) == {at: 100}
    assert delete(-1).low_watermark == 100


def test_a_record_larger_than_the_topic_takes_is_refused(broker: Any, topic: Any) -> None:
    small, large = topic(max_message_bytes=10_000), topic(max_message_bytes=40 << 20)
    for name, size, fits in ((small, 20_000, False), (small, 5_000, True), (large, 20 << 20, True)):
        with contextlib.closing(
            KafkaProducer(bootstrap_servers=broker.address, max_request_size=64 << 20)
        ) as producer:
            sent = producer.send(name, b"x" * size)
            if fits:
                assert sent.get(20).offset == 0
            else:
                with pytest.raises(MessageSizeTooLargeError):
                    sent.get(20)
    with contextlib.closing(
        KafkaConsumer(large, bootstrap_servers=broker.address, auto_offset_reset="earliest")
    ) as consumer:
        assert len(next(consumer).value) == 20 << 20
