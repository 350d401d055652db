"""Start the wall, the console and the HTTP interface: python -m ops.wall --port P."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from connectors.kafka import KafkaAddress, Producer
from connectors.vault import KeyProblem
from ops.intake import build_intake
from ops.reconcile import reconcile
from ops.silence import watch_devices
from ops.wall.accounts import LooseFile, Secrets
from ops.wall.assets import AssetsMissing
from ops.wall.clickhouse import ClickHouse
from ops.wall.live import Tail
from ops.wall.outcomes import Outcomes
from ops.wall.server import Parts, build_app, close_streams, live_hub
from schemas.profile_files import ProfileProblems, load_profile
from schemas.settings import Settings, settings
from streams.sink import store_address

log = logging.getLogger("ops.wall")
STOP_SECONDS = 1  # for answers that are on their way when we are told to stop


class Server(uvicorn.Server):
    """Ends the event streams before it waits for open requests, and says when it is ready."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but without raising the signal again: we end in order, with code 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {s: signal.signal(s, self.handle_exit) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            print(f"ready {sockets[0].getsockname()[1]}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        app = self.config.loaded_app
        while not isinstance(app, FastAPI):  # uvicorn wraps it in middleware of its own
            app = app.app
        close_streams(app)
        await super().shutdown(sockets)


async def serve(port: int, host: str, config: Settings) -> None:
    """Serve until SIGTERM or SIGINT. OSError when the port is taken."""
    address = KafkaAddress.of(config)
    where = store_address(config)
    store = ClickHouse(where)
    outcomes, live = Outcomes(), live_hub()
    tail = Tail(address, outcomes, live)
    producer = Producer(address, client_id="gridwhistle-wall")
    profile = load_profile(config.profile)
    parts = Parts(
        profile=profile,
        store=store,
        secrets=Secrets(config.secrets_dir),
        send=producer.send,
        kafka_missing=tail.missing,
        outcomes=outcomes,
        live=live,
        local_wall=config.local_wall,
        intake=build_intake(profile, producer, config.secrets_dir),
    )
    app = build_app(parts)
    listener = listen(host, port)
    options = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        lifespan="on",
    )
    reading = asyncio.create_task(tail.run())
    counting = asyncio.create_task(reconcile(where, address))
    listening = asyncio.create_task(watch_devices(profile, where, producer))
    try:
        await Server(options).serve(sockets=[listener])
    finally:
        reading.cancel()
        counting.cancel()
        listening.cancel()
        await asyncio.gather(reading, counting, listening, return_exceptions=True)
        await producer.stop(timeout=0.5)
        await store.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. OSError when the address or port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


def run(port: int, host: str = "127.0.0.1") -> int:
    """Run the wall with the process's settings; the exit code. What is wrong is said in words."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("aiokafka", "kafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # Tail says it once, in words
    try:
        asyncio.run(serve(port, host, settings()))
    except OSError as error:
        print(f"端口 {host}:{port} 无法使用：{error}", file=sys.stderr)
        return 1
    except (AssetsMissing, KeyProblem, LooseFile, ProfileProblems) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.wall", description=__doc__)
    parser.add_argument("--port", type=int, default=8080, help="0 = any free port")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    options = parser.parse_args(argv)
    return run(options.port, options.host)


if __name__ == "__main__":
    # All is closed in order by now; taking the interpreter apart would only take seconds more.
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
