"""Lights of a real writer: never early, once, not before everything that came in is applied."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from schemas.case import Change
from streams import deadlines
from streams.brief import microseconds
from streams.offsets import CHANGES
from tests.caseflow.desk import NUMBER, Desk, desks, lights, run
from tests.caseflow.stage import Stage, action, report, sound

#: a routed case of the small city: sign within 30 minutes, yellow at 21, one level up at 60
ROUTED = {"class_code": "020201", "confidence": 0.9, "grade": 2, "unit": "fire-990101001"}
PAST = timedelta(minutes=22)


@pytest.fixture
def kafka(tmp_path: Path) -> Any:
    made = Stage(tmp_path, Path("unused"))
    yield made
    made.stop()


class Clock:
    """Wall time that a test sets; it runs on in between."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


async def due(desk: Desk, ago: timedelta = PAST, **more: Any) -> str:
    """A case that came in a while ago, so that its clocks are due by now."""
    one = report(str(time.monotonic()), datetime.now(UTC) - ago, **(ROUTED | more))
    await desk.act(one)
    return one.case_no


def test_each_light_once_and_late_ones_say_so(kafka: Stage) -> None:
    async def story() -> None:
        async with desks(kafka.kafka, 2) as (desk, other):
            yellow = await due(desk)
            red = await due(desk, timedelta(minutes=31))
            up = await due(desk, timedelta(minutes=75))
            not_yet = await due(desk, timedelta(minutes=20))
            assert await desk.timer.look() == 5
            assert await desk.timer.look() == 0
            assert await other.writer.partition(NUMBER)  # takes over
            assert await other.timer.look() == 0
        changes = await _changes(kafka)
        shown = {
            no: [(c.clock, c.stage, c.late_seconds) for c in changes if c.stage and
                 c.case.case_no == no]
            for no in (yellow, red, up, not_yet)
        }  # fmt: skip
        assert [(c, s) for c, s, _ in shown[yellow]] == [("sign", "yellow")]
        assert [(c, s) for c, s, _ in shown[red]] == [("sign", "red")]  # takes yellow along
        assert [(c, s) for c, s, _ in shown[up]] == [
            ("sign", "red"), ("contact", "red"), ("sign", "escalate"),
        ]  # fmt: skip
        assert shown[not_yet] == []
        assert 60 <= shown[yellow][0][2] <= 120
        assert 60 <= shown[red][0][2] <= 120

    run(story())
    sound(kafka.changes())


async def _changes(kafka: Stage) -> list[Any]:
    found = await kafka._records(CHANGES, "read_committed")
    return [Change.model_validate_json(r.value) for r in found]


def test_no_light_before_what_came_in_is_applied(kafka: Stage) -> None:
    async def story() -> None:
        async with desks(kafka.kafka, 2) as (down, up):
            case_no = await due(down)
            # signed while nobody was there to see it
            signed = action(case_no, "handle_in_grid")
            await up.send(signed)
            part = await up.writer.partition(NUMBER)
            assert part.book.due(microseconds(datetime.now(UTC)), 10)
            part.position = 1
            assert await up.timer.look() == 0
            assert await up.timer.look() == 0
            await up.work()
            assert await up.timer.look() == 0  # its clock has stopped: it stays dark
        assert lights(await _changes(kafka)) == []

    run(story())


def test_the_gate_opens_when_there_was_nothing_to_apply(kafka: Stage) -> None:
    """Also when the commands have left their topic, or were never committed."""

    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            await due(desk)
        from kafka import KafkaAdminClient
        from kafka.structs import TopicPartition

        admin = KafkaAdminClient(bootstrap_servers=kafka.kafka)
        gone = {TopicPartition("case-commands", NUMBER): -1}
        await asyncio.to_thread(admin.delete_records, gone)
        admin.close()
        async with desks(kafka.kafka) as (desk,):
            await desk.writer.partition(NUMBER)
            assert await desk.timer.look() == 1

    run(story())


def test_a_wall_clock_that_is_set_pauses_the_lights(
    kafka: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "PAUSE_AFTER_STEP", 0.3)
    clock = Clock()

    async def story() -> None:
        async with desks(kafka.kafka, clock=clock) as (desk,):
            await due(desk)
            clock.ahead = -3600.0
            assert await desk.timer.look() == 0
            await asyncio.sleep(0.35)
            assert await desk.timer.look() == 0  # an hour ago it was not due
            clock.ahead = 0.0
            assert await desk.timer.look() == 0  # set again: waits again
            await asyncio.sleep(0.35)
            assert await desk.timer.look() == 1

    run(story())
    sound(kafka.changes())


def test_paused_clocks_stay_dark_and_go_on_after(kafka: Stage) -> None:
    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            case_no = await due(desk, timedelta(minutes=1))
            await desk.act(
                action(case_no, "handle_in_grid"),
                action(case_no, "transfer", reason="移交", unit="housing-990101"),
            )
            part = desk.writer.partitions[NUMBER]
            case = await desk.case(case_no)
            assert case is not None
            before = part.book.wakes_at(part.book._rows[case_no.encode()])
            assert before == min(microseconds(d.yellow_at) for d in case.deadlines)

    run(story())


def test_thousands_due_at_once_in_slices(kafka: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "SLICE", 100)
    monkeypatch.setattr(deadlines, "BREATH", 0.0005)

    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            at = datetime.now(UTC) - PAST
            some = [report(uuid4().hex, at, **ROUTED) for n in range(350)]
            await desk.act(*some)
            assert await desk.timer.look() == 350
            assert await desk.timer.look() == 0
            order = [c.case.case_no for c in await _changes(kafka) if c.stage]
            assert sorted(order) == sorted(one.case_no for one in some)

    run(story())


def test_a_light_that_cannot_be_decided_holds_up_no_other(
    kafka: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    decide = deadlines.due_lights

    def fragile(case: bytes, now: datetime, offset: int) -> Any:
        if b'"broken"' in case:
            raise ZeroDivisionError
        return decide(case, now, offset)

    monkeypatch.setattr(deadlines, "due_lights", fragile)

    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            at = datetime.now(UTC) - PAST
            await desk.act(report("broken", at, **ROUTED))
            await due(desk)
            with caplog.at_level(logging.ERROR):
                assert await desk.timer.look() == 1
            assert "no light for a case" in caplog.text
            caplog.clear()
            assert await desk.timer.look() == 0  # looked at again in a minute, not in a loop
            assert caplog.text == ""

    run(story())


def test_kafka_away_when_lights_are_due(kafka: Stage) -> None:
    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            case_no = await due(desk)
            kafka.broker.end(signal.SIGKILL)
            looking = asyncio.ensure_future(desk.timer.look())
            await asyncio.wait({looking}, timeout=0.5)
            await asyncio.to_thread(kafka.restart_broker)
            shown = await looking
            while not shown:
                await desk.writer.partition(NUMBER)
                shown = await desk.timer.look()
            assert shown == 1
            assert (await desk.case(case_no)).light == "yellow"  # type: ignore[union-attr]

    run(story())
    sound(kafka.changes())
