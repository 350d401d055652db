"""Processes of a fault test: started, heard, stopped, frozen, killed."""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
START = 60.0


def until(condition: Callable[[], object], seconds: float, why: str, pause: float = 0.05) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {why}"
        time.sleep(pause)


class Process:
    """A process of ours. What it says goes to its log."""

    def __init__(self, name: str, logs: Path, *command: str) -> None:
        self._opens(name, logs)
        with self._said.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        self.pid = self._process.pid

    def _opens(self, name: str, logs: Path) -> None:
        self.name, self._said = name, logs / f"{name}.log"
        self._said.touch()
        self._from = self._said.stat().st_size  # a restarted one goes on in the same file

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def log(self) -> str:
        with self._said.open("rb") as said:
            said.seek(self._from)
            return said.read().decode(errors="replace")

    def ready(self) -> None:
        """Wait for its ready word."""
        end = time.monotonic() + START
        while not any(line.startswith("ready ") for line in self.log().splitlines()):
            late = time.monotonic() > end or not self.running
            assert not late, f"{self.name} is not ready: {self.log()[-2000:]}"
            time.sleep(0.02)

    @property
    def running(self) -> bool:
        return self.returncode is None

    def peak_mb(self) -> int:
        """The most memory it ever had; it must be running."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) >> 10

    def tell(self, number: int) -> None:
        if self.running:
            os.kill(self.pid, number)

    def end(self, number: int = signal.SIGTERM, seconds: float = 20) -> None:
        """Tell it and wait; TimeoutError, and it is killed, when it does not end in time."""
        self.tell(number)
        end = time.monotonic() + seconds
        while self.running:
            if time.monotonic() > end:
                self.tell(signal.SIGKILL)
                raise TimeoutError(f"{self.name} did not end within {seconds} s")
            time.sleep(0.02)


class Nursery:
    """Forks workers that need not load anything (``nursery.py``)."""

    def __init__(self, logs: Path) -> None:
        with (logs / "nursery.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.nursery"], cwd=ROOT, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self.ended: dict[int, int] = {}
        self._started: queue.Queue[int] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as said:
            for line in said:
                match line.split():
                    case ["started", pid]:
                        self._started.put(int(pid))
                    case ["ended", pid, status]:
                        self.ended[int(pid)] = os.waitstatus_to_exitcode(int(status))

    def fork(self, args: list[str], env: dict[str, str], log: Path) -> int:
        assert self._process.stdin is not None
        asked = {"args": args, "env": env, "log": str(log)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self._started.get(timeout=START)

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(START)


class Worker(Process):
    """A worker out of the nursery."""

    def __init__(
        self, name: str, logs: Path, nursery: Nursery, args: list[str], env: dict[str, str]
    ) -> None:
        self._opens(name, logs)
        self._nursery = nursery
        self.pid = nursery.fork(args, env, self._said)

    @property
    def returncode(self) -> int | None:
        return self._nursery.ended.get(self.pid)


def kept_port() -> int:
    """A port that stays ours while nobody listens on it: below those the system hands out, so no
    connection of anybody can take it during an outage."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
