"""Simulated units on a real broker: what they find on start, what comes later, whose it is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.kafka import Producer
from connectors.kafka_address import KafkaAddress
from ops.simulator.handling import CHANGES, COMMANDS, Worklist, work
from ops.simulator.offices import Offices
from schemas.case import Actor, Case, Change, Command
from schemas.ids import case_number
from schemas.profile_files import load_profile
from schemas.topics import BY_NAME

VILLAGE = "990101001001"
LONG_AGO = datetime(2026, 11, 20, 2, tzinfo=UTC)


def change(number: int, state: str = "done", simulated: bool = True) -> Change:
    """A case that has waited for verification for days."""
    case = Case.model_validate({
        "case_no": case_number(f"e{number}", VILLAGE, LONG_AGO), "village": VILLAGE, "version": 7,
        "state": state, "unit": "desk-990101", "opened_at": LONG_AGO, "updated_at": LONG_AGO,
        "text": '"simulated":true', "commands": ("a", "b", "c"), "simulated": simulated,
    })  # fmt: skip
    return Change(
        change_id=f"h{number}", command_id="c", move="finish", from_state="handling", at=LONG_AGO,
        actor=Actor(role="unit", id="x", unit="desk-990101"), case=case,
    )  # fmt: skip


async def publish(producer: Producer, *changes: Change) -> None:
    for one in changes:
        body = one.model_dump_json(exclude_defaults=True).encode()
        await producer.send(CHANGES, one.case.case_no.encode(), body)


def test_found_on_start_and_later_and_never_a_real_one(fresh: KafkaAddress) -> None:
    old, later = change(1), change(2)
    real, real_later = change(3, simulated=False), change(4, simulated=False)
    gone = change(5)
    closed = gone.model_copy(
        update={"case": gone.case.model_copy(update={"state": "closed", "version": 8})}
    )

    async def story() -> tuple[list[bool], list[Command]]:
        worklist = Worklist(Offices(load_profile("qinglan")), pace=1000)
        freshness = []
        tps = [TopicPartition(COMMANDS, n) for n in range(BY_NAME[COMMANDS].partitions)]
        async with (
            asyncio.timeout(60),
            Producer(fresh) as producer,
            AIOKafkaConsumer(auto_offset_reset="earliest", **fresh.client()) as commands,
        ):
            commands.assign(tps)
            got: list[Command] = []

            async def until(count: int) -> None:
                while len(got) < count:
                    for records in (await commands.getmany(timeout_ms=500)).values():
                        got.extend(Command.model_validate_json(r.value) for r in records)

            for before in ((), (real, old, gone, closed)):
                await publish(producer, *before)
                restored = asyncio.get_running_loop().create_future()
                task = asyncio.create_task(work(fresh, producer, worklist, print, restored))
                freshness.append(await restored)
                if not before:
                    task.cancel()
                    await asyncio.wait({task})
            await until(1)
            await publish(producer, real_later, later)
            await until(2)
            task.cancel()
            await asyncio.wait({task})
            return freshness, got

    freshness, got = asyncio.run(story())
    assert freshness == [True, False]
    assert [command.case_no for command in got] == [old.case.case_no, later.case.case_no]
    assert {command.move for command in got} <= {"verify", "send_back"}
    assert all(datetime.now(UTC) - command.at < timedelta(minutes=5) for command in got)
