"""Small cells stay hidden, also from those who subtract; briefings name no persons."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ops.reports.briefing import MONTHLY, WEEKLY, briefing
from ops.reports.figures import Figure, Period
from ops.reports.published import basis, change, published, words
from tests.cases.small_city import START
from tests.reports.busy_city import BusyCity


def hidden(*figures: Figure) -> list[bool]:
    return [one.hidden for one in published(figures)]


def test_small_cells_are_hidden() -> None:
    assert hidden(Figure("backlog", "", 9, 0)) == [True]
    assert hidden(Figure("backlog", "", 10, 0)) == [False]
    assert hidden(Figure("backlog", "", 0, 0)) == [False]
    assert hidden(Figure("close_rate", "a", 3, 9), Figure("close_rate", "b", 3, 8)) == [True, True]
    assert hidden(Figure("close_rate", "a", 3, 10)) == [False]


def test_a_lone_hidden_cell_takes_the_smallest_other_with_it() -> None:
    cells = [Figure("backlog", key, n, 0) for key, n in (("a", 50), ("b", 4), ("c", 20))]
    assert hidden(*cells) == [False, True, True]
    cells = [Figure("backlog", key, n, 0) for key, n in (("a", 50), ("b", 4), ("c", 5))]
    assert hidden(*cells) == [False, True, True]


@pytest.mark.parametrize(
    ("figure", "text", "rests"),
    [
        (Figure("close_rate", "", 7, 8), "87.5%", "7/8"),
        (Figure("close_rate", "", 0, 0), "—", "0/0"),
        (Figure("backlog", "", 1204, 0), "1,204", ""),
        (Figure("median_handle_hours", "", 3.456, 12), "3.5 小时", "12 件"),
        (Figure("alarm_ack_p50_seconds", "", 41.7, 3), "42 秒", "3 件"),
    ],
)
def test_words_of_a_figure(figure: Figure, text: str, rests: str) -> None:
    assert (words(figure), basis(figure)) == (text, rests)
    assert (words(figure, hidden=True), basis(figure, hidden=True)) == ("<10", "")


def test_trends() -> None:
    rate = Figure("close_rate", "", 9, 10)
    assert change(rate, Figure("close_rate", "", 8, 10)) == "+10.0 个百分点"
    assert change(rate, rate) == "持平"
    assert change(rate, Figure("close_rate", "", 0, 0)) == ""
    assert change(Figure("backlog", "", 5, 0), Figure("backlog", "", 10, 0)) == "-50.0%"
    assert change(Figure("backlog", "", 5, 0), Figure("backlog", "", 0, 0)) == "新增"


def test_briefings_of_a_city(new_store) -> None:
    city, client = BusyCity(21, cases=150), new_store()
    city.into(client)
    period = Period(START + timedelta(days=14), START + timedelta(days=21))
    week = briefing(client, city.profile, period, WEEKLY, "周报")
    assert week.startswith("# 小城网格化治理周报\n\n2026年03月25日 09:00 至 2026年04月01日 09:00")
    assert "仿真" not in week
    assert "个百分点" in week
    month = briefing(client, city.profile, period, MONTHLY, "月度分析", simulated=True)
    assert "**仿真数据,不代表任何真实情况。**" in month
    for text in (week, month):
        rows = [line for line in text.splitlines() if line.startswith("|")]
        widths = {line.count("|") for line in rows}
        assert widths <= {4, 5, 6, 7, 8}
        assert all(cell not in text for cell in ("| 1 |", "| 7 |", "| 9 |")), "a small cell"
        assert not any(c.reporter and c.reporter in text for c in city.newest().values())
        assert "暂缺" not in text


def test_a_week_without_cases_says_so(new_store) -> None:
    period = Period(START, START + timedelta(days=7))
    text = briefing(new_store(), BusyCity(1, cases=0).profile, period, WEEKLY, "周报")
    assert text.count("本期没有案件。") == 3
    assert "| 按期办结率 | — | 0/0 |  |" in text
