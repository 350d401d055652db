"""Records of three topics: to those who wait, and to those who may see them."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from ops.wall.alerting import sees
from ops.wall.hub import Place, encode
from ops.wall.live import brief, take
from ops.wall.outcomes import REMEMBER, Outcomes
from ops.wall.server import live_hub
from ops.wall.sessions import Viewer
from schemas.alert import Alert
from schemas.case import Actor, Case, Change, Outcome
from tests.wall.conftest import CASE_NO

AT = datetime(2026, 11, 22, tzinfo=UTC)


def alert(**more):
    usual = Alert(
        alert_id="a", kind="red", recipient="chengguan-990101", case_no=CASE_NO, change_id="c",
        grade=2, village="990101001001", title="井盖缺失", due=AT, created_at=AT,
    )  # fmt: skip
    return usual.model_copy(update=more)


def change():
    case = Case(
        case_no=CASE_NO, village="990101001001", version=2, state="signed", unit="chengguan-990101",
        opened_at=AT, updated_at=AT,
    )  # fmt: skip
    return Change(
        change_id="c", command_id="k", move="acknowledge", from_state="signed", at=AT,
        actor=Actor(role="unit"), alert_id="a", case=case,
    )  # fmt: skip


def heard(viewer, *records):
    """Events a viewer's stream brings of these records."""

    async def story():
        hub, found = live_hub(), []
        stream = hub.stream(lambda: encode("resync", {}), keep=sees(viewer))
        await anext(stream)
        for topic, value in records:
            take(topic, value, Outcomes(), hub)
        hub.publish("end", {}, Place(viewer.area.ljust(12, "0"), unit=viewer.own_unit))
        async for frame in stream:
            lines = dict(line.split(": ", 1) for line in frame.decode().split("\n") if line)
            if lines["event"] == "end":
                return found
            found.append((lines["event"], json.loads(lines["data"])))
        raise AssertionError("the stream ended")

    return asyncio.run(story())


OPERATOR = Viewer("account", "desk-01", "operator")
ALERT = ("alerts", alert().model_dump_json().encode())
CHANGE = ("case-changes", change().model_dump_json().encode())


def test_an_operator_hears_alerts_and_moves():
    (first, told), (second, moved) = heard(OPERATOR, ALERT, CHANGE)
    assert (first, second) == ("alert", "change")
    assert told == brief(alert())
    assert told["due_ms"] == told["created_ms"] == int(AT.timestamp() * 1000)
    assert (moved["case_no"], moved["move"], moved["alert_id"]) == (CASE_NO, "acknowledge", "a")
    assert moved["answers"] == []


def test_a_signature_says_whose_alerts_it_answers():
    signed = change().model_copy(update={"move": "sign"})
    ((_, moved),) = heard(OPERATOR, ("case-changes", signed.model_dump_json().encode()))
    assert (moved["answers"], moved["took"]) == (["assigned", "emergency"], [signed.case.unit])


@pytest.mark.parametrize(
    ("viewer", "count"),
    [
        (Viewer("account", "o", "operator", area="990101"), 2),
        (Viewer("account", "o", "operator", area="990102"), 0),
        (Viewer("account", "u", "unit", "chengguan-990101"), 2),
        (Viewer("account", "u", "unit", "shuiwu-990101"), 0),
        (Viewer("account", "u", "unit", "chengguan-990101", "990102"), 0),
    ],
)
def test_others_hear_what_concerns_them(viewer, count):
    assert len(heard(viewer, ALERT, CHANGE)) == count


def test_exercises_and_what_cannot_be_read_stay_out(caplog):
    exercise = ("alerts", alert(test=True).model_dump_json().encode())
    broken = ("alerts", b'{"title": "a secret text"}')
    assert heard(OPERATOR, exercise, broken) == []
    assert "secret" not in caplog.text
    assert "alerts" in caplog.text


def test_an_answer_reaches_everybody_who_waits_for_it():
    async def story():
        outcomes = Outcomes()
        waiting = [outcomes.expect("k"), outcomes.expect("k")]
        gone = outcomes.expect("k")
        outcomes.forget("k", gone)
        value = Outcome(command_id="k", case_no=CASE_NO, change=change()).model_dump_json()
        take("case-outcomes", value.encode(), outcomes, live_hub())
        assert [(await w).change.case.version for w in waiting] == [2, 2]
        assert not gone.done()
        assert outcomes.recent("k").case_no == CASE_NO

    asyncio.run(story())


def test_only_so_many_answers_are_kept():
    outcomes = Outcomes()
    for n in range(REMEMBER + 1):
        outcomes.arrived(Outcome(command_id=str(n), case_no=CASE_NO))
    assert outcomes.recent("0") is None
    assert outcomes.recent("1") is not None
