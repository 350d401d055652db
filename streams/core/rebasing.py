"""Running clocks under changed rules, or under a calendar that has been published since.

Changed rules hold for new cases, and for clocks that start from now on. A clock that runs keeps the
row it was started by, unless a supervisor re-bases its case with a reason. What rests on days whose
calendar was not published is counted again when it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from schemas.case import Case, Deadline
from streams.core.deadlines import planned
from streams.core.limits import Facts, Limit, limit
from streams.core.rules import Rules

MINUTE = timedelta(minutes=1)


def rebase(rules: Rules, facts: Facts, deadline: Deadline, now: datetime, version: int) -> Deadline:
    """The clock as the rules of today would have set it when it started; pauses count as before.
    What a person has set stays, and so does a paused clock. A light that the new times do not
    bear out goes dark and shows again at its new time.
    """
    if deadline.by_hand or deadline.paused_at is not None:
        return deadline
    return _again(rules, deadline, limit(rules, facts, deadline.clock), now, version)


def recount(
    rules: Rules, facts: Facts, deadline: Deadline, now: datetime, version: int
) -> Deadline:
    """A provisional clock by the calendar as it is known now: same limit, same rule."""
    if not deadline.provisional or deadline.by_hand or deadline.paused_at is not None:
        return deadline
    ladder = deadline.escalate_at
    same = limit(rules, facts, deadline.clock)._replace(
        minutes=deadline.minutes,
        calendar=deadline.calendar,
        repeat_minutes=deadline.repeat_minutes,
        rule=deadline.rule,
        yellow_minutes=deadline.yellow_minutes,
        remind_minutes=deadline.remind_minutes,
        ladder=deadline.ladder,
        escalate_minutes=None if ladder is None else round((ladder - deadline.due) / MINUTE),
    )
    return _again(rules, deadline, same, now, version)


def needs_recount(rules: Rules, case: Case) -> bool:
    """Whether a provisional clock of a case would stand elsewhere by the calendar of today."""
    return any(
        recount(rules, case, one, case.updated_at, one.version) != one for one in case.deadlines
    )


def _again(rules: Rules, deadline: Deadline, found: Limit, now: datetime, version: int) -> Deadline:
    start, days, calendar = deadline.started_at, rules.workdays, found.calendar
    paused, whole = timedelta(seconds=deadline.paused_seconds), found.minutes * MINUTE
    due, provisional = days.add(start, whole + paused, calendar)
    yellow, _ = days.add(start, found.until_yellow(whole) + paused, calendar)
    climbed, escalate_at = _height(found, deadline, due, now)
    fresh = deadline.model_copy(
        update={
            "version": version,
            "minutes": found.minutes,
            "calendar": calendar,
            "due": due,
            "original_due": days.add(start, whole, calendar)[0],
            "yellow_at": yellow,
            "yellow_minutes": found.yellow_minutes,
            "remind_minutes": found.remind_minutes,
            "escalate_at": escalate_at,
            "ladder": found.ladder,
            "climbed": climbed,
            "repeat_minutes": found.repeat_minutes,
            "rule": found.rule,
            "provisional": provisional,
        }
    )
    shown = tuple(s for s in deadline.fired if (at := planned(fresh, s)) is not None and at <= now)
    if found.ladder and climbed < len(found.ladder):
        shown = tuple(s for s in shown if s != "escalate")
    repeats = deadline.repeats if "red" in shown else 0
    reminders = deadline.reminders if "yellow" in shown else 0
    fresh = fresh.model_copy(update={"fired": shown, "repeats": repeats, "reminders": reminders})
    unmoved = fresh.model_copy(update={"version": deadline.version})
    return deadline if unmoved == deadline else fresh


def _height(
    found: Limit, deadline: Deadline, due: datetime, now: datetime
) -> tuple[int, datetime | None]:
    """How far up its ladder a clock stays when its due time moves, and when the next step is."""
    if found.escalate_minutes is None:
        return 0, None
    if not found.ladder:
        return 0, due + found.escalate_minutes * MINUTE
    told = len(deadline.ladder[: deadline.climbed])
    climbed = sum(due + step.minutes * MINUTE <= now for step in found.ladder[:told])
    upper = found.ladder[min(climbed, len(found.ladder) - 1)]
    return climbed, due + upper.minutes * MINUTE
