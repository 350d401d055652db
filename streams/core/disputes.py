"""What the loop of disputes decides: when a row of it holds, and what its moves leave in a case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schemas.case import Case, Command, Obligation, Refusal, Report, State
from streams.core.moverow import When
from streams.core.redact import redact
from streams.core.rules import Rules

Update = dict[str, Any]
MOST = 20  # obligations of an agreement
HANDLED: tuple[State, ...] = ("signed", "grid_handling", "handling")  # of an emergency


def routed(report: Report, rules: Rules) -> bool:
    """Whether a report goes straight to a unit: class sure, unit known."""
    return sure(report, rules) and rules.unit(report.unit) is not None


def sure(report: Report, rules: Rules) -> bool:
    """Whether the class of a report stands without a person. Devices class by table."""
    known = bool(report.event_code) or report.confidence >= rules.profile.station.triage_confidence
    return known and report.class_code != ""


def dispute_holds(when: When, case: Case | None, command: Command, rules: Rules) -> bool:
    """Whether a condition of the dispute loop holds."""
    if case is None:
        report = command.report
        return (
            when == "dispute" and report is not None and not report.emergency
            and sure(report, rules) and rules.dispute(report.class_code) is not None
        )  # fmt: skip
    field = rules.dispute(case.class_code)
    match when:
        case "mediable":
            return mediable(case, command.class_code, rules)
        case "tries_left":
            most = field.tries.get(case.mediation, 0) if field and case.mediation else 0
            return case.tries < most
        case "level_above":
            found = field and rules.mediator(field, case.village, case.mediation)
            return found is not None
        case "all_performed":
            open_ = [one.item for one in case.obligations if one.done_at is None]
            return open_ in ([], [command.obligation])
        case "rechecked":
            return case.resolved is not None
        case "was_dispute":
            return case.field != ""
        case _:
            return False


def mediable(case: Case, class_code: str, rules: Rules) -> bool:
    """Whether a case may be brought to mediation: a dispute is among what it may be about, or its
    class is not decided, or a person says with the move which dispute it is (``assigned`` looks at
    that). An emergency is handled first.
    """
    if case.emergency and case.state not in HANDLED:
        return False
    undecided = not case.class_code and not case.event_code
    codes = (case.class_code, *case.top3)
    return class_code != "" or undecided or any(rules.dispute(code) for code in codes)


def assigned(case: Case, command: Command, rules: Rules) -> Update | Refusal:
    """Whose dispute it is now: the lowest level that mediates its field, or whom a person names."""
    code = command.class_code or case.class_code
    if command.class_code and command.class_code not in rules.profile.taxonomy:
        return _missing(f"事项编码 {command.class_code} 不存在(class_code)")
    field = rules.dispute(code)
    if field is None:
        return _missing(f"类别 {code or '(未定)'} 不是可调处的纠纷,请先更正类别(class_code)")
    found = rules.mediator(field, case.village)
    return _mediated(case, command.unit, found, rules) | {
        "field": field.field, "class_code": code, "tries": 0, "obligations": (),
    }  # fmt: skip


def passed_on(case: Case, command: Command, rules: Rules) -> Update:
    """After a mediation without agreement: another try, the level above, or nobody."""
    if dispute_holds("tries_left", case, command, rules):
        return {"tries": case.tries + 1}
    field = rules.dispute(case.class_code)
    above = rules.mediator(field, case.village, case.mediation) if field else None
    return _mediated(case, "", above, rules) | {"tries": 0} if above else {}


def begun(case: Case) -> Update:
    """A mediation begins: the first of its level, or another one after a breach."""
    return {"tries": case.tries + 1, "obligations": (), "resolved": None}


def agreed(command: Command, at: datetime) -> Update | Refusal:
    """The obligations of an agreement, numbered, without contacts, all of them still to come."""
    if len(command.obligations) > MOST:
        return _missing(f"履行事项最多 {MOST} 项(obligations)")
    found: list[Obligation] = []
    for number, one in enumerate(command.obligations, start=1):
        item = one.item or str(number)
        if one.due <= at:
            detail = f"第 {number} 项的期限 {one.due.isoformat()} 须晚于 {at.isoformat()}"
            return _missing(f"{detail}(obligations)")
        if item in [other.item for other in found]:
            return _missing(f"履行事项编号 {item} 重复(obligations)")
        found.append(Obligation(item=item, what=redact(one.what), due=one.due))
    return {"obligations": tuple(found)}


def performed(case: Case, command: Command, at: datetime) -> Update | Refusal:
    """One obligation is done."""
    open_ = [one.item for one in case.obligations if one.done_at is None]
    if command.obligation not in open_:
        detail = f"没有待履行的事项 {command.obligation}(obligation),应为:{'、'.join(open_)}"
        return _missing(detail)
    return {
        "obligations": tuple(
            one.model_copy(update={"done_at": at}) if one.item == command.obligation else one
            for one in case.obligations
        )
    }


def _mediated(case: Case, unit: str, found: tuple[Any, str] | None, rules: Rules) -> Update:
    level, own = found or (rules.level_of(case.unit), case.unit)
    if rules.unit(unit) is not None:
        level, own = rules.level_of(unit), unit
    return {"unit": own, "unit_level": rules.level_of(own), "mediation": level}


def _missing(detail: str) -> Refusal:
    return Refusal(code="field_missing", detail=detail)
