"""Stories of cases on a fake clock."""

from __future__ import annotations

from streams.core.alerts import alerts_for
from tests.cases.small_city import (
    FIRE_UNIT,
    GRID_WORKER,
    OPERATOR,
    RULES,
    Story,
    lights,
    shanghai,
)


def test_nobody_signs() -> None:
    """0 min a call comes in, 21 min yellow at the unit, 30 min red at the supervisor, 60 min up."""
    story = Story()
    opened = story.opens()
    assert opened.case.state == "dispatched"
    assert {d.clock for d in opened.case.deadlines} == {"sign", "contact", "handle"}
    assert [a.recipient for a in alerts_for(opened, RULES)] == ["fire-990101001"]

    (yellow,) = story.after(minutes=21)
    assert (yellow.clock, yellow.stage, story.it.light) == ("sign", "yellow", "yellow")
    (told,) = alerts_for(yellow, RULES)
    assert told.recipient == "fire-990101001"
    assert told.title == "黄灯催办:签收还剩 9 分钟 · 消防通道占用"

    (red,) = story.after(minutes=9)
    assert (red.stage, story.it.light, red.late_seconds) == ("red", "red", 0)
    told_red = alerts_for(red, RULES)
    assert [a.recipient for a in told_red] == ["fire-990101001", "desk-990101"]
    assert told_red[0].title == "红灯督办:签收已超时 · 消防通道占用"

    after = story.after(minutes=30)
    assert lights(after) == [("contact", "yellow"), ("contact", "red"), ("sign", "escalate")]
    (up,) = alerts_for(after[2], RULES)
    assert (up.recipient, up.kind) == ("desk-9901", "escalated")
    assert story.it.level_up == 1

    story.does("sign", FIRE_UNIT)
    story.does("contact", FIRE_UNIT)
    assert story.it.light == ""


def test_to_a_satisfied_end() -> None:
    story = Story()
    story.opens()
    story.after(minutes=10)
    story.does("sign", FIRE_UNIT)
    story.does("contact", FIRE_UNIT)
    story.does("handle", FIRE_UNIT)
    story.after(minutes=60)
    story.does("finish", FIRE_UNIT, reason="车辆已劝离,通道恢复")
    assert [d.clock for d in story.it.deadlines] == ["verify"]
    story.does("verify", GRID_WORKER)
    story.does("follow_up", OPERATOR, resolved=True, satisfaction=5)
    closed = story.does("close", OPERATOR)
    assert closed.case.state == "closed"
    assert closed.case.closed_at == story.now
    assert closed.case.deadlines == ()
    assert closed.case.satisfaction == 5
    assert lights(story.changes) == []
    assert [c.case.version for c in story.changes] == list(range(1, 9))


def test_suspended_over_a_holiday() -> None:
    """What was left before the pause is left after it, in working minutes."""
    story = Story()
    story.local("2026-02-13 16:00")  # the Friday before a working Saturday and Spring Festival
    story.start = story.now
    story.opens(class_code="020202", grade=3, unit="estate-007")
    assert shanghai(story.it.deadlines[2].due) == "2026-02-24 16:00"
