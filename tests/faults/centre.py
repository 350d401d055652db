"""A centre of real processes for fault tests: broker, store behind a proxy, workers, a producer,
and the ledger as the judge."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Producer

from connectors.clickhouse import ClickHouseAddress, connect
from connectors.kafka_address import KafkaAddress
from connectors.kafka_topics import create_topics, describe_topics
from ops.ledger import LedgerRow, explain, ledger, positions
from ops.migrate import migrate
from schemas.topics import RAW_TOPICS
from tests.faults.broker_relay import BrokerRelay
from tests.faults.brokers import Broker
from tests.faults.judge import check_aggregates, check_commands
from tests.faults.process import ROOT, Nursery, Process, Worker, kept_port, until
from tests.faults.store_proxy import StoreProxy, straight

PASSWORD = "p-faults"
PATIENCE = 90.0


class Centre:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.broker_port, self.store_port = kept_port(), kept_port()
        self._broker = Broker(folder / "broker", self.logs, self.broker_port)
        self.nursery = Nursery(self.logs)  # loads while broker and store start
        self.broker = self._broker.start()
        passwords = folder / "passwords"
        passwords.write_text(f"default={PASSWORD}\nwriter={PASSWORD}\n")
        passwords.chmod(0o600)
        self.store = self._store()
        self._broker.answers(self.broker)
        self.store.ready()
        self.kafka = KafkaAddress(f"127.0.0.1:{self.broker_port}")
        self.direct = ClickHouseAddress(
            f"http://127.0.0.1:{self.store_port}", "default", PASSWORD, "gridwhistle"
        )
        self.client = connect(self.direct)
        migrate(self.client, ROOT / "sql" / "migrations")
        create_topics(self.kafka)
        self.proxy = StoreProxy(self.direct.url)
        self.relay = BrokerRelay(self.broker_port)
        self.workers: list[Worker] = []
        self.produced: Counter[tuple[str, int]] = Counter()
        self.proved: list[str] = []
        self.mutant = ""  # what workers become, see mutants.py
        self._number = 0
        self._start_records()

    # processes

    def start_broker(self) -> None:
        self.broker = self._broker.start()
        self._broker.answers(self.broker)

    def start_store(self) -> None:
        self.store = self._store()
        self.store.ready()

    def _store(self) -> Process:
        return Process(
            "store", self.logs, sys.executable, "-m", "ops.store",
            "--dir", str(self.folder / "store"), "--port", str(self.store_port),
            "--password-file", str(self.folder / "passwords"),
        )  # fmt: skip

    def worker(
        self, stage: str = "intake", point: str = "", *, direct: bool = False, relayed: bool = False
    ) -> Worker:  # fmt: skip
        """Start a worker; ``point`` is where it kills itself (``suicide.py``). It reaches the store
        through the proxy unless ``direct``, the broker through the relay if ``relayed``."""
        self._number += 1
        env = self._env(direct=direct)
        env["GRIDWHISTLE_DATA_DIR"] = str(self.folder / f"worker-{self._number}")
        if self.mutant and stage == "intake":
            env["GRIDWHISTLE_FAULT_MUTANT"] = self.mutant
        if relayed:
            env["GRIDWHISTLE_FAULT_RELAY"] = f"{self.broker_port}:{self.relay.port}"
        name = f"{stage}-{self._number}"
        found = Worker(name, self.logs, self.nursery, [point or "never", stage], env)
        self.workers.append(found)
        return found

    def _env(self, *, direct: bool) -> dict[str, str]:
        return {
            "GRIDWHISTLE_KAFKA": self.kafka.bootstrap,
            "GRIDWHISTLE_CLICKHOUSE": self.direct.url if direct else self.proxy.url,
            "GRIDWHISTLE_CLICKHOUSE_USER": "writer",
            "GRIDWHISTLE_CLICKHOUSE_PASSWORD": PASSWORD,
        }

    def _start_records(self) -> None:
        self.records = self.worker("records", direct=True)
        self.workers.remove(self.records)
        self.records.ready()

    def restart_records(self) -> None:
        self.records.end(signal.SIGKILL)
        self._start_records()

    def restore(self) -> None:
        """Store and broker are reached as ever."""
        self.proxy.rule = straight
        self.relay.lose("")

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.tell(signal.SIGCONT)
            worker.end(signal.SIGKILL)
        self.workers.clear()
        self.restore()

    def command(self, *words: str) -> str:
        """What ``gridwhistle WORDS`` says, typed by an operator of this centre."""
        done = subprocess.run(
            [sys.executable, "-m", "ops.cli", *words, "--data-dir", str(self.folder / "operator")],
            cwd=ROOT, env=os.environ | self._env(direct=True), capture_output=True, text=True,
            timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        self.stop_workers()
        self.records.end(signal.SIGKILL)
        self.proxy.stop()
        self.relay.stop()
        self.nursery.stop()
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
            value = (make or mostly_quiet)(n)
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
        until(condition, seconds, why or str(condition), 0.15)  # asking costs broker and store

    def rows(self, table: str = "events") -> int:
        return int(self.client.query(f"SELECT count() FROM {table}").result_rows[0][0])

    def feed(self, worker: Worker, count: int, times: int) -> None:
        """Produce ``times`` × ``count``, each once the rows before have landed or the worker has
        ended."""
        for _ in range(times):
            want = self.rows() + count // 2
            self.produce(count)
            self.wait(lambda want=want: self.rows() >= want or not worker.running, why="rows")
            if not worker.running:
                return

    @contextmanager
    def load(self, rate: int) -> Iterator[None]:
        """``rate`` records a second, by the clock: what came late is made up for."""
        over, began, sent = threading.Event(), time.monotonic(), 0
        failed: list[BaseException] = []

        def send() -> None:
            nonlocal sent
            try:
                while not over.wait(0.5):
                    due = int((time.monotonic() - began) * rate) - sent
                    self.produce(due)
                    sent += due
            except BaseException as exc:  # raised where it is seen
                failed.append(exc)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        assert not failed, failed

    def adopt(self) -> int:
        """Count what others have produced to raw topics as well; how many records that is."""
        before = sum(self.produced.values())
        for state in describe_topics(self.kafka, RAW_TOPICS).values():
            for number, end in enumerate(state.ends):
                self.produced[state.name, number] = end
        return sum(self.produced.values()) - before

    def committed(self) -> int:
        """Records of raw topics that intake has committed."""
        return sum(positions(self.kafka).committed.values())

    def drained(self) -> bool:
        at = positions(self.kafka)
        return all(at.committed[place] == at.ends[place] for place in at.committed)

    def judge(self, title: str, seconds: float = PATIENCE) -> list[LedgerRow]:
        """Wait until all is read. Then every record must be in one place, every aggregate agree
        with the rows, and every report that opens a case have its command."""
        self.wait(self.drained, seconds, f"{title}: offsets are not committed to the end")
        rows = [row for row in ledger(self.client, self.kafka) if row.committed]
        faults = [(row, explain(self.client, row)) for row in rows if not row.sound]
        assert not faults, faults
        committed = {(r.topic, r.partition): r.committed for r in rows}
        assert committed == {k: v for k, v in self.produced.items() if v}
        aggregates = check_aggregates(self.client)
        commands = check_commands(self.client, self.kafka)
        sums = {
            name: sum(getattr(row, name) for row in rows)
            for name in ("committed", "rows", "dead_letters", "filtered", "missing", "doubled")
        }
        self.proved.append(
            f"{title}: " + " ".join(f"{name} {count}" for name, count in sums.items())
            + f"; {aggregates} aggregates equal their rows, {commands} reports have their command"
        )  # fmt: skip
        return rows


def _devices() -> list[str]:
    lines = (ROOT / "schemas/profiles/qinglan/devices.tsv").read_text("utf-8").splitlines()[1:]
    return [line.split("\t")[0] for line in lines if "\tfire_iot\t" in line]


DEVICES = _devices()


def mostly_quiet(n: int) -> bytes:
    """Readings, and an alarm now and then, so that commands are at stake as well."""
    return fire(n, part="system", status=2) if n % 200 < 4 else fire(n)


def fire(n: int, source_id: str = "", part: str = "analog", **more: object) -> bytes:
    """A fire device's report; quiet unless ``part`` and ``status`` say otherwise."""
    body = {
        "channel": "fire_iot", "id": source_id or f"f{n}", "source": "faults",
        "device_id": DEVICES[n % len(DEVICES)], "part": part, "analog_type": 3, "value": 21.5,
        "simulated": True, **more,
    }  # fmt: skip
    return json.dumps(body).encode()
