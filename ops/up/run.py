"""The order in which a whole centre starts on one machine, and stops."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ops.up.home import Home, clear_run, environment, open_home, write_run
from ops.up.supervisor import Child, DidNotStart, Spec, python, stop

RETENTION_BYTES = 256 << 20  # a partition; bounds the disk of a site that never cleans up
STAGES = ("intake", "cases", "records")
START_SECONDS = 60.0
READY_SECONDS = 120.0


@dataclass(frozen=True)
class Options:
    data_dir: Path
    port: int
    host: str = "127.0.0.1"
    profile: str = "qinglan"
    simulate: bool = True
    rate: float | None = None  # events a second; None = the city's natural rate


class CannotStart(RuntimeError):
    """Why ``up`` gave up; one sentence for the operator."""


Say = Callable[[str], None]


async def up(options: Options, say: Say, ready: Callable[[Home, dict[str, Any]], None]) -> None:
    """Start everything, call ``ready`` once ``/readyz`` is 200, run until told to stop.

    HomeProblem, CannotStart, DidNotStart: nothing is left running.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    _port_is_free(options.host, options.port)
    home, _lock = open_home(options.data_dir)
    centre = Centre(home, options, say)
    try:
        starting = asyncio.ensure_future(centre.start())
        told = asyncio.ensure_future(stopping.wait())
        await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            return
        starting.result()
        ready(home, centre.run)
        await told
    finally:
        say("正在停止……")
        await centre.stop()


class Centre:
    """The processes of one machine."""

    def __init__(self, home: Home, options: Options, say: Say) -> None:
        self.home, self.options, self.say = home, options, say
        kafka, store = free_port(), free_port()
        metrics = {name: free_port() for name in ("broker", "store", *STAGES, "simulator")}
        self.run: dict[str, Any] = {
            "pid": os.getpid(),
            "kafka": f"127.0.0.1:{kafka}",
            "clickhouse": f"http://127.0.0.1:{store}",
            "wall": f"http://{_shown(options.host)}:{options.port}",
            "profile": options.profile,
            "simulated": options.simulate,
            "metrics": metrics,
            "started": int(time.time()),
        }
        self._sources: list[Child] = []  # stopped first
        self._workers: list[Child] = []
        self._bases: list[Child] = []  # stopped last

    async def start(self) -> None:
        await asyncio.gather(self._start_broker(), self._start_store(), self._learn())
        self.say("建表、建主题……")
        await asyncio.to_thread(self._prepare)
        write_run(self.home, self.run)
        for stage in STAGES:
            env = environment(self.home, self.run)
            env["GRIDWHISTLE_METRICS_PORT"] = str(self.run["metrics"][stage])
            child = self._child(stage, python("streams.worker", stage), env, ready="ready ")
            self._workers.append(child)
        self.say("启动处理环节……")
        await asyncio.gather(*(child.ready(START_SECONDS) for child in self._workers))
        wall_env = environment(self.home, self.run, user="wall")
        if self.options.host in ("127.0.0.1", "::1"):
            wall_env["GRIDWHISTLE_LOCAL_WALL"] = "true"
        wall = self._child(
            "wall",
            python("ops.wall", "--host", self.options.host, "--port", str(self.options.port)),
            wall_env,
            ready="ready ",
        )
        self._workers.append(wall)
        await wall.ready(START_SECONDS)
        self.say("等待各环节就绪……")
        await self._until_ready()
        if self.options.simulate:
            self._sources.append(self._simulator())

    async def _learn(self) -> None:
        """Have the model of the profile in the cache before three processes want it at once."""
        self.say("准备判定模型(本机首次约半分钟)……")
        learning = await asyncio.create_subprocess_exec(
            *python("ops.cli", "train", "--profile", self.options.profile),
            stdout=asyncio.subprocess.DEVNULL,
            env={**os.environ, **environment(self.home, self.run)},
        )
        try:
            if await learning.wait():
                raise CannotStart("判定模型没有学成:请运行 gridwhistle train 查看原因")
        except asyncio.CancelledError:
            learning.kill()
            raise

    async def _start_broker(self) -> None:
        self.say("启动消息总线(Kafka 协议,内置)……")
        broker = self._child(
            "broker",
            python(
                "ops.broker", "--dir", str(self.home.folder("broker")),
                "--port", self.run["kafka"].rsplit(":", 1)[1],
                "--metrics-port", str(self.run["metrics"]["broker"]),
            ),
            {},
            ready="ready ",
        )  # fmt: skip
        self._bases.append(broker)
        await broker.ready(START_SECONDS)

    async def _start_store(self) -> None:
        self.say("启动存储(ClickHouse 引擎,内置)……")
        store = self._child(
            "store",
            python(
                "ops.store", "--dir", str(self.home.folder("store")),
                "--port", self.run["clickhouse"].rsplit(":", 1)[1],
                "--password-file", str(self.home.store_passwords),
                "--metrics-port", str(self.run["metrics"]["store"]),
            ),
            {},
            ready="ready ",
        )  # fmt: skip
        self._bases.append(store)
        await store.ready(START_SECONDS)

    def _prepare(self) -> None:
        from connectors.clickhouse import ClickHouseAddress, connect
        from connectors.kafka_address import KafkaAddress
        from connectors.kafka_topics import create_topics
        from connectors.sqlfiles import sql_folder
        from ops.migrate import migrate

        admin = ClickHouseAddress(
            url=self.run["clickhouse"], user="default", password=self.home.passwords()["default"]
        )
        migrate(connect(admin), sql_folder("migrations"))
        create_topics(KafkaAddress(self.run["kafka"]), retention_bytes=RETENTION_BYTES)

    def _simulator(self) -> Child:
        env = environment(self.home, self.run)
        env["GRIDWHISTLE_METRICS_PORT"] = str(self.run["metrics"]["simulator"])
        rate = () if self.options.rate is None else ("--rate", f"{self.options.rate:g}")
        return self._child("simulator", python("ops.simulator", *rate), env)

    async def _until_ready(self) -> None:
        last, end = "", time.monotonic() + READY_SECONDS
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as client:
            while time.monotonic() < end:
                try:
                    answer = await client.get(self.run["wall"] + "/readyz")
                except httpx.HTTPError as exc:
                    last = repr(exc)
                else:
                    if answer.status_code == 200:
                        return
                    last = answer.text
                await asyncio.sleep(0.2)
        raise DidNotStart(f"wall: {READY_SECONDS:.0f} 秒内没有就绪 / not ready: {last[:300]}")

    def _child(
        self, name: str, argv: tuple[str, ...], env: dict[str, str], ready: str = ""
    ) -> Child:
        return Child(Spec(name, argv, env, ready), self.home.logs)

    async def stop(self) -> None:
        """Sources first, then workers and wall, then broker and store: within 5 s in all."""
        await stop(self._sources, 1.0)
        await stop(self._workers, 2.2)
        await stop(self._bases, 1.5)
        clear_run(self.home)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _port_is_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise CannotStart(
                f"端口 {host}:{port} 用不了:{exc.strerror};换一个,例如 --port {port + 1} / "
                "port cannot be used"
            ) from exc


def _shown(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
