"""History replayed: the same under the rules it was made by, different under others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.backtest import Matter
from schemas.case import Change
from schemas.ids import SHANGHAI
from schemas.profile import DeadlineRule, Route
from streams.core.backtest import (
    Played,
    Shown,
    Verdict,
    answered,
    by_month_and_unit,
    replay,
    routed,
)
from streams.core.route import Router
from streams.core.rules import Rules
from tests.cases.small_city import DEADLINES, GRID, START, VILLAGE, WORKDAYS, Story, small_profile
from tests.reports.busy_city import BusyCity

FIFTEEN = DeadlineRule(
    rule_id="15d", clock="handle", channels=("petition",), minutes=15 * 420, calendar="working",
    yellow_pct=80, escalate_minutes=2100,
)  # fmt: skip
PETITION = Matter("110306", 4, False, "petition", VILLAGE, GRID)


def histories(city: BusyCity) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in city.changes:
        found.setdefault(change.case.case_no, []).append(change)
    return found


@pytest.mark.parametrize("seed", [31, 32])
def test_under_its_own_rules_history_repeats_itself(seed: int) -> None:
    city = BusyCity(seed, cases=150)
    shown = 0
    for history in histories(city).values():
        until = history[-1].at
        played = replay(history, city.rules, until)
        assert played.refused == ()
        assert played.unit == history[-1].case.unit
        lights = [(c.clock, c.stage, c.at) for c in history if c.move == "overdue"]
        assert [tuple(one) for one in played.shown] == lights
        shown += len(lights)
    assert shown > 200


def test_tighter_limits_show_lights_that_were_not_there() -> None:
    story = Story()
    story.opens(class_code="110306", grade=4, unit="housing-990101")
    story.after(minutes=600)
    now = story.now
    strict = DeadlineRule(rule_id="x", clock="sign", minutes=60, escalate_minutes=30)
    tight = Rules(small_profile(deadlines=(strict, *DEADLINES)), WORKDAYS)
    before, after = (replay(story.changes, r, now) for r in (story.rules, tight))
    assert [(s.clock, s.stage) for s in before.shown] == [
        ("sign", "yellow"), ("sign", "red"), ("sign", "escalate"),
    ]  # fmt: skip
    reds = {s.stage: s.at for s in after.shown if s.clock == "sign"}
    assert reds["red"] == START + timedelta(minutes=60)
    assert reds["escalate"] == START + timedelta(minutes=90)


def test_changed_routes_send_it_elsewhere() -> None:
    story = Story()
    story.opens()
    profile = small_profile(routes=(Route(route_id="r", department="住建", level="county"),))
    rules = Rules(profile, WORKDAYS)
    unit = routed(Router(profile), story.it, story.it.opened_at)
    assert unit == "housing-990101"
    played = replay(story.changes, rules, story.now, unit)
    assert (played.unit, played.refused) == ("housing-990101", ())


def test_moves_the_new_rules_do_not_know_are_said() -> None:
    story = Story()
    story.opens()
    units = small_profile().units
    gone = replace(small_profile(), units={u: r for u, r in units.items() if "fire" not in u})
    played = replay(story.changes, Rules(gone, WORKDAYS), story.now)
    assert played.unit == "desk-990101", "no such unit: a person at the desk decides"


@given(
    st.integers(0, 500 * 1440), st.integers(0, 60 * 24 * 60),
    st.booleans(),
)  # fmt: skip
def test_fifteen_working_days_counted_by_hand(start, minutes, open_still) -> None:
    opened = datetime(2025, 1, 2, tzinfo=SHANGHAI) + timedelta(minutes=start)
    replied = opened + timedelta(minutes=minutes)
    until = opened + timedelta(days=365)
    rules = Rules(small_profile(deadlines=(FIFTEEN, *DEADLINES)), WORKDAYS)
    played = answered(rules, PETITION, "u", opened, None if open_still else replied, until)
    worked = by_hand(opened, until if open_still else replied)
    assert played.has("red") == (
        worked > 15 * 420 or (worked == 15 * 420 and later(opened, replied))
    )
    assert played.has("yellow") or not played.has("red")


def by_hand(start: datetime, end: datetime) -> int:
    """Working minutes from day to day, by the calendar's word on each day."""
    total, day = 0, start.date()
    while day <= end.date():
        for first, last in ((9, 12), (14, 18)) if WORKDAYS.is_workday(day) else ():
            a = max(start, at(day, first))
            b = min(end, at(day, last))
            total += max(0, int((b - a).total_seconds() // 60))
        day += timedelta(days=1)
    return total


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)


def later(start: datetime, end: datetime) -> bool:
    """Whether the fifteen days had been full for a while when the answer came (e.g. at night)."""
    return by_hand(start, end - timedelta(minutes=1)) == 15 * 420


def test_counts_by_month_and_unit() -> None:
    light = Shown("handle", "red", START)
    verdicts = [
        Verdict("2026-03", Played("a"), Played("a", (light,))),
        Verdict("2026-03", Played("b", (light,)), Played("c", (light,), ("sign: 不行",))),
        Verdict("2026-01", Played("a", (light,)), Played("a")),
    ]
    months, units = by_month_and_unit(verdicts)
    assert list(months) == ["2026-01", "2026-03"]
    march = months["2026-03"]
    assert (march.cases, march.old["red"], march.new["red"]) == (2, 1, 2)
    assert (march.elsewhere, march.refused) == (1, 1)
    assert (units["a"].cases, units["a"].old["red"], units["a"].new["red"]) == (2, 1, 1)
