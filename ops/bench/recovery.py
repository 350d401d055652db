"""How long a worker needs to have all open cases back, and what they weigh.

Ours and a stock Faust table read the same cases from the same broker, turn by turn. Stock Faust
reads a share of them, because a million would take minutes; its figure is time a key.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from connectors.kafka_address import KafkaAddress
from ops.bench.caseload import (
    PARTITIONS,
    broker,
    cases,
    fill,
    measured,
    peak,
    resident,
    rules,
    settle,
    stalls,
)
from ops.bench.result import Result, machine

TABLE = "bench-stock"
CASES, STOCK, RUNS = 1_000_000, 40_000, 3
QUICK_CASES, QUICK_STOCK, QUICK_RUNS = 40_000, 8_000, 1


def run(quick: bool) -> Result:
    """Rows and ratios of the benchmark. Needs about 2 GB of disk for a while."""
    count, keys, runs = (QUICK_CASES, QUICK_STOCK, QUICK_RUNS) if quick else (CASES, STOCK, RUNS)
    ours: list[dict[str, Any]] = []
    stock: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, broker(Path(folder) / "broker") as address:
        made = rules()
        size = asyncio.run(fill(address, count, made))
        asyncio.run(_fill_table(address, keys, made))
        for _ in range(runs):
            ours.append(measured(__name__, "ours", address.bootstrap))
            stock.append(measured(__name__, "stock", address.bootstrap, folder))
    found = Result("recovery", machine())
    mine = [run["seconds"] / run["cases"] * 1e6 for run in ours]
    theirs = [run["seconds"] / run["keys"] * 1e6 for run in stock]
    held = [run["resident"] / run["cases"] for run in ours]
    stall = [run["stall_ms"] for run in ours]
    seconds = found.add("gridwhistle", "s a million cases", mine, f"{count} read")
    slow = found.add("stock Faust table", "s a million keys", theirs, f"{keys} read, scaled")
    memory = found.add("gridwhistle", "bytes of memory a case", held)
    found.add("gridwhistle, peak", "bytes a case", [r["peak"] / r["cases"] for r in ours])
    found.add("stock Faust table", "bytes a key", [r["resident"] / r["keys"] for r in stock])
    found.add("gridwhistle, longest stall of the event loop", "ms", stall)
    found.add("a change in Kafka, uncompressed", "bytes", [size / count])
    found.ratio("recovery_vs_stock", slow, seconds)
    found.ratio("seconds_per_million", seconds, 1)
    found.ratio("bytes_per_case", memory, 1)
    found.ratio("longest_stall_ms", median(stall), 1)
    return found


async def _ours(address: KafkaAddress) -> dict[str, Any]:
    from streams.core.alarm_tables import AlarmTables
    from streams.offsets import Offsets
    from streams.partition import recovered

    tables = AlarmTables(rules().profile)
    settle()
    offsets = Offsets(address)
    await offsets.consumer()
    before = resident()
    async with stalls() as longest:
        started = time.perf_counter()
        parts = await asyncio.gather(
            *(recovered(address, offsets, n, tables) for n in range(PARTITIONS))
        )
        seconds = time.perf_counter() - started
    found = {
        "seconds": seconds, "cases": sum(len(part.book) for part in parts),
        "resident": resident() - before, "peak": peak() - before, "stall_ms": longest[0],
    }  # fmt: skip
    for part in parts:
        await part.changes.close()
    await offsets.stop()
    return found


async def _fill_table(address: KafkaAddress, keys: int, made: Any) -> None:
    """The same cases as a Faust table's changelog holds them."""
    from aiokafka import AIOKafkaProducer

    from connectors.kafka_topics import create_topics
    from schemas.topics import BY_NAME

    changelog = BY_NAME["case-changes"]._replace(name=f"{TABLE}-cases-changelog")
    source = BY_NAME["case-commands"]._replace(name="bench-source")
    await asyncio.to_thread(create_topics, address, topics=(changelog, source))
    producer = AIOKafkaProducer(bootstrap_servers=address.bootstrap, max_batch_size=512 << 10)
    await producer.start()
    for number in range(PARTITIONS):
        for entry in cases(keys // PARTITIONS, number, made):
            await producer.send(
                changelog.name, entry.body, orjson.dumps(entry.key.decode()), partition=number
            )
    await producer.stop()


def _stock(bootstrap: str, folder: str) -> None:
    """A stock Faust worker with one table; says how long its recovery took, and ends."""
    import faust

    app = faust.App(
        TABLE, broker=f"kafka://{bootstrap}", store="memory://", web_enabled=False,
        datadir=str(Path(folder) / f"stock-{os.getpid()}"), topic_partitions=PARTITIONS,
        topic_allow_declare=False, topic_disable_leader=True, stream_wait_empty=False,
    )  # fmt: skip
    table: Any = app.Table("cases", partitions=PARTITIONS)
    source = app.topic("bench-source", value_serializer="raw")
    before = resident()
    assigned: list[float] = []

    @app.on_partitions_assigned.connect
    async def begun(*_: Any, **__: Any) -> None:
        assigned.append(time.perf_counter())

    @app.agent(source)
    async def keep(stream: Any) -> None:
        async for event in stream:
            table[event] = event

    @table.on_recover
    async def recovered() -> None:
        found = {
            "seconds": time.perf_counter() - assigned[0], "keys": len(table),
            "resident": resident() - before,
        }  # fmt: skip
        os.write(1, b"\n" + orjson.dumps(found) + b"\n")  # Faust has print for itself
        os._exit(0)

    sys.argv = ["bench", "worker", "-l", "error", "--without-web"]
    app.main()


def main() -> None:
    what, bootstrap, *rest = sys.argv[1:]
    if what == "ours":
        print(orjson.dumps(asyncio.run(_ours(KafkaAddress(bootstrap)))).decode())
    else:
        _stock(bootstrap, *rest)


if __name__ == "__main__":
    main()
