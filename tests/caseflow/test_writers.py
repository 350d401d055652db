"""One writer a partition, whatever happens: fenced, read back, cut off, cancelled."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from faust.types import TP
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.structs import TopicPartition

from schemas.case import Change, Outcome
from streams.book import encode
from streams.brief import microseconds
from streams.changelog import Fenced
from streams.offsets import CHANGES, COMMANDS
from tests.caseflow.desk import NUMBER, content, desks, run
from tests.caseflow.stage import Stage, action, report, sound

ROUTED = {"class_code": "020201", "confidence": 0.9, "grade": 2, "unit": "fire-990101001"}


@pytest.fixture
def kafka(tmp_path: Path) -> Any:
    made = Stage(tmp_path, Path("unused"))
    yield made
    made.stop()


def test_a_former_writer_writes_nothing_more(kafka: Stage) -> None:
    async def story() -> None:
        async with desks(kafka.kafka, 2) as (old, new):
            one = report("井盖翘起来了", **ROUTED)
            await old.act(one)
            crashed: list[BaseException] = []
            old.writer.on_fenced = crashed.append
            held = old.writer.partitions[NUMBER].changes._producer
            await held.begin_transaction()  # frozen in the middle of a write
            batch = held.create_batch()
            batch.append(timestamp=None, key=b"k", value=b'{"never":"seen"}')
            await (await held.send_batch(batch, CHANGES, partition=NUMBER))
            held._txn_manager.state = type(held._txn_manager.state).READY

            assert await new.case(one.case_no)  # takes over
            await new.act(action(one.case_no, "note", reason="新的写者"))
            with pytest.raises(Fenced):
                await old.act(action(one.case_no, "note", reason="旧的写者"))
            assert crashed
            assert NUMBER not in old.writer.partitions

    run(story())
    changes = kafka.changes()
    sound(changes)
    assert [c.reason for c in changes if c.move == "note"] == ["新的写者"]
    assert len(kafka.records(CHANGES, "read_uncommitted")) == len(changes) + 1


def test_a_command_sent_again_is_answered_with_the_state(kafka: Stage) -> None:
    async def story() -> None:
        one = report()
        registered = action(one.case_no, "register", key="the same key")
        async with desks(kafka.kafka, 2) as (desk, next_desk):
            await desk.act(one, registered, registered)
            await next_desk.act(registered, one)  # after a restart, from another worker
            told = [Outcome.model_validate_json(r.value) for r in desk.told.records]
            told += [Outcome.model_validate_json(r.value) for r in next_desk.told.records]
        assert [o.command_id for o in told] == [registered.command_id] * 3
        assert [o.change is not None for o in told] == [True, False, False]
        assert [o.case and (o.case.state, o.case.version) for o in told] == [("registered", 2)] * 3

    run(story())
    assert [c.move for c in kafka.changes()] == ["report", "register"]


def test_two_events_a_millisecond_apart_make_one_case(kafka: Stage) -> None:
    async def story() -> None:
        at = datetime.now(UTC)
        first, second, other = (
            report("三号楼门口路灯不亮,已经两天了", at + timedelta(milliseconds=n), **ROUTED)
            for n in range(3)
        )
        other = report("完全是另一件事情", at, **ROUTED)
        async with desks(kafka.kafka, 2) as (desk, next_desk):
            await desk.act(first, second, other)
            await next_desk.act(
                report("三号楼门口路灯不亮,已经两天了", at + timedelta(milliseconds=3), **ROUTED)
            )
            case = await next_desk.case(first.case_no)
            assert case is not None
            assert case.events == 3

    run(story())
    changes = kafka.changes()
    sound(changes)
    assert [c.move for c in changes] == ["report", "attach", "report", "attach"]


def test_what_is_read_back_equals_what_was_there(kafka: Stage) -> None:
    rng = random.Random(5)
    moves: list[tuple[Any, dict[str, Any]]] = [
        ("note", {"reason": "n"}), ("register", {}), ("dispatch", {"unit": "fire-990101001"}),
        ("answer", {"reason": "已答复"}), ("close", {}), ("reject", {"reason": "不属于"}),
        ("reopen", {"reason": "没解决"}),
    ]  # fmt: skip

    async def story() -> None:
        async with desks(kafka.kafka, 2) as (first, second):
            cases = [report(f"第{n}件 {rng.random()}") for n in range(12)]
            sent = await first.act(*cases)
            for _ in range(8):
                some = [
                    action(rng.choice(cases).case_no, move, **fields)
                    for move, fields in rng.choices(moves, k=10)
                ]
                sent += await first.act(*some)
            before = content(first)
            part = first.writer.partitions[NUMBER]
            assert await second.writer.partition(NUMBER)
            again = second.writer.partitions[NUMBER]
            assert content(second) == before
            assert again.done == part.done
            assert again._recent == part._recent
            assert again.book.open == part.book.open
            # a crash before the offsets were committed: every command comes a second time
            kept = len(await kafka._records(CHANGES, "read_committed"))
            second._waiting = sent
            assert (await second.work()).acked
            assert content(second) == before
            assert len(await kafka._records(CHANGES, "read_committed")) == kept

    run(story())
    sound(kafka.changes())


def test_a_topic_that_ends_in_nothing_is_read_to_its_end(kafka: Stage) -> None:
    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            part = await desk.writer.partition(NUMBER)  # empty
            assert len(part.book) == 0
            one = report(**ROUTED)
            await desk.act(one)
        producer = AIOKafkaProducer(bootstrap_servers=kafka.kafka, transactional_id="another")
        await producer.start()
        await producer.begin_transaction()
        await producer.send_and_wait(CHANGES, b"aborted", b"k", partition=NUMBER)
        await producer.abort_transaction()
        await producer.stop()
        async with desks(kafka.kafka) as (desk,):
            assert (await desk.case(one.case_no)) is not None  # the end is a marker
        admin = KafkaAdminClient(bootstrap_servers=kafka.kafka)
        await asyncio.to_thread(admin.delete_records, {TopicPartition(CHANGES, NUMBER): -1})
        admin.close()
        async with desks(kafka.kafka) as (desk,):  # its start is its end
            assert (await desk.case(one.case_no)) is None

    run(story())


def test_a_compacted_topic_gives_the_same_cases(kafka: Stage) -> None:
    """Superseded changes, aborted ones and gravestones go; the cases and what is done stay."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.kafka)
    eager = {
        "cleanup.policy": "compact", "min.compaction.lag.ms": "0", "segment.bytes": "1048576",
        "min.cleanable.dirty.ratio": "0.01", "max.message.bytes": str(4 << 20),
    }  # fmt: skip
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, CHANGES, configs=eager)])
    admin.close()
    rng = random.Random(1)

    async def story() -> None:
        async with desks(kafka.kafka, 2) as (desk, again):
            some = [report(f"{n} {rng.random()}") for n in range(10)]
            sent = await desk.act(*some)
            for _ in range(6):
                notes = [
                    action(rng.choice(some).case_no, "note", reason=rng.randbytes(900).hex())
                    for _ in range(400)
                ]
                sent += await desk.act(*notes)
            before, done = content(desk), desk.writer.partitions[NUMBER].done
            while len(await kafka._records(CHANGES, "read_committed")) > 1_900:
                await asyncio.sleep(0.3)
            part = await again.writer.partition(NUMBER)
            assert content(again) == before
            assert part.done == done == sent[-1].offset
            again._waiting = sent
            await again.work()
            assert content(again) == before

    run(story(), 90)


def test_records_of_other_writers_are_read_too(
    kafka: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            one = report(**ROUTED)
            await desk.act(one)
            held = content(desk)
            (case, _, _) = held[one.case_no]
        by_hand = Change(
            change_id="x", command_id="y", move="note", from_state=case.state, at=case.updated_at,
            actor=one.actor, command_offset=0, case=case.model_copy(update={"version": 2}),
        )  # fmt: skip
        producer = AIOKafkaProducer(bootstrap_servers=kafka.kafka)
        await producer.start()
        for value in (encode(by_hand), b"not a change"):
            await producer.send_and_wait(CHANGES, value, one.case_no.encode(), partition=NUMBER)
        await producer.stop()
        with caplog.at_level(logging.ERROR):
            async with desks(kafka.kafka) as (desk,):
                found = await desk.case(one.case_no)
                assert found is not None
                assert found.version == 2
        assert "is not a change" in caplog.text

    run(story())


def test_kafka_away_while_reading_back(kafka: Stage) -> None:
    async def story() -> None:
        one = report(**ROUTED)
        async with desks(kafka.kafka) as (desk,):
            await desk.act(one)
        kafka.broker.end(signal.SIGKILL)
        async with desks(kafka.kafka) as (desk,):
            loading = asyncio.ensure_future(desk.writer.partition(NUMBER))
            done, _ = await asyncio.wait({loading}, timeout=1)
            assert not done
            await asyncio.to_thread(kafka.restart_broker)
            assert (await loading).book.get(one.case_no)

    run(story())


def test_a_partition_taken_away_while_it_is_read_back(kafka: Stage) -> None:
    async def story() -> None:
        kafka.broker.end(signal.SIGKILL)
        async with desks(kafka.kafka) as (desk,):
            desk._waiting = [_record(report())]
            work = asyncio.ensure_future(desk.work())
            await asyncio.wait({work}, timeout=0.5)
            assert not work.done()
            desk.writer.forget({TP(COMMANDS, NUMBER), TP("alerts", 3)})
            event = await work  # given up at once: whoever has it now reads it again
            assert not event.acked  # what is acknowledged without its effect is lost
            assert desk.writer.partitions == {}
            assert desk.writer._loading == {}

    run(story())


def test_commands_of_a_topic_made_anew_are_not_taken_for_old_ones(
    kafka: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            first = [report(f"第{n}件") for n in range(5)]
            await desk.act(*first)
        admin = KafkaAdminClient(bootstrap_servers=kafka.kafka)
        await asyncio.to_thread(admin.delete_topics, [COMMANDS])
        admin.close()
        from connectors.kafka_address import KafkaAddress
        from connectors.kafka_topics import create_topics

        await asyncio.to_thread(create_topics, KafkaAddress(kafka.kafka))
        async with desks(kafka.kafka) as (desk,):
            fresh = report("新的一件")
            await desk.act(fresh, first[0])
            assert await desk.case(fresh.case_no)
            part = desk.writer.partitions[NUMBER]
            assert part.done == 0  # the repeat of the first one changed nothing
        async with desks(kafka.kafka) as (desk,):
            assert (await desk.writer.partition(NUMBER)).done == 0

    with caplog.at_level(logging.ERROR):
        run(story())
    assert "made anew" in caplog.text
    sound(kafka.changes())


def test_bad_commands_go_to_the_dead_letters_and_the_rest_is_done(kafka: Stage) -> None:
    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            one = report(**ROUTED)
            await desk.send(garbage=b"{not json")
            await desk.act(one)
            assert await desk.case(one.case_no)
            assert [r.topic for r in desk.told.records] == ["dead-letters"]

    run(story())


def test_cases_closed_long_ago_leave_memory_and_topic(kafka: Stage) -> None:
    async def story() -> None:
        old = datetime.now(UTC) - timedelta(days=40)
        async with desks(kafka.kafka) as (desk,):
            gone, stays, open_ = (report(f"{n}", old) for n in ("a", "b", "c"))
            ends = []
            for one, days in ((gone, 35), (stays, 20)):
                at = datetime.now(UTC) - timedelta(days=days)
                for move in ("register", "answer", "close"):
                    ends.append(action(one.case_no, move, reason="答复").model_copy(
                        update={"at": at}
                    ))  # fmt: skip
            await desk.act(gone, stays, open_, *ends)
            part = desk.writer.partitions[NUMBER]
            assert (len(part.book), part.book.open) == (3, 1)
            desk.timer._swept -= 10_000
            assert await desk.timer.sweep() == 1
            assert await desk.timer.sweep() == 0  # not so soon again
            before = content(desk)
        assert set(before) == {stays.case_no, open_.case_no}
        async with desks(kafka.kafka) as (desk,):
            part = await desk.writer.partition(NUMBER)
            assert content(desk) == before
            assert part.done == 8
            reopened = action(stays.case_no, "reopen", reason="没有解决")
            await desk.act(reopened)
            assert (await desk.case(stays.case_no)).state == "reopened"  # type: ignore[union-attr]
            assert microseconds(old) < part.book.wakes_at(part.book._rows[stays.case_no.encode()])

    run(story())
    tombs = [r for r in kafka.records(CHANGES) if r.value is None]
    assert len(tombs) == 1


def _record(command: Any) -> Any:
    return SimpleNamespace(
        offset=0, timestamp=0, key=b"v", value=command.model_dump_json().encode(), headers=[]
    )
