"""The cases stage on a real broker: processes to start, freeze and kill, and what they left."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from connectors.kafka_address import KafkaAddress
from connectors.kafka_topics import create_topics
from schemas.case import Actor, Case, Change, Command, Report
from schemas.ids import case_number, command_id, village_of

ROOT = Path(__file__).parents[2]
PATIENCE = 40.0
VILLAGE = "990101001001"
OPERATOR = Actor(role="operator", id="desk-1", area="9901")
SYSTEM = Actor(role="system", id="intake")
COLUMNS = (
    "rule_id", "clock", "classes", "grades", "channels", "areas", "minutes", "calendar",
    "yellow_pct", "escalate_minutes", "note",
)  # fmt: skip


def quick_profile(folder: Path, yellow_pct: int = 90) -> Path:
    """The example city with a limit of one minute for everything, day and night."""
    made = folder / "quick"
    shutil.copytree(ROOT / "schemas/profiles/qinglan", made)
    table = (made / "deadlines.tsv").read_text(encoding="utf-8").splitlines()[1:]
    clocks = dict.fromkeys(line.split("\t")[1] for line in table)
    rows = [f"{c}\t{c}\t\t\t\t\t1\tnatural\t{yellow_pct}\t60\t" for c in clocks]
    (made / "deadlines.tsv").write_text(
        "\n".join(["\t".join(COLUMNS), *rows]) + "\n", encoding="utf-8"
    )
    return made


def report(text: str = "路灯不亮", at: datetime | None = None, **fields: Any) -> Command:
    """A report that waits at the duty desk: its one clock is ``accept``, a minute from ``at``."""
    at = at or datetime.now(UTC)
    event = str(uuid4())
    village = fields.pop("village", VILLAGE)
    one = Report(
        event_id=event, channel="hotline_12345", occurred_at=at, ingested_at=at, title=text,
        text=text, grid=village + "001", **fields,
    )  # fmt: skip
    return Command(
        command_id=command_id(event, "report"), case_no=case_number(event, village, at),
        move="report", at=at, actor=SYSTEM, report=one,
    )  # fmt: skip


def action(case_no: str, move: Any, key: str = "", **fields: Any) -> Command:
    return Command(
        command_id=command_id(key or uuid4().hex, move, case_no), case_no=case_no, move=move,
        at=datetime.now(UTC), actor=OPERATOR, **fields,
    )  # fmt: skip


def due_in(seconds: float) -> datetime:
    """When a report must have come in for its minute to be over in so many seconds."""
    return datetime.now(UTC) - timedelta(minutes=1) + timedelta(seconds=seconds)


class Process:
    def __init__(self, argv: list[str], env: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", *argv], stdout=subprocess.PIPE, stderr=out, text=True,
                env=env, cwd=ROOT,
            )  # fmt: skip

    def word(self) -> str:
        assert self._popen.stdout is not None
        return self._popen.stdout.readline()

    def send(self, number: int) -> None:
        self._popen.send_signal(number)

    def end(self, number: int = signal.SIGKILL) -> int:
        if self._popen.poll() is None:
            self._popen.send_signal(number)
            self._popen.send_signal(signal.SIGCONT)
        code = self._popen.wait(20)
        if self._popen.stdout is not None:
            self._popen.stdout.close()
        return code

    @property
    def ended(self) -> int | None:
        return self._popen.poll()


class Stage:
    """A broker with our topics, and workers of the stage ``cases``."""

    def __init__(self, folder: Path, profile: Path) -> None:
        self.folder, self.profile = folder, profile
        self.broker = self._broker(0)
        self.workers: list[Process] = []
        create_topics(KafkaAddress(self.kafka))

    def _broker(self, port: int) -> Process:
        made = Process(
            ["ops.broker", "--dir", str(self.folder / "broker"), "--port", str(port),
             "--housekeeping-seconds", "0.5"],
            dict(os.environ), self.folder / "broker.log",
        )  # fmt: skip
        ready, _, self._port = made.word().partition(" ")
        assert ready == "ready", made.log.read_text()
        return made

    @property
    def kafka(self) -> str:
        return f"127.0.0.1:{int(self._port)}"

    def restart_broker(self) -> None:
        self.broker.end(signal.SIGKILL)
        self.broker = self._broker(int(self._port))

    def worker(self, **env: str) -> Process:
        """Start a worker and wait until it has partitions."""
        number = len(self.workers)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("GRIDWHISTLE_")}
        made = Process(
            ["streams.worker", "cases"],
            clean | {
                "GRIDWHISTLE_KAFKA": self.kafka, "GRIDWHISTLE_PROFILE": str(self.profile),
                "GRIDWHISTLE_DATA_DIR": str(self.folder / f"worker-{number}"), **env,
            },
            self.folder / f"worker-{number}.log",
        )  # fmt: skip
        self.workers.append(made)
        assert made.word().startswith("ready"), made.log.read_text()
        return made

    def stop(self) -> None:
        for worker in self.workers:
            worker.end()
        self.broker.end()

    def send(self, commands: Iterable[Command]) -> None:
        asyncio.run(self._send(list(commands)))

    async def _send(self, commands: list[Command]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, enable_idempotence=True)
        await producer.start()
        try:
            for command in commands:
                await producer.send(
                    "case-commands", command.model_dump_json().encode(),
                    village_of(command.case_no).encode(),
                )  # fmt: skip
            await producer.flush()
        finally:
            await producer.stop()

    def records(self, topic: str, isolation: str = "read_committed") -> list[Any]:
        """All records of a topic, partition by partition in order."""
        return asyncio.run(self._records(topic, isolation))

    async def _records(self, topic: str, isolation: str) -> list[Any]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.kafka, isolation_level=isolation, fetch_max_wait_ms=20
        )
        await consumer.start()
        try:
            numbers = sorted(consumer.partitions_for_topic(topic) or range(4))
            tps = [TopicPartition(topic, n) for n in numbers]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            ends = await consumer.end_offsets(tps)
            found: dict[Any, list[Any]] = {tp: [] for tp in tps}
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                for tp, records in (await consumer.getmany(timeout_ms=100)).items():
                    found[tp] += records
            return [record for tp in tps for record in found[tp]]
        finally:
            await consumer.stop()

    def changes(self) -> list[Change]:
        return [
            Change.model_validate_json(r.value) for r in self.records("case-changes") if r.value
        ]

    def cases(self) -> dict[str, Case]:
        """Newest version of each case, as whoever replays the topic has it."""
        return {change.case.case_no: change.case for change in self.changes()}

    def until_changes(
        self, enough: Callable[[list[Change]], Any], what: str, seconds: float = PATIENCE
    ) -> list[Change]:
        found: list[Change] = []

        def there() -> bool:
            found[:] = self.changes()
            return bool(enough(found))

        try:
            until(there, what, seconds)
        except AssertionError as error:
            logs = "\n".join(w.log.read_text()[-3000:] for w in self.workers)
            moves = Counter((c.move, c.stage or c.reason) for c in found)
            raise AssertionError(f"{error}\n{moves}\n{logs}") from None
        return found


def sound(changes: list[Change]) -> None:
    """What must hold of a topic whatever happened: versions without gap, each light once."""
    versions: dict[str, int] = {}
    shown: set[tuple[Any, ...]] = set()
    commands: set[str] = set()
    for change in changes:
        case = change.case
        assert case.version == versions.get(case.case_no, 0) + 1, (case.case_no, case.version)
        versions[case.case_no] = case.version
        assert change.command_id not in commands, f"{change.move} done twice"
        commands.add(change.command_id)
        if change.move == "overdue":
            clock = next(d for d in case.deadlines if d.clock == change.clock)
            light = (case.case_no, clock.clock, clock.version, change.stage)
            assert light not in shown
            shown.add(light)
            planned = {"yellow": clock.yellow_at, "red": clock.due, "escalate": clock.escalate_at}
            when = planned[change.stage or "red"]
            assert when is not None
            assert change.at >= when, "a light came early"


def until(true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def outcomes(stage: Stage) -> list[dict[str, Any]]:
    return [json.loads(r.value) for r in stage.records("case-outcomes")]


def alerts(stage: Stage) -> list[dict[str, Any]]:
    return [json.loads(r.value) for r in stage.records("alerts")]
