"""``gridwhistle serve``: the wall, the console and the HTTP interface as a process of their own."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    port: Annotated[int, typer.Option(help="端口 port; 0 = any free one")] = 8080,
    host: Annotated[str, typer.Option(help="监听地址 address to listen on")] = "127.0.0.1",
) -> None:
    """启动大屏、值班台与接口 / start wall, console and HTTP interface.

    地址与口令取自环境变量 GRIDWHISTLE_*（Kafka、ClickHouse、配置、密钥目录）；`gridwhistle up`
    会自行启动它。对外提供服务请置于 HTTPS 反向代理之后，代理不得缓冲 text/event-stream。
    """
    from ops.wall.__main__ import run

    raise typer.Exit(run(port, host))
