"""Figures that need the profile beside the store: devices online, patrol rounds, risk of an area.

Each takes the rows its file gives and the profile, and gives rows (key, n, of) as the files of the
other figures do. What a profile has no data for is told by ``lacking``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ops.reports.table import KPIS, By
from schemas.profile import Device, Profile

HOUR_MS = 3_600_000
Rows = Iterable[tuple[Any, ...]]
Totals = list[tuple[str, float, int]]


class Question(NamedTuple):
    """What is asked: [since, until) in epoch milliseconds, which area, split by what."""

    since_ms: int
    until_ms: int
    area: str
    by: By
    digits: int


def lacking(profile: Profile) -> dict[str, tuple[str, str]]:
    """Figures this profile cannot have: KPI → its name, and what is missing."""
    found = {}
    if not _watched(profile, ""):
        found["device_online_rate"] = "heartbeats.tsv 没有列出台账(devices.tsv)中任何一类设备"
    if not _planned(profile, ""):
        found["patrol_coverage"] = "patrols.tsv 没有列出台账(devices.tsv)中任何一类巡查点"
    if not any(a.households or a.km2 for a in profile.areas.values()):
        found["risk_index"] = "areas.tsv 没有户数,也没有面积"
    return {name: (KPIS[name].name, why) for name, why in found.items()}


def online(profile: Profile, asked: Question, rows: Rows) -> Totals:
    """Devices heard within the patience of heartbeats.tsv at the end of the period, of those
    enrolled that have one. ``rows``: device, when it was last heard."""
    heard: dict[str, int] = dict(rows)
    patience = {kind: row.silent_minutes for row in profile.heartbeats for kind in row.kinds}

    def on(device: Device) -> bool:
        at = heard.get(device.device_id)
        return at is not None and asked.until_ms - at <= patience[device.kind] * 60_000

    return _shares(asked, ((d, int(on(d)), 1) for d in _watched(profile, asked.area)))


def longest_silence_ms(profile: Profile) -> int:
    """How far before the end of a period ``online`` has to look."""
    return max((row.silent_minutes for row in profile.heartbeats), default=0) * 60_000


def patrolled(profile: Profile, asked: Question, rows: Rows) -> Totals:
    """Rounds in which a patrol point was visited, of the whole rounds the period has for it.
    ``rows``: device, hour of the period in which it was visited."""
    visited: dict[str, set[int]] = defaultdict(set)
    for device, hour in rows:
        visited[device].add(int(hour))
    every = {kind: row.every_hours for row in profile.patrols for kind in row.kinds}
    hours = (asked.until_ms - asked.since_ms) // HOUR_MS

    def parts() -> Iterator[tuple[Device, int, int]]:
        for device in _planned(profile, asked.area):
            rounds = hours // every[device.kind]
            done = {hour // every[device.kind] for hour in visited[device.device_id]}
            yield device, sum(one < rounds for one in done), rounds

    return [row for row in _shares(asked, parts()) if row[2]]


def risk(profile: Profile, asked: Question, rows: Rows) -> Totals:
    """Cases opened, weighted by grade, against households; against thousandths of km² where the
    profile gives no households. ``rows``: area, grade, cases. The figure is n / of × 1000: points a
    thousand households, or a km²."""
    points: dict[str, float] = defaultdict(float)
    for key, grade, cases in rows:
        points[str(key)] += profile.grades[int(grade)].risk_weight * int(cases)
    found = []
    for key, total in sorted(points.items()):
        of = _size(profile, key or asked.area or profile.station.city)
        if of and (key or not asked.by):
            found.append((key, total, of))
    return found


#: KPI → how it is reckoned from the rows of its file
RECKONED: dict[str, Callable[[Profile, Question, Rows], Totals]] = {
    "device_online_rate": online,
    "patrol_coverage": patrolled,
    "risk_index": risk,
}


def by_kind(profile: Profile, rows: Rows) -> Totals:
    """Rows keyed by device → rows keyed by the kind of device; "" for devices not enrolled."""
    totals: dict[str, list[Any]] = defaultdict(lambda: [0.0, 0])
    for name, n, of in rows:
        device = profile.devices.get(str(name))
        one = totals[device.kind if device else ""]
        one[0] += n
        one[1] += of
    return [(kind, n, of) for kind, (n, of) in sorted(totals.items())]


def _watched(profile: Profile, area: str) -> list[Device]:
    return _of_kinds(profile, (kind for row in profile.heartbeats for kind in row.kinds), area)


def _planned(profile: Profile, area: str) -> list[Device]:
    return _of_kinds(profile, (kind for row in profile.patrols for kind in row.kinds), area)


def _of_kinds(profile: Profile, kinds: Iterable[str], area: str) -> list[Device]:
    wanted = frozenset(kinds)
    return [
        one for one in profile.devices.values() if one.kind in wanted and one.grid.startswith(area)
    ]


def _shares(asked: Question, parts: Iterable[tuple[Device, int, int]]) -> Totals:
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for device, n, of in parts:
        one = totals[_key(asked, device)]
        one[0] += n
        one[1] += of
    return [(key, float(n), of) for key, (n, of) in sorted(totals.items())]


def _key(asked: Question, device: Device) -> str:
    match asked.by:
        case "kind":
            return device.kind
        case "area":
            return device.grid[: asked.digits]
        case "grid":
            return device.grid
    return ""


def _size(profile: Profile, code: str) -> int:
    area = profile.areas.get(code)
    return (area.households or round(area.km2 * 1000)) if area else 0
