"""A Faust application with a table and two workers: the table is exact after one is killed.

Stock Faust may commit past what it is working on (its issue 606) whenever partitions move, and then
nobody reads those records again. That is the client's word, which a broker has to keep; so records
that the group has committed without doing them are sent once more. A record that is neither in the
table nor committed must come by itself, and what an earlier round has put into the table must stay.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

APP = """
import os, sys
import faust

app = faust.App(
    os.environ["APP_ID"],
    broker="kafka://" + os.environ["BROKER"],
    datadir=os.environ["DATADIR"],
    store="memory://",
    web_enabled=False,
    topic_partitions=4,
    topic_replication_factor=1,
    topic_allow_declare=True,
    broker_session_timeout=3.0,
    broker_heartbeat_interval=0.5,
    broker_commit_interval=0.3,
    consumer_auto_offset_reset="earliest",
    stream_wait_empty=False,
    producer_linger=0.005,
)
source = app.topic(os.environ["SOURCE"], key_type=bytes, value_type=bytes, value_serializer="raw",
                   key_serializer="raw")
seen = app.Table("seen", default=list, partitions=4)

@app.agent(source, concurrency=1)
async def count(stream):
    # A set of numbers a key, so that reading a record twice does no harm.
    async for key, value in stream.items():
        name, number = key.decode(), int(value)
        numbers = seen[name]
        if number not in numbers:
            seen[name] = [*numbers, number]

if __name__ == "__main__":
    sys.argv = ["app", "--datadir", os.environ["DATADIR"], "worker", "-l", "warn",
                "--without-web"]
    app.main()
"""

KEYS, ROUNDS = 20, 3
SURE = 2.0  # seconds for which nothing came, before it counts as never coming


def send(address: str, topic: str, numbers: Iterable[int]) -> None:
    with contextlib.closing(KafkaProducer(bootstrap_servers=address, linger_ms=5)) as producer:
        for n in numbers:
            producer.send(topic, b"%d" % n, key=b"key-%02d" % (n % KEYS))
        producer.flush(20)


def table(address: str, changelog: str) -> dict[str, list[int]]:
    """The table as its changelog says it: the last value of each key."""
    import json

    found: dict[str, list[int]] = {}
    with contextlib.closing(KafkaConsumer(bootstrap_servers=address)) as consumer:
        numbers = consumer.partitions_for_topic(changelog)
        parts = [TopicPartition(changelog, n) for n in sorted(numbers or ())]
        if not parts:
            return {}
        ends = consumer.end_offsets(parts)
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        while any(consumer.position(part) < ends[part] for part in parts):
            for records in consumer.poll(1000).values():
                for record in records:
                    found[json.loads(record.key)] = json.loads(record.value)
    return found


def passed_over(address: str, source: str, missing: set[int]) -> bool:
    """Whether the group has committed all there is, and the source holds what is missing."""
    held: set[int] = set()
    parts = [TopicPartition(source, n) for n in range(4)]
    with contextlib.closing(
        KafkaConsumer(bootstrap_servers=address, group_id=f"app-{source}", enable_auto_commit=False)
    ) as consumer:
        consumer.assign(parts)
        ends = consumer.end_offsets(parts)
        if any((consumer.committed(part) or 0) < ends[part] for part in parts):
            return False
        consumer.seek_to_beginning(*parts)
        while any(consumer.position(part) < ends[part] for part in parts):
            for records in consumer.poll(1000).values():
                held |= {int(record.value) for record in records}
    assert missing <= held, "the broker holds every record it acknowledged"
    return True


def test_the_table_is_exact_after_a_worker_was_killed(
    broker: Any, topic: Any, tmp_path: Path, until: Any
) -> None:
    source = topic(partitions=4)
    script = tmp_path / "app.py"
    script.write_text(APP)
    running: list[subprocess.Popen[bytes]] = []

    def worker() -> subprocess.Popen[bytes]:
        data = tmp_path / f"data-{len(running)}"
        data.mkdir()
        environment = os.environ | {
            "BROKER": broker.address,
            "SOURCE": source,
            "APP_ID": f"app-{source}",
            "DATADIR": str(data),
        }
        log = (tmp_path / f"worker-{len(running)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", str(script)],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        running.append(process)
        return process

    changelog = f"app-{source}-seen-changelog"
    wanted = 0  # numbers sent
    settled = 0  # of them, those an earlier round has seen in the table

    before: tuple[set[int], float] = (set(), 0.0)  # what was missing, since when

    def exact() -> bool:
        nonlocal before
        rows = table(broker.address, changelog).values()
        missing = set(range(wanted)) - {n for numbers in rows for n in numbers}
        assert not any(n < settled for n in missing), "what was in the table has to stay"
        if missing != before[0]:
            before = missing, time.monotonic()
        elif missing and time.monotonic() - before[1] > SURE:
            if passed_over(broker.address, source, missing):
                print("committed by stock Faust without doing them:", sorted(missing))
                send(broker.address, source, sorted(missing))
            before = set(), 0.0
        return not missing

    try:
        workers = [worker(), worker()]
        for round_ in range(ROUNDS):
            send(broker.address, source, range(wanted, wanted + 400))
            wanted += 400
            until(exact, f"{wanted} numbers in the table after round {round_}", 60)
            settled = wanted
            if round_ < ROUNDS - 1:
                # Kill one in the middle of the next batch and put another in its place.
                send(broker.address, source, range(wanted, wanted + 400))
                wanted += 400
                os.killpg(workers[0].pid, signal.SIGKILL)
                workers[0].wait()
                workers = [workers[1], worker()]
        found = table(broker.address, changelog)
        assert len(found) == KEYS
        for key, numbers in found.items():
            assert sorted(numbers) == [n for n in range(wanted) if f"key-{n % KEYS:02d}" == key]
    except AssertionError:
        have = {n for rows in table(broker.address, changelog).values() for n in rows}
        print("missing:", sorted(set(range(wanted)) - have))
        with contextlib.closing(
            KafkaConsumer(bootstrap_servers=broker.address, group_id=f"app-{source}")
        ) as consumer:
            for part in [TopicPartition(source, n) for n in range(4)]:
                end = consumer.end_offsets([part])[part]
                print(part, "committed", consumer.committed(part), "end", end)
        for path in sorted(tmp_path.glob("worker-*.log")):
            print(path.name, path.read_text(errors="replace")[-3000:])
        raise
    finally:
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
