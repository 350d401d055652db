"""``gridwhistle ledger``: was every record counted exactly once?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running

if TYPE_CHECKING:
    from ops.ledger import Explanation, LedgerRow

FIGURES = ("committed", "rows", "dead_letters", "filtered", "difference", "missing", "doubled")
HEADINGS = ("消费", "事件", "死信", "过滤", "差额", "缺失", "重复", "待读")
LEGEND = "offsets, rows, dead letters, filtered, difference, missing, doubled, behind"


def ledger(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="列出缺失与重复的偏移量 first missing and doubled offsets"),
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="等待死信入库的最长秒数 seconds to wait for dead letters")
    ] = 15.0,
) -> None:
    """核对账目:每个分区已消费的记录 = 事件 + 死信 + 过滤,一条不多一条不少。

    Every record consumed is in exactly one table, exactly once. Exit code 1: it is not so;
    2: Kafka or the store cannot be asked.
    """
    from connectors.clickhouse import StoreError, connect
    from connectors.kafka_address import KafkaAddress, KafkaUnavailable
    from ops.ledger import explain as explain_row
    from ops.ledger import ledger as take
    from schemas.settings import settings
    from streams.sink import store_address

    use_running(data_dir)
    chosen = settings()
    try:
        client = connect(store_address(chosen))
        rows = take(client, KafkaAddress.of(chosen), patience=wait)
        faults = [(r, explain_row(client, r)) for r in rows if explain and not r.sound]
    except KafkaUnavailable as problem:
        raise _cannot(f"Kafka 连不上:{problem}") from None
    except StoreError as problem:
        raise _cannot(f"存储无法查询:{problem}") from None
    if as_json:
        _print_json(rows, faults)
    else:
        _print_table(rows, faults)
    raise typer.Exit(0 if rows and all(row.sound for row in rows) else 1)


def _cannot(message: str) -> typer.Exit:
    typer.echo(f"{message};请运行 gridwhistle doctor", err=True)
    return typer.Exit(2)


def totals(rows: list[LedgerRow]) -> dict[str, int]:
    return {name: sum(getattr(row, name) for row in rows) for name in (*FIGURES, "behind")}


def _print_json(rows: list[LedgerRow], faults: list[tuple[LedgerRow, Explanation]]) -> None:
    import json

    body: dict[str, Any] = {
        "partitions": [row._asdict() | {"sound": row.sound} for row in rows],
        "totals": totals(rows),
        "sound": bool(rows) and all(row.sound for row in rows),
    }
    if faults:
        body["faults"] = [
            {"topic": row.topic, "partition": row.partition, **found._asdict()}
            for row, found in faults
        ]
    typer.echo(json.dumps(body, ensure_ascii=False, indent=1))


def _print_table(rows: list[LedgerRow], faults: list[tuple[LedgerRow, Explanation]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not rows:
        console.print(
            "[red]Kafka 里还没有原始主题[/red]:先运行 gridwhistle up 或 gridwhistle topics"
        )
        return
    table = Table(
        title=f"账目 ledger: {LEGEND}", header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("主题", no_wrap=True)
    table.add_column("分区", no_wrap=True)
    for name in HEADINGS:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.topic, str(row.partition), str(row.committed - row.start_offset), str(row.rows),
            str(row.dead_letters), str(row.filtered), _fault(row.difference),
            _fault(row.missing), _fault(row.doubled), str(row.behind),
        )  # fmt: skip
    table.add_section()
    sums = totals(rows)
    consumed = sum(row.committed - row.start_offset for row in rows)
    table.add_row(
        "[bold]合计[/bold]", "", str(consumed), str(sums["rows"]),
        str(sums["dead_letters"]), str(sums["filtered"]), _fault(sums["difference"]),
        _fault(sums["missing"]), _fault(sums["doubled"]), str(sums["behind"]),
    )  # fmt: skip
    # Figures are never cut: rather than that, lines are wider than the terminal.
    needed = Console(width=1000).measure(table).maximum
    Console(highlight=False, width=max(needed, console.width)).print(table)
    if sums["behind"]:
        console.print(f"另有 {sums['behind']} 条尚未消费,不在账内 / not consumed yet")
    if all(row.sound for row in rows):
        console.print(
            "[green]账目相符[/green]:每条已消费的记录恰好入账一次 / every record counted once"
        )
        return
    wrong = sum(not row.sound for row in rows)
    console.print(f"[red]账目不符[/red]:{wrong} 个分区有缺失或重复 / some are missing or doubled")
    if not faults:
        console.print("加 --explain 查看是哪些偏移量")
    for row, found in faults:
        for first, last in found.missing:
            span = str(first) if first == last else f"{first}–{last}"
            console.print(f"  {row.topic}\\[{row.partition}] 缺失 missing {span}")
        for offset, part, times, tables in found.doubled:
            where = "、".join(tables)
            console.print(
                f"  {row.topic}\\[{row.partition}] 重复 doubled {offset} 第 {part} 部分,"
                f"{times} 次:{where}"
            )


def _fault(count: int) -> str:
    return f"[bold red]{count}[/bold red]" if count else "0"
