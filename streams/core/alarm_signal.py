"""A device's message with all that alarm rules ask about it, and the commands it makes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from schemas.alarm import Alarm, Outcome, Seen, Verdict
from schemas.alarm_rules import AlarmRule
from schemas.case import Actor, Command, Mark, Report
from schemas.ids import command_id, village_of
from streams.core.alarm_tables import AlarmTables, Facts

RULES = Actor(role="system", id="alarms")
INTAKE = "intake"  # who sends signals


class Signal(NamedTuple):
    """``key`` of its alarm; ``world``: "s" simulated, "" real: they never meet."""

    command: Command
    report: Report
    facts: Facts
    rule: AlarmRule
    seen: Seen
    key: str
    village: str
    world: str
    critical: bool


def signal_of(command: Command, tables: AlarmTables) -> Signal | None:
    """None: the command is not about an enrolled device, is an exercise, or does not come from
    intake: what a person moves out of a case is no new signal."""
    report = command.report
    if report is None or not report.device_id or report.test or command.actor.id != INTAKE:
        return None
    facts = tables.facts(report)
    if facts is None:
        return None
    village, world = village_of(command.case_no), "s" if report.simulated else ""
    seen = Seen(
        event_id=report.event_id, at=report.occurred_at, device_id=report.device_id,
        event_code=report.event_code, kind=facts.kind,
    )  # fmt: skip
    return Signal(
        command, report, facts, tables.rule(report.event_code, facts), seen,
        f"alarm|{village}|{report.device_id}|{report.event_code}|{world}", village, world,
        report.grade == 1 or report.emergency,
    )  # fmt: skip


def verdict(
    signal: Signal, outcome: Outcome, reason: str, case_no: str = "", rule: str = ""
) -> Verdict:
    report, facts = signal.report, signal.facts
    return Verdict(
        event_id=report.event_id, at=report.occurred_at, device_id=report.device_id,
        event_code=report.event_code, building=facts.building, grid=facts.grid, outcome=outcome,
        rule=rule or signal.rule.rule_id, reason=reason, case_no=case_no,
        simulated=report.simulated,
    )  # fmt: skip


def verdict_of(
    alarm: Alarm, command: Command | None, at: datetime, outcome: Outcome, reason: str = ""
) -> Verdict:
    """Of an alarm without a new signal; ``command``: the one that waited."""
    report = command.report if command else None
    return Verdict(
        event_id=report.event_id if report else "", at=at, device_id=alarm.device_id,
        event_code=alarm.event_code, building=report.building if report else "",
        grid=report.grid if report else "", outcome=outcome, rule=alarm.rule, reason=reason,
        case_no=alarm.case_no, simulated=bool(report and report.simulated),
    )  # fmt: skip


def marking(
    signal: Signal, case_no: str, mark: Mark, reason: str, grade: int | None = None
) -> Command:
    """Says something of a case that follows from a signal."""
    return Command(
        command_id=command_id(signal.seen.event_id, "mark", f"{mark}\x1f{reason}"),
        case_no=case_no, move="mark", at=signal.command.at, actor=RULES, reason=reason,
        mark=mark, grade=grade,
    )  # fmt: skip


def reached(out: Sequence[Command], otherwise: str) -> str:
    """The case that commands go to."""
    return next((c.case_no for c in out if c.report is not None), otherwise)


def to_case(command: Command, case_no: str, bundled: bool) -> Command:
    """The same command to a case we know. One event may reach several cases. The last all-clear of
    a ``bundled`` case speaks for all of its devices: it names none."""
    report = command.report
    assert report is not None
    if bundled:
        report = report.model_copy(update={"device_id": ""})
        command = command.model_copy(update={"report": report})
    if command.case_no == case_no:
        return command
    made = command_id(report.event_id, command.move, case_no)
    return command.model_copy(update={"command_id": made, "case_no": case_no})
