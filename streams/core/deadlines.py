"""Clocks of a case: when they turn yellow and red, what a pause leaves, when a timer must look.

Which row of deadlines.tsv decides is said in ``Deadline.rule``. A clock's ``version`` is the
version of the case that set its times: it never comes again, so each light can be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from schemas.case import Actor, Case, Clock, Command, Deadline, Ended, Stage
from schemas.ids import timer_id
from schemas.words import Light
from streams.core.limits import Facts, Limit, limit
from streams.core.rules import Rules

TIMER = Actor(role="timer", id="deadlines")
LATE_AFTER = timedelta(seconds=60)


class Wakeup(NamedTuple):
    at: datetime
    clock: Clock
    version: int
    stage: Stage
    item: str = ""


def start_clock(
    rules: Rules, facts: Facts, clock: Clock, now: datetime, version: int = 1
) -> Deadline:
    """A clock that starts at ``now``: yellow after its share of the limit, red at the limit."""
    found = limit(rules, facts, clock)
    whole = timedelta(minutes=found.minutes)
    due, provisional = rules.workdays.add(now, whole, found.calendar)
    yellow, _ = rules.workdays.add(now, found.until_yellow(whole), found.calendar)
    return Deadline(
        clock=clock,
        version=version,
        started_at=now,
        minutes=found.minutes,
        calendar=found.calendar,
        due=due,
        original_due=due,
        yellow_at=yellow,
        rule=found.rule,
        provisional=provisional,
        **_after_red(found, due),
    )


def fixed_clock(
    rules: Rules, facts: Facts, clock: Clock, now: datetime, due: datetime, version: int,
    item: str = "",
) -> Deadline:  # fmt: skip
    """A clock whose due time a person has set, e.g. the review of a suspension."""
    found = limit(rules, facts, clock)
    return Deadline(
        clock=clock,
        item=item,
        version=version,
        started_at=now,
        minutes=max(1, round((due - now) / timedelta(minutes=1))),
        calendar="natural",
        due=due,
        original_due=due,
        yellow_at=now + found.until_yellow(due - now),
        rule=found.rule,
        by_hand=True,
        **_after_red(found, due),
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
    until_yellow = left * (1 - share)
    if deadline.yellow_minutes is not None:
        until_yellow = max(timedelta(), left - timedelta(minutes=deadline.yellow_minutes))
    escalate_at = deadline.escalate_at
    if deadline.ladder:
        escalate_at = _after(deadline.due, deadline.ladder[0].minutes)
    return deadline.model_copy(
        update={
            "version": version,
            "due": due,
            "yellow_at": min(due, days.add(now, until_yellow, calendar)[0]),
            "escalate_at": escalate_at and due + (escalate_at - deadline.due),
            "fired": (),
            "repeats": 0,
            "reminders": 0,
            "climbed": 0,
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
            "reminders": 0,
        }
    )


def ended(rules: Rules, deadline: Deadline, now: datetime) -> Ended:
    """How a clock stood when it was stopped at ``now``. A pause ends its counting."""
    until = min(now, deadline.paused_at or now)
    ran = rules.workdays.elapsed(deadline.started_at, until, deadline.calendar)
    return Ended(
        clock=deadline.clock,
        item=deadline.item,
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
        case "remind":
            return _reminder(deadline)
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
        if "yellow" not in deadline.fired:
            return "yellow"
        again = _reminder(deadline)
        return "red" if again is None or again >= deadline.due else "remind"
    up = None if "escalate" in deadline.fired else deadline.escalate_at
    again = _again(deadline)
    if up is not None and (again is None or up <= again):
        return "escalate"
    return None if again is None else "again"


def _reminder(deadline: Deadline) -> datetime | None:
    if deadline.remind_minutes is None:
        return None
    every = timedelta(minutes=deadline.remind_minutes)
    return deadline.yellow_at + every * (deadline.reminders + 1)


def _again(deadline: Deadline) -> datetime | None:
    if deadline.repeat_minutes is None:
        return None
    return deadline.due + timedelta(minutes=deadline.repeat_minutes) * (deadline.repeats + 1)


def shown(deadline: Deadline, stage: Stage, now: datetime, version: int) -> Deadline:
    """The clock once a stage was shown at ``now``: red takes an unshown yellow along. A repeated
    light takes along those that nobody could show. Repetitions and steps of a ladder are told apart
    by the clock's new version.
    """
    if stage == "remind":
        assert deadline.remind_minutes is not None
        over = (now - deadline.yellow_at) // timedelta(minutes=deadline.remind_minutes)
        return deadline.model_copy(update={"reminders": over, "version": version})
    if stage == "again":
        assert deadline.repeat_minutes is not None
        over = (now - deadline.due) // timedelta(minutes=deadline.repeat_minutes)
        return deadline.model_copy(update={"repeats": over, "version": version})
    if stage == "escalate" and deadline.ladder:
        return _climbed(deadline, version)
    fired = ("yellow", "red") if stage == "red" else (*deadline.fired, stage)
    return deadline.model_copy(update={"fired": fired})


def _climbed(deadline: Deadline, version: int) -> Deadline:
    """One step up: the next one is as far from it as the ladder says, pauses or not."""
    ladder, step = deadline.ladder, deadline.climbed
    if step + 1 >= len(ladder) or deadline.escalate_at is None:
        fired = (*deadline.fired, "escalate")
        return deadline.model_copy(update={"fired": fired, "climbed": step + 1})
    further = timedelta(minutes=ladder[step + 1].minutes - ladder[step].minutes)
    escalate_at = deadline.escalate_at + further
    return deadline.model_copy(
        update={"climbed": step + 1, "escalate_at": escalate_at, "version": version}
    )


def wakeups(case: Case) -> tuple[Wakeup, ...]:
    """When a timer must look at a case next: one time a running clock, in order of time."""
    found: list[Wakeup] = []
    for deadline in case.deadlines:
        stage = next_stage(deadline)
        at = planned(deadline, stage) if stage else None
        if stage and at:
            found.append(Wakeup(at, deadline.clock, deadline.version, stage, deadline.item))
    return tuple(sorted(found))


def overdue_command(case_no: str, wakeup: Wakeup, now: datetime) -> Command:
    """What a timer sends. The case's writer decides; sending it again is harmless."""
    return Command(
        command_id=timer_id(case_no, wakeup.clock, wakeup.version, wakeup.stage, wakeup.item),
        case_no=case_no,
        move="overdue",
        at=now,
        actor=TIMER,
        clock=wakeup.clock,
        clock_version=wakeup.version,
        item=wakeup.item,
        stage=wakeup.stage,
    )


def light(deadlines: Iterable[Deadline]) -> Light:
    """The worst light of the running clocks."""
    fired = {stage for d in deadlines if d.paused_at is None for stage in d.fired}
    return "red" if "red" in fired else "yellow" if "yellow" in fired else ""


def _after_red(found: Limit, due: datetime) -> dict[str, Any]:
    """What a limit says about lights beyond yellow and red."""
    return {
        "yellow_minutes": found.yellow_minutes, "remind_minutes": found.remind_minutes,
        "escalate_at": _after(due, found.escalate_minutes), "ladder": found.ladder,
        "repeat_minutes": found.repeat_minutes,
    }  # fmt: skip


def _after(due: datetime, minutes: int | None) -> datetime | None:
    return None if minutes is None else due + timedelta(minutes=minutes)
