"""Connections: frames in, one answer after the other out.

A connection that sends what is not Kafka's protocol, or asks for what this broker does not do, is
closed with one line in the log that says why; the others do not notice.
"""

import asyncio
import errno
import ipaddress
import logging
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .api import APIS, Api
from .codes import CannotStart, Code
from .state import Broker, Call, Options

log = logging.getLogger(__name__)

MOST_REQUEST_BYTES = 100 << 20
API_VERSIONS = 18
TLS_HELLO = 0x1603


class Unreadable(Exception):
    """What came in is not a request this broker can answer; the text says why."""


def check_loopback(host: str) -> None:
    """Raises ValueError unless `host` is an address of this machine's own loopback.

    Without passwords and encryption the broker must not be reachable from elsewhere.
    """
    try:
        fine = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(
            f"内置代理只在本机回环地址上监听, 不接受 {host}。"
            f"The embedded broker listens on loopback addresses only, not on {host};"
            " use Apache Kafka for a network."
        )


async def serve(
    directory: Path | str,
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    ready: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
    metrics_port: int | None = None,
    options: Options | None = None,
) -> None:
    """Runs a broker until `stop` is set. `ready` is called with the port once it listens.

    Raises ValueError for a host that is not loopback, CannotStart when directory or port cannot
    be had.
    """
    check_loopback(host)
    stop = stop or asyncio.Event()
    broker = Broker(Path(directory), options or Options())
    broker.host = host
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        broker.metrics.connections.inc()
        try:
            await converse(broker, reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            broker.metrics.connections.dec()
            connections.discard(task)
            writer.close()

    try:
        try:
            server = await asyncio.start_server(connected, host, port, limit=1 << 20)
            broker.port = server.sockets[0].getsockname()[1]
            if metrics_port is not None:
                port = metrics_port
                _, exporter = broker.metrics.serve(host, metrics_port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise CannotStart(
                f"端口 {port} 已被占用。Port {port} is taken by another process."
            ) from error
        broker.start()
        if ready is not None:
            ready(broker.port)
        await stop.wait()
        server.close()
        if metrics_port is not None:
            exporter.shutdown()  # type: ignore[attr-defined]
            exporter.server_close()  # type: ignore[attr-defined]
        for task in list(connections):
            task.cancel()
        if connections:
            await asyncio.wait(connections, timeout=0.5)
    finally:
        await broker.stop()


async def converse(
    broker: Broker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answers one connection's requests in order until it ends."""
    peer = writer.get_extra_info("peername")
    while True:
        try:
            frame = await _frame(reader)
            if frame is None:
                return
            broker.metrics.received.inc(len(frame) + 4)
            answer = await _answer(broker, frame)
        except Unreadable as reason:
            log.warning("closed the connection from %s: %s", peer, reason)
            return
        if answer is not None:
            broker.metrics.sent.inc(len(answer) + 4)
            writer.write(len(answer).to_bytes(4, "big"))
            writer.write(answer)
            await writer.drain()


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readexactly(4)
        size = int.from_bytes(head, "big", signed=True)
        if size >> 16 == TLS_HELLO:
            raise Unreadable("the client speaks TLS, which this broker does not offer")
        if not 8 <= size <= MOST_REQUEST_BYTES:
            raise Unreadable(f"a request of {size} bytes; 8 to {MOST_REQUEST_BYTES} are taken")
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        if error.partial:
            log.info("a connection ended in the middle of a request")
        return None


async def _answer(broker: Broker, frame: bytes) -> bytes | bytearray | None:
    key, version, correlation = struct.unpack_from(">hhi", frame)
    api = APIS.get(key)
    if api is None:
        raise Unreadable(f"API {key} is not offered (UNSUPPORTED_VERSION)")
    broker.metrics.requests.labels(api.name).inc()
    if not api.lowest <= version <= api.highest:
        if key != API_VERSIONS:
            raise Unreadable(
                f"{api.name} version {version} is not offered, {api.lowest} to {api.highest} are"
                " (UNSUPPORTED_VERSION)"
            )
        answer = await api.handler(broker, Call(None, api.answer, 0, ""))
        answer.error_code = broker.refuse(Code.UNSUPPORTED_VERSION)
        return _encoded(api, answer, 0, correlation)
    call = _decoded(api, frame, version)
    try:
        answer = await api.handler(broker, call)
        return None if answer is None else _encoded(api, answer, version, correlation)
    except (TypeError, AttributeError, ValueError, struct.error, OSError) as error:
        log.debug("%s %s", api.name, call.request, exc_info=True)
        raise Unreadable(
            f"{api.name} version {version} failed: {error!r}{_where(error)}"
        ) from error


def _decoded(api: Api, frame: bytes, version: int) -> Call:
    try:
        request = api.request.decode(frame, version=version, header=True)
    except Exception as error:
        raise Unreadable(f"{api.name} version {version} cannot be read: {error!r}") from error
    return Call(request, api.answer, version, request.header.client_id or "")


def _encoded(api: Api, answer: Any, version: int, correlation: int) -> bytes | bytearray:
    flexible = api.key != API_VERSIONS and api.request.flexible_version_q(version)
    head = correlation.to_bytes(4, "big", signed=True) + (b"\0" if flexible else b"")
    body = answer.encode(version=version)
    body[0:0] = head
    return bytes(body) if not isinstance(body, bytearray) else body


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
