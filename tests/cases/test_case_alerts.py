"""Alerts: words, ids, whom nobody tells."""

from __future__ import annotations

import pytest

from schemas.case import Change
from streams.core.alerts import alerts_for
from tests.cases.small_city import FIRE_UNIT, OPERATOR, RULES, TRIAGE, Story


def titles(change: Change) -> set[str]:
    return {a.title for a in alerts_for(change, RULES)}


def test_words() -> None:
    story = Story()
    opened = story.opens()
    assert titles(opened) == {"新派案件 · 消防通道占用"}
    (yellow,) = story.after(minutes=21)
    assert titles(yellow) == {"黄灯催办:签收还剩 9 分钟 · 消防通道占用"}
    (red,) = story.after(minutes=9)
    assert titles(red) == {"红灯督办:签收已超时 · 消防通道占用"}
    *_, up = story.after(minutes=30)
    assert titles(up) == {"提级督办:签收已超时 30 分钟 · 消防通道占用"}
    assert titles(Story().opens(**TRIAGE)) == {"待研判 · 消防通道被堵"}
    assert titles(Story().opens(**TRIAGE, title="")) == {"待研判 · 类别待定"}
    assert titles(Story().opens(class_code="020101", grade=1, emergency=True)) == {
        "紧急告警 · 建筑火灾"
    }


@pytest.mark.parametrize(
    ("hours", "said"),
    [(0, "还剩 2 小时 24 分钟"), (3, "已超时 36 分钟"), (30, "已超时 1 天 3 小时")],
)
def test_spans(hours: int, said: str) -> None:
    """The same light, shown on time, and after outages."""
    from datetime import timedelta

    from streams.core.deadlines import overdue_command, wakeups

    story = Story()
    story.opens()
    story.does("sign", FIRE_UNIT)
    story.does("contact", FIRE_UNIT)
    (yellow,) = wakeups(story.it)
    story.now = yellow.at + timedelta(hours=hours)
    change = story.done(story.send(overdue_command(story.it.case_no, yellow, story.now)))
    lamp = "黄灯催办" if hours == 0 else "红灯督办"
    assert titles(change) == {f"{lamp}:办理{said} · 消防通道占用"}


def test_the_same_change_gives_the_same_alerts() -> None:
    story = Story()
    story.opens()
    (_, red) = story.after(minutes=30)
    first, again = alerts_for(red, RULES), alerts_for(red, RULES)
    assert first == again
    assert len({a.alert_id for a in first}) == 2
    read = Change.model_validate_json(red.model_dump_json(exclude_defaults=True))
    assert alerts_for(read, RULES) == first
    one = first[0]
    assert (one.clock, one.due, one.created_at) == ("sign", story.now, story.now)
    assert (one.case_no, one.change_id, one.needs_ack) == (red.case.case_no, red.change_id, True)


def test_an_exercise_alerts_nobody() -> None:
    story = Story()
    assert alerts_for(story.opens(test=True), RULES) == ()
    for change in story.after(minutes=60):
        assert change.tells
        assert alerts_for(change, RULES) == ()


def test_simulated_says_so() -> None:
    (alert,) = alerts_for(Story().opens(simulated=True), RULES)
    assert alert.simulated
    assert not alert.test


def test_desk_clocks_bind_the_desk() -> None:
    story = Story()
    story.opens(**TRIAGE)
    story.does("register", OPERATOR)
    yellow, red = story.after(days=1)
    assert yellow.clock == red.clock == "dispatch"
    assert [a.recipient for a in alerts_for(yellow, RULES)] == ["desk-990101"]
    assert [a.recipient for a in alerts_for(red, RULES)] == ["desk-990101", "desk-9901"]


def test_a_village_without_a_desk_of_its_own_is_heard_higher_up() -> None:
    assert RULES.desk("990101001001", "village") == "desk-990101001"
    assert RULES.desk("990199001001", "town") == "desk-9901"
    assert RULES.desk_above("990101001001", "grid") == "desk-990101001"
    assert RULES.desk_above("990101001001", "town") == "desk-990101"
    assert RULES.desk_above("990101001001", "county", 5) == "desk-9901"
