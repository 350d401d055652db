"""The broker that the contract tests talk to: the embedded one, or a real Apache Kafka.

Every test here takes `broker` and must hold for both. With GRIDWHISTLE_TEST_KAFKA=HOST:PORT they
run against that node; what only the embedded broker can show is marked `embedded_only`.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    # kafka-python loads its message formats by a function that Python 3.11 calls outdated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import KafkaAdminClient
    from kafka.admin import NewTopic

REAL = os.environ.get("GRIDWHISTLE_TEST_KAFKA", "")
PATIENCE = 30.0


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "embedded_only: needs the embedded broker's own process")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip = pytest.mark.skip(reason="needs the embedded broker's own process and directory")
    for item in items:
        if REAL and "embedded_only" in item.keywords:
            item.add_marker(skip)


class Handle:
    """An address, and, for the embedded broker, its process and directory."""

    def __init__(self, directory: Path | None, *options: str) -> None:
        self.directory, self.options = directory, options
        self.process: subprocess.Popen[str] | None = None
        self.port, self.address = 0, REAL
        if directory is not None:
            self.start()

    @property
    def embedded(self) -> bool:
        return self.directory is not None

    def start(self) -> None:
        """Starts the embedded broker, on the port it had before."""
        log = (self.directory.parent / f"{self.directory.name}.log").open("a")
        with log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "ops.broker",
                    "--dir",
                    str(self.directory),
                    "--port",
                    str(self.port),
                    "--housekeeping-seconds",
                    "0.3",
                    *self.options,
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        word, _, port = self.process.stdout.readline().partition(" ")
        assert word == "ready", self.log()
        self.port = int(port)
        self.address = f"127.0.0.1:{self.port}"

    def log(self) -> str:
        """What the embedded broker has written to standard error."""
        return (self.directory.parent / f"{self.directory.name}.log").read_text()

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.process.stdout.close()
        return code

    def stop(self) -> int:
        return self.end(signal.SIGTERM)

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def restart(self) -> None:
        if not self.embedded:
            pytest.skip("the tests do not restart the Kafka node they were given")
        self.stop()
        self.start()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handle]:
    """The broker all contract tests share."""
    if REAL:
        yield Handle(None)
        return
    handle = Handle(tmp_path_factory.mktemp("shared") / "broker")
    yield handle
    assert handle.stop() == 0
    assert "Traceback" not in handle.log()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Callable[..., Handle]]:
    """Makes an embedded broker of a test's own: own_broker(*options)."""
    made: list[Handle] = []

    def make(*options: str, name: str = "own") -> Handle:
        made.append(Handle(tmp_path / name, *options))
        return made[-1]

    yield make
    for handle in made:
        if handle.process.poll() is None:
            handle.kill()


@pytest.fixture(scope="session")
def admin(broker: Handle) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=broker.address)
    yield client
    client.close()


def create(address: str, name: str, partitions: int = 1, **config: Any) -> str:
    """Creates a topic; `retention_ms=5` sets retention.ms."""
    settings = {key.replace("_", "."): str(value) for key, value in config.items()}
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=address)) as client:
        client.create_topics([NewTopic(name, partitions, 1, topic_configs=settings)])
    return name


@pytest.fixture
def topic(broker: Handle) -> Callable[..., str]:
    """Creates a topic of a fresh name on the shared broker."""

    def make(partitions: int = 1, **config: Any) -> str:
        return create(broker.address, f"t-{uuid.uuid4().hex[:12]}", partitions, **config)

    return make


@pytest.fixture(scope="session")
def creates() -> Callable[..., str]:
    """create(address, name, partitions, **config) for brokers of a test's own."""
    return create


def until(true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Waits for a true value and returns it."""
    end = time.monotonic() + seconds
    while True:
        found = true()
        if found:
            return found
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(0.05)


@pytest.fixture(scope="session", name="until")
def until_fixture() -> Callable[..., Any]:
    return until


class Wire:
    """One connection that speaks the protocol with nothing of a client in between."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self.socket = socket.create_connection((host, int(port)), PATIENCE)
        self.socket.settimeout(PATIENCE)
        self.sent = 0

    def ask(self, request: Any, version: int) -> Any:
        """Sends a request object of kafka.protocol; the decoded response."""
        self.send(request, version)
        return self.receive(request, version)

    def send(self, request: Any, version: int) -> None:
        self.sent += 1
        request.API_VERSION = version
        request.with_header(correlation_id=self.sent, client_id="wire")
        self.socket.sendall(bytes(request.encode(version=version, header=True, framed=True)))

    def receive(self, request: Any, version: int) -> Any:
        size = int.from_bytes(self._exactly(4), "big")
        module = sys.modules[type(request).__module__]
        answer = getattr(module, type(request).__name__.removesuffix("Request") + "Response")
        return answer.decode(self._exactly(size), version=version, header=True)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError("the broker closed the connection")
            data += more
        return data

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def wire() -> Iterator[Callable[[str], Wire]]:
    made: list[Wire] = []

    def make(address: str) -> Wire:
        made.append(Wire(address))
        return made[-1]

    yield make
    for each in made:
        each.close()
