"""Alerts: who hears of a change, and in which words.

kind        goes to
assigned    the case's unit (a whistle: every unit whistled for)
emergency   the unit (all that are whistled for) and the county's duty desk, at once
triage      the county's duty desk: somebody has to decide
yellow      whoever the clock binds: the unit, or the desk for the desk's own clocks
red         the same, and the duty desk that supervises it
escalated   whom the step of the clock's ladder names; without one the duty desk one more level up
Exercises tell nobody.
"""

from __future__ import annotations

from datetime import timedelta

from schemas.alert import Alert
from schemas.case import AlertKind, Case, Change, Clock, Deadline, Mark, Move
from schemas.ids import alert_id
from schemas.words import AreaLevel
from streams.core.moves import CLOCKS
from streams.core.rules import Rules

DESK_CLOCKS: frozenset[Clock] = frozenset({
    "accept", "dispatch", "verify", "followup", "review", "acknowledge", "refer", "recheck",
})  # fmt: skip

LEVELS: dict[str, AreaLevel] = {"town": "town", "county": "county", "city": "city"}

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
    "refuse_return": "退单被驳回", "refuse_extension": "延期被驳回", "assign": "纠纷待调解",
    "to_mediation": "纠纷待调解", "disagree": "调解未成待接续", "breach": "协议逾期未履行",
}  # fmt: skip


#: whatever the kind, by what the alarms behind the case say
MARKED: dict[Mark, str] = {"confirmed": "告警已确认", "flapping": "设备频繁抖动，请检修"}


#: moves by which an alert is taken care of without anybody acknowledging it: those that show that
#: its unit has taken the case or that it is no longer the unit's, or by which a desk has decided.
#: An emergency is answered only to the unit that took it: a duty desk acknowledges it.
ANSWERS: dict[AlertKind, frozenset[Move]] = {
    "assigned": frozenset({
        "sign", "handle_in_grid", "handle", "respond", "request_return", "request_extension",
        "dispatch", "transfer", "escalate", "whistle", "check", "assign", "to_mediation", "mediate",
        "disagree", "agree", "breach", "finish", "merge", "reject", "close",
    }),
    "emergency": frozenset({"sign", "handle_in_grid", "handle", "respond", "finish"}),
    "triage": frozenset({
        "register", "answer", "reject", "merge", "dispatch", "handle_in_grid", "whistle", "assign",
        "to_mediation", "mediate", "refer", "grant_return", "refuse_return", "grant_extension",
        "refuse_extension", "close",
    }),
}  # fmt: skip


#: every answer as ``kind move``: what the SQL of alerts is given
ANSWER_PAIRS: tuple[str, ...] = tuple(
    f"{kind} {move}" for kind, moves in ANSWERS.items() for move in sorted(moves)
)


def answers(kind: AlertKind, recipient: str, change: Change) -> bool:
    """Whether a change answers an alert of its case that was told before it."""
    if change.move not in ANSWERS.get(kind, ()):
        return False
    return not _of_one(kind, change.move) or recipient in took(change)


def took(change: Change) -> tuple[str, ...]:
    """Units that have the case in hand after a move that answers."""
    return change.case.responded if change.move == "respond" else (change.case.unit,)


def _of_one(kind: AlertKind, move: Move) -> bool:
    """Whether an answer counts for the unit alone that has given it."""
    return kind == "emergency" or move == "respond"


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
            whistle = change.move == "whistle" or (change.move == "report" and case.whistled)
            return case.whistled if whistle else (case.unit,)
        case "emergency":
            return (*(case.whistled or (case.unit,)), county)
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
    one = _deadline(change)
    if one is not None and one.climbed:
        step = one.ladder[one.climbed - 1]
        if rules.unit(step.unit) is not None:
            return step.unit
        return rules.desk(case.village, LEVELS.get(step.level, "county"))
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
        of = (change.clock, change.item)
        return next((d for d in running if (d.clock, d.item) == of), None)
    return min(running, key=lambda d: d.due, default=None)


def title(kind: AlertKind, change: Change, rules: Rules) -> str:
    """What a person reads first, e.g. ``黄灯催办:签收还剩 9 分钟 · 消防通道占用``."""
    deadline = _deadline(change)
    head = TITLES[kind]
    if kind in ("assigned", "triage"):
        head = ASKED.get(change.move, head)
    if change.mark in MARKED:
        head = MARKED[change.mark]
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
