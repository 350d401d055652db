"""Faults that take minutes (``make test-faults``). GRIDWHISTLE_FAULT_SCALE < 1 shortens them."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from connectors.kafka_topics import admin, create_topics
from ops.ledger import explain, ledger
from tests.faults.centre import Centre, fire
from tests.faults.store_proxy import Asked, straight

pytestmark = pytest.mark.faults
SCALE = float(os.environ.get("GRIDWHISTLE_FAULT_SCALE", "1"))
LONG = 300.0


@contextmanager
def load(centre: Centre, rate: int) -> Iterator[None]:
    """Records keep coming at ``rate`` a second."""
    over = threading.Event()

    def send() -> None:
        while not over.wait(1.0):
            centre.produce(rate)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def during(seconds: float, step: Callable[[int], None] | None = None, every: float = 5.0) -> None:
    """Let time pass, with a step now and then."""
    end = time.monotonic() + seconds * SCALE
    for n in itertools.count():
        if time.monotonic() >= end:
            return
        if step is not None:
            step(n)
        time.sleep(max(0.0, min(every, end - time.monotonic())))


def test_frozen_for_90_seconds(centre: Centre) -> None:
    zombie = centre.worker()
    zombie.ready()
    with load(centre, 1_000):
        during(5)
        zombie.tell(signal.SIGSTOP)
        centre.worker()
        during(90)
        zombie.tell(signal.SIGCONT)
        during(10)
    centre.judge("SIGSTOP 90 s under 1,000/s, resumed", LONG)


def test_workers_join_and_leave(centre: Centre) -> None:
    def step(n: int) -> None:
        if n % 2 and len(centre.workers) > 1:
            leaving = centre.workers.pop(0)
            leaving.end(signal.SIGKILL if n % 4 == 1 else signal.SIGTERM)
        else:
            centre.worker()

    centre.worker()
    with load(centre, 1_000):
        during(120, step)
    centre.judge("workers joining and leaving every 5 s for 2 min under 1,000/s", LONG)


def test_store_down_for_ten_minutes(centre: Centre) -> None:
    worker = centre.worker()
    centre.feed(worker, 4_000, times=1)
    with load(centre, 500):
        centre.store.end(signal.SIGKILL)
        during(600)
        before = worker.running
        centre.start_store()
    assert before, "a worker outlives an outage of the store"
    centre.judge(f"store down {600 * SCALE:.0f} s under 500/s", LONG)


def test_inserts_take_30_seconds(centre: Centre) -> None:
    async def slow(asked: Asked) -> web.Response | None:
        if asked.table:
            await asyncio.sleep(30 * SCALE)
        return await asked.forward()

    centre.proxy.rule = slow
    centre.worker()
    with load(centre, 1_000):
        during(95)
        centre.proxy.rule = straight
    centre.judge("every insert took 30 s", LONG)


def test_broker_unreachable_both_ways(centre: Centre) -> None:
    """It hangs for a minute, then it refuses for half a minute."""
    worker = centre.worker()
    centre.feed(worker, 8_000, times=1)
    centre.produce(8_000)
    centre.broker.tell(signal.SIGSTOP)
    during(60)
    centre.broker.tell(signal.SIGCONT)
    centre.produce(8_000)
    centre.broker.end(signal.SIGKILL)
    during(30)
    centre.start_broker()
    if not worker.running:  # a supervisor starts it again
        centre.worker()
    centre.produce(8_000)
    centre.judge("broker hung 60 s, then refused 30 s", LONG)


def test_a_backlog_is_caught_up(centre: Centre) -> None:
    centre.produce(int(400_000 * SCALE))
    began = time.monotonic()
    centre.worker()
    rows = centre.judge("backlog", LONG)
    took = time.monotonic() - began
    print(f"({sum(r.rows for r in rows)} rows, {took:.0f} s)", end=" ")


def test_the_dead_letter_topic_is_away(tmp_path: Path) -> None:
    """On a centre of its own: groups may remember offsets of the topic that is deleted."""
    centre = Centre(tmp_path)
    try:
        _without_dead_letters(centre)
    finally:
        centre.stop()


def _without_dead_letters(centre: Centre) -> None:
    worker = centre.worker()
    centre.feed(worker, 2_000, times=1)
    centre.wait(centre.drained)
    letters = centre.rows("dead_letters")
    with admin(centre.kafka) as client:
        client.delete_topics(["dead-letters"])
    centre.produce(2_000, make=lambda n: fire(n) if n // 4 % 5 else b"broken")
    time.sleep(5)
    with admin(centre.kafka) as client:
        at = client.list_group_offsets({"gridwhistle-intake": None})["gridwhistle-intake"]
    committed = sum(o.offset for tp, o in at.items() if tp.topic == "raw.fire")
    assert committed < sum(centre.produced.values()), "nothing is committed without its letters"
    create_topics(centre.kafka)
    centre.restart_records()  # a reader of the deleted topic may wait for it for minutes
    if not worker.running:
        centre.worker()
    centre.judge("dead-letter topic deleted, then back", LONG)
    assert centre.rows("dead_letters") - letters == 400


def test_cases_worker_killed_while_it_recovers(centre: Centre) -> None:
    def cases() -> int:
        rows = centre.client.query("SELECT uniqExact(case_no) FROM case_changes").result_rows
        return int(rows[0][0])

    def events() -> int:
        sql = "SELECT uniqExact(case_no) FROM events WHERE case_no != ''"
        return int(centre.client.query(sql).result_rows[0][0])

    before, told = cases(), events()
    centre.worker()
    centre.produce(1_200, make=lambda n: fire(n, part="system", status=2))
    centre.wait(lambda: centre.drained() and events() - told == 1_200, LONG)
    for point in ("recovering", "recovering"):
        dying = centre.worker("cases", point=point)
        centre.wait(lambda dying=dying: not dying.running, why="killed in recovery")
    last = centre.worker("cases")
    last.ready()

    def settled() -> bool:
        with admin(centre.kafka) as client:
            at = client.list_group_offsets({"gridwhistle-cases": None})["gridwhistle-cases"]
        done = {tp.partition: o.offset for tp, o in at.items() if tp.topic == "case-commands"}
        from connectors.kafka_topics import describe_topics

        ends = describe_topics(centre.kafka, ["case-commands"])["case-commands"].ends
        return all(done.get(n, 0) >= end for n, end in enumerate(ends))

    centre.wait(settled, LONG, "commands are applied")
    joined = centre.client.query(
        "SELECT count(), uniqExact(event_id) FROM case_changes FINAL "
        "WHERE event_id != '' AND move IN ('report', 'attach')"
    )
    centre.wait(lambda: cases() > before, LONG)
    rows, ids = joined.result_rows[0]
    assert rows == ids, "no report is in two changes"
    centre.judge("cases worker killed twice in recovery", LONG)


def test_retention_passes_an_offset(tmp_path: Path) -> None:
    """Kafka deletes what was never read: said aloud, counted, and the ledger shows it."""
    from kafka import TopicPartition

    centre = Centre(tmp_path)
    try:
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
        print("\n  retention passed 600 records: the ledger misses exactly these", end=" ")
    finally:
        centre.stop()
