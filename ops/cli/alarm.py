"""``gridwhistle alarm``: tell that devices are being repaired or tested, for how long and why."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running

app = typer.Typer(name="alarm", help="设备告警 alarms of devices", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """设备告警:检修窗口 repair windows."""


@app.command()
def repair(
    target: Annotated[str, typer.Argument(help="设备号、楼栋号或网格号 device, building or grid")],
    reason: Annotated[str, typer.Option(help="检修或测试的理由 why")],
    hours: Annotated[float, typer.Option(min=0, max=168, help="几小时;0 为立即结束")] = 2.0,
    unit: Annotated[str, typer.Option(help="检修单位 unit that repairs")] = "",
    account: Annotated[str, typer.Option("--as", help="工作账号,记入处置 account")] = "cli",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """开始或结束检修窗口:其间的告警只记录,特急告警交值守台核实。

    Exit code 1: no such device, building or grid; 2: Kafka cannot be reached.
    """
    from connectors.kafka import KafkaAddress, KafkaUnavailable, Producer, Record
    from ops.windows import commands, places
    from schemas.case import Actor
    from schemas.ids import village_of
    from schemas.profile_files import load_profile
    from schemas.settings import settings
    from schemas.window import Window

    use_running(data_dir, "writer")
    conf = settings()
    profile = load_profile(conf.profile)
    if target in profile.devices:
        scope = "device"
    elif target in profile.places:
        scope = "building"
    elif target in profile.areas and len(target) == 15:
        scope = "grid"
    else:
        typer.echo(f"没有设备、楼栋或网格 {target}", err=True)
        raise typer.Exit(1)
    now = datetime.now(UTC)
    window = Window.model_validate({
        "window_id": f"{scope}-{target}", "scope": scope, "target": target, "start": now,
        "end": now + timedelta(hours=hours), "who": unit, "by": account, "reason": reason,
    })  # fmt: skip
    actor = Actor(role="operator", id=account, unit=unit)
    todo = commands(window, places(window, profile), f"{account}\x1f{now.isoformat()}", actor, now)

    async def send() -> None:
        async with Producer(KafkaAddress.of(conf), client_id="gridwhistle-alarm") as producer:
            await producer.send_many([
                Record("case-commands", village_of(one.case_no).encode(),
                       one.model_dump_json(exclude_defaults=True).encode())
                for one in todo
            ])  # fmt: skip

    try:
        asyncio.run(send())
    except KafkaUnavailable as problem:
        typer.echo(f"消息总线无法连接:{problem}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"检修窗口 {window.window_id} 至 {window.end:%Y-%m-%d %H:%M} UTC")
