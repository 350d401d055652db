from __future__ import annotations

import asyncio

from clickhouse_connect.driver.client import Client
from prometheus_client import REGISTRY

from connectors.clickhouse import ClickHouseAddress
from connectors.kafka_address import KafkaAddress
from connectors.kafka_topics import create_topics
from ops.ledger import LedgerRow
from ops.reconcile import publish, reconcile
from schemas.topics import RAW_TOPICS


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def row(partition: int, missing: int, doubled: int) -> LedgerRow:
    return LedgerRow("raw.lift", partition, 0, 10, 10, 0, 0, 0, missing, doubled)


def test_faults_become_figures_and_go_away_again() -> None:
    publish([row(0, 3, 0), row(1, 2, 1)])
    assert value("gridwhistle_ledger_missing", topic="raw.lift") == 5
    assert value("gridwhistle_ledger_doubled", topic="raw.lift") == 1
    assert value("gridwhistle_ledger_sound") == 0
    publish([row(0, 0, 0), row(1, 0, 0)])
    assert value("gridwhistle_ledger_missing", topic="raw.lift") == 0
    assert value("gridwhistle_ledger_sound") == 1


def test_it_counts_again_and_again_and_outlives_an_outage(
    store: Client, store_process: ClickHouseAddress, broker: KafkaAddress
) -> None:
    create_topics(broker)
    here = ClickHouseAddress(
        store_process.url, store_process.user, store_process.password, str(store.database)
    )

    async def twice() -> list[LedgerRow]:
        counts: list[list[LedgerRow]] = []
        done = asyncio.Event()

        def heard(rows: list[LedgerRow]) -> None:
            counts.append(rows)
            if len(counts) == 2:
                done.set()

        nowhere = ClickHouseAddress("http://127.0.0.1:1", "u", "p")
        tasks = [
            asyncio.ensure_future(reconcile(nowhere, broker, 0.01)),
            asyncio.ensure_future(reconcile(here, broker, 0.01, heard)),
        ]
        await asyncio.wait_for(done.wait(), 60)
        assert not any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return counts[-1]

    assert {row.topic for row in asyncio.run(twice())} == set(RAW_TOPICS)
    assert value("gridwhistle_ledger_counted_at")
