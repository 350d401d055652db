"""The map of a region as GeoJSON, made once from the profile: grids, outlines, labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import orjson

from ops.wall.assets import Asset, asset
from ops.wall.tiles import Scope
from schemas.profile import Profile
from streams.core.moves import CLOCKS, MOVE_NAMES, ROLES, STATES

Feature = dict[str, Any]
DECIMALS = 6  # of a degree: 0.1 m
OUTLINES = (("town", 9), ("county", 6))


class Atlas:
    """Maps by region. Grids are in order of their codes; that order numbers them everywhere."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._documents: dict[str, Asset] = {}
        self._codes = sorted(code for code in profile.rings if code in profile.areas)

    def scope(self, area: str) -> Scope:
        codes = (code for code in self._codes if code.startswith(area))
        return Scope(area, {code: i for i, code in enumerate(codes)})

    @cached_property
    def _outlines(self) -> list[Feature]:
        return list(_outlines(self._profile))

    def document(self, area: str) -> Asset:
        """GeoJSON FeatureCollection: grids first, then town and county outlines, then labels.

        The first one takes a second: call it in a thread.
        """
        if area not in self._documents:
            self._documents[area] = asset(
                orjson.dumps(self._collection(area)), "application/geo+json"
            )
        return self._documents[area]

    def _collection(self, area: str) -> dict[str, Any]:
        rings, areas = self._profile.rings, self._profile.areas
        grids = [
            _feature("grid", code, areas[code].name, "Polygon", [_rounded(rings[code])])
            for code in self.scope(area).grids
        ]
        inside = [
            f
            for f in self._outlines
            if (code := f["properties"]["code"]).startswith(area) or area.startswith(code)
        ]
        labels = [
            _feature("label", row.code, row.name, "Point", [row.lon, row.lat])
            for row in areas.values()
            if row.level == _labelled(area) and row.code.startswith(area)
        ]
        return {"type": "FeatureCollection", "features": [*grids, *inside, *labels]}


def names(profile: Profile) -> dict[str, Any]:
    """Words of the profile for the pages, each [Chinese, English]. Grid names are on the map."""
    station = profile.station
    majors = {row.major_code: row.major for row in profile.taxonomy.values()}
    return {
        "centre": [station.centre, station.centre_en],
        "title": [station.title, station.title_en],
        "city": station.city,
        "fictional": station.fictional,
        "majors": {code: [name, name] for code, name in sorted(majors.items())},
        "classes": {row.code: [row.name, row.name_en] for row in profile.taxonomy.values()},
        "units": {
            row.unit_id: [row.name, row.name_en or row.name] for row in profile.units.values()
        },
        "channels": {
            row.channel_id: [row.name, row.name_en or row.name] for row in profile.channels.values()
        }
        | {"leads": ["线索下发", "leads"]},
        "fields": {row.field: [row.name, row.name_en or row.name] for row in profile.disputes},
        "grades": {str(g): [row.name, row.name_en] for g, row in profile.grades.items()},
        "areas": {
            row.code: [row.name, row.name] for row in profile.areas.values() if row.level != "grid"
        },
        "unit_areas": {row.unit_id: row.area for row in profile.units.values()},
        "states": _worded(STATES),
        "moves": _worded(MOVE_NAMES),
        "clocks": _worded(CLOCKS),
        "roles": _worded(ROLES),
    }


def _worded(table: Mapping[Any, str]) -> dict[str, list[str]]:
    return {code: [name, code.replace("_", " ")] for code, name in table.items()}


def _labelled(area: str) -> str:
    """Which level gets its name on the map: the one below the region."""
    return "county" if len(area) <= 4 else "town" if len(area) <= 6 else "village"


def _outlines(profile: Profile) -> Iterable[Feature]:
    import shapely  # heavy: only the process that draws needs it

    polygons = {
        code: shapely.make_valid(shapely.Polygon(ring))
        for code, ring in profile.rings.items()
        if code in profile.areas
    }
    for level, digits in OUTLINES:
        members = defaultdict(list)
        for code, polygon in polygons.items():
            members[code[:digits]].append(polygon)
        for code, parts in sorted(members.items()):
            # The tiny buffer closes slivers between neighbours drawn by different hands.
            whole = shapely.union_all(parts).buffer(1e-6).buffer(-1e-6).simplify(1e-5)
            lines = [
                _rounded(polygon.exterior.coords)
                for polygon in getattr(whole, "geoms", [whole])
                if polygon.geom_type == "Polygon"
            ]
            name = profile.areas[code].name if code in profile.areas else ""
            yield _feature(level, code, name, "MultiLineString", lines)


def _feature(level: str, code: str, name: str, kind: str, coordinates: Any) -> Feature:
    return {
        "type": "Feature",
        "properties": {"level": level, "code": code, "name": name},
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def _rounded(ring: Iterable[tuple[float, float]]) -> list[list[float]]:
    return [[round(x, DECIMALS), round(y, DECIMALS)] for x, y in ring]
