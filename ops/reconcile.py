"""The reconciler: the ledger counted again and again, as metrics and as an alarm in the log.

Runs beside the wall. ``gridwhistle_ledger_sound`` 0 for longer than two rounds is worth waking
somebody: records are missing from the tables or doubled in them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable

from connectors.clickhouse import ClickHouseAddress, StoreError, connect
from connectors.kafka_address import KafkaAddress, KafkaUnavailable
from connectors.metrics import metric
from ops.ledger import LedgerRow, explain, ledger

log = logging.getLogger(__name__)

EVERY = 60.0  # seconds


async def reconcile(
    store: ClickHouseAddress, kafka: KafkaAddress, every: float = EVERY,
    heard: Callable[[list[LedgerRow]], None] | None = None,
) -> None:  # fmt: skip
    """Count for ever. While Kafka or the store is away the last figures stand, and
    ``gridwhistle_ledger_counted_at`` says how old they are. ``heard`` gets every count."""
    while True:
        try:
            rows = await asyncio.to_thread(_count, store, kafka)
        except (StoreError, KafkaUnavailable) as problem:
            log.warning("ledger not counted: %s", problem)
        else:
            if heard is not None:
                heard(rows)
        await asyncio.sleep(every)


def _count(store: ClickHouseAddress, kafka: KafkaAddress) -> list[LedgerRow]:
    client = connect(store)
    try:
        rows = ledger(client, kafka)
        publish(rows)
        for row in rows:
            if not row.sound:
                found = explain(client, row)
                log.error(
                    "ledger: %s[%d] %d records missing %s, %d rows doubled %s",
                    row.topic, row.partition, row.missing, found.missing, row.doubled,
                    [(offset, part) for offset, part, *_ in found.doubled],
                )  # fmt: skip
        return rows
    finally:
        client.close()


def publish(rows: list[LedgerRow]) -> None:
    """Figures of one count as metrics."""
    missing, doubled = Counter[str](), Counter[str]()
    for row in rows:
        missing[row.topic] += row.missing
        doubled[row.topic] += row.doubled
    for topic in missing:
        metric("gridwhistle_ledger_missing").labels(topic).set(missing[topic])
        metric("gridwhistle_ledger_doubled").labels(topic).set(doubled[topic])
    metric("gridwhistle_ledger_sound").set(all(row.sound for row in rows))
    metric("gridwhistle_ledger_counted_at").set(time.time())
