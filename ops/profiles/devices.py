"""Enrolled devices of a fictional city: in its equipped estates and along its streets."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from ops.profiles.land import Cell
from ops.profiles.places import GATED, Spot, somewhere
from ops.profiles.tree import Node

PREFIX: dict[str, str] = {
    "fire_iot": "FA", "lift_iot": "LF", "hat_camera": "HC", "access_gate": "GT",
    "video_ai": "CM", "env_iot": "EN",
}  # fmt: skip

#: Street devices: kind, channel, name, chance a grid in open country, more in the city centre.
STREET: tuple[tuple[str, str, str, float, float], ...] = (
    ("camera",      "video_ai", "路面监控",       0.05, 0.22),
    ("manhole",     "env_iot",  "智能井盖",       0.03, 0.30),
    ("water_level", "env_iot",  "低洼积水监测点", 0.01, 0.06),
    ("sos_button",  "env_iot",  "一键求助柱",     0.01, 0.08),
)  # fmt: skip


@dataclass(frozen=True)
class Gadget:
    device_id: str
    channel: str
    kind: str
    name: str
    grid: str
    lon: float
    lat: float
    building: str = ""
    zone: str = ""


class Fitter:
    """Numbers devices by channel prefix and village: ``FA-990101001001-0007``."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.fitted: list[Gadget] = []
        self.count: Counter[str] = Counter()

    def fit(self, channel: str, kind: str, name: str, at: Spot, zone: str = "") -> None:
        """Hang a device in a building or an estate."""
        building = at.place_id if at.kind == "building" else ""
        self._number(channel, kind, f"{at.name}{name}", at.grid, at.lon, at.lat, building, zone)

    def stand(self, channel: str, kind: str, name: str, grid: str, cell: Cell) -> None:
        """Put a device somewhere in a grid."""
        lon, lat = somewhere(cell, self.rng)
        self._number(channel, kind, name, grid, lon, lat, "", "")

    def _number(
        self, channel: str, kind: str, name: str, grid: str, lon: float, lat: float,
        building: str, zone: str,
    ) -> None:  # fmt: skip
        stem = f"{PREFIX[channel]}-{grid[:12]}"
        self.count[stem] += 1
        number = f"{stem}-{self.count[stem]:04d}"
        self.fitted.append(Gadget(number, channel, kind, name, grid, lon, lat, building, zone))


def equip(
    cells: list[Cell], tree: dict[str, Node], spots: list[Spot], rng: random.Random
) -> list[Gadget]:
    """All devices. Equipped estates are the densest ones with high buildings."""
    fitter = Fitter(rng)
    blocks: dict[str, list[Spot]] = {}
    for spot in spots:
        if spot.kind == "building":
            blocks.setdefault(spot.parent, []).append(spot)
    estates = [s for s in spots if s.kind == "estate"]
    estates.sort(key=lambda s: (-max(b.floors for b in blocks[s.place_id]),
                                -tree[s.grid].urban, s.place_id))  # fmt: skip
    for estate in estates[:GATED]:
        _estate(fitter, estate, blocks[estate.place_id])
    for spot in spots:
        if spot.kind in ("market", "school", "station"):
            _public(fitter, spot)
    for node in tree.values():
        if node.level == "town":
            _town(fitter, cells, tree, node)
        elif node.level == "grid":
            cell = cells[node.cells[0]]
            for kind, channel, name, low, more in STREET:
                if rng.random() < low + more * cell.urban:
                    fitter.stand(channel, kind, f"{tree[node.parent].name}{name}", node.code, cell)
    return sorted(fitter.fitted, key=lambda g: g.device_id)


def _estate(fitter: Fitter, estate: Spot, blocks: list[Spot]) -> None:
    fitter.fit("fire_iot", "fire_host", "消防控制室主机", estate)
    for gate in ("东门", "南门", "北门")[: fitter.rng.randint(1, 3)]:
        fitter.fit("access_gate", "door", gate, estate)
    fitter.fit("video_ai", "camera", "主入口监控", estate)
    for block in blocks:
        floor = fitter.rng.randint(2, max(2, block.floors - 1))
        for n in (1, 2):
            fitter.fit("fire_iot", "smoke", f"{floor}层{n}号感烟探测器", block, f"{floor}F")
        fitter.fit("fire_iot", "call_point", "1层手动报警按钮", block, "1F")
        if block.floors > 7:
            fitter.fit("lift_iot", "lift", "1号电梯", block)
            fitter.fit("hat_camera", "facade_camera", "高空抛物监测", block)
        if fitter.rng.random() < 0.5:
            fitter.fit("access_gate", "door", "单元门", block)


def _public(fitter: Fitter, spot: Spot) -> None:
    fitter.fit("fire_iot", "smoke", "感烟探测器", spot, "1F")
    fitter.fit("video_ai", "camera", "出入口监控", spot)
    if spot.kind == "market":
        fitter.fit("fire_iot", "gas_detector", "可燃气体探测器", spot, "1F")
        fitter.fit("fire_iot", "electrical", "电气火灾监控器", spot, "1F")
    elif spot.kind == "school":
        fitter.fit("access_gate", "door", "校门", spot)
        fitter.fit("env_iot", "sos_button", "一键求助按钮", spot)


def _town(fitter: Fitter, cells: list[Cell], tree: dict[str, Node], town: Node) -> None:
    name = town.name
    first = town.cells[0]
    code = next(n.code for n in tree.values() if n.level == "grid" and n.cells == [first])
    fitter.stand("env_iot", "rain_gauge", f"{name}雨量站", code, cells[first])
    fitter.stand("env_iot", "gas", f"{name}燃气调压站浓度监测", code, cells[first])
    if fitter.rng.random() < 0.6:
        fitter.stand("env_iot", "river_level", f"{name}河道水位站", code, cells[first])
