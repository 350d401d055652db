"""``gridwhistle tokens``: which source may report on which channels over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from connectors.tokens import TokenBook

app = typer.Typer(no_args_is_help=True, help="接入令牌 tokens of reporting sources")

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="up 的数据目录,缺省取环境设置 data directory of `up`"),
]


@app.command()
def create(
    source: Annotated[str, typer.Argument(help="来源名,如 city-12345 / name of the source")],
    channel: Annotated[list[str], typer.Option("--channel", "-c", help="可多次 repeatable")],
    data_dir: DataDir = None,
) -> None:
    """新建令牌:只显示这一次,文件中只存哈希。即时生效。

    例:gridwhistle tokens create city-12345 -c hotline_12345
    """
    from connectors.tokens import TokenProblem

    try:
        typer.echo(_book(data_dir).create(source, channel))
    except (TokenProblem, OSError) as problem:
        _fail(str(problem))
    typer.echo("请立即保存;请求时携带 Authorization: Bearer <令牌>", err=True)


@app.command("list")
def list_(data_dir: DataDir = None) -> None:
    """列出令牌:编号、来源、建立时间、渠道。不含令牌本身。"""
    from connectors.tokens import TokenProblem

    try:
        grants = _book(data_dir).grants()
    except (TokenProblem, OSError) as problem:
        _fail(str(problem))
    for grant in grants:
        channels = ",".join(grant.channels)
        typer.echo(f"{grant.id}\t{grant.source}\t{grant.created:%Y-%m-%d}\t{channels}")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="令牌编号,或来源名(吊销其全部) id or source")],
    data_dir: DataDir = None,
) -> None:
    """吊销令牌,即时生效。"""
    from connectors.tokens import TokenProblem

    try:
        gone = _book(data_dir).revoke(name)
    except (TokenProblem, OSError) as problem:
        _fail(str(problem))
    typer.echo(f"已吊销 {len(gone)} 个")


def _book(data_dir: Path | None) -> TokenBook:
    from connectors.tokens import FILE, TokenBook
    from schemas.settings import settings

    folder = settings().secrets_dir if data_dir is None else data_dir / "secrets"
    return TokenBook(folder / FILE)


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)
