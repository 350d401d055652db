"""Where it happens: spots of the profile's places, and how people on the phone name them."""

from __future__ import annotations

import math
from bisect import bisect
from itertools import accumulate
from random import Random
from typing import NamedTuple

from schemas.profile import Area, Device, Place, Profile

#: How often a place of a kind is where something happens.
WEIGHTS: dict[str, float] = {
    "estate": 5, "building": 4, "road": 4, "market": 2, "school": 1.5, "landmark": 1, "station": 1,
}  # fmt: skip
CORNERS: dict[str, tuple[str, ...]] = {
    "estate":   ("", "北门", "南门口", "地下车库", "中心花园", "门口", "里面", "物业办公室旁"),
    "building": ("", "楼下", "一单元", "2单元", "三单元门口", "楼道里", "后面", "顶楼"),
    "road":     ("", "附近", "路口", "人行道上", "公交站旁", "辅路"),
    "market":   ("", "门口", "东侧", "里面", "后门"),
    "school":   ("门口", "旁边", "北侧", "对面", ""),
    "landmark": ("附近", "旁边", "对面", "", "东侧"),
    "station":  ("", "出口", "旁边", "广场"),
}  # fmt: skip
GROUPS = ("一组", "二组", "三组", "五组", "村口", "村委会旁", "文化广场", "主路上", "后面的水渠边")
AREA_SHARE = 0.2  # of spots named by street and community only
ALIAS_SHARE = 0.15
COUNTY_SHARE = 0.35  # of phrases that begin with the county or district


class Spot(NamedTuple):
    phrase: str  # as somebody would say it
    grid: str  # 15 digits
    lon: float
    lat: float


class Places:
    """Spots to draw from: the whole city, one area, or one estate."""

    def __init__(self, profile: Profile) -> None:
        self._areas = profile.areas
        self._places = profile.places
        self._grids = [a for a in profile.areas.values() if a.level == "grid"]
        if not self._grids:
            raise ValueError("the profile has no grids: nothing can happen anywhere")
        self.households = sum(g.households for g in self._grids) or 300 * len(self._grids)
        self._within: dict[str, tuple[list[Place], list[Area]]] = {}
        self._cumulative: dict[str, tuple[list[float], list[float]]] = {}
        self._children: dict[str, list[Place]] = {}
        for place in profile.places.values():
            if place.parent:
                self._children.setdefault(place.parent, []).append(place)
        self.estates = [p for p in profile.places.values() if p.kind == "estate"]

    def anywhere(self, rng: Random, area: str = "") -> Spot:
        """A spot in the area whose code begins so; "" is the whole city."""
        places, grids = self._members(area)
        by_place, by_grid = self._cumulative[area]
        if places and rng.random() >= AREA_SHARE:
            return self.at(rng, places[bisect(by_place, rng.random() * by_place[-1])])
        if not grids:
            raise ValueError(f"no grid in area {area}")
        return self._in_grid(rng, grids[bisect(by_grid, rng.random() * by_grid[-1])])

    def in_estate(self, rng: Random, estate: Place) -> Spot:
        """The estate itself or one of its buildings."""
        return self.at(rng, rng.choice([estate, *self._children.get(estate.place_id, ())]))

    def of_device(self, device: Device) -> Spot:
        """Where a device hangs: its building by name, else its community."""
        place = self._places.get(device.building)
        phrase = place.name if place else self.name_of(device.grid)
        return Spot(phrase, device.grid, device.lon, device.lat)

    def at(self, rng: Random, place: Place) -> Spot:
        """The place as somebody would name it: alias, house number, corner, with its county."""
        name = place.name
        if place.aliases and rng.random() < ALIAS_SHARE:
            name = rng.choice(place.aliases)
        parent = self._places.get(place.parent)
        if parent is not None and not name.startswith(parent.name):
            name = parent.name + name
        if place.kind == "road" and place.number_from is not None and place.number_to is not None:
            name += f"{rng.randint(place.number_from, place.number_to)}号"
        phrase = self._county(rng, place.grid) + name + rng.choice(CORNERS[place.kind])
        return Spot(phrase, place.grid, *_near(rng, place.lon, place.lat))

    def county_name(self, code: str) -> str:
        area = self._areas.get(code[:6])
        return area.name if area else ""

    def name_of(self, grid: str) -> str:
        """Town and village or community of a grid, as an address begins."""
        town, village = self._areas.get(grid[:9]), self._areas.get(grid[:12])
        return (town.name if town else "") + (village.name if village else "")

    def _in_grid(self, rng: Random, grid: Area) -> Spot:
        phrase = self._county(rng, grid.code) + self.name_of(grid.code) + rng.choice(GROUPS)
        return Spot(phrase, grid.code, *_near(rng, grid.lon, grid.lat))

    def _county(self, rng: Random, code: str) -> str:
        return self.county_name(code) if rng.random() < COUNTY_SHARE else ""

    def _members(self, area: str) -> tuple[list[Place], list[Area]]:
        found = self._within.get(area)
        if found is None:
            places = [p for p in self._places.values() if p.grid.startswith(area)]
            grids = [g for g in self._grids if g.code.startswith(area)]
            found = self._within[area] = (places, grids)
            self._cumulative[area] = (
                list(accumulate(WEIGHTS[p.kind] for p in places)),
                list(accumulate(max(g.households, 1) for g in grids)),
            )
        return found


def _near(rng: Random, lon: float, lat: float, metres: float = 25.0) -> tuple[float, float]:
    """Within about 25 m: a phone's position, still in the same grid nearly always."""
    angle, reach = rng.random() * math.tau, rng.random() * metres / 111_320
    return (
        round(lon + reach * math.cos(angle) / max(0.1, math.cos(math.radians(lat))), 6),
        round(lat + reach * math.sin(angle), 6),
    )
