"""``gridwhistle worker`` and ``gridwhistle migrate``: the pieces production starts one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running


def worker(
    stage: Annotated[str, typer.Argument(help="intake | cases | records")],
) -> None:
    """运行一个处理环节(地址取自 GRIDWHISTLE_* 环境变量)。

    Run one worker of a stage; start as many as there are partitions to share.
    """
    from streams.worker import main

    raise typer.Exit(main([stage]))


def migrate(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    roles: Annotated[
        Path | None,
        typer.Option(help="口令文件:建立生产库角色 JSON of passwords, creates production's roles"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只列出 list, apply nothing")] = False,
) -> None:
    """建表与升级:按编号执行 sql/migrations,已执行的核对哈希。

    Apply numbered migrations; what is applied is checked by hash.
    """
    import json

    from connectors.clickhouse import ClickHouseAddress, StoreError, connect
    from connectors.sqlfiles import sql_folder
    from ops.migrate import MigrationRefused, apply_roles, pending
    from ops.migrate import migrate as apply
    from schemas.settings import settings

    use_running(data_dir, user="default")
    conf = settings()
    address = ClickHouseAddress(
        conf.clickhouse,
        conf.clickhouse_user,
        conf.clickhouse_password.get_secret_value(),
        conf.clickhouse_database,
    )
    try:
        client = connect(address)
        if dry_run:
            for step in pending(client, sql_folder("migrations")):
                typer.echo(f"待执行 pending  {step.file}")
            return
        done = apply(client, sql_folder("migrations"))
        for step_done in done:
            typer.echo(f"已执行 applied  {step_done.version:04d} {step_done.name}")
        if roles is not None:
            passwords = json.loads(roles.read_text("utf-8"))
            count = apply_roles(client, sql_folder("roles") / "production.sql", passwords)
            typer.echo(f"角色 roles  {count} 条语句")
    except (MigrationRefused, StoreError, OSError, ValueError) as exc:
        typer.echo(f"未完成:{exc}", err=True)
        raise typer.Exit(1) from None
    typer.echo("数据库是最新的 / up to date")
