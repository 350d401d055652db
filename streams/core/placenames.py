"""The names people call places, found in an address or a text: longest and most specific wins.

Estate + building, road + house number, landmark, and the names of counties, towns and villages.
Several places of one name are told apart by the areas named beside them; where that does not
settle it, the level they share is taken.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from schemas.profile import Place, Profile

_LEVELS = (15, 12, 9, 6, 4)
_LEVEL_RANK = {"village": 3, "town": 2, "county": 1}
_SURE = {"building": 0.95, "number": 0.9, "place": 0.85, "road": 0.5, "village": 0.7, "town": 0.5,
         "county": 0.3}  # fmt: skip
_IN_TEXT = (
    0.9  # a name in the running text may be about something else than the place of the matter
)
_NEAR = 0.9
_SHARED = 0.6  # several places of the name: only the level they share is taken

_DIGITS = r"(\d{1,5}|[一二三四五六七八九两]?十[一二三四五六七八九]?|[一二三四五六七八九两])"
_HOUSE = re.compile(rf"[\s,,第]{{0,2}}{_DIGITS}\s*(?:号(?!楼|线|院?\d*栋)|弄)")
_BLOCK = re.compile(rf"[^,。;,;]{{0,6}}?{_DIGITS}\s*(?:号楼|栋|幢|座|#|号院)")
_DASHED = re.compile(r"[\s,,]{0,1}(\d{1,3})-\d{1,2}-\d{2,4}")  # 嘉苑4-1-1702
_AROUND = (
    "旁",
    "附近",
    "对面",
    "对过",
    "边上",
    "往前",
    "往北",
    "往南",
    "往东",
    "往西",
    "后面",
    "一带",
)
_NUMERALS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2}


class Named(NamedTuple):
    area: str  # finest area code
    building: str
    lon: float
    lat: float
    confidence: float
    why: str


class _Find(NamedTuple):
    rank: int  # higher is more specific
    length: int
    kind: str
    label: str
    codes: tuple[str, ...]
    place: Place | None
    near: bool


class PlaceNames:
    def __init__(self, profile: Profile) -> None:
        self._areas = profile.areas
        self._places: dict[str, list[Place]] = {}
        self._regions: dict[str, list[str]] = {}  # name → codes of county, town, village
        self._blocks: dict[tuple[str, int], Place] = {}
        for place in profile.places.values():
            if place.kind == "building" and place.parent:
                block = re.search(_DIGITS, place.name[::-1])  # the last number is the block's
                digits = block[1][::-1] if block else ""
                if digits:
                    self._blocks.setdefault((place.parent, _number(digits)), place)
                if _is_bare(place.name):
                    continue  # 「3号楼」 alone names nothing; it is found behind its estate
            for name in {place.name, *place.aliases}:
                if len(name) > 1:
                    self._places.setdefault(name, []).append(place)
        for code, area in profile.areas.items():
            if area.level in _LEVEL_RANK and len(area.name) > 1:
                self._regions.setdefault(area.name, []).append(code)
        self._all = sorted({*self._places, *self._regions})
        self._scan = AhoCorasick(self._all).find_matches_as_indexes if self._all else None

    def find(self, address: str, text: str, within: str = "") -> Named | None:
        """The most specific place named; ``within``: an area code it must lie in ("" = any)."""
        if self._scan is None:
            return None
        found = self._look(address, within) if address else None
        if found is not None and found.confidence >= _SURE["place"] * _NEAR:
            return found
        second = self._look(text, within) if text else None
        if second is None:
            return found
        second = second._replace(confidence=round(second.confidence * _IN_TEXT, 3))
        if found is None or len(second.area) > len(found.area):
            # A text may only refine an address, never contradict it.
            return second if found is None or second.area.startswith(found.area) else found
        return found

    def _look(self, text: str, within: str) -> Named | None:
        assert self._scan is not None
        matches = self._scan(text, overlapping=True)
        if not matches:
            return None
        kept = [
            (index, start, end)
            for index, start, end in matches
            if not any(b <= start and end <= e and e - b > end - start for _, b, e in matches)
        ]
        regions: list[str] = []
        for index, _, _ in kept:
            regions += self._regions.get(self._all[index], [])
        if within:
            regions = [code for code in regions if code.startswith(within)] or [within]
        finds = [f for index, _, end in kept for f in self._read(self._all[index], text, end)]
        best: Named | None = None
        for find in sorted(finds, key=lambda f: (-f.rank, -f.length)):
            named = self._settle(find, regions, within)
            if named is not None and (best is None or len(named.area) > len(best.area)):
                best = named
                if len(named.area) == 15:
                    break
        return best

    def _read(self, name: str, text: str, end: int) -> list[_Find]:
        """What a name in a text stands for, with the number behind it."""
        near = text[end : end + 12].startswith(_AROUND) or text[end + 1 : end + 4].startswith(
            _AROUND
        )
        finds: list[_Find] = []
        places = self._places.get(name, [])
        roads = [p for p in places if p.kind == "road"]
        if roads:
            finds.append(_road(name, roads, text, end, near))
        others = [p for p in places if p.kind != "road"]
        block = (_DASHED.match(text, end) or _BLOCK.match(text, end)) if others else None
        for place in others:
            building = self._blocks.get((place.place_id, _number(block[1]))) if block else None
            if place.kind == "building":
                building = place
            if building is not None:
                label = name if building is place else f"{name}{block[1] if block else ''}号楼"
                finds.append(
                    _Find(7, len(name), "building", label, (building.grid,), building, near)
                )
        if others and not any(f.kind == "building" for f in finds):
            codes = tuple(sorted({p.grid for p in others}))
            finds.append(_Find(5, len(name), "place", name, codes, others[0], near))
        for code in self._regions.get(name, []):
            level = self._areas[code].level
            finds.append(_Find(_LEVEL_RANK[level], len(name), level, name, (code,), None, near))
        return finds

    def _settle(self, find: _Find, regions: list[str], within: str) -> Named | None:
        """One area code: those inside the areas named beside it, else what they share."""
        codes = find.codes
        if within:
            codes = tuple(c for c in codes if c.startswith(within) or within.startswith(c))
        for region in sorted(regions, key=len, reverse=True):
            inside = tuple(c for c in codes if c.startswith(region))
            if inside:
                codes = inside
                break
        if not codes:
            return None
        sure = _SURE[find.kind] * (_NEAR if find.near else 1.0)
        area = codes[0]
        if len(codes) > 1:
            area, sure = _shared(codes), sure * _SHARED
            if not area:
                return None
        place = find.place if len(codes) == 1 else None
        row = self._areas.get(area)
        lon, lat = (place.lon, place.lat) if place else (row.lon, row.lat) if row else (0.0, 0.0)
        building = place.place_id if place is not None and place.kind == "building" else ""
        where = row.name if row is not None else area
        doubt = "" if len(codes) == 1 else f"(同名 {len(codes)} 处,取共同上级)"
        return Named(area, building, lon, lat, round(sure, 3), f"提到“{find.label}”→{where}{doubt}")


def _road(name: str, roads: list[Place], text: str, end: int, near: bool) -> _Find:
    """A road: with a house number the stretch that has it, without one all its stretches."""
    house = _HOUSE.match(text, end)
    if house is not None:
        wanted = _number(house[1])
        stretches = [p for p in roads if _has(p, wanted)]
        if stretches:
            codes = tuple(sorted({p.grid for p in stretches}))
            return _Find(6, len(name), "number", f"{name}{wanted}号", codes, stretches[0], near)
    codes = tuple(sorted({p.grid for p in roads}))
    return _Find(4, len(name), "road", name, codes, roads[0], near)


def _has(road: Place, wanted: int) -> bool:
    low, high = road.number_from, road.number_to
    return low is not None and high is not None and low <= wanted <= high


def _shared(codes: tuple[str, ...]) -> str:
    """The finest area code that holds all of them; "" when not even the city does."""
    for digits in _LEVELS[1:]:
        if len({code[:digits] for code in codes}) == 1:
            return codes[0][:digits]
    return ""


def _is_bare(name: str) -> bool:
    return re.fullmatch(rf"{_DIGITS}\s*(?:号楼|栋|幢|座|#|号院)", name) is not None


def _number(text: str) -> int:
    """A house or building number in digits or in Chinese numerals up to 99."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    high = (_NUMERALS.get(tens, 1) if tens else 1) * 10 if ten else 0
    return high + _NUMERALS.get(ones, 0)
