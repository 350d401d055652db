"""Starts processes, keeps them running, stops them in order.

A process that ends is started again after 0.5 s, then 1, 2, 4 … 30 s; a minute of health resets
that. Its output goes to ``logs/<name>.log``, 4 × 5 MB at the most. Children die with us (Linux).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import NamedTuple

from connectors.metrics import metric

log = logging.getLogger(__name__)

HEALTHY = 60.0
LONGEST_WAIT = 30.0
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f]")  # colours, cursor moves


class Spec(NamedTuple):
    """A process: how to start it, and how to see that it is up."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    ready: str = ""  # a line that begins so says it is up; what follows is its port


class DidNotStart(RuntimeError):
    """A process that ended before it was ready; the message holds its last words."""


class Child:
    """One supervised process."""

    def __init__(self, spec: Spec, logs: Path) -> None:
        self.spec = spec
        self.restarts = 0
        self.said: list[str] = []
        self._ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._handler = RotatingFileHandler(
            logs / f"{spec.name}.log", maxBytes=5 << 20, backupCount=3, encoding="utf-8", delay=True
        )
        self._handler.setFormatter(logging.Formatter("%(message)s"))
        self._task = asyncio.ensure_future(self._keep_running())

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    async def ready(self, timeout: float) -> str:
        """What followed the ready word. DidNotStart when it ended first or takes too long."""
        try:
            return await asyncio.wait_for(asyncio.shield(self._ready), timeout)
        except TimeoutError as exc:
            raise DidNotStart(f"{self.spec.name} {timeout:.0f} 秒内没有就绪 / not ready") from exc

    async def _keep_running(self) -> None:
        wait = 0.5
        while not self._stopping:
            started = time.monotonic()
            code = await self._run_once()
            if self._stopping:
                return
            if self.spec.ready and not self._ready.done():
                last = " ".join(self.said[-3:]) or f"exit {code}"
                self._ready.set_exception(DidNotStart(f"{self.spec.name}: {last}"))
                return
            if time.monotonic() - started > HEALTHY:
                wait = 0.5
            log.warning(
                "%s 退出(%s),%.1f 秒后重启 / exited, restarting", self.spec.name, code, wait
            )
            self.restarts += 1
            metric("gridwhistle_process_restarts_total").labels(self.spec.name).inc()
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def _run_once(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *self.spec.argv,
            env={**os.environ, **self.spec.env, "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            preexec_fn=_die_with_parent,
            limit=1 << 20,
        )
        metric("gridwhistle_process_up").labels(self.spec.name).set(1)
        assert self._process.stdout is not None
        while line := await _line(self._process.stdout):
            self._hear(line)
        code = await self._process.wait()
        metric("gridwhistle_process_up").labels(self.spec.name).set(0)
        return code

    def _hear(self, line: bytes) -> None:
        text = _ESCAPES.sub("", line.decode("utf-8", "replace")).rstrip()
        self.said = [*self.said[-19:], text]
        record = logging.LogRecord(self.spec.name, logging.INFO, "", 0, text, None, None)
        with contextlib.suppress(OSError):  # a full disk must not stop the process we listen to
            self._handler.emit(record)
        word = self.spec.ready
        if word and text.startswith(word) and not self._ready.done():
            self._ready.set_result(text[len(word) :].strip())

    def tell(self, number: int) -> None:
        """Send a signal, when it runs."""
        self._stopping = self._stopping or number in (signal.SIGTERM, signal.SIGKILL)
        if self.pid is not None and self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def ended(self, timeout: float) -> bool:
        """True once it has ended; False when it has not within ``timeout`` seconds."""
        if self._process is None:
            self._task.cancel()
            return True
        try:
            await asyncio.wait_for(asyncio.shield(self._process.wait()), timeout)
        except TimeoutError:
            return False
        self._handler.close()
        return True


async def stop(children: list[Child], patience: float) -> None:
    """Ask all to end, wait ``patience`` seconds, then kill what is left."""
    for child in children:
        child.tell(signal.SIGTERM)
    gone = await asyncio.gather(*(child.ended(patience) for child in children))
    for child, ended in zip(children, gone, strict=True):
        if not ended:
            log.warning("%s 未按时停止,强制结束 / killed", child.spec.name)
            child.tell(signal.SIGKILL)
            await child.ended(2.0)


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # longer than the limit: what came is dropped, the next line is read
        return b"(line too long)\n"


def _die_with_parent() -> None:
    os.setpgid(0, 0)  # ctrl-C reaches us alone, and we stop them in order
    if sys.platform == "linux":
        pdeathsig = 1
        ctypes.CDLL("libc.so.6", use_errno=True).prctl(pdeathsig, signal.SIGKILL)


def python(module: str, *args: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *args)


Starter = Callable[[Spec], Child]
