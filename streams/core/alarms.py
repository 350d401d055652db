"""The life of one alarm: raised, held, cleared, flapping, acknowledged.

Where its state lives, and why. Intake decides the same record again after a crash and must come to
the same rows, so it cannot remember alarms: what it said would depend on when it was started. It
keeps every event and sends every raise and all-clear on, keyed by village. The one writer of a
village's cases applies these rules. Its memory is the topic ``alarm-states``, written in the same
transaction as the changes of the cases: an alarm can neither be suppressed without a trace nor
open two cases, whatever is killed when.

What happens on an item: ``raised``, ``cleared``, ``acknowledged``; on a wake-up: ``woken``; when is
the next one: ``wakes_at``. Windows of time (flapping, late all-clears) go by when things happened,
waits by the clock of whoever decides. A signal that comes twice changes nothing. Grade 1 is never
held and never folded into a case that is not open.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.alarm import Alarm, Outcome, Seen
from schemas.alarm_rules import MOST_RAISES, AlarmRule
from schemas.case import Command

REMEMBERED = 2 * MOST_RAISES  # signals an alarm remembers
KEPT = timedelta(days=8)  # an alarm that was quiet so long is forgotten
AGAIN = timedelta(hours=24)  # an ill device whose case was closed may open another one
SAME = timedelta(minutes=60)  # since its case last heard of it
EVIDENCE = 10  # raises of a run that its case hears of one by one
TAKEN = frozenset({"acknowledge", "sign", "register", "handle_in_grid", "respond", "handle"})


class Step(NamedTuple):
    """An alarm after a signal: what became of the signal and why. ``goes``: its command goes on to
    a case; ``marks``: its case is marked as flapping."""

    alarm: Alarm
    outcome: Outcome
    reason: str = ""
    goes: bool = False
    marks: bool = False


def raised(
    alarm: Alarm | None, rule: AlarmRule, command: Command, seen: Seen, now: datetime,
    case_open: bool,
) -> Step:  # fmt: skip
    """A device raises an alarm it does not know yet (``knows``)."""
    report = command.report
    assert report is not None
    critical = report.grade == 1 or report.emergency
    before = alarm
    alarm = _again(alarm, rule, seen, now)
    late = before is not None and before.cleared_at is not None and seen.at < before.cleared_at
    if late and not critical and rule.hold_seconds and not case_open:
        alarm = alarm.model_copy(update={"state": "cleared"})
        return Step(alarm, "blip", "到达时已恢复")
    flaps = _flaps(alarm, rule, seen)
    begins = flaps and not alarm.flapping
    if flaps and rule.quiet_minutes:
        until = now + timedelta(minutes=rule.quiet_minutes)
        alarm = alarm.model_copy(update={"flapping": True, "until": until, "waiting": None})
    if case_open:
        return _to_open_case(alarm, rule, now, begins)
    if alarm.flapping and not critical:
        if not begins and alarm.told_at is not None and now - alarm.told_at < AGAIN:
            return Step(alarm, "flapping", "设备频繁抖动，已交检修")
        return Step(_told(alarm, now), "flapping", _flap_words(alarm, rule), True, True)
    if critical or not rule.hold_seconds:
        return Step(_told(alarm, now, waiting=None), "opened", "", True, begins)
    if before is not None and before.state == "held" and before.waiting is not None:
        return Step(alarm, "folded", "等待恢复期间再次上报")
    until = command.at + timedelta(seconds=rule.hold_seconds)
    alarm = alarm.model_copy(update={"state": "held", "until": until, "waiting": command})
    return Step(alarm, "held", f"等待 {rule.hold_seconds} 秒，其间恢复则不立案")


def _to_open_case(alarm: Alarm, rule: AlarmRule, now: datetime, begins: bool) -> Step:
    """Raised again while its case is open: now and then the case hears of it."""
    if begins:
        return Step(_told(alarm, now), "flapping", _flap_words(alarm, rule), False, True)
    if alarm.flapping:
        return Step(alarm, "flapping", "设备频繁抖动，已交检修")
    told, within = alarm.told_at, timedelta(minutes=rule.fold_minutes)
    if alarm.run > EVIDENCE and told is not None and now - told < within:
        return Step(alarm, "folded", f"{rule.fold_minutes} 分钟内已并入案件，只计次数")
    return Step(_told(alarm, now), "joined", "同一设备同一告警，并入未结案件", True)


def cleared(alarm: Alarm, command: Command, seen: Seen, now: datetime) -> Step:
    """A device is well again."""
    before = alarm
    alarm = alarm.model_copy(update={
        "recent": (*alarm.recent, seen)[-REMEMBERED:], "clears": alarm.clears + 1,
        "heard_at": now,
    })  # fmt: skip
    if seen.at < alarm.last_at:
        return Step(alarm, "stale", "恢复早于最近一次告警，告警仍在")
    alarm = alarm.model_copy(update={"state": "cleared", "cleared_at": seen.at})
    if before.flapping:
        alarm = alarm.model_copy(update={"waiting": command})
        return Step(alarm, "flapping", "频繁抖动，平稳后再通知案件")
    if before.state == "held":
        waited = (seen.at - before.last_at).total_seconds()
        alarm = alarm.model_copy(update={"waiting": None, "until": None})
        return Step(alarm, "blip", f"{waited:.0f} 秒后自行恢复，未立案")
    return Step(alarm, "cleared", "设备恢复", bool(before.case_no))


def woken(alarm: Alarm, now: datetime) -> Step | None:
    """A wait is over. None: there is nothing to do, or the alarm may be forgotten (``over``)."""
    if alarm.until is None or now < alarm.until:
        return None
    if alarm.state == "held" and not alarm.flapping:
        alarm = alarm.model_copy(update={"state": "raised", "until": None})
        return Step(_told(alarm, now), "released", "等待已满，未恢复", True)
    goes = alarm.state == "cleared" and alarm.waiting is not None and bool(alarm.case_no)
    alarm = alarm.model_copy(update={"flapping": False, "until": None})
    return Step(alarm, "steady", "已平稳，抖动结束", goes)


def wakes_at(alarm: Alarm) -> datetime:
    """When to look at it next."""
    over = alarm.heard_at + KEPT
    return over if alarm.until is None else min(alarm.until, over)


def over(alarm: Alarm, now: datetime, case_open: bool) -> bool:
    """Whether nobody needs to remember it."""
    return alarm.until is None and not case_open and now >= alarm.heard_at + KEPT


def acknowledged(alarm: Alarm, at: datetime) -> Alarm | None:
    """Somebody has taken its case. None: that was known."""
    if alarm.acknowledged_at is not None:
        return None
    return alarm.model_copy(update={"acknowledged_at": at})


def ends(rule: AlarmRule, code: str, named: frozenset[str]) -> bool:
    """Whether an all-clear ``code`` of its device ends an alarm. An all-clear that no row names
    (``named``) ends every alarm of the device."""
    return code in rule.cleared_by or code not in named


def knows(alarm: Alarm, seen: Seen) -> bool:
    """Whether it has had this signal already."""
    return any(one.event_id == seen.event_id for one in alarm.recent)


def goes_on(alarm: Alarm, now: datetime) -> bool:
    """Whether a raise is surely the same matter still; later, the rules of cases decide."""
    return alarm.told_at is not None and now - alarm.told_at < SAME


def counted(alarm: Alarm | None, rule: AlarmRule, seen: Seen, now: datetime) -> Alarm:
    """An alarm inside a repair window: known, and otherwise what it was."""
    if alarm is None:
        alarm = Alarm(
            device_id=seen.device_id, event_code=seen.event_code, state="cleared",
            first_at=seen.at, last_at=seen.at, heard_at=now, rule=rule.rule_id,
        )  # fmt: skip
    silent = seen.model_copy(update={"event_code": ""})  # counts for no flapping
    recent = (*alarm.recent, silent)[-REMEMBERED:]
    return alarm.model_copy(update={"heard_at": now, "recent": recent})


def recent_raises(alarm: Alarm) -> Iterator[Seen]:
    return (one for one in alarm.recent if one.event_code == alarm.event_code)


def _again(alarm: Alarm | None, rule: AlarmRule, seen: Seen, now: datetime) -> Alarm:
    if alarm is None:
        return Alarm(
            device_id=seen.device_id, event_code=seen.event_code, first_at=seen.at,
            last_at=seen.at, heard_at=now, raises=1, run=1, recent=(seen,), rule=rule.rule_id,
        )  # fmt: skip
    update: dict[str, object] = {
        "recent": (*alarm.recent, seen)[-REMEMBERED:], "raises": alarm.raises + 1,
        "run": alarm.run + 1,
        "heard_at": now, "last_at": max(alarm.last_at, seen.at), "rule": rule.rule_id,
    }  # fmt: skip
    if alarm.state == "cleared":
        update |= {
            "state": "raised", "first_at": seen.at, "acknowledged_at": None, "bundled": False,
            "run": 1,
        }  # fmt: skip
        if not alarm.flapping:
            update |= {"waiting": None}
    return alarm.model_copy(update=update)


def _flaps(alarm: Alarm, rule: AlarmRule, seen: Seen) -> bool:
    if rule.flap_count is None or rule.flap_minutes is None:
        return False
    within = timedelta(minutes=rule.flap_minutes)
    lately = [one for one in recent_raises(alarm) if abs(one.at - seen.at) <= within]
    return alarm.flapping or len(lately) >= rule.flap_count


def _flap_words(alarm: Alarm, rule: AlarmRule) -> str:
    return f"{rule.flap_minutes} 分钟内告警 {rule.flap_count} 次，按设备故障检修"


def _told(alarm: Alarm, now: datetime, **more: object) -> Alarm:
    return alarm.model_copy(update={"told_at": now, "state": "raised", **more})
