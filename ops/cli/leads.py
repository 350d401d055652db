"""``gridwhistle leads``: push places to be checked down to villages, and see how far they are."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running

if TYPE_CHECKING:
    from ops.leads import Wrong

app = typer.Typer(
    name="leads", help="线索下发与核查 leads pushed down and checked", no_args_is_help=True
)
MOST = 50  # problems printed


@app.command()
def push(
    file: Annotated[Path, typer.Argument(help=".csv、.tsv 或 .jsonl(.gz)")],
    batch: Annotated[str, typer.Option(help="批次名,同批同行只下发一次 name of the batch")],
    area: Annotated[str, typer.Option(help="下发者的辖区 area of who pushes")] = "",
    account: Annotated[str, typer.Option("--as", help="工作账号,记入案件 account")] = "cli",
    encoding: Annotated[str, typer.Option(help="文件编码 encoding")] = "utf-8",
    simulated: Annotated[bool, typer.Option(help="模拟数据 simulated")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查 check only")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """下发一批线索:列名 area class_code what,可选 place device unit due。

    Anything wrong is told with line and field, and then nothing is pushed. Exit code 2.
    """
    import re

    from connectors.inbound.table_file import FileProblem
    from connectors.kafka import KafkaAddress, KafkaUnavailable
    from ops.leads import BATCH, check, commands, from_file
    from ops.recount import send
    from schemas.case import Actor
    from schemas.profile_files import ProfileProblems, load_profile
    from schemas.settings import settings
    from streams.core.route import Router
    from streams.core.rules import Rules
    from streams.core.workdays import load_workdays

    if not re.fullmatch(BATCH, batch):
        raise _refuse("--batch 须为 1–40 个汉字、字母、数字或 . _ -")
    if not dry_run:
        use_running(data_dir)
    now = datetime.now(UTC)
    try:
        profile = load_profile(settings().profile)
        rules = Rules(profile, load_workdays(profile))
        lines = from_file(file, encoding)
        if wrong := check(lines, rules, area, now):
            raise _all(wrong)
        actor = Actor(role="operator", id=account, area=area)
        todo = commands(lines, batch, rules, Router(profile), actor, now, simulated)
        if not dry_run:
            asyncio.run(send(KafkaAddress.of(settings()), todo))
    except (ProfileProblems, FileProblem, KafkaUnavailable) as problem:
        raise _refuse(str(problem)) from None
    villages = len({one.case_no.split("-")[1] for one in todo})
    word = "检查无误" if dry_run else "已下发"
    typer.echo(f"批次 {batch}:{word} {len(todo)} 条线索,涉及 {villages} 个村社区")


@app.command()
def status(
    batch: Annotated[str, typer.Option(help="只看一批 one batch")] = "",
    area: Annotated[str, typer.Option(help="区域编码前缀 area code prefix")] = "",
    level: Annotated[Literal["county", "town", "village"], typer.Option(help="分列到")] = "village",
    days: Annotated[int, typer.Option(min=1, help="最近多少天下发的 pushed in the last days")] = 90,
    simulated: Annotated[bool, typer.Option(help="模拟数据 simulated")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """核查进度:下发、已核查、核查率、发现隐患、超期,按村社区。How far the checks are."""
    import json

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from connectors.clickhouse import StoreError, connect
    from ops.reports.figures import Period, leads
    from ops.reports.labels import label
    from schemas.profile_files import load_profile
    from schemas.settings import settings
    from schemas.words import AREA_DIGITS
    from streams.sink import store_address

    use_running(data_dir, "reports")
    now = datetime.now().astimezone()
    period = Period(now - timedelta(days=days), now)
    try:
        client = connect(store_address(settings()))
        found = leads(
            client, period, AREA_DIGITS[level], area=area, batch=batch, simulated=simulated
        )
    except StoreError as problem:
        raise _refuse(f"存储无法查询:{problem};请运行 gridwhistle doctor") from None
    profile = load_profile(settings().profile)
    if as_json:
        typer.echo(json.dumps([one._asdict() for one in found], ensure_ascii=False))
        return
    table = Table(box=SIMPLE_HEAD)
    table.add_column("区域", no_wrap=True)
    for name in ("下发", "已核查", "核查率", "发现隐患", "超期"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        cells = (
            one.pushed,
            one.checked,
            f"{one.checked / one.pushed:.0%}",
            one.hazards,
            one.overdue,
        )
        table.add_row(label(profile, "area", one.code), *map(str, cells))
    pushed, checked = sum(o.pushed for o in found), sum(o.checked for o in found)
    share = f"{checked / pushed:.1%}" if pushed else "-"
    table.add_section()
    hazards, overdue = sum(o.hazards for o in found), sum(o.overdue for o in found)
    table.add_row("合计", *map(str, (pushed, checked, share, hazards, overdue)))
    Console(highlight=False, markup=False).print(table)


def _all(wrong: list[Wrong]) -> typer.Exit:
    for one in wrong[:MOST]:
        typer.echo(str(one), err=True)
    if len(wrong) > MOST:
        typer.echo(f"…… 另有 {len(wrong) - MOST} 处", err=True)
    return _refuse(f"{len(wrong)} 处有误,一条也未下发")


def _refuse(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)
