"""The shipped city, and a hand-made one small enough to know by heart."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from schemas.profile import Area, Device, Place, Profile, Route, Station, Unit
from schemas.profile_files import load_profile
from streams.core.decide import Decider, Position

INGEST_MS = 1_795_312_900_000  # 2026-11-22 10:01:40 in Shanghai


@pytest.fixture(scope="session")
def at() -> Position:
    return Position("raw.hotline", 2, 4711, 0, INGEST_MS)


@pytest.fixture(scope="session")
def shipped() -> Profile:
    return load_profile("qinglan")


@pytest.fixture(scope="session")
def decider(shipped: Profile) -> Decider:
    return Decider(shipped)


def _area(code: str, name: str, level: str, parent: str, **more: object) -> Area:
    values = {
        "code": code,
        "name": name,
        "level": level,
        "parent": parent,
        "lon": 117.0,
        "lat": 31.0,
    }
    return Area.model_validate(values | more)


AREAS = (
    _area("9901", "清澜市", "city", ""),
    _area("990101", "澜湖区", "county", "9901"),
    _area("990102", "苇塘县", "county", "9901"),
    _area("990101001", "望海街道", "town", "990101"),
    _area("990102100", "打水镇", "town", "990102"),
    _area("990101001001", "鹤洲社区", "village", "990101001"),
    _area("990101001002", "云塘社区", "village", "990101001"),
    _area("990102100201", "石桥村", "village", "990102100"),
    _area("990101001001001", "第一网格", "grid", "990101001001"),
    _area("990101001001002", "第二网格", "grid", "990101001001"),
    _area("990101001002001", "第一网格", "grid", "990101001002"),
    _area("990102100201001", "第一网格", "grid", "990102100201"),
    # cut up after 2026-11-30: its successor takes over on 1 December
    _area("990101001002009", "老网格", "grid", "990101001002",
          valid_to=date(2026, 11, 30), successor="990101001002001"),
)  # fmt: skip


def _square(lon: float, lat: float, side: float = 0.01) -> tuple[tuple[float, float], ...]:
    return (
        (lon, lat), (lon + side, lat), (lon + side, lat + side), (lon, lat + side), (lon, lat),
    )  # fmt: skip


RINGS = {
    "990101001001001": _square(117.00, 31.00),
    "990101001001002": _square(117.01, 31.00),
    "990101001002001": _square(117.02, 31.00),
    "990102100201001": _square(117.50, 31.50),
}


def _place(place_id: str, kind: str, name: str, grid: str, **more: object) -> Place:
    values = {"place_id": place_id, "kind": kind, "name": name, "grid": grid,
              "lon": 117.005, "lat": 31.005}  # fmt: skip
    return Place.model_validate(values | more)


PLACES = (
    _place("P1", "road", "水库路", "990101001001001", number_from=1, number_to=99),
    _place("P2", "road", "水库路", "990101001002001", number_from=100, number_to=199),
    _place("P3", "estate", "月亮华庭", "990101001001002", aliases="月亮湾|华庭小区"),
    _place("P4", "building", "月亮华庭3栋", "990101001001002", parent="P3"),
    _place("P5", "building", "月亮华庭12栋", "990101001001001", parent="P3"),
    _place("P6", "station", "澜湖火车站", "990101001002001", aliases="火车站"),
    _place("P7", "market", "老街菜市场", "990101001001001"),
    _place("P8", "market", "老街菜市场", "990102100201001"),
    _place("P9", "road", "人民路", "990101001001001"),
    _place("P10", "road", "人民路", "990101001001002"),
)

DEVICES = (
    Device(device_id="SM-1", channel="fire_iot", kind="smoke", name="月亮华庭3栋烟感",
           grid="990101001001002", building="P4", lon=117.011, lat=31.002),
    Device(device_id="OLD-1", channel="env_iot", kind="manhole", name="老网格井盖",
           grid="990101001002009", lon=117.021, lat=31.002),
)  # fmt: skip

UNITS = tuple(
    Unit(unit_id=unit_id, name=name, department=department, level=level, area=area)
    for unit_id, name, department, level, area in (
        ("desk",        "值班席",       "指挥中心", "city",   "9901"),
        ("fire-town",   "望海消防站",   "消防救援", "town",   "990101001"),
        ("fire-county", "苇塘消防大队", "消防救援", "county", "990102"),
        ("road-city",   "市政处",       "市政",     "city",   "9901"),
        ("police-town", "望海派出所",   "公安",     "town",   "990101001"),
    )
)  # fmt: skip

ROUTES = (
    Route(
        route_id="night", classes=("0802",), hours="22:00-06:00", department="公安", level="town"
    ),
    Route(route_id="device-fire", classes=("020104",), channels=("fire_iot",), level="town"),
    Route(route_id="rural", classes=("0601",), areas=("990102",), department="消防救援"),
    Route(route_id="default"),
)


@pytest.fixture(scope="session")
def small(shipped: Profile) -> Profile:
    return dataclasses.replace(
        shipped,
        station=Station(name="small", title="小城", title_en="Small", city="9901",
                        centre="中心", centre_en="Centre", desk_unit="desk"),
        areas={a.code: a for a in AREAS}, rings=RINGS, places={p.place_id: p for p in PLACES},
        devices={d.device_id: d for d in DEVICES}, units={u.unit_id: u for u in UNITS},
        routes=ROUTES, deadlines=(), days_off=(),
    )  # fmt: skip


@pytest.fixture(scope="session")
def small_decider(small: Profile) -> Decider:
    return Decider(small)
