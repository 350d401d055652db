"""A site to measure on: broker, store, topics, and workers that are told to start and to stop."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from connectors.clickhouse import ClickHouseAddress, connect
from connectors.kafka_address import KafkaAddress
from connectors.kafka_topics import create_topics
from connectors.sqlfiles import sql_folder
from ops.migrate import migrate
from schemas.profile_files import load_profile
from schemas.topics import BY_NAME
from streams.learned import learned

PASSWORD = "bench"  # noqa: S105 - of a store that lives as long as the benchmark, on loopback
START_SECONDS = 90.0


class DidNotStart(RuntimeError):
    """A process that ended before it was ready."""


class Process:
    def __init__(self, *command: str, env: dict[str, str] | None = None, log: Path) -> None:
        self.log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [*command], stdout=subprocess.PIPE, stderr=errors, text=True,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | (env or {}),
            )  # fmt: skip
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def said(self, word: str, seconds: float = START_SECONDS) -> str:
        """What follows ``word`` at the start of a line. DidNotStart."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(0.1, end - time.monotonic()))
            except queue.Empty:
                line = ""
            if line.startswith(word):
                return line[len(word) :].strip()
            if not line:
                last = self.log.read_text(errors="replace").strip().splitlines()[-1:]
                raise DidNotStart(" ".join(last)[:300] or f"ended with {self.process.poll()}")

    def peak_mb(self) -> float:
        """Largest resident memory so far."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
            return int(status.split("VmHWM:")[1].split()[0]) / 1024
        except (OSError, IndexError):
            return 0.0

    def cpu_seconds(self) -> float:
        """Processor time so far, of all its threads."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        user, system = stat.rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Site:
    """Embedded broker (or the Kafka of GRIDWHISTLE_BENCH_KAFKA) and embedded store."""

    def __init__(self, profile: str = "qinglan") -> None:
        self.profile = profile
        self._folder = tempfile.TemporaryDirectory(prefix="gridwhistle-bench-")
        self.folder = Path(self._folder.name)
        self._number = 0
        self._running: list[Process] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start(self) -> None:
        given = os.environ.get("GRIDWHISTLE_BENCH_KAFKA", "")
        self.broker = f"Kafka at {given}" if given else "embedded broker"
        if not given:
            broker = self.start("-m", "ops.broker", "--dir", str(self.folder / "broker"),
                                "--port", "0")  # fmt: skip
            given = f"127.0.0.1:{broker.said('ready ')}"
        self.kafka = KafkaAddress(given)
        passwords = self.folder / "passwords"
        passwords.write_text(f"default={PASSWORD}\nwriter={PASSWORD}\n", encoding="ascii")
        passwords.chmod(0o600)
        self.engine = self.start(
            "-m", "ops.store", "--dir", str(self.folder / "store"), "--port", "0",
            "--password-file", str(passwords),
        )  # fmt: skip
        self.store = ClickHouseAddress(
            f"http://127.0.0.1:{self.engine.said('ready ')}", "default", PASSWORD, "gridwhistle"
        )
        migrate(connect(self.store), sql_folder("migrations"))
        learned(load_profile(self.profile))  # once a machine; no worker is to pay for it here
        create_topics(self.kafka)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        for process in reversed(self._running):
            process.stop(signal.SIGKILL)
        self._folder.cleanup()

    def start(self, *command: str, python: str = sys.executable, **env: str) -> Process:
        self._number += 1
        settings = {} if not hasattr(self, "store") else {
            "GRIDWHISTLE_KAFKA": self.kafka.bootstrap, "GRIDWHISTLE_CLICKHOUSE": self.store.url,
            "GRIDWHISTLE_CLICKHOUSE_USER": "writer", "GRIDWHISTLE_CLICKHOUSE_PASSWORD": PASSWORD,
            "GRIDWHISTLE_PROFILE": self.profile,
            "GRIDWHISTLE_DATA_DIR": str(self.folder / f"w{self._number}"),
        }  # fmt: skip
        process = Process(
            python, *command, env=settings | env, log=self.folder / f"{self._number}.log"
        )
        self._running.append(process)
        return process

    def worker(self, stage: str, **env: str) -> Process:
        return self.start("-m", "streams.worker", stage, **env)

    def fill(self, topic: str, records: Iterable[bytes]) -> int:
        """Put records into the partitions of a topic in turn; how many."""
        from confluent_kafka import Producer

        partitions = BY_NAME[topic].partitions
        producer = Producer({
            "bootstrap.servers": self.kafka.bootstrap, "linger.ms": 20,
            "batch.size": 262_144, "queue.buffering.max.messages": 1_000_000,
        })  # fmt: skip
        count = 0
        for value in records:
            while True:
                try:
                    producer.produce(topic, value, partition=count % partitions)
                    break
                except BufferError:
                    producer.poll(0.1)
            count += 1
            if count % 5000 == 0:
                producer.poll(0)
        if producer.flush(120):
            raise RuntimeError("the broker did not take all records")
        return count

    def rows(self) -> int:
        return int(connect(self.store).query("SELECT count() FROM events").result_rows[0][0])

    def forget_rows(self) -> None:
        """Empty the tables of intake: what they hold would not be written again."""
        for table in ("events", "filtered", "writers"):
            connect(self.store).command(f"TRUNCATE TABLE {table}")

    def ask(self, sql: str) -> list[Any]:
        return list(connect(self.store).query(sql).result_rows)
