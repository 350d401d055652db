"""Faults that take seconds. After each one the ledger of everything so far must balance."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest
from aiohttp import web

from tests.faults.centre import Centre, fire
from tests.faults.store_proxy import Asked, refusal, straight

EVENTS = 8_000


@pytest.mark.parametrize("point", ["before-insert", "after-insert", "after-ack"])
def test_killed_at_a_point(centre: Centre, point: str) -> None:
    worker = centre.worker(point=point)
    centre.feed(worker, EVENTS // 4, times=8)
    centre.wait(lambda: not worker.running, why="the worker should have killed itself")
    assert worker.process.returncode == -signal.SIGKILL
    centre.worker()
    centre.judge(f"kill -9 {point}")


def test_killed_in_mid_insert(centre: Centre) -> None:
    """Half of the bytes have reached the store when the worker dies."""
    worker = centre.worker()

    async def half(asked: Asked) -> web.Response | None:
        if asked.table != "events":
            return await asked.forward()
        worker.tell(signal.SIGKILL)
        await asked.forward_half()
        return None

    centre.proxy.rule = half
    centre.produce(EVENTS)
    centre.wait(lambda: not worker.running)
    centre.proxy.rule = straight
    centre.worker()
    centre.judge("kill -9 in mid insert")


def test_a_dead_workers_insert_arrives_late(centre: Centre) -> None:
    """The bytes had left before the kill; the store sees them when a successor is at work."""
    first = centre.worker()
    late: list[Asked] = []
    outcome: list[int] = []

    async def keep(asked: Asked) -> web.Response | None:
        if asked.table != "events" or late:
            return await asked.forward()
        late.append(asked)
        first.tell(signal.SIGKILL)
        while not outcome:  # the test lets it go
            await asyncio.sleep(0.05)
        answer = await asked.forward()
        outcome.append(answer.status)
        return None

    centre.proxy.rule = keep
    centre.produce(EVENTS)
    centre.wait(lambda: not first.running)
    centre.worker()
    centre.wait(centre.drained)
    outcome.append(0)
    centre.wait(lambda: len(outcome) == 2)
    assert outcome[1] == 500, "the store refuses the insert of a superseded writer"
    centre.judge("insert of a killed worker lands after its successor's")


def test_acknowledgement_lost_after_a_successful_insert(centre: Centre) -> None:
    lost = 0

    async def drop(asked: Asked) -> web.Response | None:
        nonlocal lost
        answer = await asked.forward()
        if asked.table and lost < 3:
            lost += 1
            return None
        return answer

    centre.proxy.rule = drop
    centre.worker()
    centre.produce(EVENTS)
    centre.judge("answer lost three times after the insert succeeded")
    assert lost == 3


REFUSALS = {
    "401":            refusal(516, "Authentication failed", 401),
    "too many parts": refusal(252, "Too many parts"),
    "disk full":      refusal(243, "Cannot reserve 1.00 MiB, not enough space"),
    "memory":         refusal(241, "Memory limit exceeded"),
    "bad gateway":    web.Response(status=502, text="Bad Gateway"),
    "aggregate throws": refusal(341, "Exception in a projection or a view"),
}  # fmt: skip


def test_refusals_wait_and_never_drop(centre: Centre) -> None:
    """One refusal after another, then the store gives in. Nothing is committed meanwhile."""
    left = [name for name in REFUSALS for _ in range(1)]

    async def refuse(asked: Asked) -> web.Response | None:
        if asked.table == "events" and left:
            said = REFUSALS[left.pop(0)]
            return web.Response(status=said.status, body=said.body, headers=said.headers)
        return await asked.forward()

    centre.proxy.rule = refuse
    worker = centre.worker()
    before = centre.rows()
    centre.produce(EVENTS // 2)
    centre.wait(lambda: not left or centre.rows() > before)
    assert not left
    assert centre.rows() == before
    assert not centre.drained()
    centre.judge(f"refused as {', '.join(REFUSALS)}")
    assert worker.running


def test_frozen_while_its_partitions_move(centre: Centre) -> None:
    """SIGSTOP with an insert on its way and more in hand, long enough to be thrown out."""
    zombie = centre.worker()
    zombie.ready()
    caught: list[Asked] = []

    async def freeze(asked: Asked) -> web.Response | None:
        if asked.table == "events" and not caught:
            caught.append(asked)
            zombie.tell(signal.SIGSTOP)
            return None  # the connection breaks; the zombie will send it again
        return await asked.forward()

    centre.proxy.rule = freeze
    centre.produce(EVENTS)
    centre.wait(lambda: bool(caught))
    centre.worker()
    centre.wait(centre.drained)
    zombie.tell(signal.SIGCONT)
    centre.produce(EVENTS)
    centre.wait(lambda: "superseded" in zombie.log() or not zombie.running, why="zombie notices")
    centre.judge("frozen past its session and resumed")


def test_the_broker_restarts(centre: Centre) -> None:
    worker = centre.worker()
    centre.feed(worker, EVENTS // 2, times=1)
    centre.broker.end(signal.SIGKILL)
    centre.start_broker()
    centre.produce(EVENTS // 2)
    centre.judge("broker killed and restarted")


def test_the_store_is_killed_and_restarts(centre: Centre) -> None:
    worker = centre.worker()
    centre.feed(worker, EVENTS // 2, times=1)
    centre.store.end(signal.SIGKILL)
    centre.produce(EVENTS)
    time.sleep(1)  # the outage lasts a while
    centre.start_store()
    centre.judge("store killed under load and restarted")
    assert worker.running


def test_bad_records_repeats_and_crazy_clocks(centre: Centre) -> None:
    """Schema drift, duplicates, late and future events: every record ends in one place."""
    letters, filtered = centre.rows("dead_letters"), centre.rows("filtered")

    def make(n: int) -> bytes:
        match n // 4 % 8:
            case 0:
                return b'{"broken'
            case 1:
                return fire(n, added_field=1)  # unknown fields are dropped
            case 2:
                return fire(n).replace(b'"device_id"', b'"device"')  # removed
            case 3:
                return fire(n).replace(b"21.5", b'"warm"')  # retyped
            case 4:
                return fire(n, source_id=f"same-{n % 4}")  # a storm of one id
            case 5:
                return fire(n, occurred_at="1970-01-01T00:00:00Z")
            case 6:
                return fire(n, occurred_at="2099-12-31T00:00:00Z")
            case _:
                return b"[" + b",".join(fire(n, f"p{n}-{k}") for k in range(3)) + b"]"

    centre.worker()
    centre.produce(EVENTS, make=make)
    centre.judge("bad, repeated, late, future and packed records")
    assert centre.rows("dead_letters") - letters == EVENTS * 3 // 8
    assert (
        centre.rows("filtered") - filtered == EVENTS // 8 - 4
    )  # the first of each partition counts


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
    centre.proxy.rule = straight
    assert took < 5, took  # 1.9 s and what a busy machine adds
    centre.worker()
    centre.judge(f"stopped in {took:.1f} s with store and broker away")


def test_a_flood_of_bad_records_stops_its_partition_only(centre: Centre) -> None:
    worker = centre.worker()
    centre.feed(worker, 2_000, times=1)
    letters = centre.rows("dead_letters")
    centre.produce(3_000, make=lambda n: b"not json", partition=2)
    centre.wait(lambda: "STOPPED" in worker.log())
    centre.produce(2_000)
    others = [("raw.fire", n) for n in (0, 1, 3)]

    def others_done() -> bool:
        from ops.ledger import positions

        at = positions(centre.kafka)
        return all(at.committed[tp] == at.ends[tp] for tp in others)

    centre.wait(others_done)
    assert not centre.drained()
    assert centre.rows("dead_letters") - letters < 200
    from ops.breakers import let_through, stopped

    (standing,) = stopped(centre.client)
    assert (standing.topic, standing.partition, standing.reason) == ("raw.fire", 2, "not_json")
    let_through(centre.client, centre.kafka, "raw.fire", 2)
    centre.judge("3,000 bad records stood, then were let through")
    assert centre.rows("dead_letters") - letters == 3_000
    assert stopped(centre.client) == []
