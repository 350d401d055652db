"""A broker of our own full of open cases, for the benchmarks of recovery and of lights."""

from __future__ import annotations

import asyncio
import gc
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from connectors.kafka_address import KafkaAddress
from connectors.kafka_topics import create_topics
from ops.simulator.texts import examples
from schemas.case import Actor, Change, Command, Report
from schemas.ids import case_number, change_id, command_id
from schemas.profile import Profile
from schemas.profile_files import load_profile
from schemas.topics import BY_NAME
from streams.book import encode
from streams.brief import brief
from streams.changelog import ChangeLog, Entry
from streams.core.cases import apply
from streams.core.rules import Rules
from streams.core.workdays import load_workdays
from streams.offsets import CHANGES, Offsets

PARTITIONS = BY_NAME[CHANGES].partitions
TEMPLATES = 300  # cases opened by the rules; the others differ in number, place, words and times


@contextmanager
def broker(folder: Path) -> Iterator[KafkaAddress]:
    """The embedded broker in a process of its own, with our topics."""
    child = subprocess.Popen(
        [sys.executable, "-m", "ops.broker", "--dir", str(folder), "--port", "0"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        word, _, port = child.stdout.readline().partition(" ")
        if word != "ready":
            raise RuntimeError("the broker did not start")
        address = KafkaAddress(f"127.0.0.1:{int(port)}")
        create_topics(address)
        yield address
    finally:
        child.terminate()
        child.wait(20)
        child.stdout.close()


def rules() -> Rules:
    profile = load_profile("qinglan")
    return Rules(profile, load_workdays(profile))


def cases(count: int, partition: int, made: Rules, seed: int = 7) -> Iterator[Entry]:
    """First changes of ``count`` open cases, as the writer writes them, one after the other."""
    rng = random.Random(seed * 1000 + partition)
    texts = [one.text for rows in examples().values() for one in rows]
    templates = [_template(made, rng, texts) for _ in range(TEMPLATES)]
    villages = _villages(made.profile, partition)
    for number in range(count):
        change = orjson.loads(rng.choice(templates))
        case = change["case"]
        village = rng.choice(villages)
        at = datetime.fromisoformat(case["opened_at"]) + timedelta(seconds=rng.randrange(86_400))
        event = f"{rng.getrandbits(128):032x}"
        no = case_number(event, village, at)
        text = f"{rng.choice(texts)},{rng.choice(texts)},第{rng.randrange(10**6)}号"
        change["change_id"] = change_id(no, 1)
        change["command_id"] = command_id(event, "report")
        change["event_id"] = event
        change["command_offset"] = number
        case |= {
            "case_no": no, "village": village, "grid": village + case["grid"][12:], "text": text,
            "title": text[:30], "event_ids": [event], "commands": [change["command_id"]],
            "reporter": f"{rng.getrandbits(64):016x}",
        }  # fmt: skip
        model = Change.model_validate_json(orjson.dumps(change))
        yield Entry(no.encode(), encode(model), brief(model))


def _template(made: Rules, rng: random.Random, texts: list[str]) -> bytes:
    profile = made.profile
    at = datetime(2026, 11, 20, 0, 0, tzinfo=UTC) - timedelta(seconds=rng.randrange(864_000))
    unit = rng.choice(list(profile.units))
    code = rng.choice(list(profile.taxonomy))
    village = rng.choice(_villages(profile, 0))
    event = f"{rng.getrandbits(128):032x}"
    one = Report(
        event_id=event, channel=rng.choice(["hotline_12345", "grid_app", "fire_iot"]),
        occurred_at=at, ingested_at=at, title="", text=rng.choice(texts), class_code=code,
        confidence=0.95, grade=profile.taxonomy[code].grade, grid=village + "001",
        lon=round(120 + rng.random(), 6), lat=round(30 + rng.random(), 6), unit=unit,
        unit_level=made.level_of(unit), route="default", reporter="x" * 16,
    )  # fmt: skip
    command = Command(
        command_id=command_id(event, "report"), case_no=case_number(event, village, at),
        move="report", at=at, actor=Actor(role="system", id="intake"), report=one,
    )  # fmt: skip
    change = apply(None, command, made, at, 0)
    assert isinstance(change, Change)
    return encode(change)


def _villages(profile: Profile, partition: int) -> list[str]:
    every = sorted(code for code, area in profile.areas.items() if area.level == "village")
    return every[partition::PARTITIONS]


async def fill(address: KafkaAddress, count: int, made: Rules) -> int:
    """Write ``count`` open cases, evenly over the partitions. Returns the bytes of the changes."""
    offsets, size = Offsets(address), 0
    try:
        for number in range(PARTITIONS):
            log = ChangeLog(address, offsets, number)
            await log.open()
            some: list[Entry] = []
            for entry in cases(count // PARTITIONS, number, made):
                some.append(entry)
                size += len(entry.body or b"")
                if len(some) == 5_000:
                    await log.append(some)
                    some = []
            await log.append(some)
            await log.close()
    finally:
        await offsets.stop()
    return size


@asynccontextmanager
async def stalls() -> AsyncIterator[list[float]]:
    """Longest pause of the event loop in milliseconds, as the only element of the list."""
    longest = [0.0]

    async def watch() -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest[0] = max(longest[0], (now - before - 0.001) * 1000)
            before = now

    task = asyncio.create_task(watch())
    try:
        yield longest
    finally:
        task.cancel()


def settle() -> None:
    """The collector of unused objects as the worker sets it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def resident() -> int:
    """Bytes of memory this process holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmRSS")


def peak() -> int:
    """Most bytes of memory this process has held."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM")


def measured(module: str, *words: str, seconds: float = 900) -> dict[str, Any]:
    """Run ``python -m module words`` in a fresh process; what its last line says, as JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *words],
        capture_output=True, text=True, timeout=seconds,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{module} {words}: {done.stderr[-2000:]}")
    found: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return found
