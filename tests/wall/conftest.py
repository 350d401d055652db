"""A wall on fakes, a real store with a made-up city, and a wall on that store in a thread."""

from __future__ import annotations

import asyncio
import queue
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import uvicorn
from argon2 import PasswordHasher

from connectors.clickhouse import ClickHouseAddress, connect
from ops.migrate import migrate
from ops.wall import accounts
from ops.wall.__main__ import Server
from ops.wall.accounts import Secrets, checked
from ops.wall.clickhouse import ClickHouse
from ops.wall.outcomes import Outcomes
from ops.wall.server import Parts, build_app, live_hub
from ops.wall.store import StoreDown
from schemas.case import Command
from schemas.profile import Profile
from schemas.profile_files import load_profile
from tests.wall.fake_city import FakeCity, Happening, insert

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"
START_SECONDS = 30
CASE_NO = "20261122-990101001001-K7Q2MB"


@pytest.fixture(scope="session")
def profile() -> Profile:
    return load_profile("qinglan")


@pytest.fixture(scope="session", autouse=True)
def quick_hashes():
    """Passwords of tests need no 64 MB each."""
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(accounts, "_HASHER", quick)
        patch.setattr(accounts, "_NOBODY", quick.hash("nobody"))
        yield


class FakeStore:
    """Answers each statement with rows put there by its file's first comment line."""

    def __init__(self):
        self.answers: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.down = ""

    async def rows(self, sql, parameters):
        if self.down:
            raise StoreDown(self.down)
        self.asked.append((sql, dict(parameters)))
        for part, rows in self.answers.items():
            if part in sql:
                return rows
        return []


EMPTY_CITY = {
    "How fresh the store is": [
        {"newest_event_ms": 0, "newest_case_ms": 0, "recent": 0, "simulated": 0}
    ],
    "The headline figures": [
        {
            "received": 0,
            "signals": 0,
            "emergencies_hour": 0,
            "in_hand": 0,
            "yellow": 0,
            "red": 0,
            "overdue": 0,
            "closed_today": 0,
            "on_time": 0,
        }
    ],
    "Whether the store answers": [{"tables": 4}],
}


class Browser:
    """Asks the application without a network; keeps cookies as a browser does."""

    def __init__(self, app: Any) -> None:
        self.cookies = httpx.Cookies()
        self._app = app

    def get(self, path, **options):
        return self._ask("GET", path, **options)

    def post(self, path, **options):
        return self._ask("POST", path, **options)

    def delete(self, path, **options):
        return self._ask("DELETE", path, **options)

    def _ask(self, method, path, **options):
        async def ask():
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://wall", cookies=self.cookies
            ) as client:
                answer = await client.request(method, path, **options)
                self.cookies = httpx.Cookies(client.cookies)
                return answer

        return asyncio.run(ask())


class Bench:
    """The application on fakes. ``answer`` decides what the writer says to a command."""

    def __init__(self, profile: Profile, folder: Path) -> None:
        self.now = 1_795_300_000.0
        self.store, self.outcomes, self.live = FakeStore(), Outcomes(), live_hub()
        self.store.answers |= EMPTY_CITY
        self.sent: list[Command] = []
        self.answer = lambda command: None
        self.kafka = ""
        self.secrets = Secrets(folder / "secrets")
        self.app = build_app(
            Parts(
                profile=profile,
                store=self.store,
                secrets=self.secrets,
                send=self.send,
                kafka_missing=self.kafka_missing,
                outcomes=self.outcomes,
                live=self.live,
                clock=lambda: self.now,
                tick=0.02,
            )
        )
        self.http = Browser(self.app)

    async def kafka_missing(self):
        return self.kafka

    async def send(self, topic, key, value):
        command = Command.model_validate_json(value)
        assert (topic, key) == ("case-commands", command.case_no.split("-")[1].encode())
        self.sent.append(command)
        outcome = self.answer(command)
        if outcome is not None:
            self.outcomes.arrived(outcome)

    def account(self, id_="desk-01", role="operator", unit="", area=""):
        self.secrets.keep(checked(id_, role, unit, area, PASSWORD))

    def sign_in(self, id_="desk-01", password=PASSWORD):
        return self.http.post(
            "/api/v1/login",
            json={"account": id_, "password": password},
            headers={"X-Gridwhistle": "1"},
        )

    def act(self, body, case_no=CASE_NO, key="key-0001", **headers):
        return self.http.post(
            f"/api/v1/cases/{case_no}/actions",
            json=body,
            headers={"X-Gridwhistle": "1", "Idempotency-Key": key, **headers},
        )


@pytest.fixture
def bench(profile, tmp_path):
    return Bench(profile, tmp_path)


class Store(NamedTuple):
    url: str
    client: Any
    now_ms: int
    happenings: list[Happening]
    profile: Profile

    def address(self, user: str) -> ClickHouseAddress:
        return ClickHouseAddress(self.url, user, PASSWORD, "gridwhistle")


@pytest.fixture(scope="session")
def store(tmp_path_factory, profile):
    """The embedded store with 300 events a day of a made-up city, and as many test rows."""
    folder = tmp_path_factory.mktemp("store")
    passwords = folder / "passwords"
    passwords.write_text(f"default={PASSWORD}\nwriter={PASSWORD}\nwall={PASSWORD}\n")
    passwords.chmod(0o600)
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.store", "--dir", str(folder / "data"), "--port", "0",
         "--password-file", str(passwords)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{ready_port(process)}"
        client = connect(ClickHouseAddress(url, "default", PASSWORD, "gridwhistle"))
        migrate(client, ROOT / "sql/migrations")
        now_ms = int(time.time() * 1000)
        happenings = list(FakeCity(profile).day(now_ms, 300))
        insert(client, happenings)
        insert(client, [as_test(h) for h in FakeCity(profile, seed=8).day(now_ms, 300)])
        yield Store(url, client, now_ms, happenings, profile)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def as_test(h: Happening) -> Happening:
    """The same happening as an exercise: it must count nowhere."""
    changes = tuple(
        c.model_copy(update={"case": c.case.model_copy(update={"test": True})}) for c in h.changes
    )
    alerts = tuple(a.model_copy(update={"test": True}) for a in h.alerts)
    return Happening(h.event._replace(test=True), changes, alerts)


def ready_port(process: Any) -> int:
    """The port of a process that prints ``ready PORT``."""
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=lambda: lines.put(process.stdout.readline()), daemon=True).start()
    words = lines.get(timeout=START_SECONDS).split()
    assert words[:1] == ["ready"], words
    return int(words[1])


class ServedWall:
    """The application on a real store, in a thread, with a writer that does what it is told."""

    def __init__(self, store: Store, folder: Path, answer: Any) -> None:
        self.secrets, self.outcomes, self.live = Secrets(folder / "secrets"), Outcomes(), live_hub()
        self.store = ClickHouse(store.address("wall"))
        self.sent: list[Command] = []
        self.answer = answer
        self.app = build_app(
            Parts(
                profile=store.profile,
                store=self.store,
                secrets=self.secrets,
                send=self._send,
                kafka_missing=self._kafka,
                outcomes=self.outcomes,
                live=self.live,
                tick=0.5,
            )
        )
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)  # who comes before the server is up waits
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.server = Server(
            uvicorn.Config(self.app, log_level="error", timeout_graceful_shutdown=1)
        )
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run(listener)), daemon=True)
        self.thread.start()

    async def _run(self, listener):
        await self.server.serve(sockets=[listener])
        await self.store.close()

    async def _send(self, topic, key, value):
        command = Command.model_validate_json(value)
        self.sent.append(command)
        self.outcomes.arrived(self.answer(command))

    async def _kafka(self):
        return ""

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=10)
        assert not self.thread.is_alive()
