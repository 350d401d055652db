"""Start the embedded store: python -m ops.store --dir DIR --port PORT."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ops.store.access import BadPasswords, read_passwords
from ops.store.directory import CannotStart, claim
from ops.store.engine import Engine
from ops.store.front import Front
from ops.store.metrics import REGISTRY

HOST = "127.0.0.1"
LONGEST_LINE = 1 << 20  # bytes of a request line or header, as http_max_uri_size
PATIENCE = 2.0  # seconds a running insert gets when the store is told to stop
LAST_CALL = 2.8  # seconds after which the process ends in any case; the engine survives that


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ops.store", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="data directory")
    parser.add_argument("--port", type=int, required=True, help="0: any free port")
    parser.add_argument("--password-file", type=Path, help="user=password lines or JSON, mode 0600")
    parser.add_argument("--port-file", type=Path, help="written with the port once ready")
    parser.add_argument("--threads", type=int, default=4, help="statements that read at a time")
    parser.add_argument("--metrics-port", type=int, help="Prometheus metrics, loopback; 0: any")
    parser.add_argument("--max-body", type=int, default=256, help="MB of a request, unpacked")
    return parser.parse_args(argv)


def listen(port: int) -> socket.socket:
    """A listening loopback socket. Raises CannotStart when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise CannotStart(
            f"端口 {port} 用不了（可能已被占用） / port {port} cannot be used: {error}"
        ) from error
    return listener


async def metrics_page(_: web.Request) -> web.Response:
    return web.Response(
        body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    passwords = read_passwords(options.password_file)
    directory = claim(options.dir)
    listener = listen(options.port)
    pages = listen(options.metrics_port) if options.metrics_port is not None else None
    engine = Engine(directory)
    front = Front(engine, passwords, max(1, options.threads), options.max_body << 20)
    runner = web.AppRunner(
        front.application(),
        access_log=None,
        auto_decompress=False,  # `coding` does it, with limits
        handler_cancellation=True,
        shutdown_timeout=0.2,
        max_line_size=LONGEST_LINE,
        max_field_size=LONGEST_LINE,
    )
    await runner.setup()
    site = web.SockSite(runner, listener)
    await site.start()
    if pages is not None:
        app = web.Application()
        app.router.add_get("/metrics", metrics_page)
        metrics_runner = web.AppRunner(app, access_log=None)
        await metrics_runner.setup()
        await web.SockSite(metrics_runner, pages).start()
    port = int(listener.getsockname()[1])
    if options.port_file:
        fresh = options.port_file.with_name(options.port_file.name + ".new")
        fresh.write_text(f"{port}\n", encoding="ascii")
        fresh.replace(options.port_file)
    gc.freeze()
    print(f"ready {port}", flush=True)
    await stop.wait()
    last_call = threading.Timer(LAST_CALL, os._exit, (0,))
    last_call.daemon = True
    last_call.start()
    await site.stop()
    if await front.stop(PATIENCE):
        await runner.cleanup()
        await asyncio.to_thread(engine.close)
    os._exit(0)  # a thread that is still in the engine must not keep the process


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(serve(options))
    except (BadPasswords, CannotStart) as error:
        print(f"gridwhistle store: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    # A fork would hang inside the engine, and a failed start must not wait for its threads.
    code = main()
    sys.stdout.flush()
    os._exit(code)
