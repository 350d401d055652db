"""``gridwhistle accounts``: who may sign in at the console, and the addresses of walls."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from ops.wall.accounts import Secrets

app = typer.Typer(no_args_is_help=True, help="值班账号与大屏令牌 accounts and wall tokens")

DataDir = Annotated[
    Path | None, typer.Option(help="up 的数据目录 data directory of `up`; default: settings")
]
Id = Annotated[str, typer.Argument(metavar="账号", help="工作账号,不用真实姓名 a work account")]
Generate = Annotated[bool, typer.Option(help="生成口令,只显示一次 make a password, shown once")]


@app.command()
def add(
    id_: Id,
    role: Annotated[str, typer.Option(help="operator | supervisor | unit | viewer")],
    unit: Annotated[str, typer.Option(help="单位编号,见 units.tsv unit id")] = "",
    area: Annotated[str, typer.Option(help="可见区域代码前缀 area code prefix; all if empty")] = "",
    generate: Generate = False,
    data_dir: DataDir = None,
) -> None:
    """新增账号 / add an account. 口令从提示或标准输入读取。

    例：gridwhistle accounts add desk-01 --role operator --generate
    """
    from ops.wall.accounts import BadAccount, checked

    secrets = _secrets(data_dir)
    if id_ in secrets.accounts():
        _fail(f"账号 {id_} 已存在;改口令用 accounts passwd")
    try:
        password = _password(generate)
        secrets.keep(checked(id_, role, unit, area, password))
    except BadAccount as problem:
        _fail(str(problem))
    typer.echo(f"已新增 {id_}（{role}）")


@app.command("list")
def list_(data_dir: DataDir = None) -> None:
    """列出账号 / list accounts."""
    for account in _secrets(data_dir).accounts().values():
        typer.echo(f"{account.id}\t{account.role}\t{account.unit}\t{account.area}")


@app.command()
def remove(id_: Id, data_dir: DataDir = None) -> None:
    """删除账号,其登录立即失效 / remove an account and end its sessions."""
    if not _secrets(data_dir).remove(id_):
        _fail(f"没有账号 {id_}")
    typer.echo(f"已删除 {id_}")


@app.command()
def passwd(id_: Id, generate: Generate = False, data_dir: DataDir = None) -> None:
    """修改口令,旧登录立即失效 / change a password and end its sessions."""
    from ops.wall.accounts import BadAccount, checked

    secrets = _secrets(data_dir)
    account = secrets.accounts().get(id_)
    if account is None:
        _fail(f"没有账号 {id_}")
    try:
        password = _password(generate)
        secrets.keep(checked(id_, account.role, account.unit, account.area, password))
    except BadAccount as problem:
        _fail(str(problem))
    typer.echo(f"已修改 {id_} 的口令")


@app.command("wall-token")
def wall_token(
    area: Annotated[str, typer.Option(help="大屏所示区域代码前缀 area of the wall")] = "",
    revoke: Annotated[bool, typer.Option(help="撤销并换新 revoke it and make another")] = False,
    data_dir: DataDir = None,
) -> None:
    """显示大屏令牌：在大屏浏览器打开 http://…/?token=令牌 / the token of a wall."""
    from ops.wall.accounts import BadAccount

    secrets = _secrets(data_dir)
    try:
        if revoke:
            secrets.revoke_wall(area)
        typer.echo(secrets.wall_token(area))
    except BadAccount as problem:
        _fail(str(problem))


def _secrets(data_dir: Path | None) -> Secrets:
    from ops.wall.accounts import LooseFile, Secrets

    if data_dir is None:
        from schemas.settings import settings

        folder = settings().secrets_dir
    else:
        folder = data_dir / "secrets"
    secrets = Secrets(folder)
    try:
        secrets.accounts()
    except LooseFile as problem:
        _fail(str(problem))
    return secrets


def _password(generate: bool) -> str:
    if generate:
        import secrets

        made = secrets.token_urlsafe(12)
        typer.echo(f"口令（只显示这一次）：{made}")
        return made
    if sys.stdin.isatty():
        typed: str = typer.prompt("口令", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)
