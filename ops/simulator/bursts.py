"""The days' bursts: rain over a district, a heating failure, water off, a fire.

Each makes the reports of one incident, over seconds since the day's midnight.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any, NamedTuple

from ops.simulator.fleet import Fleet
from ops.simulator.incident import Said
from ops.simulator.places import Places
from ops.simulator.stories import ALARM, CLEARED, RESET, component, system
from ops.simulator.texts import report
from schemas.profile import Device


class Scene(NamedTuple):
    """What a burst made. ``area`` holds all of it; ``grid`` is "" when it is wider than one."""

    class_code: str
    place: str
    grid: str
    area: str
    said: list[Said]


class Burst(NamedTuple):
    kind: str
    shape: str  # when it begins
    by_month: tuple[float, ...]  # mean number a day, January first
    make: Callable[[Random, float, Places, Fleet], Scene | None]

    def a_day(self, day: date) -> float:
        return self.by_month[day.month - 1]


#: (channel, class, reports a rain, from–to) of the calls a heavy rain brings
# fmt: off
RAIN_CALLS: tuple[tuple[str, str, int, int], ...] = (
    ("hotline_12345", "060203", 14, 40),
    ("mini_app",      "060203",  8, 24),
    ("grid_app",      "060203",  4, 12),
    ("hotline_12319", "060205",  2,  6),
    ("police_110",    "060203",  1,  5),
    ("mini_app",      "060201",  1,  4),
    ("hotline_12345", "090205",  1,  5),
)
# fmt: on


def rain(rng: Random, start: float, places: Places, fleet: Fleet) -> Scene | None:
    """Heavy rain over one district: gauges, then low points, manholes, rivers, then calls."""
    gauges = fleet.of("env_iot", ("rain_gauge", "water_level"))
    if not gauges:
        return None
    county = rng.choice(gauges).grid[:6]
    lasts = rng.uniform(2400, 9000)
    said: list[Said] = []
    for gauge in fleet.in_area("rain_gauge", county):
        fallen = 0.0
        for second in _every(rng, start, lasts, 600):
            fallen += rng.uniform(3, 12)
            said.append(_device(gauge, second, event="accumulated", value=round(fallen, 1),
                                unit="mm"))  # fmt: skip
    for low in _some(rng, fleet.in_area("water_level", county), 0.6):
        peak, top = rng.uniform(0.16, 0.46), start + lasts * rng.uniform(0.5, 0.9)
        for second in _every(rng, start + 600, lasts * 1.6, 240):
            depth = peak * max(0.0, 1 - abs(second - top) / lasts)
            said.append(_device(low, second, event="level_threshold", value=round(depth, 2),
                                unit="m"))  # fmt: skip
    for cover in _some(rng, fleet.in_area("manhole", county), 0.12):
        second = start + lasts * rng.uniform(0.3, 1.1)
        said.append(_device(cover, second, event="tilt", value=round(rng.uniform(16, 60), 1),
                            unit="°"))  # fmt: skip
    for river in _some(rng, fleet.in_area("river_level", county), 0.5):
        second = start + lasts * rng.uniform(0.7, 1.3)
        said.append(_device(river, second, event="level_over_warning",
                            value=round(rng.uniform(0.05, 0.6), 2), unit="m"))  # fmt: skip
    for channel, class_code, low_count, high_count in RAIN_CALLS:
        for _ in range(rng.randint(low_count, high_count)):
            second = start + lasts * rng.betavariate(2.5, 2) * 1.4
            spot = places.anywhere(rng, county)
            said.append(Said(second, channel, report(rng, channel, class_code, spot)))
    return Scene("060203", places.county_name(county), "", county, said)


def fire(rng: Random, start: float, places: Places, fleet: Fleet) -> Scene | None:
    """A flat burns: detectors of one zone, a call point, the host, a camera, then people call."""
    if not fleet.zones:
        return None
    zone = rng.choice(fleet.zones)
    first = zone[0]
    spot = places.of_device(first)
    said = [
        _device(detector, start + wait, part="component", status=ALARM, component_type=42,
                loop=rng.randint(1, 8), address=rng.randint(1, 200))
        for detector, wait in zip(
            rng.sample(zone, k=min(len(zone), 5)), _spread(rng, 0, 90, 5), strict=False
        )
    ]  # fmt: skip
    point = fleet.beside(rng, first, "call_point")
    if point is not None:
        said.append(_device(point, start + rng.uniform(50, 150), part="component", status=ALARM,
                            component_type=23, loop=1, address=rng.randint(1, 80)))  # fmt: skip
    host = fleet.beside(rng, first, "fire_host")
    over = start + rng.uniform(2400, 6000)
    if host is not None:
        said += [
            _device(host, start + rng.uniform(2, 20), **system(1)),
            _device(host, start + rng.uniform(60, 150), **system(5)),
            _device(host, over, **CLEARED),
            _device(host, over + rng.uniform(30, 120), **RESET),
        ]
    camera = fleet.nearest(first, "camera")
    if camera is not None:
        said.append(_device(camera, start + rng.uniform(100, 260), method=5, type=1, priority=1))
    for channel, low, high, reach in (
        ("police_110", 3, 7, 480), ("hotline_12345", 1, 3, 900), ("mini_app", 0, 2, 900),
    ):  # fmt: skip
        for _ in range(rng.randint(low, high)):
            second = start + rng.uniform(60, reach)
            said.append(Said(second, channel, report(rng, channel, "020101", spot)))
    return Scene("020101", spot.phrase, first.grid, first.grid, said)


#: kind of device → what it sends when the power of its building fails, and when it is back
POWERLESS: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "smoke":      (component(2), component(0)),
    "call_point": (component(2), component(0)),
    "lift":       ({"event": "out_of_service"}, None),
    "door":       ({"event": "DoorFault"}, None),
}  # fmt: skip


def power_cut(rng: Random, start: float, places: Places, fleet: Fleet) -> Scene | None:
    """The power of a building fails: all its devices fall ill within a minute or so, then people
    call; what can say so recovers."""
    if not fleet.zones:
        return None
    first = rng.choice(fleet.zones)[0]
    spot = places.of_device(first)
    over = start + rng.uniform(2400, 7200)
    said: list[Said] = []
    for device in fleet.in_building(first.building):
        if device.kind not in POWERLESS:
            continue
        ill, well = POWERLESS[device.kind]
        said.append(_device(device, start + rng.uniform(0, 70), **ill))
        if well is not None:
            said.append(_device(device, over + rng.uniform(0, 60), **well))
    for channel, low, high in (("hotline_12345", 1, 5), ("mini_app", 0, 3)):
        for _ in range(rng.randint(low, high)):
            second = start + rng.uniform(240, 1800)
            said.append(Said(second, channel, report(rng, channel, "060405", spot)))
    return Scene("060405", spot.phrase, first.grid, first.grid, said)


def heating(rng: Random, start: float, places: Places, fleet: Fleet) -> Scene | None:
    """Radiators of one estate stay cold."""
    return _estate(rng, start, places, "060407", 12 * 3600)


def water_off(rng: Random, start: float, places: Places, fleet: Fleet) -> Scene | None:
    """No water in one estate."""
    return _estate(rng, start, places, "060401", 4 * 3600)


# fmt: off
_RAINY  = (.02, .02, .05, .10, .18, .30, .40, .40, .20, .06, .04, .02)
_COLD   = (.90, .80, .40, .00, .00, .00, .00, .00, .00, .00, .60, .90)
_ALWAYS = (.60, .50, .50, .50, .50, .60, .60, .60, .50, .50, .50, .60)
_DRY    = (.90, .80, .60, .60, .50, .50, .60, .60, .50, .50, .60, .90)

BURSTS: tuple[Burst, ...] = (
    Burst("rain",      "leisure", _RAINY,  rain),
    Burst("heating",   "citizen", _COLD,   heating),
    Burst("water_off", "citizen", _ALWAYS, water_off),
    Burst("fire",      "evening", _DRY,    fire),
    Burst("power_cut", "leisure", _ALWAYS, power_cut),
)
# fmt: on
BURSTS_BY_KIND: dict[str, Burst] = {burst.kind: burst for burst in BURSTS}


def _estate(
    rng: Random, start: float, places: Places, class_code: str, lasts: float
) -> Scene | None:
    """Many households of one estate report the same thing, most of them early."""
    if not places.estates:
        return None
    estate = rng.choice(places.estates)
    said = []
    for channel, low, high in (("hotline_12345", 10, 30), ("mini_app", 5, 18), ("grid_app", 1, 2)):
        for _ in range(rng.randint(low, high)):
            second = start + lasts * rng.betavariate(1.2, 4)
            spot = places.in_estate(rng, estate)
            said.append(Said(second, channel, report(rng, channel, class_code, spot)))
    return Scene(class_code, estate.name, estate.grid, estate.grid[:12], said)


def _device(device: Device, second: float, **body: Any) -> Said:
    return Said(second, device.channel, {"device_id": device.device_id, **body})


def _every(rng: Random, start: float, lasts: float, period: float) -> list[float]:
    """Moments about ``period`` seconds apart, each device a little off."""
    first = rng.uniform(0, period)
    return [start + first + k * period + rng.uniform(-5, 5) for k in range(int(lasts // period))]


def _spread(rng: Random, low: float, high: float, count: int) -> list[float]:
    """``count`` moments in order, the first at ``low``."""
    return [low, *sorted(rng.uniform(low, high) for _ in range(count - 1))]


def _some(rng: Random, devices: list[Device], share: float) -> list[Device]:
    """About ``share`` of them, one at least when there is one."""
    chosen = [d for d in devices if rng.random() < share]
    return chosen or devices[:1]
