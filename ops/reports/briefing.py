"""The weekly briefing 周报 and the monthly analysis 月度分析 as Markdown.

They name places, classes and units, never persons; figures of fewer than ten cases are hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from clickhouse_connect.driver.client import Client

from ops.reports.figures import Figure, Period, kpis
from ops.reports.labels import label
from ops.reports.published import SMALL, basis, change, published, words
from ops.reports.reckoned import lacking
from ops.reports.table import KPIS, By
from schemas.ids import SHANGHAI
from schemas.profile import Profile


class Chapter(NamedTuple):
    """A table split by something: the first KPI sorts it, the others stand beside it."""

    title: str
    by: By
    kpis: tuple[str, ...]
    rows: int


WEEKLY: tuple[Chapter, ...] = (
    Chapter("问题集中的类别", "class", ("intake_total", "red_count", "median_handle_hours"), 10),
    Chapter("各区县", "area", ("intake_total", "on_time_close_rate", "overdue_open"), 20),
    Chapter("承办单位红黄灯", "unit", ("red_count", "yellow_count", "overdue_open"), 15),
)
MONTHLY: tuple[Chapter, ...] = (
    Chapter("大类分布", "major", ("intake_total", "backlog", "merge_rate"), 20),
    Chapter(
        "问题集中的类别", "class",
        ("intake_total", "on_time_close_rate", "median_handle_hours", "p90_handle_hours"), 15,
    ),
    Chapter(
        "各区县", "area",
        ("intake_total", "close_rate", "on_time_close_rate", "satisfaction_rate", "overdue_open"),
        20,
    ),
    Chapter(
        "承办单位", "unit",
        ("intake_total", "sign_on_time_rate", "on_time_close_rate", "return_rate", "rework_rate",
         "red_count"), 20,
    ),
    Chapter("同地重复", "grid", ("repeat_place_rate", "intake_total"), 15),
    Chapter("渠道", "channel", ("intake_total", "accept_on_time_rate"), 20),
)  # fmt: skip


def briefing(
    client: Client, profile: Profile, period: Period, chapters: Sequence[Chapter], title: str, *,
    area: str = "", simulated: bool = False,
) -> str:  # fmt: skip
    """The report as Markdown. StoreUnavailable, StoreRejected."""
    place = label(profile, "area", area) if area else profile.station.title
    lines = [f"# {place}网格化治理{title}", "", _span(period), ""]
    if simulated:
        lines += ["**仿真数据,不代表任何真实情况。**", ""]
    now = kpis(client, profile, period, area=area, simulated=simulated)
    before = kpis(client, profile, period.before, area=area, simulated=simulated)
    lines += ["## 总体", "", *_overall(now, before)]
    for number, chapter in enumerate(chapters, 1):
        figures = kpis(
            client, profile, period, area=area, by=chapter.by, simulated=simulated,
            only=chapter.kpis,
        )  # fmt: skip
        lines += ["", f"## {number}. {chapter.title}", "", *_table(chapter, figures, profile)]
    lines += ["", "## 说明", ""]
    lines.append(f"- 不足 {SMALL} 件的数不公布,以 <{SMALL} 表示;“—”为本期没有可计算的案件。")
    lines.append("- 按期办结率 = 按期办结 ÷(已办结 + 超期未办)。“较上期”为与前一等长时段相比。")
    lines.append("- 区域风险指数 = 本期立案按等级加权之和,每千户;无户数的区域为每平方公里。")
    lines += [f"- {name}:暂缺,{why}。" for name, why in lacking(profile).values()]
    return "\n".join(lines) + "\n"


def _overall(now: list[Figure], before: list[Figure]) -> list[str]:
    old = {one.figure.kpi: one for one in published(before)}
    lines = ["| 指标 | 本期 | 依据 | 较上期 |", "|---|---:|---:|---:|"]
    for figure, hidden in published(now):
        was = old.get(figure.kpi)
        trend = "" if hidden or was is None or was.hidden else change(figure, was.figure)
        shown, rests = words(figure, hidden), basis(figure, hidden)
        lines.append(f"| {KPIS[figure.kpi].name} | {shown} | {rests} | {trend} |")
    return lines


def _table(chapter: Chapter, figures: list[Figure], profile: Profile) -> list[str]:
    cells = {(one.figure.kpi, one.figure.key): one for one in published(figures)}
    names = [name for name in chapter.kpis if chapter.by in KPIS[name].by]
    keys = {one.key for one in figures}

    def size(key: str) -> tuple[float, str]:
        one = cells.get((names[0], key))
        return (-one.figure.n if one else 0.0, key)

    lines = [
        f"| {chapter.title} | " + " | ".join(KPIS[name].name for name in names) + " |",
        "|---|" + "---:|" * len(names),
    ]
    for key in sorted(keys, key=size)[: chapter.rows]:
        row = [cells.get((name, key)) for name in names]
        shown = [words(*one) if one else _none(name) for one, name in zip(row, names, strict=True)]
        name = label(profile, chapter.by, key).replace("|", "/")
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    return lines if keys else ["本期没有案件。"]


def _none(kpi: str) -> str:
    return "0" if KPIS[kpi].unit == "count" else "—"


def _span(period: Period) -> str:
    def day(at: datetime) -> str:
        return at.astimezone(SHANGHAI).strftime("%Y年%m月%d日 %H:%M")

    return f"{day(period.since)} 至 {day(period.until)}(北京时间,不含末刻)"
