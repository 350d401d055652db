"""Where it is: device, code, point in polygon, words of an address; how sure and why.

A place always ends as a ``Site``: codes of every level known, the village padded with zeros where
only a coarser level is (``990100000000`` for "somewhere in the city").
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from schemas.ids import SHANGHAI
from schemas.profile import Profile
from schemas.raw import epoch_ms
from streams.core.placenames import PlaceNames

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
    successor: str = ""


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
            return found._replace(site=self._follow(found.site, at_ms))
        return found

    def of_code(self, code: str, at_ms: int) -> Site | None:
        """The site of an area code, its successor once it has been re-divided. None if unknown."""
        site = self._sites.get(code)
        if site is not None and at_ms >= site.until_ms:
            return self._follow(site, at_ms)
        return site

    def knows(self, code: str) -> bool:
        return code in self._sites

    def locate(
        self, area_code: str, lon: float | None, lat: float | None, address: str, text: str,
        at_ms: int,
    ) -> Located:  # fmt: skip
        """The finest level all hints agree on. An unknown ``area_code`` counts as none."""
        given = self.of_code(area_code, at_ms) if area_code else None
        within = given.area if given is not None else ""
        if given is not None and given.grid:
            building, why = self._building(address, text, within)
            return self._by_code(given, building, lon, lat, why)
        if lon is not None and lat is not None:
            site = self.of_point(lon, lat, at_ms)
            if site is not None and site.area.startswith(within):
                building, _ = self._building(address, text, site.area)
                why = f"坐标落在{self._name(site.area)}"
                return Located(site, building, lon, lat, "point", _POINT_TRUST, why)
        named = self._names.find(address, text, within)
        if named is not None and len(named.area) > len(within):
            site = self.of_code(named.area, at_ms) or self._make(named.area)
            return Located(
                site, named.building, lon if lon is not None else named.lon,
                lat if lat is not None else named.lat, "address", named.confidence, named.why,
            )  # fmt: skip
        if given is not None:
            return self._by_code(given, "", lon, lat, "")
        nowhere = self.city
        here = (nowhere.lon, nowhere.lat) if lon is None or lat is None else (lon, lat)
        return Located(nowhere, "", *here, "", 0.0, "没有可用的位置信息")

    def of_point(self, lon: float, lat: float, at_ms: int) -> Site | None:
        """The grid whose ring holds a point (WGS 84). On a shared edge: the lowest code."""
        if not self._rings:
            return None
        from shapely import Point

        tree, codes = self._tree
        hits = sorted(codes[i] for i in tree.query(Point(lon, lat), predicate="intersects"))
        live = [code for code in hits if code in self._sites]
        return self.of_code(live[0], at_ms) if live else None

    def _by_code(
        self, site: Site, building: str, lon: float | None, lat: float | None, why: str
    ) -> Located:
        fine = len(site.area) >= 12
        reason = why or f"来源给出的区划:{self._name(site.area)}"
        return Located(
            site, building, site.lon if lon is None else lon, site.lat if lat is None else lat,
            "area_code" if fine else "source_area", _CODE_TRUST.get(len(site.area), 0.1), reason,
        )  # fmt: skip

    def _building(self, address: str, text: str, within: str) -> tuple[str, str]:
        if not address and not text:
            return "", ""
        named = self._names.find(address, text, within)
        return (named.building, named.why) if named is not None and named.building else ("", "")

    def _make(self, code: str) -> Site:
        area = self._areas.get(code)
        until = FOREVER
        if area is not None and area.successor and area.valid_to is not None:
            next_day = datetime.combine(area.valid_to, datetime.min.time()) + timedelta(days=1)
            until = epoch_ms(next_day.replace(tzinfo=SHANGHAI))
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
        )

    def _follow(self, site: Site, at_ms: int) -> Site:
        seen = {site.area}
        while at_ms >= site.until_ms and site.successor not in seen:
            following = self._sites.get(site.successor)
            if following is None:
                break
            seen.add(following.area)
            site = following
        return site

    def _name(self, code: str) -> str:
        return self._areas[code].name if code in self._areas else code

    @cached_property
    def _tree(self) -> tuple[Any, list[str]]:
        from shapely import Polygon, STRtree

        codes = [code for code, ring in self._rings.items() if len(ring) >= 3]
        return STRtree([Polygon(self._rings[code]) for code in codes]), codes
