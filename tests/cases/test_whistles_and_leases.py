"""Whistles with a quorum, emergencies nobody acknowledges, and what a merge may go into."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.case import Actor, Refusal
from streams.core.alerts import alerts_for
from tests.cases.small_city import (
    FIRE_UNIT,
    HOUSING,
    OPERATOR,
    RULES,
    TRIAGE,
    VILLAGE,
    Story,
    lights,
)

UNITS = ("fire-990101001", "housing-990101", "estate-007")
ESTATE = Actor(role="unit", unit="estate-007")
FIRE: dict[str, Any] = {"class_code": "020101", "grade": 1, "emergency": True}


def told(change: Any) -> list[tuple[str, str]]:
    return [(a.kind, a.recipient) for a in alerts_for(change, RULES)]


@pytest.mark.parametrize(("quorum", "enough"), [(0, 3), (1, 1), (2, 2), (3, 3)])
def test_a_whistle_is_answered_when_its_quorum_is_there(quorum: int, enough: int) -> None:
    story = Story()
    story.opens()
    story.does("whistle", OPERATOR, units=UNITS, quorum=quorum)
    for number, unit in enumerate(UNITS[:enough], 1):
        assert story.it.state == "whistle"
        story.does("respond", Actor(role="unit", unit=unit))
        story.try_to("respond", Actor(role="unit", unit=unit))  # twice counts once
        assert len(story.it.responded) == number
    assert story.it.state == "responded"
    assert "respond" not in {d.clock for d in story.it.deadlines}


def test_the_slowest_are_seen_and_reminded() -> None:
    story = Story()
    story.opens()
    story.does("whistle", OPERATOR, units=UNITS, quorum=2)
    story.does("respond", HOUSING)
    (yellow,) = [c for c in story.after(minutes=45) if c.clock == "respond"]
    assert told(yellow) == [("yellow", "fire-990101001"), ("yellow", "estate-007")]


def test_a_quorum_of_more_than_are_called_is_refused() -> None:
    story = Story()
    story.opens()
    refused = story.try_to("whistle", OPERATOR, units=UNITS[:2], quorum=3)
    assert isinstance(refused, Refusal)
    assert (refused.code, "quorum" in refused.detail) == ("field_missing", True)


def test_an_emergency_nobody_acknowledges_goes_up_after_three_minutes() -> None:
    story = Story()
    opened = story.opens(**FIRE)
    assert "acknowledge" in opened.started
    assert lights([c for c in story.after(seconds=179) if c.stage == "red"]) == []
    (red,) = [c for c in story.after(seconds=1) if c.clock == "acknowledge"]
    assert red.at == story.start + timedelta(minutes=3)
    assert red.late_seconds == 0
    assert told(red) == [("red", "desk-990101"), ("red", "desk-9901")]


@pytest.mark.parametrize("move", ["acknowledge", "sign"])
def test_who_acknowledges_or_signs_ends_the_lease(move: str) -> None:
    story = Story()
    opened = story.opens(**FIRE)
    story.after(minutes=1)
    alert = alerts_for(opened, RULES)[0].alert_id
    done = story.does(move, FIRE_UNIT, alert_id=alert)
    (ended,) = [e for e in done.ended if e.clock == "acknowledge"]
    assert (ended.used_seconds, ended.in_time) == (60, True)
    assert not [c for c in story.after(hours=3) if c.clock == "acknowledge"]


def test_what_becomes_an_emergency_later_wants_acknowledging_from_then_on() -> None:
    story = Story()
    story.opens(**TRIAGE)
    story.after(minutes=10)
    from tests.cases.small_city import opening, report

    again = opening(report(2, story.now, **FIRE), story.now)
    joined = story.done(story.send(again.model_copy(update={"case_no": story.it.case_no})))
    (lease,) = [d for d in joined.case.deadlines if d.clock == "acknowledge"]
    assert lease.due == story.now + timedelta(minutes=3)
    story.does("register", OPERATOR)
    assert "acknowledge" not in {d.clock for d in story.it.deadlines}


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("nonsense", "field_missing"),
        ("20260311-990101001002-AAAAAA", "impossible_move"),  # another village
        ("", "field_missing"),
    ],
)
def test_a_case_goes_only_into_a_case_of_its_village(target: str, code: str) -> None:
    story = Story()
    story.opens()
    refused = story.try_to("merge", OPERATOR, merged_into=target)
    assert isinstance(refused, Refusal)
    assert refused.code == code
    own = story.try_to("merge", OPERATOR, merged_into=story.it.case_no)
    assert isinstance(own, Refusal)
    done = story.does("merge", OPERATOR, merged_into=f"20260311-{VILLAGE}-AAAAAA")
    assert (done.case.state, done.case.deadlines) == ("merged", ())
