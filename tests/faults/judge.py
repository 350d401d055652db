"""The judges: what the ledger, the aggregates and the commands must say after any fault."""

from __future__ import annotations

import json

from clickhouse_connect.driver.client import Client
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from connectors.kafka_address import KafkaAddress

COMMANDS = "case-commands"
PROJECTIONS = """
SELECT table, name, query FROM system.projections
WHERE database = currentDatabase() AND type = 'Aggregate'
"""
REPORTING = """
SELECT DISTINCT event_id FROM events WHERE disposition IN ('case', 'triage', 'clear')
"""


def check_aggregates(client: Client) -> int:
    """Every aggregate the tables keep equals recomputation from the rows; how many there are."""
    found = client.query(PROJECTIONS).result_rows
    assert found, "the tables keep aggregates"
    for table, name, query in found:
        whole = query.replace(" GROUP BY ", f" FROM {table} GROUP BY ", 1) + " ORDER BY ALL"
        kept = client.query(
            f"{whole} SETTINGS optimize_use_projections = 1, "
            f"force_optimize_projection_name = '{name}'"
        )
        again = client.query(f"{whole} SETTINGS optimize_use_projections = 0")
        assert kept.result_rows == again.result_rows, f"{table}.{name} differs from its rows"
    return len(found)


def check_commands(client: Client, kafka: KafkaAddress) -> int:
    """Every event that opens a case has its command in Kafka, once or more; how many do."""
    opened = {row[0] for row in client.query(REPORTING).result_rows}
    missing = opened - _commanded(kafka)
    assert not missing, f"{len(missing)} of {len(opened)} reports have no command"
    return len(opened)


def _commanded(kafka: KafkaAddress) -> set[str]:
    consumer = Consumer({
        "bootstrap.servers": kafka.bootstrap, "group.id": "judge", "enable.auto.commit": False,
        "enable.partition.eof": True,
    })  # fmt: skip
    try:
        topic = consumer.list_topics(COMMANDS, timeout=30).topics[COMMANDS]
        consumer.assign([TopicPartition(COMMANDS, n, OFFSET_BEGINNING) for n in topic.partitions])
        found: set[str] = set()
        unread = set(topic.partitions)
        while unread:
            (message,) = consumer.consume(1, 30) or [None]
            assert message is not None, f"{COMMANDS} {unread} cannot be read"
            if message.error() is None:
                report = json.loads(message.value()).get("report") or {}
                found.add(report.get("event_id", ""))
            elif message.error().code() == KafkaError._PARTITION_EOF:
                unread.discard(message.partition())
            else:
                raise AssertionError(str(message.error()))
        return found
    finally:
        consumer.close()
