"""How many lights a second one worker shows when a holiday ends and everything falls due at once.

Three figures: deciding alone (found due, decided by the rules, written out as a change, taken into
the book), the whole way until Kafka has committed them, and a stock Faust agent that turns a table
entry for each light. All in one run, turn by turn, on one broker of our own.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import orjson

from connectors.kafka_address import KafkaAddress
from ops.bench.caseload import PARTITIONS, broker, cases, fill, measured, rules, settle, stalls
from ops.bench.result import Result, machine

TABLE = "bench-lights"
CASES, STOCK, RUNS = 60_000, 6_000, 3
QUICK_CASES, QUICK_STOCK, QUICK_RUNS = 24_000, 3_000, 1
#: the templates' cases came in until 2026-11-20: long ago by then, whatever the limits
DUE_BY = datetime(2027, 6, 1, tzinfo=UTC)
COMMANDS = "case-commands"


def run(quick: bool) -> Result:
    """Lights a second, ours and stock, and the longest stall of the event loop."""
    count, keys, runs = (QUICK_CASES, QUICK_STOCK, QUICK_RUNS) if quick else (CASES, STOCK, RUNS)
    found = Result("lights", machine())
    decided: list[dict[str, Any]] = []
    written: list[dict[str, Any]] = []
    stock: list[dict[str, Any]] = []
    for _ in range(runs):
        decided.append(measured(__name__, "decide", str(count)))
        # a fresh broker each time: a case shows each light once
        with tempfile.TemporaryDirectory() as folder, broker(Path(folder) / "broker") as address:
            asyncio.run(fill(address, count, rules()))
            written.append(measured(__name__, "write", address.bootstrap))
            asyncio.run(_fill_source(address, keys))
            stock.append(measured(__name__, "stock", address.bootstrap, folder))
    alone = found.add("gridwhistle, decided and encoded", "lights/s", _speeds(decided))
    found.add("gridwhistle, several lights a case", "lights/s", [r["steps"][0] for r in decided])
    found.add("gridwhistle, one light a case", "lights/s", [r["steps"][1] for r in decided])
    through = found.add("gridwhistle, committed by Kafka", "lights/s", _speeds(written))
    table = found.add("stock Faust table and agent", "lights/s", _speeds(stock))
    stalled = [run["stall_ms"] for run in (*decided, *written)]
    found.add("gridwhistle, longest stall of the event loop", "ms", stalled)
    found.ratio("lights_per_second", alone, 1)
    found.ratio("lights_committed_per_second", through, 1)
    found.ratio("lights_vs_stock", through, table)
    found.ratio("longest_stall_ms", median(stalled), 1)
    return found


def _speeds(runs: list[dict[str, Any]]) -> list[float]:
    return [run["lights"] / run["seconds"] for run in runs]


class _NoKafka:
    """A change log that takes everything at once: what is left is deciding."""

    lights = 0

    async def append(self, entries: Any, alarms: Any = ()) -> None:
        self.lights += len(entries)


def _timer(writer: Any, now: datetime) -> Any:
    from streams.deadlines import Timer

    ahead = (now - datetime.now(UTC)).total_seconds()
    return Timer(writer, lambda: time.time() + ahead)


async def _decide(count: int) -> dict[str, Any]:
    """Everything but Kafka, in two steps: after days without a light each case shows several, half
    a year later one more."""
    from streams.cases import Writer
    from streams.core.alarm_tables import AlarmTables
    from streams.partition import Partition

    made = rules()
    tables = AlarmTables(made.profile)
    parts = {
        n: Partition(n, _NoKafka(), tables)  # type: ignore[arg-type]
        for n in range(PARTITIONS)
    }
    for number, part in parts.items():
        for entry in cases(count // PARTITIONS, number, made):
            part.take([entry])
    writer: Any = SimpleNamespace(partitions=parts)
    writer.write = lambda part, entries: Writer.write(writer, part, entries)
    writer.offsets = SimpleNamespace(ends=lambda _topic, numbers: _zeros(numbers))
    settle()
    seconds, lights = 0.0, 0
    steps: list[float] = []
    async with stalls() as longest:
        await asyncio.sleep(0.01)
        for now in (DUE_BY - timedelta(days=185), DUE_BY):
            timer = _timer(writer, now)
            started, before = time.perf_counter(), lights
            while shown := await timer.look():
                lights += shown
            took = time.perf_counter() - started
            seconds += took
            steps.append((lights - before) / took)
    return {"lights": lights, "seconds": seconds, "stall_ms": longest[0], "steps": steps}


async def _zeros(numbers: Any) -> dict[int, int]:
    return dict.fromkeys(numbers, 0)


async def _write(address: KafkaAddress) -> dict[str, Any]:
    """The whole way, from recovered cases to committed changes."""
    from schemas.settings import Settings
    from streams.cases import Writer

    writer = Writer(Settings(kafka=address.bootstrap), rules(), None)  # type: ignore[arg-type]
    await asyncio.gather(*(writer.partition(number) for number in range(PARTITIONS)))
    timer, lights = _timer(writer, DUE_BY), 0
    settle()
    async with stalls() as longest:
        started = time.perf_counter()
        while shown := await timer.look():
            lights += shown
        seconds = time.perf_counter() - started
    await writer.close()
    return {"lights": lights, "seconds": seconds, "stall_ms": longest[0]}


async def _fill_source(address: KafkaAddress, keys: int) -> None:
    """A case for each light a stock agent is to show, and the topics its table needs."""
    from aiokafka import AIOKafkaProducer

    from connectors.kafka_topics import create_topics
    from schemas.topics import BY_NAME

    changelog = BY_NAME["case-changes"]._replace(name=f"{TABLE}-cases-changelog")
    source = BY_NAME[COMMANDS]._replace(name="bench-due")
    await asyncio.to_thread(create_topics, address, topics=(changelog, source))
    producer = AIOKafkaProducer(bootstrap_servers=address.bootstrap, max_batch_size=512 << 10)
    await producer.start()
    made = rules()
    for number in range(PARTITIONS):
        for entry in cases(keys // PARTITIONS, number, made):
            await producer.send("bench-due", entry.body, entry.key, partition=number)
    await producer.stop()


def _stock(bootstrap: str, folder: str) -> None:
    """A stock Faust worker: an entry of its table is changed for each light, and logged."""
    import faust

    app = faust.App(
        TABLE, broker=f"kafka://{bootstrap}", store="memory://", web_enabled=False,
        datadir=str(Path(folder) / f"stock-{os.getpid()}"), topic_partitions=PARTITIONS,
        topic_allow_declare=False, topic_disable_leader=True, stream_wait_empty=False,
        consumer_auto_offset_reset="earliest",
    )  # fmt: skip
    table: Any = app.Table("cases", partitions=PARTITIONS)
    source = app.topic("bench-due", value_type=bytes, value_serializer="raw", key_serializer="raw")
    quick_or_not = QUICK_STOCK, STOCK
    seen: list[float] = []

    @app.agent(source)
    async def light(stream: Any) -> None:
        async for body in stream:
            change = orjson.loads(body)
            case = change["case"]
            case["version"] += 1
            case["light"] = "yellow"
            table[case["case_no"]] = change
            seen.append(time.perf_counter())

    @app.task
    async def report(_app: Any) -> None:
        while not seen or time.perf_counter() - seen[-1] < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        assert len(seen) in quick_or_not, len(seen)
        found = {"lights": len(seen), "seconds": seen[-1] - seen[0]}
        os.write(1, b"\n" + orjson.dumps(found) + b"\n")  # Faust has print for itself
        os._exit(0)

    sys.argv = ["bench", "worker", "-l", "error", "--without-web"]
    app.main()


def main() -> None:
    what, *words = sys.argv[1:]
    if what == "decide":
        print(orjson.dumps(asyncio.run(_decide(int(words[0])))).decode())
    elif what == "write":
        print(orjson.dumps(asyncio.run(_write(KafkaAddress(words[0])))).decode())
    else:
        _stock(words[0], words[1])


if __name__ == "__main__":
    main()
