"""The broker fails, or the way to it."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest
from aiohttp import web

from connectors.kafka_topics import admin, create_topics
from ops.ledger import explain, ledger
from tests.faults.broker_relay import Losing
from tests.faults.centre import Centre, fire
from tests.faults.store_proxy import Asked

EVENTS = 8_000


def test_the_broker_restarts(centre: Centre) -> None:
    worker = centre.worker()
    centre.feed(worker, EVENTS // 2, times=1)
    centre.broker.end(signal.SIGKILL)
    centre.start_broker()
    centre.produce(EVENTS // 2)
    centre.judge("broker killed and restarted")


@pytest.mark.parametrize("direction", ["questions", "answers"])
def test_one_direction_of_the_network_is_lost(centre: Centre, direction: Losing) -> None:
    """What the worker sends never arrives; or the broker does what it is asked and the worker never
    hears of it: commits, commands, letters."""
    worker = centre.worker(relayed=True)
    centre.feed(worker, EVENTS // 4, times=1)
    centre.relay.lost.update(questions=0, answers=0)
    centre.relay.lose(direction)
    centre.produce(EVENTS // 4)
    centre.worker()  # one that reaches the broker takes over
    centre.wait(centre.drained)
    centre.produce(EVENTS // 4)
    centre.wait(centre.drained)
    assert centre.relay.lost[direction]
    centre.relay.lose("")
    centre.produce(EVENTS // 4)
    centre.judge(f"{direction} between worker and broker lost, then the network healed")


def test_told_to_stop_while_everything_is_away(centre: Centre) -> None:
    """SIGTERM is obeyed within 2 s though neither store nor broker answers."""
    worker = centre.worker()
    centre.feed(worker, 2_000, times=1)

    async def hang(asked: Asked) -> web.Response | None:
        await asyncio.sleep(30)
        return None

    centre.proxy.rule = hang
    centre.produce(2_000)
    centre.broker.tell(signal.SIGSTOP)
    time.sleep(0.5)
    began = time.monotonic()
    worker.end(signal.SIGTERM, 10)
    took = time.monotonic() - began
    centre.broker.tell(signal.SIGCONT)
    centre.restore()
    assert took < 5, took  # 1.9 s and what a busy machine adds
    centre.worker()
    centre.judge(f"stopped in {took:.1f} s with store and broker away")


def test_the_dead_letter_topic_is_away(own_centre: Centre) -> None:
    """On a centre of its own: groups may remember offsets of the topic that is deleted."""
    centre = own_centre
    worker = centre.worker()
    centre.feed(worker, 2_000, times=1)
    centre.wait(centre.drained)
    letters = centre.rows("dead_letters")
    with admin(centre.kafka) as client:
        client.delete_topics(["dead-letters"])
    committed = centre.committed()
    centre.produce(2_000, make=lambda n: fire(n) if n // 4 % 5 else b"broken")
    centre.wait(lambda: centre.rows() >= 3_600, why="rows land, their letters do not")
    centre.produce(2_000)
    centre.wait(lambda: centre.rows() >= 5_600)
    time.sleep(3)  # long enough for a commit, were there one
    assert centre.committed() == committed, "nothing is committed past letters that are not safe"
    create_topics(centre.kafka)
    centre.restart_records()  # a reader of the deleted topic may wait for it for minutes
    if not worker.running:
        centre.worker()
    centre.judge("dead-letter topic deleted, then back")
    assert centre.rows("dead_letters") - letters == 400


def test_retention_passes_an_offset(own_centre: Centre) -> None:
    """Kafka deletes what was never read: said aloud, counted, and the ledger shows it."""
    from kafka import TopicPartition

    centre = own_centre
    worker = centre.worker()
    centre.feed(worker, 4_000, times=1)
    centre.wait(centre.drained)
    worker.end(signal.SIGTERM)
    centre.produce(4_000)
    first = centre.produced["raw.fire", 0] - 400
    with admin(centre.kafka) as client:
        client.delete_records({TopicPartition("raw.fire", 0): first})
    again = centre.worker()
    centre.wait(centre.drained)
    assert "were deleted by retention before they were read" in again.log()
    (short,) = [r for r in ledger(centre.client, centre.kafka) if not r.sound]
    assert (short.partition, short.missing, short.doubled) == (0, 600, 0)
    assert explain(centre.client, short).missing == ((1_000, 1_599),)
    centre.proved.append("retention passed 600 unread records: the ledger misses exactly these")
