"""Figures as a table for people, as CSV and as JSON for other programs."""

from __future__ import annotations

import csv
import json
import sys
from typing import NamedTuple

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ops.reports.figures import Figure, Period
from ops.reports.published import basis, words
from ops.reports.table import KPIS
from schemas.ids import SHANGHAI

Lacking = dict[str, tuple[str, str]]  # KPI → its name, and what it would need


class Line(NamedTuple):
    figure: Figure
    hidden: bool  # too few cases to be published
    label: str


def as_json(
    rows: list[Line], period: Period, area: str, by: str, simulated: bool, lacking: Lacking
) -> None:
    body = {
        "since": period.since.isoformat(), "until": period.until.isoformat(),
        "area": area, "by": by, "simulated": simulated,
        "figures": [
            {
                "kpi": f.kpi, "name": KPIS[f.kpi].name, "unit": KPIS[f.kpi].unit,
                "key": f.key, "label": text, "hidden": hidden,
                "value": None if hidden else f.value,
                "n": None if hidden else f.n, "of": None if hidden else f.of,
            }
            for f, hidden, text in rows
        ],
        "unavailable": [
            {"kpi": name, "name": zh, "reason": why} for name, (zh, why) in lacking.items()
        ],
    }  # fmt: skip
    typer.echo(json.dumps(body, ensure_ascii=False, indent=1))


def as_csv(rows: list[Line]) -> None:
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("kpi", "name", "key", "label", "value", "unit", "n", "of"))
    for f, hidden, text in rows:
        value = "" if hidden or f.value is None else f.value
        parts = ("", "") if hidden else (f.n, f.of)
        out.writerow((f.kpi, KPIS[f.kpi].name, f.key, text, value, KPIS[f.kpi].unit, *parts))


def as_table(
    rows: list[Line], period: Period, area: str, by: str, top: int, simulated: bool,
    lacking: Lacking,
) -> None:  # fmt: skip
    span = " 至 ".join(at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") for at in period)
    title = f"考核指标 {area or '全市'} {span}" + (" [仿真数据]" if simulated else "")
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))
    for name in ("指标", *(("对象",) if by else ())):
        table.add_column(name, no_wrap=True)
    for name in ("数值", "分子/分母"):
        table.add_column(name, justify="right", no_wrap=True)
    seen: dict[str, int] = {}
    for f, hidden, text in sorted(rows, key=lambda r: (list(KPIS).index(r[0].kpi), -r[0].n)):
        seen[f.kpi] = seen.get(f.kpi, 0) + 1
        if seen[f.kpi] > top:
            continue
        name = KPIS[f.kpi].name if seen[f.kpi] == 1 else ""
        table.add_row(name, *((text,) if by else ()), words(f, hidden), basis(f, hidden))
    console = Console(highlight=False, markup=False)
    needed = Console(width=1000).measure(table).maximum
    Console(highlight=False, markup=False, width=max(needed, console.width)).print(table)
    left = sum(max(0, n - top) for n in seen.values())
    if left:
        console.print(f"另有 {left} 行未列,加 --top 或 --csv")
    for name, why in lacking.values():
        console.print(f"暂缺 {name}:{why}")
