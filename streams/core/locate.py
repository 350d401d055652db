"""Where it is: device, code, point in polygon, words of an address; how sure and why.

A place always ends as a ``Site``: codes of every level known, the village padded with zeros where
only a coarser level is (``990100000000`` for "somewhere in the city").

Areas are re-divided: a code that is no more leads to its successor at the time of the event. Of
several successors the one that holds the point is taken, else the level they share.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from schemas.ids import SHANGHAI
from schemas.profile import Profile
from schemas.raw import epoch_ms
from streams.core.placenames import PlaceNames
from streams.core.settling import Named, shared

FOREVER = 1 << 62


class Site(NamedTuple):
    """A place by codes. ``area`` is the finest code known; valid until ``until_ms``."""

    county: str
    town: str
    village: str
    grid: str
    area: str
    lon: float
    lat: float
    until_ms: int = FOREVER
    successor: str = ""  # several divided by |
    from_ms: int = 0


class Located(NamedTuple):
    site: Site
    building: str
    lon: float
    lat: float
    by: str  # area_code | device | address | point | source_area | ""
    confidence: float
    why: str


# how sure a code of so many digits given by a source is about the place itself
_CODE_TRUST = {15: 0.95, 12: 0.8, 9: 0.5, 6: 0.3, 4: 0.1}
_DEVICE_TRUST = 0.98
_POINT_TRUST = 0.9
#: a point and a place named without doubt that are further apart than this contradict each other
_APART = 0.02  # degrees, about 2 km
_SURE_WORDS = 0.75  # from here on the words win: people also report from home
_CONTRADICTED = 0.6


class Locator:
    """Compiled places of a profile."""

    def __init__(self, profile: Profile) -> None:
        self._areas = profile.areas
        self._rings = profile.rings
        self._sites = {code: self._make(code) for code in profile.areas}
        self.city = self._sites.get(profile.station.city) or self._make(profile.station.city)
        self._names = PlaceNames(profile)
        self._devices = {
            device.device_id: Located(
                self._sites[device.grid] if device.grid in self._sites else self._make(device.grid),
                device.building, device.lon, device.lat, "device", _DEVICE_TRUST,
                f"设备台账:{device.name}",
            )
            for device in profile.devices.values()
        }  # fmt: skip

    def of_device(self, device_id: str, at_ms: int) -> Located | None:
        """Where a device hangs. None when it is not enrolled."""
        found = self._devices.get(device_id)
        if found is not None and at_ms >= found.site.until_ms:
            site = self._follow(found.site, at_ms, found.lon, found.lat)
            sure = _CODE_TRUST[len(site.area)] if len(site.area) < 15 else found.confidence
            return found._replace(site=site, confidence=sure)
        return found

    def of_code(
        self, code: str, at_ms: int, lon: float | None = None, lat: float | None = None
    ) -> Site | None:
        """The site of an area code, its successor once it has been re-divided: the one that holds
        the point, or the level all successors share. None if unknown."""
        site = self._sites.get(code)
        if site is not None and at_ms >= site.until_ms:
            return self._follow(site, at_ms, lon, lat)
        return site

    def nearest(self, code: str) -> str:
        """The finest known area an unknown code begins with; "" when not even the county is."""
        return next((code[:d] for d in (12, 9, 6) if code[:d] in self._sites), "")

    def knows(self, code: str) -> bool:
        return code in self._sites

    def locate(
        self, area_code: str, lon: float | None, lat: float | None, address: str, text: str,
        at_ms: int,
    ) -> Located:  # fmt: skip
        """The finest level all hints agree on. An unknown ``area_code`` counts as none."""
        given = self.of_code(area_code, at_ms, lon, lat) if area_code else None
        within = given.area if given is not None else ""
        named = self._names.find(address, text, within) if address or text else None
        if given is not None and given.grid:
            building, why = (named.building, named.why) if named and named.building else ("", "")
            return self._by_code(given, building, lon, lat, why, area_code)
        if lon is not None and lat is not None:
            site = self.of_point(lon, lat, at_ms)
            if site is not None and site.area.startswith(within):
                return self._by_point(site, lon, lat, named, at_ms)
        if named is not None and len(named.area) > len(within):
            return self._by_name(named, lon, lat, at_ms)
        if given is not None:
            return self._by_code(given, "", lon, lat, "", area_code)
        nowhere = self.city
        here = (nowhere.lon, nowhere.lat) if lon is None or lat is None else (lon, lat)
        outside = "坐标不在辖区内," if lon is not None else ""
        return Located(nowhere, "", *here, "", 0.0, f"{outside}没有可用的位置信息")

    def of_point(self, lon: float, lat: float, at_ms: int) -> Site | None:
        """The grid whose ring holds a point (WGS 84). On a shared edge: the lowest code."""
        if not self._rings:
            return None
        from shapely import Point

        tree, codes = self._tree
        hits = sorted(codes[i] for i in tree.query(Point(lon, lat), predicate="intersects"))
        sites = [self._sites[code] for code in hits if code in self._sites]
        now = next((s for s in sites if s.from_ms <= at_ms < s.until_ms), None)
        return now or (self.of_code(sites[0].area, at_ms, lon, lat) if sites else None)

    def _by_point(
        self, site: Site, lon: float, lat: float, named: Named | None, at_ms: int
    ) -> Located:
        """A point, unless the words name another place without doubt."""
        why = f"坐标落在{self._name(site.area)}"
        if named is not None and len(named.area) == 15:
            far = max(abs(named.lon - lon), abs(named.lat - lat)) > _APART
            if far and named.confidence >= _SURE_WORDS:
                told = self._by_name(named, None, None, at_ms)
                why = f"{named.why};{why},与文字相距两公里以上,以文字为准"
                return told._replace(confidence=_CONTRADICTED, why=why)
        fits = named is not None and named.building and named.area == site.area
        return Located(
            site, named.building if named is not None and fits else "", lon, lat, "point",
            _POINT_TRUST, why,
        )  # fmt: skip

    def _by_name(self, named: Named, lon: float | None, lat: float | None, at_ms: int) -> Located:
        site = self.of_code(named.area, at_ms, named.lon, named.lat) or self._make(named.area)
        return Located(
            site, named.building, lon if lon is not None else named.lon,
            lat if lat is not None else named.lat, "address", named.confidence, named.why,
        )  # fmt: skip

    def _by_code(
        self, site: Site, building: str, lon: float | None, lat: float | None, why: str, code: str
    ) -> Located:
        fine = len(site.area) >= 12
        reason = f"来源给出的区划:{self._name(code)}"
        if site.area != code:
            whole = len(site.area) == len(code)
            now = self._name(site.area)
            reason += f",已重划,今属{now}" if whole else f",已拆分,未能确定哪一格,取{now}"
        return Located(
            site, building, site.lon if lon is None else lon, site.lat if lat is None else lat,
            "area_code" if fine else "source_area", _CODE_TRUST.get(len(site.area), 0.1),
            f"{reason};{why}" if why else reason,
        )  # fmt: skip

    def _make(self, code: str) -> Site:
        area = self._areas.get(code)
        start, until = 0, FOREVER
        if area is not None and area.valid_from is not None:
            start = _midnight(area.valid_from)
        if area is not None and area.successor and area.valid_to is not None:
            until = _midnight(area.valid_to + timedelta(days=1))
        return Site(
            county=code[:6] if len(code) >= 6 else "",
            town=code[:9] if len(code) >= 9 else "",
            village=code[:12].ljust(12, "0"),
            grid=code if len(code) == 15 else "",
            area=code,
            lon=area.lon if area is not None else 0.0,
            lat=area.lat if area is not None else 0.0,
            until_ms=until,
            successor=area.successor if area is not None else "",
            from_ms=start,
        )

    def _follow(
        self, site: Site, at_ms: int, lon: float | None = None, lat: float | None = None
    ) -> Site:
        seen = {site.area}
        while at_ms >= site.until_ms:
            codes = {c for c in site.successor.split("|") if c in self._sites} - seen
            if not codes:
                break
            code = codes.pop() if len(codes) == 1 else self._one_of(codes, lon, lat)
            following = self._sites.get(code)
            if following is None:
                break
            seen.add(code)
            site = following
        return site

    def _one_of(self, codes: set[str], lon: float | None, lat: float | None) -> str:
        """The successor whose ring holds the point, else the area all of them lie in."""
        if lon is not None and lat is not None:
            from shapely import Point, Polygon

            for code in sorted(codes):
                ring = self._rings.get(code, ())
                if len(ring) > 3 and Polygon(ring).covers(Point(lon, lat)):
                    return code
        return shared(codes)

    def _name(self, code: str) -> str:
        return self._areas[code].name if code in self._areas else code

    @cached_property
    def _tree(self) -> tuple[Any, list[str]]:
        from shapely import Polygon, STRtree

        codes = [code for code, ring in self._rings.items() if len(ring) >= 3]
        return STRtree([Polygon(self._rings[code]) for code in codes]), codes


def _midnight(day: date) -> int:
    return epoch_ms(datetime.combine(day, time(), SHANGHAI))
