"""What an acknowledgement is worth: restarts, kill -9 under load, torn files, a full disk."""

import contextlib
import itertools
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

pytestmark = pytest.mark.embedded_only
STORAGE = 56


def end_offsets(address: str, topic: str, partitions: int) -> list[int]:
    with contextlib.closing(KafkaConsumer(bootstrap_servers=address)) as consumer:
        parts = [TopicPartition(topic, n) for n in range(partitions)]
        found = consumer.end_offsets(parts)
        return [found[part] for part in parts]


def everything(address: str, topic: str, partitions: int) -> list[bytes]:
    """All values of a topic, partition by partition; offsets must have no gap."""
    values = []
    with contextlib.closing(
        KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
    ) as consumer:
        for n, end in enumerate(end_offsets(address, topic, partitions)):
            at = TopicPartition(topic, n)
            consumer.assign([at])
            consumer.seek(at, 0)
            offsets: list[int] = []
            while len(offsets) < end:
                for records in consumer.poll(5000).values():
                    offsets += [record.offset for record in records]
                    values += [record.value for record in records]
            assert offsets == list(range(end))
    return values


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_offsets_are_right_directly_after_a_restart(
    own_broker: Any, creates: Any, how: str
) -> None:
    broker = own_broker()
    creates(broker.address, "t", 3, retention_ms=3_600_000)
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        for n in range(300):
            producer.send("t", b"%d" % n, partition=n % 3)
        producer.flush(10)
    with contextlib.closing(
        KafkaConsumer(bootstrap_servers=broker.address, group_id="g", enable_auto_commit=False)
    ) as consumer:
        consumer.assign([TopicPartition("t", 1)])
        consumer.seek(TopicPartition("t", 1), 42)
        consumer.commit()
    getattr(broker, how)()
    broker.start()
    assert end_offsets(broker.address, "t", 3) == [100, 100, 100]
    with contextlib.closing(
        KafkaConsumer(bootstrap_servers=broker.address, group_id="g")
    ) as consumer:
        assert consumer.committed(TopicPartition("t", 1)) == 42
        assert consumer.committed(TopicPartition("t", 0)) is None
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        assert producer.send("t", b"next", partition=2).get(10).offset == 100


def test_a_group_goes_on_without_a_rebalance_after_a_restart(
    own_broker: Any, creates: Any, until: Any
) -> None:
    broker = own_broker()
    creates(broker.address, "t", 4)
    moved: list[Any] = []
    consumer = confluent_kafka.Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": "g",
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 200,
            "reconnect.backoff.max.ms": 200,
            "log_level": 0,
        }
    )
    consumer.subscribe(["t"], on_assign=lambda _, parts: moved.append(parts))
    until(lambda: consumer.poll(0.1) or consumer.assignment(), "an assignment")
    broker.kill()
    broker.start()
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        producer.send("t", b"after", partition=3).get(10)
    message = until(lambda: consumer.poll(0.2), "the record")
    assert message.value() == b"after"
    end = time.monotonic() + 1
    while time.monotonic() < end:
        consumer.poll(0.1)
    assert len(moved) == 1
    consumer.close()


def test_a_repeat_across_a_kill_is_not_appended_again(own_broker: Any, creates: Any) -> None:
    broker = own_broker()
    creates(broker.address, "t")
    got: list[int] = []
    failed: list[Any] = []

    def told(error: Any, message: Any) -> None:
        failed.append(error) if error else got.append(message.offset())

    producer = confluent_kafka.Producer(
        {
            "bootstrap.servers": broker.address,
            "enable.idempotence": True,
            "linger.ms": 1,
            "reconnect.backoff.max.ms": 200,
            "retry.backoff.ms": 50,
            "log_level": 0,
        }
    )
    for round_ in range(3):
        for n in range(500):
            producer.produce("t", b"%d" % (round_ * 500 + n), partition=0, on_delivery=told)
            producer.poll(0)
        broker.kill()
        broker.start()
    assert producer.flush(30) == 0
    assert not failed
    assert everything(broker.address, "t", 1) == [b"%d" % n for n in range(1500)]


LOAD = """
import sys, asyncio, struct
from aiokafka import AIOKafkaProducer

async def main(address, path, who):
    # Acknowledged numbers go to a file at once: this process outlives the broker's deaths.
    with open(path, "ab", buffering=0) as out:
        producer = AIOKafkaProducer(bootstrap_servers=address, enable_idempotence=True,
                                    linger_ms=2, retry_backoff_ms=50, request_timeout_ms=5000)
        await producer.start()
        n = 0
        while True:
            sent = []
            for _ in range(200):
                value = b"%d-%d" % (who, n)
                sent.append((value, await producer.send("t", value, partition=n % 3)))
                n += 1
            for value, ack in sent:
                await ack
                out.write(value + b"\\n")

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def test_ten_kills_under_load_lose_nothing_acknowledged(
    own_broker: Any, creates: Any, tmp_path: Path, until: Any
) -> None:
    broker = own_broker()
    creates(broker.address, "t", 3, segment_bytes=1 << 20)
    files = [tmp_path / "acks-0", tmp_path / "acks-1"]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", LOAD, broker.address, str(path), str(n)],
            stderr=subprocess.DEVNULL,
        )
        for n, path in enumerate(files)
    ]

    def acknowledged() -> int:
        return sum(path.stat().st_size for path in files if path.exists())

    try:
        for _ in range(10):
            before = acknowledged()
            until(lambda before=before: acknowledged() > before + 20_000, "acknowledgements")
            broker.kill()
            broker.start()
        before = acknowledged()
        until(lambda: acknowledged() > before + 20_000, "acknowledgements after the last kill")
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    wanted = [line for path in files for line in path.read_bytes().splitlines()]
    got = everything(broker.address, "t", 3)
    assert len(got) == len(set(got)), "a record stands there twice"
    assert set(wanted) <= set(got), "an acknowledged record is missing"
    assert len(wanted) > 5_000
    broker.kill()
    assert broker.log().count("Traceback") == 0


def test_a_torn_tail_is_cut_off_and_written_over(own_broker: Any, creates: Any) -> None:
    broker = own_broker()
    creates(broker.address, "t")
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        for n in range(50):
            producer.send("t", b"%d" % n).get(10)
    broker.kill()
    (path,) = (broker.directory / "topics" / "t" / "0").glob("*.log")
    whole = path.read_bytes()
    for tail in (b"\0" * 100, whole[:90], whole[:61] + b"\xff" * 200, b"x"):
        path.write_bytes(whole + tail)
        broker.start()
        assert everything(broker.address, "t", 1) == [b"%d" % n for n in range(50)]
        broker.kill()
        assert path.stat().st_size == len(whole)
    broker.start()
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        assert producer.send("t", b"50").get(10).offset == 50


def test_a_full_disk_is_said_and_survived(own_broker: Any, creates: Any, wire: Any) -> None:
    broker = own_broker()
    creates(broker.address, "t", 1)
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as producer:
        for n in range(20):
            producer.send("t", b"%d" % n + b"x" * 10_000).get(10)
    process, size = broker.process.pid, resource.RLIMIT_FSIZE
    before = resource.prlimit(process, size)
    resource.prlimit(process, size, (250_000, before[1]))
    errors: list[Any] = []
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": broker.address, "retries": 0, "log_level": 0}
    )
    for _ in range(2):
        producer.produce("t", b"y" * 60_000, on_delivery=lambda e, _: errors.append(e))
        producer.flush(10)
    assert [error.code() for error in errors] == [STORAGE, STORAGE]
    assert len(everything(broker.address, "t", 1)) == 20
    resource.prlimit(process, size, before)
    with contextlib.closing(KafkaProducer(bootstrap_servers=broker.address)) as again:
        assert again.send("t", b"there is room again").get(10).offset == 20
    broker.kill()
    broker.start()
    assert everything(broker.address, "t", 1)[-1] == b"there is room again"
    assert "Traceback" not in broker.log()


def test_a_commit_on_a_full_disk_is_not_acknowledged(own_broker: Any, creates: Any) -> None:
    broker = own_broker()
    creates(broker.address, "t")
    at = TopicPartition("t", 0)
    with contextlib.closing(
        KafkaConsumer(bootstrap_servers=broker.address, group_id="g", enable_auto_commit=False)
    ) as consumer:
        consumer.assign([at])
        consumer.seek(at, 1)
        consumer.commit()
        before = resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (10, before[1]))
        consumer.seek(at, 2)
        done = threading.Event()

        def commit() -> None:
            consumer.commit()
            done.set()

        thread = threading.Thread(target=commit)
        thread.start()
        assert not done.wait(1)
        resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, before)
        thread.join(20)
        assert done.is_set()
        assert consumer.committed(at) == 2


def test_everything_acknowledged_is_there_after_a_stop(own_broker: Any, creates: Any) -> None:
    broker = own_broker()
    creates(broker.address, "t", 2)
    stop = threading.Event()
    acknowledged: list[int] = []

    def load() -> None:
        producer = confluent_kafka.Producer(
            {"bootstrap.servers": broker.address, "linger.ms": 1, "retries": 0, "log_level": 0}
        )
        for n in itertools.count():
            if stop.is_set():
                break
            producer.produce(
                "t",
                b"%d" % n,
                partition=n % 2,
                on_delivery=lambda error, _, n=n: error or acknowledged.append(n),
            )
            producer.poll(0.001)
        producer.purge()
        producer.flush(5)

    thread = threading.Thread(target=load)
    thread.start()
    while len(acknowledged) < 100:
        time.sleep(0.01)
    began = time.monotonic()
    assert broker.stop() == 0
    assert time.monotonic() - began < 10
    stop.set()
    thread.join(20)
    broker.start()
    assert {int(v) for v in everything(broker.address, "t", 2)} >= set(acknowledged)


def test_retention_and_compaction_survive_kills(own_broker: Any, creates: Any, until: Any) -> None:
    broker = own_broker()
    creates(
        broker.address, "t", cleanup_policy="compact", segment_bytes=1 << 20,
        min_cleanable_dirty_ratio=0.01,
    )  # fmt: skip
    wanted: dict[bytes, bytes] = {}
    for round_ in range(3):
        with contextlib.closing(
            KafkaProducer(bootstrap_servers=broker.address, linger_ms=10)
        ) as producer:
            for n in range(3000):
                key, value = b"%d" % (n % 200), b"%d-%d " % (round_, n) + b"x" * 500
                wanted[key] = value
                producer.send("t", value, key=key)
            producer.flush(20)
        broker.kill()
        broker.start()
        found: dict[bytes, bytes] = {}
        (end,) = end_offsets(broker.address, "t", 1)
        assert end == (round_ + 1) * 3000
        with contextlib.closing(
            KafkaConsumer(bootstrap_servers=broker.address, auto_offset_reset="earliest")
        ) as consumer:
            at = TopicPartition("t", 0)
            consumer.assign([at])
            while consumer.position(at) < end:
                for records in consumer.poll(1000).values():
                    for record in records:
                        found[record.key] = record.value
        assert found == wanted
    logs = broker.directory / "topics" / "t" / "0"
    until(
        lambda: sum(path.stat().st_size for path in logs.glob("*.log")) < 3 << 20,
        "the log stays small",
    )


def test_the_journal_of_offsets_stays_small(own_broker: Any, creates: Any) -> None:
    broker = own_broker()
    creates(broker.address, "t")
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker.address, "group.id": "g"})
    for n in range(6000):
        consumer.commit(
            offsets=[confluent_kafka.TopicPartition("t", 0, n)], asynchronous=n % 100 != 99
        )
    consumer.commit(offsets=[confluent_kafka.TopicPartition("t", 0, 6000)], asynchronous=False)
    consumer.close()
    journal = broker.directory / "offsets.journal"
    assert journal.stat().st_size < 5000 * 40
    broker.kill()
    broker.start()
    with contextlib.closing(
        KafkaConsumer(bootstrap_servers=broker.address, group_id="g")
    ) as reader:
        assert reader.committed(TopicPartition("t", 0)) == 6000
