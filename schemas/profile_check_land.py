"""Where things are: areas nest, grids have rings, devices and places stand in their grids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas import profile as p
from schemas.profile_reading import RINGS, Draft, Problem, Table
from schemas.words import AREA_DIGITS

LEVEL_OF = {digits: level for level, digits in AREA_DIGITS.items()}
PARENT_DIGITS = {6: 4, 9: 6, 12: 9, 15: 12}
NEAR = 0.01  # degrees, about 1 km: how far a device or place may lie outside its grid
Box = tuple[float, float, float, float]


def check_areas(draft: Draft) -> Iterator[Problem]:
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


def check_successors(draft: Draft) -> Iterator[Problem]:
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


def check_rings(draft: Draft, boxes: dict[str, Box]) -> Iterator[Problem]:
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
        if ring and code not in boxes:
            x0, y0, x1, y1 = box_of(ring)
            reason = f"网格 {code} 的坐标 {x0},{y0}..{x1},{y1} 超出经纬度范围（先经度后纬度）"
            yield Problem(RINGS, n, "geometry", reason)
    for n, area in table:
        if area.level != "grid":
            continue
        if area.code in boxes:
            on_earth = -180 <= area.lon <= 180 and -90 <= area.lat <= 90
            if on_earth and not _within(boxes[area.code], area.lon, area.lat, NEAR):
                reason = f"{area.lon},{area.lat} 不在网格 {area.code} 的环内或附近"
                yield Problem(table.file, n, "lon", reason)
        elif area.valid_to is None and area.code not in draft.ring_lines and draft.rings_whole:
            yield Problem(table.file, n, "code", f"网格 {area.code} 在 {RINGS} 里没有边界")


def check_devices(draft: Draft, boxes: dict[str, Box]) -> Iterator[Problem]:
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


def check_places(draft: Draft, boxes: dict[str, Box]) -> Iterator[Problem]:
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
        elif (row.number_from or 0) > (row.number_to or 0):
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


def _position(file: str, n: int, lon: float, lat: float) -> Iterator[Problem]:
    if not -180 <= lon <= 180:
        yield Problem(file, n, "lon", f"经度 {lon} 超出 -180 至 180")
    if not -90 <= lat <= 90:
        yield Problem(file, n, "lat", f"纬度 {lat} 超出 -90 至 90")


def boxes_of(rings: Mapping[str, tuple[tuple[float, float], ...]]) -> dict[str, Box]:
    """Bounds of the rings that lie on earth; nothing is held against one that does not."""
    boxes = ((code, box_of(ring)) for code, ring in rings.items() if ring)
    return {c: b for c, b in boxes if b[0] >= -180 and b[2] <= 180 and b[1] >= -90 and b[3] <= 90}


def box_of(ring: tuple[tuple[float, float], ...]) -> Box:
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return min(xs), min(ys), max(xs), max(ys)


def _within(box: Box, x: float, y: float, slack: float) -> bool:
    return box[0] - slack <= x <= box[2] + slack and box[1] - slack <= y <= box[3] + slack
