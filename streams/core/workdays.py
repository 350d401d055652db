"""Working time of a jurisdiction: which days people work, and when a number of minutes is over.

Order of truth for a day: the profile's calendar.tsv; the State Council's list (chinese-calendar, or
a whole year entered in calendar.tsv); statutory days without their make-up workdays (holidays);
Monday to Friday. The last two are provisional: next year's list is published in November.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate

from schemas.ids import SHANGHAI
from schemas.profile import Hours, Profile
from schemas.profile_calendar import festivals, published, years_by_hand
from schemas.words import Calendar

FIRST_YEAR, LAST_YEAR = 2020, 2032
DAY = timedelta(days=1)
NONE = timedelta()


class Workdays:
    """Arrays over the days of ``first_year`` .. ``last_year`` (Shanghai); Mon–Fri outside them.

    overrides   day → worked, the jurisdiction's own word
    published   day → worked, the national list
    expected    day → worked, a forecast of a list not yet published

    ValueError when the hours of a day add up to nothing or run backwards. Nothing else raises.
    """

    __slots__ = ("_cum", "_days", "_first", "_full", "_guessed", "_shifts", "_work")

    def __init__(
        self,
        hours: Sequence[Hours],
        overrides: Mapping[date, bool],
        first_year: int = FIRST_YEAR,
        last_year: int = LAST_YEAR,
        *,
        published: Mapping[date, bool] | None = None,
        expected: Mapping[date, bool] | None = None,
    ) -> None:
        self._shifts = _shifts(hours)
        self._full = sum((end - start for start, end in self._shifts), NONE)
        self._first = date(first_year, 1, 1)
        self._days = (date(last_year, 12, 31) - self._first).days + 1
        known, guess = published or {}, expected or {}
        work: list[bool] = []
        guessed: list[int] = []
        for index in range(self._days):
            day = self._first + index * DAY
            sure = overrides.get(day, known.get(day))
            work.append(guess.get(day, day.weekday() < 5) if sure is None else sure)
            guessed.append(sure is None)
        self._work = work
        self._cum = list(accumulate((int(w) for w in work), initial=0))  # worked days before day i
        self._guessed = list(accumulate(guessed, initial=0))

    def add_minutes(
        self, start: datetime, minutes: int, calendar: Calendar
    ) -> tuple[datetime, bool]:
        """When ``minutes`` are over (UTC), and whether that rests on an unpublished day."""
        return self.add(start, timedelta(minutes=minutes), calendar)

    def between(self, start: datetime, end: datetime) -> int:
        """Whole working minutes from ``start`` to ``end``; negative when ``end`` is earlier."""
        return int(self.elapsed(start, end, "working") / timedelta(minutes=1))

    def add(self, start: datetime, amount: timedelta, calendar: Calendar) -> tuple[datetime, bool]:
        """The first moment by which ``amount`` (not negative) has run since ``start``."""
        if calendar == "natural" or amount <= NONE:
            return start.astimezone(UTC) + amount, False
        whole, rest = divmod(self._position(start) + amount, self._full)
        if not rest:  # the end of a worked day, not the start of the next
            whole, rest = whole - 1, self._full
        index = self._nth_worked(whole)
        end = _at(self._first + index * DAY, _clock_of(self._shifts, rest))
        return end, self._provisional(start, index)

    def elapsed(self, start: datetime, end: datetime, calendar: Calendar) -> timedelta:
        """Time that has run from ``start`` to ``end``; negative when ``end`` is earlier."""
        if calendar == "natural":
            return end - start
        return self._position(end) - self._position(start)

    @property
    def day_minutes(self) -> int:
        """Minutes of one working day."""
        return self._full // timedelta(minutes=1)

    def is_workday(self, day: date) -> bool:
        index = (day - self._first).days
        return self._work[index] if 0 <= index < self._days else day.weekday() < 5

    def is_provisional(self, day: date) -> bool:
        """Whether no official list says anything about ``day``."""
        index = (day - self._first).days
        return not 0 <= index < self._days or self._guessed[index + 1] > self._guessed[index]

    def _position(self, at: datetime) -> timedelta:
        """Working time from the first day's midnight until ``at``; negative before it."""
        local = at.astimezone(SHANGHAI)
        day = local.date()
        done = self._worked_before((day - self._first).days) * self._full
        return done + _worked_by(self._shifts, _since_midnight(local)) * self.is_workday(day)

    def _worked_before(self, index: int) -> int:
        """Worked days from day 0 until day ``index``, counted on by weeks outside the arrays."""
        if 0 <= index <= self._days:
            return self._cum[index]
        edge = self._days if index > 0 else 0
        return self._cum[edge] + self._weekdays(index) - self._weekdays(edge)

    def _weekdays(self, index: int) -> int:
        """Mondays to Fridays from the Monday before day 0 until day ``index``."""
        weeks, day = divmod(index + self._first.weekday(), 7)
        return weeks * 5 + min(day, 5)

    def _nth_worked(self, n: int) -> int:
        """Index of the ``n``-th worked day, counted from 0 at day 0."""
        if 0 <= n < self._cum[-1]:
            return bisect_right(self._cum, n) - 1
        edge = self._days if n >= 0 else 0
        weeks, day = divmod(n - self._cum[edge] + self._weekdays(edge), 5)
        return weeks * 7 + day - self._first.weekday()

    def _provisional(self, start: datetime, last: int) -> bool:
        first = (start.astimezone(SHANGHAI).date() - self._first).days
        if first < 0 or last >= self._days:
            return True
        return self._guessed[last + 1] > self._guessed[first]


def load_workdays(profile: Profile, first_year: int = FIRST_YEAR) -> Workdays:
    """The working calendar of a profile. Reads the calendar libraries (0.3 s, once a process).
    National lists go back to 2004.
    """
    published: dict[date, bool] = {}
    expected: dict[date, bool] = {}
    by_hand = years_by_hand(profile.days_off)
    for year in range(first_year, LAST_YEAR + 1):
        listed = national_list(year)
        if not listed and year in by_hand:
            listed = {day: day.weekday() < 5 for day in _days_of(year)}  # the rest is in the rows
        if listed:
            published |= listed
        else:
            expected |= _expected(year)
    overrides = {row.day: row.kind == "work" for row in profile.days_off}
    return Workdays(
        profile.station.working_hours, overrides, first_year, published=published, expected=expected
    )


def national_list(year: int) -> dict[date, bool]:
    """The State Council's list of a year; empty when chinese-calendar does not hold it yet."""
    if not published(year):
        return {}
    from chinese_calendar import is_workday

    return {day: is_workday(day) for day in _days_of(year)}


def _expected(year: int) -> dict[date, bool]:
    """Statutory days off of a year, without the make-up workdays nobody can know yet."""
    off = festivals(year)
    return {day: day.weekday() < 5 and day not in off for day in _days_of(year)}


def _days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + index * DAY for index in range((date(year + 1, 1, 1) - first).days)]


Shifts = tuple[tuple[timedelta, timedelta], ...]


def _shifts(hours: Sequence[Hours]) -> Shifts:
    """Working hours as offsets from midnight, in order, overlaps joined; until 00:00 is 24:00."""
    shifts: list[tuple[timedelta, timedelta]] = []
    for row in sorted(hours, key=lambda h: h.start):
        start, end = _offset(row.start), _offset(row.end) or DAY
        if end <= start:
            raise ValueError(f"working hours run backwards: {row.start}-{row.end}")
        if shifts and start <= shifts[-1][1]:
            start, end = shifts[-1][0], max(end, shifts.pop()[1])
        shifts.append((start, end))
    if not shifts:
        raise ValueError("no working hours")
    return tuple(shifts)


def _offset(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)


def _since_midnight(local: datetime) -> timedelta:
    # wall-clock difference: Shanghai has no daylight saving since 1991
    return local.replace(tzinfo=None) - datetime.combine(local.date(), time())


def _worked_by(shifts: Shifts, clock: timedelta) -> timedelta:
    return sum((min(clock, end) - start for start, end in shifts if clock > start), NONE)


def _clock_of(shifts: Shifts, worked: timedelta) -> timedelta:
    """Time of a worked day by which ``worked`` (more than nothing) has run."""
    ends = list(accumulate((end - start for start, end in shifts), initial=NONE))
    shift = bisect_left(ends, worked) - 1
    return shifts[shift][0] + worked - ends[shift]


def _at(day: date, clock: timedelta) -> datetime:
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC) + clock
