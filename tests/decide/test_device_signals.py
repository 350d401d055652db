"""Every row of the device table is reachable; every status word means what its standard says."""

from __future__ import annotations

import pytest

from schemas.profile import Profile
from schemas.raw import (
    EnvironmentSignal,
    FireSignal,
    GateSignal,
    HighRiseSignal,
    LiftSignal,
    Signal,
    VideoAlarm,
)
from streams.core.reading import Invalid
from streams.core.signals import LIMITS, Sign, Signals

WHO = {"id": "1", "source": "s", "device_id": "SM-1"}


@pytest.fixture(scope="module")
def signals(shipped: Profile) -> Signals:
    return Signals(shipped)


def said(signals: Signals, signal: Signal) -> tuple[Sign, ...]:
    found = signals.read(signal)
    assert not isinstance(found, Invalid), found
    return found


def codes(signals: Signals, signal: Signal) -> list[str]:
    return [sign.row.event_code for sign in said(signals, signal)]


def fire(part: str = "system", status: int = 1, kind: int = 0, **more: object) -> FireSignal:
    return FireSignal.model_validate(
        WHO | {"part": part, "status": status, "component_type": kind} | more
    )


def water(event: str, value: float = 0.0, unit: str = "") -> EnvironmentSignal:
    return EnvironmentSignal.model_validate(WHO | {"event": event, "value": value, "unit": unit})


def video(method: int, kind: int, **more: object) -> VideoAlarm:
    return VideoAlarm.model_validate(WHO | {"method": method, "type": kind} | more)


def gate(event: str, **more: object) -> GateSignal:
    return GateSignal.model_validate(WHO | {"event": event} | more)


EVERY_SIGNAL: list[Signal] = [
    *(fire("system", 1 | 1 << bit) for bit in range(1, 14)), fire("system", 0), fire("system", 1),
    *(fire("component", 1 | 1 << bit, kind) for bit in range(1, 9) for kind in (0, 11, 17, 41)),
    *(fire("operation", 1 << bit) for bit in range(7)),
    *(fire("user_device", 1 | 1 << bit) for bit in range(1, 7)),
    *(fire("analog", analog_type=kind, value=1) for kind in (2, 3, 4, 5, 6, 8, 9)),
    *(video(method, kind) for method, last in ((2, 5), (5, 13), (6, 2))
      for kind in range(1, last + 1)),
    *(gate(event) for event in ("DoorForcedOpen", "DoorOpenTooLong", "DoorTamper", "DoorFault",
                                "Duress", "PassCount")),
    *(LiftSignal.model_validate(WHO | {"event": event})
      for event in ("trapped", "out_of_door_zone_stop", "overspeed", "top", "bottom", "door_fault",
                    "power_off", "out_of_service", "alarm_button", "ebike_in", "ebike_out")),
    HighRiseSignal.model_validate(WHO),
    *(water(event) for event in ("tilt", "displacement", "level_threshold", "level_over_warning",
                                 "accumulated", "gas", "sos", "offline", "battery_low", "visited")),
]  # fmt: skip


def test_every_row_is_reachable(signals: Signals, shipped: Profile) -> None:
    reached = {sign.row for signal in EVERY_SIGNAL for sign in said(signals, signal)}
    # A row of a code that another row of the same code answers for says the same thing.
    answered = {(row.event_code, row.taxonomy_code, row.semantics) for row in reached}
    missed = [
        (row.device_or_part, row.native_code)
        for row in shipped.device_events
        if (row.event_code, row.taxonomy_code, row.semantics) not in answered
    ]
    assert missed == []
    assert {row.event_code for row in shipped.device_events} <= {row.event_code for row in reached}


def test_every_native_code_of_the_table_has_a_signal(signals: Signals, shipped: Profile) -> None:
    """A row added to the table for a raw model must be hit as that row, not by its neighbour."""
    reached = {id(sign.row) for signal in EVERY_SIGNAL for sign in said(signals, signal)}
    assert [row.native_name for row in shipped.device_events if id(row) not in reached] == []


@pytest.mark.parametrize(
    ("part", "status", "kind", "wanted"),
    [
        ("system",      0b1,              0,  ["fire.normal"]),
        ("system",      0b11,             0,  ["fire.alarm"]),
        ("system",      0b111,            0,  ["fire.alarm", "fire.fault"]),
        ("system",      0b100,            0,  ["fire.test"]),  # bit 0 clear: test …
        ("system",      0xFFFC,           0,  ["fire.test"]),
        ("system",      0b10,             0,  ["fire.alarm"]),  # … but never a fire
        ("system",      0xFFFE,           0,  ["fire.alarm"]),
        ("system",      1 | 1 << 13,      0,  ["fire.reset"]),
        ("component",   0b11,             41, ["fire.alarm"]),
        ("component",   0b11,             23, ["fire.alarm"]),
        ("component",   0b11,             11, ["gas.alarm"]),
        ("component",   0b11,             18, ["electrical.alarm"]),
        ("component",   0b101,            11, ["fire.fault"]),
        ("component",   0b100,            41, ["fire.test"]),
        ("component",   0b10,             41, ["fire.alarm"]),
        ("component",   0b10,             11, ["gas.alarm"]),
        ("component",   1 | 1 << 8,       41, ["fire.power_fault"]),
        ("operation",   0b100,            0,  ["fire.manual_alarm"]),
        ("operation",   0b1,              0,  ["fire.reset"]),
        ("operation",   0b1000,           0,  ["fire.alarm_cleared"]),
        ("user_device", 1 | 1 << 5,       0,  ["fire.link_fault"]),
        ("user_device", 0b11,             0,  ["fire.alarm"]),
    ],
)  # fmt: skip
def test_fire_status_words(
    signals: Signals, part: str, status: int, kind: int, wanted: list[str]
) -> None:
    assert codes(signals, fire(part, status, kind)) == wanted
    assert codes(signals, fire(part, status, kind)) == wanted  # remembered words say the same


@pytest.mark.parametrize(
    ("signal", "field"),
    [
        (fire("system", 1 | 1 << 15), "status"),
        (fire("component", 1 | 1 << 12, 41), "status"),
        (fire("analog", analog_type=77), "analog_type"),
        (video(2, 9), "type"),
        (video(6, 0), "type"),
        (video(5, 40), "type"),
    ],
)
def test_unknown_codes_are_invalid(signals: Signals, signal: Signal, field: str) -> None:
    found = signals.read(signal)
    assert isinstance(found, Invalid)
    assert (found.reason, found.field) == ("unknown_code", field)


def test_an_unknown_bit_does_not_hide_a_known_one(signals: Signals) -> None:
    assert codes(signals, fire("system", 1 | 1 << 1 | 1 << 15)) == ["fire.alarm"]


@pytest.mark.parametrize("method", [1, 3, 4, 7])
def test_alarms_by_people_go_to_an_operator(signals: Signals, method: int) -> None:
    assert codes(signals, video(method, 0)) == ["video.manual"]


def test_an_unknown_video_type_of_first_priority_is_looked_at(signals: Signals) -> None:
    assert codes(signals, video(5, 40, priority=1)) == ["video.manual"]


@pytest.mark.parametrize(
    ("signal", "over", "grade", "value"),
    [
        (water("level_threshold", 0.14, "m"),      False, 0, 0.14),
        (water("level_threshold", 0.15, "m"),      True,  2, 0.15),
        (water("level_threshold", 42, "cm"),       True,  1, 0.42),
        (water("level_over_warning", -0.2, "m"),   False, 0, -0.2),
        (water("level_over_warning", 0.0, "m"),    True,  1, 0.0),
        (water("accumulated", 49.9, "mm"),         False, 0, 49.9),
        (water("accumulated", 62, "mm"),           True,  1, 62),
        (water("gas", 28, "%LEL"),                 True,  1, 28),
        (water("gas", 3, "%LEL"),                  False, 0, 3),
        (fire("analog", analog_type=2, value=0.3), True,  2, 0.3),
        (fire("analog", analog_type=2, value=2.3), False, 0, 2.3),
        (fire("analog", analog_type=5, value=80),  True,  2, 80),
        (fire("analog", analog_type=8, value=0),   False, 0, 0),
    ],
)  # fmt: skip
def test_readings_against_their_limits(
    signals: Signals, signal: Signal, over: bool, grade: int, value: float
) -> None:
    (sign,) = said(signals, signal)
    assert (sign.over, sign.grade) == (over, grade)
    assert sign.value == pytest.approx(value)


def test_a_gas_detector_that_only_says_gas_has_decided(signals: Signals) -> None:
    assert codes(signals, water("gas")) == ["gas.alarm"]


def test_each_threshold_row_has_a_limit(shipped: Profile) -> None:
    rows = {r.event_code for r in shipped.device_events if r.semantics == "threshold"}
    assert rows == {limit.event_code for limit in LIMITS}


def test_a_pass_count_carries_its_number(signals: Signals) -> None:
    (sign,) = said(signals, gate("PassCount", count=37))
    assert (sign.value, sign.unit, sign.row.semantics) == (37.0, "次", "aggregate")
