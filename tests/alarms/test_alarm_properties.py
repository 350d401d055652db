"""Whatever devices do and whenever the writer crashes: no raise is lost, no alarm has two cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alarm import Alarm, Storm, Watch
from schemas.alarm_rules import MOST_HITS
from streams.core.alarms import REMEMBERED
from streams.core.moves import OPEN
from streams.core.storms import MOST_DEVICES
from tests.alarms.town import CLEARS, CODES, Town, window
from tests.cases.small_city import OPERATOR, START

NEW = timedelta(minutes=60)
HELD = ("fire.fault", "video.lost")
#: device, code, seconds until the next thing happens
SIGNALS = st.tuples(
    st.sampled_from(["S0", "S1", "S2", "S3", "S4", "C1", "L1", "K1"]),
    st.sampled_from(["fire.alarm", "fire.fault", "fire.fault", "fire.normal", "fire.reset",
                     "lift.ebike_in", "lift.ebike_out", "video.lost"]),
    st.sampled_from([0, 1, 30, 119, 121, 900, 7200, 90_000]),
)  # fmt: skip
STEPS = st.lists(
    st.one_of(SIGNALS, st.just("again"), st.just("crash"), st.just("close")), max_size=40
)


def play(steps: list[Any], doubled: bool = False, crashes: bool = True, **profile: Any) -> Town:
    town = Town(**profile)
    sent: list[Any] = []
    for step in steps:
        if step == "crash":
            if crashes:
                town.crash()
        elif step == "again":
            if sent and doubled:
                town.send(sent[-1])
        elif step == "close":
            for case in [c for c in town.open_cases if c.state == "reported"][:1]:
                town.act(case.case_no, "reject", OPERATOR, reason="误报")
        else:
            device, code, seconds = step
            sent.append(town.command(device, code))
            town.send(sent[-1])
            check(town)
            town.after(seconds=seconds)
    return town


def check(town: Town) -> None:
    """What holds at every moment."""
    matters: dict[tuple[str, str], list[datetime]] = {}
    for c in town.open_cases:
        if c.device_id:
            matters.setdefault((c.device_id, c.class_code), []).append(c.opened_at)
    for times in matters.values():  # hours later it is another incident, while the first is open
        assert all(b - a >= NEW for a, b in pairwise(sorted(times)))
    for _, state in town.book.states:
        if isinstance(state, Alarm):
            assert len(state.recent) <= REMEMBERED
            if state.state == "held":
                assert state.until is not None
                assert state.waiting is not None
            if CODES[state.event_code][1] == 1 and state.state == "raised":
                assert town.is_open(state.case_no), "an emergency without a case"
        elif isinstance(state, Watch):
            assert len(state.hits) <= MOST_HITS
        elif isinstance(state, Storm):
            assert len(state.hits) <= MOST_DEVICES


def story(town: Town) -> Any:
    return sorted(
        (c.class_code, c.device_id, c.state, c.marks, c.events, c.event_ids)
        for c in town.cases.values()
    ), [(v.event_id, v.outcome, v.reason, v.case_no) for v in town.verdicts]


@settings(max_examples=250, deadline=None)
@given(STEPS)
def test_no_raise_is_lost(steps: list[Any]) -> None:
    town = play(steps)
    town.after(minutes=30)
    for number, step in enumerate([s for s in steps if isinstance(s, tuple)], start=1):
        device, code, _ = step
        if code in CLEARS:
            continue
        said = town.of_event(f"e{number}")
        assert said, "every raise has a verdict"
        assert all(one.outcome in ("held", "blip", "flapping") or one.rule for one in said)
        alarm = town.alarm(device, code)
        if alarm.state == "raised" and not alarm.flapping:
            assert alarm.case_no in town.cases
    waiting = [s for _, s in town.book.states if isinstance(s, Alarm) and s.state == "held"]
    assert waiting == []  # half an hour is longer than any wait


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_a_signal_that_comes_again_changes_nothing(steps: list[Any]) -> None:
    assert story(play(steps, doubled=True)) == story(play(steps))


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_a_crash_changes_nothing(steps: list[Any]) -> None:
    assert story(play(steps)) == story(play(steps, crashes=False))


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_all_is_forgotten_once_it_is_over(steps: list[Any]) -> None:
    town = play(steps)
    town.after(hours=12)
    for case in list(town.open_cases):
        closed = case.model_copy(update={"state": "closed"})
        town.cases[case.case_no] = closed
        town.open.remove(case.case_no)
    town.after(days=100)
    assert [key for key, _ in town.book.states] == []
    assert town.kept == {}


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_in_a_repair_window_only_emergencies_reach_anybody(steps: list[Any]) -> None:
    always = window(START - timedelta(days=1), scope="area", target="9901",
                    end=START + timedelta(days=400))  # fmt: skip
    town = play(steps, maintenance=(always,))
    held = {c.event_code for c in town.cases.values()} & set(HELD)
    assert held == set()
    for case in town.cases.values():
        assert case.state in OPEN or case.state == "closed"
        assert case.unit == "desk-990101" or case.event_code == "ebike"
