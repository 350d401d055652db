"""``gridwhistle case``: look at one case, and move it, at a terminal."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running

if TYPE_CHECKING:
    from ops.cases import Told
    from schemas.case import Command

app = typer.Typer(
    name="case", help="查看与操作案件 look at a case and move it", no_args_is_help=True
)
STAGES = {
    "yellow": "黄灯", "remind": "再亮黄灯", "red": "红灯", "escalate": "提级", "again": "再亮红灯",
}  # fmt: skip
LEVELS = {"village": "村居", "town": "乡镇街道", "county": "区县", "city": "市"}
_CaseNo = Annotated[str, typer.Argument(help="案件编号 case number")]


@app.command()
def show(
    case_no: _CaseNo,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """一件案件的来龙去脉:现状、时限、每一步、告警。Exit code 1: no such case."""
    from connectors.clickhouse import StoreError, connect
    from ops.cases import tell
    from schemas.settings import settings
    from streams.sink import store_address

    use_running(data_dir, "reports")
    try:
        told = tell(connect(store_address(settings())), case_no)
    except StoreError as problem:
        raise _refuse(f"存储无法查询:{problem};请运行 gridwhistle doctor") from None
    if told is None:
        typer.echo(f"案件 {case_no} 不存在", err=True)
        raise typer.Exit(1)
    if as_json:
        case = json.loads(told.case.model_dump_json())
        body = {"case": case, "moves": told.moves, "alerts": told.alerts}
        typer.echo(json.dumps(body, ensure_ascii=False, indent=1))
    else:
        _print(told)


@app.command()
def act(
    case_no: _CaseNo,
    move: Annotated[str, typer.Argument(help="操作,如 sign、finish;见 case moves")],
    reason: Annotated[str, typer.Option(help="理由 reason")] = "",
    unit: Annotated[list[str] | None, typer.Option(help="派给或吹哨的单位,可多次 unit")] = None,
    quorum: Annotated[int, typer.Option(min=0, help="吹哨:几家报到即可,0 为全部 quorum")] = 0,
    review_at: Annotated[str, typer.Option(help="复核或延期时间,北京时间 review time")] = "",
    class_code: Annotated[str, typer.Option(help="更正类别 class")] = "",
    merged_into: Annotated[str, typer.Option(help="并入哪个案件 main case")] = "",
    distinct_from: Annotated[str, typer.Option(help="与哪个案件不是同一事项 another case")] = "",
    event: Annotated[str, typer.Option(help="拆分:哪条报告 event id of a report")] = "",
    alert_id: Annotated[str, typer.Option(help="确认哪条告警 alert")] = "",
    obligation: Annotated[
        list[str] | None,
        typer.Option(help="协议履行事项,可多次:2026-12-31=支付首期款 due=what, several"),
    ] = None,
    performed: Annotated[str, typer.Option(help="履行登记:事项编号 which obligation is done")] = "",
    found: Annotated[
        bool | None,
        typer.Option(help="核查:线索有无隐患,告警是否属实 hazard, true alarm"),
    ] = None,
    resolved: Annotated[bool | None, typer.Option(help="回访:是否解决 follow-up")] = None,
    satisfaction: Annotated[
        int | None, typer.Option(min=1, max=5, help="回访:满意度 follow-up")
    ] = None,
    role: Annotated[
        str, typer.Option(help="以何身份:operator|supervisor|unit|grid_worker|reporter")
    ] = "operator",
    own_unit: Annotated[str, typer.Option(help="身份所在单位 unit of who acts")] = "",
    area: Annotated[str, typer.Option(help="身份的辖区 area of who acts")] = "",
    account: Annotated[str, typer.Option("--as", help="工作账号,记入案件 account")] = "cli",
    version: Annotated[
        int | None, typer.Option(help="仅当案件仍是此版 only if it still is this version")
    ] = None,
    key: Annotated[str, typer.Option(help="同一键只做一次 done once a key")] = "",
    wait: Annotated[float, typer.Option(min=0.1, help="等答复的秒数 seconds")] = 10.0,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """操作一件案件,等它的写入者答复。

    Exit code 0: done; 1: refused, with why and what is possible; 2: cannot be sent; 3: sent, no
    answer yet.
    """
    from uuid import uuid4

    from pydantic import ValidationError

    from connectors.kafka import KafkaAddress, KafkaUnavailable
    from ops.cases import act as send
    from schemas.case import Actor, Command
    from schemas.ids import command_id, village_of
    from schemas.settings import settings
    from streams.core.moves import STATES

    units = unit or []
    fields: dict[str, Any] = {
        "case_no": case_no, "move": move, "at": datetime.now(UTC), "reason": reason,
        "unit": units[0] if units else "", "units": tuple(units[1:]), "quorum": quorum,
        "class_code": class_code,
        "review_at": _moment(review_at), "merged_into": merged_into, "alert_id": alert_id,
        "obligations": _promised(obligation or []), "obligation": performed, "found": found,
        "distinct_from": distinct_from,
        "resolved": resolved, "satisfaction": satisfaction, "expected_version": version,
        "command_id": command_id(f"{account}\x1f{key or uuid4()}", move, case_no),
    }  # fmt: skip
    try:
        village_of(case_no)
        actor = Actor.model_validate({"role": role, "id": account, "unit": own_unit, "area": area})
        command = Command.model_validate(fields | {"actor": actor})
    except ValidationError as error:
        first = error.errors()[0]
        raise _refuse(f"{'.'.join(map(str, first['loc']))}:{first['msg']}") from None
    except ValueError as error:
        raise _refuse(str(error)) from None
    _no_timers(command)
    use_running(data_dir)
    if event:
        command = _with_report(command, event)
    try:
        outcome = asyncio.run(send(KafkaAddress.of(settings()), command, wait))
    except KafkaUnavailable as problem:
        raise _refuse(f"Kafka 不可用,操作可能未送达:{problem}") from None
    if outcome is None:
        typer.echo(f"已送出,{wait:.0f} 秒内没有答复:请用 case show {case_no} 查看", err=True)
        raise typer.Exit(3)
    if outcome.refusal is not None:
        possible = " ".join(outcome.refusal.possible)
        typer.echo(f"{outcome.refusal.code}:{outcome.refusal.detail}", err=True)
        if possible:
            typer.echo(f"可用:{possible}", err=True)
        raise typer.Exit(1)
    now = outcome.case or (outcome.change.case if outcome.change else None)
    state = f"{STATES[now.state]},第 {now.version} 版" if now else "先前已做过"
    typer.echo(f"{case_no} {state}" + (f",承办 {now.unit}" if now and now.unit else ""))


@app.command()
def moves() -> None:
    """有哪些操作,谁能做,要带什么。What people can do to a case, who may, and what it needs."""
    from streams.core.moves import MOVE_NAMES, MOVES, NEEDS, ROLES, STATES

    seen: set[tuple[Any, ...]] = set()
    for row in MOVES:
        people = tuple(role for role in row.who if role not in ("system", "timer"))
        line = (row.on, people, row.needs)
        if not people or line in seen:
            continue
        seen.add(line)
        who = "、".join(ROLES[role] for role in people)
        needs = "、".join(NEEDS[need] for need in row.needs) or "-"
        frm = "、".join(STATES[s] for s in row.frm) if len(row.frm) < 8 else "各环节"
        typer.echo(f"{row.on:18} {MOVE_NAMES[row.on]}  自 {frm or '-'};{who};须带 {needs}")


def _with_report(command: Command, event_id: str) -> Command:
    """The command with the report it is about, and the number of that report's own case."""
    from connectors.clickhouse import StoreError, connect
    from ops.cases import event_of
    from schemas.settings import settings
    from streams.core.reporting import report_of
    from streams.sink import store_address

    if command.move != "unmerge":
        raise _refuse("--event 只用于拆分(unmerge)")
    try:
        event = event_of(connect(store_address(settings())), command.case_no, event_id)
    except StoreError as problem:
        raise _refuse(f"存储无法查询:{problem};请运行 gridwhistle doctor") from None
    if event is None:
        raise _refuse(f"案件 {command.case_no} 没有报告 {event_id}")
    return command.model_copy(update={"report": report_of(event), "distinct_from": event.case_no})


def _no_timers(command: Command) -> None:
    """Reports come from sources, lights from clocks: nobody makes them at a terminal."""
    of_machines = ("report", "attach", "absorb", "clear", "mark", "overdue")
    if command.move in of_machines or command.actor.role in ("system", "timer"):
        raise _refuse(f"{command.move} 不能由人操作;可用操作见 gridwhistle case moves")


def _moment(text: str) -> datetime | None:
    from schemas.ids import SHANGHAI

    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _refuse(f"时间 {text} 应写作 2026-11-01T08:00") from None
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def _promised(texts: list[str]) -> tuple[dict[str, Any], ...]:
    """Obligations as typed: the due time, ``=``, what. A day alone ends with it."""
    found = []
    for text in texts:
        due, mark, what = text.partition("=")
        if not mark or not what.strip():
            raise _refuse(f"履行事项“{text}”应写作 2026-12-31=支付首期款(--obligation)")
        day_only = "T" not in due and ":" not in due
        found.append({"what": what.strip(), "due": _moment(f"{due}T23:59" if day_only else due)})
    return tuple(found)


def _print(told: Told) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from streams.core.moves import CLOCKS, MOVE_NAMES, ROLES, STATES

    case, console = told.case, Console(highlight=False, markup=False)
    lights = {"": "", "yellow": " 黄灯", "red": " 红灯"}
    console.print(f"{case.case_no}  {STATES[case.state]}{lights[case.light]}  第 {case.version} 版")
    console.print(
        f"{case.title or '(无标题)'} · 类别 {case.class_code or '待定'} · {case.grade} 级"
    )
    urged = f" · 催促 {case.urges} 次" if case.urges else ""
    console.print(
        f"网格 {case.grid or case.village} · 承办 {case.unit} · {case.events} 个事件{urged}"
    )
    for other in case.similar:
        console.print(f"  可能同一事项 {other.case_no}({other.likeness:.0%}):{other.why}")
    if case.repeats:
        console.print(f"  曾经反映 {'、'.join(case.repeats)}")
    for row in told.reports:
        source = row["device_id"] or row["channel"]
        said = row["text"] or row["title"] or row["event_code"]
        at = _local(datetime.fromtimestamp(row["occurred_ms"] / 1000, UTC))
        console.print(f"  {at} {source} {said[:40]}  {row['event_id']}")
    for one in case.deadlines:
        paused = "(已停)" if one.paused_at else ""
        guess = "(日历未公布,暂定)" if one.provisional else ""
        moved = "" if one.due == one.original_due else f",原定 {_local(one.original_due)}"
        name = CLOCKS[one.clock] + (f" {one.item}" if one.item else "")
        until = f"{name}时限 {_local(one.due)}{paused}{guess}{moved}"
        console.print(f"  {until} · 规则 {one.rule}")
    if case.field:
        level = LEVELS.get(case.mediation, "待分流,")
        console.print(f"  纠纷领域 {case.field} · {level}调解第 {case.tries} 次")
    for promise in case.obligations:
        done = f"已履行 {_local(promise.done_at)}" if promise.done_at else "待履行"
        console.print(f"  履行 {promise.item}:{promise.what},{_local(promise.due)} 前,{done}")
    if case.batch:
        console.print(f"  线索批次 {case.batch}")
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    for name in ("版", "时间", "操作", "状态", "谁", "所在单位", "承办", "说明"):
        table.add_column(name, no_wrap=name != "说明")
    for row in told.moves:
        word = MOVE_NAMES.get(row["move"], row["move"])
        if row["stage"]:
            word = f"{STAGES.get(row['stage'], row['stage'])}:{CLOCKS.get(row['clock'], '')}"
        late = timedelta(seconds=row["late_seconds"])
        table.add_row(
            str(row["version"]), _local(datetime.fromtimestamp(row["at_ms"] / 1000, UTC)), word,
            STATES.get(row["state"], row["state"]),
            f"{ROLES.get(row['actor_role'], row['actor_role'])} {row['actor_id']}",
            row["actor_unit"], row["unit"],
            _found(row) + row["reason"] + (f"(晚亮 {late})" if late else ""),
        )  # fmt: skip
    needed = Console(width=1000).measure(table).maximum
    Console(highlight=False, markup=False, width=max(needed, console.width)).print(table)
    waiting = [a for a in told.alerts if a["needs_ack"] and not a["acknowledged"]]
    for alert in waiting:
        console.print(f"未确认告警 {alert['kind']} → {alert['recipient']}  {alert['alert_id']}")


def _found(row: dict[str, Any]) -> str:
    """What a look at the place found of an alarm."""
    if row["move"] != "verify" or row["found"] < 0:
        return ""
    return "告警属实 " if row["found"] else "误报 "


def _local(at: datetime) -> str:
    from schemas.ids import SHANGHAI

    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M:%S")


def _refuse(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)
