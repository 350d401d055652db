"""What a profile knows of the place of a report: estate, numbers, and what its coordinates mean.

A report's coordinates may be measured, or those of a building, a landmark, an estate, a stretch of
road, or only the middle of a grid: that decides how much their distance says.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from math import cos, hypot, radians
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from schemas.profile import Place, Profile
from streams.core.marks import Rarity, building_number

#: how far off the coordinates of a kind of place may be, in metres
_OFF = {"building": 30, "landmark": 60, "market": 60, "school": 80, "station": 60, "estate": 150,
        "road": 200}  # fmt: skip
_HOUSE = re.compile(r"\s*(\d{1,4})\s*号(?!楼|线)")
MEASURED = 50
UNKNOWN = 100_000
METRES = 111_320  # a degree of latitude
#: how near measured coordinates are to be
_REACH = {"building": 90, "estate": 160}


class Spot(NamedTuple):
    """Where a report's matter is, as far as it says."""

    grid: str
    building: str
    place: str  # estate, landmark, road stretch …; "" = none named
    lon: float
    lat: float
    off: int  # metres the coordinates may be off; UNKNOWN = they say nothing


def metres(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Good to a few percent within a city."""
    return hypot((lon - other_lon) * cos(radians(lat)), lat - other_lat) * METRES


class Whereabouts:
    """Look-ups made once from a profile."""

    def __init__(self, profile: Profile | None = None) -> None:
        self._profile = profile
        places = profile.places if profile else {}
        areas = profile.areas if profile else {}
        self._places = places
        self._middles = {(area.lon, area.lat) for area in areas.values()}
        self._at: dict[tuple[float, float], Place] = {}
        for place in places.values():
            self._at.setdefault((place.lon, place.lat), place)
        self._own_name: dict[str, str] = {}
        self._roads: dict[str, bool] = {}
        for place in places.values():
            if place.kind != "building":
                for name in (place.name, *place.aliases):
                    self._own_name.setdefault(name, place.name)
                    self._roads[name] = self._roads.get(name, True) and place.kind == "road"
        self._all = sorted(name for name in self._own_name if len(name) > 2)
        self._scan = AhoCorasick(self._all).find_matches_as_indexes if self._all else None
        self._names: dict[str, tuple[str, ...]] = {}
        self._calls: dict[str, tuple[tuple[str, Place], ...]] = {}
        self._near: dict[str, tuple[tuple[float, float, int, str], ...]] = {}
        #: of a case's reports, looked up again with each one that joins it
        self.spot = lru_cache(4096)(self._whole_spot)

    def _whole_spot(self, grid: str, building: str, lon: float, lat: float, text: str = "") -> Spot:
        """``lon`` and ``lat`` 0: none given. ``text``: may name the place that is missing."""
        found = self._spot(grid, building, lon, lat)
        if not found.place and grid:
            named = self._named_in(grid, text) if text else ""
            return found._replace(place=named or self._around(found))
        return found

    def _named_in(self, grid: str, text: str) -> str:
        """The estate or other place of the village whose name a text has; the longest name wins."""
        for name, place in self._called(grid[:12]):
            if name in text and place.kind != "road":
                return place.place_id
        return ""

    def _around(self, spot: Spot) -> str:
        """The estate whose building, else whose middle is near measured coordinates."""
        if spot.off != MEASURED:
            return ""
        best, least = "", 1.0
        for lon, lat, reach, name in self._reaches(spot.grid[:12]):
            if abs(spot.lat - lat) * METRES > reach:
                continue
            far = metres(spot.lon, spot.lat, lon, lat) / reach
            if far < least:
                best, least = name, far
        return best

    def _reaches(self, village: str) -> tuple[tuple[float, float, int, str], ...]:
        """Where a village's buildings and estates stand, how far they reach, and whose they are."""
        found = self._near.get(village)
        if found is None:
            found = self._near[village] = tuple(
                (p.lon, p.lat, _REACH[p.kind], p.parent or p.place_id)
                for p in self._of_village(village) if p.kind in _REACH
            )  # fmt: skip
        return found

    def _spot(self, grid: str, building: str, lon: float, lat: float) -> Spot:
        known = self._places.get(building)
        estate = (known.parent or building) if known is not None else ""
        here = self._at.get((lon, lat))
        if here is not None and here.kind != "building":
            return Spot(grid, building, estate or here.place_id, lon, lat, _OFF[here.kind])
        if here is not None:
            return Spot(grid, building, estate or here.parent or here.place_id, lon, lat, 30)
        if (lon, lat) in self._middles or not (lon or lat):
            if known is not None:
                return Spot(grid, building, estate, known.lon, known.lat, _OFF["building"])
            return Spot(grid, building, estate, 0.0, 0.0, UNKNOWN)
        return Spot(grid, building, estate, lon, lat, MEASURED)

    def number(self, building: str) -> str:
        """The number in the building's name, or ""."""
        known = self._places.get(building)
        return building_number(known.name) if known is not None else ""

    def called(self, text: str) -> str:
        """The name of the place a text is about: an estate or another place, else a road with its
        house number; "" when it names none. A name may be borne by places of several villages.
        """
        if self._scan is None or not text:
            return ""
        best, rank = "", 0
        for index, _, end in self._scan(text, overlapping=True):
            name = self._all[index]
            road = self._roads.get(name, False)
            house = _HOUSE.match(text, end) if road else None
            if road and house is None:
                continue
            one = (0 if road else 1000) + len(name)
            if one > rank:
                best, rank = (f"{name}{house[1]}号" if house else self._own_name[name]), one
        return best

    def names(self, village: str) -> tuple[str, ...]:
        """Names of areas and places of a village, the longest first: they say nothing of what the
        matter is."""
        found = self._names.get(village)
        if found is None:
            found = self._names[village] = self._named(village)
        return found

    def _of_village(self, village: str) -> list[Place]:
        return self._by_village.get(village, [])

    def _called(self, village: str) -> tuple[tuple[str, Place], ...]:
        """Names of a village's places, the longest first."""
        found = self._calls.get(village)
        if found is None:
            pairs = [(name, place) for place in self._of_village(village)
                     if place.kind != "building" for name in (place.name, *place.aliases)
                     if len(name) > 1]  # fmt: skip
            pairs.sort(key=lambda pair: (-len(pair[0]), pair[0], pair[1].place_id))
            found = self._calls[village] = tuple(pairs)
        return found

    def _named(self, village: str) -> tuple[str, ...]:
        if self._profile is None:
            return ()
        areas = self._profile.areas
        names = [areas[c].name for c in (village[:6], village[:9], village) if c in areas]
        names += [name for name, _ in self._called(village)]
        return tuple(sorted({n for n in names if len(n) > 1}, key=lambda n: (-len(n), n)))

    @cached_property
    def _by_village(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for place in self._places.values():
            found.setdefault(place.grid[:12], []).append(place)
        return found

    @cached_property
    def rarity(self) -> Rarity:
        """How much a pair of signs says in texts of this jurisdiction."""
        texts = [row.text for row in self._profile.training] if self._profile else []
        return Rarity(texts)
