"""Which units handle it, at which level, how, and by which row of routes.tsv.

A row may name a department and a level; what it leaves empty comes from its parents, then from the
class. A campaign that runs stands above the rows. Then the unit of that department that covers the
place is taken at the wanted level, else at the next higher one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

from schemas.profile import Campaign, Profile, Unit
from streams.core.campaigns import matches, route_name, running
from streams.core.routetree import Matter, Rule, Step, deciding, tree, walk
from streams.core.workdays import Workdays, load_workdays

LEVELS = ("grid", "village", "town", "county", "city")
LEVEL_NAMES = {"grid": "网格级", "village": "村居级", "town": "镇街级", "county": "区县级",
               "city": "市级"}  # fmt: skip
_DIGITS = {"grid": 15, "village": 12, "town": 9, "county": 6, "city": 4}
_REMEMBERED = 200_000
_EPOCH = date(1970, 1, 1)
_SHANGHAI_MS, _DAY_MS, _MINUTE_MS = 8 * 3_600_000, 86_400_000, 60_000
NOBODY: Collection[str] = frozenset()


class Routed(NamedTuple):
    """``unit`` is "" when nobody covers the place or a person shall decide; ``why`` is a sentence
    in Chinese."""

    unit: str
    level: str
    route_id: str  # with the campaign in front, when one counts: dust-2026/night-dust
    why: str
    grade: int = 0  # a campaign's, when it is graver; 0 = unchanged
    action: str = "dispatch"  # dispatch | grid (the grid handles it itself) | whistle | desk
    whistled: tuple[str, ...] = ()  # all units that shall report in, the leading one first
    platform: str = ""
    rough: bool = False  # the place is not known down to the level that should have it


class _Moment(NamedTuple):
    """A minute, as far as routes tell it from others."""

    key: tuple[int, bool, tuple[str, ...]]
    minute: int
    worked: bool
    campaigns: tuple[Campaign, ...]


class Router:
    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._taxonomy = profile.taxonomy
        self._areas = profile.areas
        self.rules = tree(profile.routes, profile.lines.get("routes.tsv", ()))
        self._covers: dict[tuple[str, str], dict[str, Unit]] = {}
        for unit in profile.units.values():
            self._covers.setdefault((unit.department, unit.level), {}).setdefault(unit.area, unit)
        # Hours cut the day into slots in which the answer is the same.
        spans = [row.hours.split("-") for row in profile.routes if row.hours]
        self._edges = sorted({int(t[:2]) * 60 + int(t[3:]) for span in spans for t in span})
        self._by_day = any(row.days for row in profile.routes)
        if self._by_day:
            self._workdays  # noqa: B018  (0.3 s: now, and not under the first event)
        self._days: dict[int, tuple[bool, tuple[Campaign, ...]]] = {}
        self._moment = (-1, _Moment((0, True, ()), 0, True, ()))
        self._known: dict[tuple[object, ...], Routed] = {}

    def route(
        self, class_code: str, grade: int, channel: str, area: str, at_ms: int,
        without: Collection[str] = NOBODY,
    ) -> Routed:  # fmt: skip
        """``area``: the finest code known of the place; ``at_ms``: epoch; ``without``: units that
        have returned it and are not to get it again without a person."""
        moment = self._at(at_ms)
        if without:
            return self._decide(class_code, grade, channel, area, moment, without)
        key = (class_code, grade, channel, area, moment.key)
        routed = self._known.get(key)
        if routed is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            routed = self._decide(class_code, grade, channel, area, moment, without)
            self._known[key] = routed
        return routed

    def steps(
        self, class_code: str, grade: int, channel: str, area: str, at_ms: int
    ) -> tuple[Step, ...]:
        """The rows looked at for a matter, with why each was passed over."""
        moment = self._at(at_ms)
        campaign = self._campaign(moment, class_code, channel, area)
        grade = _graver(campaign, grade)
        return tuple(walk(self.rules, self._matter(class_code, grade, channel, area, moment)))

    def campaign(self, class_code: str, channel: str, area: str, at_ms: int) -> Campaign | None:
        return self._campaign(self._at(at_ms), class_code, channel, area)

    def platform(self, class_code: str) -> str:
        """The platform a class belongs to by platforms.tsv; "" when none."""
        rows = self._profile.platforms.values()
        return next((p.platform_id for p in rows if class_code.startswith(p.classes or ("-",))), "")

    def _decide(
        self, class_code: str, grade: int, channel: str, area: str, moment: _Moment,
        without: Collection[str],
    ) -> Routed:  # fmt: skip
        campaign = self._campaign(moment, class_code, channel, area)
        graver = _graver(campaign, grade)
        matter = self._matter(class_code, graver, channel, area, moment)
        helping, rule = deciding(self.rules, matter)
        if rule is None:
            return Routed("", "", "", "没有路由行匹配")
        platform = rule.platform or self.platform(class_code)
        name = route_name(rule.row.route_id, campaign)
        told = f"专项“{campaign.name}”," if campaign else ""
        told += f"路由行 {rule.row.route_id}" + (f"({rule.row.note})" if rule.row.note else "")
        changed = graver if graver != grade else 0
        if rule.action == "desk":
            return Routed("", "", name, f"{told}:由值守台研判", changed, "desk", (), platform)
        of_class = self._taxonomy.get(class_code)
        department = (
            (campaign.department if campaign else "") or rule.department
            or (of_class.department if of_class else "")
        )  # fmt: skip
        wanted = (
            (campaign.level if campaign else "") or rule.level
            or (of_class.level if of_class else "city")
        )  # fmt: skip
        unit, why = self._unit_for(department, wanted, area, without)
        if unit is None:
            return Routed("", "", name, f"{told}:{why}", changed, "desk", (), platform)
        called = self._called(helping, rule, campaign, unit, wanted, area, without)
        action = "whistle" if len(called) > 1 else rule.action or "dispatch"
        return Routed(
            unit.unit_id, unit.level, name, f"{told}:{why}", changed, action,
            called if action == "whistle" else (), platform, len(area) < _DIGITS[wanted],
        )  # fmt: skip

    def _called(
        self, helping: list[Rule], rule: Rule, campaign: Campaign | None, lead: Unit, wanted: str,
        area: str, without: Collection[str],
    ) -> tuple[str, ...]:  # fmt: skip
        """All units that are whistled for, the leading one first."""
        departments = [(d, rule.level) for d in rule.whistle]
        departments += [(d, "") for d in (campaign.whistle if campaign else ())]
        for one in helping:
            departments += [(d, one.level) for d in (one.department, *one.whistle) if d]
        units = [lead.unit_id]
        for department, level in departments:
            unit, _ = self._unit_for(department, level or wanted, area, without)
            if unit is not None:
                units.append(unit.unit_id)
        return tuple(dict.fromkeys(units))

    def _unit_for(
        self, department: str, wanted: str, area: str, without: Collection[str]
    ) -> tuple[Unit | None, str]:
        passed: list[str] = []
        for level in LEVELS[LEVELS.index(wanted) :]:
            unit = self._covering(department, level, area)
            if unit is None:
                continue
            if unit.unit_id in without:
                passed.append(unit.name)
                continue
            place = self._areas[unit.area].name if unit.area in self._areas else unit.area
            raised = "" if level == wanted else f",{LEVEL_NAMES[wanted]}没有,取{LEVEL_NAMES[level]}"
            if raised and len(area) < _DIGITS[wanted]:
                raised = f",地点只知到{place},取{LEVEL_NAMES[level]}"
            returned = f",{'、'.join(passed)}已退单不再派" if passed else ""
            return unit, f"{department}·{LEVEL_NAMES[wanted]}{raised}{returned},{place}"
        if passed:
            return None, f"{'、'.join(passed)}已退单,由值守台定夺"
        return None, f"没有覆盖该地的{department or '承办'}单位"

    def _covering(self, department: str, level: str, area: str) -> Unit | None:
        units = self._covers.get((department, level))
        if units is None:
            return None
        digits = _DIGITS[level]
        return units.get(area[:digits]) if len(area) >= digits else None

    def _matter(
        self, class_code: str, grade: int, channel: str, area: str, moment: _Moment
    ) -> Matter:
        row = self._areas.get(area)
        ids = tuple(
            one.campaign_id for one in moment.campaigns if matches(one, class_code, channel, area)
        )
        own = self._taxonomy.get(class_code)
        return Matter(
            class_code, grade, channel, area, row.kind if row else "", moment.minute,
            moment.worked, ids, max(0, own.grade - grade) if own else 0,
        )  # fmt: skip

    def _campaign(
        self, moment: _Moment, class_code: str, channel: str, area: str
    ) -> Campaign | None:
        runs = moment.campaigns
        return next((one for one in runs if matches(one, class_code, channel, area)), None)

    def _at(self, at_ms: int) -> _Moment:
        number = (at_ms + _SHANGHAI_MS) // _MINUTE_MS
        if self._moment[0] == number:
            return self._moment[1]
        day, minute = divmod(number, _DAY_MS // _MINUTE_MS)
        known = self._days.get(day)
        if known is None:
            when = _EPOCH + timedelta(days=day)
            worked = self._workdays.is_workday(when) if self._by_day else True
            runs = running(self._profile.campaigns.values(), when)
            if len(self._days) > 4000:
                self._days.clear()
            known = self._days[day] = (worked, runs)
        worked, runs = known
        slot = bisect_right(self._edges, minute) if self._edges else 0
        key = (slot, worked, tuple(one.campaign_id for one in runs))
        moment = _Moment(key, minute, worked, runs)
        self._moment = (number, moment)
        return moment

    @cached_property
    def _workdays(self) -> Workdays:
        return load_workdays(self._profile)


def _graver(campaign: Campaign | None, grade: int) -> int:
    return min(grade, campaign.grade) if campaign and campaign.grade else grade
