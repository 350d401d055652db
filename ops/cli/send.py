"""``gridwhistle send``: one report (or a few) into the running system, by hand."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running

if TYPE_CHECKING:
    from connectors.inbound.edge import Admitted

SOURCE = "cli"


def send(
    channel: Annotated[str, typer.Argument(help="渠道,如 hotline_12345、fire_iot / channel")],
    report: Annotated[str, typer.Argument(help="JSON、@文件,或 - 读标准输入 / JSON, @file or -")],
    format: Annotated[
        str, typer.Option("--format", "-f", help="payload 格式,如 native、gb28181")
    ] = "native",
    url: Annotated[
        str, typer.Option(help="经 HTTP 接入发送,如 http://127.0.0.1:8080 / through the intake")
    ] = "",
    token: Annotated[
        str, typer.Option(envvar="GRIDWHISTLE_TOKEN", help="HTTP 接入令牌 token of the source")
    ] = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """发送一条上报:直接写入 Kafka,或加 --url 走 HTTP 接入。成功即已被 Kafka 确认。

    gridwhistle send hotline_12345 '{"id": "t-1", "text": "人民路井盖破了"}'
    """
    from connectors.inbound.formats import INBOUND, formats_for
    from schemas.raw import TOPIC_OF

    if channel not in TOPIC_OF:
        raise typer.BadParameter(f"可用:{'、'.join(TOPIC_OF)}", param_hint="CHANNEL")
    if format not in INBOUND or channel not in INBOUND[format].channels:
        names = "、".join(row.name for row in formats_for(channel))
        raise typer.BadParameter(f"{channel} 可用:{names}", param_hint="--format")
    body = _body(report)
    if url:
        raise typer.Exit(_post(url, channel, format, token, body))
    raise typer.Exit(_produce(channel, format, body, data_dir))


def _body(report: str) -> bytes:
    if report == "-":
        return sys.stdin.buffer.read()
    if not report.startswith("@"):
        return report.encode()
    try:
        return Path(report[1:]).read_bytes()
    except OSError as error:
        raise typer.BadParameter(str(error), param_hint="REPORT") from None


def _produce(channel: str, format: str, body: bytes, data_dir: Path) -> int:
    from connectors.inbound.edge import Edge
    from connectors.inbound.formats import INBOUND
    from connectors.inbound.problems import Refused
    from connectors.kafka import KafkaUnavailable
    from connectors.vault import KEYS, KeyProblem, load_or_create
    from schemas.settings import settings

    if "GRIDWHISTLE_KAFKA" not in os.environ:
        use_running(data_dir)
    try:
        edge = Edge(load_or_create(settings().secrets_dir / KEYS))
        items = INBOUND[format].parse(body)
        admitted = edge.admit_all(items, channel=channel, source=SOURCE)
    except Refused as refused:
        for problem in refused.problems:
            where = f"第 {problem.index + 1} 条 {problem.field or '(整体)'}"
            typer.echo(f"{where}:{problem.reason}", err=True)
        return 1
    except (KeyProblem, OSError) as error:
        typer.echo(str(error), err=True)
        return 2
    try:
        asyncio.run(_deliver(admitted))
    except KafkaUnavailable as error:
        typer.echo(f"Kafka 没有确认,未计为收下:{error}", err=True)
        return 2
    for item in admitted:
        typer.echo(json.dumps({"id": item.raw.id, "event_id": item.event_id}, ensure_ascii=False))
    return 0


async def _deliver(admitted: list[Admitted]) -> None:
    from connectors.kafka import KafkaAddress, Producer
    from schemas.settings import settings

    async with Producer(KafkaAddress.of(settings()), client_id="gridwhistle-send") as producer:
        await producer.send_many([record for item in admitted for record in item.records()])


def _post(url: str, channel: str, format: str, token: str, body: bytes) -> int:
    import httpx

    try:
        answer = httpx.post(
            f"{url.rstrip('/')}/api/v1/intake/{channel}",
            params={"format": format},
            content=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=15,
        )
    except httpx.HTTPError as error:
        typer.echo(f"{url}:{error}", err=True)
        return 2
    typer.echo(answer.text, err=answer.status_code != 202)
    return 0 if answer.status_code == 202 else 1
