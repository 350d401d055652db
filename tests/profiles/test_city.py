"""The shipped city: it passes its own checks, its land has no holes, and it can be made again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import shapely

from ops.profiles.city import write
from ops.profiles.geometry import geojson, outlines
from schemas.profile import Profile
from schemas.profile_files import check_profile, load_profile, profile_dir
from schemas.raw import RAW_MODELS, TOPIC_OF

Polygons = dict[str, shapely.Polygon]


@pytest.fixture(scope="module")
def city() -> Profile:
    return load_profile("qinglan")


@pytest.fixture(scope="module")
def polygons(city: Profile) -> Polygons:
    return {code: shapely.Polygon(ring) for code, ring in city.rings.items()}


def test_the_shipped_profile_passes_without_a_warning() -> None:
    assert [str(problem) for problem in check_profile("qinglan")] == []


def test_it_has_the_size_of_a_city(city: Profile) -> None:
    levels = Counter(area.level for area in city.areas.values())
    assert levels["city"] == 1
    assert levels["county"] == 8
    assert 55 <= levels["town"] <= 70
    assert 600 <= levels["village"] <= 900
    assert 4_300 <= levels["grid"] == len(city.rings) <= 4_700
    assert 5_500 <= len(city.devices) <= 7_500
    assert len(city.taxonomy) == 254
    assert sum(row.kind == "emergency" for row in city.phrases) >= 150
    files = [path.stat().st_size for path in profile_dir("qinglan").iterdir()]
    assert sum(files) < 8_000_000
    assert city.station.fictional


def test_every_channel_of_the_profile_has_a_topic(city: Profile) -> None:
    assert set(city.channels) == set(TOPIC_OF)
    assert set(TOPIC_OF.values()) == set(RAW_MODELS)


def test_codes_follow_the_standard(city: Profile) -> None:
    for area in city.areas.values():
        if area.level == "town":
            number, tail = int(area.code[6:]), area.name[-1]
            want = (
                (1, 99)
                if area.name.endswith("街道")
                else (100, 199)
                if tail == "镇"
                else (200, 399)
            )
            assert want[0] <= number <= want[1], area
        if area.level == "village":
            number = int(area.code[9:])
            assert (1 <= number <= 199) == area.name.endswith("社区"), area
            assert (200 <= number <= 399) == area.name.endswith("村"), area


def test_names_do_not_repeat_under_one_parent(city: Profile) -> None:
    seen = Counter((area.parent, area.name) for area in city.areas.values())
    assert [key for key, count in seen.items() if count > 1] == []


def test_households_and_land_add_up(city: Profile) -> None:
    for level in ("village", "town", "county", "city"):
        parents = [area for area in city.areas.values() if area.level == level]
        homes, land = Counter[str](), Counter[str]()
        for area in city.areas.values():
            homes[area.parent] += area.households
            land[area.parent] += area.km2
        for parent in parents:
            assert homes[parent.code] == parent.households
            assert land[parent.code] == pytest.approx(parent.km2, rel=0.02)


def test_polygons_are_valid_and_do_not_overlap(polygons: Polygons) -> None:
    assert [code for code, polygon in polygons.items() if not polygon.is_valid] == []
    whole = shapely.union_all(list(polygons.values()))
    assert whole.area == pytest.approx(sum(p.area for p in polygons.values()), rel=1e-9)


@pytest.mark.parametrize("digits", [4, 6, 9, 12])
def test_areas_of_every_level_are_of_one_piece(polygons: Polygons, digits: int) -> None:
    parts: dict[str, list[shapely.Polygon]] = {}
    for code, polygon in polygons.items():
        parts.setdefault(code[:digits], []).append(polygon)
    torn = [c for c, group in parts.items() if shapely.union_all(group).geom_type != "Polygon"]
    assert torn == []


def test_areas_devices_and_places_stand_in_their_own_grid(
    city: Profile, polygons: Polygons
) -> None:
    spots = [
        *((a.code, a.code, a.lon, a.lat) for a in city.areas.values() if a.level == "grid"),
        *((d.device_id, d.grid, d.lon, d.lat) for d in city.devices.values()),
        *((s.place_id, s.grid, s.lon, s.lat) for s in city.places.values()),
    ]
    points = shapely.points([(lon, lat) for _, _, lon, lat in spots])
    inside = shapely.covers([polygons[grid] for _, grid, _, _ in spots], points)
    assert [spot for spot, good in zip(spots, inside, strict=True) if not good] == []


def test_a_town_centre_lies_in_the_town(city: Profile, polygons: Polygons) -> None:
    tree = shapely.STRtree(list(polygons.values()))
    codes = list(polygons)
    for area in city.areas.values():
        hits = tree.query(shapely.Point(area.lon, area.lat), predicate="intersects")
        assert any(codes[hit].startswith(area.code) for hit in hits), area


def test_device_numbers_carry_their_village(city: Profile) -> None:
    assert all(d.device_id.split("-")[1] == d.grid[:12] for d in city.devices.values())
    gated = {d.grid for d in city.devices.values() if d.kind == "fire_host"}
    assert sum(d.kind == "fire_host" for d in city.devices.values()) == 101
    assert len(gated) > 50


def test_the_generator_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    rows = write(tmp_path / "a", seed=7, points=2_600)
    assert rows["areas.tsv"] > rows["grids.geojsonl"] > 900
    write(tmp_path / "b", seed=7, points=2_600)
    write(tmp_path / "c", seed=8, points=2_600)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert (tmp_path / "a/areas.tsv").read_bytes() != (tmp_path / "c/areas.tsv").read_bytes()


def test_outlines_are_the_borders_of_towns_and_counties() -> None:
    """Two grids side by side, in two towns: one town border of one step, one edge around both."""
    left = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0))
    right = ((1.0, 0.0), (2.0, 0.0), (2.0, 1.0), (1.0, 1.0), (1.0, 0.0))
    lines = outlines({"990101001001001": left, "990101002001001": right})
    assert lines["town"] == [[(1.0, 0.0), (1.0, 1.0)]]
    (edge,) = lines["county"]
    assert edge[0] == edge[-1]
    assert len(edge) == 7


def test_the_shipped_outlines_are_those_of_its_rings(city: Profile) -> None:
    shipped = json.loads((profile_dir("qinglan") / "outlines.json").read_text(encoding="utf-8"))
    fresh = json.loads(json.dumps(outlines(city.rings)))
    assert shipped == fresh


def test_geojson_for_the_wall(city: Profile) -> None:
    body = json.loads(geojson(city))
    assert len(body["features"]) == len(city.rings)
    first = body["features"][0]
    assert first["id"] == 0
    assert first["properties"]["code"] == min(city.rings)
    assert first["properties"]["county"] == "澜湖区"
    assert first["geometry"]["coordinates"][0][0] == list(city.rings[min(city.rings)][0])
    assert {label["code"] for label in body["labels"]} == {
        area.code for area in city.areas.values() if area.level == "county"
    }
