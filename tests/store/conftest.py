"""A store in a process of its own, and the addresses the contract tests run against."""

from __future__ import annotations

import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import pytest
import urllib3
from clickhouse_connect.driver.client import Client

from connectors.clickhouse import ClickHouseAddress, connect
from ops.migrate import apply_roles

ROOT = Path(__file__).parents[2]
PASSWORDS = {"default": "p-default", "writer": "p-writer", "wall": "p-wall", "reports": "p-reports"}
REAL = "GRIDWHISTLE_TEST_CLICKHOUSE"
START_SECONDS = 30


class StoreProcess:
    """`python -m ops.store` on a free port."""

    def __init__(self, data: Path, *options: str, wait: bool = True) -> None:
        self.data = data
        passwords = data.parent / "passwords"
        passwords.write_text("".join(f"{user}={p}\n" for user, p in PASSWORDS.items()))
        passwords.chmod(0o600)
        command = [sys.executable, "-m", "ops.store", "--dir", str(data)]
        if "--port" not in options:
            command += ["--port", "0"]
        if "--password-file" not in options:
            command += ["--password-file", str(passwords)]
        self.process = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = self._ready() if wait else 0

    def _ready(self) -> int:
        lines: queue.Queue[str] = queue.Queue()
        assert self.process.stdout is not None
        stdout = self.process.stdout
        threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
        words = lines.get(timeout=START_SECONDS).split()
        assert words[:1] == ["ready"], self.finish()
        return int(words[1])

    def address(self, user: str = "default") -> ClickHouseAddress:
        return ClickHouseAddress(
            f"http://127.0.0.1:{self.port}", user, PASSWORDS[user], "gridwhistle"
        )

    def kill(self) -> None:
        self.process.kill()
        self.finish()

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.finish()
        return self.process.returncode

    def finish(self) -> str:
        """Wait for the end and return what it wrote to standard error."""
        _, errors = self.process.communicate(timeout=START_SECONDS)
        return str(errors)

    def peak_memory(self) -> int:
        """Bytes, the largest since the last `forget_peak`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) << 10

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


@dataclass
class Target:
    """A store under test; `process` only for the embedded one."""

    admin: ClickHouseAddress
    writer: ClickHouseAddress
    wall: ClickHouseAddress
    process: StoreProcess | None = None


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    store = StoreProcess(tmp_path_factory.mktemp("store") / "data", "--max-body", "64")
    client = connect(store.address())
    client.command("CREATE DATABASE IF NOT EXISTS gridwhistle", use_database=False)
    yield store
    store.terminate()


def real_target() -> Target:
    parts = urlsplit(os.environ[REAL])
    admin = ClickHouseAddress(
        f"{parts.scheme}://{parts.hostname}:{parts.port}",
        parts.username or "default",
        parts.password or "",
        "gridwhistle",
    )
    client = connect(admin)
    client.command("CREATE DATABASE IF NOT EXISTS gridwhistle", use_database=False)
    chosen = {f"{user}_password": PASSWORDS[user] for user in ("writer", "wall", "reports")}
    apply_roles(client, ROOT / "sql" / "roles" / "production.sql", chosen)
    users = {u: replace(admin, user=u, password=PASSWORDS[u]) for u in ("writer", "wall")}
    return Target(admin, users["writer"], users["wall"])


@pytest.fixture(scope="session", params=["embedded", "clickhouse"])
def target(request: pytest.FixtureRequest) -> Target:
    if request.param == "clickhouse":
        if not os.environ.get(REAL):
            pytest.skip(f"set {REAL}=http://user:password@host:port to run against a real server")
        return real_target()
    store: StoreProcess = request.getfixturevalue("embedded")
    return Target(store.address(), store.address("writer"), store.address("wall"), store)


COLUMNS = {
    "id": "UUID",
    "n": "UInt64",
    "at": "DateTime64(3, 'UTC')",
    "class": "LowCardinality(String)",
    "words": "Array(String)",
    "value": "Nullable(Float64)",
    "text": "String",
}
NUMBERS = itertools.count()


class Http:
    """Plain HTTP to a store, as curl would."""

    def __init__(self, address: ClickHouseAddress) -> None:
        self.address = address
        self.pool = urllib3.PoolManager(retries=False)

    def ask(
        self,
        sql: str | bytes = b"",
        method: str = "POST",
        headers: dict[str, str] | None = None,
        stream: bool = False,
        path: str = "/",
        user: str | None = None,
        key: str | None = None,
        **arguments: str,
    ) -> urllib3.BaseHTTPResponse:
        chosen = {
            "X-ClickHouse-User": self.address.user if user is None else user,
            "X-ClickHouse-Key": self.address.password if key is None else key,
        }
        return self.pool.request(
            method,
            f"{self.address.url}{path}?{urlencode(arguments)}",
            body=sql if method == "POST" else None,
            headers={**chosen, **(headers or {})},
            preload_content=not stream,
            decode_content=False,
            timeout=30,
        )


def code(response: urllib3.BaseHTTPResponse) -> int:
    """The ClickHouse code of a refusal; header, body and status must agree that it is one."""
    found = int(response.headers["X-ClickHouse-Exception-Code"])
    assert response.data.startswith(f"Code: {found}. DB::Exception: ".encode())
    assert response.status >= 400
    return found


@pytest.fixture
def client(target) -> Client:
    return connect(target.admin)


@pytest.fixture
def http(target) -> Http:
    return Http(target.admin)


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    name = f"contract_{next(NUMBERS)}_{uuid4().hex[:8]}"
    columns = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    client.command(
        f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY n "
        "SETTINGS non_replicated_deduplication_window = 1000"
    )
    yield name
    client.command(f"DROP TABLE {name}")


def wait_until(condition, seconds: float = 10) -> bool:
    """Poll; for what happens in another process and cannot be awaited."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if condition():
            return True
        pause.wait(0.05)
    return False
