"""The stream: in order, flagged, valid for every raw topic, with truth that fits what was sent."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import pytest

from ops.simulator.city import City
from ops.simulator.incident import Truth
from ops.simulator.stream import run_name, stream, wire
from ops.simulator.telemetry import Sent
from schemas.ids import SHANGHAI, event_id
from schemas.profile_files import load_profile
from schemas.raw import RAW_MODELS, GateSignal, Raw, Signal

MORNING = datetime(2026, 11, 20, 9, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def city() -> City:
    return City(load_profile("qinglan"), seed=3)


def span(
    city: City, start: datetime, minutes: int, speed: float = 1.0
) -> list[tuple[datetime, str, bytes, Raw]]:
    end = start + timedelta(minutes=minutes)
    return list(takewhile(lambda item: item[0] < end, stream(city, start, speed=speed)))


def slices(city: City, count: int, **options: object) -> list[list[Sent]]:
    return list(islice(wire(city, MORNING, **options), count))  # type: ignore[arg-type]


def test_same_arguments_same_bytes(city: City) -> None:
    assert slices(city, 30, slice_seconds=10) == slices(city, 30, slice_seconds=10)
    assert slices(city, 3, rate=500) == slices(city, 3, rate=500)
    assert slices(City(city.profile, 4), 3, rate=500) != slices(city, 3, rate=500)


def test_natural_stream_does_not_depend_on_how_it_is_cut(city: City) -> None:
    fine = [s.value for part in slices(city, 600, slice_seconds=0.5) for s in part]
    coarse = [s.value for part in slices(city, 5, slice_seconds=60) for s in part]
    assert sorted(fine) == sorted(coarse)
    assert len(fine) > 300


def test_everything_is_flagged_valid_keyed_and_in_order(city: City) -> None:
    found = span(city, MORNING, 90)
    assert {topic for _, topic, *_ in found} >= set(RAW_MODELS) - {"raw.high_rise"}  # rare
    stamps = [at for at, *_ in found]
    assert stamps == sorted(stamps)
    for at, topic, key, model in found:
        assert type(model) is RAW_MODELS[topic]
        assert model.simulated
        assert model.source == "simulator"
        assert at.tzinfo is UTC
        assert key.decode() == (model.device_id if isinstance(model, Signal) else model.id)
        assert model.occurred_at is not None
        assert timedelta(0) <= at - model.occurred_at <= timedelta(seconds=301)


def test_falling_objects_are_valid_too(city: City) -> None:
    for day in range(1, 30):
        start = datetime(2026, 11, day, tzinfo=SHANGHAI)
        falling = [i for i in city.incidents(start.date()) if i.kind == "falling"]
        if falling:
            body = falling[0].said[0].body
            model = RAW_MODELS["raw.high_rise"].model_validate({"id": "1", "source": "s", **body})
            assert model.landing_zone == "人行步道"  # type: ignore[attr-defined]
            return
    pytest.fail("nothing fell in a month")


def passes(city: City, start: datetime) -> int:
    return sum(
        m.count for *_, m in span(city, start, 5)
        if isinstance(m, GateSignal) and m.event == "PassCount"
    )  # fmt: skip


def test_every_door_counts_passes_each_five_minutes_with_commuter_peaks(city: City) -> None:
    doors = {d.device_id for d in city.fleet.of("access_gate", ("door",))}
    counts = Counter(
        m.device_id for *_, m in span(city, MORNING, 10)
        if isinstance(m, GateSignal) and m.event == "PassCount"
    )  # fmt: skip
    assert set(counts) == doors
    assert set(counts.values()) <= {2, 3}  # 3: sent twice
    rush, noon, night = (
        passes(city, MORNING.replace(hour=h, minute=m)) for h, m in ((8, 15), (11, 0), (3, 0))
    )
    assert rush > 2 * noon > 4 * night
    sunday = passes(city, datetime(2026, 11, 22, 8, 15, tzinfo=SHANGHAI))
    assert rush > 1.3 * sunday


def test_ids_are_unique_but_for_the_resent(city: City) -> None:
    found = span(city, MORNING, 240)
    by_id: dict[str, list[Raw]] = {}
    for *_, model in found:
        by_id.setdefault(model.id, []).append(model)
    again = [same for same in by_id.values() if len(same) > 1]
    assert again
    assert all(len(same) == 2 and same[0] == same[1] for same in again)
    assert len(again) < 0.01 * len(found)


def test_a_rate_is_kept_and_what_happens_stays(city: City) -> None:
    said = {"raw.hotline", "raw.grid_app", "raw.lift"}  # no telemetry on these
    natural, rated, slow = (
        [s for part in slices(city, 60, slice_seconds=10, **rate) for s in part]
        for rate in ({}, {"rate": 30}, {"rate": 0.001})
    )
    assert len(rated) == pytest.approx(18_000, abs=30)
    happened = [s.value for s in natural if s.topic in said]
    assert len(happened) > 10
    assert [s.value for s in rated if s.topic in said] == happened
    assert [s.value for s in slow if s.topic in said] == happened
    assert len(slow) < 0.1 * len(natural)
    assert all(p == sorted(p, key=lambda s: s.at_ms) for p in slices(city, 5, rate=2000))


def test_speed_squeezes_the_day_and_stamps_stay_real(city: City) -> None:
    found = span(city, MORNING, 2, speed=60)  # two hours of the day in two minutes
    natural = span(city, MORNING, 120)
    assert len(found) == pytest.approx(len(natural), rel=0.02)
    assert found[-1][0] < MORNING + timedelta(minutes=2)


def test_runs_never_claim_the_same_event(city: City) -> None:
    later = MORNING + timedelta(minutes=10)
    first = {m.id for *_, m in span(city, MORNING, 20)}
    second = {m.id for *_, m in span(city, later, 10)}
    assert not first & second
    assert all(name.startswith(run_name(3, later)) for name in second)


def test_it_goes_on_into_the_next_day(city: City) -> None:
    evening = datetime(2026, 11, 20, 23, 30, tzinfo=SHANGHAI)
    found = span(city, evening, 60)
    days = {m.id.split("-")[1] for *_, m in found if m.id.count("-") >= 3}
    assert days == {"20261120", "20261121"}


def test_truth_names_exactly_the_events_of_its_incident(city: City) -> None:
    told: list[Truth] = []
    running = wire(city, MORNING, slice_seconds=60, truth=told.append)
    records = [s for part in islice(running, 120) for s in part]
    running.close()
    sent = Counter(
        event_id(body["channel"], body["source"], body["id"])
        for body in (json.loads(s.value) for s in records)
    )
    said = {
        event_id(body["channel"], body["source"], body["id"])
        for body in (json.loads(s.value) for s in records)
        if body["id"].count("-") >= 3
    }
    named = Counter(name for truth in told for name in truth.event_ids)
    assert set(named.values()) == {1}
    assert set(named) == said
    assert set(named) <= set(sent)
    assert len({t.incident_id for t in told}) == len(told)
    assert any(len(t.event_ids) > 1 for t in told)
    by_id = {t.incident_id: t for t in told}
    for incident in city.incidents(MORNING.date()):
        if truth := by_id.get(incident.incident_id):
            assert truth.class_code == incident.class_code
            assert truth.grid == incident.grid
            assert len(truth.event_ids) <= len(incident.said)
    assert all(Truth.model_validate_json(t.model_dump_json()) == t for t in told[:50])


def test_a_drill_is_part_of_the_stream(city: City) -> None:
    told: list[Truth] = []
    drill = city.burst("fire", MORNING + timedelta(seconds=5))
    assert drill is not None
    running = wire(city, MORNING, slice_seconds=60, truth=told.append, drills=[drill])
    list(islice(running, 150))
    assert next(t for t in told if "drill" in t.incident_id).event_ids
    assert len(next(t for t in told if "drill" in t.incident_id).event_ids) == len(drill.said)


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"rate": -1}, {"speed": 0}, {"slice_seconds": 0}])
def test_nonsense_is_refused(city: City, wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        next(wire(city, MORNING, **wrong))  # type: ignore[arg-type]
