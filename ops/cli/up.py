"""``gridwhistle up``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ops.up.home import Home


def up(
    data_dir: Annotated[Path, typer.Option(help="数据目录 data directory")] = Path("data"),
    port: Annotated[int, typer.Option(help="大屏与接口端口 port of wall and API")] = 8080,
    host: Annotated[
        str, typer.Option(help="监听地址,默认仅本机 address to listen on, loopback by default")
    ] = "127.0.0.1",
    profile: Annotated[str, typer.Option(help="地区配置 profile name or folder")] = "qinglan",
    simulator: Annotated[
        bool, typer.Option("--simulator/--no-simulator", help="是否模拟 feed a simulated city")
    ] = True,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="模拟事件数/秒 simulated events a second")
    ] = None,
) -> None:
    """启动全部环节:消息总线、存储、处理、大屏(ctrl-C 停止)。

    Start everything on this machine and keep it running. Ready when GET /readyz answers 200.
    """
    import asyncio
    import logging

    from rich.console import Console

    from ops.up.home import HomeProblem
    from ops.up.run import CannotStart, Options
    from ops.up.run import up as run_up
    from ops.up.supervisor import DidNotStart
    from schemas.profile_files import ProfileProblems, load_profile

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    console = Console(highlight=False)
    try:
        fictional = load_profile(profile).station.fictional
    except ProfileProblems as exc:
        console.print(f"[red]地区配置有误,未启动[/red]\n{exc}", soft_wrap=True)
        raise typer.Exit(2) from None
    options = Options(data_dir, port, host, profile, simulator, rate)

    def ready(home: Home, run: dict[str, Any]) -> None:
        _greet(console, home, run, fictional)

    try:
        asyncio.run(run_up(options, lambda text: console.print(f"[dim]{text}[/dim]"), ready))
    except (HomeProblem, CannotStart, DidNotStart) as exc:
        console.print(f"[red]未能启动 / did not start[/red]  {exc}", soft_wrap=True)
        console.print(f"[dim]日志 logs: {data_dir}/logs  自检: gridwhistle doctor[/dim]")
        raise typer.Exit(1) from None
    console.print("已停止 / stopped")


def _greet(console: Any, home: Home, run: dict[str, Any], fictional: bool) -> None:
    from rich.panel import Panel
    from rich.table import Table

    from ops.wall.accounts import Secrets, checked

    secrets = Secrets(home.secrets)
    rows = Table.grid(padding=(0, 2))
    rows.add_row("大屏 wall", f"[bold cyan]{run['wall']}/?token={secrets.wall_token()}[/bold cyan]")
    rows.add_row("值班台 console", f"[bold cyan]{run['wall']}/console[/bold cyan]")
    if not secrets.accounts():
        password = _first_password()
        secrets.keep(checked("operator", "operator", "", "", password))
        rows.add_row(
            "首个账号 account", f"operator  口令 {password}  [yellow](只显示这一次)[/yellow]"
        )
    rows.add_row("接口 API", f"{run['wall']}/openapi.json")
    rows.add_row(
        "重放 replay", f"gridwhistle replay FILE --mapping petitions --data-dir {home.path}"
    )
    rows.add_row("核对 ledger", f"gridwhistle ledger --data-dir {home.path}")
    rows.add_row("停止 stop", "ctrl-C")
    note = " · 模拟数据 simulated" if run["simulated"] else ""
    city = " · 虚构城市 fictional city" if fictional else ""
    console.print(Panel(rows, title=f"网格吹哨 已就绪 ready{note}{city}", border_style="green"))


def _first_password() -> str:
    import secrets

    return secrets.token_urlsafe(12)
