"""A proxy before the store that fails on purpose: it refuses, hangs, delays, or loses answers."""

from __future__ import annotations

import asyncio
import base64
import io
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import lz4.frame
from aiohttp import ClientSession, ClientTimeout, web

HOP = {"transfer-encoding", "connection", "content-length", "content-encoding", "host", "te"}


@dataclass
class Asked:
    """A request on its way to the store, and what a rule may do with it."""

    table: str  # of an insert of rows; else ""
    body: bytes
    forward: Callable[..., Awaitable[web.Response]]  # password="…": with another one
    forward_half: Callable[[], Awaitable[None]]


Rule = Callable[[Asked], Awaitable[web.Response | None]]  # None: cut the connection


async def straight(asked: Asked) -> web.Response | None:
    return await asked.forward()


class StoreProxy:
    """Runs on a thread of its own; ``rule`` may be set at any time and sees every request."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.rule: Rule = straight
        self.inserts: dict[str, int] = {}
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        self._session = ClientSession(timeout=ClientTimeout(total=None), auto_decompress=False)
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        self._ready.set()
        await self._stopping.wait()
        await runner.cleanup()
        await self._session.close()

    async def _handle(self, http: web.Request) -> web.StreamResponse:
        body = await http.read()
        table = ""
        if "insert_deduplication_token" in http.query:
            plain = lz4.frame.LZ4FrameDecompressor().decompress(body, 300)
            table = plain.split(b"INSERT INTO ", 1)[1].split(maxsplit=1)[0].decode().strip("`")
            self.inserts[table] = self.inserts.get(table, 0) + 1
        headers = {k: v for k, v in http.headers.items() if k.lower() not in HOP}
        if "Content-Encoding" in http.headers:
            headers["Content-Encoding"] = http.headers["Content-Encoding"]
        url = f"{self.target}{http.rel_url}"

        async def send(data: Any, extra: dict[str, str]) -> web.Response:
            async with self._session.request(
                http.method, url, data=data, headers=headers | extra
            ) as answer:
                kept = {k: v for k, v in answer.headers.items() if k.lower() not in HOP}
                if "Content-Encoding" in answer.headers:
                    kept["Content-Encoding"] = answer.headers["Content-Encoding"]
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)

        async def forward_half() -> None:
            async def half() -> Any:
                yield body[: len(body) // 2]
                raise ConnectionError("cut in the middle")

            try:
                await send(half(), {})
            except Exception:
                pass

        async def forward(password: str = "") -> web.Response:
            word = base64.b64encode(f"writer:{password}".encode()).decode()
            return await send(
                io.BytesIO(body), {"Authorization": f"Basic {word}"} if password else {}
            )

        asked = Asked(table, body, forward, forward_half)
        try:
            answer = await self.rule(asked)
        except Exception as exc:  # pytest shows it when a test fails
            print(f"proxy: {asked.table or 'request'} cut off: {exc!r}")
            answer = None
        if answer is None:
            assert http.transport is not None
            http.transport.abort()
            return web.Response()
        return answer


def refusal(code: int, text: str, status: int = 500) -> web.Response:
    """As ClickHouse says no."""
    return web.Response(
        status=status, text=f"Code: {code}. DB::Exception: {text}",
        headers={"X-ClickHouse-Exception-Code": str(code)},
    )  # fmt: skip
