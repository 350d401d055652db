"""Every way to say where it is, how sure that is, and what happens when grids are cut up."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.evaluate.addresses import told
from schemas.profile import Profile
from streams.core.locate import Locator

NOW = 1_795_312_900_000
LATER = NOW + 30 * 86_400_000


@pytest.fixture(scope="module")
def locator(small: Profile) -> Locator:
    return Locator(small)


@pytest.mark.parametrize(
    ("code", "by", "village", "grid", "town", "county"),
    [
        ("990101001001002", "area_code", "990101001001", "990101001001002", "990101001", "990101"),
        ("990101001001", "area_code",    "990101001001", "", "990101001", "990101"),
        ("990101001",    "source_area",  "990101001000", "", "990101001", "990101"),
        ("990101",       "source_area",  "990101000000", "", "",          "990101"),
        ("9901",         "source_area",  "990100000000", "", "",          ""),
        ("",             "",             "990100000000", "", "",          ""),
    ],
)  # fmt: skip
def test_codes_of_every_level(
    locator: Locator, code: str, by: str, village: str, grid: str, town: str, county: str
) -> None:
    found = locator.locate(code, None, None, "", "", NOW)
    assert found.by == by
    assert found.site[:4] == (county, town, village, grid)


def test_finer_codes_are_surer(locator: Locator) -> None:
    codes = ("", "9901", "990101", "990101001", "990101001001", "990101001001002")
    sure = [locator.locate(code, None, None, "", "", NOW).confidence for code in codes]
    assert sure == sorted(sure)
    assert len(set(sure)) == len(sure)


@pytest.mark.parametrize(
    ("address", "area", "building"),
    [
        ("水库路88号",                       "990101001001001", ""),
        ("水库路120号二楼",                   "990101001002001", ""),
        ("水库路 120号",                    "990101001002001", ""),
        ("水库路",                           "990101001",       ""),  # both stretches: their town
        ("水库路一百号附近",                  "990101001002001", ""),
        ("水库路八百号附近",                  "990101001",       ""),  # no such number
        ("月亮华庭3栋2单元",                  "990101001001002", "P4"),
        ("月亮华庭三号楼",                    "990101001001002", "P4"),
        ("月亮湾3幢",                        "990101001001002", "P4"),
        ("华庭小区北门进去十二栋",              "990101001001001", "P5"),
        ("月亮华庭3-1-702",                  "990101001001002", "P4"),
        ("月亮华庭门口",                      "990101001001002", ""),
        ("火车站对面",                        "990101001002001", ""),
        ("澜湖火车站",                        "990101001002001", ""),
        ("打水镇老街菜市场",                   "990102100201001", ""),
        ("望海街道老街菜市场西门",              "990101001001001", ""),
        ("老街菜市场",                        "9901",            ""),  # two counties have one
        ("人民路",                           "990101001001",    ""),
        ("鹤洲社区人民路边上",                  "990101001001",    ""),
        ("石桥村",                           "990102100201",    ""),
        ("苇塘县打水镇石桥村",                  "990102100201",    ""),
        ("望海街道",                          "990101001",       ""),
        ("不知道什么地方",                     "9901",            ""),
        ("水库旁边",                          "9901",            ""),
    ],
)  # fmt: skip
def test_addresses(locator: Locator, address: str, area: str, building: str) -> None:
    found = locator.locate("", None, None, address, "", NOW)
    assert (found.site.area, found.building) == (area, building)
    assert found.by == ("address" if area != "9901" or found.confidence else "")
    spoken = locator.locate("", None, None, "", f"你好,我在{address},楼下有人乱停车", NOW)
    assert (spoken.site.area, spoken.building) == (area, building)
    if area != "9901":
        assert spoken.confidence < found.confidence


def test_a_text_may_refine_an_address_but_not_contradict_it(locator: Locator) -> None:
    refined = locator.locate("", None, None, "望海街道", "月亮华庭3栋有人吵架", NOW)
    assert refined.building == "P4"
    kept = locator.locate("", None, None, "石桥村", "我家住月亮华庭3栋,来村里看到的", NOW)
    assert kept.site.area == "990102100201"


def test_a_coarse_code_fences_in_what_the_words_say(locator: Locator) -> None:
    inside = locator.locate("990102", None, None, "老街菜市场", "", NOW)
    assert inside.site.area == "990102100201001"
    outside = locator.locate("990102", None, None, "月亮华庭3栋", "", NOW)
    assert (outside.site.area, outside.by) == ("990102", "source_area")


def test_a_grid_code_keeps_the_building_the_words_name(locator: Locator) -> None:
    found = locator.locate("990101001001002", None, None, "", "月亮华庭3栋楼道堆物", NOW)
    assert (found.by, found.building) == ("area_code", "P4")


@pytest.mark.parametrize(
    ("lon", "lat", "area", "by"),
    [
        (117.005, 31.005, "990101001001001", "point"),
        (117.015, 31.005, "990101001001002", "point"),
        (117.010, 31.005, "990101001001001", "point"),  # on the shared edge: the lower code
        (100.000, 20.000, "9901",            ""),
    ],
)  # fmt: skip
def test_points(locator: Locator, lon: float, lat: float, area: str, by: str) -> None:
    found = locator.locate("", lon, lat, "", "", NOW)
    assert (found.site.area, found.by) == (area, by)
    assert (found.lon, found.lat) == (lon, lat)


def test_a_point_outside_the_given_area_does_not_win(locator: Locator) -> None:
    found = locator.locate("990102", 117.005, 31.005, "", "", NOW)
    assert (found.site.area, found.by) == ("990102", "source_area")


def test_a_grid_cut_up_leads_to_its_successor(locator: Locator) -> None:
    old = "990101001002009"
    assert locator.locate(old, None, None, "", "", NOW).site.grid == old
    assert locator.locate(old, None, None, "", "", LATER).site.grid == "990101001002001"


@pytest.fixture(scope="module")
def divided(small: Profile) -> Locator:
    """A grid cut in two on the first of December, and one that was cut up again later."""
    old = "990101001001009"
    row = small.areas["990101001002009"]
    changes = {"code": old, "successor": "990101001001001|990101001001002"}
    again = {"code": "990101001001008", "successor": old}
    areas = {
        **small.areas,
        old: row.model_copy(update=changes),
        "990101001001008": row.model_copy(update=again),
    }
    device = small.devices["OLD-1"].model_copy(update={"device_id": "OLD-2", "grid": old,
                                                       "lon": 117.013, "lat": 31.003})  # fmt: skip
    devices = {**small.devices, "OLD-2": device}
    return Locator(dataclasses.replace(small, areas=areas, devices=devices))


def test_a_grid_cut_in_two_is_told_by_a_point_or_a_name_else_the_village(divided: Locator) -> None:
    old = "990101001001009"
    assert divided.locate(old, None, None, "", "", NOW).site.grid == old
    found = divided.locate(old, None, None, "", "", LATER)
    assert (found.site.area, found.by) == ("990101001001", "area_code")
    assert found.confidence < divided.locate(old, None, None, "", "", NOW).confidence
    assert "已拆分" in found.why
    assert divided.locate(old, 117.013, 31.003, "", "", LATER).site.grid == "990101001001002"
    named = divided.locate(old, None, None, "月亮华庭3栋", "", LATER)
    assert (named.site.grid, named.building) == ("990101001001002", "P4")
    assert divided.locate("990101001001008", None, None, "", "", LATER).site.area == "990101001001"


def test_a_device_in_a_grid_cut_in_two_goes_by_where_it_hangs(divided: Locator) -> None:
    found = divided.of_device("OLD-2", LATER)
    assert found is not None
    assert found.site.grid == "990101001001002"


def test_a_successor_says_so(locator: Locator) -> None:
    assert "已重划" in locator.locate("990101001002009", None, None, "", "", LATER).why


def test_a_point_takes_the_grid_of_its_time(small: Profile) -> None:
    """Old and new grids both have rings while history is replayed."""
    ring = small.rings["990101001002001"]
    rings = {**small.rings, "990101001002009": ring}
    new = small.areas["990101001002001"].model_copy(update={"valid_from": date(2026, 12, 1)})
    areas = {**small.areas, new.code: new}
    found = Locator(dataclasses.replace(small, rings=rings, areas=areas))
    assert found.locate("", 117.021, 31.002, "", "", NOW).site.grid == "990101001002009"
    assert found.locate("", 117.021, 31.002, "", "", LATER).site.grid == "990101001002001"


def test_words_without_doubt_win_over_a_point_far_away(locator: Locator) -> None:
    """People report from home: the place of the matter, not of the phone."""
    far = locator.locate("", 117.505, 31.505, "水库路88号", "", NOW)
    assert (far.site.area, far.by) == ("990101001001001", "address")
    assert "以文字为准" in far.why
    near = locator.locate("", 117.011, 31.005, "水库路88号", "", NOW)
    assert (near.site.area, near.by) == ("990101001001002", "point")
    unsure = locator.locate("", 117.505, 31.505, "", "人民路上有坑", NOW)
    assert unsure.by == "point"


def test_the_nearest_known_level_of_an_unknown_code(locator: Locator) -> None:
    assert locator.nearest("990101001001777") == "990101001001"
    assert locator.nearest("990101001888") == "990101001"
    assert locator.nearest("110105") == ""


def test_unknown_codes_are_told(locator: Locator) -> None:
    assert not locator.knows("110105")
    assert locator.of_code("110105", NOW) is None
    assert locator.locate("110105", None, None, "", "", NOW).by == ""


def test_every_found_place_says_why(locator: Locator) -> None:
    assert "水库路88号" in locator.locate("", None, None, "水库路88号", "", NOW).why
    assert "共同上级" in locator.locate("", None, None, "水库路", "", NOW).why


@settings(max_examples=80, deadline=None)
@given(lon=st.floats(-180, 180), lat=st.floats(-90, 90), text=st.text(max_size=30))
def test_a_site_is_always_whole(locator: Locator, lon: float, lat: float, text: str) -> None:
    site = locator.locate("", lon, lat, text, text, NOW).site
    assert len(site.village) == 12
    assert site.village.startswith(site.town or site.county or "9901")
    assert not site.grid or site.grid.startswith(site.village)


def test_plates_of_the_whole_city_are_found(shipped: Profile) -> None:
    """Door plates that stand once in the city lead to their grid."""
    locator = Locator(shipped)
    names: dict[str, list[str]] = {}
    for place in shipped.places.values():
        if place.kind == "building":
            names.setdefault(place.name, []).append(place.grid)
    wrong = []
    once = [(name, grids[0]) for name, grids in names.items() if len(grids) == 1][::25]
    for name, grid in once:
        if locator.locate("", None, None, f"{name}1单元门口", "", NOW).site.area != grid:
            wrong.append(name)
    assert len(once) > 20
    assert wrong == []


def test_addresses_written_by_hand(shipped: Profile) -> None:
    """What strangers would write: nearly all are placed, and hardly one in the wrong place."""
    locator = Locator(shipped)
    rows = told()
    found = [locator.locate("", None, None, row.address, row.text, NOW) for row in rows]
    pairs = list(zip(rows, found, strict=True))
    wrong = [
        row.text or row.address
        for row, one in pairs
        if (one.site.area, one.building) != (row.area, row.building)
    ]
    misplaced = [row.text for row, one in pairs if not row.area.startswith(one.site.area)]
    assert len(rows) >= 240
    assert len(wrong) <= 0.03 * len(rows), wrong
    assert len(misplaced) <= 0.01 * len(rows), misplaced
    assert all(one.why and 0 <= one.confidence <= 1 for _, one in pairs)
    unsure = [one.confidence for row, one in pairs if row.kind in ("typo", "noplace")]
    sure = [one.confidence for row, one in pairs if row.kind == "estate"]
    assert sum(unsure) / len(unsure) < 0.8 * sum(sure) / len(sure)
