"""``gridwhistle profile``: check a jurisdiction's files, show what is in them, start a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="配置档：检查、查看、新建 profiles: a jurisdiction as data (check, show, list, new)",
)
NameOrDir = Annotated[
    str, typer.Argument(help="自带配置档的名字，或目录 name of a shipped profile, or a directory")
]
DECISIONS = "decisions.tsv"  # what `profile test` is run on; part of no decision
MOST = 200  # problems printed before the rest is counted only


@app.command()
def check(
    name_or_dir: NameOrDir,
    strict: Annotated[bool, typer.Option(help="提示也算错误 warnings fail too")] = False,
) -> None:
    """检查配置档，逐条给出文件、行、字段、原因。 Exit 0 good, 1 wrong.

    例 example: gridwhistle profile check qinglan
    """
    from schemas.profile_files import check_profile

    found = check_profile(name_or_dir)
    for problem in found[:MOST]:
        typer.echo(f"{'提示' if problem.warning else '错误'} {problem}", err=True)
    if len(found) > MOST:
        typer.echo(f"…… 另有 {len(found) - MOST} 条", err=True)
    errors = sum(not problem.warning for problem in found)
    warnings = len(found) - errors
    typer.echo(f"{name_or_dir}：{errors} 处错误，{warnings} 条提示")
    if errors or (strict and warnings):
        raise typer.Exit(1)


@app.command()
def show(name_or_dir: NameOrDir) -> None:
    """查看配置档的概况。 What a profile holds."""
    from schemas.profile_files import ProfileProblems, load_profile

    try:
        profile = load_profile(name_or_dir)
    except ProfileProblems as problems:
        typer.echo(str(problems), err=True)
        raise typer.Exit(1) from None
    station = profile.station
    levels = [area.level for area in profile.areas.values()]
    kinds = sorted({device.kind for device in profile.devices.values()})
    fictional = "（虚构 fictional）" if station.fictional else ""
    city = profile.areas[station.city]
    hours = "、".join(f"{h.start:%H:%M}-{h.end:%H:%M}" for h in station.working_hours)
    rows = (
        ("名称", f"{station.title} {station.title_en} {fictional}".strip()),
        ("指挥中心", f"{station.centre}，值班席 {station.desk_unit}"),
        ("区划", f"{levels.count('county')} 区县 · {levels.count('town')} 乡镇街道 · "
                 f"{levels.count('village')} 村居 · {levels.count('grid')} 网格"),
        ("规模", f"{city.households:,} 户，{city.km2:,.0f} 平方公里"),
        ("事项", f"{len({c.major_code for c in profile.taxonomy.values()})} 大类 · "
                 f"{len({c.medium_code for c in profile.taxonomy.values()})} 中类 · "
                 f"{len(profile.taxonomy)} 小类"),
        ("单位", f"{len(profile.units):,}"),
        ("设备", f"{len(profile.devices):,}（{' '.join(kinds)}）"),
        ("地点", f"{len(profile.places):,}"),
        ("规则", f"{len(profile.routes)} 条分派，{len(profile.deadlines)} 条时限，"
                 f"{len(profile.phrases)} 个词"),
        ("工作时间", hours),
        ("指纹", profile.digest[:16]),
    )  # fmt: skip
    for name, value in rows:
        typer.echo(f"{name}\t{value}")
    for warning in profile.warnings:
        typer.echo(f"提示\t{warning}")


@app.command("list")
def list_() -> None:
    """自带的配置档。 Profiles that come with the package."""
    import tomllib

    from schemas.profile_files import profile_dir, shipped_profiles

    for name in shipped_profiles():
        text = (profile_dir(name) / "profile.toml").read_text(encoding="utf-8")
        station = tomllib.loads(text)
        typer.echo(f"{name}\t{station.get('title', '')}\t{station.get('title_en', '')}")


@app.command("test")
def expect(
    file: Annotated[Path, typer.Argument(help="预期判定表(TSV) table of expected decisions")],
    profile: Annotated[str, typer.Option(help="配置名或目录 profile name or folder")] = "qinglan",
) -> None:
    """按预期表逐行判定，列出不符之处和理由。 Exit 0 as expected, 1 not, 2 cannot be tried.

    例 example: gridwhistle profile test decisions.tsv --profile my_city
    """
    from ops.deciding import Deciding
    from ops.expectations import run
    from schemas.profile_files import ProfileProblems, load_profile

    try:
        loaded = load_profile(profile)
    except ProfileProblems as problems:
        typer.echo(str(problems), err=True)
        raise typer.Exit(2) from None
    try:
        outcome = run(file, Deciding(loaded))
    except OSError as problem:
        typer.echo(f"读不了 {file}：{problem.strerror}", err=True)
        raise typer.Exit(2) from None
    for bad in outcome.bad:
        typer.echo(f"错误 {bad}", err=True)
    for failure in outcome.failed:
        typer.echo(f"不符 {file.name}:{failure.line} {failure.name}")
        for column, wanted, found in failure.differs:
            typer.echo(f"  {column}：应为 {wanted}，判定为 {found}")
        for line in failure.because:
            typer.echo(f"    {line.topic}：{line.verdict}")
            for reason in line.because:
                typer.echo(f"      {reason}")
    bad_rows = len({bad.line for bad in outcome.bad})
    typer.echo(
        f"{file.name}：{outcome.rows} 行，{len(outcome.failed)} 行不符，{bad_rows} 行写法有误"
    )
    if outcome.bad or outcome.failed:
        raise typer.Exit(1)


@app.command()
def new(
    directory: Annotated[Path, typer.Argument(help="新目录 directory to make")],
    source: Annotated[str, typer.Option("--from", help="以此为底稿 copied from")] = "qinglan",
) -> None:
    """以现有配置档为底稿新建一个，再逐个文件改成自己的。 Start a profile as a copy."""
    import re
    import shutil

    from schemas.profile_files import FILES, OUTLINES, profile_dir, profile_name

    name = profile_name(directory)
    root = profile_dir(source)
    if not (root / FILES[0]).is_file():
        typer.echo(f"没有配置档 {source}；可用：gridwhistle profile list", err=True)
        raise typer.Exit(1)
    if directory.exists() and any(directory.iterdir()):
        typer.echo(f"{directory} 已存在且不是空目录，未改动任何文件", err=True)
        raise typer.Exit(1)
    directory.mkdir(parents=True, exist_ok=True)
    for file in (*FILES, OUTLINES, DECISIONS):
        if (root / file).is_file():
            shutil.copyfile(root / file, directory / file)
    settings = directory / FILES[0]
    text = settings.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^name\s*=.*$", f'name = "{name}"', text, count=1)
    settings.write_text(text, encoding="utf-8")
    typer.echo(f"{directory} 已建好（{name}）。改完后：gridwhistle profile check {directory}")
