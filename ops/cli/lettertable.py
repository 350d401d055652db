"""The tables of ``gridwhistle deadletters list``."""

from __future__ import annotations

from heapq import heappush, heappushpop
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.deadletters import Wanted, letters, replayed_from, safe
from schemas.ids import SHANGHAI

if TYPE_CHECKING:
    from datetime import datetime

    from connectors.kafka_address import KafkaAddress
    from schemas.deadletter import DeadLetter

Counts = dict[tuple[str, str, str], tuple[int, "datetime"]]


async def gather(
    kafka: KafkaAddress, wanted: Wanted, limit: int
) -> tuple[Counts, list[DeadLetter], int]:
    """Counts and newest time by (reason, field, topic); the newest letters, without payloads."""
    counts: Counts = {}
    newest: list[tuple[datetime, int, DeadLetter]] = []
    odd = 0

    def unreadable(_partition: int, _offset: int) -> None:
        nonlocal odd
        odd += 1

    number = 0
    async for letter in letters(kafka, wanted, unreadable):
        number += 1
        kind = (letter.reason, letter.field, letter.topic)
        count, last = counts.get(kind, (0, letter.at))
        counts[kind] = (count + 1, max(last, letter.at))
        slim = letter.model_copy(update={"payload": ""})
        if len(newest) < limit:
            heappush(newest, (letter.at, number, slim))
        elif limit:
            heappushpop(newest, (letter.at, number, slim))
    return counts, [letter for *_, letter in sorted(newest, reverse=True)], odd


def print_list(counts: Counts, newest: list[DeadLetter], odd: int) -> None:
    console = Console(highlight=False)
    if odd:
        console.print(f"[yellow]主题 dead-letters 中有 {odd} 条不是死信的记录,已略过[/yellow]")
    if not counts:
        console.print("没有符合条件的死信 / no dead letters")
        return
    summary = Table(title=f"死信 {sum(n for n, _ in counts.values())} 条", header_style="bold")
    for name in ("原因 reason", "字段 field", "主题 topic"):
        summary.add_column(name)
    summary.add_column("条数", justify="right")
    summary.add_column("最近一次")
    for (reason, field, topic), (count, last) in sorted(counts.items(), key=lambda i: -i[1][0]):
        summary.add_row(
            reason, escape(safe(field)), escape(safe(topic)), str(count), shanghai(last)
        )
    console.print(summary)
    if newest:
        table = Table(title=f"最新 {len(newest)} 条", header_style="bold")
        for name in ("时间", "主题 分区 偏移量", "原因", "说明"):
            table.add_column(name, overflow="fold")
        for letter in newest:
            again = "(重放后仍失败)" if replayed_from(letter) else ""
            part = f" #{letter.part}" if letter.part else ""
            table.add_row(
                shanghai(letter.at),
                escape(f"{safe(letter.topic)} {letter.partition} {letter.offset}{part}"),
                letter.reason,
                escape(safe(letter.detail) + again),
            )
        console.print(table)
        console.print("查看一条:gridwhistle deadletters show 主题 分区 偏移量")


def shanghai(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M:%S")
