"""GCJ-02 (the offset of maps published in China) to WGS 84.

Published approximation on the Krasovsky 1940 ellipsoid; the inverse is found by iteration and is
exact to well under a metre. Outside China's bounding box the offset is zero.
"""

from __future__ import annotations

from math import cos, pi, sin, sqrt
from typing import Final

_AXIS: Final = 6378245.0
_ECCENTRICITY2: Final = 0.00669342162296594323


def to_wgs84(lon: float, lat: float) -> tuple[float, float]:
    """Degrees in, degrees out, rounded to 7 decimals (1 cm)."""
    if not (72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271):
        return lon, lat
    guess_lon, guess_lat = lon, lat
    for _ in range(6):
        shift_lon, shift_lat = _offset(guess_lon, guess_lat)
        guess_lon, guess_lat = lon - shift_lon, lat - shift_lat
    return round(guess_lon, 7), round(guess_lat, 7)


def _offset(lon: float, lat: float) -> tuple[float, float]:
    x, y = lon - 105.0, lat - 35.0
    root = sqrt(abs(x))
    waves = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    radians = lat / 180.0 * pi
    flat = 1 - _ECCENTRICITY2 * sin(radians) ** 2
    meridian = _AXIS * (1 - _ECCENTRICITY2) / (flat * sqrt(flat)) * pi / 180.0
    parallel = _AXIS / sqrt(flat) * cos(radians) * pi / 180.0
    return east / parallel, north / meridian
