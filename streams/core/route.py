"""Which unit handles it, at which level, and by which row: first match in the profile's routes.

A row may name a department and a level; what it leaves empty comes from the class. Then the unit of
that department that covers the place is taken at the wanted level, else at the next higher one.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from schemas.profile import Profile, Route, Unit

LEVELS = ("grid", "village", "town", "county", "city")
_PREFIXES = (15, 12, 9, 6, 4)
_REMEMBERED = 200_000


class Routed(NamedTuple):
    """``unit`` is "" when nobody covers the place; ``why`` is a sentence in Chinese."""

    unit: str
    level: str
    route_id: str
    why: str


class _Rule(NamedTuple):
    row: Route
    classes: tuple[str, ...]
    channels: frozenset[str]
    areas: tuple[str, ...]
    grades: frozenset[str]
    start: int  # minute of the day, Shanghai; -1 = always
    end: int

    def takes(self, class_code: str, grade: str, channel: str, area: str, minute: int) -> bool:
        return (
            (not self.classes or class_code.startswith(self.classes))
            and (not self.channels or channel in self.channels)
            and (not self.areas or area.startswith(self.areas))
            and (not self.grades or grade in self.grades)
            and (self.start < 0 or _within(minute, self.start, self.end))
        )


class Router:
    def __init__(self, profile: Profile) -> None:
        self._taxonomy = profile.taxonomy
        self._units = profile.units
        self._areas = profile.areas
        self._rules = tuple(_rule(row) for row in profile.routes)
        self._covers: dict[tuple[str, str], dict[str, Unit]] = {}
        for unit in profile.units.values():
            self._covers.setdefault((unit.department, unit.level), {}).setdefault(unit.area, unit)
        # Hours cut the day into slots in which the answer is the same.
        edges = {edge for rule in self._rules if rule.start >= 0 for edge in (rule.start, rule.end)}
        self._edges = sorted(edges)
        self._known: dict[tuple[str, int, str, str, int], Routed] = {}

    def route(self, class_code: str, grade: int, channel: str, area: str, minute: int) -> Routed:
        """``area``: the finest code known of the place; ``minute``: of the day in Shanghai."""
        slot = bisect_right(self._edges, minute) if self._edges else 0
        key = (class_code, grade, channel, area, slot)
        routed = self._known.get(key)
        if routed is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            routed = self._known[key] = self._decide(class_code, grade, channel, area, minute)
        return routed

    def _decide(self, class_code: str, grade: int, channel: str, area: str, minute: int) -> Routed:
        for rule in self._rules:
            if rule.takes(class_code, str(grade), channel, area, minute):
                return self._unit_for(rule.row, class_code, area)
        return Routed("", "", "", "没有路由行匹配")

    def _unit_for(self, row: Route, class_code: str, area: str) -> Routed:
        of_class = self._taxonomy.get(class_code)
        department = row.department or (of_class.department if of_class else "")
        wanted = row.level or (of_class.level if of_class else "city")
        for level in LEVELS[LEVELS.index(wanted) :]:
            unit = self._covering(department, level, area)
            if unit is not None:
                place = self._areas[unit.area].name if unit.area in self._areas else unit.area
                raised = "" if level == wanted else f",{_ZH[wanted]}没有,取{_ZH[level]}"
                note = f"({row.note})" if row.note else ""
                why = f"路由行 {row.route_id}{note}:{department}·{_ZH[wanted]}{raised},{place}"
                return Routed(unit.unit_id, level, row.route_id, why)
        why = f"路由行 {row.route_id}:没有覆盖该地的{department or '承办'}单位"
        return Routed("", "", row.route_id, why)

    def _covering(self, department: str, level: str, area: str) -> Unit | None:
        units = self._covers.get((department, level))
        if units is None:
            return None
        for digits in _PREFIXES:
            if len(area) >= digits and (unit := units.get(area[:digits])) is not None:
                return unit
        return None


_ZH = {"grid": "网格级", "village": "村居级", "town": "镇街级", "county": "区县级", "city": "市级"}


def _rule(row: Route) -> _Rule:
    start = end = -1
    if row.hours:
        start, end = (int(t[:2]) * 60 + int(t[3:]) for t in row.hours.split("-"))
    return _Rule(
        row, row.classes, frozenset(row.channels), row.areas, frozenset(row.grades), start, end
    )


def _within(minute: int, start: int, end: int) -> bool:
    """Start included, end not; a span past midnight wraps; equal ends mean the whole day."""
    if start < end:
        return start <= minute < end
    return start == end or minute >= start or minute < end
