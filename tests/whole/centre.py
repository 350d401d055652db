"""A whole centre on free ports, as ``gridwhistle up`` starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from connectors.clickhouse import ClickHouseAddress, connect
from connectors.kafka_address import KafkaAddress
from ops.cli.ledger import totals
from ops.doctor.processes import lags
from ops.ledger import ledger
from ops.up.home import Home, environment
from ops.wall.accounts import Secrets, checked

PASSWORD = "only for this test 42"


class Centre:
    """A running ``gridwhistle up`` and what a test does with it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.home, self.port = Home(folder), port
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=10)
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ops.cli", "up", "--data-dir", str(self.home.path),
             "--port", str(self.port), "--no-simulator"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_env(),
        )  # fmt: skip
        until(self.ready, "the centre is ready", 120)

    def ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"up ended: {self.process.stdout and self.process.stdout.read()}")
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def kill(self, words: str) -> int:
        """kill −9 every child whose command line holds ``words``; how many that were."""
        assert self.process is not None
        found = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", words], capture_output=True, text=True
        ).stdout.split()
        for pid in found:
            os.kill(int(pid), signal.SIGKILL)
        return len(found)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ops.cli", *words, "--data-dir", str(self.home.path)],
            capture_output=True, text=True, timeout=120, env=clean_env(),
        )  # fmt: skip

    def sign_in(self, account: str = "duty") -> None:
        secrets = Secrets(self.home.secrets)
        if account not in secrets.accounts():
            secrets.keep(checked(account, "operator", "", "", PASSWORD))
        answer = self.post("/api/v1/login", {"account": account, "password": PASSWORD})
        assert answer.status_code == 200, answer.text

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return self.http.post(path, json=body, headers={"X-Gridwhistle": "1", **headers})

    def get(self, path: str) -> Any:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def caught_up(self) -> bool:
        """Whether every stage has done all there is, down to the rows of the last case."""
        found = environment(self.home, json.loads((self.home.path / "run.json").read_text()))
        return not any(
            lag.behind for lag in lags(KafkaAddress(found["GRIDWHISTLE_KAFKA"])).values()
        )

    def counted(self) -> dict[str, int]:
        """The ledger's totals, asked for without a command: for waiting."""
        found = environment(self.home, json.loads((self.home.path / "run.json").read_text()))
        store = ClickHouseAddress(
            found["GRIDWHISTLE_CLICKHOUSE"], found["GRIDWHISTLE_CLICKHOUSE_USER"],
            found["GRIDWHISTLE_CLICKHOUSE_PASSWORD"], "gridwhistle",
        )  # fmt: skip
        client = connect(store)
        try:
            return totals(ledger(client, KafkaAddress(found["GRIDWHISTLE_KAFKA"]), patience=0))
        finally:
            client.close()

    def ledger(self) -> dict[str, Any]:
        done = self.command("ledger", "--json")
        assert done.stdout, done.stderr
        return {"exit": done.returncode, **json.loads(done.stdout)["totals"]}


def clean_env() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("GRIDWHISTLE_")}


def until(true: Any, what: str, seconds: float = 60) -> None:
    """Wait until something becomes true; fail with its name."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")
