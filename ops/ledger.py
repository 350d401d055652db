"""The ledger: every record that was read is in exactly one table, exactly once.

    offsets consumed = rows of events + dead letters + filtered rows      (each with part 0)

for every partition of every raw topic, up to what the intake has committed. A record that packs
several events has parts 1, 2 … as well; they may be in different tables, never twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client

from connectors.clickhouse import classify_error
from connectors.kafka_address import KafkaAddress
from connectors.sqlfiles import read_sql
from schemas.topics import DAY_MS, RAW_TOPICS

INTAKE_GROUP, RECORDS_GROUP = "gridwhistle-intake", "gridwhistle-records"
DEAD_LETTERS = "dead-letters"
KEPT_DAYS = 350  # a little less than the shortest keeping time of the three tables (1 year)

Places = dict[tuple[str, int], int]


class LedgerRow(NamedTuple):
    """One partition. ``difference`` = (committed - start_offset) - (rows + dead letters +
    filtered); ``missing`` records that are nowhere, ``doubled`` rows that are there too often.
    Offsets begin at 0; ``start_offset`` is higher only where the tables have let go of old ones.
    """

    topic: str
    partition: int
    start_offset: int
    committed: int
    rows: int
    dead_letters: int
    filtered: int
    difference: int
    missing: int
    doubled: int
    behind: int = 0  # records in Kafka that are not committed yet; no fault

    @property
    def sound(self) -> bool:
        return not (self.difference or self.missing or self.doubled)


class Explanation(NamedTuple):
    """The first faults of a partition."""

    missing: tuple[tuple[int, int], ...]  # runs of offsets, first and last
    doubled: tuple[tuple[int, int, int, tuple[str, ...]], ...]  # offset, part, times, tables


class Positions(NamedTuple):
    committed: Places  # of the intake
    ends: Places  # of the raw topics and of dead-letters


def ledger(
    client: Client, kafka: KafkaAddress, *, patience: float = 15.0,
    sleep: Callable[[float], None] = time.sleep,
) -> list[LedgerRow]:  # fmt: skip
    """Count now. Waits up to ``patience`` seconds for dead letters still on their way from Kafka
    to the store. KafkaUnavailable, StoreUnavailable, StoreRejected.
    """
    now = positions(kafka)
    rows = count(client, now.committed, now.ends)
    began = time.monotonic()
    while not all(row.sound for row in rows) and time.monotonic() - began < patience:
        if not letters_pending(kafka, now):
            # Everything had arrived before this count, so this count is the answer.
            return count(client, now.committed, now.ends)
        sleep(0.5)
        rows = count(client, now.committed, now.ends)
    return rows


def count(
    client: Client, committed: Mapping[tuple[str, int], int],
    ends: Mapping[tuple[str, int], int] | None = None, now_ms: int | None = None,
) -> list[LedgerRow]:  # fmt: skip
    """Compare the tables with committed offsets by (topic, partition)."""
    now_ms = int(time.time() * 1000) if now_ms is None else now_ms
    cutoff = now_ms - KEPT_DAYS * DAY_MS
    starts = {
        (topic, partition): min(first, committed.get((topic, partition), 0))
        for topic, partition, first in _ask(client, "expired", {"cutoff_ms": cutoff})
    }
    places = sorted(committed)
    found = {
        (topic, partition): figures
        for topic, partition, *figures in _ask(
            client, "counts",
            {
                "topics": [topic for topic, _ in places],
                "partitions": [partition for _, partition in places],
                "lows": [starts.get(place, 0) for place in places],
                "highs": [committed[place] for place in places],
            },
        )
    }  # fmt: skip
    out = []
    for place in places:
        rows, letters, filtered, records, doubled = found.get(place, (0, 0, 0, 0, 0))
        start, high = starts.get(place, 0), committed[place]
        consumed = high - start
        out.append(LedgerRow(
            *place, start, high, rows, letters, filtered,
            consumed - (rows + letters + filtered), consumed - records, doubled,
            max(0, (ends or {}).get(place, high) - high),
        ))  # fmt: skip
    return out


def explain(client: Client, row: LedgerRow, most: int = 5) -> Explanation:
    """The first runs of missing offsets and the first doubled records of a partition."""
    asked = {
        "topic": row.topic, "partition": row.partition, "low": row.start_offset,
        "high": row.committed, "most": most,
    }  # fmt: skip
    missing = _ask(client, "missing", asked) if row.missing else []
    doubled = _ask(client, "doubled", asked) if row.doubled else []
    return Explanation(
        tuple((first, last) for first, last in missing),
        tuple((offset, part, times, tuple(tables)) for offset, part, times, tables in doubled),
    )


def positions(kafka: KafkaAddress) -> Positions:
    """Committed offsets of the intake (0 where it has none) and ends of the raw topics, taken in
    this order so that an end is never below a commit. KafkaUnavailable."""
    from connectors.kafka_topics import admin, describe_topics

    with admin(kafka) as client:
        groups = client.list_group_offsets({INTAKE_GROUP: None})
    known = {(tp.topic, tp.partition): max(0, at.offset) for tp, at in groups[INTAKE_GROUP].items()}
    states = describe_topics(kafka, [*RAW_TOPICS, DEAD_LETTERS])
    ends = {
        (state.name, partition): end
        for state in states.values()
        for partition, end in enumerate(state.ends)
    }
    committed = {place: known.get(place, 0) for place in ends if place[0] != DEAD_LETTERS}
    return Positions(committed, ends)


def letters_pending(kafka: KafkaAddress, then: Positions) -> bool:
    """Whether dead letters written before ``then`` may still be missing from the store."""
    from connectors.kafka_topics import admin

    with admin(kafka) as client:
        groups = client.list_group_offsets({RECORDS_GROUP: None})
    copied = {(tp.topic, tp.partition): at.offset for tp, at in groups[RECORDS_GROUP].items()}
    return any(
        copied.get(place, 0) < end for place, end in then.ends.items() if place[0] == DEAD_LETTERS
    )


def _ask(client: Client, name: str, parameters: Mapping[str, object]) -> Sequence[Sequence[Any]]:
    try:
        rows: Sequence[Sequence[Any]] = client.query(
            read_sql(f"ledger/{name}.sql"), parameters=dict(parameters)
        ).result_rows
    except Exception as error:
        raise classify_error(error) from error
    return rows
