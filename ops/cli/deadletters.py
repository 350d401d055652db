"""``gridwhistle deadletters``: what could not be read, why, and back again once repaired."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running

if TYPE_CHECKING:
    from datetime import datetime

    from connectors.kafka_address import KafkaAddress
    from ops.deadletters import Sendback, Wanted
    from schemas.deadletter import DeadLetter

app = typer.Typer(
    help="死信:查看、导出、修好后放回 / dead letters: list, show, export, replay",
    no_args_is_help=True,
)

Reason = Annotated[str, typer.Option(help="只看这个原因,如 unknown_device")]
Topic = Annotated[str, typer.Option(help="只看这个主题,如 raw.fire")]
Since = Annotated[
    str, typer.Option(help="从何时起:30m、6h、2d,或 2026-11-22、2026-11-22T08:00(上海时间)")
]
Most = Annotated[int, typer.Option(min=1, help="一次最多多少条(最早的)")]
T = TypeVar("T")


@app.command("list")
def list_(
    reason: Reason = "",
    topic: Topic = "",
    since: Since = "",
    limit: Annotated[int, typer.Option(min=0, help="最多列出多少条(最新的)")] = 20,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """按原因汇总,并列出最新的死信。Counts by reason, and the newest letters."""
    from ops.cli.lettertable import gather, print_list

    print_list(*_run(gather(_kafka(data_dir), _wanted(reason, topic, since), limit)))


@app.command()
def show(
    topic: Annotated[str, typer.Argument(help="主题 topic")],
    partition: Annotated[int, typer.Argument(help="分区 partition", min=0)],
    offset: Annotated[int, typer.Argument(help="偏移量 offset", min=0)],
    raw: Annotated[Path | None, typer.Option(help="把原始字节写入此文件(含未遮盖内容)")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """查看一条死信:原因与内容,电话和证件号已遮盖。One letter, contacts masked."""
    from ops.cli.lettertable import shanghai
    from ops.deadletters import find, readable, replayed_from, safe

    found = _run(find(_kafka(data_dir), (topic, partition, offset)))
    if not found:
        typer.echo(
            f"没有 {topic} 分区 {partition} 偏移量 {offset} 的死信;它可能已过保留期", err=True
        )
        raise typer.Exit(1)
    first = found[0]
    for letter in found:
        part = f" 第 {letter.part} 部分" if len(found) > 1 or letter.part else ""
        typer.echo(f"原因{part}:{letter.reason} {safe(letter.field)}")
        typer.echo(f"说明{part}:{safe(letter.detail)}")
    typer.echo(f"时间:{shanghai(first.at)}(上海)")
    if (earlier := replayed_from(first)) is not None:
        typer.echo(f"重放自:{' '.join(map(str, earlier))}")
    body = first.body()
    shown, text = readable(body)
    typer.echo(f"内容({shown},{len(body)} 字节,联系方式已遮盖):\n{text}")
    if raw is not None:
        _write_private(raw, body)
        typer.echo(f"原始字节已写入 {raw}(未遮盖,用后请删除)")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="写入的 JSONL 文件")],
    reason: Reason = "",
    topic: Topic = "",
    since: Since = "",
    limit: Most = 10_000,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """导出死信供修改,改好后 replay --file 放回。To a JSONL file for repair (not masked)."""
    from ops.deadletters import standing
    from ops.repairs import repair_line

    found, total = _run(standing(_kafka(data_dir), _wanted(reason, topic, since), limit))
    _write_private(file, b"".join(repair_line(letter) for letter in found))
    _tell_rest(total - len(found))
    typer.echo(f"已导出 {len(found)} 条到 {file}(内容未遮盖,仅本人可读,用后请删除)")
    typer.echo(f"修改其中的 body 后:gridwhistle deadletters replay --file {file}")


@app.command()
def replay(
    reason: Reason = "",
    topic: Topic = "",
    partition: Annotated[int | None, typer.Option(min=0, help="只放回这个分区的")] = None,
    offset: Annotated[int | None, typer.Option(min=0, help="只放回这个偏移量的")] = None,
    since: Since = "",
    file: Annotated[Path | None, typer.Option(help="export 导出并改好的 JSONL")] = None,
    limit: Most = 10_000,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="不再询问")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """把死信放回原主题(原键,加 replayed-from 头),每条记录一次。

    Put records back to their topics. Without a filter or file nothing is sent. Exit code 1: some
    could not be sent back.
    """
    from ops.deadletters import Sendback, send_back, standing

    if not (file or reason or topic or since or offset is not None):
        typer.echo("请说明放回哪些:--reason、--topic、--offset、--since 或 --file", err=True)
        raise typer.Exit(2)
    kafka = _kafka(data_dir)
    if file is not None:
        chosen = _run(_repaired(kafka, file))
    else:
        wanted = _wanted(reason, topic, since)._replace(partition=partition, offset=offset)
        found, total = _run(standing(kafka, wanted, limit))
        _tell_rest(total - len(found))
        chosen = [Sendback(letter, letter.body()) for letter in found]
    if not chosen:
        typer.echo("没有符合条件的死信")
        return
    _announce(chosen)
    if not yes:
        if not sys.stdin.isatty():
            typer.echo("没有终端可确认,请加 --yes", err=True)
            raise typer.Exit(2)
        typer.confirm(f"放回这 {len(chosen)} 条记录?", abort=True)
    sent = _run(send_back(kafka, chosen))
    typer.echo(f"已放回 {sent} 条;仍有问题的会再次成为死信,用 list 查看")


async def _repaired(kafka: KafkaAddress, file: Path) -> list[Sendback]:
    """Bodies of the file with the letters they repair. Exits with 2 when any has none."""
    from ops.deadletters import Sendback, letters, place_of
    from ops.repairs import RepairProblem, read_repairs

    try:
        bodies = read_repairs(file)
    except RepairProblem as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(2) from None
    found: dict[tuple[str, int, int], DeadLetter] = {}
    async for letter in letters(kafka):
        if place_of(letter) in bodies:
            found.setdefault(place_of(letter), letter)
    lost = [place for place in bodies if place not in found]
    for topic, partition, offset in lost[:5]:
        typer.echo(f"{file}:{topic} 分区 {partition} 偏移量 {offset} 没有对应的死信", err=True)
    if lost:
        raise typer.Exit(2)
    return [Sendback(found[place], body) for place, body in bodies.items()]


def _tell_rest(count: int) -> None:
    if count > 0:
        typer.echo(f"另有 {count} 条超出 --limit,请再运行一次或加大 --limit")


def _announce(chosen: list[Sendback]) -> None:
    counts: dict[tuple[str, str], int] = {}
    for letter, _ in chosen:
        counts[letter.topic, letter.reason] = counts.get((letter.topic, letter.reason), 0) + 1
    for (topic, reason), count in sorted(counts.items()):
        typer.echo(f"  {topic}  {reason}  {count} 条")


def _wanted(reason: str, topic: str, since: str) -> Wanted:
    from typing import get_args

    from ops.deadletters import Wanted
    from schemas.deadletter import Reason as Known

    if reason and reason not in get_args(Known):
        typer.echo(f"没有原因 {reason!r};可用:{'、'.join(get_args(Known))}", err=True)
        raise typer.Exit(2)
    return Wanted(reason=reason, topic=topic, since=_since(since))


def _since(text: str) -> datetime | None:
    """A moment from ``30m``, ``6h``, ``2d`` or an ISO time in Shanghai. Exits with 2 otherwise."""
    import re
    from datetime import UTC, datetime, timedelta

    from schemas.ids import SHANGHAI

    if not text:
        return None
    if ago := re.fullmatch(r"(\d{1,6})([mhd])", text):
        unit = {"m": "minutes", "h": "hours", "d": "days"}[ago[2]]
        return datetime.now(UTC) - timedelta(**{unit: int(ago[1])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        typer.echo(f"--since {text!r} 看不懂:用 30m、6h、2d 或 2026-11-22T08:00", err=True)
        raise typer.Exit(2) from None
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def _write_private(path: Path, body: bytes) -> None:
    """A new file only its owner can read. Exits with 2 when it exists or cannot be written."""
    import os

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(body)
    except OSError as problem:
        typer.echo(f"写不了 {path}:{problem.strerror}", err=True)
        raise typer.Exit(2) from None


@app.command("pass")
def let_pass(
    topic: Annotated[str, typer.Argument(help="主题 topic")],
    partition: Annotated[int, typer.Argument(help="分区 partition", min=0)],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """放行被熔断的分区:其中无法读取的记录进入死信,其余照常处理。

    Let a partition that was stopped for too many bad records go on.
    """
    from connectors.clickhouse import StoreError, connect
    from connectors.kafka_address import KafkaUnavailable
    from ops.breakers import let_through
    from schemas.settings import settings
    from streams.sink import store_address

    kafka = _kafka(data_dir)
    try:
        end = let_through(connect(store_address(settings())), kafka, topic, partition)
    except (StoreError, KafkaUnavailable) as problem:
        typer.echo(f"未能放行:{problem};请运行 gridwhistle doctor", err=True)
        raise typer.Exit(2) from None
    except (KeyError, IndexError):
        typer.echo(f"没有分区 {topic}[{partition}]", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"已放行 {topic}[{partition}],至偏移量 {end}:其中坏记录进入死信")


def _kafka(data_dir: Path) -> KafkaAddress:
    from connectors.kafka_address import KafkaAddress
    from schemas.settings import settings

    use_running(data_dir)
    return KafkaAddress.of(settings())


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Exits with 2 and a remedy when Kafka does not answer."""
    import logging

    from connectors.kafka_address import KafkaUnavailable

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work)
    except KafkaUnavailable as problem:
        typer.echo(f"Kafka 连不上:{problem};请运行 gridwhistle doctor", err=True)
        raise typer.Exit(2) from None
