"""Partitions that intake has stopped because too many of their records were bad."""

from __future__ import annotations

import time
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from connectors.clickhouse import classify_error
from connectors.kafka_address import KafkaAddress
from connectors.sqlfiles import read_sql


class StoppedPartition(NamedTuple):
    """It stands at ``offset``: ``bad`` of its last ``seen`` records could not be taken."""

    topic: str
    partition: int
    offset: int
    bad: int
    seen: int
    reason: str  # the most common one
    at_ms: int


def stopped(client: Client) -> list[StoppedPartition]:
    """Partitions that stand now, newest first. StoreUnavailable, StoreRejected."""
    try:
        rows = client.query(read_sql("ledger/stopped.sql")).result_rows
    except Exception as error:
        raise classify_error(error) from error
    return [StoppedPartition(*row) for row in rows]


def let_through(client: Client, kafka: KafkaAddress, topic: str, partition: int) -> int:
    """Let a partition go on within seconds: what is bad in it up to its present end goes to the
    dead letters. Returns that end. KafkaUnavailable, StoreUnavailable, StoreRejected."""
    from connectors.kafka_topics import describe_topics

    end = describe_topics(kafka, [topic])[topic].ends[partition]
    given = {
        "topic": topic, "partition": partition, "until": end - 1, "at_ms": int(time.time() * 1000),
    }  # fmt: skip
    try:
        client.command(read_sql("ledger/pass_partition.sql"), given)
    except Exception as error:
        raise classify_error(error) from error
    return end
