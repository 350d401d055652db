"""``python -m ops.bench.consumer SYSTEM TOPIC COUNT``: read COUNT records and decide each of them.

Every system does the same work with the same functions: read (validate), locate, classify, route.
Where a system hands out batches it is used that way. SYSTEM alone decides each record on its own,
as a user of that system would with ``read_slice`` and ``Decider.decide``; ``SYSTEM + bulk`` hands
each batch to ``Bulk.quiet``, which is how our intake decides. Says ``ready``, then one line of JSON
with events a second from the first record to the last, CPU an event, and peak memory.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from schemas.profile_files import load_profile
from streams.core.decide import Decider, Position
from streams.core.quiet import Bulk
from streams.core.reading import Invalid, read_slice
from streams.learned import learned

SLICE = 128
IN_BULK = " + bulk"


class Meter:
    """Counts records; ends the process once all have come."""

    def __init__(self, count: int) -> None:
        self.count, self.seen, self.began, self.cpu = count, 0, 0.0, 0.0

    def begin(self) -> None:
        if not self.began:
            self.began, self.cpu = time.perf_counter(), time.process_time()

    def took(self, records: int) -> None:
        self.seen += records
        if self.seen >= self.count:
            seconds = time.perf_counter() - self.began
            status = Path("/proc/self/status").read_text(encoding="ascii")
            peak = int(status.split("VmHWM:")[1].split()[0]) / 1024  # ru_maxrss is the parent's
            cpu = (time.process_time() - self.cpu) / self.seen * 1e6
            found = {"rate": self.seen / seconds, "cpu_us": cpu, "peak_mb": peak}
            print("done " + json.dumps(found), flush=True)
            os._exit(0)


class Work:
    """The same for everybody."""

    def __init__(self, topic: str, meter: Meter, in_bulk: bool = False) -> None:
        self.topic, self.meter, self.in_bulk = topic, meter, in_bulk
        profile = load_profile(os.environ.get("GRIDWHISTLE_PROFILE", "qinglan"))
        self.decider = Decider(profile, learned(profile))
        self.bulk, self.calm = Bulk(self.decider), set[int]()
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 50, 100)

    def many(self, values: Sequence[Any], ingest_ms: int) -> None:
        self.meter.begin()
        if self.in_bulk:
            count = len(values)
            _, others = self.bulk.quiet(
                self.topic, 0, values, range(count), [ingest_ms] * count, self.calm
            )
            self._each([values[n] for n in others], ingest_ms)
        else:
            self._each(values, ingest_ms)
        self.meter.took(len(values))

    def _each(self, values: Sequence[Any], ingest_ms: int) -> None:
        decide, topic = self.decider.decide, self.topic
        for start in range(0, len(values), SLICE):
            for n, raw in enumerate(read_slice(topic, values[start : start + SLICE])):
                if not isinstance(raw, (Invalid, list)):
                    decide(raw, Position(topic, 0, start + n, 0, ingest_ms))

    def one(self, value: bytes, ingest_ms: int) -> None:
        self.many((value,), ingest_ms)


Loop = Callable[[Work, str, str], None]


def confluent(work: Work, kafka: str, topic: str) -> None:
    from confluent_kafka import Consumer

    consumer = Consumer({
        "bootstrap.servers": kafka, "group.id": uuid.uuid4().hex,
        "auto.offset.reset": "earliest", "enable.auto.commit": False,
    })  # fmt: skip
    consumer.subscribe([topic])
    while True:
        batch = [m for m in consumer.consume(2000, 0.2) if m.error() is None]
        if batch:
            work.many([m.value() for m in batch], batch[0].timestamp()[1])


def aiokafka(work: Work, kafka: str, topic: str) -> None:
    import asyncio

    from aiokafka import AIOKafkaConsumer

    async def main() -> None:
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=kafka, group_id=uuid.uuid4().hex,
            auto_offset_reset="earliest", enable_auto_commit=False,
        )  # fmt: skip
        await consumer.start()
        while True:
            got = await consumer.getmany(timeout_ms=200, max_records=6000)
            for records in got.values():
                work.many([r.value for r in records], records[0].timestamp)

    asyncio.run(main())


def stock_faust(work: Work, kafka: str, topic: str) -> None:
    import logging

    import faust

    logging.basicConfig(level=logging.WARNING, force=True)
    app = faust.App(
        uuid.uuid4().hex, broker=f"kafka://{kafka}", value_serializer="raw", web_enabled=False,
        topic_allow_declare=False, topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        datadir=f"/tmp/{uuid.uuid4().hex}",  # noqa: S108 - nothing is kept there
    )  # fmt: skip

    @app.agent(app.topic(topic))
    async def agent(stream: Any) -> None:
        async for event in stream.events():
            work.one(event.value, int(event.message.timestamp * 1000))

    worker: Any = faust.Worker(app, override_logging=False, quiet=True, redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()


def quixstreams(work: Work, kafka: str, topic: str) -> None:
    from quixstreams import Application

    app = Application(
        broker_address=kafka, consumer_group=uuid.uuid4().hex, auto_offset_reset="earliest",
        auto_create_topics=False, loglevel="ERROR",
    )  # fmt: skip
    frame = app.dataframe(app.topic(topic, value_deserializer="bytes"))
    now = int(time.time() * 1000)
    frame.update(lambda value: work.one(value, now))
    app.run()


def bytewax(work: Work, kafka: str, topic: str) -> None:
    import bytewax.operators as op
    from bytewax.connectors.kafka import KafkaSource
    from bytewax.dataflow import Dataflow
    from bytewax.testing import TestingSink, run_main
    from confluent_kafka import OFFSET_BEGINNING

    now = int(time.time() * 1000)

    def batch(messages: list[Any]) -> list[Any]:
        work.many([m.value for m in messages], now)
        return []

    flow = Dataflow("bench")
    source = KafkaSource([kafka], [topic], starting_offset=OFFSET_BEGINNING, batch_size=2000)
    records = op.input("in", flow, source)
    op.output("out", op.flat_map_batch("work", records, batch), TestingSink([]))
    run_main(flow)


def faststream(work: Work, kafka: str, topic: str) -> None:
    import asyncio

    from faststream import FastStream
    from faststream.kafka import KafkaBroker

    broker = KafkaBroker(kafka, logger=None)

    async def plain(message: Any) -> Any:
        return message.body

    @broker.subscriber(
        topic, batch=True, max_records=2000, decoder=plain, group_id=uuid.uuid4().hex,
        auto_offset_reset="earliest",
    )  # fmt: skip
    async def handle(values: list[Any]) -> None:
        work.many(values, int(time.time() * 1000))

    asyncio.run(FastStream(broker, logger=None).run())


def arroyo(work: Work, kafka: str, topic: str) -> None:
    from arroyo.backends.kafka import KafkaConsumer
    from arroyo.backends.kafka.configuration import build_kafka_consumer_configuration
    from arroyo.commit import ONCE_PER_SECOND
    from arroyo.processing.processor import StreamProcessor
    from arroyo.processing.strategies import BatchStep, CommitOffsets, RunTask
    from arroyo.processing.strategies.abstract import ProcessingStrategyFactory
    from arroyo.types import Topic

    consumer = KafkaConsumer(build_kafka_consumer_configuration(
        {"bootstrap.servers": kafka}, group_id=uuid.uuid4().hex, auto_offset_reset="earliest"
    ))  # fmt: skip
    now = int(time.time() * 1000)

    def step(message: Any) -> Any:
        work.many([one.payload.value for one in message.payload], now)
        return message.payload

    class Factory(ProcessingStrategyFactory):  # type: ignore[misc,type-arg,unused-ignore]
        def create_with_partitions(self, commit: Any, partitions: Any) -> Any:
            return BatchStep(2000, 0.2, RunTask(step, CommitOffsets(commit)))

    StreamProcessor(consumer, Topic(topic), Factory(), ONCE_PER_SECOND).run()


SYSTEMS: dict[str, Loop] = {
    "stock faust":     stock_faust,
    "quixstreams":     quixstreams,
    "bytewax":         bytewax,
    "faststream":      faststream,
    "sentry-arroyo":   arroyo,
    "confluent-kafka": confluent,  # a bare loop
    "aiokafka":        aiokafka,   # a bare loop
}  # fmt: skip


def main() -> None:
    system, topic, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    in_bulk = system.endswith(IN_BULK)
    system = system.removesuffix(IN_BULK)
    work = Work(topic, Meter(count), in_bulk)
    print("ready", flush=True)
    SYSTEMS[system](work, os.environ["GRIDWHISTLE_KAFKA"], topic)


if __name__ == "__main__":
    main()
