"""An embedded store of its own for reports and back-tests: fixtures that conftests take in."""

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
from ops.migrate import migrate

ROOT = Path(__file__).parents[2]
START_SECONDS = 30
PASSWORD = "p-test"


@pytest.fixture(scope="session")
def store_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseAddress]:
    folder = tmp_path_factory.mktemp("reports-store")
    passwords = folder / "passwords"
    passwords.write_text("".join(f"{u}={PASSWORD}\n" for u in ("default", "writer", "reports")))
    passwords.chmod(0o600)
    process = subprocess.Popen(
        [
            sys.executable, "-m", "ops.store", "--dir", str(folder / "data"), "--port", "0",
            "--password-file", str(passwords),
        ],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    lines: queue.Queue[str] = queue.Queue()
    stdout = process.stdout
    assert stdout is not None
    threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
    try:
        words = lines.get(timeout=START_SECONDS).split()
        assert words[:1] == ["ready"]
        yield ClickHouseAddress(f"http://127.0.0.1:{words[1]}", "default", PASSWORD)
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)
        stdout.close()


@pytest.fixture(scope="session")
def new_store(store_address: ClickHouseAddress):
    """Makes clients of migrated databases of their own."""
    made: list[tuple[Client, str]] = []

    def make() -> Client:
        name = f"reports_{uuid4().hex[:8]}"
        address = ClickHouseAddress(store_address.url, "default", PASSWORD, name)
        client = connect(address)
        migrate(client, ROOT / "sql" / "migrations")
        made.append((client, name))
        return client

    yield make
    for client, name in made:
        client.command(f"DROP DATABASE {name}", use_database=False)
        client.close()
