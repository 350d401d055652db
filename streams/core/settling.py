"""Which of the areas a name may stand for is meant, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.profile import Area
from streams.core.mentions import Mention, Option

_SURE = {
    "building": 0.95, "number": 0.9, "crossing": 0.85, "place": 0.85, "grid": 0.9, "road": 0.5,
    "village": 0.7, "town": 0.5, "county": 0.3,
}  # fmt: skip
_BY_NEIGHBOUR = 0.8  # one of several of the name, told by what is named beside it
_SHARED = 0.6  # several of the name: only the level they share is taken
#: how sure a shared level can be at most, by digits: the whole city is next to nothing
_LEVEL_SURE = {12: 0.7, 9: 0.5, 6: 0.3, 4: 0.1}
_DIGITS = (15, 12, 9)
_LISTED = 5
_PLACES = ("building", "number", "place", "road")


class Named(NamedTuple):
    area: str  # finest area code
    building: str  # place id; "" if none is named
    lon: float
    lat: float
    confidence: float
    why: str


def settle(
    mention: Mention, group: Sequence[Mention], others: Sequence[Mention], within: str,
    areas: Mapping[str, Area],
) -> Named | None:  # fmt: skip
    """One area: inside ``within`` and the areas named in the same address (``group``) or text
    (``others``), near the places named beside it; else what all of them share. None: outside."""
    options = mention.options
    if within:
        options = tuple(o for o in options if _meet(o.code, within))
    for beside in (group, others):
        options = _inside(options, beside)
    if not options:
        return None
    sure = _SURE[mention.kind] * mention.trust
    told = ""
    if len(codes := {o.code for o in options}) > 1 and (
        near := _near(options, mention, others)
    ):  # fmt: skip
        options, sure = near, sure * _BY_NEIGHBOUR
        told = ",由同时提到的地点判断"
    elif len(codes) > 1:
        options = tuple(o for o in options if not o.alias) or options
    codes = {o.code for o in options}
    area = options[0].code
    if len(codes) > 1:
        area = shared(codes)
        if not area:
            return None
        sure = min(sure * _SHARED, _LEVEL_SURE[len(area)])
        told = f"({_where(codes, area, areas)},取共同上级)"
    if mention.away:
        area, told = area[:12], f"{told},相距数百米,只取村居"
    row = areas.get(area)
    place = options[0].place if len(options) == 1 and len(area) == 15 else None
    lon, lat = (place.lon, place.lat) if place else (row.lon, row.lat) if row else (0.0, 0.0)
    building = place.place_id if place is not None and place.kind == "building" else ""
    where = row.name if row is not None else area
    why = f"提到“{mention.label}”→{where}{told}"
    return Named(area, building, lon, lat, round(sure, 3), why)


def shared(codes: set[str]) -> str:
    """The finest area code that holds all of them; "" when not even the city does."""
    first = min(codes)
    for digits in (12, 9, 6, 4):
        if all(code[:digits] == first[:digits] for code in codes):
            return first[:digits]
    return ""


def _where(codes: set[str], area: str, areas: Mapping[str, Area]) -> str:
    """同名 3 处:望海街道、打水镇、雁鸣镇: what an operator would ask the caller to choose from."""
    step = next(d for d in (6, 9, 12, 15) if d > len(area))
    parts = dict.fromkeys(areas[c[:step]].name for c in sorted(codes) if c[:step] in areas)
    listed = "、".join([*parts][:_LISTED]) + ("等" if len(parts) > _LISTED else "")
    return f"同名或跨格 {len(codes)} 处:{listed}"


def _meet(code: str, fence: str) -> bool:
    return code.startswith(fence) or fence.startswith(code)


def _inside(options: tuple[Option, ...], beside: Sequence[Mention]) -> tuple[Option, ...]:
    """Those inside the areas named beside it, the finest area that holds any first."""
    regions = {
        o.code for m in beside if m.kind in ("village", "town", "county", "grid") for o in m.options
    }
    for region in sorted(regions, key=len, reverse=True):
        inside = tuple(o for o in options if o.code.startswith(region))
        if inside:
            return inside
    return options


def _near(
    options: tuple[Option, ...], mention: Mention, others: Sequence[Mention]
) -> tuple[Option, ...]:
    """Those in the grid, village or town of another place named; () when that tells nothing.
    A road without a number is only told down to its village."""
    named = [m for m in others if m.label != mention.label and m.kind in _PLACES]
    for digits in _DIGITS[1:] if mention.kind == "road" else _DIGITS:
        held = {o.code[:digits] for m in named for o in m.options}
        near = tuple(o for o in options if o.code[:digits] in held)
        if near and len(near) < len(options):
            return near
    return ()
