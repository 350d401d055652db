"""Alerts: who hears of a change, and in which words.

kind        goes to
assigned    the case's unit (a whistle: every unit whistled for)
emergency   the unit and the county's duty desk, at once
triage      the county's duty desk: somebody has to decide
yellow      whoever the clock binds: the unit, or the desk for the desk's own clocks
red         the same, and the duty desk that supervises it
escalated   the duty desk one more level up
Exercises tell nobody.
"""

from __future__ import annotations

from datetime import timedelta

from schemas.alert import Alert
from schemas.case import AlertKind, Case, Change, Clock, Deadline
from schemas.ids import alert_id
from streams.core.moves import CLOCKS
from streams.core.rules import Rules

DESK_CLOCKS: frozenset[Clock] = frozenset({
    "accept", "dispatch", "verify", "followup", "review", "acknowledge",
})  # fmt: skip

#: kind, words in front of what it is about; {clock} the clock's name, {time} what is left of it
TITLES: dict[AlertKind, str] = {
    "emergency": "紧急告警",
    "assigned":  "新派案件",
    "triage":    "待研判",
    "yellow":    "黄灯催办:{clock}{time}",
    "red":       "红灯督办:{clock}{time}",
    "escalated": "提级督办:{clock}{time}",
}  # fmt: skip
ASKED: dict[str, str] = {  # triage and assigned, by the move behind them
    "request_return": "退单待审批", "request_extension": "延期待审批", "reopen": "重开待派单",
    "whistle": "吹哨请报到", "transfer": "转办请签收", "send_back": "返工重办",
    "refuse_return": "退单被驳回", "refuse_extension": "延期被驳回",
}  # fmt: skip


def alerts_for(change: Change, rules: Rules) -> tuple[Alert, ...]:
    """Alerts of a change; the same change always gives the same alerts with the same ids."""
    if change.case.test:
        return ()
    found: dict[str, Alert] = {}
    for kind in change.tells:
        for recipient in _recipients(kind, change, rules):
            one = _alert(kind, recipient, change, rules)
            found.setdefault(one.alert_id, one)
    return tuple(found.values())


def _recipients(kind: AlertKind, change: Change, rules: Rules) -> tuple[str, ...]:
    case = change.case
    county = rules.desk(case.village, "county")
    match kind:
        case "assigned":
            return case.whistled if change.move == "whistle" else (case.unit,)
        case "emergency":
            return (case.unit, county)
        case "triage":
            return (county,)
        case "yellow":
            return _bound(change, rules)
        case "red":
            bound = _bound(change, rules)
            return (*bound, *(rules.desk_above(case.village, rules.level_of(u)) for u in bound))
        case "escalated":
            return (_higher(change, rules),)


def _bound(change: Change, rules: Rules) -> tuple[str, ...]:
    """Whom the clock of a light binds."""
    case = change.case
    if change.clock in DESK_CLOCKS:
        return (rules.desk(case.village, "county"),)
    if change.clock == "respond":
        return tuple(unit for unit in case.whistled if unit not in case.responded)
    return (case.unit,)


def _higher(change: Change, rules: Rules) -> str:
    """The desk a case has climbed to: of the light's ladder, or of the move ``escalate``."""
    case = change.case
    if change.move == "escalate":
        return case.unit  # the desk above, or whom a person has named
    bound = _bound(change, rules)
    level = rules.level_of(bound[0]) if bound else "county"
    return rules.desk_above(case.village, level, 1 + max(case.level_up, 1))


def _alert(kind: AlertKind, recipient: str, change: Change, rules: Rules) -> Alert:
    case = change.case
    deadline = _deadline(change)
    return Alert(
        alert_id=alert_id(change.change_id, kind, recipient),
        kind=kind,
        recipient=recipient,
        case_no=case.case_no,
        change_id=change.change_id,
        event_id=change.event_id or (case.event_ids[0] if case.event_ids else ""),
        class_code=case.class_code,
        grade=case.grade,
        village=case.village,
        grid=case.grid,
        building=case.building,
        title=title(kind, change, rules),
        channel=case.channel,
        clock=deadline.clock if deadline else "",
        due=deadline.due if deadline else None,
        late_seconds=change.late_seconds,
        created_at=change.at,
        test=case.test,
        simulated=case.simulated,
    )


def _deadline(change: Change) -> Deadline | None:
    """The clock of a light; else the running clock that is due first."""
    running = [d for d in change.case.deadlines if d.paused_at is None]
    if change.clock is not None:
        return next((d for d in running if d.clock == change.clock), None)
    return min(running, key=lambda d: d.due, default=None)


def title(kind: AlertKind, change: Change, rules: Rules) -> str:
    """What a person reads first, e.g. ``黄灯催办:签收还剩 9 分钟 · 消防通道占用``."""
    deadline = _deadline(change)
    head = TITLES[kind]
    if kind in ("assigned", "triage"):
        head = ASKED.get(change.move, head)
    clock = CLOCKS[deadline.clock] if deadline else ""
    head = head.format(clock=clock, time=_left(deadline, change) if deadline else "")
    return f"{head} · {subject(change.case, rules)}"


def subject(case: Case, rules: Rules) -> str:
    """What a case is about: its class, else its title, else that nobody has said yet."""
    known = rules.profile.taxonomy.get(case.class_code)
    return known.name if known else case.title[:30] or "类别待定"


def _left(deadline: Deadline, change: Change) -> str:
    left = deadline.due - change.at
    if left > timedelta(0):
        return f"还剩 {_span(left)}"
    return f"已超时 {_span(-left)}" if -left >= timedelta(minutes=1) else "已超时"


def _span(span: timedelta) -> str:
    """A span in the two largest units that say something: 9 分钟, 3 小时 20 分钟, 2 天 5 小时."""
    minutes = max(1, round(span / timedelta(minutes=1)))
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = ((days, "天"), (hours, "小时"), (0 if days else minutes, "分钟"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n)
