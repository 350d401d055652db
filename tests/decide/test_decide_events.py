"""From a report to events: clocks, dispositions, unknown names, privacy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import ids
from schemas.event import EVENT, EVENT_COLUMNS, Event
from schemas.profile import Profile
from schemas.raw import (
    AppReport,
    EnvironmentSignal,
    FireSignal,
    GateSignal,
    HotlineReport,
    Raw,
    VideoAlarm,
    epoch_ms,
)
from streams.core.decide import Decider, Position
from streams.core.reading import Invalid

DAY = 86_400_000
FIRE = {"id": "f-1", "source": "host", "device_id": "SM-1", "part": "component"}
CALL = {"id": "c-1", "source": "12345", "channel": "hotline_12345"}


def smoke(status: int = 3, **more: object) -> FireSignal:
    return FireSignal.model_validate(FIRE | {"status": status, "component_type": 41} | more)


def call(text: str = "楼下路灯不亮", **more: object) -> HotlineReport:
    return HotlineReport.model_validate(CALL | {"text": text} | more)


def events(decider: Decider, raw: Raw, at: Position) -> list[Event]:
    found = decider.decide(raw, at)
    assert not isinstance(found, Invalid), found
    for event in found:  # what the tuple holds is what the type says
        assert EVENT.validate_python(event._asdict()) == event
    return found


def only(decider: Decider, raw: Raw, at: Position) -> Event:
    (event,) = events(decider, raw, at)
    return event


# devices


def test_fire_with_the_test_bit_is_looked_at_and_not_silenced(
    small_decider: Decider, at: Position
) -> None:
    """Captures of real hosts carry component state 0x0002 for a fire."""
    event = only(small_decider, smoke(0x0002), at)
    assert (event.event_code, event.disposition, event.test) == ("fire.alarm", "triage", False)
    assert event.emergency
    assert event.case_no
    assert "第 0 位" in event.class_reasons[-1]
    assert only(small_decider, smoke(0b100), at).disposition == "suppressed"
    assert only(small_decider, smoke(0x0002, test=True), at).disposition == "suppressed"


def test_a_smoke_detector_opens_a_case_with_its_place(small_decider: Decider, at: Position) -> None:
    event = only(small_decider, smoke(), at)
    assert (event.event_code, event.class_code, event.grade) == ("fire.alarm", "020104", 1)
    assert (event.disposition, event.emergency, event.semantics) == ("case", True, "raise")
    assert (event.grid, event.village, event.building) == (
        "990101001001002", "990101001001", "P4",
    )  # fmt: skip
    assert (event.located_by, event.unit, event.route) == ("device", "fire-town", "device-fire")
    assert (event.topic, event.partition, event.offset, event.part) == ("raw.hotline", 2, 4711, 0)
    assert event.text == "月亮华庭3栋烟感"


def test_ids_and_case_numbers_are_those_of_the_contract(
    small_decider: Decider, at: Position
) -> None:
    event = only(small_decider, smoke(id="设备-7", occurred_at="2026-11-22T09:59:00+08:00"), at)
    assert event.event_id == ids.event_id("fire_iot", "host", "设备-7")
    when = datetime(2026, 11, 22, 1, 59, tzinfo=UTC)
    assert event.case_no == ids.case_number(event.event_id, event.village, when)


@settings(max_examples=50, deadline=None)
@given(source_id=st.text(min_size=1, max_size=40))
def test_event_ids_never_differ_from_the_contract(source_id: str) -> None:
    from streams.core.decide import _event_id

    if any("\ud800" <= c <= "\udfff" for c in source_id):
        return
    assert _event_id("fire_iot", "s", source_id) == ids.event_id("fire_iot", "s", source_id)


def test_several_bits_are_several_events(small_decider: Decider, at: Position) -> None:
    raw = FireSignal.model_validate(FIRE | {"part": "system", "status": 0b111})
    first, second = events(small_decider, raw, at._replace(part=5))
    assert [first.event_code, second.event_code] == ["fire.alarm", "fire.fault"]
    assert [first.part, second.part] == [5, 6]
    assert first.event_id != second.event_id
    assert first.source_id == "f-1"


@pytest.mark.parametrize(
    ("raw", "disposition", "case"),
    [
        (smoke(3),                       "case",       True),
        (smoke(4),                       "suppressed", False),  # bit 0 clear: test state
        (smoke(1),                       "clear",      False),  # normal again
        (smoke(1 | 1 << 6),              "recorded",   False),  # feedback: info
        (smoke(3, test=True),            "suppressed", False),
        (FireSignal.model_validate(FIRE | {"part": "system", "status": 1 | 1 << 13}),
                                         "clear",      False),
        (GateSignal(id="1", source="s", device_id="SM-1", event="PassCount", count=9),
                                         "recorded",   False),
        (VideoAlarm(id="1", source="s", device_id="SM-1", method=5, type=8),
                                         "suppressed", False),  # loitering: off by default
        (EnvironmentSignal(id="1", source="s", device_id="SM-1", event="offline"),
                                         "recorded",   False),  # device health only
        (EnvironmentSignal(id="1", source="s", device_id="SM-1", event="level_threshold",
                           value=0.05, unit="m"), "recorded", False),
    ],
)  # fmt: skip
def test_what_becomes_of_a_signal(
    small_decider: Decider, at: Position, raw: Raw, disposition: str, case: bool
) -> None:
    event = only(small_decider, raw, at)
    assert event.disposition == disposition
    assert bool(event.case_no) is case
    assert event.emergency is (disposition == "case")


def test_test_state_is_flagged(small_decider: Decider, at: Position) -> None:
    assert only(small_decider, smoke(4), at).test
    assert only(small_decider, smoke(3, test=True), at).test
    assert not only(small_decider, smoke(3), at).test


def test_an_unknown_device_is_invalid(small_decider: Decider, at: Position) -> None:
    found = small_decider.decide(smoke(0b101, device_id="GHOST"), at)
    assert isinstance(found, Invalid)
    assert (found.reason, found.field) == ("unknown_device", "device_id")
    assert "GHOST" in found.detail


def test_a_fire_from_an_unknown_device_goes_to_the_desk(
    small_decider: Decider, at: Position
) -> None:
    event = only(small_decider, smoke(3, device_id="GHOST", area_code="990101001"), at)
    assert (event.disposition, event.emergency, event.unit) == ("triage", True, "")
    assert (event.town, event.village) == ("990101001", "990101001000")
    assert event.located_by == "source_area"
    assert any("GHOST" in reason for reason in event.class_reasons)


def test_a_fire_from_nowhere_is_somewhere_in_the_city(small_decider: Decider, at: Position) -> None:
    event = only(small_decider, smoke(3, device_id="GHOST"), at)
    assert (event.disposition, event.village, event.grid) == ("triage", "990100000000", "")


def test_a_test_of_an_unknown_device_is_no_emergency(small_decider: Decider, at: Position) -> None:
    assert isinstance(small_decider.decide(smoke(3, device_id="GHOST", test=True), at), Invalid)


def test_a_device_moves_with_its_grid(small_decider: Decider, at: Position) -> None:
    raw = EnvironmentSignal(id="1", source="s", device_id="OLD-1", event="tilt")
    last = epoch_ms(datetime(2026, 11, 30, 23, 59))  # noqa: DTZ001 - Shanghai's by contract
    assert only(small_decider, raw, at._replace(ingest_ms=last)).grid == "990101001002009"
    after = only(small_decider, raw, at._replace(ingest_ms=last + 60_000))
    assert after.grid == "990101001002001"


# clocks


@pytest.mark.parametrize(
    ("stamp", "clock", "clamped"),
    [
        (None,                        "missing", True),
        ("",                          "missing", True),
        ("1970-01-01T00:00:00Z",      "past",    True),
        (0,                           "past",    True),
        ("2099-12-31T23:59:59+08:00", "future",  True),
        ("2026-11-22T10:01:40+08:00", "",        False),
        ("2026-11-22 10:01:40",       "",        False),  # no zone: Shanghai's
        ("2026-11-22T02:01:40Z",      "",        False),
        ("2026-11-22T10:06:40+08:00", "",        False),  # five minutes ahead, to the second
        ("2026-11-22T10:06:41+08:00", "future",  True),
        ("2026-10-23T10:01:40+08:00", "",        False),  # thirty days back, to the second
        ("2026-10-23T10:01:39+08:00", "past",    True),
        (1795312900000,               "",        False),
        (1795312900,                  "",        False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["device", "text"])
def test_crazy_clocks_are_clamped_and_flagged(
    small_decider: Decider, at: Position, kind: str, stamp: Any, clock: str, clamped: bool
) -> None:
    raw = smoke(occurred_at=stamp) if kind == "device" else call(occurred_at=stamp)
    event = only(small_decider, raw, at)
    assert event.clock == clock
    assert event.ingest_ms == at.ingest_ms
    assert (
        (event.occurred_ms == at.ingest_ms) if clamped else (event.occurred_ms == event.device_ms)
    )
    if raw.occurred_at is None:
        assert event.device_ms == 0
    else:
        assert event.device_ms == epoch_ms(raw.occurred_at)


@settings(max_examples=100, deadline=None)
@given(stamp=st.datetimes(timezones=st.none() | st.just(UTC)))
def test_no_stamp_escapes_the_clamp(small_decider: Decider, at: Position, stamp: datetime) -> None:
    event = only(small_decider, smoke(occurred_at=stamp), at)
    assert at.ingest_ms - 30 * DAY <= event.occurred_ms <= at.ingest_ms + 300_000


# texts


def test_a_call_becomes_a_case(small_decider: Decider, at: Position) -> None:
    event = only(small_decider, call("水库路120号门口路灯不亮", title="照明"), at)
    assert (event.class_code, event.disposition, event.emergency) == ("060301", "case", False)
    assert (event.grid, event.located_by) == ("990101001002001", "address")
    assert (event.unit, event.unit_level, event.route) == ("road-city", "city", "default")
    assert event.top3[0] == "060301"
    assert event.semantics == "report"
    assert any("路灯不亮" in reason for reason in event.class_reasons)


def test_an_unclear_call_goes_to_the_desk(small_decider: Decider, at: Position) -> None:
    event = only(small_decider, call("嗯嗯好的麻烦侬"), at)
    assert (event.disposition, event.class_code, event.unit) == ("triage", "", "")
    assert event.village == "990100000000"
    assert event.case_no


def test_an_emergency_is_never_silenced_by_its_class(small_decider: Decider, at: Position) -> None:
    event = only(small_decider, call("快来人,有人晕倒没呼吸了"), at)
    assert (event.emergency, event.grade, event.disposition) == (True, 1, "triage")  # place unknown
    placed = only(small_decider, call("垃圾桶旁边有人晕倒", area_code="990101001001001"), at)
    assert (placed.emergency, placed.grade) == (True, 1)


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"area_code": "110105"},                      "unknown_area",  "area_code"),
        ({"class_code": "999999"},                     "bad_value",     "class_code"),
        ({"reporter": "13812345678"},                  "person_data",   "reporter"),
        ({"reporter": "11010519491231002X"},           "person_data",   "reporter"),
        ({"text": " ", "title": ""},                   "missing_field", "text"),
    ],
)  # fmt: skip
def test_reports_nobody_can_take(
    small_decider: Decider, at: Position, changes: dict[str, str], reason: str, field: str
) -> None:
    found = small_decider.decide(call(**changes), at)
    assert isinstance(found, Invalid)
    assert (found.reason, found.field) == (reason, field)
    assert changes.get("reporter", "-") not in found.detail


@pytest.mark.parametrize("changes", [{"area_code": "110105"}, {"class_code": "999999"}])
def test_unknown_names_do_not_stop_an_emergency(
    small_decider: Decider, at: Position, changes: dict[str, str]
) -> None:
    event = only(small_decider, call("水库路5号着火了,有人被困", **changes), at)
    assert (event.disposition, event.emergency, event.grade) == ("triage", True, 1)
    assert event.grid == "990101001001001"


def test_an_unknown_grid_goes_to_the_desk_with_the_nearest_level(
    small_decider: Decider, at: Position
) -> None:
    event = only(small_decider, call("路灯不亮", area_code="990101001001777"), at)
    assert (event.disposition, event.village, event.unit) == ("triage", "990101001001", "")
    assert "990101001001777" in event.class_reasons[-1]


def test_a_place_is_that_of_the_time_of_the_event(small_decider: Decider, at: Position) -> None:
    """The old grid was cut up on 30 November; a report of that day arrives two days later."""
    late = at._replace(ingest_ms=at.ingest_ms + 10 * DAY)
    old = {"area_code": "990101001002009"}
    then = only(small_decider, call(occurred_at="2026-11-29T10:00:00+08:00", **old), late)
    assert then.grid == "990101001002009"
    now = only(small_decider, call(occurred_at="2026-12-02T09:00:00+08:00", **old), late)
    assert now.grid == "990101001002001"


def test_a_class_chosen_by_the_reporter_goes_first(small_decider: Decider, at: Position) -> None:
    raw = AppReport(id="1", source="app", channel="grid_app", text="路灯不亮", class_code="060101")
    event = only(small_decider, raw, at)
    assert event.class_code == "060101"
    assert event.top3[:2] == ("060101", "060301")
    assert "上报时选定" in event.class_reasons[0]


def test_an_address_of_its_own_is_kept_with_the_text(small_decider: Decider, at: Position) -> None:
    event = only(small_decider, call("路灯不亮", address="水库路7号,电话13812345678"), at)
    assert event.grid == "990101001001001"
    assert "水库路7号" in event.text
    assert "13812345678" not in event.text


# people


def test_no_column_is_about_a_person() -> None:
    for word in (
        "name",
        "phone",
        "mobile",
        "identity",
        "id_card",
        "card",
        "face",
        "plate",
        "caller",
    ):
        assert [column for column in EVENT_COLUMNS if word in column.lower()] == []


@pytest.mark.parametrize(
    "secret",
    ["13812345678", "138 1234 5678", "0571-87654321", "11010519491231002X", "京A12345",
     "6222021234567890128", "li.si@example.com"],
)  # fmt: skip
def test_no_event_carries_a_contact(small_decider: Decider, at: Position, secret: str) -> None:
    raw = call(f"着火了,联系{secret}", title=f"回电 {secret}", address=f"水库路5号({secret})")
    event = only(small_decider, raw, at)
    assert event.emergency
    assert secret not in "\x1f".join(str(value) for value in event)


# the whole city


def test_every_device_of_the_city_can_alarm(
    decider: Decider, shipped: Profile, at: Position
) -> None:
    lost = []
    for device in list(shipped.devices.values())[::40]:
        event = only(decider, smoke(device_id=device.device_id), at)
        if event.disposition != "case" or event.grid != device.grid or not event.unit:
            lost.append(device.device_id)
    assert lost == []


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=60), address=st.text(max_size=30))
def test_no_text_raises(decider: Decider, at: Position, text: str, address: str) -> None:
    found = decider.decide(call(text, address=address), at)
    assert isinstance(found, Invalid) or len(found) == 1
