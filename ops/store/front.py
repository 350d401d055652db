"""The HTTP front: requests in, answers out, on loopback."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TypeVar

from aiohttp import web

from ops.store import metrics
from ops.store.access import authenticate
from ops.store.body import Body, receive
from ops.store.engine import Engine
from ops.store.failure import StoreFailure, failure, from_engine
from ops.store.request import Request, read_request
from ops.store.sessions import Sessions
from ops.store.work import Work

log = logging.getLogger(__name__)
T = TypeVar("T")

SERVER = "gridwhistle"
FORM_BYTES = 16 << 20
MOST_WAITING = 200  # requests; more are told to come back


class Front:
    """Answers ClickHouse's HTTP interface from one engine."""

    def __init__(
        self, engine: Engine, passwords: Mapping[str, str], threads: int, body_limit: int
    ) -> None:
        self._engine = engine
        self._passwords = passwords
        self._limit = body_limit
        self._sessions = Sessions(engine)
        # Slow reads must never keep an insert waiting, nor either of them the parsing of requests.
        self._reads = ThreadPoolExecutor(threads, "read")
        self._writes = ThreadPoolExecutor(max(2, threads // 2), "write")
        self._intake = ThreadPoolExecutor(2, "intake")
        self._running: set[Work] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    def application(self) -> web.Application:
        app = web.Application(client_max_size=FORM_BYTES)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def stop(self, patience: float) -> bool:
        """Refuse new statements, cancel reads, let inserts finish for `patience` seconds; whether
        all of them did."""
        self._stopping = True
        await self._in(self._intake, self._engine.kill_reads)
        try:
            await asyncio.wait_for(self._idle.wait(), patience)
        except TimeoutError:
            log.warning("%d statements cut off", len(self._running))
            return False
        return True

    async def handle(self, http: web.Request) -> web.StreamResponse:
        if http.path in ("/ping", "/replicas_status"):
            return web.Response(text="Ok.\n")
        if http.path != "/":
            return web.Response(status=404, text=f"There is no handle {http.path}\n")
        if http.method == "GET" and "query" not in http.query:
            return web.Response(text="Ok.\n")
        headers = {"X-ClickHouse-Server-Display-Name": SERVER, "X-ClickHouse-Timezone": "UTC"}
        try:
            if http.method not in ("GET", "POST"):
                raise failure(48, f"Method {http.method} is not supported")
            return await self._answer(http, headers)
        except Exception as error:
            return _refusal(error, headers)

    async def _answer(self, http: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        started = time.perf_counter()
        role = authenticate(http.headers, http.query, self._passwords)
        if self._stopping:
            raise failure(236, "The store is stopping")
        if len(self._running) >= MOST_WAITING:
            raise failure(202, f"Too many simultaneous queries. Maximum: {MOST_WAITING}")
        arguments = dict(http.query)
        if http.content_type == "multipart/form-data":
            arguments.update(await _form(http))
            body = Body.empty()
        else:
            body = await self._receive(http)
        request = read_request(http.method, arguments, http.headers, role)
        headers["X-ClickHouse-Query-Id"] = request.ask.query_id
        work = Work(self._engine, self._sessions, request)
        self._running.add(work)
        self._idle.clear()
        metrics.RUNNING.set(len(self._running))
        try:
            encoding = http.headers.get("Content-Encoding", "").strip().lower()
            spill = self._engine.directory.spill
            await self._in(
                self._intake, functools.partial(work.prepare, body, encoding, spill, self._limit)
            )
            return await self._send(http, work, request, headers, started)
        finally:
            await self._finish(work, role.name, started)

    async def _receive(self, http: web.Request) -> Body:
        if (http.content_length or 0) > self._limit:
            raise failure(307, f"Request body is larger than {self._limit} bytes")
        body = await receive(http.content.iter_any(), self._engine.directory.spill, self._limit)
        metrics.BYTES_IN.inc(body.size)
        return body

    async def _send(
        self,
        http: web.Request,
        work: Work,
        request: Request,
        headers: dict[str, str],
        started: float,
    ) -> web.StreamResponse:
        pool = self._writes if work.writes else self._reads
        first = await self._in(pool, work.start, work, request)
        if work.format is not None:
            headers["X-ClickHouse-Format"] = work.format
        if work.encoding and first:
            headers["Content-Encoding"] = work.encoding
        headers["Content-Type"] = "application/octet-stream"
        if work.complete:
            headers["X-ClickHouse-Summary"] = _summary(work, started)
            return web.Response(body=first, headers=headers)
        tag = secrets.token_hex(8)
        response = web.StreamResponse(headers={**headers, "X-ClickHouse-Exception-Tag": tag})
        await response.prepare(http)
        await response.write(first)
        try:
            while piece := await self._in(pool, work.more, work, request):
                await response.write(piece)
        except Exception as error:
            await self._break_off(http, response, work, from_engine(error), tag)
            return response
        await response.write_eof()
        return response

    async def _break_off(
        self, http: web.Request, response: web.StreamResponse, work: Work,
        reason: StoreFailure, tag: str,
    ) -> None:  # fmt: skip
        """The answer failed half way: say so as ClickHouse does, then cut the connection without
        the final chunk, so that nobody takes the part for the whole."""
        metrics.ERRORS.labels(str(reason.code)).inc()
        text = reason.text.encode()
        note = b"\r\n__exception__\r\n%b\r\n%b\n%d %b\r\n__exception__\r\n" % (
            tag.encode(), text, len(text) + 1, tag.encode(),
        )  # fmt: skip
        try:
            await response.write(work.pack_last(note))
        finally:
            if http.transport is not None:
                http.transport.close()

    async def _in(
        self,
        pool: ThreadPoolExecutor,
        step: Callable[[], T],
        work: Work | None = None,
        request: Request | None = None,
    ) -> T:
        """Run a step on a pool. When the client goes away, cancel what it was reading, and wait:
        a handle must not be closed under a running step."""
        future = asyncio.get_running_loop().run_in_executor(pool, step)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if work is not None and request is not None and not work.writes:
                work.abandoned = True
                kill = functools.partial(self._engine.kill, request.ask.query_id)
                await asyncio.get_running_loop().run_in_executor(self._intake, kill)
            await asyncio.wait([future])
            raise

    async def _finish(self, work: Work, user: str, started: float) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._intake, work.close)
        finally:
            self._running.discard(work)
            metrics.RUNNING.set(len(self._running))
            if not self._running:
                self._idle.set()
            kind = "write" if work.writes else "read"
            metrics.QUERIES.labels(kind, user).inc()
            metrics.SECONDS.labels(kind).observe(time.perf_counter() - started)
            metrics.ROWS_WRITTEN.inc(work.counts.written_rows)


async def _form(http: web.Request) -> dict[str, str]:
    """Fields of a multipart form. External tables come as files, which we do not take."""
    fields = {}
    for name, value in (await http.post()).items():
        if not isinstance(value, str):
            raise failure(48, "External tables are not supported by the embedded store")
        fields[name] = value
    return fields


def _summary(work: Work, started: float) -> str:
    counts = {name: str(value) for name, value in asdict(work.counts).items()}
    elapsed = int((time.perf_counter() - started) * 1e9)
    return json.dumps({**counts, "total_rows_to_read": "0", "elapsed_ns": str(elapsed)})


def _refusal(error: Exception, headers: dict[str, str]) -> web.Response:
    if isinstance(error, web.HTTPException):
        raise error
    reason = from_engine(error)
    if reason.code == 1002:
        log.error("statement failed", exc_info=error)
    metrics.ERRORS.labels(str(reason.code)).inc()
    response = web.Response(
        status=reason.status,
        text=reason.text + "\n",
        headers={**headers, "X-ClickHouse-Exception-Code": str(reason.code)},
    )
    if reason.code in (236, 307, 516):
        response.force_close()
    return response
