"""The table of commands."""

from __future__ import annotations

import typer

from ops.cli.up import up

app = typer.Typer(
    name="gridwhistle",
    help="网格吹哨:网格化社会治理指挥中心流水线 / command-centre pipeline for grid governance",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)

app.command(rich_help_panel="运行 run")(up)


@app.callback()
def _root() -> None:
    """每个命令加 --help 查看说明。"""
