"""What simulated units and duty desks do next with a simulated case. Pure; a real case is never
theirs.

They work ``pace`` times faster than people, so that a visitor sees the whole loop within minutes.
Time limits and lights are the real ones: some units leave a case until its light shows, and that
wait is not shortened.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from ops.simulator.offices import Offices
from ops.simulator.patience import PACE, WORK, moment, running
from schemas.case import Actor, AlertKind, Case, Command, Move, Obligation
from schemas.ids import alert_id, change_id, command_id

WHO = "simulator"  # work account of every simulated person

# fmt: off
WRONG_SENT_BACK = .8  # of cases with a unit whose matter they are not
RETURN_TRIED    = .03  # of the others
WHISTLED        = .06
MORE_TIME       = .05
TIME_GRANTED    = .8
ANSWERED        = .3  # of routine matters at the desk
REDONE          = .05
AGREED          = .6   # of mediations
BROKEN          = .06  # of obligations
MEDIATED_AGAIN  = .5   # of broken agreements
HAZARD          = .15  # of leads
FALSE           = .22  # of device alarms, as a look at the place finds
LOOKED = {True: "现场核查存在隐患,已要求整改", False: "现场核查未见异常,影像已留存"}
RESOLVED        = .92
SCORES: dict[bool, tuple[int, ...]] = {  # 5, 4, 3, 2, 1 of a hundred; True: it went badly before
    False: (56, 29, 10, 3, 2), True: (15, 25, 30, 20, 10),
}
DONE_DEVICE = (
    "已到场核查,现场无异常,设备已复位", "现场已处置,设备恢复监测", "已更换故障部件,设备恢复在线",
)
DONE_TEXT = (
    "已到现场处置完毕,现场恢复正常", "已整改到位,处理前后情况已留存", "已协调相关单位处理,现已解决",
    "已现场核实并处理,将加强日常巡查", "已督促责任方完成整改",
)
PROMISED = (
    "支付约定款项", "修复受损部位并恢复原状", "清理占用的公共通道", "书面致歉并保证不再发生",
    "调整作业时间", "补签合同", "退还押金",
)
# fmt: on


class Act(NamedTuple):
    move: Move
    fields: dict[str, Any] = {}  # noqa: RUF012  (never written to)
    unit: str = ""  # of the actor, when it is not the case's
    not_before: datetime | None = None


def next_step(
    case: Case, since: datetime, now: datetime, offices: Offices, pace: float = PACE
) -> tuple[datetime, Command] | None:
    """When, at ``now`` or later, which command is sent next; None when nothing is left to do.

    ``since``: when somebody last moved the case (lights and further reports do not count).
    The same case always gets the same treatment: all draws come from its number and its past.
    """
    if not case.simulated:
        return None
    rng = Random(f"{case.case_no}|{case.state}|{len(case.commands)}")
    act = _act(case, now, offices, rng)
    if act is None:
        return None
    when = moment(case, act.move, since, now, rng, pace)
    when = max(when, act.not_before or when)
    fields = dict(act.fields)
    if act.move == "request_extension":
        fields["review_at"] = _new_due(case, when)
    if act.move == "agree":
        fields["obligations"] = _obligations(when, rng)
    heard = act.move == "acknowledge" and case.emergency
    at_desk = heard or case.state in ("reported", "found")
    role = "operator" if at_desk else WORK[act.move].who
    unit = act.unit or (offices.desk if role == "operator" else case.unit)
    return when, Command(
        command_id=command_id(f"{case.case_no}-{case.version}", act.move),
        case_no=case.case_no,
        move=act.move,
        at=when,
        actor=Actor(role=role, id=WHO, unit=unit),
        **fields,
    )


def _act(case: Case, now: datetime, offices: Offices, rng: Random) -> Act | None:
    match case.state:
        case "reported":
            return _acknowledged(case, offices) or Act("register", _right_class(case, offices))
        case "registered" | "reopened":
            return _at_the_desk(case, now, offices, rng)
        case "dispatched":
            return _acknowledged(case, offices) or _arrived(case, now, offices, rng)
        case "return_requested":
            if _belongs_to(case, now, offices) != case.unit:
                return Act("grant_return", {"reason": "核实不属该单位职责,同意退单重派"})
            return Act("refuse_return", {"reason": "按职责清单属该单位,请及时签收办理"})
        case "transferred":
            return Act("sign")
        case "whistle":
            if (first := _acknowledged(case, offices)) is not None:
                return first
            missing = [unit for unit in case.whistled if unit not in case.responded]
            return Act("respond", unit=missing[0]) if missing else None
        case "grid_handling":
            return _acknowledged(case, offices) or _at_work(case, rng)
        case "signed" | "handling":
            return _at_work(case, rng)
        case "extension_requested":
            return _extension(case, now, rng)
        case "suspended":
            return Act("resume", not_before=case.review_at)
        case "responded" | "extended" | "rework" | "escalated":
            return Act("handle")
        case "done":
            if case.rework == 0 and rng.random() < REDONE:
                return Act("send_back", {"reason": "现场核查未整改到位,请重办"})
            return Act("verify", {"found": rng.random() >= FALSE} if case.device_id else {})
        case "verified":
            return _asked(case, rng)
        case "followed_up":
            if case.resolved is False and case.rework == 0:
                return Act("send_back", {"reason": "诉求人反映未解决,请重办"})
            return Act("close", {"reason": "流程完结,归档"})
        case "direct_answered" | "rejected":
            return Act("close", {"reason": "已答复,归档"})
        case "found" | "triaged" | "mediating" | "agreement" | "failed" | "performed" | "breached":
            return _mediation(case, offices, rng)
        case "referred" | "checked":
            return Act("close", {"reason": "流程完结,归档"})
        case "pushed":
            found = rng.random() < HAZARD
            return Act("check", {"found": found, "reason": LOOKED[found]})
        case "closed" | "merged":
            return None


def _mediation(case: Case, offices: Offices, rng: Random) -> Act | None:
    """A dispute: most are settled at the first tries, some agreements are not kept."""
    match case.state:
        case "found":
            return _acknowledged(case, offices) or Act("assign")
        case "triaged":
            return Act("mediate")
        case "mediating":
            if rng.random() < AGREED:
                return Act("agree")
            return Act("disagree", {"reason": "双方分歧较大,本次未达成一致"})
        case "agreement":
            left = [one.item for one in case.obligations if one.done_at is None]
            if rng.random() < BROKEN or not left:
                return Act("breach", {"reason": "逾期未履行,经提醒仍未履行"})
            return Act("perform", {"obligation": left[0], "reason": "已履行,凭证留存"})
        case "performed":
            if case.resolved is not None:
                return Act("close", {"reason": "复核无反复,归档"})
            score = rng.choices((5, 4, 3, 2, 1), SCORES[False])[0]
            return Act("recheck", {"resolved": True, "satisfaction": score})
        case "breached" if rng.random() < MEDIATED_AGAIN:
            return Act("mediate")
    return Act("refer", {"reason": "引导申请司法确认或诉讼,法律援助已对接"})


def _acknowledged(case: Case, offices: Offices) -> Act | None:
    """The alert of the opening, first of all; nobody has touched the case before. An emergency is
    acknowledged by the duty desk: its unit signs.
    """
    if len(case.commands) != 1 or (case.emergency and case.events > 1):
        return None  # touched before; or perhaps an emergency only since another report came
    routine: AlertKind = "triage" if case.state in ("reported", "found") else "assigned"
    kind = "emergency" if case.emergency else routine
    told = offices.desk_over(case) if case.emergency else case.unit
    alert = alert_id(change_id(case.case_no, 1), kind, told)
    return Act("acknowledge", {"alert_id": alert}, unit=told)


def _right_class(case: Case, offices: Offices) -> dict[str, Any]:
    true = offices.true_class(case)
    return {"class_code": true} if true and true != case.class_code else {}


def _belongs_to(case: Case, now: datetime, offices: Offices) -> str:
    """Unit the case should be with; where it is when its text does not tell."""
    true = offices.true_class(case)
    if not true or true == case.class_code:
        return case.unit
    return offices.unit_for(true, case, now) or case.unit


def _at_the_desk(case: Case, now: datetime, offices: Offices, rng: Random) -> Act:
    true = offices.true_class(case) or case.class_code
    unit = offices.unit_for(true, case, now)
    may_answer = case.state == "registered" and not case.emergency
    if may_answer and (not unit or (case.grade == 4 and rng.random() < ANSWERED)):
        return Act("answer", {"reason": "已当场说明办理途径和政策依据,诉求人表示认可"})
    return Act("dispatch", {"unit": unit or case.unit, **_right_class(case, offices)})


def _arrived(case: Case, now: datetime, offices: Offices, rng: Random) -> Act:
    if len(case.commands) == 2:  # the first thing after acknowledging, so once
        draw = rng.random()
        wrong = _belongs_to(case, now, offices) != case.unit
        if not case.emergency and draw < (WRONG_SENT_BACK if wrong else RETURN_TRIED):
            return Act("request_return", {"reason": "现场核实不属本单位职责,申请退单"})
        if not case.emergency and not wrong and draw > 1 - WHISTLED:
            helper = offices.helper(case, rng)
            if helper:
                return Act("whistle", {"unit": helper, "reason": "需会同到场处置"})
    return Act("sign")


def _at_work(case: Case, rng: Random) -> Act:
    if running(case, "contact"):
        return Act("contact")
    if case.state == "signed":
        if not case.emergency and rng.random() < MORE_TIME:
            return Act("request_extension", {"reason": "需采购配件并协调施工,申请延期"})
        return Act("handle")
    return Act("finish", {"reason": rng.choice(DONE_DEVICE if case.event_code else DONE_TEXT)})


def _extension(case: Case, now: datetime, rng: Random) -> Act:
    handle = running(case, "handle")
    takes = timedelta(minutes=10)  # more than the desk needs at any pace from 4 on
    asked_for = case.review_at is not None and case.review_at > max(
        now + takes, handle.due if handle else now
    )
    if asked_for and rng.random() < TIME_GRANTED:
        return Act("grant_extension")
    return Act("refuse_extension", {"reason": "不符合延期条件,请按时办结"})


def _asked(case: Case, rng: Random) -> Act:
    if case.event_code:  # a device has no opinion
        return Act("follow_up", {"resolved": True})
    resolved = rng.random() < RESOLVED
    badly = bool(case.rework or case.level_up or not resolved)
    score = rng.choices((5, 4, 3, 2, 1), SCORES[badly])[0]
    return Act("follow_up", {"resolved": resolved, "satisfaction": score})


def _obligations(when: datetime, rng: Random) -> tuple[Obligation, ...]:
    """One or two things to do, days ahead; nobody is named."""
    what = rng.sample(PROMISED, rng.choice((1, 1, 2)))
    days = (timedelta(days=rng.randint(3, 20)) for _ in what)
    return tuple(
        Obligation(item=str(n), what=one, due=when + ahead)
        for n, (one, ahead) in enumerate(zip(what, days, strict=True), start=1)
    )


def _new_due(case: Case, when: datetime) -> datetime:
    handle = running(case, "handle")
    return max(when, handle.due if handle else when) + timedelta(days=1)
