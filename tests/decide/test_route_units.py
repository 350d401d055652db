"""First match wins; the unit covers the place at the wanted level or the next higher one."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.profile import Campaign, DayOff, Platform, Profile, Route
from streams.core.route import Router

GRID = "990101001001001"
RURAL = "990102100201001"
DAY_MS = 1_795_276_800_000  # 2026-11-22 00:00 in Shanghai, a Sunday
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
        found = router.route(code, grade, channel, area, DAY_MS + minute * 60_000)
        assert (found.unit, found.level, found.route_id) == (unit, level, route)
        assert route in found.why


def test_a_higher_level_says_so(router: Router) -> None:
    assert "没有,取市级" in router.route("060301", 3, "grid_app", GRID, DAY_MS).why


def test_no_row_at_all(small: Profile) -> None:
    found = Router(dataclasses.replace(small, routes=())).route(
        "060301", 3, "grid_app", GRID, DAY_MS
    )
    assert (found.unit, found.route_id) == ("", "")


def test_every_class_of_the_city_reaches_a_unit_everywhere(shipped: Profile) -> None:
    router = Router(shipped)
    grids = [code for code in shipped.areas if len(code) == 15][::1500]
    stranded = [
        (code, grid)
        for code, row in shipped.taxonomy.items()
        for grid in grids
        if not router.route(code, row.grade, "hotline_12345", grid, DAY_MS).unit
    ]
    assert stranded == []


# a tree of rows


def _row(route_id: str, **cells: object) -> Route:
    return Route.model_validate({"route_id": route_id} | cells)


TREE = (
    _row(
        "help", classes="0201", channels="police_110", goes_on="1", department="公安", level="town"
    ),
    _row("fire", classes="02", department="消防救援", level="town", platform="safety"),
    _row("fire-far", parent="fire", areas="990102", level="county"),
    _row("fire-far-night", parent="fire-far", hours="22:00-06:00", action="desk"),
    _row("rest", classes="08", days="rest", department="公安", level="town"),
    _row("theirs", classes="08", grid_kind="exclusive", department="市政", whistle="公安"),
    _row("own", classes="05", channels="grid_app", action="grid", department="市政"),
    _row("default"),
)
SATURDAY, SUNDAY_WORKED = DAY_MS - 86_400_000, DAY_MS + 7 * 86_400_000  # 11-21, 11-29
MONDAY = DAY_MS + 86_400_000
MONDAY_NOON = MONDAY + 12 * 3_600_000


@pytest.fixture(scope="module")
def grown(small: Profile) -> Profile:
    exclusive = small.areas["990101001001002"].model_copy(update={"kind": "exclusive"})
    worked = DayOff.model_validate({"day": "2026-11-29", "kind": "work", "name": "调休"})
    return dataclasses.replace(
        small, routes=TREE, areas={**small.areas, exclusive.code: exclusive}, days_off=(worked,),
        lines={"routes.tsv": tuple(range(2, 2 + len(TREE)))},
        platforms={
            "roads": Platform(platform_id="roads", name="市政", classes=("06",)),
            "safety": Platform(platform_id="safety", name="安全"),
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "channel", "area", "at", "route", "unit", "action"),
    [
        ("020101", "fire_iot", GRID, MONDAY, "fire", "fire-town", "dispatch"),
        ("020101", "fire_iot", RURAL, MONDAY_NOON, "fire-far", "fire-county", "dispatch"),
        ("020101", "fire_iot", RURAL, MONDAY, "fire-far-night", "", "desk"),
        ("080201", "mini_app", GRID, SATURDAY, "rest", "police-town", "dispatch"),
        ("080201", "mini_app", GRID, SUNDAY_WORKED, "default", "", "desk"),
        ("080201", "mini_app", "990101001001002", MONDAY, "theirs", "road-city", "whistle"),
        ("050101", "grid_app", GRID, MONDAY, "own", "road-city", "grid"),
        ("060301", "grid_app", GRID, MONDAY, "default", "road-city", "dispatch"),
    ],
)  # fmt: skip
def test_a_tree_of_rows(
    grown: Profile, code: str, channel: str, area: str, at: int, route: str, unit: str, action: str
) -> None:
    found = Router(grown).route(code, 3, channel, area, at)
    assert (found.route_id, found.unit, found.action) == (route, unit, action)


def test_what_a_row_leaves_empty_it_has_from_its_parents(grown: Profile) -> None:
    router = Router(grown)
    far = router.route("020101", 3, "fire_iot", RURAL, MONDAY_NOON)
    assert (far.level, far.platform) == ("county", "safety")
    assert router.route("060301", 3, "grid_app", GRID, MONDAY).platform == "roads"


def test_a_row_that_goes_on_whistles_for_help(grown: Profile) -> None:
    found = Router(grown).route("020101", 3, "police_110", GRID, MONDAY)
    assert (found.route_id, found.unit, found.action) == ("fire", "fire-town", "whistle")
    assert found.whistled == ("fire-town", "police-town")


@pytest.mark.parametrize(("grade", "helped"), [(1, True), (2, False), (3, False)])
def test_an_emergency_of_a_calm_class_has_help_whistled_for(
    small: Profile, grade: int, helped: bool
) -> None:
    lifted = _row("lifted", lifted=2, goes_on="1", department="消防救援", level="town")
    routes = (lifted, _row("default"))
    assert small.taxonomy["060301"].grade == 3
    found = Router(dataclasses.replace(small, routes=routes)).route(
        "060301", grade, "hotline_12345", GRID, MONDAY
    )
    assert found.route_id == "default"
    assert found.whistled == (("road-city", "fire-town") if helped else ())
    grave = Router(dataclasses.replace(small, routes=routes)).steps(
        "020101", 1, "hotline_12345", GRID, MONDAY
    )
    assert grave[0].missed == "等级高于类别自身须为 2 级以上"


def test_every_row_looked_at_says_why_it_was_passed_over(grown: Profile) -> None:
    steps = Router(grown).steps("020101", 3, "fire_iot", RURAL, MONDAY_NOON)
    told = [(s.rule.row.route_id, s.rule.line, s.depth, s.missed) for s in steps]
    assert told == [
        ("help", 2, 0, "渠道须为 police_110"),
        ("fire", 3, 0, ""),
        ("fire-far", 4, 1, ""),
        ("fire-far-night", 5, 2, "时段须为 22:00-06:00"),
    ]


@settings(deadline=None)
@given(
    code=st.sampled_from(("020101", "020104", "080201", "050101", "060301")),
    channel=st.sampled_from(("police_110", "fire_iot", "grid_app")),
    area=st.sampled_from((GRID, RURAL, "990101001001002", "990102", "9901")),
    minute=st.integers(0, 20 * 1440),
)
def test_the_last_row_that_was_not_missed_decides(
    grown: Profile, code: str, channel: str, area: str, minute: int
) -> None:
    router, asked = Router(grown), (code, 3, channel, area, DAY_MS + minute * 60_000)
    last = [step.rule.row.route_id for step in router.steps(*asked) if not step.missed][-1]
    assert router.route(*asked).route_id == last
    assert router.route(*asked) == router.route(*asked, without=("nobody",))


def test_units_that_returned_it_are_left_out(router: Router) -> None:
    noon = DAY_MS + NOON * 60_000
    first = router.route("020104", 1, "fire_iot", GRID, noon)
    again = router.route("020104", 1, "fire_iot", GRID, noon, without=(first.unit,))
    assert (again.unit, again.action) == ("", "desk")
    assert "已退单" in again.why
    assert router.route("020104", 1, "fire_iot", GRID, noon) == first


def test_a_place_known_only_roughly_says_so(router: Router) -> None:
    why = router.route("020104", 1, "fire_iot", "990102", DAY_MS).why
    assert "地点只知到苇塘县" in why


# campaigns

DUST = Campaign.model_validate(
    {"campaign_id": "dust", "name": "扬尘", "starts": "2026-11-23", "ends": "2026-11-24",
     "classes": "0802", "areas": "990101", "department": "公安", "level": "town", "grade": 2}
)  # fmt: skip
CHECKS = Campaign.model_validate(
    {"campaign_id": "checks", "name": "检查", "starts": "2026-11-01", "ends": "2026-11-30",
     "classes": "06", "whistle": "公安"}
)  # fmt: skip


@pytest.mark.parametrize(
    ("code", "area", "at", "route", "unit", "grade"),
    [
        ("080201", GRID,  MONDAY - 1,              "default",        "",            0),
        ("080201", GRID,  MONDAY,                  "dust/default",   "police-town", 2),
        ("080201", GRID,  MONDAY + 2 * 86_400_000, "default",        "",            0),
        ("080201", RURAL, MONDAY,                  "default",        "",            0),
        ("060301", GRID,  MONDAY,                  "checks/default", "road-city",   0),
    ],
)  # fmt: skip
def test_campaigns(
    small: Profile, code: str, area: str, at: int, route: str, unit: str, grade: int
) -> None:
    at += 12 * 3_600_000 if at != MONDAY - 1 else 0
    if at == MONDAY - 1:
        at -= 11 * 3_600_000  # the day before, at 13 h
    runs = {"dust": DUST, "checks": CHECKS}
    router = Router(dataclasses.replace(small, campaigns=runs))
    found = router.route(code, 3, "hotline_12345", area, at)
    assert (found.route_id, found.unit, found.grade) == (route, unit, grade)
    if code == "060301":
        assert found.whistled == ("road-city", "police-town")


def test_a_campaign_never_eases_a_grade(small: Profile) -> None:
    router = Router(dataclasses.replace(small, campaigns={"dust": DUST}))
    noon = MONDAY + NOON * 60_000
    assert router.route("080201", 1, "hotline_12345", GRID, noon).grade == 0


def test_rows_for_a_campaign(small: Profile) -> None:
    """A row may be there for a campaign only; without it the row is passed over."""
    rows = (_row("special", campaigns="dust", action="desk"), _row("default"))
    router = Router(dataclasses.replace(small, campaigns={"dust": DUST}, routes=rows))
    assert router.route("080201", 3, "mini_app", GRID, MONDAY).route_id == "dust/special"
    assert (
        router.route("080201", 3, "mini_app", GRID, MONDAY + 3 * 86_400_000).route_id == "default"
    )
