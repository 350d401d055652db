"""A source reports over HTTP while Kafka goes away and comes back: the whole way, for real.

The same story runs on the fake that the other tests use, so the fake keeps its promises.
"""

import asyncio
import time

import httpx
import pytest
from fastapi import FastAPI

from connectors.inbound.edge import Edge
from connectors.inbound.http import intake_router
from connectors.inbound.limits import Limits
from connectors.kafka import KafkaUnavailable, Producer, create_topics, describe_topics
from connectors.tokens import TokenBook
from connectors.vault import load_or_create

CALL = {"id": "g-1", "text": "楼道里有烟", "reporter": {"phone": "13800138000"}}


class Fake:
    def __init__(self):
        self.records = []
        self.up = True

    async def send_many(self, records, timeout=5.0):
        if not self.up:
            raise KafkaUnavailable("down")
        self.records += records

    def kill(self):
        self.up = False

    def start(self):
        self.up = True

    def held(self, topic):
        return sum(record.topic == topic for record in self.records)

    async def stop(self):
        pass


class Real:
    def __init__(self, broker):
        self.broker = broker
        create_topics(broker.address)
        self.kill, self.start = broker.kill, broker.start

    def held(self, topic):
        return sum(describe_topics(self.broker.address, [topic])[topic].ends)


@pytest.fixture(params=["fake", "broker"])
def world(request):
    if request.param == "fake":
        fake = Fake()
        return fake, lambda: fake
    real = Real(request.getfixturevalue("new_broker")())
    return real, lambda: Producer(real.broker.address)


def test_nothing_is_accepted_that_kafka_does_not_have(world, tmp_path):
    kafka, new_sink = world
    tokens = TokenBook(tmp_path / "tokens.toml")
    head = {"authorization": f"Bearer {tokens.create('city', ['hotline_12345'])}"}

    async def run():
        sink = new_sink()
        app = FastAPI()
        edge = Edge(load_or_create(tmp_path / "keys"))
        app.include_router(intake_router(sink, tokens, edge, limits=Limits(kafka_seconds=2)))
        transport = httpx.ASGITransport(app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://i") as client:

                async def report():
                    return await client.post(
                        "/api/v1/intake/hotline_12345", json=CALL, headers=head
                    )

                first = await report()
                assert first.status_code == 202
                assert kafka.held("raw.hotline") == 1
                assert kafka.held("contact-vault") == 1
                await asyncio.to_thread(kafka.kill)
                away = await report()
                assert away.status_code == 503
                assert int(away.headers["retry-after"]) > 0
                await asyncio.to_thread(kafka.start)
                deadline = time.monotonic() + 30
                while (again := await report()).status_code == 503:
                    assert time.monotonic() < deadline, "Kafka is back, the intake is not"
                assert again.status_code == 202
                assert again.json() == first.json()
        finally:
            await sink.stop()

    asyncio.run(run())
    assert kafka.held("raw.hotline") >= 2
