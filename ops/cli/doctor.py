"""``gridwhistle doctor``: what is wrong, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir

if TYPE_CHECKING:
    from ops.doctor.finding import Finding


def doctor(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    port: Annotated[int, typer.Option(help="大屏端口(未启动时检查是否空闲)")] = 8080,
    metrics: Annotated[
        list[str] | None, typer.Option(help="另查这些 /metrics,主机:端口,可重复给出")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
) -> None:
    """体检:逐项检查,未通过的附处理办法。

    Check everything; each failed check prints its remedy. Exit code 1: something failed.
    """
    found = examine(Path(data_dir), port, tuple(metrics or ()))
    if as_json:
        import json

        typer.echo(json.dumps([f._asdict() for f in found], ensure_ascii=False, indent=1))
    else:
        show(found)
    raise typer.Exit(1 if any(f.state == "bad" for f in found) else 0)


def examine(data_dir: Path, port: int, metrics: tuple[str, ...] = ()) -> list[Finding]:
    """Every check, in the order an operator would look. Never raises."""
    import logging

    from pydantic import ValidationError

    from ops.doctor import machine, processes, services
    from ops.doctor.finding import bad, guarded, site

    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
    logging.getLogger("urllib3").setLevel(logging.CRITICAL)
    try:
        where = site(data_dir, port, metrics)
    except ValidationError as problem:
        wrong = "、".join(
            f"GRIDWHISTLE_{'_'.join(map(str, e['loc']))}".upper() for e in problem.errors()
        )
        return [bad("设置", f"环境变量不对:{wrong}", "请更正这些变量后再试")]
    checks = (*machine.CHECKS, *services.CHECKS, *processes.CHECKS)
    return [finding for check in checks for finding in guarded(check, where)]


def show(found: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    marks = {
        "ok": "[green]✓[/green]",
        "warn": "[yellow]![/yellow]",
        "bad": "[bold red]✗[/bold red]",
    }
    for one in found:
        console.print(f"{marks[one.state]} [bold]{one.subject}[/bold]  {escape(one.detail)}")
        if one.remedy:
            console.print(f"    办法:{escape(one.remedy)}")
    failed = sum(one.state == "bad" for one in found)
    noted = sum(one.state == "warn" for one in found)
    if failed:
        console.print(f"[bold red]{failed} 项未通过[/bold red],{noted} 项提醒 / {failed} failed")
    elif noted:
        console.print(f"[yellow]全部通过,{noted} 项提醒[/yellow] / passed with {noted} warnings")
    else:
        console.print("[green]全部通过[/green] / all passed")
