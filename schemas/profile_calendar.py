"""Years whose holidays a profile enters itself, because the national list is not known here yet.

The State Council publishes a year's list in the November before. Until the library that holds the
lists knows it, a jurisdiction may enter it in calendar.tsv: every statutory day off, and the
weekends worked for them. Then the year is as good as published; a part of it is worse than none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

from schemas.profile import DayOff

Festivals = dict[date, str]
IN_LIEU = "补假"  # a weekday for a statutory day on a weekend; the list may put it elsewhere
#: what a row that enters a statutory day is called; the calendar libraries are slow to load
_NAMED = re.compile("元旦|除夕|春节|清明|劳动|端午|中秋|国庆")


def missing_festivals(rows: Iterable[DayOff]) -> dict[int, list[tuple[date, str]]]:
    """Years that are entered in part: year → statutory days nobody entered, in order."""
    found = {}
    for year, (entered, wanted) in _by_hand(rows).items():
        if missing := [(day, name) for day, name in wanted.items() if day not in entered]:
            found[year] = missing
    return found


def years_by_hand(rows: Iterable[DayOff]) -> set[int]:
    """Years that are entered whole."""
    return {
        year
        for year, (entered, wanted) in _by_hand(rows).items()
        if all(day in entered for day in wanted)
    }


def _by_hand(rows: Iterable[DayOff]) -> dict[int, tuple[set[date], Festivals]]:
    """Unpublished years of which at least one statutory day is entered, off and by its name."""
    entered: dict[int, set[date]] = defaultdict(set)
    for row in rows:
        if row.kind == "off" and _NAMED.search(row.name):
            entered[row.day.year].add(row.day)
    return {
        year: (days, {day: name for day, name in festivals(year).items() if IN_LIEU not in name})
        for year, days in sorted(entered.items())
        if not published(year)
    }


@cache
def published(year: int) -> bool:
    """Whether the library knows the State Council's list of a year."""
    from chinese_calendar import is_workday

    try:
        is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


@cache
def festivals(year: int) -> Festivals:
    """Statutory days off of a year, in order, by name."""
    from holidays.countries.china import China

    known = China(years=year, language="zh_CN")  # type: ignore[no-untyped-call]
    first = date(year, 1, 1)
    days = (first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days))
    return {day: known[day].split(";")[0] for day in days if day in known}
