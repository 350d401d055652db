"""An embedded store and an embedded broker, each in a process of its own."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from clickhouse_connect.driver.client import Client

from connectors.clickhouse import ClickHouseAddress, connect
from connectors.kafka_address import KafkaAddress
from connectors.kafka_topics import admin, create_topics
from ops.migrate import migrate
from schemas.topics import BY_NAME

ROOT = Path(__file__).parents[2]
START_SECONDS = 30
PASSWORD = "p-test"


class Process:
    """A process of ours that prints ``ready PORT``."""

    def __init__(self, *command: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        lines: queue.Queue[str] = queue.Queue()
        stdout = self._process.stdout
        assert stdout is not None
        threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
        try:
            words = lines.get(timeout=START_SECONDS).split()
        except queue.Empty:
            self.stop()
            raise
        assert words[:1] == ["ready"]
        self.port = int(words[1])

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=START_SECONDS)
        finally:
            self._process.kill()
            if self._process.stdout is not None:
                self._process.stdout.close()


@pytest.fixture(scope="session")
def store_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseAddress]:
    folder = tmp_path_factory.mktemp("ops-store")
    passwords = folder / "passwords"
    passwords.write_text(f"default={PASSWORD}\nwriter={PASSWORD}\n")
    passwords.chmod(0o600)
    process = Process(
        "ops.store", "--dir", str(folder / "data"), "--port", "0",
        "--password-file", str(passwords),
    )  # fmt: skip
    yield ClickHouseAddress(f"http://127.0.0.1:{process.port}", "default", PASSWORD)
    process.stop()


@pytest.fixture
def store(store_process: ClickHouseAddress) -> Iterator[Client]:
    """A client of a migrated database of its own."""
    name = f"ops_{uuid4().hex[:8]}"
    client = connect(
        ClickHouseAddress(store_process.url, store_process.user, store_process.password, name)
    )
    migrate(client, ROOT / "sql" / "migrations")
    yield client
    client.command(f"DROP DATABASE {name}", use_database=False)
    client.close()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaAddress]:
    process = Process(
        "ops.broker", "--dir", str(tmp_path_factory.mktemp("ops-broker")), "--port", "0"
    )
    yield KafkaAddress(f"127.0.0.1:{process.port}")
    process.stop()


@pytest.fixture
def fresh(broker: KafkaAddress) -> KafkaAddress:
    """The broker with every topic of ours there and empty."""
    with admin(broker) as client:
        present = [name for name in BY_NAME if name in set(client.list_topics())]
        if present:
            client.delete_topics(present)
    create_topics(broker)
    return broker
