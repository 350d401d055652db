"""What a published aggregate may show: no cell that counts fewer than ten cases.

A single hidden cell could be worked out from the total, so the smallest other one is hidden too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ops.reports.figures import Figure
from ops.reports.table import KPIS

SMALL = 10


class Shown(NamedTuple):
    figure: Figure
    hidden: bool


def published(figures: Iterable[Figure], small: int = SMALL) -> list[Shown]:
    """The figures in their order, each with whether it has to be hidden."""
    listed = list(figures)
    hidden = {i for i, one in enumerate(listed) if 0 < cases(one) < small}
    for name in {one.kpi for one in listed}:
        mine = [i for i, one in enumerate(listed) if one.kpi == name and one.key]
        if len(mine) > 1 and sum(i in hidden for i in mine) == 1:
            hidden.add(min((i for i in mine if i not in hidden), key=lambda i: cases(listed[i])))
    return [Shown(one, i in hidden) for i, one in enumerate(listed)]


def cases(figure: Figure) -> float:
    """How many cases stand behind a figure."""
    return figure.n if KPIS[figure.kpi].unit in ("count", "index") else figure.of


def words(figure: Figure, hidden: bool = False) -> str:
    """A figure as people read it: 87.5%, 1,204, 3.5 小时; — for nothing to divide."""
    if hidden:
        return f"<{SMALL}"
    value = figure.value
    if value is None:
        return "—"
    match KPIS[figure.kpi].unit:
        case "count":
            return f"{value:,.0f}"
        case "rate":
            return f"{value:.1%}"
        case "hours":
            return f"{value:.1f} 小时"
        case "minutes":
            return f"{value:.1f} 分钟"
        case "seconds":
            return f"{value:.0f} 秒"
        case "index":
            return f"{value:,.1f}"


def basis(figure: Figure, hidden: bool = False) -> str:
    """What a figure rests on: ``21/24`` of a rate, the number of cases of a time."""
    if hidden or KPIS[figure.kpi].unit == "count":
        return ""
    match KPIS[figure.kpi].unit:
        case "rate":
            return f"{figure.n:,.0f}/{figure.of:,}"
        case "index":
            return f"{figure.n:,.0f} 分"
    return f"{figure.of:,} 件"


def change(now: Figure, before: Figure | None) -> str:
    """The trend against the period before: points of a rate, percent of anything else."""
    old = before.value if before else None
    if now.value is None or old is None:
        return ""
    if KPIS[now.kpi].unit == "rate":
        points = (now.value - old) * 100
        return f"{points:+.1f} 个百分点" if abs(points) >= 0.05 else "持平"
    if old == 0:
        return "" if now.value == 0 else "新增"
    share = now.value / old - 1
    return f"{share:+.1%}" if abs(share) >= 0.0005 else "持平"
