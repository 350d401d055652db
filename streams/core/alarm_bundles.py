"""Storms of a building: held alarms and those to come go into one case, with one alert."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from schemas.alarm import Alarm, Outcome, Storm, Verdict
from schemas.case import Command
from schemas.ids import command_id
from streams.core import storms
from streams.core.alarm_signal import RULES, Signal, marking
from streams.core.alarm_states import AlarmStates

IsOpen = Callable[[str], bool]
#: an alarm that is not in a case yet may be bundled
FREE: frozenset[Outcome] = frozenset({"held", "opened", "doubt"})


class Bundled(NamedTuple):
    commands: list[Command]
    took: bool  # the signal itself is in the common case


NOTHING = Bundled([], False)


def bundle(
    states: AlarmStates, signal: Signal, command: Command, outcome: Outcome, now: datetime,
    is_open: IsOpen,
) -> Bundled:  # fmt: skip
    """Commands of a storm that a signal is part of."""
    place = signal.facts.building or signal.facts.grid
    key = f"storm|{signal.village}|{place}|{signal.world}"
    before = states.get(key)
    assert before is None or isinstance(before, Storm)
    storm = storms.joined(before, signal.rule, place, signal.seen, now)
    if storm is None:
        return NOTHING
    states.put(key, storm, signal.village)
    if not storm.raging:
        return NOTHING
    begins = before is None or not before.raging
    took = outcome in FREE
    waiting = [(signal.key, command)] if took else []
    if begins:
        waiting = [*_held(states, storm, signal), *waiting]
        storm = storm.model_copy(update={"case_no": _case(states, storm, signal, is_open)})
    words = storms.words(storm, states.tables.name)
    out: list[Command] = []
    if storm.case_no and is_open(storm.case_no):
        if begins:
            out.append(marking(signal, storm.case_no, "bundled", words))
    elif waiting:
        first, opening = waiting.pop(0)
        opening = _opening(opening, storm, words)
        _take_in(states, first, opening, words)
        states.wait_for(opening.command_id, key)
        out += [opening, marking(signal, opening.case_no, "bundled", words)]
        storm = storm.model_copy(update={"case_no": opening.case_no})
    states.put(key, storm)
    for one, more in waiting:
        _take_in(states, one, more, "并入同楼批量告警")
        out.append(more.model_copy(update={
            "move": "attach", "case_no": storm.case_no, "reason": "并入同楼批量告警",
        }))  # fmt: skip
    return Bundled(out, took)


def end(states: AlarmStates, key: str, storm: Storm, now: datetime) -> list[Command]:
    """A storm is over: its case hears how many there were."""
    states.forget(key)
    if not storm.raging:
        return []
    reason = f"批量告警平息：共 {storm.devices} 台设备 {storm.signals} 次"
    states.say(key, Verdict(
        event_id="", at=now, outcome="ended", rule=storm.rule, reason=reason,
        case_no=storm.case_no, simulated=key.endswith("|s"),
    ))  # fmt: skip
    made = command_id(f"{key}\x1f{storm.since}", "note", storm.case_no)
    return [Command(command_id=made, case_no=storm.case_no, move="note", at=now, actor=RULES,
                    reason=reason)]  # fmt: skip


def _opening(command: Command, storm: Storm, words: str) -> Command:
    report = command.report
    assert report is not None
    title = f"批量告警（{storm.devices} 台）：{report.title}"
    report = report.model_copy(update={"title": title, "text": words})
    return command.model_copy(update={"report": report, "reason": words})


def _held(states: AlarmStates, storm: Storm, signal: Signal) -> list[tuple[str, Command]]:
    """Alarms of the storm's devices that still wait, with what they wait with."""
    return [
        (key, alarm.waiting)
        for key, alarm in _members(states, storm, signal)
        if key != signal.key and alarm.state == "held" and alarm.waiting is not None
    ]


def _case(states: AlarmStates, storm: Storm, signal: Signal, is_open: IsOpen) -> str:
    """An open case that an alarm of the storm has opened already; ""."""
    for _, alarm in _members(states, storm, signal):
        if alarm.case_no and storm.since and alarm.last_at >= storm.since:
            rule = states.tables.rules.get(alarm.rule)
            if rule is not None and rule.storm_count and is_open(alarm.case_no):
                return alarm.case_no
    return ""


def _members(states: AlarmStates, storm: Storm, signal: Signal) -> list[tuple[str, Alarm]]:
    keys = [key for one in storm.hits for key in states.of_device(one.device_id, signal.world)]
    return [(key, alarm) for key in keys if (alarm := states.alarm(key)) is not None]


def _take_in(states: AlarmStates, key: str, command: Command, words: str) -> None:
    alarm, report = states.alarm(key), command.report
    assert alarm is not None
    assert report is not None
    states.put(key, alarm.model_copy(update={
        "state": "raised", "bundled": True, "waiting": None, "told_at": command.at,
        "until": alarm.until if alarm.flapping else None,
    }))  # fmt: skip
    states.wait_for(command.command_id, key)
    states.say(key, Verdict(
        event_id=report.event_id, at=report.occurred_at, device_id=report.device_id,
        event_code=report.event_code, building=report.building, grid=report.grid,
        outcome="bundled", rule=alarm.rule, reason=words, simulated=report.simulated,
    ))  # fmt: skip
