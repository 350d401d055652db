"""The names people call places, found in an address or a text: where the matter is.

Estate + building, road + house number, crossing of two roads, landmark, village + grid, and the
names of counties, towns and villages. Several places of one name are told apart by the areas and
places named beside them; where that does not settle it, the level they share is taken. Of several
places in one text it is the place of the matter that counts, not the caller's home.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import pairwise, zip_longest
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick

from schemas.profile import Place, Profile
from streams.core import mentions as say
from streams.core.mentions import Mention, Option
from streams.core.numerals import NUMBER, number
from streams.core.settling import Named, settle
from streams.core.slips import SAME_SOUND, Slips
from streams.core.sounds import plain

_RANK = {
    "building": 7, "number": 6, "crossing": 6, "place": 5, "grid": 5, "road": 4, "village": 3,
    "town": 2, "county": 1,
}  # fmt: skip
_LEVELS = ("village", "town", "county")
#: a name in the running text may be about something else than the place of the matter
_IN_TEXT = 0.9
_ENOUGH = 0.75  # an address that says so much is not looked for in the text again
_SUFFIX = re.compile(r"(?:街道|社区|自治县|[镇乡村区县])$")
_THERE = re.compile(r"[这那]边|[这那]里|一带|片区|辖区|境内|老街|进村|村口|镇上|街上|县城")
_CROSS = re.compile(
    r"\S{0,3}?(?:交叉|交汇|交界|相交|路口|街口|巷口|口|十字|丁字|三岔|拐角|转角|转弯)"
)
_AND = re.compile(r"(?:路?口)?[与和跟同、/到至\-—]?$")
_NUMBERED = re.compile(rf"第?({NUMBER})网格$")


class _Name(NamedTuple):
    """What one name may stand for."""

    roads: tuple[Place, ...] = ()
    others: tuple[Place, ...] = ()
    regions: tuple[str, ...] = ()  # codes of county, town, village
    short: bool = False  # 澜湖 for 澜湖区


class PlaceNames:
    def __init__(self, profile: Profile) -> None:
        self._areas = profile.areas
        self._blocks: dict[tuple[str, str], Place] = {}
        self._grids: dict[tuple[str, int], str] = {}  # village, number → grid
        self._themes: dict[str, list[tuple[str, str]]] = {}  # village → names and codes of grids
        self._names = self._read(profile)
        self._all = sorted(self._names)
        self._scan = AhoCorasick(self._all).find_matches_as_indexes if self._all else None

    def find(self, address: str, text: str, within: str = "") -> Named | None:
        """The most specific place named; ``within``: an area code it must lie in ("" = any)."""
        if self._scan is None:
            return None
        found = self._look(plain(address), within, True) if address else None
        if found is not None and found.confidence >= _ENOUGH and len(found.area) == 15:
            return found
        # A text may only refine an address, never contradict it.
        second = self._look(plain(text), found.area if found else within, False) if text else None
        if second is None or (found is not None and len(second.area) <= len(found.area)):
            return found
        return second._replace(confidence=round(second.confidence * _IN_TEXT, 3))

    def _look(self, text: str, within: str, certain: bool) -> Named | None:
        """``certain``: the text is an address."""
        mentions = self._mentions(text, certain)
        best, strange = self._best(text, mentions, within)
        if best is not None and len(best.area) == 15 and not strange:
            return best
        slips = [
            mention
            for slip in self._slips.find(text, certain)
            if not any(_holds(m, slip.start, slip.end) for m in mentions)
            for mention in self._of_slip(text, slip.start, slip.end, slip.names, slip.trust)
        ]
        if not slips:
            return best
        second, stranger = self._best(text, [*mentions, *slips], within)
        if second is None or best is None:
            return second or best
        better = (-stranger, len(second.area)) > (-strange, len(best.area))
        return second if better else best

    def _best(self, text: str, mentions: list[Mention], within: str) -> tuple[Named | None, int]:
        """The best place, and how strange it is to the matter (0 = not at all)."""
        groups = say.clusters(text, [*mentions, *self._crossings(text, mentions)])
        strange = [
            say.strangeness(text, group, after[0] if after else None)
            for group, after in zip_longest(groups, groups[1:])
        ]
        best: Named | None = None
        rank: tuple[int, ...] = ()
        for group, weight in zip(groups, strange, strict=True):
            others = [m for g, w in zip(groups, strange, strict=True) if w <= weight for m in g]
            for mention in group:
                named = settle(mention, group, others, within, self._areas)
                if named is None:
                    continue
                here = (-weight, len(named.area), _RANK[mention.kind], len(mention.label))
                if best is None or here > rank:
                    best, rank = named, here
        return best, -rank[0] if rank else 0

    def _mentions(self, text: str, certain: bool) -> list[Mention]:
        assert self._scan is not None
        longest: list[tuple[int, int, int]] = []
        for index, start, end in sorted(
            self._scan(text, overlapping=True), key=lambda m: (m[1], -m[2])
        ):
            if longest and end <= longest[-1][2]:
                continue
            while longest and start <= longest[-1][1]:
                longest.pop()
            longest.append((index, start, end))
        found: list[Mention] = []
        for n, (index, start, end) in enumerate(longest):
            until = longest[n + 1][1] if n + 1 < len(longest) else len(text)
            name = self._names[self._all[index]]
            if name.short and not (
                (certain and start == 0)
                or end - start > 2
                or until == end
                or _THERE.match(text, end)
            ):
                continue
            found += self._read_name(self._all[index], name, text, start, end, until)
        return found

    def _of_slip(
        self, text: str, start: int, end: int, names: tuple[str, ...], trust: float
    ) -> list[Mention]:
        """What a slip may mean; a short road only with a house number that it has."""
        found = [
            m._replace(trust=m.trust * trust, label=f"{text[start:end]}(疑为{m.label})")
            for name in dict.fromkeys(names)
            for m in self._read_name(name, self._names[name], text, start, end, len(text))
            if m.kind != "road" or (len(name) > 3 and trust >= SAME_SOUND)
        ]
        best = max((_RANK[m.kind] for m in found), default=0)
        found = [m for m in found if _RANK[m.kind] == best]
        if len(found) < 2:
            return found
        options = tuple(option for m in found for option in m.options)
        return [found[0]._replace(options=options)]

    def _read_name(
        self, word: str, name: _Name, text: str, start: int, end: int, until: int
    ) -> list[Mention]:
        """What a name in a text stands for, with the number behind it (before ``until``)."""
        found: list[Mention] = []
        if name.roads:
            found.append(self._road(word, name.roads, text, start, end, until))
        if name.others:
            found.append(self._estate(word, name.others, text, start, end, until))
        for code in name.regions:
            level = self._areas[code].level
            found.append(Mention(start, end, level, word, (Option(code),)))
            if level == "village" and (grid := self._grid_of(code, text, end)):
                found.append(Mention(start, grid[1], "grid", grid[2], (Option(grid[0]),)))
        return [self._placed(m, text) if m.kind not in _LEVELS else m for m in found]

    def _placed(self, mention: Mention, text: str) -> Mention:
        metres = say.distance(text, mention.end)
        if metres is not None:
            return mention._replace(trust=mention.trust * 0.8, away=metres >= 300)
        if say.is_around(text, mention.end):
            return mention._replace(trust=mention.trust * 0.9)
        return mention

    def _road(
        self, word: str, roads: tuple[Place, ...], text: str, start: int, end: int, until: int
    ) -> Mention:
        """With a house number the stretch that has it, without one all its stretches."""
        house = say.house_number(text, end, until)
        if house is not None:
            wanted, behind = house
            having = tuple(Option(p.grid, p, p.name != word) for p in roads if _has(p, wanted))
            if having:
                return Mention(start, behind, "number", f"{word}{wanted}号", having)
        options = tuple(Option(p.grid, p, p.name != word) for p in roads)
        return Mention(start, end, "road", word, options)

    def _estate(
        self, word: str, places: tuple[Place, ...], text: str, start: int, end: int, until: int
    ) -> Mention:
        """An estate with the number of a building, or any other place."""
        buildings = [p for p in places if p.kind == "building"]
        if not buildings and (block := say.block(text, end, until)) is not None:
            key, behind = block
            having = [self._blocks[at] for p in places if (at := (p.place_id, key)) in self._blocks]
            if having:
                options = tuple(Option(b.grid, b, not b.name.startswith(word)) for b in having)
                return Mention(start, behind, "building", f"{word}{key}号楼", options)
        kind = "building" if buildings else "place"
        options = tuple(Option(p.grid, p, p.name != word) for p in buildings or places)
        return Mention(start, end, kind, word, options)

    def _grid_of(self, village: str, text: str, end: int) -> tuple[str, int, str] | None:
        """Grid named behind a village: code, where it ends, label."""
        name = self._areas[village].name
        numbered = say.grid_number(text, end)
        if numbered is not None and (code := self._grids.get((village, numbered[0]))):
            return code, numbered[1], f"{name}{self._areas[code].name}"
        for theme, code in self._themes.get(village, ()):
            if text.startswith(theme, end):
                return code, end + len(theme), f"{name}{theme}"
        return None

    def _crossings(self, text: str, mentions: list[Mention]) -> list[Mention]:
        """Two roads and 路口 behind them: the grids both run through."""
        found = []
        roads = [m for m in mentions if m.kind == "road"]
        for first, second in pairwise(roads):
            if not (_AND.match(text[first.end : second.start]) and _CROSS.match(text, second.end)):
                continue
            here = {option.code for option in first.options}
            both = tuple(Option(o.code) for o in second.options if o.code in here)
            if not both:
                villages = {code[:12] for code in here}
                both = tuple(Option(o.code[:12]) for o in second.options if o.code[:12] in villages)
            if both:
                label = f"{first.label}与{second.label}路口"
                found.append(Mention(first.start, second.end, "crossing", label, both))
        return found

    @cached_property
    def _slips(self) -> Slips:
        return Slips(word for word, name in self._names.items() if not name.short)

    def _read(self, profile: Profile) -> dict[str, _Name]:
        primary: dict[str, list[Place]] = {}
        aliases: dict[str, list[Place]] = {}
        for place in profile.places.values():
            if place.kind == "building" and place.parent and (key := say.block_of(place.name)):
                self._blocks.setdefault((place.parent, key), place)
                continue  # found behind its estate; 「3号楼」 alone names nothing
            primary.setdefault(place.name, []).append(place)
            for alias in place.aliases:
                aliases.setdefault(alias, []).append(place)
        regions: dict[str, list[str]] = {}
        short: dict[str, list[str]] = {}
        for code, area in profile.areas.items():
            if area.level in _LEVELS:
                regions.setdefault(area.name, []).append(code)
                if (stem := _SUFFIX.sub("", area.name)) != area.name:
                    short.setdefault(stem, []).append(code)
            elif area.level == "grid":
                if numbered := _NUMBERED.match(area.name):
                    self._grids.setdefault((code[:12], number(numbered[1])), code)
                else:
                    self._themes.setdefault(code[:12], []).append((area.name, code))
        names: dict[str, _Name] = {}
        for word in {*primary, *aliases, *regions}:
            places = [*primary.get(word, []), *aliases.get(word, [])]
            if len(word) > 1:
                names[word] = _Name(
                    tuple(p for p in places if p.kind == "road"),
                    tuple(p for p in places if p.kind != "road"),
                    tuple(regions.get(word, ())),
                )
        for word, codes in short.items():
            if len(word) > 1 and word not in names:
                names[word] = _Name(regions=tuple(codes), short=True)
        return names


def _holds(mention: Mention, start: int, end: int) -> bool:
    """Whether a name that was read leaves no room for a slip: it overlaps, and is not only the
    area a longer name begins with (郑家店 in 郑家店文化礼堂)."""
    if mention.kind in _LEVELS and start <= mention.start and mention.end < end:
        return False
    return mention.start < end and start < mention.end


def _has(road: Place, wanted: int) -> bool:
    low, high = road.number_from, road.number_to
    return low is not None and high is not None and low <= wanted <= high
