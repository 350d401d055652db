"""Runs the embedded broker from the command line."""

import argparse
import asyncio
import logging
import resource
import signal
import sys
from pathlib import Path

import uvloop

from .codes import CannotStart
from .server import serve
from .state import Options


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ops.broker", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True, help="data directory")
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port-file", type=Path, help="the port is written here when ready")
    parser.add_argument("--metrics-port", type=int, help="Prometheus metrics, 0 picks a free port")
    parser.add_argument(
        "--auto-create",
        type=int,
        default=0,
        metavar="N",
        help="create unknown topics with N partitions",
    )
    parser.add_argument(
        "--housekeeping-seconds",
        type=float,
        default=5.0,
        metavar="S",
        help="how often retention and compaction look (5)",
    )
    return parser.parse_args()


def _allow_many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _run(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def ready(port: int) -> None:
        if given.port_file is not None:
            draft = given.port_file.with_name(given.port_file.name + ".draft")
            draft.write_text(f"{port}\n")
            draft.replace(given.port_file)
        print(f"ready {port}", flush=True)

    await serve(
        given.dir,
        given.port,
        host=given.host,
        ready=ready,
        stop=stop,
        metrics_port=given.metrics_port,
        options=Options(given.auto_create, given.housekeeping_seconds),
    )


def main() -> int:
    given = _arguments()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s broker %(levelname)s %(message)s", stream=sys.stderr
    )
    _allow_many_files()
    try:
        uvloop.run(_run(given))
    except (CannotStart, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
