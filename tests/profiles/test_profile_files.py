# ruff: noqa: E501  (tables of what is said, one row a case)
"""Broken profiles: each names its file, line and field, and nothing else is blamed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.profile_files import (
    ProfileProblems,
    check_profile,
    load_profile,
    profile_digest,
)
from tests.profiles.small_files import cell, line_where, lines_of, put_lines, route_row

# The first lines of areas.tsv: 2 city, 3 county, 4 street, 5 community, 6 and 7 its first grids.
GRID, OTHER = "990101001001001", "990101001001002"

#: file, line, column, new value → the one thing said
CELLS: tuple[tuple[str, int, str, str, str], ...] = (
    ("areas.tsv", 6, "parent", "990199999999", "areas.tsv:6 parent: 上级区划 990199999999 不存在"),
    ("areas.tsv", 6, "parent", "990101001002",
     f"areas.tsv:6 parent: {GRID} 的上级应为 990101001001，写的是 990101001002"),
    ("areas.tsv", 2, "parent", "99", "areas.tsv:2 parent: 市没有上级，写的是 99"),
    ("areas.tsv", 6, "level", "village", f"areas.tsv:6 level: {GRID} 是 15 位，应为 grid，写的是 village"),
    ("areas.tsv", 6, "level", "格", "areas.tsv:6 level: “格” 不在可用值之内："
     "'city', 'county', 'town', 'village', 'grid'"),
    ("areas.tsv", 5, "kind", "base", "areas.tsv:5 kind: 只有网格分 base 与 exclusive，990101001001 不是网格"),
    ("areas.tsv", 6, "name", "", "areas.tsv:6 name: 不能为空"),
    ("areas.tsv", 6, "households", "很多", "areas.tsv:6 households: “很多” 不是整数"),
    ("areas.tsv", 6, "households", "-1", "areas.tsv:6 households: “-1” 应不小于 0"),
    ("areas.tsv", 6, "lon", "东经", "areas.tsv:6 lon: “东经” 不是数字"),
    ("areas.tsv", 6, "lon", "nan", "areas.tsv:6 lon: “nan” 不是数字"),
    ("areas.tsv", 6, "lat", "95", "areas.tsv:6 lat: 纬度 95.0 超出 -90 至 90"),
    ("areas.tsv", 6, "lon", "118.5", f"areas.tsv:6 lon: 118.5,31.27763 不在网格 {GRID} 的环内或附近"),
    ("areas.tsv", 6, "valid_from", "去年", "areas.tsv:6 valid_from: “去年” 不是日期（年-月-日）"),
    ("areas.tsv", 6, "valid_to", "2024-01-01",
     "areas.tsv:6 valid_to: 2024-01-01 早于 valid_from 2025-01-01"),
    ("units.tsv", 3, "area", "990188", "units.tsv:3 area: 区划 990188 不存在"),
    ("units.tsv", 3, "level", "town", "units.tsv:3 level: 990101 是 county，写的是 town"),
    ("units.tsv", 3, "unit_id", "Desk 3", "units.tsv:3 unit_id: “Desk 3” 不合格式 ^[a-z0-9\\-]+$"),
    ("devices.tsv", 4, "grid", "990101001001099", "devices.tsv:4 grid: 网格 990101001001099 不存在"),
    ("devices.tsv", 4, "grid", "990101001001", "devices.tsv:4 grid: 990101001001 不是网格（15 位）代码"),
    ("devices.tsv", 4, "channel", "radio", "devices.tsv:4 channel: 渠道 radio 不在 channels.tsv"),
    ("devices.tsv", 4, "channel", "petition", "devices.tsv:4 channel: 渠道 petition 不是设备渠道"),
    ("devices.tsv", 4, "building", "P99999", "devices.tsv:4 building: 楼栋 P99999 不在 places.tsv"),
    ("devices.tsv", 4, "lon", "117.9",
     "devices.tsv:4 lon: CM-990101001001-0003 的位置 117.9,31.27317 离网格 990101001001004 太远"),
    ("places.tsv", 2, "grid", "1", "places.tsv:2 grid: 网格 1 不存在"),
    ("places.tsv", 2, "number_to", "", "places.tsv:2 number_to: 门牌号起止要么都填，要么都空"),
    ("places.tsv", 2, "number_from", "60", "places.tsv:2 number_to: 50 小于 number_from 60"),
    ("places.tsv", 2, "parent", "P00062", "places.tsv:2 parent: P00062 不是小区（estate）"),
    ("places.tsv", 2, "parent", "P9", "places.tsv:2 parent: 所属小区 P9 不存在"),
    ("taxonomy.tsv", 2, "medium_code", "0203",
     "taxonomy.tsv:2 medium_code: 010101 的中类应为 0101，写的是 0203"),
    ("taxonomy.tsv", 3, "medium", "别的", "taxonomy.tsv:3 medium: 0101 叫“别的”，前面叫“警情与求助线索”"),
    ("taxonomy.tsv", 2, "grade", "9", "taxonomy.tsv:2 grade: “9” 应不大于 4"),
    ("taxonomy.tsv", 2, "handle_hours", "0", "taxonomy.tsv:2 handle_hours: “0” 应大于 0"),
    ("taxonomy.tsv", 2, "department", "城建办",
     "taxonomy.tsv:2 department: 部门“城建办”在 units.tsv 里没有承办单位"),
    ("grades.tsv", 2, "yellow_pct", "100", "grades.tsv:2 yellow_pct: “100” 应小于 100"),
    ("channels.tsv", 2, "kind", "phone", "channels.tsv:2 kind: “phone” 不在可用值之内："
     "'hotline', 'petition', 'staff', 'citizen', 'staff_or_system', 'device'"),
    ("device_events.tsv", 2, "taxonomy_code", "999999",
     "device_events.tsv:2 taxonomy_code: 类别 999999 不在 taxonomy.tsv"),
    ("routes.tsv", 2, "classes", "77", "routes.tsv:2 classes: 没有以 77 开头的类别"),
    ("routes.tsv", 2, "channels", "radio", "routes.tsv:2 channels: 渠道 radio 不在 channels.tsv"),
    ("routes.tsv", 2, "areas", "8801", "routes.tsv:2 areas: 没有以 8801 开头的区划"),
    ("routes.tsv", 2, "grades", "5", "routes.tsv:2 grades: “5” 不是等级 1 至 4"),
    ("routes.tsv", 2, "hours", "22:00-26:00", "routes.tsv:2 hours: “22:00-26:00” 不是 00:00 至 23:59 的时刻"),
    ("routes.tsv", 2, "department", "水上公安",
     "routes.tsv:2 department: 部门“水上公安”在 units.tsv 里没有承办单位"),
    ("deadlines.tsv", 12, "ladder", "nobody", "deadlines.tsv:12 ladder: 升级步骤 nobody 不在 escalation.tsv"),
    ("deadlines.tsv", 12, "escalate_minutes", "5",
     "deadlines.tsv:12 escalate_minutes: 已有 ladder,不能再写 escalate_minutes"),
    ("deadlines.tsv", 2, "yellow_minutes", "0", "deadlines.tsv:2 yellow_minutes: “0” 应大于 0"),
    ("deadlines.tsv", 2, "remind_minutes", "0", "deadlines.tsv:2 remind_minutes: “0” 应大于 0"),
    ("deadlines.tsv", 14, "yellow_minutes", "30",
     "deadlines.tsv:14 yellow_minutes: 提前 30 分钟亮黄灯,应小于时限 30 分钟"),
    ("deadlines.tsv", 2, "yellow_minutes", "2", "deadlines.tsv:2 yellow_minutes: 与 yellow_pct 只能写一个"),
    ("disputes.tsv", 2, "classes", "77", "disputes.tsv:2 classes: 没有以 77 开头的类别"),
    ("disputes.tsv", 2, "classes", "", "disputes.tsv:2 classes: 不能为空"),
    ("disputes.tsv", 3, "classes", "100101",
     "disputes.tsv:3 classes: 第 2 行（neighbour）已包含这些类别，这一行永远轮不到"),
    ("disputes.tsv", 11, "county", "0", "disputes.tsv:11 county: 各级调解次数都是 0，无人调解"),
    ("disputes.tsv", 2, "town", "-1", "disputes.tsv:2 town: “-1” 应不小于 0"),
    ("disputes.tsv", 2, "department", "调解办",
     "disputes.tsv:2 department: 部门“调解办”在 units.tsv 里没有承办单位"),
    ("escalation.tsv", 4, "next", "urgent-county",
     "escalation.tsv:4 next: 升级步骤成环:urgent-bureau → urgent-county → urgent-city → urgent-bureau"),
    ("escalation.tsv", 8, "next", "complaint-bureau",
     "escalation.tsv:8 next: 升级步骤成环:complaint-bureau → complaint-bureau"),
    ("escalation.tsv", 4, "next", "nobody", "escalation.tsv:4 next: 没有步骤 nobody"),
    ("escalation.tsv", 4, "unit", "yingji-0000", "escalation.tsv:4 unit: 单位 yingji-0000 不在 units.tsv"),
    ("escalation.tsv", 4, "level", "city", "escalation.tsv:4 level: level 与 unit 要写一个,且只写一个"),
    ("escalation.tsv", 2, "minutes", "0", "escalation.tsv:2 minutes: “0” 应大于 0"),
    ("escalation.tsv", 2, "minutes", "10",
     "escalation.tsv:2 minutes: 下一步 urgent-city 在红灯后 10 分钟,应晚于本步 10 分钟"),
    ("routes.tsv", 2, "parent", "default", "routes.tsv:2 parent: 上级行 default 不存在或在其后"),
    ("routes.tsv", 2, "parent", "nobody", "routes.tsv:2 parent: 上级行 nobody 不存在或在其后"),
    ("routes.tsv", 2, "whistle", "水上公安",
     "routes.tsv:2 whistle: 部门“水上公安”在 units.tsv 里没有承办单位"),
    ("routes.tsv", 2, "platform", "sky", "routes.tsv:2 platform: 平台 sky 不在 platforms.tsv"),
    ("routes.tsv", 2, "campaigns", "x", "routes.tsv:2 campaigns: 专项 x 不在 campaigns.tsv"),
    ("routes.tsv", 2, "days", "sunday", "routes.tsv:2 days: “sunday” 不在可用值之内：'', 'work', 'rest'"),
    ("platforms.tsv", 2, "classes", "77", "platforms.tsv:2 classes: 没有以 77 开头的类别"),
    ("campaigns.tsv", 2, "classes", "77", "campaigns.tsv:2 classes: 没有以 77 开头的类别"),
    ("campaigns.tsv", 2, "areas", "8801", "campaigns.tsv:2 areas: 没有以 8801 开头的区划"),
    ("campaigns.tsv", 2, "ends", "2026-01-01", "campaigns.tsv:2 ends: 2026-01-01 早于 starts 2026-12-01"),
    ("campaigns.tsv", 2, "starts", "soon", "campaigns.tsv:2 starts: “soon” 不是日期（年-月-日）"),
    ("campaigns.tsv", 2, "handle_minutes", "0", "campaigns.tsv:2 handle_minutes: “0” 应大于 0"),
    ("campaigns.tsv", 2, "department", "水上公安",
     "campaigns.tsv:2 department: 部门“水上公安”在 units.tsv 里没有承办单位"),
    ("deadlines.tsv", 2, "minutes", "0", "deadlines.tsv:2 minutes: “0” 应大于 0"),
    ("deadlines.tsv", 2, "escalate_minutes", "0", "deadlines.tsv:2 escalate_minutes: “0” 应大于 0"),
    ("deadlines.tsv", 2, "clock", "lunch", "deadlines.tsv:2 clock: “lunch” 不在可用值之内："
     "'accept', 'dispatch', 'sign', 'contact', 'handle', 'verify', 'followup', 'respond', 'review', "
     "'acknowledge', 'mediate', 'perform', 'recheck', 'refer', 'check'"),
    ("calendar.tsv", 2, "day", "2026-02-30", "calendar.tsv:2 day: “2026-02-30” 不是日期（年-月-日）"),
    ("calendar.tsv", 3, "day", "2026-10-24", "calendar.tsv:3 day: 2026-10-24 与第 2 行重复"),
    ("phrases.tsv", 2, "class_code", "999999", "phrases.tsv:2 class_code: 类别 999999 不在 taxonomy.tsv"),
    ("phrases.tsv", 2, "phrase", "", "phrases.tsv:2 phrase: 不能为空"),
)  # fmt: skip


def said(profile: Path) -> list[str]:
    return [str(problem) for problem in check_profile(profile)]


def test_a_small_good_profile_has_nothing_to_say(street: Path) -> None:
    assert said(street) == []
    profile = load_profile(street)
    assert profile.areas[GRID].parent == "990101001001"
    assert profile.rings[GRID][0] == profile.rings[GRID][-1]
    assert profile.warnings == ()


@pytest.mark.parametrize(("file", "line", "column", "value", "want"), CELLS)
def test_one_wrong_cell_is_one_problem(
    street: Path, file: str, line: int, column: str, value: str, want: str
) -> None:
    cell(street / file, line, column, value)
    assert said(street) == [want]
    with pytest.raises(ProfileProblems) as caught:
        load_profile(street)
    assert want in str(caught.value)


def _drop(file: str, text: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        put_lines(root / file, [row for row in lines_of(root / file) if text not in row])

    return edit


def _append(file: str, row: str) -> Callable[[Path], None]:
    return lambda root: put_lines(root / file, [*lines_of(root / file), row])


def _swap(file: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        text = (root / file).read_text(encoding="utf-8")
        assert old in text
        (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return edit


def _ring(line: int, change: Callable[[list[Any]], list[Any]]) -> Callable[[Path], None]:
    def edit(root: Path) -> None:
        rows = lines_of(root / "grids.geojsonl")
        feature = json.loads(rows[line - 1])
        rings = feature["geometry"]["coordinates"]
        rings[0] = change(rings[0])
        rows[line - 1] = json.dumps(feature)
        put_lines(root / "grids.geojsonl", rows)

    return edit


EDITS: tuple[tuple[str, Callable[[Path], None], list[str]], ...] = (
    ("a ring is missing", _drop("grids.geojsonl", GRID),
     [f"areas.tsv:6 code: 网格 {GRID} 在 grids.geojsonl 里没有边界"]),
    ("a grade is missing", _drop("grades.tsv", "routine"), ["grades.tsv grade: 缺少等级 4"]),
    ("no catch-all route", _drop("routes.tsv", "default\t"),
     ["routes.tsv:25 route_id: 最后一行（unclear）应兜底：条件全空"]),
    ("no limit for two grades", _drop("deadlines.tsv", "respond\trespond\t"),
     ["deadlines.tsv clock: 时限 respond 对等级 3 没有兜底规则",
      "deadlines.tsv clock: 时限 respond 对等级 4 没有兜底规则"]),
    ("a unit twice", _append("units.tsv", "desk-9901\t又一个\t\t指挥中心\tcity\t9901"),
     ["units.tsv:129 unit_id: desk-9901 与第 2 行重复"]),
    ("a device twice", _append("devices.tsv", "CM-990101001001-0001\tvideo_ai\tcamera\t摄像头\t"
                               f"{GRID}\t\t\t117.338\t31.277"),
     ["devices.tsv:586 device_id: CM-990101001001-0001 与第 2 行重复"]),
    ("a kind patrolled twice", _append("patrols.tsv", "door|patrol_point\t4\t"),
     ["patrols.tsv:3 kinds: patrol_point 与第 2 行重复"]),
    ("a year's holidays entered in part", _append("calendar.tsv", "2027-10-01\toff\t国庆节"),
     ["calendar.tsv:6 day: 2027 年的放假安排有缺口,没有 01-01 元旦、02-05 农历除夕、02-06 春节、02-07 春节"
      " 等 12 天"]),
    ("a step of no ladder", _append("escalation.tsv", "lost\t5\tcity\t\t\t"),
     ["escalation.tsv:9 step_id: 没有时限规则用到 lost"]),
    ("a row cut short", _append("calendar.tsv", "2028-01-01\toff"),
     ["calendar.tsv:6: 有 2 列，应为 3 列（用制表符分隔）"]),
    ("no such column", _swap("areas.tsv", "households", "户数"),
     ["areas.tsv:1 户数: 没有这一列；可用：code name level parent kind households km2 lon lat "
      "valid_from valid_to successor"]),
    ("a column is missing", _swap("units.tsv", "department", "name_en_2"),
     ["units.tsv:1 name_en_2: 没有这一列；可用：unit_id name name_en department level area",
      "units.tsv:1 department: 缺少这一列"]),
    ("no limit for a mediation", _drop("deadlines.tsv", "mediate\tmediate\t"),
     [f"deadlines.tsv clock: 时限 mediate 对等级 {grade} 没有兜底规则" for grade in "1234"]),
    ("an empty file", lambda root: (root / "routes.tsv").write_bytes(b""),
     ["routes.tsv:1: 文件是空的，第一行应为列名"]),
    ("a file is missing", lambda root: (root / "units.tsv").unlink(), ["units.tsv: 文件缺失或不能读取"]),
    ("saved as GBK", lambda root: (root / "places.tsv").write_bytes(
        (root / "places.tsv").read_text(encoding="utf-8").encode("gb18030")),
     ["places.tsv:2: 不是 UTF-8 编码（像是 GBK），请另存为 UTF-8"]),
    ("saved as UTF-16", lambda root: (root / "calendar.tsv").write_bytes(
        (root / "calendar.tsv").read_text(encoding="utf-8").encode("utf-16")),
     ["calendar.tsv:1: 不是 UTF-8 编码（像是 UTF-16），请另存为 UTF-8"]),
    ("only the city office is gone", _swap("units.tsv", "公用事业\tcity\t9901", "公用事业\tcounty\t990101"),
     ["taxonomy.tsv:121 department: 部门“公用事业”在 9901 没有 city 级或以上的承办单位"]),
    ("unknown setting", _append("profile.toml", 'motto = "x"'), ["profile.toml:16 motto: 没有这一项"]),
    ("wrong setting", _swap("profile.toml", "0.35", "3.5"),
     ["profile.toml:13 triage_confidence: “3.5” 应不大于 1"]),
    ("no such desk", _swap("profile.toml", '"desk-9901"', '"desk-1"'),
     ["profile.toml:15 desk_unit: 单位 desk-1 不在 units.tsv"]),
    ("no such city", _swap("profile.toml", '"9901"', '"8801"'),
     ["profile.toml:5 city: 区划 8801 不在 areas.tsv"]),
    ("hours the wrong way round", _swap("profile.toml", "09:00", "13:00"),
     ["profile.toml:9 working_hours: 13:00-12:00 起止颠倒或与前一段重叠"]),
    ("a ring left open", _ring(1, lambda ring: [*ring[:-1], [117.339, 31.279]]),
     [f"grids.geojsonl:1 geometry: 网格 {GRID} 的环没有闭合：(117.33921, 31.2753) ≠ (117.339, 31.279)"]),
    ("a ring of three points", _ring(1, lambda ring: [ring[0], ring[1], ring[0]]),
     [f"grids.geojsonl:1 geometry: 网格 {GRID} 的环只有 3 个点，至少 4 个"]),
    ("latitude first", _ring(1, lambda ring: [[y, x] for x, y in ring]),
     [f"grids.geojsonl:1 geometry: 网格 {GRID} 的坐标 @ 超出经纬度范围（先经度后纬度）"]),
    ("a ring of nobody's", _swap("grids.geojsonl", GRID, "990101001001088"),
     ["grids.geojsonl:1 code: 网格 990101001001088 不在 areas.tsv",
      "areas.tsv:6 code: 网格 990101001001001 在 grids.geojsonl 里没有边界"]),
    ("a ring twice", _swap("grids.geojsonl", OTHER, GRID),
     [f"grids.geojsonl:2 code: {GRID} 与第 1 行重复",
      f"areas.tsv:7 code: 网格 {OTHER} 在 grids.geojsonl 里没有边界"]),
    ("another shape", _swap("grids.geojsonl", '"Polygon"', '"MultiPolygon"'),
     ["grids.geojsonl:1 geometry: “MultiPolygon” 应为 Polygon"]),
    ("not a feature", _swap("grids.geojsonl", '"properties"', '"props"'),
     ["grids.geojsonl:1: 不是一行一个的 GeoJSON Feature：KeyError 'properties'"]),
    ("outlines not JSON", lambda root: (root / "outlines.json").write_text("{", encoding="utf-8"),
     ["outlines.json:1: 不是 JSON：unexpected end of data: line 1 column 2 (char 1)"]),
    ("outlines without towns", lambda root: (root / "outlines.json").write_text(
        '{"county": []}', encoding="utf-8"), ["outlines.json town: 缺少这一级的界线（折线列表）"]),
)  # fmt: skip


@pytest.mark.parametrize(("edit", "want"), [e[1:] for e in EDITS], ids=[e[0] for e in EDITS])
def test_what_is_wrong_with_a_file_is_said(
    street: Path, edit: Callable[[Path], None], want: list[str]
) -> None:
    edit(street)
    numbers = re.compile(r"(?<=的坐标 )[\d.,]+")  # the bounds of a ring are not the point
    assert [numbers.sub("@", text) for text in said(street)] == want


def test_successors_exist_and_do_not_go_in_circles(street: Path) -> None:
    areas = street / "areas.tsv"
    cell(areas, 6, "valid_to", "2026-01-01")
    cell(areas, 6, "successor", f"{OTHER}|990101001001003")
    assert said(street) == []
    cell(areas, 7, "valid_to", "2026-06-01")
    cell(areas, 7, "successor", GRID)
    assert said(street) == [
        f"areas.tsv:6 successor: {GRID} 与 {OTHER} 互为接替，成了环",
        f"areas.tsv:7 successor: {OTHER} 与 {GRID} 互为接替，成了环",
    ]
    cell(areas, 7, "successor", "990101001001077")
    assert said(street) == ["areas.tsv:7 successor: 接替区划 990101001001077 不存在"]
    cell(areas, 7, "successor", "990101001001003")
    cell(areas, 7, "valid_to", "")
    assert said(street) == [f"areas.tsv:7 valid_to: {OTHER} 有接替区划，缺撤销日期"]


def test_a_grid_that_is_no_more_needs_no_ring(street: Path) -> None:
    rings = street / "grids.geojsonl"
    put_lines(rings, [row for row in lines_of(rings) if GRID not in row])
    cell(street / "areas.tsv", 6, "valid_to", "2026-01-01")
    assert said(street) == []


def test_a_row_nobody_reaches_is_a_warning_and_does_not_stop_the_load(street: Path) -> None:
    routes = street / "routes.tsv"
    header, *rows = lines_of(routes)
    late = route_row(routes, route_id="late", classes="02010|020105", channels="fire_iot",
                     areas="990101", grades="1", department="公安", level="town")  # fmt: skip
    fire = route_row(routes, route_id="fire", classes="0201", department="消防救援", level="town")
    put_lines(routes, [header, rows[0], fire, late, rows[-1]])
    want = "routes.tsv:4 route_id: 第 3 行（fire）更宽且在前，这一行永远轮不到"
    (problem,) = check_profile(street)
    assert problem.warning
    assert str(problem) == want
    assert load_profile(street).warnings == (want,)


def test_a_route_for_some_hours_shadows_only_those_hours(street: Path) -> None:
    routes = street / "routes.tsv"
    header, *rows = lines_of(routes)
    night = route_row(routes, route_id="night", hours="22:00-06:00", department="公安")
    fire = route_row(routes, route_id="fire", classes="0201", department="消防救援", level="town")
    put_lines(routes, [header, night, fire, rows[-1]])
    assert said(street) == []


def test_rows_below_a_row_are_reached_and_those_after_it_are_not(street: Path) -> None:
    routes = street / "routes.tsv"
    header, *rows = lines_of(routes)
    fire = route_row(routes, route_id="fire", classes="02", department="消防救援", level="town")
    child = route_row(routes, route_id="fire-calls", parent="fire", channels="police_110")
    again = route_row(routes, route_id="again", parent="fire", channels="police_110", days="rest")
    rest = route_row(routes, route_id="rest", classes="0201", days="rest", department="公安")
    put_lines(routes, [header, fire, child, again, rest, rows[-1]])
    assert said(street) == [
        "routes.tsv:4 route_id: 第 3 行（fire-calls）更宽且在前，这一行永远轮不到",
        "routes.tsv:5 route_id: 第 2 行（fire）更宽且在前，这一行永远轮不到",
    ]
    helping = route_row(routes, route_id="fire", classes="02", goes_on="1", department="消防救援")
    put_lines(routes, [header, helping, rest, rows[-1]])
    assert said(street) == []


def test_platforms_and_campaigns_may_be_absent(street: Path) -> None:
    (street / "platforms.tsv").unlink()
    (street / "campaigns.tsv").unlink()
    assert said(street) == []
    assert load_profile(street).campaigns == {}


def test_all_problems_are_told_at_once_and_one_bad_row_blames_no_other(street: Path) -> None:
    cell(street / "areas.tsv", 5, "lon", "x")  # a community: its grids still have a parent
    cell(street / "taxonomy.tsv", line_where(street / "taxonomy.tsv", "020104"), "grade", "x")
    cell(street / "calendar.tsv", 2, "kind", "x")
    assert said(street) == [
        "areas.tsv:5 lon: “x” 不是数字",
        "taxonomy.tsv:24 grade: “x” 不是整数",
        "calendar.tsv:2 kind: “x” 不在可用值之内：'work', 'off'",
    ]


def test_byte_order_mark_and_windows_line_ends_are_fine(street: Path) -> None:
    before = load_profile(street)
    for path in street.glob("*.*"):
        body = path.read_bytes().replace(b"\n", b"\r\n")
        path.write_bytes(b"\xef\xbb\xbf" + body if path.suffix == ".tsv" else body)
    after = load_profile(street)
    assert after.areas == before.areas
    assert after.phrases == before.phrases
    assert after.digest != before.digest


def test_the_digest_follows_bytes_and_not_places(street: Path, street_source: Path) -> None:
    first = profile_digest(street)
    assert first == profile_digest(street_source) == load_profile(street).digest
    (street / "notes.txt").write_text("not a part of it")
    assert profile_digest(street) == first
    with (street / "calendar.tsv").open("a", encoding="utf-8") as calendar:
        calendar.write("\n")
    assert profile_digest(street) != first


def test_no_such_profile_says_which_there_are(tmp_path: Path) -> None:
    (problem,) = check_profile(tmp_path / "nowhere")
    assert "qinglan" in problem.reason
    with pytest.raises(ProfileProblems, match="qinglan"):
        load_profile("atlantis")
