"""Feed a simulated city into Kafka: python -m ops.simulator --rate N. Every event is flagged."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from connectors.kafka import KafkaAddress, Producer
from connectors.metrics import made, serve_metrics
from ops.simulator.bursts import BURSTS_BY_KIND
from ops.simulator.city import City
from ops.simulator.handling import Worklist, work
from ops.simulator.incident import Truth
from ops.simulator.metrics import METRICS
from ops.simulator.offices import Offices
from ops.simulator.opening import opening
from ops.simulator.pacing import SLICE_SECONDS, Pace, send_paced
from ops.simulator.patience import PACE
from ops.simulator.stream import wire
from schemas.ids import SHANGHAI
from schemas.profile_files import ProfileProblems, load_profile
from schemas.settings import Settings, settings

STATUS_EVERY = 10.0  # seconds
LAST_WORDS = 0.4  # seconds Kafka gets for what is on its way when we are told to stop
DRILL_AFTER = 5.0  # seconds from the start to a drill


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ops.simulator", description=__doc__)
    parser.add_argument("--rate", type=_positive, help="每秒事件数;不给则按城市的自然频度")
    parser.add_argument("--seed", type=int, default=1, help="同一种子,同一座城 (默认 1)")
    parser.add_argument(
        "--speed", type=_positive, default=1.0, help="模拟日的快慢,60 = 一分钟过一小时"
    )
    parser.add_argument("--truth", type=Path, help="把标准答案逐行写入此 JSONL 文件")
    parser.add_argument("--duration", type=_positive, help="运行多少秒后结束;不给则一直运行")
    parser.add_argument("--burst", choices=sorted(BURSTS_BY_KIND), action="append", default=[],
                        help="启动 5 秒后制造一次突发,可重复给出")  # fmt: skip
    parser.add_argument("--pack", type=int, default=1, help="每条 Kafka 记录装多少个事件 (默认 1)")
    parser.add_argument("--pace", type=_positive, default=PACE, help="模拟承办单位比真人快多少倍"
                        f" (默认 {PACE:g});时限与亮灯不加速")  # fmt: skip
    parser.add_argument("--no-units", dest="units", action="store_false",
                        help="只报事,不办事:没有模拟承办单位,也没有开场的忙时")  # fmt: skip
    parser.add_argument("--profile", help="配置名或目录;默认取 GRIDWHISTLE_PROFILE")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """0 when it ran to its end or was told to stop; 2 when it could not start."""
    options = arguments(argv)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # we say it once, in plain words
    try:
        chosen = settings()
        city = City(load_profile(options.profile or chosen.profile), options.seed)
        serve_metrics(chosen.metrics_port)
    except (ProfileProblems, ValidationError, OSError, ValueError) as problem:
        print(f"模拟器不能启动:{problem}", file=sys.stderr)
        return 2
    try:
        asyncio.run(_run(options, chosen, city))
    except OSError as problem:  # the truth file: disk full, no permission
        print(f"模拟器停止:{problem}", file=sys.stderr)
        return 1
    return 0


async def _run(options: argparse.Namespace, chosen: Settings, city: City) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    pace = Pace()
    producer = Producer(KafkaAddress.of(chosen), client_id="gridwhistle-simulator")
    status = asyncio.create_task(_tell(pace))
    fresh = asyncio.get_running_loop().create_future()
    units = asyncio.create_task(_handle(options, chosen, city, producer, fresh))
    try:
        with ExitStack() as stack:
            truth = _truth_file(stack, options.truth)
            feed = asyncio.create_task(_feed(options, city, producer, pace, truth, fresh))
            try:
                await asyncio.wait({feed, units}, return_when=asyncio.FIRST_COMPLETED)
                (units if units.done() else feed).result()  # a bug in either ends both, loudly
            finally:
                feed.cancel()
                await asyncio.wait({feed})
    except asyncio.CancelledError:
        _say("收到停止信号")
    finally:
        status.cancel()
        units.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(producer.stop(LAST_WORDS), LAST_WORDS + 0.3)
        _say(f"结束,共发送 {pace.sent} 条")


async def _handle(
    options: argparse.Namespace, chosen: Settings, city: City, producer: Producer,
    fresh: asyncio.Future[bool],
) -> None:  # fmt: skip
    """The simulated units; without them, wait for ever."""
    if not options.units:
        fresh.set_result(False)
        await asyncio.Event().wait()
    offices = await asyncio.to_thread(Offices, city.profile)
    worklist = Worklist(offices, options.pace)
    await work(KafkaAddress.of(chosen), producer, worklist, _say, fresh)


async def _feed(
    options: argparse.Namespace, city: City, producer: Producer, pace: Pace,
    truth: Callable[[Truth], None] | None, fresh: asyncio.Future[bool],
) -> None:  # fmt: skip
    first = time.time()
    until = first + options.duration if options.duration else None
    kinds: list[str] = options.burst
    busy = await fresh
    while until is None or time.time() < until:
        begin = time.time()
        start = datetime.fromtimestamp(begin, UTC)
        at = start + timedelta(seconds=DRILL_AFTER * options.speed)
        drills = [d for n, kind in enumerate(kinds) if (d := city.burst(kind, at, n))]
        for drill in drills:
            _say(f"演练:{drill.kind} {drill.place},{len(drill.said)} 条报告")
        if busy:
            drills += await asyncio.to_thread(opening, city, start, options.speed)
            _say("新城开张:前五分钟报告较多,同样都标记为仿真")
        slices = wire(
            city, start, options.rate, options.speed,
            slice_seconds=SLICE_SECONDS, truth=truth, drills=drills,
        )  # fmt: skip
        try:
            ended = await send_paced(
                slices, begin, producer, pace, until=until, pack=options.pack, say=_warn
            )
        finally:
            slices.close()
        if ended == "done":
            return
        kinds, busy = [], False
        _warn(f"落后 {pace.behind:.0f} 秒,补不上了,从现在重新开始")


def _truth_file(stack: ExitStack, path: Path | None) -> Callable[[Truth], None] | None:
    if path is None:
        return None
    file = stack.enter_context(path.open("a", encoding="utf-8"))

    def write(truth: Truth) -> None:
        file.write(truth.model_dump_json() + "\n")

    return write


async def _tell(pace: Pace) -> None:
    """A line every ten seconds, and the metrics every second."""
    events, behind, away = (made(row) for row in METRICS)
    told: dict[str, int] = {}
    since, before = time.monotonic(), 0
    while True:
        await asyncio.sleep(1)
        for topic, count in pace.by_topic.items():
            events.labels(topic).inc(count - told.get(topic, 0))
            told[topic] = count
        behind.set(pace.behind)
        away.set(pace.away)
        passed = time.monotonic() - since
        if passed >= STATUS_EVERY:
            rate = (pace.sent - before) / passed
            late = f",落后 {pace.behind:.1f} 秒" if pace.behind >= 1 else ""
            lost = ",Kafka 连不上" if pace.away else ""
            _say(f"已发送 {pace.sent} 条,每秒 {rate:.1f} 条{late}{lost}")
            since, before = time.monotonic(), pace.sent


def _say(line: str) -> None:
    print(f"[模拟器] {datetime.now(SHANGHAI):%H:%M:%S} {line}", flush=True)


def _warn(line: str) -> None:
    print(f"[模拟器] {datetime.now(SHANGHAI):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} 不行,要大于 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
