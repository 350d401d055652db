"""The busy opening, and what the offices of the city know."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from random import Random

import pytest

from ops.simulator.city import City
from ops.simulator.offices import Offices
from ops.simulator.opening import ALARMING, REPORTS, opening
from ops.simulator.stream import wire
from ops.simulator.texts import examples
from schemas.case import Case
from schemas.ids import SHANGHAI
from schemas.profile_files import load_profile
from schemas.raw import RAW_MODELS

START = datetime(2026, 11, 22, 9, 30, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def city() -> City:
    return City(load_profile("qinglan"), 1)


@pytest.fixture(scope="module")
def offices(city: City) -> Offices:
    return Offices(city.profile)


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_five_busy_minutes_told_at_their_time_and_flagged(city: City, speed: float) -> None:
    drills = opening(city, START, speed)
    people = [d for d in drills if d.kind == "report"]
    assert len(people) == REPORTS
    assert {d.kind for d in drills} <= {"report", *(kind for kind, _ in ALARMING)}
    assert len(drills) - REPORTS >= 10
    assert len({d.incident_id for d in drills}) == len(drills)
    assert [d.said for d in drills] == [d.said for d in opening(city, START, speed)]
    told = {}
    slices = wire(city, START, None, speed, slice_seconds=5.0, drills=drills)
    for sent in (s for slice_ in islice(slices, 130) for s in slice_):
        if b"opening" in sent.value.split(b",", 1)[0]:
            report = RAW_MODELS[sent.topic].model_validate_json(sent.value)
            assert report.simulated
            told[report.id] = sent.at_ms / 1000 - START.timestamp()
    slices.close()
    assert len(told) == sum(len(d.said) for d in drills)
    assert min(told.values()) >= 0
    assert sum(second <= 300 for second in told.values()) >= len(drills)
    assert max(told.values()) < 600


def case(**fields: object) -> Case:
    return Case.model_validate({
        "case_no": "20261122-990101001001-ABCDEF", "village": "990101001001", "version": 1,
        "state": "reported", "opened_at": START, "updated_at": START,
        "grid": "990101001001001", "channel": "hotline_12345", "unit": "desk-990101", **fields,
    })  # fmt: skip


def test_the_true_class_is_the_one_whose_example_was_told(offices: Offices) -> None:
    known = [
        (row.text, code)
        for code, rows in examples().items()
        if code in offices.profile.taxonomy
        for row in rows
    ]
    right = [
        offices.true_class(case(text=f"市民来电反映:某小区,{text.rstrip('。')}。请转办")) == code
        for text, code in known
    ]
    assert sum(right) > 0.97 * len(known)
    assert offices.true_class(case(text="今天天气不错")) == ""
    assert offices.true_class(case(text=known[0][0], event_code="fire.alarm")) == ""


def test_units_cover_the_place_and_help_comes_from_another_department(offices: Offices) -> None:
    units = offices.profile.units
    for code in offices.profile.taxonomy:
        unit = units[offices.unit_for(code, case(), START)]
        assert "990101001001001".startswith(unit.area)
    one = case(unit=offices.unit_for("060201", case(), START + timedelta(hours=1)))
    helper = units[offices.helper(one, Random(1))]
    assert helper.department != units[one.unit].department
    assert one.village.startswith(helper.area)
