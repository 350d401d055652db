"""What the files of a profile must agree on. Each check yields problems and reads only good rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from schemas import profile as p
from schemas.profile_files import OUTLINES, RINGS, TOML, Draft, Problem, Table
from schemas.words import AREA_DIGITS

LEVELS = tuple(AREA_DIGITS)  # city … grid
LEVEL_OF = {digits: level for level, digits in AREA_DIGITS.items()}
PARENT_DIGITS = {6: 4, 9: 6, 12: 9, 15: 12}
NEAR = 0.01  # degrees, about 1 km: how far a device or place may lie outside its grid
GRADES = ("1", "2", "3", "4")
#: Clocks whose minutes neither the class nor the grade has: their rules must say.
OWN_MINUTES = ("sign", "followup", "respond")
CLOCKS = ("accept", "dispatch", "sign", "contact", "handle", "verify", "followup", "respond")
Box = tuple[float, float, float, float]


def cross_check(draft: Draft) -> Iterator[Problem]:
    """Every disagreement between files. A file that could not be read is held against none."""
    boxes = {code: _box(ring) for code, ring in draft.rings.items() if ring}
    checks = {
        _station: (TOML, "areas.tsv", "units.tsv"),
        _areas: ("areas.tsv",),
        _successors: ("areas.tsv",),
        _taxonomy: ("taxonomy.tsv",),
        _grades: ("grades.tsv",),
        _units: ("units.tsv", "areas.tsv"),
        _coverage: ("taxonomy.tsv", "units.tsv", "areas.tsv"),
        _device_events: ("device_events.tsv", "taxonomy.tsv"),
        _routes: ("routes.tsv", "taxonomy.tsv", "channels.tsv", "areas.tsv", "units.tsv"),
        _deadlines: ("deadlines.tsv", "taxonomy.tsv", "channels.tsv", "areas.tsv"),
        _phrases: ("phrases.tsv", "taxonomy.tsv"),
        _outlines: (OUTLINES,),
    }
    for check, files in checks.items():
        if not draft.missing.intersection(files):
            yield from check(draft)
    if not draft.missing.intersection(("areas.tsv", RINGS)):
        yield from _rings(draft, boxes)
    if "areas.tsv" not in draft.missing:
        yield from _devices(draft, boxes)
        yield from _places(draft, boxes)


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
    at = lines.get("working_hours", 0)
    last = None
    for hours in station.working_hours:
        if hours.start >= hours.end or (last is not None and hours.start < last):
            reason = f"{hours.start:%H:%M}-{hours.end:%H:%M} 起止颠倒或与前一段重叠"
            yield Problem(TOML, at, "working_hours", reason)
        last = hours.end
    if not station.working_hours:
        yield Problem(TOML, at, "working_hours", "没有工作时间，工作日时限无法计算")


def _areas(draft: Draft) -> Iterator[Problem]:
    table: Table[p.Area] = draft.tables["areas.tsv"]
    cities = 0
    for n, area in table:
        digits = len(area.code)
        if LEVEL_OF[digits] != area.level:
            reason = f"{area.code} 是 {digits} 位，应为 {LEVEL_OF[digits]}，写的是 {area.level}"
            yield Problem(table.file, n, "level", reason)
            continue
        if area.level == "city":
            cities += 1
            if cities > 1:
                yield Problem(table.file, n, "code", f"{area.code} 是第二个市，只能有一个")
            if area.parent:
                yield Problem(table.file, n, "parent", f"市没有上级，写的是 {area.parent}")
        elif area.parent not in table.keys:
            yield Problem(table.file, n, "parent", f"上级区划 {area.parent} 不存在")
        elif area.parent != area.code[: PARENT_DIGITS[digits]]:
            want = area.code[: PARENT_DIGITS[digits]]
            reason = f"{area.code} 的上级应为 {want}，写的是 {area.parent}"
            yield Problem(table.file, n, "parent", reason)
        if area.kind and area.level != "grid":
            yield Problem(
                table.file, n, "kind", f"只有网格分 base 与 exclusive，{area.code} 不是网格"
            )
        if area.valid_from and area.valid_to and area.valid_to < area.valid_from:
            reason = f"{area.valid_to} 早于 valid_from {area.valid_from}"
            yield Problem(table.file, n, "valid_to", reason)
        yield from _position(table.file, n, area.lon, area.lat)
    if not cities and table.whole:
        yield Problem(table.file, 0, "", "没有市级（4 位）区划")


def _successors(draft: Draft) -> Iterator[Problem]:
    table: Table[p.Area] = draft.tables["areas.tsv"]
    after = {area.code: list(filter(None, area.successor.split("|"))) for _, area in table}
    for n, area in table:
        for code in after[area.code]:
            if code not in table.keys:
                yield Problem(table.file, n, "successor", f"接替区划 {code} 不存在")
            elif _reaches(after, code, area.code):
                yield Problem(table.file, n, "successor", f"{area.code} 与 {code} 互为接替，成了环")
        if after[area.code] and area.valid_to is None:
            reason = f"{area.code} 有接替区划，缺撤销日期"
            yield Problem(table.file, n, "valid_to", reason)


def _reaches(after: dict[str, list[str]], start: str, goal: str) -> bool:
    seen, edge = set[str](), [start]
    while edge:
        code = edge.pop()
        if code == goal:
            return True
        if code not in seen:
            seen.add(code)
            edge += after.get(code, [])
    return False


def _rings(draft: Draft, boxes: dict[str, Box]) -> Iterator[Problem]:
    table: Table[p.Area] = draft.tables["areas.tsv"]
    for code, ring in draft.rings.items():
        n = draft.ring_lines[code]
        if code not in table.keys:
            yield Problem(RINGS, n, "code", f"网格 {code} 不在 areas.tsv")
        elif len(code) != AREA_DIGITS["grid"]:
            yield Problem(RINGS, n, "code", f"{code} 不是网格（15 位）代码")
        if len(ring) < 4:
            yield Problem(RINGS, n, "geometry", f"网格 {code} 的环只有 {len(ring)} 个点，至少 4 个")
        elif ring[0] != ring[-1]:
            yield Problem(RINGS, n, "geometry", f"网格 {code} 的环没有闭合：{ring[0]} ≠ {ring[-1]}")
        x0, y0, x1, y1 = boxes.get(code, (0, 0, 0, 0))
        if not (x0 >= -180 and x1 <= 180 and y0 >= -90 and y1 <= 90):
            reason = f"网格 {code} 的坐标 {x0},{y0}..{x1},{y1} 超出经纬度范围（先经度后纬度）"
            yield Problem(RINGS, n, "geometry", reason)
    for n, area in table:
        if area.level != "grid":
            continue
        if area.code in boxes:
            if not _within(boxes[area.code], area.lon, area.lat, NEAR):
                reason = f"{area.lon},{area.lat} 不在网格 {area.code} 的环内或附近"
                yield Problem(table.file, n, "lon", reason)
        elif area.valid_to is None and area.code not in draft.ring_lines:
            yield Problem(table.file, n, "code", f"网格 {area.code} 在 {RINGS} 里没有边界")


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
            if names.setdefault(code, name) != name:
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


def _coverage(draft: Draft) -> Iterator[Problem]:
    """Each class has, for every area of its level, a unit there or above."""
    classes: Table[p.TaxonomyClass] = draft.tables["taxonomy.tsv"]
    if not draft.tables["units.tsv"].whole:
        return
    offices = _offices(draft)
    done = set[tuple[str, str]]()
    for n, row in classes:
        if (row.department, row.level) in done:
            continue
        done.add((row.department, row.level))
        if reason := _gap(draft, offices, row.department, row.level):
            yield Problem(classes.file, n, "department", reason)


def _offices(draft: Draft) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for _, unit in draft.tables["units.tsv"]:
        found.setdefault(unit.department, set()).add(unit.area)
    return found


def _gap(draft: Draft, offices: dict[str, set[str]], department: str, level: str) -> str:
    """Why a department cannot take a case of that level everywhere; "" when it can."""
    held = offices.get(department, set())
    if not held:
        return f"部门“{department}”在 units.tsv 里没有承办单位"
    if any(len(code) == AREA_DIGITS["city"] for code in held):
        return ""
    steps = [AREA_DIGITS[name] for name in LEVELS[: LEVELS.index(level) + 1]]
    bare = [
        area.code
        for _, area in draft.tables["areas.tsv"]
        if area.level == level and not any(area.code[:d] in held for d in steps)
    ]
    if not bare:
        return ""
    more = f" 等 {len(bare)} 处" if len(bare) > 1 else ""
    return f"部门“{department}”在 {bare[0]}{more}没有 {level} 级或以上的承办单位"


def _device_events(draft: Draft) -> Iterator[Problem]:
    table: Table[p.DeviceEvent] = draft.tables["device_events.tsv"]
    known = draft.tables["taxonomy.tsv"].keys
    for n, row in table:
        if row.taxonomy_code and row.taxonomy_code not in known:
            reason = f"类别 {row.taxonomy_code} 不在 taxonomy.tsv"
            yield Problem(table.file, n, "taxonomy_code", reason)


def _devices(draft: Draft, boxes: dict[str, Box]) -> Iterator[Problem]:
    table: Table[p.Device] = draft.tables["devices.tsv"]
    areas = draft.tables["areas.tsv"].keys
    places = draft.tables["places.tsv"].keys
    channels = {row.channel_id: row.kind for _, row in draft.tables["channels.tsv"]}
    all_channels = draft.tables["channels.tsv"].keys
    for n, row in table:
        yield from _stands(table.file, n, row.device_id, row.grid, row.lon, row.lat, areas, boxes)
        if "channels.tsv" not in draft.missing and row.channel not in all_channels:
            yield Problem(table.file, n, "channel", f"渠道 {row.channel} 不在 channels.tsv")
        elif channels.get(row.channel, "device") != "device":
            yield Problem(table.file, n, "channel", f"渠道 {row.channel} 不是设备渠道")
        if row.building and "places.tsv" not in draft.missing and row.building not in places:
            yield Problem(table.file, n, "building", f"楼栋 {row.building} 不在 places.tsv")


def _places(draft: Draft, boxes: dict[str, Box]) -> Iterator[Problem]:
    table: Table[p.Place] = draft.tables["places.tsv"]
    areas = draft.tables["areas.tsv"].keys
    kinds = {row.place_id: row.kind for _, row in table}
    for n, row in table:
        yield from _stands(table.file, n, row.place_id, row.grid, row.lon, row.lat, areas, boxes)
        if row.parent and row.parent not in table.keys:
            yield Problem(table.file, n, "parent", f"所属小区 {row.parent} 不存在")
        elif row.parent and kinds.get(row.parent, "estate") != "estate":
            yield Problem(table.file, n, "parent", f"{row.parent} 不是小区（estate）")
        if (row.number_from is None) != (row.number_to is None):
            yield Problem(table.file, n, "number_to", "门牌号起止要么都填，要么都空")
        elif row.number_from is not None and row.number_to is not None:
            if row.number_to < row.number_from:
                reason = f"{row.number_to} 小于 number_from {row.number_from}"
                yield Problem(table.file, n, "number_to", reason)


def _stands(
    file: str, n: int, name: str, grid: str, lon: float, lat: float,
    areas: dict[str, int], boxes: dict[str, Box],
) -> Iterator[Problem]:  # fmt: skip
    if grid not in areas:
        yield Problem(file, n, "grid", f"网格 {grid} 不存在")
    elif len(grid) != AREA_DIGITS["grid"]:
        yield Problem(file, n, "grid", f"{grid} 不是网格（15 位）代码")
    bad = list(_position(file, n, lon, lat))
    yield from bad
    if not bad and grid in boxes and not _within(boxes[grid], lon, lat, NEAR):
        yield Problem(file, n, "lon", f"{name} 的位置 {lon},{lat} 离网格 {grid} 太远")


def _routes(draft: Draft) -> Iterator[Problem]:
    table: Table[p.Route] = draft.tables["routes.tsv"]
    offices = _offices(draft)
    seen: list[tuple[int, p.Route]] = []
    for n, row in table:
        yield from _conditions(draft, table.file, n, row)
        if row.hours and not all(
            re.match(r"([01]\d|2[0-3]):[0-5]\d$", h) for h in row.hours.split("-")
        ):
            yield Problem(table.file, n, "hours", f"“{row.hours}” 不是 00:00 至 23:59 的时刻")
        if row.department and draft.tables["units.tsv"].whole:
            if reason := _gap(draft, offices, row.department, row.level or "grid"):
                yield Problem(table.file, n, "department", reason)
        for at, earlier in seen:
            if earlier.hours in ("", row.hours) and _covers(earlier, row):
                reason = f"第 {at} 行（{earlier.route_id}）更宽且在前，这一行永远轮不到"
                yield Problem(table.file, n, "route_id", reason, warning=True)
                break
        seen.append((n, row))
    if not table.rows:
        yield Problem(table.file, 0, "", "没有规则，最后一行应兜底（条件全空）")
    elif table.whole and not _catches_all(table.rows[-1]):
        reason = f"最后一行（{table.rows[-1].route_id}）应兜底：条件全空"
        yield Problem(table.file, table.lines[-1], "route_id", reason)


def _deadlines(draft: Draft) -> Iterator[Problem]:
    table: Table[p.DeadlineRule] = draft.tables["deadlines.tsv"]
    seen: list[tuple[int, p.DeadlineRule]] = []
    for n, row in table:
        yield from _conditions(draft, table.file, n, row)
        if row.clock in OWN_MINUTES and row.minutes is None:
            yield Problem(
                table.file, n, "minutes", f"时限 {row.clock} 没有等级或类别的数可用，必须填"
            )
        for at, earlier in seen:
            if earlier.clock == row.clock and _covers(earlier, row):
                reason = f"第 {at} 行（{earlier.rule_id}）更宽且在前，这一行永远轮不到"
                yield Problem(table.file, n, "rule_id", reason, warning=True)
                break
        seen.append((n, row))
    if not table.whole:
        return
    for clock in CLOCKS:
        open_to_all = [
            row for row in table.rows
            if row.clock == clock and not (row.classes or row.channels or row.areas)
        ]  # fmt: skip
        for grade in GRADES:
            if not any(not row.grades or grade in row.grades for row in open_to_all):
                reason = f"时限 {clock} 对等级 {grade} 没有兜底规则"
                yield Problem(table.file, 0, "clock", reason)


def _conditions(draft: Draft, file: str, n: int, row: Any) -> Iterator[Problem]:
    for code in row.classes:
        if not any(key.startswith(code) for key in draft.tables["taxonomy.tsv"].keys):
            yield Problem(file, n, "classes", f"没有以 {code} 开头的类别")
    for code in row.channels:
        if code not in draft.tables["channels.tsv"].keys:
            yield Problem(file, n, "channels", f"渠道 {code} 不在 channels.tsv")
    for code in row.areas:
        if not any(key.startswith(code) for key in draft.tables["areas.tsv"].keys):
            yield Problem(file, n, "areas", f"没有以 {code} 开头的区划")
    for grade in row.grades:
        if grade not in GRADES:
            yield Problem(file, n, "grades", f"“{grade}” 不是等级 1 至 4")


def _covers(wide: Any, narrow: Any) -> bool:
    """Whether whatever matches ``narrow`` also matches ``wide`` (hours and clock apart)."""

    def prefixes(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
        return not a or (bool(b) and all(code.startswith(a) for code in b))

    def members(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
        return not a or (bool(b) and set(b) <= set(a))

    return (
        prefixes(wide.classes, narrow.classes)
        and prefixes(wide.areas, narrow.areas)
        and members(wide.channels, narrow.channels)
        and members(wide.grades, narrow.grades)
    )


def _catches_all(row: p.Route) -> bool:
    return not (row.classes or row.channels or row.areas or row.grades or row.hours)


def _phrases(draft: Draft) -> Iterator[Problem]:
    table: Table[p.Phrase] = draft.tables["phrases.tsv"]
    known = draft.tables["taxonomy.tsv"].keys
    for n, row in table:
        if row.class_code and row.class_code not in known:
            reason = f"类别 {row.class_code} 不在 taxonomy.tsv"
            yield Problem(table.file, n, "class_code", reason)
        elif row.kind == "weight" and not row.class_code:
            yield Problem(table.file, n, "class_code", f"“{row.phrase}” 是加权词，要写明类别")


def _outlines(draft: Draft) -> Iterator[Problem]:
    if draft.outlines is None:
        return
    for level in ("county", "town"):
        lines = draft.outlines.get(level) if isinstance(draft.outlines, dict) else None
        if not isinstance(lines, list):
            yield Problem(OUTLINES, 0, level, "缺少这一级的界线（折线列表）")
        elif not all(isinstance(line, list) and len(line) >= 2 for line in lines):
            yield Problem(OUTLINES, 0, level, "每条折线至少两个点")


def _position(file: str, n: int, lon: float, lat: float) -> Iterator[Problem]:
    if not -180 <= lon <= 180:
        yield Problem(file, n, "lon", f"经度 {lon} 超出 -180 至 180")
    if not -90 <= lat <= 90:
        yield Problem(file, n, "lat", f"纬度 {lat} 超出 -90 至 90")


def _box(ring: tuple[tuple[float, float], ...]) -> Box:
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return min(xs), min(ys), max(xs), max(ys)


def _within(box: Box, x: float, y: float, slack: float) -> bool:
    return box[0] - slack <= x <= box[2] + slack and box[1] - slack <= y <= box[3] + slack
