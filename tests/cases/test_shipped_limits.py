"""The shipped profile decides every clock of every case by a row of its own."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest

from schemas.case import Clock
from schemas.profile_files import load_profile
from streams.core.deadlines import start_clock
from streams.core.limits import limit
from streams.core.rules import Rules
from streams.core.workdays import load_workdays
from tests.cases.small_city import START, Story, shanghai


@pytest.fixture(scope="module")
def shipped() -> Rules:
    profile = load_profile("qinglan")
    return Rules(profile, load_workdays(profile))


def a_case(rules: Rules, **fields: Any) -> Any:
    grid = next(a.code for a in rules.profile.areas.values() if a.level == "grid")
    place = {"village": grid[:12], "grid": grid}
    return Story().opens().case.model_copy(update=place | fields)


def test_every_clock_has_a_row(shipped: Rules) -> None:
    used: set[str] = set()
    for row, channel in product(shipped.profile.taxonomy.values(), shipped.profile.channels):
        for grade in {row.grade, 1}:
            case = a_case(shipped, class_code=row.code, grade=grade, channel=channel)
            for clock in get_args(Clock):
                found = limit(shipped, case, clock)
                assert found.minutes > 0
                used.add(found.rule)
    unclassed = a_case(shipped, class_code="", grade=3)
    used |= {limit(shipped, unclassed, clock).rule for clock in get_args(Clock)}
    assert used == {row.rule_id for row in shipped.profile.deadlines}  # no default, no dead row


BEGUN: tuple[Clock, ...] = ("sign", "contact", "respond")


@pytest.mark.parametrize("hours", [0, 3, 9, 13, 62, 14 * 24 + 13])  # into days, nights, weekends
def test_nobody_must_have_done_what_they_need_not_have_begun(shipped: Rules, hours: int) -> None:
    """These clocks start at dispatch; no calendar may turn their order round."""
    now = START + timedelta(hours=hours)
    wrong: list[str] = []
    for row, channel in product(shipped.profile.taxonomy.values(), shipped.profile.channels):
        for grade in {row.grade, 1}:
            case = a_case(
                shipped, class_code=row.code, grade=grade, channel=channel, emergency=grade == 1
            )
            handle = start_clock(shipped, case, "handle", now)
            for clock in BEGUN:
                begun = start_clock(shipped, case, clock, now)
                if begun.due > handle.due:
                    wrong.append(f"{row.code} {grade} {channel} {begun.rule} {handle.rule}")
    assert wrong == []


def test_an_emergency_of_a_calm_class_is_accepted_as_an_emergency(shipped: Rules) -> None:
    calm = next(r for r in shipped.profile.taxonomy.values() if r.grade == 3)
    own, lifted = (
        limit(shipped, a_case(shipped, class_code=calm.code, grade=g, channel="mini_app"), "accept")
        for g in (3, 1)
    )
    assert own.minutes == calm.accept_minutes
    assert lifted.minutes == shipped.profile.grades[1].accept_minutes < own.minutes


def test_every_village_is_heard_at_its_county(shipped: Rules) -> None:
    for area in shipped.profile.areas.values():
        if area.level == "village":
            assert shipped.desk(area.code, "county") == f"desk-{area.code[:6]}"


def test_fifteen_working_days(shipped: Rules) -> None:
    """360 hours of working time in the taxonomy are fifteen working days."""
    (row,) = [r for r in shipped.profile.taxonomy.values() if r.handle_hours == 360]
    case = a_case(shipped, class_code=row.code, grade=row.grade, channel="petition")
    clock = start_clock(shipped, case, "handle", START)
    assert shanghai(clock.due) == "2026-03-31 18:00"  # from Wednesday morning, 11 March
    assert clock.minutes == 15 * shipped.workdays.day_minutes
