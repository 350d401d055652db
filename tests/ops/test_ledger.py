"""The ledger against hand-made rows: sound, missing, doubled, packed, not committed yet."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from clickhouse_connect.driver.client import Client

from connectors.clickhouse import insert_columns
from connectors.kafka_address import KafkaAddress
from connectors.kafka_topics import admin
from ops.cli.ledger import _print_json, _print_table
from ops.ledger import (
    DEAD_LETTERS,
    INTAKE_GROUP,
    KEPT_DAYS,
    RECORDS_GROUP,
    LedgerRow,
    count,
    explain,
    ledger,
    letters_pending,
    positions,
)
from schemas.topics import BY_NAME, DAY_MS, RAW_TOPICS

NOW = 1_795_300_000_000
EVENTS = ("topic", "partition", "offset", "part", "event_id", "ingest_ms")
LETTERS = ("topic", "partition", "offset", "part", "reason", "at_ms")
FILTERED = ("topic", "partition", "offset", "part", "event_id", "reason", "ingest_ms")
GATE = ("raw.gate", 1)


def put(
    store: Client, table: str, offsets: Iterable[int | tuple[int, int]],
    place: tuple[str, int] = GATE, at_ms: int = NOW,
) -> None:  # fmt: skip
    """Rows of a table; an offset alone is part 0."""
    cuts = [o if isinstance(o, tuple) else (o, 0) for o in offsets]
    columns = {"events": EVENTS, "dead_letters": LETTERS, "filtered": FILTERED}[table]
    rows = [
        {
            "topic": place[0], "partition": place[1], "offset": offset, "part": part,
            "event_id": f"{offset}.{part}", "reason": "x", "ingest_ms": at_ms, "at_ms": at_ms,
        }
        for offset, part in cuts
    ]  # fmt: skip
    insert_columns(store, table, columns, [[row[c] for row in rows] for c in columns])


def only(store: Client, committed: int, now_ms: int = NOW) -> LedgerRow:
    (row,) = count(store, {GATE: committed}, now_ms=now_ms)
    return row


def test_every_record_in_one_table_is_sound(store: Client) -> None:
    put(store, "events", range(90))
    put(store, "dead_letters", range(90, 95))
    put(store, "filtered", range(95, 100))
    put(store, "events", range(7), place=("raw.fire", 0))
    gate, fire = sorted(count(store, {GATE: 100, ("raw.fire", 0): 7}), key=lambda r: -r.rows)
    assert gate == LedgerRow("raw.gate", 1, 0, 100, 90, 5, 5, 0, 0, 0, 0)
    assert (fire.topic, fire.committed, fire.rows, fire.difference) == ("raw.fire", 7, 7, 0)
    assert gate.sound
    assert fire.sound


def test_rows_beyond_the_commit_do_not_count(store: Client) -> None:
    put(store, "events", range(50))
    row = only(store, 40)
    assert (row.rows, row.difference, row.doubled) == (40, 0, 0)
    assert row.sound


def test_nothing_read_yet_is_sound(store: Client) -> None:
    assert only(store, 0) == LedgerRow("raw.gate", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def test_missing_records_are_counted_and_named(store: Client) -> None:
    put(store, "events", [*range(3, 10), *range(12, 20), 21])
    row = only(store, 25)
    assert row.difference == 25 - 16
    assert row.missing == 9
    assert not row.sound
    assert explain(store, row).missing == ((0, 2), (10, 11), (20, 20), (22, 24))
    assert explain(store, row, most=2).missing == ((0, 2), (10, 11))


def test_all_missing_is_one_run(store: Client) -> None:
    row = only(store, 4)
    assert (row.difference, row.missing) == (4, 4)
    assert explain(store, row).missing == ((0, 3),)


def test_doubled_rows_are_found_even_when_another_record_is_missing(store: Client) -> None:
    put(store, "events", [0, 1, 1, 2, 4])  # 1 twice, 3 nowhere: the sum is right
    row = only(store, 5)
    assert row.difference == 0
    assert (row.missing, row.doubled) == (1, 1)
    assert not row.sound
    found = explain(store, row)
    assert found.missing == ((3, 3),)
    assert found.doubled == ((1, 0, 2, ("events",)),)


def test_a_record_in_two_tables_is_doubled(store: Client) -> None:
    put(store, "events", [0, 1, 2])
    put(store, "filtered", [1])
    put(store, "dead_letters", [2])
    row = only(store, 3)
    assert (row.difference, row.missing, row.doubled) == (-2, 0, 2)
    assert explain(store, row).doubled == (
        (1, 0, 2, ("events", "filtered")),
        (2, 0, 2, ("dead_letters", "events")),
    )


def test_a_dead_letter_sent_twice_folds_away(store: Client) -> None:
    put(store, "dead_letters", [0, 1])
    put(store, "dead_letters", [0, 1], at_ms=NOW + 5)
    row = only(store, 2)
    assert (row.dead_letters, row.difference, row.doubled) == (2, 0, 0)


def test_parts_of_a_packed_record_count_once(store: Client) -> None:
    put(store, "events", [(0, 0), (0, 1), (0, 3)])
    put(store, "filtered", [(0, 2)])
    put(store, "dead_letters", [(1, 0)])
    put(store, "events", [(1, 1)])
    assert only(store, 2).sound


def test_a_part_held_twice_is_doubled(store: Client) -> None:
    put(store, "events", [(0, 0), (0, 1), (0, 2), (0, 1)])
    put(store, "filtered", [(0, 2)])
    row = only(store, 1)
    assert (row.difference, row.missing, row.doubled) == (0, 0, 2)
    assert [(d[0], d[1]) for d in explain(store, row).doubled] == [(0, 1), (0, 2)]


def test_a_lost_insert_of_a_whole_block_is_seen(store: Client) -> None:
    put(store, "events", [*range(20_000), *range(40_000, 60_000)])
    row = only(store, 60_000)
    assert (row.difference, row.missing) == (20_000, 20_000)
    assert explain(store, row).missing == ((20_000, 39_999),)


def test_what_the_tables_may_have_let_go_of_does_not_count(store: Client) -> None:
    old = NOW - (KEPT_DAYS + 1) * DAY_MS
    put(store, "events", range(5, 50), at_ms=old)  # 0–4 have expired
    put(store, "events", range(50, 80))
    row = only(store, 80)
    assert (row.start_offset, row.rows, row.difference, row.missing) == (50, 30, 0, 0)
    assert row.sound


def commit(kafka: KafkaAddress, group: str, places: dict[tuple[str, int], int]) -> None:
    from kafka import TopicPartition
    from kafka.structs import OffsetAndMetadata

    with admin(kafka) as client:
        client.alter_group_offsets(
            group, {TopicPartition(*p): OffsetAndMetadata(o, "", -1) for p, o in places.items()}
        )


def produce(kafka: KafkaAddress, topic: str, partition: int, count: int) -> None:
    import asyncio

    from aiokafka import AIOKafkaProducer

    async def send() -> None:
        async with AIOKafkaProducer(**kafka.client()) as producer:
            for number in range(count):
                await producer.send_and_wait(topic, b"%d" % number, partition=partition)

    asyncio.run(send())


def test_the_ledger_reads_kafka_and_store(
    fresh: KafkaAddress, store: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    produce(fresh, "raw.gate", 1, 10)
    produce(fresh, DEAD_LETTERS, 2, 2)
    commit(fresh, INTAKE_GROUP, {GATE: 8})
    put(store, "events", range(6))

    now = positions(fresh)
    assert set(now.committed) == {(t, p) for t in RAW_TOPICS for p in range(BY_NAME[t].partitions)}
    assert now.committed[GATE] == 8
    assert now.ends[GATE] == 10
    assert letters_pending(fresh, now)

    arrived = iter([False, True])

    def sleep(_: float) -> None:
        if next(arrived):  # the second time we look, the letters have been copied
            put(store, "dead_letters", [6, 7])
            commit(fresh, RECORDS_GROUP, {(DEAD_LETTERS, 2): 2})

    rows = ledger(store, fresh, sleep=sleep)
    assert next(arrived, None) is None
    gate = next(row for row in rows if (row.topic, row.partition) == GATE)
    assert gate == LedgerRow("raw.gate", 1, 0, 8, 6, 2, 0, 0, 0, 0, 2)
    assert all(row.sound for row in rows)
    assert not letters_pending(fresh, now)

    _print_table(rows, [])
    assert "账目相符" in capsys.readouterr().out


def test_an_unsound_ledger_says_which_offsets(
    store: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    put(store, "events", [0, 0, 2])
    row = only(store, 3)
    faults = [(row, explain(store, row))]
    _print_json([row], faults)
    body = json.loads(capsys.readouterr().out)
    assert body["sound"] is False
    assert body["totals"]["missing"] == body["totals"]["doubled"] == 1
    assert body["faults"][0]["missing"] == [[1, 1]]
    _print_table([row], faults)
    out = capsys.readouterr().out
    assert "账目不符" in out
    assert "raw.gate[1] 缺失 missing 1" in out
    assert "重复 doubled 0 第 0 部分,2 次:events" in out


def test_figures_are_never_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    huge = 123_456_789_012
    rows = [LedgerRow("raw.environment", 3, 0, huge, huge, 0, 0, 0, 0, 0, huge)]
    _print_table(rows, [])
    (line,) = [x for x in capsys.readouterr().out.splitlines() if "raw.environment" in x]
    assert line.split() == ["raw.environment", "3", *[str(huge)] * 2, *"00000", str(huge)]
