"""A centre of real processes for fault tests: broker, store behind a proxy, workers, a producer,
and the ledger as the judge."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Producer

from connectors.clickhouse import ClickHouseAddress, connect
from connectors.kafka_address import KafkaAddress
from connectors.kafka_topics import create_topics
from ops.ledger import LedgerRow, explain, ledger, positions
from ops.migrate import migrate
from tests.faults.store_proxy import StoreProxy, straight

ROOT = Path(__file__).parents[2]
PASSWORD = "p-faults"
START = 60.0
PATIENCE = 90.0


class Process:
    """A process of ours. ``port`` is what follows its ready word, when it says one."""

    def __init__(self, name: str, logs: Path, *command: str, env: dict[str, str] | None = None):
        self.name, self.said = name, logs / f"{name}.log"
        self._log = self.said.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=self._log,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | (env or {}),
        )  # fmt: skip
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self._log, self.process.stdout as said:
            for line in said:
                self._log.write(line)
                self._log.flush()
                self._lines.put(line.decode())

    def ready(self) -> str:
        end = time.monotonic() + START
        while True:
            try:
                line = self._lines.get(timeout=max(0.1, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"{self.name} is not ready: {self.log()[-2000:]}") from None
            if line.startswith("ready "):
                return line.split()[1]

    def log(self) -> str:
        return self.said.read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def tell(self, number: int) -> None:
        if self.running:
            self.process.send_signal(number)

    def end(self, number: int = signal.SIGTERM, seconds: float = 20) -> int:
        self.tell(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


class Centre:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.broker_port = self.store_port = 0
        self.start_broker()
        passwords = folder / "passwords"
        passwords.write_text(f"default={PASSWORD}\nwriter={PASSWORD}\n")
        passwords.chmod(0o600)
        self.start_store()
        self.kafka = KafkaAddress(f"127.0.0.1:{self.broker_port}")
        self.direct = ClickHouseAddress(
            f"http://127.0.0.1:{self.store_port}", "default", PASSWORD, "gridwhistle"
        )
        self.client = connect(self.direct)
        migrate(self.client, ROOT / "sql" / "migrations")
        create_topics(self.kafka)
        self.proxy = StoreProxy(self.direct.url)
        self.workers: list[Process] = []
        self.produced: Counter[tuple[str, int]] = Counter()
        self._number = 0
        self._start_records()

    # processes

    def start_broker(self) -> None:
        self.broker = Process(
            "broker", self.logs, "-m", "ops.broker", "--dir", str(self.folder / "broker"),
            "--port", str(self.broker_port), "--housekeeping-seconds", "0.5",
        )  # fmt: skip
        self.broker_port = int(self.broker.ready())

    def start_store(self) -> None:
        self.store = Process(
            "store", self.logs, "-m", "ops.store", "--dir", str(self.folder / "store"),
            "--port", str(self.store_port), "--password-file", str(self.folder / "passwords"),
        )  # fmt: skip
        self.store_port = int(self.store.ready())

    def worker(self, stage: str = "intake", point: str = "", direct: bool = False) -> Process:
        """Start a worker; ``point`` is where it kills itself (``suicide.py``)."""
        command = ["-m", "tests.faults.suicide", point or "never"]
        self._number += 1
        env = {
            "GRIDWHISTLE_KAFKA": f"127.0.0.1:{self.broker_port}",
            "GRIDWHISTLE_CLICKHOUSE": self.direct.url if direct else self.proxy.url,
            "GRIDWHISTLE_CLICKHOUSE_USER": "writer",
            "GRIDWHISTLE_CLICKHOUSE_PASSWORD": PASSWORD,
            "GRIDWHISTLE_DATA_DIR": str(self.folder / f"worker-{self._number}"),
        }
        found = Process(f"{stage}-{self._number}", self.logs, *command, stage, env=env)
        self.workers.append(found)
        return found

    def _start_records(self) -> None:
        self.records = self.worker("records", direct=True)
        self.workers.remove(self.records)
        self.records.ready()

    def restart_records(self) -> None:
        self.records.end(signal.SIGKILL)
        self._start_records()

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.tell(signal.SIGCONT)
            worker.tell(signal.SIGKILL)
            worker.process.wait()
        self.workers.clear()
        self.proxy.rule = straight

    def stop(self) -> None:
        self.stop_workers()
        self.records.end(signal.SIGKILL)
        self.proxy.stop()
        self.store.end(signal.SIGKILL)
        self.broker.end(signal.SIGKILL)

    # feeding

    def produce(
        self, count: int, topic: str = "raw.fire", *, make: Callable[[int], bytes] | None = None,
        partition: int | None = None,
    ) -> None:  # fmt: skip
        """Send ``count`` records, spread over the four partitions unless one is given."""
        producer = Producer({
            "bootstrap.servers": self.kafka.bootstrap, "linger.ms": 5, "acks": "all",
            "queue.buffering.max.messages": 2_000_000, "message.max.bytes": 8_000_000,
        })  # fmt: skip
        failed: list[object] = []
        start = sum(self.produced.values())
        for n in range(start, start + count):
            place = n % 4 if partition is None else partition
            value = make(n) if make is not None else fire(n)
            producer.produce(
                topic, value, partition=place,
                callback=lambda error, _: failed.append(error) if error else None,
            )  # fmt: skip
            self.produced[topic, place] += 1
            if n % 1000 == 0:
                producer.poll(0)
        assert producer.flush(60) == 0
        assert not failed, failed[:3]

    # judging

    def wait(self, condition: Callable[[], bool], seconds: float = PATIENCE, why: str = "") -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds} s: {why or condition}"
            time.sleep(0.1)

    def rows(self, table: str = "events") -> int:
        return int(self.client.query(f"SELECT count() FROM {table}").result_rows[0][0])

    def inserted(self, more: int, since: dict[str, int]) -> bool:
        return self.proxy.inserts.get("events", 0) - since.get("events", 0) >= more

    def feed(self, worker: Process, count: int, times: int) -> None:
        """Produce ``times`` × ``count``, each once the rows before have landed or the worker has
        ended."""
        for _ in range(times):
            want = self.rows() + count // 2
            self.produce(count)
            self.wait(lambda want=want: self.rows() >= want or not worker.running, why="rows")
            if not worker.running:
                return

    def drained(self) -> bool:
        at = positions(self.kafka)
        return all(at.committed[place] == at.ends[place] for place in at.committed)

    def judge(self, title: str, seconds: float = PATIENCE) -> list[LedgerRow]:
        """Wait until all is read; then the ledger must balance and projections must agree."""
        self.wait(self.drained, seconds, f"{title}: offsets are not committed to the end")
        rows = [row for row in ledger(self.client, self.kafka) if row.committed]
        faults = [(row, explain(self.client, row)) for row in rows if not row.sound]
        assert not faults, faults
        committed = {(r.topic, r.partition): r.committed for r in rows}
        assert committed == {k: v for k, v in self.produced.items() if v}
        by_projection = self._by_hour("optimize_use_projections = 1, force_optimize_projection = 1")
        assert by_projection == self._by_hour("optimize_use_projections = 0")
        figures = {
            name: sum(getattr(row, name) for row in rows)
            for name in ("committed", "rows", "dead_letters", "filtered", "missing", "doubled")
        }
        print(f"\n  {title}: {figures}", end=" ")
        return rows

    def _by_hour(self, settings: str) -> list[tuple[object, ...]]:
        return list(self.client.query(
            "SELECT intDiv(ingest_ms, 3600000) AS hour, channel, disposition, count() FROM events "
            f"GROUP BY hour, channel, disposition ORDER BY ALL SETTINGS {settings}"
        ).result_rows)  # fmt: skip


def _devices() -> list[str]:
    lines = (ROOT / "schemas/profiles/qinglan/devices.tsv").read_text("utf-8").splitlines()[1:]
    return [line.split("\t")[0] for line in lines if "\tfire_iot\t" in line]


DEVICES = _devices()


def fire(n: int, source_id: str = "", part: str = "analog", **more: object) -> bytes:
    """A fire device's report; quiet unless ``part`` and ``status`` say otherwise."""
    body = {
        "channel": "fire_iot", "id": source_id or f"f{n}", "source": "faults",
        "device_id": DEVICES[n % len(DEVICES)], "part": part, "analog_type": 3, "value": 21.5,
        "simulated": True, **more,
    }  # fmt: skip
    return json.dumps(body).encode()
