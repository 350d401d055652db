"""Lights of a case as JSON: the decision of ``cases.apply`` for an ``overdue`` command, in bulk.

When a holiday ends, tens of thousands of clocks fall due in the same second. Reading each case into
a model, deciding and writing it again costs many times what deciding on its clocks alone does. Both
ways must agree in everything; tests/caseflow/test_lights.py holds them together, move for move.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from schemas.ids import change_id, timer_id
from streams.core import clockface
from streams.core.clockface import UNSET
from streams.core.deadlines import LATE_AFTER, TIMER
from streams.core.moves import OPEN

_OPEN = frozenset(OPEN)
_ACTOR = {"role": TIMER.role, "id": TIMER.id}
_TOLD = {
    "yellow": ["yellow"], "remind": ["yellow"], "red": ["red"], "escalate": ["escalated"],
    "again": ["red"],
}  # fmt: skip
_MINUTE = timedelta(minutes=1)
#: when, clock, version, stage, item, place among the case's clocks: the least of them comes first
_Waiting = tuple[datetime, str, int, str, str, int]


class Lit(NamedTuple):
    """A light that was shown: JSON of its change, and what a writer must know of it."""

    case_no: str
    body: bytes
    version: int  # of the case, after it
    command_id: str
    clock: str
    stage: str
    late_seconds: int  # 0 up to a minute
    later: datetime | None  # when the case's next light is due


def due_lights(case_json: bytes, now: datetime, offset: int) -> Iterator[Lit]:
    """Lights of a case that are due at ``now`` (aware), the earliest first.

    A light later than a minute says how late. Yellow and red that are both due are one red light.
    msgspec.MsgspecError when it is not the JSON of a case.
    """
    case = clockface.read(case_json)
    if case.state not in _OPEN or case.deadlines is UNSET:
        return
    clocks: list[Any] = case.deadlines
    waiting = [found for n, one in enumerate(clocks) if (found := _next(one, n)) is not None]
    if not waiting:
        return
    case_no, state = case.case_no, case.state
    case.updated_at = at = max(now, case.updated_at)
    found = min(waiting)
    while found[0] <= now:
        when, clock, shown_by, asked, item, place = found
        one, stage = clocks[place], asked
        if stage in ("yellow", "remind") and now >= one.due:
            stage, when = "red", one.due
        version = case.version = case.version + 1
        _show(one, stage, now, version)
        if light := _worst(clocks):
            case.light = light
        else:
            case.light = UNSET
        if stage == "escalate":
            case.level_up = 1 if case.level_up is UNSET else case.level_up + 1
        command = timer_id(case_no, clock, shown_by, asked, item)
        change = {
            "change_id": change_id(case_no, version),
            "command_id": command,
            "move": "overdue",
            "from_state": state,
            "at": at,
            "actor": _ACTOR,
            "clock": clock,
            "stage": stage,
            "tells": _TOLD[stage],
            "command_offset": offset,
        }
        late = now - when
        seconds = int(late.total_seconds()) if late > LATE_AFTER else 0
        if seconds:
            change["late_seconds"] = seconds
        if item:
            change["item"] = item
        change["case"] = case
        waiting.remove(found)
        if (again := _next(one, place)) is not None:
            waiting.append(again)
        body = clockface.write(change)
        if not waiting:
            yield Lit(case_no, body, version, command, clock, stage, seconds, None)
            return
        found = min(waiting)
        yield Lit(case_no, body, version, command, clock, stage, seconds, found[0])


def _show(one: Any, stage: str, now: datetime, version: int) -> None:
    """What ``deadlines.shown`` does, in place."""
    if stage == "again":
        one.repeats = (now - one.due) // timedelta(minutes=one.repeat_minutes)
        one.version = version
    elif stage == "remind":
        one.reminders = (now - one.yellow_at) // timedelta(minutes=one.remind_minutes)
        one.version = version
    elif stage == "escalate" and one.ladder is not UNSET and one.ladder:
        ladder, step = one.ladder, 0 if one.climbed is UNSET else one.climbed
        one.climbed = step + 1
        if step + 1 >= len(ladder):
            one.fired = [*one.fired, "escalate"]
        else:
            one.escalate_at += _MINUTE * (ladder[step + 1]["minutes"] - ladder[step]["minutes"])
            one.version = version
    elif stage == "red":
        one.fired = ["yellow", "red"]
    else:
        one.fired = [stage] if one.fired is UNSET else [*one.fired, stage]


def _next(one: Any, place: int) -> _Waiting | None:
    """The next stage of a running clock: what ``deadlines.next_stage`` and ``planned`` say."""
    if one.paused_at is not UNSET:
        return None
    fired = one.fired
    if fired is UNSET or "red" not in fired:
        if fired is UNSET or "yellow" not in fired:
            when, stage = one.yellow_at, "yellow"
        else:
            when, stage = one.due, "red"
            if one.remind_minutes is not UNSET:
                so_often = 1 if one.reminders is UNSET else one.reminders + 1
                again = one.yellow_at + _MINUTE * (one.remind_minutes * so_often)
                if again < when:
                    when, stage = again, "remind"
    else:
        when, stage = UNSET if "escalate" in fired else one.escalate_at, "escalate"
        if one.repeat_minutes is not UNSET:
            so_often = 1 if one.repeats is UNSET else one.repeats + 1
            again = one.due + _MINUTE * (one.repeat_minutes * so_often)
            if when is UNSET or again < when:
                when, stage = again, "again"
        if when is UNSET:
            return None
    return when, one.clock, one.version, stage, "" if one.item is UNSET else one.item, place


def _worst(clocks: list[Any]) -> str:
    light = ""
    for one in clocks:
        fired = one.fired
        if fired is not UNSET and one.paused_at is UNSET:
            if "red" in fired:
                return "red"
            if "yellow" in fired:
                light = "yellow"
    return light
