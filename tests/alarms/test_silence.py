"""Devices that fall silent: once each, together when they are many, heard again, never a case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.silence import report_of
from schemas.alarm_rules import Heartbeat
from schemas.profile import Profile
from schemas.profile_files import load_profile
from schemas.raw import EnvironmentSignal
from streams.core.decide import Decider, Position
from streams.core.silence import Silence
from tests.alarms.town import DEVICES
from tests.cases.small_city import small_profile

MINUTE = 60_000
T0 = 1_795_312_900_000


def town(*rows: Heartbeat) -> Profile:
    rows = rows or (Heartbeat(kinds=("camera",), silent_minutes=30, together=3),)
    return small_profile(devices=DEVICES, heartbeats=rows)


def test_a_silence_is_told_once_and_again_after_it_was_heard() -> None:
    watch = Silence(town())
    watch.heard("K1", T0)
    assert watch.sweep(T0 + 30 * MINUTE).fell == ()
    (fell,) = watch.sweep(T0 + 31 * MINUTE).fell
    assert (fell.device.device_id, fell.since_ms) == ("K1", T0 + 30 * MINUTE)
    later = watch.sweep(T0 + 60 * MINUTE)
    assert later.fell == ()
    assert [one.device.device_id for one in later.silent] == ["K1"]
    watch.heard("K1", T0 + 61 * MINUTE)
    assert watch.sweep(T0 + 62 * MINUTE).back == ("K1",)
    assert len(watch.sweep(T0 + 92 * MINUTE).fell) == 1


def test_what_was_told_before_a_restart_is_not_told_again() -> None:
    first = Silence(town())
    first.heard("K1", T0)
    (fell,) = first.sweep(T0 + 40 * MINUTE).fell
    again = Silence(town(), frozenset({fell.name}))
    again.heard("K1", T0)
    assert again.sweep(T0 + 50 * MINUTE).fell == ()


def test_many_of_a_place_are_told_together() -> None:
    watch = Silence(town())
    for n in range(1, 4):
        watch.heard(f"K{n}", T0)
    swept = watch.sweep(T0 + 40 * MINUTE)
    ((place, devices),) = swept.together
    assert place == DEVICES["K1"].grid
    assert [one.device.device_id for one in devices] == ["K1", "K2", "K3"]
    assert len(swept.fell) == 3


def test_never_heard_is_unknown_and_other_kinds_are_never_silent() -> None:
    watch = Silence(town())
    watch.heard("S1", T0)
    watch.heard("K1", T0)
    assert watch.sweep(T0 + 900 * MINUTE).silent[0].device.device_id == "K1"
    assert watch.online() == {"camera": (0, 1, 7)}


@given(st.lists(st.tuples(st.sampled_from(["K1", "K2", "K3"]), st.integers(0, 400)), max_size=60))
def test_each_silence_once_whatever_the_order(said: list[tuple[str, int]]) -> None:
    watch, told = Silence(town()), []
    for device, minute in said:
        watch.heard(device, T0 + minute * MINUTE)
    for minute in range(0, 500, 7):
        told += [one.name for one in watch.sweep(T0 + minute * MINUTE).fell]
    assert len(told) == len(set(told))
    assert len(told) == len({device for device, _ in said})


def test_a_silence_is_an_event_of_device_health_and_opens_no_case() -> None:
    profile = load_profile("qinglan")
    watch = Silence(profile)
    name = next(d.device_id for d in profile.devices.values() if d.kind == "camera")
    watch.heard(name, T0)
    (fell,) = watch.sweep(T0 + 500 * MINUTE).fell
    record = report_of(fell)
    assert record == report_of(fell)
    raw = EnvironmentSignal.model_validate_json(record.value)
    (event,) = Decider(profile).decide(raw, Position(record.topic, 0, 0, 0, T0))  # type: ignore[misc]
    assert (event.event_code, event.disposition, event.case_no) == (
        "device.offline",
        "recorded",
        "",
    )
    assert event.device_id == name


@pytest.mark.parametrize("kind", ["smoke", "call_point", "lift", "manhole", "sos_button"])
def test_kinds_that_only_speak_when_something_happens_have_no_heartbeat(kind: str) -> None:
    rows = load_profile("qinglan").heartbeats
    assert all(kind not in row.kinds for row in rows)
