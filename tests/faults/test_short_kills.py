"""Workers killed or frozen at the worst moments. After each the ledger of everything so far must
balance."""

from __future__ import annotations

import asyncio
import signal

import pytest
from aiohttp import web

from connectors.kafka_topics import admin, describe_topics
from tests.faults.centre import Centre, fire
from tests.faults.store_proxy import Asked, straight

EVENTS = 8_000


@pytest.mark.parametrize("point", ["before-insert", "after-insert", "after-ack"])
def test_killed_at_a_point(centre: Centre, point: str) -> None:
    worker = centre.worker(point=point)
    centre.feed(worker, EVENTS // 4, times=8)
    centre.wait(lambda: not worker.running, why="the worker should have killed itself")
    assert worker.returncode == -signal.SIGKILL
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
    centre.judge("insert of a killed worker lands after its successor's, and is refused")


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


def test_cases_worker_killed_while_it_recovers(centre: Centre) -> None:
    """Twice; the third one reads its cases back whole and goes on."""

    def count(sql: str) -> int:
        return int(centre.client.query(sql).result_rows[0][0])

    def cases() -> int:
        return count("SELECT uniqExact(case_no) FROM case_changes")

    reported = "SELECT uniqExact(event_id) FROM events WHERE disposition IN ('case', 'triage')"
    before = count(reported)
    centre.worker()
    centre.produce(600, make=lambda n: fire(n, part="system", status=2))
    centre.wait(lambda: centre.drained() and count(reported) - before == 600)
    for _ in range(2):
        dying = centre.worker("cases", point="recovering")
        centre.wait(lambda dying=dying: not dying.running, why="killed in recovery")
        assert dying.returncode == -signal.SIGKILL
    centre.worker("cases").ready()

    def settled() -> bool:
        with admin(centre.kafka) as client:
            at = client.list_group_offsets({"gridwhistle-cases": None})["gridwhistle-cases"]
        done = {tp.partition: o.offset for tp, o in at.items() if tp.topic == "case-commands"}
        ends = describe_topics(centre.kafka, ["case-commands"])["case-commands"].ends
        return all(done.get(n, 0) >= end for n, end in enumerate(ends))

    centre.wait(settled, why="commands are applied")
    joined = (
        "SELECT {} FROM case_changes FINAL WHERE event_id != '' AND move IN ('report', 'attach')"
    )
    centre.wait(
        lambda: count(joined.format("uniqExact(event_id)")) == count(reported),
        why="every report is in a case",
    )
    assert count(joined.format("count()")) == count(reported), "no report is in two changes"
    centre.judge(f"cases worker killed twice in recovery, {cases()} cases")
