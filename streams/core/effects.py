"""What a move changes in a case beside its state and clocks: unit, class, counts, answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schemas.case import Case, Command, Evidence, Refusal, Report
from schemas.ids import village_of
from streams.core import disputes
from streams.core.moves import NEEDS
from streams.core.permits import responder
from streams.core.rules import Rules

Update = dict[str, Any]

DISTINCT = 20  # cases and reports a case is known to have nothing to do with
EVIDENCE = 12  # reports a case describes, beside its first
KEPT = 50  # ids a case keeps of commands, alerts, events


def effects(case: Case, command: Command, rules: Rules, at: datetime) -> Update | Refusal:
    """Fields of the case after a move at ``at``, or why what the command brings will not do."""
    match command.move:
        case "attach" | "absorb":
            return _attached(case, command)
        case "register":
            return _classed(case, command, rules)
        case "dispatch" | "transfer":
            return _assigned(case, command, rules)
        case "handle_in_grid":
            return _in_grid(case, command, rules)
        case "assign" | "to_mediation":
            return _no_such_unit(command, rules) or disputes.assigned(case, command, rules)
        case "mediate":
            return disputes.begun(case)
        case "disagree":
            return disputes.passed_on(case, command, rules)
        case "agree":
            return disputes.agreed(command, at)
        case "perform":
            return disputes.performed(case, command, at)
        case "recheck":
            return {"resolved": command.resolved, "satisfaction": command.satisfaction}
        case "breach":
            return {"resolved": None, "satisfaction": None}
        case "whistle":
            return _whistled(case, command, rules)
        case "respond":
            return _responded(case, command)
        case "escalate":
            return _escalated(case, command, rules)
        case "request_return":
            return {"back_to": case.state}
        case "grant_return":
            returned = tuple(dict.fromkeys((*case.returned, case.unit)))
            desk = _to(rules.desk(case.village, "county"), rules)
            return desk | {"back_to": None, "returned": returned}
        case "refuse_return":
            return {"back_to": None}
        case "request_extension" | "grant_extension" | "suspend":
            return _later(case, command, at)
        case "refuse_extension" | "resume" | "finish":
            return {"review_at": None}
        case "merge":
            wrong = _merge_target(case, command.merged_into)
            return wrong or {"merged_into": command.merged_into, "closed_at": at, "similar": ()}
        case "unmerge":
            return _unmerged(case, command)
        case "distinct":
            return _other(case, command.distinct_from)
        case "send_back":
            return {"rework": case.rework + 1, "resolved": None, "satisfaction": None}
        case "follow_up":
            return {"resolved": command.resolved, "satisfaction": command.satisfaction}
        case "close":
            return {"closed_at": at}
        case "reopen":
            again = {"closed_at": None, "resolved": None, "satisfaction": None}
            dispute = {"mediation": "", "tries": 0, "obligations": ()} if case.field else {}
            return _to(rules.desk(case.village, "county"), rules) | again | dispute
        case "rebase":
            return {"rules": rules.version}
        case "mark":
            return _marked(case, command)
        case "acknowledge":
            return {"acknowledged": kept(case.acknowledged, command.alert_id)}
        case _:
            return {}


def _merge_target(case: Case, target: str) -> Refusal | None:
    """Why a case cannot go into another. Whether that one exists, only its writer knows."""
    if target == case.case_no:
        return Refusal(code="impossible_move", detail="案件不能并入自己")
    try:
        village = village_of(target)
    except ValueError:
        detail = f"主案编号 {target} 不合规则(merged_into)"
        return Refusal(code="field_missing", detail=detail)
    if village != case.village:
        detail = f"主案在 {village},只能并入同一村社 {case.village} 的案件"
        return Refusal(code="impossible_move", detail=detail)
    return None


def _other(case: Case, other: str) -> Update | Refusal:
    """A person says that two cases are two matters: not asked again, never merged by itself."""
    try:
        village_of(other)
    except ValueError:
        detail = f"另一案件编号 {other} 不合规则(distinct_from)"
        return Refusal(code="field_missing", detail=detail)
    if other == case.case_no:
        return Refusal(code="impossible_move", detail="案件不能与自己区分(distinct_from)")
    return {
        "similar": tuple(one for one in case.similar if one.case_no != other),
        "distinct": kept(tuple(one for one in case.distinct if one != other), other, DISTINCT),
    }


def _unmerged(case: Case, command: Command) -> Update | Refusal:
    """A merged case comes back; or a report leaves the case it joined, for its own."""
    if case.state == "merged":
        return {**_other(case, case.merged_into), "merged_into": "", "closed_at": None}  # type: ignore[dict-item]
    report = command.report
    assert report is not None, "the row needs one"
    other = _other(case, command.distinct_from)
    if isinstance(other, Refusal):
        return other
    if report.event_id not in case.event_ids:
        detail = f"报告 {report.event_id} 不在本案中(report)"
        return Refusal(code="field_missing", detail=detail)
    if report.event_id == case.event_ids[0]:
        detail = "首个报告就是本案,不能拆出;可更正类别或改派"
        return Refusal(code="impossible_move", detail=detail)
    gone = [one for one in case.evidence if one.event_id == report.event_id]
    left = kept(
        other["distinct"], report.event_id, DISTINCT
    )  # the same report sent again stays out
    return other | {
        "distinct": left,
        "events": max(1, case.events - command.brings),
        "event_ids": tuple(one for one in case.event_ids if one != report.event_id),
        "evidence": tuple(one for one in case.evidence if one.event_id != report.event_id),
        "urges": case.urges - sum(one.urge for one in gone),
    }


def kept(ids: tuple[str, ...], new: str, most: int = KEPT) -> tuple[str, ...]:
    return (*ids, new)[-most:]


def _attached(case: Case, command: Command) -> Update:
    report = command.report
    assert report is not None
    first, last = case.event_ids[: KEPT // 2], (*case.event_ids, report.event_id)[KEPT // 2 :]
    whole = len(case.event_ids) < KEPT // 2
    return {
        "events": case.events + command.brings,
        "event_ids": (*first, report.event_id) if whole else (*first, *last[-KEPT // 2 :]),
        "grade": min(case.grade, report.grade),
        "emergency": case.emergency or report.emergency,
        "urges": case.urges + command.urge,
        "evidence": _evidence(case, report, urge=command.urge),
    }


def _evidence(case: Case, report: Report, *, urge: bool) -> tuple[Evidence, ...]:
    """What a case's reports said, the first and the last ones."""
    new = Evidence(
        event_id=report.event_id, channel=report.channel, at=report.occurred_at,
        device_id=report.device_id, event_code=report.event_code, class_code=report.class_code,
        grid=report.grid * (report.grid != case.grid),
        building=report.building * (report.building != case.building),
        lon=report.lon, lat=report.lat, reporter=report.reporter, urge=urge,
    )  # fmt: skip
    if len(case.evidence) < EVIDENCE:
        return (*case.evidence, new)
    return (*case.evidence[: EVIDENCE // 2], *case.evidence[EVIDENCE // 2 + 1 :], new)


def _marked(case: Case, command: Command) -> Update:
    """What its alarms say of a case. A grade is only ever lifted, and grade 1 is an emergency."""
    assert command.mark is not None
    grade = min(case.grade, command.grade or case.grade)
    return {
        "marks": tuple(dict.fromkeys((*case.marks, command.mark))),
        "grade": grade,
        "emergency": case.emergency or (grade == 1 and command.mark == "confirmed"),
    }


def _classed(case: Case, command: Command, rules: Rules) -> Update | Refusal:
    """A person's correction of the class; the grade follows it, but never eases an emergency."""
    if not command.class_code:
        return {}
    known = rules.profile.taxonomy.get(command.class_code)
    if known is None:
        detail = f"事项编码 {command.class_code} 不存在(class_code)"
        return Refusal(code="field_missing", detail=detail)
    grade = min(case.grade, known.grade) if case.emergency else known.grade
    return {"class_code": command.class_code, "grade": grade}


def _assigned(case: Case, command: Command, rules: Rules) -> Update | Refusal:
    unit = command.unit or _sent_to(case, command, rules)
    classed = _classed(case, command, rules)
    if rules.unit(unit) is None:
        return _no_unit(unit)
    if unit in case.returned and command.actor.role in ("system", "timer"):
        detail = f"单位 {unit} 已退单,只能由值班员重新派给它(unit)"
        return Refusal(code="not_allowed", detail=detail)
    ordinary = {"field": "", "mediation": "", "tries": 0, "obligations": ()} if case.field else {}
    if isinstance(classed, Refusal):
        return classed
    return {**_to(unit, rules), **classed, **ordinary, "meant": ""}


def _sent_to(case: Case, command: Command, rules: Rules) -> str:
    """Where a case goes that is sent on without a unit: from the desk to whom it was meant for."""
    from_desk = command.move == "dispatch" and case.state not in ("transferred", "escalated")
    return rules.proposed(case, command.class_code) if from_desk else case.unit


def _in_grid(case: Case, command: Command, rules: Rules) -> Update | Refusal:
    """A grid worker's own unit takes it, when it has one; else the case stays where it is."""
    unit = command.unit or command.actor.unit * (command.actor.role == "grid_worker")
    if not unit:
        return {}
    return _to(unit, rules) if rules.unit(unit) else _no_unit(unit)


def _whistled(case: Case, command: Command, rules: Rules) -> Update | Refusal:
    """The first unit whistled for leads, unless a unit whistles for others to help it."""
    units = tuple(dict.fromkeys(filter(None, (command.unit, *command.units))))
    for unit in units:
        if rules.unit(unit) is None:
            return _no_unit(unit)
    if command.quorum > len(units):
        detail = f"只吹哨 {len(units)} 家,不能要求 {command.quorum} 家报到(quorum)"
        return Refusal(code="field_missing", detail=detail)
    lead = {} if command.actor.role == "unit" else _to(units[0], rules)
    return {"whistled": units, "responded": (), "quorum": command.quorum, **lead}


def _escalated(case: Case, command: Command, rules: Rules) -> Update | Refusal:
    unit = command.unit or rules.desk_above(case.village, rules.level_of(case.unit))
    if rules.unit(unit) is None:
        return _no_unit(unit)
    return _to(unit, rules) | {"level_up": case.level_up + 1}


def _responded(case: Case, command: Command) -> Update | Refusal:
    unit = responder(command)
    if unit not in case.whistled:
        detail = f"须写明报到单位(unit),应为:{'、'.join(case.whistled)}"
        return Refusal(code="field_missing", detail=detail)
    return {"responded": tuple(dict.fromkeys((*case.responded, unit)))}


def _later(case: Case, command: Command, at: datetime) -> Update | Refusal:
    """A new time must lie ahead: of now for a review, of the due time for an extension."""
    new = command.review_at or case.review_at
    handle = next((d for d in case.deadlines if d.clock == "handle"), None)
    least = max(at, handle.due) if handle and command.move != "suspend" else at
    if new is None or new <= least:
        detail = f"{NEEDS['review_at']}(review_at)须晚于 {least.isoformat()}"
        return Refusal(code="field_missing", detail=detail)
    return {"review_at": None if command.move == "grant_extension" else new}


def _to(unit: str, rules: Rules) -> Update:
    return {"unit": unit, "unit_level": rules.level_of(unit)}


def _no_such_unit(command: Command, rules: Rules) -> Refusal | None:
    known = not command.unit or rules.unit(command.unit) is not None
    return None if known else _no_unit(command.unit)


def _no_unit(unit: str) -> Refusal:
    return Refusal(code="field_missing", detail=f"单位 {unit or '(空)'} 不存在(unit)")
