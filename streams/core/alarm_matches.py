"""Patterns that a signal completes: its case is confirmed, or a case of its own is opened."""

from __future__ import annotations

from datetime import datetime

from schemas.alarm import Watch
from schemas.case import Command
from schemas.ids import case_number, command_id
from streams.core import patterns
from streams.core.alarm_signal import RULES, Signal, marking, reached, verdict
from streams.core.alarm_states import AlarmStates
from streams.core.alarm_tables import group_of
from streams.core.patterns import Compiled


def match(
    states: AlarmStates, signal: Signal, command: Command, out: list[Command], now: datetime
) -> list[Command]:
    """What goes on to the cases once every pattern has seen the signal."""
    for pattern in states.tables.listening(signal.report.event_code):
        if not patterns.listens(pattern, signal.seen):
            continue
        row = pattern.row
        group = group_of(row, signal.facts, signal.report.device_id)
        key = f"watch|{signal.village}|{row.pattern_id}|{group}|{signal.world}"
        before = states.get(key)
        assert before is None or isinstance(before, Watch)
        found = patterns.hit(before, pattern, group, signal.seen)
        if found is None:
            continue
        watch, taken = found
        states.put(key, watch, signal.village)
        if not taken:
            continue
        reason = f"{row.name}：{states.tables.names(taken)}"
        if row.effect == "open":
            opening = _open(states, signal, pattern, key, reason)
            states.say(key, verdict(signal, "repeated", reason, rule=row.pattern_id))
            out = [*out, opening]
        else:
            out = _confirm(states, signal, command, out, now)
            alarm = states.alarm(signal.key)
            case_no = reached(out, alarm.case_no if alarm else "")
            mark = marking(signal, case_no, "confirmed", reason, row.grade)
            states.wait_for(mark.command_id, key)
            states.say(key, verdict(signal, "confirmed", reason, rule=row.pattern_id))
            out = [*out, mark]
    return out


def _confirm(
    states: AlarmStates, signal: Signal, command: Command, out: list[Command], now: datetime
) -> list[Command]:
    """What still waits need wait no more."""
    alarm = states.alarm(signal.key)
    if alarm is None or alarm.state != "held":
        return out
    states.put(signal.key, alarm.model_copy(update={
        "state": "raised", "until": None, "waiting": None, "told_at": now,
    }))  # fmt: skip
    states.wait_for(command.command_id, signal.key)
    return [*out, command]


def _open(states: AlarmStates, signal: Signal, pattern: Compiled, key: str, reason: str) -> Command:
    """A case of its own for what happens again and again, without the device: it is not over when
    the device is well."""
    row, report = pattern.row, signal.report
    classed = states.tables.profile.taxonomy.get(row.class_code)
    grade = row.grade or (classed.grade if classed else report.grade)
    routed = states.tables.route(row, report, grade, int(signal.command.at.timestamp() * 1000))
    cause = f"{key}\x1f{signal.seen.event_id}"
    opened = report.model_copy(update={
        "device_id": "", "event_code": row.pattern_id, "class_code": row.class_code,
        "title": row.name, "text": reason, "grade": grade, "emergency": False,
        "unit": routed.unit, "unit_level": routed.level, "route": routed.route_id,
        "confidence": 1.0, "top3": (row.class_code,),
    })  # fmt: skip
    command = Command(
        command_id=command_id(cause, "report"),
        case_no=case_number(cause, signal.village, signal.command.at),
        move="report", at=signal.command.at, actor=RULES, reason=reason, report=opened,
    )  # fmt: skip
    states.wait_for(command.command_id, key)
    return command
