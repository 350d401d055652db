"""What the broker does not understand or does not do: said clearly, and nobody else notices."""

import contextlib
import random
import socket
import struct
import subprocess
import sys
import urllib.request
from typing import Any

import confluent_kafka
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.protocol.consumer import FetchRequest, ListOffsetsRequest
from kafka.protocol.metadata import ApiVersionsRequest
from kafka.protocol.producer import ProduceRequest
from kafka.record.default_records import DefaultRecordBatchBuilder

UNSUPPORTED_VERSION, OUT_OF_RANGE, UNKNOWN_TOPIC, BAD_ACKS = 35, 1, 3, 21


def closes(address: str, data: bytes) -> bool:
    """Whether the broker closes a connection on which `data` came in, with or without answers."""
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), 10) as link:
        link.settimeout(10)
        try:
            link.sendall(data)
            while link.recv(65536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True


def works(address: str, topic: str) -> bool:
    with contextlib.closing(KafkaProducer(bootstrap_servers=address)) as producer:
        return producer.send(topic, b"still here").get(10).offset >= 0


JUNK = {
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "huge length": struct.pack(">i", 2**31 - 1) + b"x" * 1000,
    "negative length": struct.pack(">i", -5) + b"x" * 100,
    "too short": struct.pack(">i", 3) + b"abc",
    "unknown api": struct.pack(">ihhih", 10, 999, 0, 1, -1),
    "unknown version": struct.pack(">ihhih", 10, 3, 99, 1, -1),
    "cut off array": struct.pack(">ihhihi", 14, 3, 1, 1, -1, 2**30),
}


@pytest.mark.parametrize("kind", list(JUNK))
def test_what_is_no_request_ends_its_connection_only(broker: Any, topic: Any, kind: str) -> None:
    name = topic()
    assert closes(broker.address, JUNK[kind])
    assert works(broker.address, name)


@pytest.mark.embedded_only
def test_random_bytes_end_with_one_line_each_in_the_log(own_broker: Any, creates: Any) -> None:
    broker = own_broker()
    creates(broker.address, "t")
    dice = random.Random(20260101)
    for n in range(300):
        body = dice.randbytes(dice.randrange(0, 200))
        if n % 3:  # a header that is fine, then rubbish
            key = dice.choice([0, 1, 2, 3, 8, 9, 10, 11, 14, 15, 18, 19, 22, 24, 28, 32, 44])
            body = struct.pack(">hhih", key, dice.randrange(0, 6), n, -1) + body
        host, _, port = broker.address.partition(":")
        with socket.create_connection((host, int(port)), 10) as link:
            link.sendall(struct.pack(">i", len(body)) + body)
    assert works(broker.address, "t")
    log = broker.log()
    assert "Traceback" not in log
    assert log.count("closed the connection from") > 100


@pytest.mark.embedded_only
def test_tls_is_named_in_the_log(own_broker: Any) -> None:
    broker = own_broker()
    closes(broker.address, JUNK["tls"])
    assert "the client speaks TLS, which this broker does not offer" in broker.log()


@pytest.mark.embedded_only
def test_a_password_is_refused_not_waited_for(own_broker: Any) -> None:
    broker = own_broker()
    errors: list[Any] = []
    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": broker.address,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "u",
            "sasl.password": "p",
            "error_cb": errors.append,
            "log_level": 0,
        }
    )
    while not errors:
        producer.poll(0.2)
    assert "SASL" in str(errors[0])


def test_an_unknown_version_of_the_first_question_is_answered(broker: Any, wire: Any) -> None:
    link = wire(broker.address)
    link.socket.sendall(struct.pack(">ihhihb", 11, 18, 99, 7, -1, 0))
    size = int.from_bytes(link._exactly(4), "big")
    data = link._exactly(size)
    assert struct.unpack_from(">ih", data) == (7, UNSUPPORTED_VERSION)
    answer = link.ask(ApiVersionsRequest(), 0)
    assert answer.error_code == 0
    claimed = {row.api_key: (row.min_version, row.max_version) for row in answer.api_keys}
    assert claimed[0][1] >= 8
    assert claimed[1][1] >= 11


def fetched(link: Any, topic: str, offset: int) -> Any:
    part = FetchRequest.FetchTopic.FetchPartition(
        partition=0, fetch_offset=offset, partition_max_bytes=1 << 20
    )
    request = FetchRequest(
        max_wait_ms=100,
        min_bytes=1,
        max_bytes=1 << 20,
        isolation_level=0,
        topics=[FetchRequest.FetchTopic(topic=topic, partitions=[part])],
    )
    return link.ask(request, 6).responses[0].partitions[0]


def test_reading_beyond_the_ends_is_refused_at_once(broker: Any, topic: Any, wire: Any) -> None:
    name, link = topic(), wire(broker.address)
    works(broker.address, name)
    assert fetched(link, name, 0).error_code == 0
    assert fetched(link, name, 1).error_code == 0
    assert fetched(link, name, 2).error_code == OUT_OF_RANGE
    assert fetched(link, name, -1).error_code == OUT_OF_RANGE
    assert fetched(link, "t-never-made", 0).error_code == UNKNOWN_TOPIC
    topic_of = ListOffsetsRequest.ListOffsetsTopic
    part = topic_of.ListOffsetsPartition(partition_index=7, timestamp=-1)
    request = ListOffsetsRequest(
        replica_id=-1, isolation_level=0, topics=[topic_of(name=name, partitions=[part])]
    )
    assert link.ask(request, 2).topics[0].partitions[0].error_code == UNKNOWN_TOPIC


def test_producing_to_nowhere_is_refused(broker: Any, topic: Any, wire: Any) -> None:
    name, link = topic(), wire(broker.address)
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1000,
    )
    builder.append(0, timestamp=None, key=b"k", value=b"v", headers=[])
    data = bytes(builder.build())
    for target, acks, code in (
        ("t-never-made", 1, UNKNOWN_TOPIC),
        (name, 5, BAD_ACKS),
    ):
        topic_of = ProduceRequest.TopicProduceData
        part = topic_of.PartitionProduceData(index=0, records=data)
        request = ProduceRequest(
            transactional_id=None,
            acks=acks,
            timeout_ms=1000,
            topic_data=[topic_of(name=target, partition_data=[part])],
        )
        row = link.ask(request, 7).responses[0].partition_responses[0]
        assert row.error_code == code


def test_without_wish_for_an_answer_none_comes(broker: Any, topic: Any) -> None:
    name = topic()
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address, acks=0)) as producer:
        for n in range(100):
            producer.send(name, b"%d" % n)
        producer.flush(10)
    with contextlib.closing(
        KafkaConsumer(name, bootstrap_servers=broker.address, auto_offset_reset="earliest")
    ) as consumer:
        assert [record.value for _, record in zip(range(100), consumer, strict=False)] == [
            b"%d" % n for n in range(100)
        ]


@pytest.mark.embedded_only
def test_topics_are_made_on_first_use_when_asked_to(own_broker: Any) -> None:
    broker = own_broker("--auto-create", "3")
    assert works(broker.address, "t-made")
    with contextlib.closing(KafkaConsumer(bootstrap_servers=broker.address)) as consumer:
        assert consumer.partitions_for_topic("t-made") == {0, 1, 2}


@pytest.mark.embedded_only
def test_its_figures_are_there_for_prometheus(own_broker: Any, creates: Any) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    broker = own_broker("--metrics-port", str(port))
    creates(broker.address, "t-counted", 2)
    works(broker.address, "t-counted")
    closes(broker.address, JUNK["http"])
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    figures = {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in text.splitlines())
        if name and not name.startswith("#")
    }
    assert figures['gridwhistle_broker_requests_total{api="Produce"}'] == 1
    assert figures['gridwhistle_broker_log_bytes{topic="t-counted"}'] > 60
    assert figures["gridwhistle_broker_received_bytes_total"] > 100
    ends = [v for k, v in figures.items() if 'end_offset{partition="' in k and "t-counted" in k]
    assert sorted(ends) == [0, 1]


@pytest.mark.embedded_only
def test_help_needs_no_broker() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops.broker", "--help"], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 0
    assert "--port-file" in done.stdout
