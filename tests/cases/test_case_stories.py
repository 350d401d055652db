"""Stories of cases on a fake clock: what happens, when a light shows, who hears of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.case import Actor, Change, Refusal
from schemas.ids import SHANGHAI
from streams.core.alerts import alerts_for
from streams.core.cases import apply
from streams.core.deadlines import Wakeup, overdue_command, wakeups
from tests.cases.small_city import (
    FIRE_UNIT,
    GRID_WORKER,
    HOUSING,
    OPERATOR,
    REPORTER,
    RULES,
    SUPERVISOR,
    SYSTEM,
    TRIAGE,
    Story,
    lights,
    opening,
    report,
    shanghai,
)


def local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


def told(change: Change) -> list[tuple[str, str]]:
    return [(a.kind, a.recipient) for a in alerts_for(change, RULES)]


def handling(start: str = "2026-03-11 09:00", **fields: Any) -> Story:
    """A case that its unit works on since its first minute."""
    story = Story()
    story.now = local(start)
    story.opens(**fields)
    actor = Actor(role="unit", unit=story.it.unit)
    for move in ("sign", "contact", "handle"):
        story.does(move, actor)
    return story


def due(story: Story, clock: str) -> str:
    return shanghai(next(d for d in story.it.deadlines if d.clock == clock).due)


def test_a_case_without_a_unit_goes_where_the_routes_say_once_it_is_classed() -> None:
    story = Story()
    story.opens(**TRIAGE | {"channel": "police_110"})
    assert RULES.proposed(story.it) == ""
    refused = story.try_to("dispatch", OPERATOR)
    assert isinstance(refused, Refusal)
    assert refused.code == "field_missing"
    story.does("register", OPERATOR, class_code="020201")
    assert RULES.proposed(story.it) == FIRE_UNIT.unit
    assert story.does("dispatch", OPERATOR).case.unit == FIRE_UNIT.unit


def test_whoever_has_returned_a_case_is_not_proposed_again() -> None:
    story = Story()
    story.opens(**TRIAGE | {"channel": "police_110", "class_code": "020201",
                            "unit": FIRE_UNIT.unit})  # fmt: skip
    assert (story.it.state, story.it.meant) == ("reported", FIRE_UNIT.unit)
    story.does("register", OPERATOR)
    story.does("dispatch", OPERATOR)
    story.does("request_return", FIRE_UNIT, reason="不属本单位职责")
    story.does("grant_return", OPERATOR)
    assert RULES.proposed(story.it) != FIRE_UNIT.unit


def test_nobody_signs() -> None:
    """0 min a call comes in, 21 min yellow at the unit, 30 min red at the supervisor, 60 min up."""
    story = Story()
    opened = story.opens()
    assert opened.case.state == "dispatched"
    assert {d.clock for d in opened.case.deadlines} == {"sign", "contact", "handle"}
    assert told(opened) == [("assigned", "fire-990101001")]

    (yellow,) = story.after(minutes=21)
    assert (yellow.clock, yellow.stage, story.it.light) == ("sign", "yellow", "yellow")
    assert told(yellow) == [("yellow", "fire-990101001")]

    (red,) = story.after(minutes=9)
    assert (red.stage, story.it.light, red.late_seconds) == ("red", "red", 0)
    assert told(red) == [("red", "fire-990101001"), ("red", "desk-990101")]

    after = story.after(minutes=30)
    assert lights(after) == [("contact", "yellow"), ("contact", "red"), ("sign", "escalate")]
    assert told(after[2]) == [("escalated", "desk-9901")]
    assert story.it.level_up == 1

    story.does("sign", FIRE_UNIT)
    assert story.it.light == "red"  # the first contact is overdue still
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
    assert (closed.case.satisfaction, closed.case.resolved) == (5, True)
    assert lights(story.changes) == []
    assert [c.case.version for c in story.changes] == list(range(1, 9))
    assert story.after(days=400) == []


def test_a_report_nobody_can_class() -> None:
    """Below the bar a person decides: accept clock at the desk, class and unit by hand."""
    story = Story()
    opened = story.opens(**TRIAGE)
    assert (opened.case.state, opened.case.unit) == ("reported", "desk-990101")
    assert told(opened) == [("triage", "desk-990101")]
    assert [d.clock for d in opened.case.deadlines] == ["accept"]
    assert lights(story.after(minutes=120)) == [("accept", "yellow"), ("accept", "red")]
    assert told(story.changes[-1]) == [("red", "desk-990101"), ("red", "desk-9901")]
    story.does("register", OPERATOR, class_code="020202")
    assert (story.it.class_code, story.it.light) == ("020202", "")
    done = story.does("dispatch", OPERATOR, unit="estate-007")
    assert (done.case.unit, done.case.unit_level) == ("estate-007", "grid")
    assert done.case.deadlines[2].calendar == "working"  # of the class a person chose
    assert due(story, "handle") == "2026-03-13 11:00"  # 48 hours of working time are two days


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"confidence": 0.34}, "reported"),
        ({"confidence": 0.35}, "dispatched"),
        ({"unit": "gone-1"}, "reported"),
        ({"unit": ""}, "reported"),
        ({"class_code": ""}, "reported"),
        ({"confidence": 0.0, "event_code": "fire.alarm"}, "dispatched"),  # devices class by table
    ],
)
def test_straight_to_a_unit_only_when_sure(fields: dict[str, Any], state: str) -> None:
    assert Story().opens(**fields).case.state == state


def test_an_emergency_tells_unit_and_desk_at_once() -> None:
    story = Story()
    opened = story.opens(class_code="020101", grade=1, emergency=True)
    assert told(opened) == [("emergency", "fire-990101001"), ("emergency", "desk-990101")]
    triage = Story().opens(**(TRIAGE | {"emergency": True, "grade": 1}))
    assert triage.case.state == "reported"
    assert told(triage) == [("emergency", "desk-990101")]


def test_an_emergency_never_waits_for_office_hours() -> None:
    story = Story()
    story.now = local("2026-02-16 23:00")  # Spring Festival's eve
    story.opens(class_code="020202", grade=1, emergency=True)
    assert due(story, "contact") == "2026-02-16 23:15"


def test_over_midnight() -> None:
    story = Story()
    story.now = local("2026-03-11 23:50")
    story.opens()
    assert due(story, "sign") == "2026-03-12 00:20"
    (yellow,) = story.local("2026-03-12 00:11")
    assert shanghai(yellow.at) == "2026-03-12 00:11"


def test_over_spring_festival_with_a_working_saturday() -> None:
    story = Story()
    story.now = local("2026-02-13 16:00")
    story.opens(class_code="020202", grade=3, unit="estate-007")
    # two days of seven hours: Friday 2 h, Saturday the 14th 7 h, Tuesday the 24th 5 h
    assert due(story, "handle") == "2026-02-24 16:00"
    estate = Actor(role="unit", unit="estate-007")
    for move in ("sign", "contact", "handle"):
        story.does(move, estate)
    assert lights(story.local("2026-02-24 11:11")) == []
    assert lights(story.local("2026-02-24 11:12")) == [("handle", "yellow")]  # 80 % = 672 minutes
    assert lights(story.local("2026-02-24 15:59")) == []
    assert lights(story.local("2026-02-24 16:00")) == [("handle", "red")]


def test_over_spring_festival_with_a_working_sunday() -> None:
    """2025: Sunday 26 January was worked for eight days off, Saturday 8 February after them."""
    story = Story()
    story.now = local("2025-01-24 16:00")
    story.opens(class_code="020202", grade=3, unit="estate-007")
    # Friday 2 h, Sunday the 26th 7 h, Monday the 27th 5 h of fourteen
    assert due(story, "handle") == "2025-01-27 16:00"
    later = Story()
    later.now = local("2025-01-27 16:00")
    later.opens(class_code="020202", grade=3, unit="estate-007")
    # Monday 2 h, then nothing until Wednesday 5 February: 7 h, Thursday 5 h
    assert due(later, "handle") == "2025-02-06 16:00"
    estate = Actor(role="unit", unit="estate-007")
    for move in ("sign", "contact", "handle"):
        later.does(move, estate)
    assert lights(later.local("2025-02-06 11:11")) == []
    assert lights(later.local("2025-02-06 16:00")) == [("handle", "yellow"), ("handle", "red")]


def test_into_a_year_without_a_list() -> None:
    story = Story()
    story.now = local("2026-12-31 17:00")
    story.opens(class_code="020202", grade=3, unit="estate-007")
    assert {d.clock: d.provisional for d in story.it.deadlines} == {
        "sign": True, "contact": True, "handle": True,
    }  # fmt: skip


def test_suspended_over_a_holiday() -> None:
    """What was left before the pause is left after it, to the minute; the first due is kept."""
    story = handling("2026-02-13 09:00", class_code="020202", grade=3, unit="estate-007")
    assert due(story, "handle") == "2026-02-14 18:00"
    story.local("2026-02-13 15:00")  # 4 of 14 hours are over
    review = local("2026-02-25 09:00")
    story.does("suspend", SUPERVISOR, reason="等待业委会表决", review_at=review)
    assert story.it.state == "suspended"
    fired = story.local("2026-02-25 10:00")
    assert {c.clock for c in fired} == {
        "review"
    }  # the paused clock stays dark, the review does not
    assert ("review", "red") in lights(fired)
    assert told(fired[-1])[0] == ("red", "desk-990101")
    story.does("resume", OPERATOR)
    assert story.it.state == "handling"
    assert story.it.light == ""
    # 10 hours left: Wednesday from 10:00 6 h, Thursday 4 h
    assert due(story, "handle") == "2026-02-26 15:00"
    (handle,) = story.it.deadlines
    assert shanghai(handle.original_due) == "2026-02-14 18:00"
    assert handle.escalate_at == handle.due + timedelta(days=1)
    # yellow after 80 % of 14 h = 11 h 12 min of work: 7 h 12 min after resuming
    assert lights(story.local("2026-02-26 10:11")) == []
    assert lights(story.local("2026-02-26 10:12")) == [("handle", "yellow")]
    assert lights(story.local("2026-02-26 15:00")) == [("handle", "red")]


def test_a_pause_hides_no_light_for_good() -> None:
    story = handling()
    assert lights(story.after(hours=8)) == [("handle", "yellow"), ("handle", "red")]
    story.does("suspend", SUPERVISOR, reason="等待", review_at=story.now + timedelta(days=2))
    assert story.it.light == ""
    story.after(hours=1)
    story.does("resume", OPERATOR)
    assert story.it.light == "red"  # shown once, still true, not shown again
    assert ("handle", "red") not in lights(story.after(hours=20))
    assert lights(story.after(hours=4)) == [
        ("handle", "escalate")
    ]  # 24 h after red, less the pause


def test_an_extension_keeps_the_first_due_time() -> None:
    story = handling()
    first = story.it.deadlines[0].due
    asked = story.it.deadlines[0].due + timedelta(hours=4)
    wants = story.does("request_extension", FIRE_UNIT, reason="须协调交警", review_at=asked)
    assert told(wants) == [("triage", "desk-990101")]
    assert alerts_for(wants, RULES)[0].title == "延期待审批 · 消防通道占用"
    story.does("grant_extension", SUPERVISOR)
    (handle,) = story.it.deadlines
    assert (handle.due, handle.original_due) == (asked, first)
    assert lights(story.until(asked)) == [("handle", "yellow"), ("handle", "red")]


def test_an_extension_over_a_weekend_is_not_yellow_at_once() -> None:
    """No working time between Saturday and Monday at dawn: natural time decides about yellow."""
    story = handling("2026-03-11 09:00", class_code="020202", grade=3, unit="estate-007")
    monday = local("2026-03-16 08:00")
    story.does("request_extension", Actor(role="unit", unit="estate-007"), reason="等料",
               review_at=monday)  # fmt: skip
    story.local("2026-03-14 08:00")
    story.does("grant_extension", SUPERVISOR)
    assert story.it.light == ""
    assert shanghai(story.it.deadlines[0].yellow_at) == "2026-03-15 22:24"  # 80 % of 48 hours
    assert lights(story.until(monday)) == [("handle", "yellow"), ("handle", "red")]


def test_a_refused_extension_changes_nothing() -> None:
    story = handling()
    before = story.it.deadlines
    asked = before[0].due + timedelta(hours=4)
    story.does("request_extension", FIRE_UNIT, reason="忙", review_at=asked)
    story.does("refuse_extension", SUPERVISOR, reason="理由不足")
    assert (story.it.state, story.it.deadlines, story.it.review_at) == ("handling", before, None)


def test_a_pending_extension_stops_no_clock() -> None:
    story = handling()
    wanted = story.it.deadlines[0].due + timedelta(hours=4)
    story.does("request_extension", FIRE_UNIT, reason="忙", review_at=wanted)
    assert ("handle", "red") in lights(story.after(hours=8))


def test_returned_and_sent_elsewhere() -> None:
    story = Story()
    story.opens()
    story.does("request_return", FIRE_UNIT, reason="非本辖区")
    assert "sign" in {d.clock for d in story.it.deadlines}  # asking does not stop the clock
    story.does("grant_return", OPERATOR)
    assert (story.it.state, story.it.unit) == ("registered", "desk-990101")
    assert [d.clock for d in story.it.deadlines] == ["dispatch"]
    sent = story.does("dispatch", OPERATOR, unit="housing-990101")
    assert told(sent) == [("assigned", "housing-990101")]


@pytest.mark.parametrize("signed", [False, True])
def test_a_refused_return_leads_back(signed: bool) -> None:
    story = Story()
    story.opens()
    if signed:
        story.does("sign", FIRE_UNIT)
    clocks = story.it.deadlines
    story.does("request_return", FIRE_UNIT, reason="非本单位职责")
    story.does("refuse_return", OPERATOR, reason="属本单位职责")
    assert story.it.state == ("signed" if signed else "dispatched")
    assert story.it.deadlines == clocks


def test_the_grid_whistles_departments_report_in() -> None:
    story = Story()
    story.opens(class_code="020202", grade=3, unit="estate-007")
    story.does("handle_in_grid", GRID_WORKER)
    units = ("housing-990101", "fire-990101001")
    whistle = story.does("whistle", GRID_WORKER, units=units)
    assert told(whistle) == [("assigned", u) for u in units]
    assert alerts_for(whistle, RULES)[0].title == "吹哨请报到 · 楼道堆物堵塞"
    assert whistle.case.unit == "housing-990101"  # the first one leads
    story.after(minutes=20)
    story.does("respond", FIRE_UNIT)
    assert (story.it.state, story.it.responded) == ("whistle", ("fire-990101001",))
    fired = story.after(minutes=40)
    assert ("respond", "red") in lights(fired)
    red = next(c for c in fired if (c.clock, c.stage) == ("respond", "red"))
    assert told(red) == [("red", "housing-990101"), ("red", "desk-9901")]  # only who is missing
    story.does("respond", HOUSING)
    assert story.it.state == "responded"
    story.does("handle", HOUSING)
    assert story.it.state == "handling"


def test_a_unit_that_was_not_called_cannot_report_in() -> None:
    story = Story()
    story.opens()
    story.does("whistle", OPERATOR, unit="housing-990101")
    refused = story.try_to("respond", OPERATOR, unit="estate-007")
    assert isinstance(refused, Refusal)
    assert "housing-990101" in refused.detail


def test_rework() -> None:
    story = handling()
    story.does("finish", FIRE_UNIT, reason="已处理")
    back = story.does("send_back", GRID_WORKER, reason="现场仍被占用")
    assert (back.case.state, back.case.rework) == ("rework", 1)
    assert told(back) == [("assigned", "fire-990101001")]
    assert [d.clock for d in back.case.deadlines] == ["handle"]
    story.does("handle", FIRE_UNIT)
    story.does("finish", FIRE_UNIT, reason="再次清理")
    story.does("verify", GRID_WORKER)
    story.does("follow_up", OPERATOR, resolved=False, satisfaction=1)
    refused = story.try_to("close", OPERATOR)
    assert isinstance(refused, Refusal)
    assert refused.code == "reason_missing"  # not resolved: closing needs a reason
    story.does("send_back", OPERATOR, reason="群众不认可")
    assert (story.it.rework, story.it.resolved) == (2, None)


def closed() -> Story:
    story = handling()
    story.does("finish", FIRE_UNIT, reason="已处理")
    story.does("verify", OPERATOR)
    story.does("follow_up", OPERATOR, resolved=True)
    story.does("close", OPERATOR)
    return story


def test_reopened_within_thirty_days() -> None:
    story = closed()
    story.after(days=30)
    again = story.does("reopen", REPORTER, reason="又被占了")
    assert (again.case.state, again.case.unit) == ("reopened", "desk-990101")
    assert (again.case.closed_at, again.case.resolved) == (None, None)
    assert [d.clock for d in again.case.deadlines] == ["dispatch"]
    assert told(again) == [("triage", "desk-990101")]
    story.does("dispatch", OPERATOR, unit="fire-990101001")


def test_not_reopened_after_thirty_days() -> None:
    story = closed()
    story.after(days=30, seconds=1)
    refused = story.try_to("reopen", REPORTER, reason="又被占了")
    assert isinstance(refused, Refusal)
    assert (refused.code, "30 天" in refused.detail) == ("impossible_move", True)


def test_answered_rejected_merged() -> None:
    for moves, end in (
        ([("register", {}), ("answer", {"reason": "已告知办理地点"}), ("close", {})], "closed"),
        ([("reject", {"reason": "重复"}), ("close", {})], "closed"),
        ([("merge", {"merged_into": "20260311-990101001001-AAAAAA"})], "merged"),
    ):
        story = Story()
        story.opens(**TRIAGE)
        for move, fields in moves:
            story.does(move, OPERATOR, **fields)  # type: ignore[arg-type]
        assert (story.it.state, story.it.closed_at) == (end, story.now)
        assert story.it.deadlines == ()


def test_transferred_without_a_new_limit() -> None:
    story = handling()
    until = due(story, "handle")
    story.after(hours=2)
    story.does("transfer", FIRE_UNIT, unit="housing-990101", reason="属住建职责")
    assert (story.it.unit, due(story, "handle")) == ("housing-990101", until)
    assert due(story, "sign") == "2026-03-11 11:30"
    story.does("dispatch", OPERATOR)
    assert due(story, "sign") == "2026-03-11 11:30"
    story.does("sign", HOUSING)
    assert (story.it.state, due(story, "handle")) == ("signed", until)


def test_escalated_by_hand() -> None:
    story = handling()
    until = due(story, "handle")
    up = story.does("escalate", FIRE_UNIT, reason="超出街道权限")
    assert (up.case.unit, up.case.level_up) == ("desk-990101", 1)
    assert told(up) == [("escalated", "desk-990101")]
    story.does("dispatch", OPERATOR, unit="housing-990101")
    assert due(story, "handle") == until


def test_an_event_joins() -> None:
    story = Story()
    story.opens()
    joined = story.done(story.send(opening(report(2, story.now), story.now)))
    assert (joined.move, joined.event_id) == ("attach", "event-2")
    assert (joined.case.events, joined.case.event_ids) == (2, ("event-1", "event-2"))
    assert told(joined) == []
    assert story.send(opening(report(2, story.now), story.now)) is None


def test_a_graver_event_tightens_clocks_and_tells() -> None:
    story = Story()
    story.opens()
    assert lights(story.after(minutes=22)) == [("sign", "yellow")]
    grave = report(2, story.now, grade=1, emergency=True)
    joined = story.done(story.send(opening(grave, story.now)))
    assert (joined.case.grade, joined.case.emergency) == (1, True)
    assert told(joined) == [("emergency", "fire-990101001"), ("emergency", "desk-990101")]
    contact = next(d for d in joined.case.deadlines if d.clock == "contact")
    assert contact.due == story.now + timedelta(minutes=15)
    assert contact.original_due == story.start + timedelta(minutes=60)
    assert due(story, "sign") == "2026-03-11 09:30"  # already earlier than a fresh one
    assert story.it.light == "yellow"


def test_a_storm_of_events_forgets_no_person() -> None:
    story = Story()
    story.opens()
    sign = story.command("sign", FIRE_UNIT)
    story.send(sign)
    for n in range(2, 202):
        story.send(opening(report(n, story.now), story.now))
    assert story.it.events == 201
    assert len(story.it.event_ids) == 50
    assert story.it.event_ids[0] == "event-1"
    assert story.it.event_ids[24:26] == ("event-25", "event-177")
    assert story.it.event_ids[-1] == "event-201"
    assert story.send(sign) is None


def test_a_device_that_is_well_again() -> None:
    """A fault is over with its device; an alarm stays open until people have seen to it."""
    fault = {"class_code": "020206", "event_code": "fire.fault", "device_id": "d1"}
    story = Story()
    story.opens(**fault)
    over = story.does("clear", SYSTEM, report=report(2, story.now, event_code="fire.reset"))
    assert (over.case.state, [d.clock for d in over.case.deadlines]) == ("done", ["verify"])

    story = Story()
    story.opens(class_code="020104", event_code="fire.alarm", device_id="d1", grade=1)
    clocks = story.it.deadlines
    noted = story.does("clear", SYSTEM, report=report(2, story.now, event_code="fire.reset"))
    assert (noted.case.state, noted.case.deadlines) == ("dispatched", clocks)
    assert noted.event_id == "event-2"


def test_acknowledged_once() -> None:
    story = Story()
    (alert,) = alerts_for(story.opens(), RULES)
    done = story.does("acknowledge", FIRE_UNIT, alert_id=alert.alert_id)
    assert (done.alert_id, done.case.acknowledged) == (alert.alert_id, (alert.alert_id,))
    assert story.try_to("acknowledge", FIRE_UNIT, alert_id=alert.alert_id) is None


# what happens while we were down


def test_a_light_after_an_outage_says_how_late_it_is() -> None:
    """Yellow and red became due while we were down: one red, no yellow after it."""
    story = Story()
    story.opens()
    (first, *_) = wakeups(story.it)
    assert (first.clock, first.stage) == ("sign", "yellow")
    story.now += timedelta(minutes=45)
    red = story.done(story.send(overdue_command(story.it.case_no, first, story.now)))
    assert (red.stage, red.late_seconds) == ("red", 15 * 60)
    assert told(red) == [("red", "fire-990101001"), ("red", "desk-990101")]
    sign = next(d for d in story.it.deadlines if d.clock == "sign")
    assert sign.fired == ("yellow", "red")
    late = Wakeup(first.at, "sign", 1, "red")
    assert story.send(overdue_command(story.it.case_no, late, story.now)) is None


def test_a_minute_late_is_not_late() -> None:
    story = Story()
    story.opens()
    (first, *_) = wakeups(story.it)
    for seconds, said in ((60, 0), (61, 61)):
        command = overdue_command(story.it.case_no, first, first.at)
        change = apply(story.case, command, RULES, first.at + timedelta(seconds=seconds))
        assert isinstance(change, Change)
        assert change.late_seconds == said


def test_never_early() -> None:
    story = Story()
    story.opens()
    for wakeup in wakeups(story.it):
        story.now = wakeup.at - timedelta(microseconds=1)
        refused = story.send(overdue_command(story.it.case_no, wakeup, wakeup.at))
        assert isinstance(refused, Refusal)
        assert refused.code == "stale_timer"


def test_a_case_closed_while_we_were_down_stays_dark() -> None:
    story = Story()
    story.opens()
    waiting = wakeups(story.it)
    story.does("sign", FIRE_UNIT)
    story.does("contact", FIRE_UNIT)
    story.does("handle", FIRE_UNIT)
    story.does("finish", FIRE_UNIT, reason="已处理")
    story.now += timedelta(days=3)
    for wakeup in waiting:
        refused = story.send(overdue_command(story.it.case_no, wakeup, story.now))
        assert isinstance(refused, Refusal)
        assert refused.code == "stale_timer"


def test_no_escalation_before_red() -> None:
    story = Story()
    story.opens()
    sign = next(d for d in story.it.deadlines if d.clock == "sign")
    assert sign.escalate_at is not None
    story.now = sign.escalate_at
    up = Wakeup(sign.escalate_at, "sign", 1, "escalate")
    assert isinstance(story.send(overdue_command(story.it.case_no, up, story.now)), Refusal)
    assert lights(story.until(story.now))[-1] == ("sign", "escalate")


def test_a_timer_of_before_the_pause_is_stale() -> None:
    """A paused clock shows nothing, and a resumed one listens to none of its old timers."""
    story = handling()
    (old,) = wakeups(story.it)
    assert (old.clock, old.stage) == ("handle", "yellow")
    story.does("suspend", SUPERVISOR, reason="等待", review_at=story.now + timedelta(days=9))
    story.now = old.at
    paused = story.send(overdue_command(story.it.case_no, old, story.now))
    assert isinstance(paused, Refusal)
    assert (paused.code, "handle" in {w.clock for w in wakeups(story.it)}) == ("stale_timer", False)
    story.does("resume", OPERATOR)
    (new,) = wakeups(story.it)
    assert new.version == story.it.version > old.version
    story.now = new.at
    assert isinstance(story.send(overdue_command(story.it.case_no, old, story.now)), Refusal)
    assert isinstance(story.send(overdue_command(story.it.case_no, new, story.now)), Change)


def test_after_an_extension_the_lights_start_anew() -> None:
    story = handling()
    assert lights(story.after(hours=6)) == [("handle", "yellow")]
    wanted = story.now + timedelta(hours=10)
    story.does("request_extension", FIRE_UNIT, reason="须协调", review_at=wanted)
    story.does("grant_extension", SUPERVISOR)
    assert story.it.light == ""
    assert lights(story.after(hours=6, minutes=59)) == []  # 70 % of the ten hours from now
    assert lights(story.after(minutes=1)) == [("handle", "yellow")]
    assert lights(story.until(wanted)) == [("handle", "red")]


def test_the_wall_clock_steps_back() -> None:
    """Times of a case never run backwards, whatever the machine's clock does."""
    story = Story()
    story.opens()
    story.after(hours=1)
    story.does("note", OPERATOR, reason="已电话催促")
    story.now -= timedelta(minutes=10)
    assert story.does("sign", FIRE_UNIT).at == story.start + timedelta(hours=1)
    (contact,) = [w for w in wakeups(story.it) if w.clock == "handle"]
    story.now = contact.at + timedelta(hours=1)
    story.does("note", OPERATOR, reason="仍在办理")
    story.now = contact.at
    light = story.done(story.send(overdue_command(story.it.case_no, contact, story.now)))
    assert light.at == contact.at + timedelta(hours=1)


def test_a_light_once_shown_outlasts_a_tightening() -> None:
    story = Story()
    story.opens(class_code="020202", grade=3, unit="estate-007")
    assert ("sign", "yellow") in lights(story.after(minutes=100))
    story.send(opening(report(2, story.now, grade=1, emergency=True), story.now))
    sign = next(d for d in story.it.deadlines if d.clock == "sign")
    assert sign.fired == ("yellow",)
    grave = story.done(story.send(opening(report(3, story.now, grade=1), story.now)))
    assert grave.case.emergency  # a calmer event after it takes nothing back
    assert told(grave) == []
    calmer = story.done(story.send(opening(report(4, story.now, grade=4), story.now)))
    assert calmer.case.grade == 1
    assert calmer.case.deadlines == grave.case.deadlines


def test_yellow_is_not_shown_again_after_a_tightening() -> None:
    story = Story()
    story.opens(class_code="110306", grade=4, unit="housing-990101")
    assert ("contact", "yellow") in lights(story.local("2026-03-12 17:00"))
    story.send(opening(report(2, story.now, grade=1, emergency=True), story.now))
    contact = next(d for d in story.it.deadlines if d.clock == "contact")
    assert (contact.due, contact.fired) == (story.now + timedelta(minutes=15), ("yellow",))
    assert story.it.light == "red"  # of the sign clock, which nobody answered
    assert ("contact", "yellow") not in lights(story.after(minutes=20))


@pytest.mark.parametrize("more", [{"emergency": True, "grade": 1}, {"reporter": "t1"}])
def test_a_fault_somebody_cares_about_stays_open(more: dict[str, Any]) -> None:
    story = Story()
    story.opens(class_code="020206", event_code="fire.fault", device_id="d1", **more)
    assert story.does("clear", SYSTEM).case.state == "dispatched"


def test_a_second_whistle_starts_anew() -> None:
    story = Story()
    story.opens()
    story.does("whistle", OPERATOR, unit="housing-990101")
    story.does("respond", HOUSING)
    story.does("handle", HOUSING)
    story.does("escalate", HOUSING, reason="须市级协调")
    story.does("dispatch", OPERATOR, unit="housing-990101")
    story.does("whistle", HOUSING, units=("fire-990101001", "housing-990101"))
    assert (story.it.responded, story.it.unit) == ((), "housing-990101")
    story.does("respond", HOUSING)
    assert story.it.state == "whistle"


def test_a_calmer_class_does_not_ease_an_emergency() -> None:
    story = Story()
    story.opens(**(TRIAGE | {"emergency": True, "grade": 1}))
    assert story.does("register", OPERATOR, class_code="020202").case.grade == 1
    calm = Story()
    calm.opens(**(TRIAGE | {"grade": 1}))
    assert calm.does("register", OPERATOR, class_code="020202").case.grade == 3


def test_the_ladder_is_climbed_step_by_step() -> None:
    """A grid's unit: red at the town's desk, up at the county's, and higher with the next clock."""
    story = Story()
    story.opens(class_code="020202", grade=3, unit="estate-007")
    fired = [c for c in story.after(days=30) if c.stage in ("red", "escalate")]
    heard = {(str(c.clock), str(c.stage)): told(c)[-1][1] for c in fired}
    assert heard["sign", "red"] == "desk-990101001"
    assert heard["sign", "escalate"] == "desk-990101"
    assert heard["handle", "red"] == "desk-990101001"
    assert heard["handle", "escalate"] == "desk-9901"
    assert story.it.level_up == 2
