"""``gridwhistle report``: the figures a centre is judged by, and briefings made from them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ops.cli.context import DEFAULT_DATA_DIR, DataDir, use_running

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from ops.cli.reporttable import Line
    from ops.reports.briefing import Chapter
    from ops.reports.figures import Figure, Period
    from schemas.profile import Profile

app = typer.Typer(name="report", help="指标与简报 figures and briefings", no_args_is_help=True)

Since = Annotated[
    str, typer.Option(help="起(含),北京时间,如 2026-11-01 或 2026-11-01T08:00 from, inclusive")
]
Until = Annotated[str, typer.Option(help="止(不含),缺省为现在 until, exclusive; default now")]
Area = Annotated[str, typer.Option(help="区域编码前缀,空为全市 area code prefix")]
World = Annotated[
    Literal["auto", "real", "simulated"],
    typer.Option(help="真实案件或仿真案件,从不混算;auto:没有真实案件时才看仿真 never mixed"),
]
SPLITS = (
    "", "unit", "area", "class", "major", "channel", "grid", "field", "batch", "kind", "building"
)  # fmt: skip


@app.command()
def kpi(
    since: Since = "",
    until: Until = "",
    area: Area = "",
    by: Annotated[
        str,
        typer.Option(help="分列 split by: " + "|".join(SPLITS[1:])),
    ] = "",
    only: Annotated[
        str, typer.Option("--kpi", help="只看这些指标,逗号分隔 only these, comma separated")
    ] = "",
    top: Annotated[int, typer.Option(min=1, help="分列时每个指标最多几行 rows a figure")] = 10,
    world: World = "auto",
    public: Annotated[
        bool, typer.Option("--public", help="公布口径:隐去不足 10 件的数 hide small cells")
    ] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="输出 CSV")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """考核指标:受理、签收、办结、红黄灯、回访满意等,缺省为最近七天。

    The figures of a period. Rates show what they were divided by. Exit code 2: cannot be asked.
    """
    from ops.cli import reporttable as table
    from ops.reports.figures import kpis
    from ops.reports.reckoned import lacking
    from ops.reports.table import KPIS

    names = [one for one in only.split(",") if one]
    unknown = [one for one in names if one not in KPIS]
    if unknown or by not in SPLITS:
        wrong = f"没有指标 {'、'.join(unknown)}" if unknown else f"不能按 {by} 分列"
        raise _refuse(f"{wrong};指标:{' '.join(KPIS)};分列:{' '.join(SPLITS[1:])}")
    client, profile, period, simulated = _open(data_dir, since, until, area, world, days=7)
    figures = _asked(
        lambda: kpis(
            client, profile, period, area=area, by=by, simulated=simulated,  # type: ignore[arg-type]
            only=names,
        )
    )  # fmt: skip
    rows = _rows(figures, profile, by, public)
    missing = {} if only else lacking(profile)
    if as_json:
        table.as_json(rows, period, area, by, simulated, missing)
    elif as_csv:
        table.as_csv(rows)
    else:
        table.as_table(rows, period, area, by, top, simulated, missing)


@app.command()
def weekly(
    until: Until = "",
    area: Area = "",
    world: World = "auto",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """周报(Markdown):七天,与前七天相比。The week's briefing against the week before."""
    from ops.reports.briefing import WEEKLY

    _briefing(WEEKLY, "周报", 7, until, area, world, data_dir)


@app.command()
def monthly(
    until: Until = "",
    area: Area = "",
    world: World = "auto",
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """月度分析(Markdown):三十天,与前三十天相比。Thirty days against the thirty before."""
    from ops.reports.briefing import MONTHLY

    _briefing(MONTHLY, "月度分析", 30, until, area, world, data_dir)


def _briefing(
    chapters: tuple[Chapter, ...], title: str, days: int, until: str, area: str, world: str,
    data_dir: Any,
) -> None:  # fmt: skip
    from ops.reports.briefing import briefing

    client, profile, period, simulated = _open(data_dir, "", until, area, world, days)
    text = _asked(
        lambda: briefing(
            client, profile, period, chapters, title, area=area, simulated=simulated
        )
    )  # fmt: skip
    typer.echo(text, nl=False)


def _open(
    data_dir: Any, since: str, until: str, area: str, world: str, days: int
) -> tuple[Client, Profile, Period, bool]:
    from connectors.clickhouse import connect
    from ops.reports.figures import Period, worlds
    from schemas.profile_files import ProfileProblems, load_profile
    from schemas.settings import settings
    from streams.sink import store_address

    end = _moment(until) if until else datetime.now().astimezone()
    begin = _moment(since) if since else end - timedelta(days=days)
    if begin >= end:
        raise _refuse(f"--since {since} 不早于 --until {until or '现在'}")
    if area and not area.isdigit():
        raise _refuse(f"--area 应为区域编码(数字),不是 {area}")
    use_running(data_dir, "reports")
    chosen, period = settings(), Period(begin, end)
    try:
        profile = load_profile(chosen.profile)
    except ProfileProblems as problems:
        raise _refuse(str(problems)) from None
    client = _asked(lambda: connect(store_address(chosen)))
    if world == "auto":
        real, simulated = _asked(lambda: worlds(client, period, area))
        return client, profile, period, real == 0 and simulated > 0
    return client, profile, period, world == "simulated"


def _moment(text: str) -> datetime:
    from schemas.ids import SHANGHAI

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _refuse(f"时间 {text} 应写作 2026-11-01 或 2026-11-01T08:00") from None
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def _asked(ask: Any) -> Any:
    from connectors.clickhouse import StoreError

    try:
        return ask()
    except StoreError as problem:
        raise _refuse(f"存储无法查询:{problem};请运行 gridwhistle doctor") from None


def _rows(figures: list[Figure], profile: Profile, by: str, public: bool) -> list[Line]:
    from ops.cli.reporttable import Line
    from ops.reports.labels import label
    from ops.reports.published import SMALL, published

    small = SMALL if public else 0
    return [
        Line(one.figure, one.hidden, label(profile, by, one.figure.key))
        for one in published(figures, small)
    ]


def _refuse(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)
