"""Which system a command talks to: the environment's, else the one ``up`` runs in a data dir."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path, typer.Option("--data-dir", help="运行中的数据目录 data directory of the running system")
]
DEFAULT_DATA_DIR = Path("data")


def use_running(data_dir: Path, user: str = "writer") -> None:
    """Point this process at the system running in ``data_dir``.

    What the environment already says wins: production sets ``GRIDWHISTLE_KAFKA`` and
    ``GRIDWHISTLE_CLICKHOUSE``. Exits with 1 and a remedy when neither is there.
    """
    if "GRIDWHISTLE_KAFKA" in os.environ and "GRIDWHISTLE_CLICKHOUSE" in os.environ:
        return
    from ops.up.home import Home, environment, running

    found = running(data_dir)
    if found is None:
        typer.echo(
            f"{data_dir} 中没有正在运行的系统:先 gridwhistle up --data-dir {data_dir},"
            "或设置 GRIDWHISTLE_KAFKA 与 GRIDWHISTLE_CLICKHOUSE / no running system there",
            err=True,
        )
        raise typer.Exit(1)
    for name, value in environment(Home(data_dir.resolve()), found, user).items():
        os.environ.setdefault(name, value)
