"""``gridwhistle topics``: what flows where, and what the broker holds of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running

if TYPE_CHECKING:
    from connectors.kafka import KafkaAddress, TopicState
    from schemas.topics import Topic

DAY_MS = 86_400_000

app = typer.Typer(help="主题:用途、分区、保留期与现状 topics", invoke_without_command=True)


@app.callback()
def topics(context: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """列出全部主题及其现状。 Lists every topic and what the broker holds."""
    if context.invoked_subcommand is None:
        list_topics(data_dir)


def list_topics(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """列出全部主题:用途、分区、保留期、记录数、大小。缺少主题时退出码为 1。"""
    from rich.console import Console
    from rich.table import Table

    from connectors.kafka import KafkaUnavailable, describe_topics
    from schemas.topics import TOPICS

    address = _address(data_dir)
    try:
        found = describe_topics(address)
    except KafkaUnavailable as error:
        _fail(str(error))
    table = Table(box=None, pad_edge=False)
    for name in ("主题", "用途", "生产者", "消费者"):
        table.add_column(name)
    for name in ("分区", "保留", "记录", "大小"):
        table.add_column(name, justify="right")
    for topic in TOPICS:
        table.add_row(*_row(topic, found.get(topic.name)))
    # A pipe gets whole lines: 80 columns would cut every name.
    console = Console()
    Console(width=None if console.is_terminal else 220).print(table)
    if missing := [topic.name for topic in TOPICS if topic.name not in found]:
        _fail(f"缺少 {'、'.join(missing)};请执行 gridwhistle topics create", code=1)


@app.command("create")
def create(
    retention_bytes: Annotated[
        int | None, typer.Option(help="每个分区最多保留的字节,-1 不限 bytes a partition")
    ] = None,
    replication: Annotated[int | None, typer.Option(min=1, help="副本数 replicas")] = None,
    min_insync: Annotated[int, typer.Option(min=1, help="确认前至少写入的副本")] = 1,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """建立缺少的主题;已有而分区数或清理策略不同则报错,不会修改。可重复执行。"""
    from connectors.kafka import KafkaUnavailable, TopicMismatch, create_topics
    from schemas.settings import settings

    address = _address(data_dir)
    own = settings()
    try:
        report = create_topics(
            address,
            retention_bytes=own.retention_bytes if retention_bytes is None else retention_bytes,
            replication=own.kafka_replication if replication is None else replication,
            min_insync=min_insync,
        )
    except (KafkaUnavailable, TopicMismatch) as error:
        _fail(str(error))
    typer.echo(f"新建 {len(report.created)} 个,已有 {len(report.existing)} 个")


def _address(data_dir: Path) -> KafkaAddress:
    from connectors.kafka import KafkaAddress
    from schemas.settings import settings

    if "GRIDWHISTLE_KAFKA" not in os.environ:
        use_running(data_dir)
    return KafkaAddress.of(settings())


def _row(topic: Topic, state: TopicState | None) -> tuple[str, ...]:
    kept = "永久" if topic.retention_ms < 0 else f"{topic.retention_ms // DAY_MS} 天"
    if topic.cleanup == "compact":
        kept = "按键压实"
    counts = ("缺少", "") if state is None else (f"{state.records:,}", _size(state.bytes))
    flow = (topic.name, topic.note, topic.producers, topic.consumers)
    return (*flow, str(topic.partitions), kept, *counts)


def _size(held: int | None) -> str:
    if held is None:
        return "—"
    return f"{held / (1 << 20):.1f} MiB" if held >= 1 << 20 else f"{held / 1024:.0f} KiB"


def _fail(reason: str, code: int = 2) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(code)
