"""A day of the default city: the same for the same seed, in its rhythm, with its noise."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime

import pytest

from ops.simulator.bursts import BURSTS
from ops.simulator.city import City
from ops.simulator.incident import Incident
from ops.simulator.stories import ALARM, STORIES
from ops.simulator.texts import examples
from schemas.ids import SHANGHAI
from schemas.profile import Profile
from schemas.profile_files import load_profile
from schemas.raw import TOPIC_OF

FRIDAY, SUNDAY = date(2026, 11, 20), date(2026, 11, 22)


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("qinglan")


@pytest.fixture(scope="module")
def city(profile: Profile) -> City:
    return City(profile, seed=3)


@pytest.fixture(scope="module")
def friday(city: City) -> tuple[Incident, ...]:
    return city.incidents(FRIDAY)


@pytest.fixture(scope="module")
def fortnight(city: City) -> list[Incident]:
    return [i for d in range(2, 16) for i in city.incidents(date(2026, 11, d))]


def reports_by_hour(incidents: tuple[Incident, ...], topic: str) -> Counter[int]:
    return Counter(
        int(said.second // 3600) for i in incidents for said in i.said if said.topic == topic
    )


def test_the_same_seed_gives_the_same_day_and_another_seed_another(
    profile: Profile, city: City, friday: tuple[Incident, ...]
) -> None:
    assert City(profile, seed=3).incidents(FRIDAY) == friday
    assert City(profile, seed=4).incidents(FRIDAY) != friday
    assert city.incidents(SUNDAY) != friday


def test_incidents_come_in_order_with_their_reports_in_order(friday: tuple[Incident, ...]) -> None:
    starts = [i.started_at for i in friday]
    assert starts == sorted(starts)
    assert len({i.incident_id for i in friday}) == len(friday)
    for incident in friday:
        seconds = [said.second for said in incident.said]
        assert seconds
        assert seconds == sorted(seconds)


def test_hotlines_peak_twice_and_rest_on_sundays(city: City, friday: tuple[Incident, ...]) -> None:
    hours = reports_by_hour(friday, "raw.hotline")
    assert min(hours[9], hours[10], hours[15], hours[16]) > 1.4 * max(hours[12], hours[13])
    assert hours[10] > 4 * hours[3]
    sunday = reports_by_hour(city.incidents(SUNDAY), "raw.hotline")
    assert sunday.total() < 0.75 * hours.total()


def hour_share(incidents: list[Incident], prefix: str, hours: set[int]) -> float:
    """Share of a class among the text incidents of these hours."""
    texts = [i for i in incidents if i.kind == "report" and i.started_at.hour in hours]
    return sum(i.class_code.startswith(prefix) for i in texts) / len(texts)


def test_refuse_in_the_morning_noise_at_night(fortnight: list[Incident]) -> None:
    morning, night = {6, 7, 8}, {22, 23, 0}
    assert hour_share(fortnight, "0501", morning) > 3 * hour_share(fortnight, "0501", night)
    assert hour_share(fortnight, "0802", night) > 3 * hour_share(fortnight, "0802", morning)


def test_e_bikes_ride_the_lift_in_the_evening(friday: tuple[Incident, ...]) -> None:
    hours = [i.started_at.hour for i in friday if i.kind == "ebike"]
    assert len(hours) > 50
    assert sum(17 <= h <= 22 for h in hours) > 0.6 * len(hours)


def test_every_report_names_places_and_devices_of_the_profile(
    profile: Profile, friday: tuple[Incident, ...]
) -> None:
    for incident in friday:
        assert incident.class_code == "" or incident.class_code in profile.taxonomy
        assert incident.grid == "" or incident.grid in profile.areas
        for said in incident.said:
            assert said.channel in profile.channels
            assert said.channel in TOPIC_OF
            if "device_id" in said.body:
                assert profile.devices[said.body["device_id"]].channel == said.channel
            if said.body.get("area_code"):
                assert said.body["area_code"] in profile.areas


def test_every_class_of_the_taxonomy_has_words(profile: Profile) -> None:
    assert set(examples()) == set(profile.taxonomy)


def test_devices_of_every_story_exist(city: City) -> None:
    for story in STORIES:
        assert city.fleet.of(story.channel, story.devices), story.kind


def test_devices_make_noise(city: City, fortnight: list[Incident]) -> None:
    found = {}
    for incident in fortnight:
        found.setdefault(incident.kind, incident)
    cleared = found["false_smoke"]
    assert not cleared.real
    assert cleared.said[0].body["status"] == ALARM
    assert cleared.said[1].body == cleared.said[1].body | {"part": "operation", "status": 8}
    host = city.profile.devices[cleared.said[1].body["device_id"]]
    assert host.kind in {"fire_host", "smoke"}
    assert host.grid[:12] == cleared.grid[:12]
    assert len(found["water_flapping"].said) >= 5
    maintenance = found["smoke_test"]
    assert maintenance.test
    assert all(said.body["test"] for said in maintenance.said)
    assert maintenance.said[0].body["status"] & 1 == 0
    assert found["offline"].class_code == found["battery_low"].class_code == ""


def test_some_reports_are_sent_twice(friday: tuple[Incident, ...]) -> None:
    said = [one for i in friday for one in i.said]
    twice = sum(one.resent_after > 0 for one in said)
    assert 0.002 < twice / len(said) < 0.015


def at(hour: int) -> datetime:
    return datetime(2026, 11, 20, hour, tzinfo=SHANGHAI)


def test_a_fire_is_seen_by_detectors_people_and_a_camera_within_minutes(city: City) -> None:
    fire = city.burst("fire", at(20))
    assert fire is not None
    devices = city.profile.devices
    smoke = [
        devices[s.body["device_id"]] for s in fire.said
        if s.body.get("component_type") == 42
    ]  # fmt: skip
    assert len(smoke) >= 2
    assert len({(d.building, d.zone) for d in smoke}) == 1
    assert any(s.body.get("component_type") == 23 for s in fire.said)
    assert any(s.channel == "video_ai" for s in fire.said)
    channels = Counter(s.channel for s in fire.said)
    assert channels["police_110"] >= 3
    assert channels["hotline_12345"] >= 1
    alarms = [s.second for s in fire.said if s.body.get("status") != 8]
    first_hour = [s for s in alarms if s - fire.said[0].second < 900]
    assert len(first_hour) >= len(alarms) - 1  # all but the reset
    assert fire.class_code == "020101"
    assert fire.started_at == at(20)


def test_rain_keeps_to_one_district_and_reaches_gauges_manholes_and_people(city: City) -> None:
    rain = city.burst("rain", at(15))
    assert rain is not None
    assert len(rain.area) == 6
    devices = city.profile.devices
    hit = [devices[s.body["device_id"]] for s in rain.said if "device_id" in s.body]
    assert {d.grid[:6] for d in hit} == {rain.area}
    assert {d.kind for d in hit} >= {"rain_gauge", "water_level", "manhole"}
    calls = [s for s in rain.said if s.topic in {"raw.hotline", "raw.grid_app"}]
    assert len(calls) >= 30
    coded = [s.body["area_code"] for s in calls if len(s.body.get("area_code", "")) >= 6]
    assert coded
    assert all(code.startswith(rain.area) for code in coded)
    levels = [s.body["value"] for s in rain.said if s.body.get("event") == "level_threshold"]
    assert max(levels) > 0.15


def test_a_heating_failure_is_one_estate_in_winter_only(city: City) -> None:
    heating = city.burst("heating", at(7))
    assert heating is not None
    assert heating.class_code == "060407"
    assert len(heating.said) >= 15
    by_kind = {burst.kind: burst for burst in BURSTS}
    assert by_kind["heating"].a_day(date(2026, 7, 1)) == 0
    assert by_kind["heating"].a_day(date(2026, 1, 1)) > 0


def test_bursts_come_by_themselves(fortnight: list[Incident]) -> None:
    kinds = Counter(i.kind for i in fortnight)
    assert kinds["fire"] >= 2
    assert kinds["heating"] >= 2


def test_a_city_without_devices_still_speaks(profile: Profile) -> None:
    quiet = City(replace(profile, devices={}), seed=1)
    kinds = {i.kind for i in quiet.incidents(FRIDAY)}
    assert "report" in kinds
    assert kinds <= {"report", "heating", "water_off"}
    assert quiet.burst("fire", at(9)) is None
    assert quiet.burst("rain", at(9)) is None


def test_a_city_without_grids_is_refused(profile: Profile) -> None:
    with pytest.raises(ValueError, match="no grids"):
        City(replace(profile, areas={}), seed=1)
