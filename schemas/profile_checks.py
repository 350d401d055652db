"""What the files of a profile must agree on. Checks yield problems and read only good rows."""

from __future__ import annotations

from collections.abc import Iterator

from schemas import profile as p
from schemas.profile_check_alarms import (
    check_alarm_patterns,
    check_alarm_rules,
    check_heartbeats,
    check_maintenance,
    check_patrols,
)
from schemas.profile_check_land import (
    boxes_of,
    check_areas,
    check_devices,
    check_places,
    check_rings,
    check_successors,
)
from schemas.profile_check_rules import (
    GRADES,
    check_campaigns,
    check_coverage,
    check_deadlines,
    check_disputes,
    check_phrases,
    check_platforms,
    check_routes,
    check_training,
)
from schemas.profile_check_time import check_calendar, check_ladders, check_lights
from schemas.profile_reading import OUTLINES, RINGS, TOML, Draft, Problem, Table
from schemas.words import AREA_DIGITS

_CONDITIONS = ("taxonomy.tsv", "channels.tsv", "areas.tsv", "units.tsv")
#: analytics that follow how people move: ignored unless a jurisdiction decides otherwise
OF_PERSONS = frozenset({"video.motion", "video.wrong_way", "video.loitering", "video.fast_move"})
LEVEL_OF = {digits: level for level, digits in AREA_DIGITS.items()}


def cross_check(draft: Draft) -> Iterator[Problem]:
    """Every disagreement between files. A file that could not be read is held against none."""
    boxes = boxes_of(draft.rings)
    checks = {
        _station: (TOML, "areas.tsv", "units.tsv"),
        check_areas: ("areas.tsv",),
        check_successors: ("areas.tsv",),
        _taxonomy: ("taxonomy.tsv",),
        _grades: ("grades.tsv",),
        _units: ("units.tsv", "areas.tsv"),
        check_coverage: ("taxonomy.tsv", "units.tsv", "areas.tsv"),
        _device_events: ("device_events.tsv", "taxonomy.tsv"),
        check_routes: ("routes.tsv", *_CONDITIONS),
        check_platforms: ("platforms.tsv", "taxonomy.tsv"),
        check_campaigns: ("campaigns.tsv", *_CONDITIONS),
        check_deadlines: ("deadlines.tsv", "taxonomy.tsv", "channels.tsv", "areas.tsv"),
        check_disputes: ("disputes.tsv", "taxonomy.tsv", "units.tsv", "areas.tsv"),
        check_lights: ("deadlines.tsv", "escalation.tsv"),
        check_ladders: ("escalation.tsv", "units.tsv", "deadlines.tsv"),
        check_calendar: ("calendar.tsv",),
        check_phrases: ("phrases.tsv", "taxonomy.tsv"),
        check_training: ("taxonomy.tsv",),
        check_alarm_rules: ("alarm_rules.tsv", "device_events.tsv", "areas.tsv", "devices.tsv"),
        check_alarm_patterns: ("alarm_patterns.tsv", "device_events.tsv", "taxonomy.tsv"),
        check_maintenance: ("maintenance.tsv", "devices.tsv", "places.tsv", "areas.tsv"),
        check_heartbeats: ("heartbeats.tsv", "devices.tsv"),
        check_patrols: ("patrols.tsv", "devices.tsv"),
        _outlines: (OUTLINES,),
    }
    for check, files in checks.items():
        if not draft.missing.intersection(files):
            yield from check(draft)
    if not draft.missing.intersection(("areas.tsv", RINGS)):
        yield from check_rings(draft, boxes)
    if "areas.tsv" not in draft.missing:
        yield from check_devices(draft, boxes)
        yield from check_places(draft, boxes)


def _station(draft: Draft) -> Iterator[Problem]:
    station = draft.station
    if station is None:
        return
    lines = draft.station_lines
    areas = draft.tables["areas.tsv"]
    if station.city not in areas.keys:
        yield Problem(TOML, lines.get("city", 0), "city", f"区划 {station.city} 不在 areas.tsv")
    elif len(station.city) != AREA_DIGITS["city"]:
        yield Problem(TOML, lines.get("city", 0), "city", f"{station.city} 不是市级（4 位）代码")
    if station.desk_unit not in draft.tables["units.tsv"].keys:
        reason = f"单位 {station.desk_unit} 不在 units.tsv"
        yield Problem(TOML, lines.get("desk_unit", 0), "desk_unit", reason)
    departments = {unit.department for _, unit in draft.tables["units.tsv"]}
    if station.lead_department and station.lead_department not in departments:
        reason = f"部门“{station.lead_department}”在 units.tsv 里没有承办单位"
        yield Problem(TOML, lines.get("lead_department", 0), "lead_department", reason)
    at = lines.get("working_hours", 0)
    last = None
    for hours in station.working_hours:
        if hours.start >= hours.end or (last is not None and hours.start < last):
            reason = f"{hours.start:%H:%M}-{hours.end:%H:%M} 起止颠倒或与前一段重叠"
            yield Problem(TOML, at, "working_hours", reason)
        last = hours.end
    if not station.working_hours:
        yield Problem(TOML, at, "working_hours", "没有工作时间，工作日时限无法计算")


def _taxonomy(draft: Draft) -> Iterator[Problem]:
    table: Table[p.TaxonomyClass] = draft.tables["taxonomy.tsv"]
    names: dict[str, str] = {}
    for n, row in table:
        if row.medium_code != row.code[:4]:
            reason = f"{row.code} 的中类应为 {row.code[:4]}，写的是 {row.medium_code}"
            yield Problem(table.file, n, "medium_code", reason)
        if row.major_code != row.code[:2]:
            reason = f"{row.code} 的大类应为 {row.code[:2]}，写的是 {row.major_code}"
            yield Problem(table.file, n, "major_code", reason)
        for field, code, name in (
            ("major", row.major_code, row.major),
            ("medium", row.medium_code, row.medium),
        ):
            if row.code.startswith(code) and names.setdefault(code, name) != name:
                reason = f"{code} 叫“{name}”，前面叫“{names[code]}”"
                yield Problem(table.file, n, field, reason)


def _grades(draft: Draft) -> Iterator[Problem]:
    table = draft.tables["grades.tsv"]
    for grade in GRADES:
        if grade not in table.keys:
            yield Problem(table.file, 0, "grade", f"缺少等级 {grade}")


def _units(draft: Draft) -> Iterator[Problem]:
    table: Table[p.Unit] = draft.tables["units.tsv"]
    areas = draft.tables["areas.tsv"].keys
    for n, unit in table:
        if unit.area not in areas:
            yield Problem(table.file, n, "area", f"区划 {unit.area} 不存在")
        elif LEVEL_OF.get(len(unit.area)) != unit.level:
            reason = f"{unit.area} 是 {LEVEL_OF.get(len(unit.area))}，写的是 {unit.level}"
            yield Problem(table.file, n, "level", reason)


def _device_events(draft: Draft) -> Iterator[Problem]:
    table: Table[p.DeviceEvent] = draft.tables["device_events.tsv"]
    known = draft.tables["taxonomy.tsv"].keys
    for n, row in table:
        if row.taxonomy_code and row.taxonomy_code not in known:
            reason = f"类别 {row.taxonomy_code} 不在 taxonomy.tsv"
            yield Problem(table.file, n, "taxonomy_code", reason)
        if row.event_code in OF_PERSONS and row.semantics not in ("ignore", "suppress"):
            reason = f"{row.native_name}是对人的行为分析，默认忽略；现在会{row.semantics}"
            yield Problem(table.file, n, "semantics", reason, warning=True)


def _outlines(draft: Draft) -> Iterator[Problem]:
    if draft.outlines is None:
        return
    for level in ("county", "town"):
        lines = draft.outlines.get(level) if isinstance(draft.outlines, dict) else None
        if not isinstance(lines, list):
            yield Problem(OUTLINES, 0, level, "缺少这一级的界线（折线列表）")
        elif not all(isinstance(line, list) and len(line) >= 2 for line in lines):
            yield Problem(OUTLINES, 0, level, "每条折线至少两个点")
