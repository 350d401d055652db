"""``gridwhistle train`` and ``corrections``: what people decided becomes what is learned."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running


def train(
    profile: Annotated[
        str, typer.Option(help="地区配置名或目录 profile name or folder")
    ] = "qinglan",
    corrections: Annotated[
        Path | None,
        typer.Option(help="先并入的更正(TSV) corrections to add to the profile first"),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """学习判定模型:类目、短语、训练文本与更正;存入缓存,各环节下次启动时使用。

    Learn the model of a profile and keep it in the cache. Corrections are added to a profile of
    your own in its folder; of a shipped one in the data directory, nothing installed is written.
    Exit 2: it cannot be read or written.
    """
    os.environ.setdefault("GRIDWHISTLE_CORRECTIONS_DIR", str(data_dir / "corrections"))
    from ops.corrections import BadCorrections, classes_of, merge, read
    from schemas.profile_files import ProfileProblems, load_classes, profile_dir
    from schemas.profile_reading import corrections_file
    from streams.core.training import train as learn
    from streams.learned import keep, load, model_file

    try:
        found = load_classes(profile)
        if corrections is not None:
            root = profile_dir(profile)
            classes = classes_of(root, found)
            given = read(corrections, classes)
            file = corrections_file(root)
            count = merge(given.told, file, classes)
            left = f",另有 {given.elsewhere} 条的类别在此没有对应" if given.elsewhere else ""
            typer.echo(f"{file}:共 {count} 条更正{left}")
            found = load_classes(profile)
        path = model_file(found)
        model = load(path)
        if model is None:
            model = learn(found)
            keep(model, path)
    except (ProfileProblems, BadCorrections) as problem:
        raise _refuse(str(problem)) from None
    except OSError as problem:
        raise _refuse(f"{problem.filename}:{problem.strerror}") from None
    size = path.stat().st_size / 1e6
    typer.echo(
        f"{found.station.title}:{len(found.training)} 条文本,{len(model.labels)} 个类别,"
        f"{len(model.grams)} 个字串,{size:.1f} MB"
    )
    typer.echo(f"{path}")


def corrections(
    file: Annotated[Path, typer.Argument(help="写到哪个 TSV 文件 where to write")],
    days: Annotated[int, typer.Option(min=1, help="最近多少天 how many days back")] = 90,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """导出人工更正:登记、派单时由人给出的类别,供 gridwhistle train 学习。

    Export classes that people gave to cases, for ``gridwhistle train --corrections FILE``.
    """
    from connectors.clickhouse import StoreError, connect
    from ops.corrections import recorded, write
    from schemas.settings import settings
    from streams.sink import store_address

    use_running(data_dir)
    try:
        client = connect(store_address(settings()))
        told = recorded(client, datetime.now(UTC) - timedelta(days=days))
        count = write(told, file)
    except StoreError as problem:
        raise _refuse(f"存储无法查询:{problem}") from None
    except OSError as problem:
        raise _refuse(f"写不了 {file}:{problem.strerror}") from None
    typer.echo(f"{file}:{count} 条更正")


def _refuse(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)
