"""Geometry of a profile for maps: grids as GeoJSON, borders of towns and counties as lines."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

from schemas.profile import Profile

Point = tuple[float, float]
Ring = tuple[Point, ...]


def geojson(profile: Profile) -> bytes:
    """FeatureCollection of all grids with a ring, in code order, and outlines beside it.

    Members: ``features`` (Polygon; id = index; properties code, name, village, town, county),
    ``lines`` {county, town: polylines}, ``labels`` [{code, name, xy}] of counties. Degrees.
    """
    areas = profile.areas

    def name(code: str) -> str:
        return areas[code].name if code in areas else ""

    features = [
        {
            "type": "Feature",
            "id": index,
            "properties": {
                "code": code,
                "name": name(code),
                "village": name(code[:12]),
                "town": name(code[:9]),
                "county": name(code[:6]),
            },
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for index, (code, ring) in enumerate(sorted(profile.rings.items()))
    ]
    labels = [
        {"code": a.code, "name": a.name, "xy": [a.lon, a.lat]}
        for a in areas.values()
        if a.level == "county"
    ]
    body = {
        "type": "FeatureCollection",
        "features": features,
        "lines": outlines(profile.rings),
        "labels": labels,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def outlines(rings: Mapping[str, Ring]) -> dict[str, list[list[Point]]]:
    """Borders between towns and between counties (with the outer edge), as polylines.

    Rests on neighbours sharing their border's points to the digit, as surveyed grids must.
    """
    owners: dict[tuple[Point, Point], list[str]] = defaultdict(list)
    for code, ring in rings.items():
        for a, b in itertools.pairwise(ring):
            owners[(a, b) if a < b else (b, a)].append(code)
    lines: dict[str, list[tuple[Point, Point]]] = {"county": [], "town": []}
    for segment, codes in owners.items():
        if len(codes) == 1 or codes[0][:6] != codes[1][:6]:
            lines["county"].append(segment)
        elif codes[0][:9] != codes[1][:9]:
            lines["town"].append(segment)
    return {level: _chained(segments) for level, segments in lines.items()}


def _chained(segments: Iterable[tuple[Point, Point]]) -> list[list[Point]]:
    """Segments joined end to end as far as they go; each is used once."""
    ends: dict[Point, set[Point]] = defaultdict(set)
    for a, b in segments:
        ends[a].add(b)
        ends[b].add(a)
    lines = []
    starts = sorted(ends, key=lambda p: (len(ends[p]) == 2, p))  # junctions and ends first
    for start in starts:
        while ends[start]:
            line = [start]
            while ends[line[-1]]:
                here = line[-1]
                step = min(ends[here])
                ends[here].discard(step)
                ends[step].discard(here)
                line.append(step)
                if len(ends[step]) != 1:
                    break
            lines.append(line)
    return lines
