"""Changed rules and newly published calendars meet cases whose clocks already run."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from ops.recount import commands
from schemas.case import Actor, Refusal
from schemas.profile import DeadlineRule
from streams.core.deadlines import wakeups
from streams.core.rebasing import needs_recount
from streams.core.rules import Rules
from streams.core.workdays import Workdays
from tests.cases.small_city import (
    DEADLINES,
    FIRE_UNIT,
    HOURS,
    OPERATOR,
    PUBLISHED,
    RULES,
    SUPERVISOR,
    SYSTEM,
    WORKDAYS,
    Story,
    lights,
    shanghai,
    small_profile,
)

OLD = Rules(replace(small_profile(), digest="0123456789abcdef"), WORKDAYS)
QUICK = DeadlineRule(rule_id="quick", clock="sign", minutes=10, escalate_minutes=5)
SLOW = DeadlineRule(rule_id="slow", clock="sign", minutes=600, calendar="natural")


def law(*rows: DeadlineRule) -> Rules:
    return Rules(small_profile(deadlines=(*rows, *DEADLINES), digest="fedcba9876543210"), WORKDAYS)


def sign_of(story: Story):
    return next(d for d in story.it.deadlines if d.clock == "sign")


def test_a_case_says_by_which_rules_it_runs() -> None:
    story = Story(OLD)
    assert story.opens().case.rules == "01234567"


def test_changed_rules_leave_a_running_clock_alone_until_it_is_rebased() -> None:
    story = Story(OLD)
    story.opens()
    before = sign_of(story)
    story.rules = law(QUICK)
    story.after(minutes=5)
    story.does("note", OPERATOR, reason="询问进度")
    assert sign_of(story) == before
    done = story.does("rebase", SUPERVISOR, reason="自即日起执行新时限")
    assert (done.case.rules, done.reason) == ("fedcba98", "自即日起执行新时限")
    after = sign_of(story)
    assert (after.rule, after.due) == ("quick", before.started_at + timedelta(minutes=10))
    assert after.started_at == before.started_at
    assert lights(story.after(minutes=5)) == [("sign", "yellow"), ("sign", "red")]


def test_looser_rules_take_a_light_back_and_show_it_again_at_its_new_time() -> None:
    story = Story(OLD)
    story.opens()
    story.after(minutes=31)
    assert story.it.light == "red"
    story.rules = law(SLOW)
    story.does("rebase", SUPERVISOR, reason="台风期间放宽")
    assert (story.it.light, sign_of(story).fired) == ("", ())
    shown = [c for c in story.after(minutes=600) if c.clock == "sign"]
    assert [c.stage for c in shown] == ["yellow", "red"]
    assert shown[1].at == story.start + timedelta(minutes=600)


def test_who_may_rebase_and_what_stays() -> None:
    story = Story(OLD)
    story.opens()
    refused = story.try_to("rebase", OPERATOR, reason="x")
    assert isinstance(refused, Refusal)
    assert refused.code == "not_allowed"
    refused = story.try_to("rebase", SUPERVISOR)
    assert isinstance(refused, Refusal)
    assert refused.code == "reason_missing"
    for move in ("sign", "handle"):
        story.does(move, FIRE_UNIT)
    asked = story.now + timedelta(days=3)
    story.does("request_extension", FIRE_UNIT, reason="等配件", review_at=asked)
    story.does("grant_extension", OPERATOR)
    story.does("handle", FIRE_UNIT)
    story.rules = law(DeadlineRule(rule_id="h", clock="handle", minutes=60))
    story.does("rebase", SUPERVISOR, reason="新时限")
    handle = next(d for d in story.it.deadlines if d.clock == "handle")
    assert (handle.due, handle.rule) != (handle.started_at + timedelta(hours=1), "h")
    assert handle.due == asked, "what was granted stays"


def test_a_pause_counts_after_rebasing_as_before() -> None:
    story = Story(OLD)
    story.opens(class_code="110306", grade=4, unit="housing-990101")
    unit = Actor(role="unit", unit="housing-990101")
    for move in ("sign", "contact", "handle"):
        story.does(move, unit)
    review = story.now + timedelta(days=30)
    story.does("suspend", OPERATOR, reason="等汛期过", review_at=review)
    story.after(days=1)  # one working day
    story.does("resume", unit)
    handle = next(d for d in story.it.deadlines if d.clock == "handle")
    assert handle.paused_seconds == 7 * 3600
    story.rules = law(DeadlineRule(rule_id="2d", clock="handle", minutes=840, calendar="working"))
    story.does("rebase", SUPERVISOR, reason="两个工作日")
    handle = next(d for d in story.it.deadlines if d.clock == "handle")
    assert shanghai(handle.due) == "2026-03-13 18:00"  # two days and the one of the pause


def test_provisional_clocks_are_counted_again_when_the_calendar_arrives() -> None:
    story = Story()
    story.local("2026-12-30 10:00")
    story.opens(class_code="020202", grade=3, unit="estate-007")
    handle = next(d for d in story.it.deadlines if d.clock == "handle")
    assert handle.provisional
    assert shanghai(handle.due) == "2027-01-01 10:00", "nobody has said yet that it is a holiday"
    assert not needs_recount(RULES, story.it)

    off = {date(2027, 1, day): False for day in (1, 2, 3)}
    year = {date(2027, 1, 1) + timedelta(days=n): True for n in range(365)}
    year = {day: day.weekday() < 5 for day in year} | off
    known = Workdays(HOURS, {}, 2024, 2028, published=PUBLISHED | year)
    story.rules = Rules(RULES.profile, known)
    assert needs_recount(story.rules, story.it)
    story.after(hours=2)
    assert commands([story.it], RULES, story.now) == []
    (command,) = commands([story.it], story.rules, story.now)
    assert commands([story.it], story.rules, story.now) == [command]
    assert story.done(story.send(command)).actor.id == "calendar"
    assert story.send(command) is None, "again is harmless"
    handle = next(d for d in story.it.deadlines if d.clock == "handle")
    assert (shanghai(handle.due), handle.provisional) == ("2027-01-04 10:00", False)
    assert not needs_recount(story.rules, story.it)
    assert all(w.version == story.it.version for w in wakeups(story.it) if w.clock == "handle")
    assert story.does("recount", SYSTEM).case.deadlines == story.it.deadlines
