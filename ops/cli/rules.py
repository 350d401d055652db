"""``gridwhistle rules``: try changed limits and routes on what has happened before they go live."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.backtest import Law, Skipped
    from ops.reports.figures import Period
    from streams.core.backtest import Count, Verdict

app = typer.Typer(name="rules", help="规则试算 try rules on history", no_args_is_help=True)
WORDS = {"yellow": "黄灯", "red": "红灯", "escalate": "提级"}


@app.callback()
def rules() -> None:
    """规则试算:新时限、新派单规则在历史案件上会怎样。Try rules on history before they go live."""


@app.command()
def backtest(
    new: Annotated[
        str,
        typer.Option(
            "--with",
            help="新规则:配置名、目录,或只含改动文件的目录 new profile, or its changed files",
        ),
    ],
    since: Annotated[str, typer.Option("--from", help="起(含)from, e.g. 2026-01-01")] = "",
    until: Annotated[str, typer.Option("--to", help="止(不含)until, exclusive")] = "",
    old: Annotated[
        str, typer.Option("--profile", help="现行规则,缺省为运行中的配置 rules in force")
    ] = "",
    file: Annotated[
        Path | None, typer.Option(help="历史导出 .jsonl/.csv(.gz),代替存储 an export")
    ] = None,
    mapping: Annotated[str, typer.Option(help="导出的映射 mapping of the export")] = "petitions",
    reply: Annotated[
        str, typer.Option(help="导出中答复时间的列 column of the reply's time")
    ] = "reply_time",
    area: Annotated[str, typer.Option(help="区域编码前缀(存储)area code prefix")] = "",
    world: Annotated[
        Literal["real", "simulated"], typer.Option(help="真实或仿真案件(存储)")
    ] = "real",
    by: Annotated[Literal["month", "unit"], typer.Option(help="表格分列 rows")] = "month",
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """用新规则重放历史:哪些案件会亮黄灯、红灯、提级、改派,按月、按单位。

    Which cases would have turned yellow or red, escalated, or gone elsewhere under other rules.
    Exit code 2: profile, file or store cannot be read.
    """
    from connectors.inbound.mapping import MappingProblem
    from connectors.inbound.table_file import FileProblem
    from ops.backtest import Law, Skipped, overlaid
    from ops.reports.figures import Period
    from schemas.profile_files import ProfileProblems, load_profile
    from schemas.settings import settings
    from streams.core.backtest import by_month_and_unit

    if file is None:
        use_running(data_dir, "reports")
    old = old or settings().profile
    period = Period(_moment(since, "1990-01-01"), _moment(until, "2100-01-01"))
    skipped = Skipped()
    try:
        laws = Law(load_profile(old)), Law(_new(new, old, overlaid))
        if file is None:
            verdicts = _stored(*laws, period, area, world == "simulated")
        else:
            verdicts = _exported(file, mapping, reply, *laws, period, skipped)
        months, units = by_month_and_unit(verdicts)
    except (ProfileProblems, FileProblem, MappingProblem) as problem:
        raise _refuse(str(problem)) from None
    names = {u.unit_id: u.name for law in laws for u in law.profile.units.values()}
    if as_json:
        _print_json(months, units, names, old, new, skipped)
    else:
        _print_table(months if by == "month" else units, names, by, skipped)


@app.command()
def recount(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="只列出,不发送 list, send nothing")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """新一年节假日公布后:按新日历重算暂定的时限(每件留有记录)。

    Clocks set by a forecast of the calendar are counted again. Harmless to repeat.
    """
    import asyncio
    from datetime import UTC

    from connectors.clickhouse import StoreError, connect
    from connectors.kafka import KafkaAddress, KafkaUnavailable
    from ops.recount import commands, provisional, send
    from schemas.profile_files import ProfileProblems, load_profile
    from schemas.settings import settings
    from streams.core.rules import Rules
    from streams.core.workdays import load_workdays
    from streams.sink import store_address

    use_running(data_dir, "reports")
    chosen = settings()
    try:
        profile = load_profile(chosen.profile)
        cases = provisional(connect(store_address(chosen)))
        todo = commands(cases, Rules(profile, load_workdays(profile)), datetime.now(UTC))
        if not dry_run and todo:
            asyncio.run(send(KafkaAddress.of(chosen), todo))
    except (ProfileProblems, StoreError, KafkaUnavailable) as problem:
        raise _refuse(str(problem)) from None
    for one in todo:
        typer.echo(one.case_no)
    word = "需重算" if dry_run else "已送出重算"
    typer.echo(f"时限暂定的在办案件 {len(cases)} 件,{word} {len(todo)} 件", err=True)


def _new(new: str, old: str, overlaid: Any) -> Any:
    with overlaid(new, old) as profile:
        return profile


def _stored(
    old: Law, new: Law, period: Period, area: str, simulated: bool
) -> Iterator[Verdict]:  # fmt: skip
    from connectors.clickhouse import StoreError, connect
    from ops.backtest import from_store
    from schemas.settings import settings
    from streams.sink import store_address

    now = datetime.now().astimezone()
    try:
        client = connect(store_address(settings()))
        yield from from_store(client, old, new, period, now, area=area, simulated=simulated)
    except StoreError as problem:
        raise _refuse(f"存储无法查询:{problem};请运行 gridwhistle doctor") from None


def _exported(
    file: Path, mapping: str, reply: str, old: Law, new: Law, period: Period, skipped: Skipped
) -> Iterator[Verdict]:
    from connectors.inbound.mapping import load_mapping
    from ops.backtest import from_file

    now = datetime.now().astimezone()
    return from_file(file, load_mapping(mapping), reply, old, new, period, now, skipped)


def _moment(text: str, otherwise: str) -> datetime:
    from schemas.ids import SHANGHAI

    try:
        at = datetime.fromisoformat(text or otherwise)
    except ValueError:
        raise _refuse(f"时间 {text} 应写作 2026-11-01") from None
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def _total(rows: dict[str, Count]) -> Count:
    from streams.core.backtest import STAGES, Count

    total = Count()
    for row in rows.values():
        total.cases += row.cases
        total.elsewhere += row.elsewhere
        total.refused += row.refused
        for stage in STAGES:
            total.old[stage] += row.old[stage]
            total.new[stage] += row.new[stage]
    return total


def _print_json(
    months: dict[str, Count], units: dict[str, Count], names: dict[str, str], old: str, new: str,
    skipped: Skipped,
) -> None:  # fmt: skip
    import json
    from dataclasses import asdict

    body = {
        "old": old, "new": new, "total": asdict(_total(months)), "skipped": asdict(skipped),
        "months": [{"month": key} | asdict(row) for key, row in months.items()],
        "units": [
            {"unit": key, "name": names.get(key, key)} | asdict(row) for key, row in units.items()
        ],
    }  # fmt: skip
    typer.echo(json.dumps(body, ensure_ascii=False, indent=1))


def _print_table(rows: dict[str, Count], names: dict[str, str], by: str, skipped: Skipped) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    if not rows:
        console.print("这段时间没有案件 no cases in this period")
        return
    table = Table(title="规则试算:现行 → 新规则", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("月份" if by == "month" else "现行承办单位", no_wrap=True)
    for name in ("案件", *WORDS.values(), "改派"):
        table.add_column(name, justify="right", no_wrap=True)
    for key, row in rows.items():
        table.add_row(names.get(key, key) or "(待研判)", *_cells(row))
    table.add_section()
    total = _total(rows)
    table.add_row("合计", *_cells(total))
    needed = Console(width=1000).measure(table).maximum
    Console(highlight=False, markup=False, width=max(needed, console.width)).print(table)
    if total.refused:
        console.print(f"{total.refused} 件中有操作在新规则下不被允许,从该操作起从略")
    if skipped.unreadable:
        console.print(f"{skipped.unreadable} 行无法读取:{';'.join(skipped.first)}")
    if skipped.no_reply:
        console.print(f"{skipped.no_reply} 件没有答复时间,按至今未办计")


def _cells(row: Count) -> tuple[str, ...]:
    lights = (f"{row.old[stage]} → {row.new[stage]}" for stage in row.old)
    return (str(row.cases), *lights, str(row.elsewhere))


def _refuse(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)
