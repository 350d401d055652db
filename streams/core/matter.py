"""Are a report and another, or an open case, one matter? A score with its reasons; nothing moves.

Place, time, kind and words have to agree. What says that they are two (other buildings, other
gates, other lifts) weighs more than anything that is alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schemas.case import Case, Evidence, Report
from streams.core.kinds import (
    GRAVE,
    PERSONAL,
    WITNESS,
    Kind,
    kind,
    kind_of_class,
    kind_of_event,
    kinds_of,
    plainly,
    spoken,
)
from streams.core.marks import Marks, goes_on, marks, names_alike, overlap, words
from streams.core.things import things
from streams.core.whereabouts import UNKNOWN, Spot, Whereabouts
from streams.core.whereabouts import metres as distance

MERGE, SUGGEST = 0.65, 0.45  # from which score on it is one case, and from which a person is asked
NOWHERE = Whereabouts()
MARKED = {
    "building": "楼号", "unit": "单元", "room": "房号", "lift": "电梯", "spot": "点位",
    "house": "门牌",
}  # fmt: skip
#: naming the same one is hardly chance
EXACT = frozenset({"house", "room", "unit", "lift", "spot"})
_MINUTE_MS = 60_000
SOON = 120  # minutes
ONE_BUILDING, ONLY_VILLAGE = "同一栋楼", "同一村社"


class Seen(NamedTuple):
    """What a report, or all reports of a case, say of their matter."""

    first_ms: int
    last_ms: int
    codes: tuple[str, ...]  # classes it may be, the likeliest first
    sure: bool  # the first of them was decided
    kinds: tuple[str, ...]
    heard: frozenset[str]  # kinds that its words name, or a device or two reports
    plain: frozenset[str]  # kinds that it names in so many words
    things: frozenset[str]
    events: frozenset[str]  # codes of devices
    devices: frozenset[str]
    spots: tuple[Spot, ...]
    name: str  # of the place, as it is called; "" when it is not
    marks: Marks
    words: frozenset[str]
    reporters: frozenset[str]
    grave: bool  # an emergency, or of a device that is trusted with one
    goes_on: bool  # it tells of what still is, or has grown worse


class Likeness(NamedTuple):
    score: float  # 0..1
    why: str


def seen(one: Report | Case, places: Whereabouts = NOWHERE) -> Seen:
    """Of a report; of a case, with what its evidence adds."""
    if isinstance(one, Report):
        village, at, name = one.grid[:12], one.occurred_at, places.called(one.text or one.title)
        others: tuple[Evidence, ...] = ()
    else:
        village, at, others = one.village, one.occurred_at or one.opened_at, one.evidence
        name = one.place
    told = told_of(one)
    spots = [places.spot(one.grid, one.building, one.lon, one.lat, told)]
    spots += [
        places.spot(e.grid or one.grid, e.building, e.lon, e.lat) for e in others if not e.urge
    ]
    spots = list(dict.fromkeys(spots))
    numbers = {n for s in spots if (n := places.number(s.building))}
    first = int(at.timestamp() * 1000)
    times = [first, *(int(e.at.timestamp() * 1000) for e in others)]
    kinds = list(kinds_of(one, told))
    codes = [one.class_code, *one.top3]
    heard = {*spoken(told), *plainly(told)} if told else set()
    heard |= {kind_of_event(one.event_code)} if one.event_code else set()
    for e in others:
        if not e.urge:
            joined = kind_of_event(e.event_code) or kind_of_class(e.class_code)
            heard |= {joined} if e.event_code or joined in kinds else set()
            kinds += [joined] if joined else []
            codes.append(e.class_code)
    return Seen(
        min(times), max(times),
        tuple(dict.fromkeys(filter(None, codes))), bool(one.class_code),
        tuple(dict.fromkeys(kinds))[:4], frozenset(heard), frozenset(plainly(told)), things(told),
        frozenset(filter(None, (one.event_code, *(e.event_code for e in others)))),
        frozenset(filter(None, (one.device_id, *(e.device_id for e in others)))),
        tuple(spots[:6]), name, marks(told, numbers), words(told, places.names(village)),
        frozenset(filter(None, (one.reporter, *(e.reporter for e in others)))),
        one.emergency, goes_on(told),
    )  # fmt: skip


def told_of(one: Report | Case) -> str:
    """What somebody says of it; nothing of a device's, whose name says where it hangs."""
    if one.device_id:
        return ""
    return one.text if not one.title or one.title in one.text else f"{one.title}。{one.text}"


def same_matter(one: Seen, other: Seen, places: Whereabouts = NOWHERE) -> Likeness:
    """How likely two are one matter. Symmetric; 0 when place or time rule it out."""
    row, alike, what = _kind(one, other)
    gap = max(one.first_ms - other.last_ms, other.first_ms - one.last_ms, 0) / _MINUTE_MS
    if gap > row.minutes:
        return Likeness(0.0, f"相隔 {_span(gap)}")
    if other.devices & one.devices and row.again and gap > row.again:
        return Likeness(0.0, f"同一设备,相隔 {_span(gap)}")
    if one.devices and other.devices and not row.one and not one.devices & other.devices:
        return Likeness(0.0, "两个设备各报各的")
    near, where = _place(one, other, row)
    if not near:
        return Likeness(0.0, where)
    contradiction = _contradiction(one, other, row)
    doubted = row.name not in one.heard & other.heard
    if doubted and not what.startswith("视频") and not one.things & other.things:
        near *= 0.8 if _point(one) != _point(other) else 1.0
    said = overlap(one.words, other.words, places.rarity)
    agree = worded = min(1.0, max(0.0, (said - 0.12) / 0.4))
    shared = one.things & other.things
    if row.name and 2 * len(shared) >= len(one.things | other.things) > 0:
        agree = max(agree, 0.5)
        alike = alike if row.name in PERSONAL else max(alike, 0.85)
    if row.name in PERSONAL and not one.reporters & other.reporters:
        if names_alike(one.words, other.words, places.rarity):
            alike, agree = min(alike, 0.8), max(agree, 0.5)
            worded = agree
        elif row.name == "common" and where == ONE_BUILDING and gap <= SOON:
            alike = min(alike, 0.8)  # neighbours of one house, at one time
        else:  # every factory has its unpaid wages
            alike, agree = min(alike, 0.3), min(agree, 0.3)
            worded = agree
    fits = alike if row.one else alike * (0.82 + 0.18 * agree)
    fits = 1 - (1 - fits) * (1 - 0.85 * agree)
    if not alike:
        fits = 0.9 * agree if agree >= (0.8 if one.sure and other.sure else 0.6) else 0.0
    if not fits:
        return Likeness(0.0, "类别与用词都不同")
    # A vague place wants words that agree; a kind that is one incident needs them less.
    named = row.one or where != ONLY_VILLAGE or names_alike(one.words, other.words, places.rarity)
    near = 1 - (1 - near) * (1 - (0.35 if row.one else 0.75 if named else 0.0) * worded)
    if _same_spot(one, other):
        near, fits = max(near, 0.95), 1 - (1 - fits) * 0.7
    late = 1.0 if gap <= row.minutes / 3 else 0.92 if gap <= row.minutes / 1.5 else 0.85
    score = near * fits * late * contradiction[0]
    why = f"{where},{what},用词相同 {said:.0%},相隔 {_span(gap)}"
    return Likeness(round(score, 3), why + contradiction[1])


def _kind(one: Seen, other: Seen) -> tuple[Kind, float, str]:
    """The row both are judged by, how well the classes agree, and in words."""
    shared = [name for name in one.kinds if name in other.kinds]
    if not (one.events.isdisjoint(WITNESS) and other.events.isdisjoint(WITNESS)):
        grave = other if one.events & set(WITNESS) else one
        rows = [kind(name) for name in grave.kinds]
        witnessed = next((row for row in rows if row.one), None)
        if witnessed is not None and grave.grave:
            return witnessed._replace(minutes=20, metres=150), 0.85, "视频报警佐证"
    if shared:
        row = min((kind(name) for name in shared), key=lambda r: not r.one)
        if row.one:
            sides = (row.name in one.heard) + (row.name in other.heard)
            devices = bool(one.devices or other.devices)
            if any(row.name not in s.heard and _else(s, row, devices) for s in (one, other)):
                return row, 0.6, "可能是同一类事件"
            return row, (0.7, 0.85, 1.0)[sides], "同一类事件"
        alike, what = _class(one, other, related=True)
        doubted = row.words and row.name not in one.heard & other.heard
        if doubted and what != "类别相同":
            alike = min(alike, 0.6)
        elif row.name in one.plain & other.plain and what == "可能的类别相同":
            alike = 0.9
        return row, alike, what
    rows = [kind(name) for name in (*one.kinds[:1], *other.kinds[:1])] or [kind("")]
    minutes = min(row.minutes for row in rows)
    metres = min(row.metres for row in rows)
    return Kind("", (), minutes=minutes, metres=metres), *_class(one, other, related=False)


def _else(one: Seen, row: Kind, devices: bool) -> bool:
    """Whether a text says plainly something else than a kind, or only may be of it: beside a
    device's alarm that is enough."""
    decided = one.sure and kind_of_class(one.codes[0]) == row.name
    return bool(one.plain) or not (decided or devices)


def _class(one: Seen, other: Seen, *, related: bool) -> tuple[float, str]:
    if one.codes and other.codes and one.codes[0] == other.codes[0]:
        return (1.0 if one.sure and other.sure else 0.9), "类别相同"
    crossed = set(one.codes[:1]) & set(other.codes) or set(other.codes[:1]) & set(one.codes)
    unsure = not (one.sure and other.sure)
    if crossed:
        likely = (0.9 if unsure else 0.8) if related else 0.55 if unsure else 0.35
        return likely, "可能的类别相同"
    if related:
        return 0.6, "类别相近"
    maybe = unsure and set(one.codes) & set(other.codes)
    return (0.35, "可能的类别相同") if maybe else (0.0, "类别不同")


def _contradiction(one: Seen, other: Seen, row: Kind) -> tuple[float, str]:
    """What the texts contradict each other in lowers a score; a building or a lift ends it."""
    factor, why = 1.0, ""
    for dim in (*row.apart, "house"):
        mine, theirs = one.marks.get(dim), other.marks.get(dim)
        if mine and theirs and not mine & theirs:
            factor *= {"building": 0.1, "lift": 0.2, "spot": 0.6}.get(dim, 0.5)
            why += f",{MARKED[dim]}不同"
    if "spot" in row.apart and {_point(one), _point(other)} == {"building", "spot"}:
        factor *= 0.7
        why += ",点位不同"
    if one.things and other.things and not row.one and not one.things & other.things:
        factor *= 0.6
        why += ",所指不同"
    apart = (one.plain - other.heard) | (other.plain - one.heard)
    if not row.one and apart & GRAVE - {row.name}:
        factor *= 0.6
        why += ",一方是险情"
    if ("fee" in one.marks) != ("fee" in other.marks) and row.name not in PERSONAL:
        factor *= 0.5
        why += ",一方只问费用或办法"
    return factor, why


def _same_spot(one: Seen, other: Seen) -> bool:
    """Whether both name one room, lift, house number or spot; every estate has a 门口."""
    both = one.marks.keys() & other.marks.keys()
    return bool(both) and any(one.marks[d] & other.marks[d] - {"门口"} for d in both & EXACT)


def _point(one: Seen) -> str:
    """Whether a text says which building, or which other spot, it is about."""
    return "building" if "building" in one.marks else "spot" if "spot" in one.marks else ""


def _place(one: Seen, other: Seen, row: Kind) -> tuple[float, str]:
    """How well two places agree, by the best that both say."""
    mine = {s.building for s in one.spots if s.building}
    theirs = {s.building for s in other.spots if s.building}
    if mine & theirs:
        return 1.0, ONE_BUILDING
    named = one.marks.get("building", frozenset()) & other.marks.get("building", frozenset())
    if mine and theirs and "building" in row.apart and not named:
        return 0.0, "不在同一栋楼"
    metres = _apart(one.spots, other.spots)
    if metres is not None and metres > max(400, 3 * row.metres):
        return 0.0, f"相距 {metres:.0f} 米"
    places = {s.place for s in one.spots if s.place} & {s.place for s in other.spots if s.place}
    if metres is not None and metres <= row.metres:
        return (0.95 if metres <= 50 else 0.9), f"相距 {metres:.0f} 米"
    level = _WIDE[row.wide]
    if named and places:
        return 0.95, "同一小区,楼号相同"
    if places:
        if not row.one and level < 2 and bool(mine) != bool(theirs):
            return 0.75, "同一小区,一方未说楼号"
        return (0.9 if level >= 1 else 0.6), "同一小区或地点"
    if metres is not None and metres > 2 * row.metres and not named:
        return 0.0, f"相距 {metres:.0f} 米"
    if metres is not None:
        return 0.55, f"相距 {metres:.0f} 米"
    grids = {s.grid for s in one.spots if s.grid} & {s.grid for s in other.spots if s.grid}
    if grids and named:
        return 0.85, "同一网格,楼号相同"
    if grids:
        return (0.85 if level >= 2 else 0.6), "同一网格"
    if one.name and one.name == other.name:
        return (0.85 if level else 0.75), "地名相同"
    if not all(s.grid for s in (*one.spots, *other.spots)):
        return (0.8 if level >= 3 else 0.6 if level == 2 else 0.45), ONLY_VILLAGE
    return 0.0, "不在同一网格"


def differ(one: Seen, other: Seen) -> bool:
    """Whether two texts tell plainly of different kinds, or name different buildings or rooms."""
    if one.plain and other.plain and not one.plain & other.plain and not one.things & other.things:
        return True
    return any(
        (a := one.marks.get(dim)) and (b := other.marks.get(dim)) and not a & b
        for dim in ("building", "unit", "room", "lift", "house")
    )


def says_where(one: Seen) -> bool:
    """Whether anything but a grid or a village says where it is."""
    return bool(one.name or one.marks.keys() & MARKED.keys() - {"spot"}) or any(
        s.building or s.place or s.off != UNKNOWN for s in one.spots
    )


def same_place(one: Seen, other: Seen) -> bool:
    """Whether both name one building, or one landmark or stretch of road."""
    mine = {s.building for s in one.spots if s.building}
    theirs = {s.building for s in other.spots if s.building}
    if mine or theirs:
        return bool(mine & theirs)
    return bool({s.place for s in one.spots if s.place} & {s.place for s in other.spots if s.place})


_WIDE = {"building": 0, "place": 1, "grid": 2, "village": 3}


def _apart(ones: Iterable[Spot], others: Iterable[Spot]) -> float | None:
    """Least distance of coordinates that say something: measured, a building's, a landmark's."""
    least: float | None = None
    for a in ones:
        if a.off == UNKNOWN or a.off > 100:
            continue
        for b in others:
            if b.off == UNKNOWN or b.off > 100:
                continue
            metres = distance(a.lon, a.lat, b.lon, b.lat)
            least = metres if least is None else min(least, metres)
    return least


def _span(minutes: float) -> str:
    return f"{minutes:.0f} 分钟" if minutes < 120 else f"{minutes / 60:.1f} 小时"
