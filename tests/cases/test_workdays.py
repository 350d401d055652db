"""Working time: holidays, make-up days, midnight, years without a published list."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ids import SHANGHAI
from schemas.profile import DayOff, Hours
from streams.core.workdays import Workdays, load_workdays
from tests.cases.small_city import HOURS, WORKDAYS, shanghai, small_profile


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-03-11 09:00", 0, "2026-03-11 09:00"),
        ("2026-03-11 09:00", 180, "2026-03-11 12:00"),  # ends with the morning, not at 14:00
        ("2026-03-11 09:00", 181, "2026-03-11 14:01"),
        ("2026-03-11 13:00", 1, "2026-03-11 14:01"),  # at lunch
        ("2026-03-11 17:30", 60, "2026-03-12 09:30"),  # over the night
        ("2026-03-11 23:59", 60, "2026-03-12 10:00"),
        ("2026-03-13 17:00", 120, "2026-03-16 10:00"),  # over a weekend
        # Spring Festival 2026: off 15–23 Feb, at work on Saturdays 14 and 28 Feb
        ("2026-02-13 17:00", 120, "2026-02-14 10:00"),
        ("2026-02-14 17:00", 120, "2026-02-24 10:00"),
        ("2026-02-18 10:00", 420, "2026-02-24 18:00"),
        ("2026-02-27 17:00", 120, "2026-02-28 10:00"),
        ("2026-02-28 17:00", 120, "2026-03-02 10:00"),
        # National Day: off 1–7 Oct, at work on Sunday 20 Sep and Saturday 10 Oct
        ("2026-09-30 17:00", 120, "2026-10-08 10:00"),
        ("2026-10-09 17:00", 120, "2026-10-10 10:00"),
    ],
)
def test_working_minutes(start: str, minutes: int, end: str) -> None:
    due, provisional = WORKDAYS.add_minutes(at(start), minutes, "working")
    assert shanghai(due) == end
    assert due.tzinfo == UTC
    assert not provisional
    assert WORKDAYS.between(at(start), due) == minutes
    assert WORKDAYS.between(due, at(start)) == -minutes


def test_natural_time_ignores_the_calendar() -> None:
    due, provisional = WORKDAYS.add_minutes(at("2026-02-14 23:30"), 60, "natural")
    assert shanghai(due) == "2026-02-15 00:30"
    assert not provisional
    assert not WORKDAYS.add_minutes(at("2031-01-01 00:00"), 60, "natural")[1]


def test_seconds_are_kept() -> None:
    start = at("2026-03-11 17:59") + timedelta(seconds=30, microseconds=5)
    due, _ = WORKDAYS.add_minutes(start, 1, "working")
    assert due == at("2026-03-12 09:00") + timedelta(seconds=30, microseconds=5)


@pytest.fixture(scope="module")
def qinglan() -> Workdays:
    off = DayOff(day=date(2026, 11, 18), kind="off", name="建市纪念日")
    work = DayOff(day=date(2026, 10, 24), kind="work", name="集中办公")
    return load_workdays(small_profile(days_off=(off, work)))


def test_own_days_stand_above_the_national_list(qinglan: Workdays) -> None:
    assert not qinglan.is_workday(date(2026, 11, 18))  # a Wednesday
    assert qinglan.is_workday(date(2026, 10, 24))  # a Saturday
    assert qinglan.is_workday(date(2026, 2, 14))  # make-up Saturday of the national list
    assert not qinglan.is_workday(date(2026, 2, 17))


def test_next_year_is_provisional(qinglan: Workdays) -> None:
    """Over the end of a year whose list is not published: statutory days off, and it says so."""
    assert not qinglan.is_provisional(date(2026, 12, 31))
    assert qinglan.is_provisional(date(2027, 1, 4))
    due, provisional = qinglan.add_minutes(at("2026-12-31 17:00"), 120, "working")
    assert (shanghai(due), provisional) == ("2027-01-04 10:00", True)  # 1 Jan is a Friday
    due, provisional = qinglan.add_minutes(at("2026-12-31 09:00"), 420, "working")
    assert (shanghai(due), provisional) == ("2026-12-31 18:00", False)
    assert not qinglan.is_workday(date(2027, 2, 8))  # Spring Festival


LIST_2027 = tuple(
    DayOff(day=date.fromisoformat(f"2027-{day}"), kind=kind, name=name)
    for name, kind, days in (
        ("元旦", "off", "01-01"), ("除夕", "off", "02-05"),
        ("春节", "off", "02-06 02-07 02-08 02-09 02-10 02-11"),
        ("春节调休", "work", "01-31 02-20"), ("清明节", "off", "04-05"),
        ("劳动节", "off", "05-01 05-02 05-03 05-04"), ("端午节", "off", "06-09"),
        ("中秋节", "off", "09-15"), ("国庆节", "off", "10-01 10-02 10-03 10-04 10-05 10-06 10-07"),
    )
    for day in days.split()
)  # fmt: skip


def test_a_year_entered_whole_by_hand_is_as_good_as_published() -> None:
    own = load_workdays(small_profile(days_off=LIST_2027))
    assert own.is_workday(date(2027, 1, 31)), "a worked Sunday"
    assert not own.is_workday(date(2027, 2, 11))
    due, provisional = own.add_minutes(at("2026-12-31 17:00"), 120, "working")
    assert (shanghai(due), provisional) == ("2027-01-04 10:00", False)
    assert own.is_provisional(date(2028, 1, 4))


def test_a_year_entered_in_part_stays_provisional() -> None:
    part = load_workdays(small_profile(days_off=LIST_2027[:8]))
    assert part.is_provisional(date(2027, 3, 1))


def test_an_override_is_certain() -> None:
    days = {date(2027, 1, 4): True, date(2027, 1, 5): False, date(2027, 1, 6): True}
    own = Workdays(HOURS, days, 2026, 2027)
    due, provisional = own.add_minutes(at("2027-01-04 17:00"), 120, "working")
    assert (shanghai(due), provisional) == ("2027-01-06 10:00", False)


@pytest.mark.parametrize("year", [1999, 2019, 2024, 2033, 2050])
def test_outside_the_arrays_weeks_go_on(year: int) -> None:
    narrow = Workdays(HOURS, {}, 2026, 2026)
    wide = Workdays(HOURS, {}, 1990, 2060)
    start = at(f"{year}-05-06 10:15")
    for minutes in (1, 419, 420, 421, 5000, 150_000):
        due, provisional = narrow.add_minutes(start, minutes, "working")
        assert due == wide.add_minutes(start, minutes, "working")[0]
        assert provisional
        assert narrow.between(start, due) == minutes


@pytest.mark.parametrize(
    ("hours", "complaint"),
    [
        ((), "no working hours"),
        ((Hours(start=time(18), end=time(9)),), "backwards"),
        ((Hours(start=time(9), end=time(9)),), "backwards"),
    ],
)
def test_hours_that_cannot_be(hours: tuple[Hours, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Workdays(hours, {})


def test_day_and_night_shifts_join() -> None:
    hours = (Hours(start=time(8), end=time(0)), Hours(start=time(0), end=time(9)))
    always = Workdays(hours, {}, 2026, 2026)
    assert always.day_minutes == 1440
    due, _ = always.add_minutes(at("2026-03-11 22:00"), 180, "working")
    assert shanghai(due) == "2026-03-12 01:00"


def slow_add(start: datetime, minutes: int) -> datetime:
    """Minute by minute: obviously right."""
    now = start.astimezone(SHANGHAI)
    while minutes:
        worked = WORKDAYS.is_workday(now.date()) and any(
            h.start <= now.time() < h.end for h in HOURS
        )
        minutes -= worked
        now += timedelta(minutes=1)
    return now.astimezone(UTC)


moments = st.integers(0, 400 * 1440).map(
    lambda minutes: at("2025-09-01 00:00") + timedelta(minutes=minutes)
)


@settings(max_examples=40, deadline=None)
@given(moments, st.integers(1, 2000))
def test_as_counted_minute_by_minute(start: datetime, minutes: int) -> None:
    assert WORKDAYS.add_minutes(start, minutes, "working")[0] == slow_add(start, minutes)


spans = st.timedeltas(timedelta(), timedelta(days=40))


@given(moments, spans, spans, st.sampled_from(["natural", "working"]))
def test_clocks_add_up(start: datetime, a: timedelta, b: timedelta, calendar: Any) -> None:
    """Two spans one after the other are as long as both at once; what was added has elapsed."""
    middle, _ = WORKDAYS.add(start, a, calendar)
    end, _ = WORKDAYS.add(middle, b, calendar)
    whole, _ = WORKDAYS.add(start, a + b, calendar)
    assert WORKDAYS.elapsed(start, middle, calendar) == a
    assert WORKDAYS.elapsed(start, end, calendar) == a + b
    assert end == whole or b == timedelta() or a == timedelta()
    assert start <= middle <= end


def test_a_day_is_found_among_all(qinglan: Workdays) -> None:
    """Sum over a year: as many days as the national list has for 2026, less the own ones."""
    worked = [
        d for n in range(365) if qinglan.is_workday(d := date(2026, 1, 1) + timedelta(days=n))
    ]
    assert qinglan.between(at("2026-01-01 00:00"), at("2027-01-01 00:00")) == len(worked) * 420
    assert bisect_left(worked, date(2026, 2, 24)) - bisect_left(worked, date(2026, 2, 14)) == 1
