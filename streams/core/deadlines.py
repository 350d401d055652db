"""Clocks of a case: when they turn yellow and red, what a pause leaves, when a timer must look.

Which row of deadlines.tsv decides is said in ``Deadline.rule``. A clock's ``version`` is the
version of the case that set its times: it never comes again, so each light can be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.case import Actor, Case, Clock, Command, Deadline, Ended, Stage
from schemas.ids import timer_id
from schemas.words import Light
from streams.core.limits import Facts, limit
from streams.core.rules import Rules

TIMER = Actor(role="timer", id="deadlines")
LATE_AFTER = timedelta(seconds=60)


class Wakeup(NamedTuple):
    at: datetime
    clock: Clock
    version: int
    stage: Stage


def start_clock(
    rules: Rules, facts: Facts, clock: Clock, now: datetime, version: int = 1
) -> Deadline:
    """A clock that starts at ``now``: yellow after its share of the limit, red at the limit."""
    found = limit(rules, facts, clock)
    whole = timedelta(minutes=found.minutes)
    due, provisional = rules.workdays.add(now, whole, found.calendar)
    yellow, _ = rules.workdays.add(now, whole * found.yellow_pct / 100, found.calendar)
    return Deadline(
        clock=clock,
        version=version,
        started_at=now,
        minutes=found.minutes,
        calendar=found.calendar,
        due=due,
        original_due=due,
        yellow_at=yellow,
        escalate_at=_after(due, found.escalate_minutes),
        repeat_minutes=found.repeat_minutes,
        rule=found.rule,
        provisional=provisional,
    )


def fixed_clock(
    rules: Rules, facts: Facts, clock: Clock, now: datetime, due: datetime, version: int
) -> Deadline:
    """A clock whose due time a person has set, e.g. the review of a suspension."""
    found = limit(rules, facts, clock)
    return Deadline(
        clock=clock,
        version=version,
        started_at=now,
        minutes=max(1, round((due - now) / timedelta(minutes=1))),
        calendar="natural",
        due=due,
        original_due=due,
        yellow_at=now + (due - now) * found.yellow_pct / 100,
        escalate_at=_after(due, found.escalate_minutes),
        repeat_minutes=found.repeat_minutes,
        rule=found.rule,
        by_hand=True,
    )


def pause(deadline: Deadline, now: datetime) -> Deadline:
    """Stop counting. Its times stay as they were until ``resume`` moves them."""
    if deadline.paused_at is not None:
        return deadline
    return deadline.model_copy(update={"paused_at": now})


def resume(rules: Rules, deadline: Deadline, now: datetime, version: int) -> Deadline:
    """Count on with exactly the time that was left; lights already shown stay shown."""
    since = deadline.paused_at
    if since is None:
        return deadline
    days, calendar = rules.workdays, deadline.calendar

    def moved(at: datetime) -> tuple[datetime, bool]:
        if at <= since:  # had passed before the pause
            return at, False
        return days.add(now, days.elapsed(since, at, calendar), calendar)

    due, provisional = moved(deadline.due)
    escalate_at = deadline.escalate_at
    if escalate_at is not None:
        lead = now - since if deadline.due <= since < escalate_at else due - deadline.due
        escalate_at += lead
    return deadline.model_copy(
        update={
            "version": version,
            "due": due,
            "yellow_at": moved(deadline.yellow_at)[0],
            "escalate_at": escalate_at,
            "paused_at": None,
            "paused_seconds": deadline.paused_seconds
            + int(days.elapsed(since, now, calendar).total_seconds()),
            "provisional": deadline.provisional or provisional,
        }
    )


def extend(
    rules: Rules, deadline: Deadline, due: datetime, now: datetime, version: int
) -> Deadline:
    """Move the due time; ``original_due`` stays. Yellow at the old share of the time from now."""
    days, calendar = rules.workdays, deadline.calendar
    whole = days.elapsed(deadline.started_at, deadline.due, calendar)
    early = days.elapsed(deadline.yellow_at, deadline.due, calendar)
    share = early / whole if whole > timedelta() else 0.2
    if days.elapsed(now, due, calendar) <= timedelta():  # e.g. from Saturday until Monday at dawn
        calendar = "natural"
    left = days.elapsed(now, due, calendar)
    escalate_at = deadline.escalate_at
    return deadline.model_copy(
        update={
            "version": version,
            "due": due,
            "yellow_at": min(due, days.add(now, left * (1 - share), calendar)[0]),
            "escalate_at": escalate_at and due + (escalate_at - deadline.due),
            "fired": (),
            "repeats": 0,
            "by_hand": True,
        }
    )


def tighten(
    rules: Rules, facts: Facts, deadline: Deadline, now: datetime, version: int
) -> Deadline:
    """The clock after a case became graver: the earlier of the two due times."""
    if deadline.paused_at is not None or "red" in deadline.fired:
        return deadline
    fresh = start_clock(rules, facts, deadline.clock, now, version)
    if fresh.due >= deadline.due:
        return deadline
    return fresh.model_copy(
        update={
            "started_at": deadline.started_at,
            "original_due": deadline.original_due,
            "fired": deadline.fired,  # a light once shown stays
        }
    )


def ended(rules: Rules, deadline: Deadline, now: datetime) -> Ended:
    """How a clock stood when it was stopped at ``now``. A pause ends its counting."""
    until = min(now, deadline.paused_at or now)
    ran = rules.workdays.elapsed(deadline.started_at, until, deadline.calendar)
    return Ended(
        clock=deadline.clock,
        started_at=deadline.started_at,
        due=deadline.due,
        calendar=deadline.calendar,
        used_seconds=max(0, int(ran.total_seconds()) - deadline.paused_seconds),
        in_time=until <= deadline.due,
    )


def planned(deadline: Deadline, stage: Stage) -> datetime | None:
    """When a stage of a clock is to show; None when it never will."""
    match stage:
        case "yellow":
            return deadline.yellow_at
        case "red":
            return deadline.due
        case "escalate":
            return deadline.escalate_at
        case "again":
            return _again(deadline)


def next_stage(deadline: Deadline) -> Stage | None:
    """The next stage of a running clock that has not fired; None when it is paused or spent."""
    if deadline.paused_at is not None:
        return None
    if "red" not in deadline.fired:
        return "red" if "yellow" in deadline.fired else "yellow"
    up = None if "escalate" in deadline.fired else deadline.escalate_at
    again = _again(deadline)
    if up is not None and (again is None or up <= again):
        return "escalate"
    return None if again is None else "again"


def _again(deadline: Deadline) -> datetime | None:
    if deadline.repeat_minutes is None:
        return None
    return deadline.due + timedelta(minutes=deadline.repeat_minutes) * (deadline.repeats + 1)


def shown(deadline: Deadline, stage: Stage, now: datetime, version: int) -> Deadline:
    """The clock once a stage was shown at ``now``: red takes an unshown yellow along. A repeated
    red takes along those that nobody could show, and is told apart by the clock's new version.
    """
    if stage == "again":
        assert deadline.repeat_minutes is not None
        over = (now - deadline.due) // timedelta(minutes=deadline.repeat_minutes)
        return deadline.model_copy(update={"repeats": over, "version": version})
    fired = ("yellow", "red") if stage == "red" else (*deadline.fired, stage)
    return deadline.model_copy(update={"fired": fired})


def wakeups(case: Case) -> tuple[Wakeup, ...]:
    """When a timer must look at a case next: one time a running clock, in order of time."""
    found: list[Wakeup] = []
    for deadline in case.deadlines:
        stage = next_stage(deadline)
        at = planned(deadline, stage) if stage else None
        if stage and at:
            found.append(Wakeup(at, deadline.clock, deadline.version, stage))
    return tuple(sorted(found))


def overdue_command(case_no: str, wakeup: Wakeup, now: datetime) -> Command:
    """What a timer sends. The case's writer decides; sending it again is harmless."""
    return Command(
        command_id=timer_id(case_no, wakeup.clock, wakeup.version, wakeup.stage),
        case_no=case_no,
        move="overdue",
        at=now,
        actor=TIMER,
        clock=wakeup.clock,
        clock_version=wakeup.version,
        stage=wakeup.stage,
    )


def light(deadlines: Iterable[Deadline]) -> Light:
    """The worst light of the running clocks."""
    fired = {stage for d in deadlines if d.paused_at is None for stage in d.fired}
    return "red" if "red" in fired else "yellow" if "yellow" in fired else ""


def _after(due: datetime, minutes: int | None) -> datetime | None:
    return None if minutes is None else due + timedelta(minutes=minutes)
