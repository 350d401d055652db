"""First match wins; the unit covers the place at the wanted level or the next higher one."""

from __future__ import annotations

import dataclasses

import pytest

from schemas.profile import Profile
from streams.core.route import Router

GRID = "990101001001001"
RURAL = "990102100201001"
NOON, LATE, EARLY = 12 * 60, 23 * 60, 5 * 60


@pytest.fixture(scope="module")
def router(small: Profile) -> Router:
    return Router(small)


@pytest.mark.parametrize(
    ("code", "grade", "channel", "area", "minute", "unit", "level", "route"),
    [
        # class, grade, channel, area, minute      → unit, level, row
        ("020104", 1, "fire_iot",      GRID,        NOON,  "fire-town",   "town",   "device-fire"),
        ("020104", 1, "hotline_12345", GRID,        NOON,  "fire-town",   "town",   "default"),
        ("020104", 1, "fire_iot",      RURAL,       NOON,  "fire-county", "county", "device-fire"),
        ("020101", 1, "police_110",    "990102",    NOON,  "fire-county", "county", "default"),
        ("020101", 1, "police_110",    "9901",      NOON,  "",            "",       "default"),
        ("060301", 3, "hotline_12345", GRID,        NOON,  "road-city",   "city",   "default"),
        ("060101", 3, "hotline_12345", RURAL,       NOON,  "fire-county", "county", "rural"),
        ("060101", 3, "hotline_12345", GRID,        NOON,  "road-city",   "city",   "default"),
        ("080201", 3, "hotline_12345", GRID,        LATE,  "police-town", "town",   "night"),
        ("080201", 3, "hotline_12345", GRID,        EARLY, "police-town", "town",   "night"),
        ("080201", 3, "hotline_12345", GRID,        NOON,  "",            "",       "default"),
        ("080201", 3, "hotline_12345", GRID,        22*60, "police-town", "town",   "night"),
        ("080201", 3, "hotline_12345", GRID,        6*60,  "",            "",       "default"),
    ],
)  # fmt: skip
def test_routes(
    router: Router, code: str, grade: int, channel: str, area: str, minute: int,
    unit: str, level: str, route: str,
) -> None:  # fmt: skip
    for _ in range(2):  # what is remembered is what was decided
        found = router.route(code, grade, channel, area, minute)
        assert (found.unit, found.level, found.route_id) == (unit, level, route)
        assert route in found.why


def test_a_higher_level_says_so(router: Router) -> None:
    assert "没有,取市级" in router.route("060301", 3, "grid_app", GRID, NOON).why


def test_no_row_at_all(small: Profile) -> None:
    found = Router(dataclasses.replace(small, routes=())).route("060301", 3, "grid_app", GRID, NOON)
    assert (found.unit, found.route_id) == ("", "")


def test_every_class_of_the_city_reaches_a_unit_everywhere(shipped: Profile) -> None:
    router = Router(shipped)
    grids = [code for code in shipped.areas if len(code) == 15][::1500]
    stranded = [
        (code, grid)
        for code, row in shipped.taxonomy.items()
        for grid in grids
        if not router.route(code, row.grade, "hotline_12345", grid, NOON).unit
    ]
    assert stranded == []
