"""Whether a command may be done at all, and if not, why: in words for people, with a fixed code."""

from __future__ import annotations

from datetime import datetime, timedelta

from schemas.case import Case, Command, Move, Refusal, Role
from schemas.ids import village_of
from streams.core.disputes import HANDLED, dispute_holds, mediable, routed
from streams.core.moverow import Row
from streams.core.moves import (
    BY_MOVE,
    FINAL,
    MOVE_NAMES,
    MOVES,
    NEEDS,
    POSSIBLE,
    ROLES,
    STATES,
)
from streams.core.rules import Rules

FUTURE = timedelta(minutes=5)
REOPEN_WITHIN = timedelta(days=30)

#: events that say a device is ill, not that something happened: over when the device is well again
DEVICE_HEALTH: frozenset[str] = frozenset({
    "fire.fault", "fire.mains_fault", "fire.backup_fault", "fire.bus_fault", "fire.power_fault",
    "fire.link_fault", "fire.line_fault", "video.lost", "video.disk_full", "video.hot",
    "video.cold", "video.abnormal", "video.covered", "video.disk_fault", "video.fan_fault",
    "door.fault", "device.offline", "device.battery_low",
})  # fmt: skip


def permitted(case: Case | None, command: Command, rules: Rules, now: datetime) -> Row | Refusal:
    """The row of the table by which a command is done, or why it is not."""
    refused = _unseen(case, command) or _too_soon(command, now) or _elsewhere(case, command)
    if refused is None and case is not None:
        refused = _outdated(case, command) or _other_world(case, command)
    if refused is not None:
        return refused
    rows = BY_MOVE.get((command.move, case.state if case else None), ())
    row = next((r for r in rows if _holds(r, case, command, rules)), None)
    if row is None:
        assert case is not None, "a report has a row that holds always"
        return _impossible(case, command.move, rules)
    refused = _not_theirs(row, case, command) or _too_late(case, command)
    return refused or _incomplete(row, case, command, rules) or row


def responder(command: Command) -> str:
    """The unit that reports in: the actor's own, or the one an operator names."""
    return command.actor.unit if command.actor.role == "unit" else command.unit


def _unseen(case: Case | None, command: Command) -> Refusal | None:
    if case is not None:
        return None
    if command.move != "report":
        return Refusal(code="unknown_case", detail=f"案件 {command.case_no} 不存在")
    try:
        village_of(command.case_no)
    except ValueError:
        return Refusal(
            code="field_missing", detail=f"案件编号 {command.case_no!r} 不合规则(case_no)"
        )
    return None


def _too_soon(command: Command, now: datetime) -> Refusal | None:
    if command.at - now <= FUTURE:
        return None
    detail = f"操作时间 {command.at.isoformat()} 比当前时间晚 5 分钟以上,请校准时钟后重试"
    return Refusal(code="future_action", detail=detail)


def _elsewhere(case: Case | None, command: Command) -> Refusal | None:
    if case is not None:
        place = case.grid or case.village
    else:
        grid = command.report.grid if command.report else ""
        place = grid or village_of(command.case_no)
    if place.startswith(command.actor.area):
        return None
    detail = f"案件在 {place},不在本账号辖区 {command.actor.area} 内"
    return Refusal(code="not_allowed", detail=detail)


def _outdated(case: Case, command: Command) -> Refusal | None:
    expected = command.expected_version
    if expected is None or expected == case.version:
        return None
    return Refusal(
        code="stale_version",
        detail=f"案件已更新到第 {case.version} 版,您看到的是第 {expected} 版,请刷新后重试",
        possible=POSSIBLE[case.state],
    )


def _other_world(case: Case, command: Command) -> Refusal | None:
    report = command.report
    if report is None or (case.test, case.simulated) == (report.test, report.simulated):
        return None
    return Refusal(code="impossible_move", detail="演练、仿真与真实上报不能并入同一案件")


def _holds(row: Row, case: Case | None, command: Command, rules: Rules) -> bool:
    match row.when:
        case "":
            return True
        case "routed":
            return command.report is None or routed(command.report, rules)
        case "in_grid" | "whistled":
            return _planned(command, rules) == {"in_grid": "grid", "whistled": "whistle"}[row.when]
        case "all_responded":
            return case is not None and _enough(case, responder(command))
        case "device_health":
            return (
                case is not None
                and case.event_code in DEVICE_HEALTH
                and not case.emergency
                and not case.reporter
                and (command.report is None or command.report.device_id in ("", case.device_id))
            )
        case "unresolved":
            return case is not None and case.resolved is False
        case "lead":
            return command.report is not None and bool(command.report.lead)
        case "hazard":
            return command.found is True
        case "critical_mark":
            grade = command.grade or 4
            return case is not None and command.mark == "confirmed" and min(grade, case.grade) == 1
        case "told_mark":
            return command.mark in ("confirmed", "flapping")
        case _:
            return dispute_holds(row.when, case, command, rules)


def _enough(case: Case, unit: str) -> bool:
    """Whether the quorum of a whistle has reported in once ``unit`` has."""
    here = set(case.whistled) & {*case.responded, unit}
    return len(here) >= (case.quorum or len(case.whistled))


def _planned(command: Command, rules: Rules) -> str:
    """How the row of routes.tsv behind a report wants it handled; "" when it did not decide."""
    report = command.report
    if report is None or not routed(report, rules):
        return ""
    plan = rules.plan(report, village_of(command.case_no), command.at)
    return plan.action if plan else ""


def offered(case: Case, rules: Rules, role: Role | None = None) -> tuple[Move, ...]:
    """Moves that make sense for a case as it is, of a role or of people at all, in the table's
    order. What only a command decides (a quorum, a finding) is left open.
    """
    rows = [
        row for row in MOVES
        if case.state in row.frm and "report" not in row.needs and _open_to(row, role)
        and _makes_sense(row, case, rules)
    ]  # fmt: skip
    return tuple(dict.fromkeys(row.on for row in rows))


def _open_to(row: Row, role: Role | None) -> bool:
    return role in row.who if role else row.who not in (("system",), ("timer",))


def _makes_sense(row: Row, case: Case, rules: Rules) -> bool:
    match row.when:
        case "mediable":
            return mediable(case, "", rules)
        case "rechecked":
            return case.resolved is not None
        case "was_dispute":
            return case.field != ""
        case _:
            return True


def _impossible(case: Case, move: Move, rules: Rules) -> Refusal:
    possible = offered(case, rules)
    why = f",已并入 {case.merged_into}" if case.state == "merged" else ""
    if move == "to_mediation" and any(case.state in r.frm for r in MOVES if r.on == move):
        why = f",{_no_dispute(case, rules)}"
    names = "、".join(MOVE_NAMES[one] for one in possible)
    return Refusal(
        code="closed" if case.state in FINAL else "impossible_move",
        detail=f"案件处于“{STATES[case.state]}”{why},不能“{MOVE_NAMES[move]}”;现在可以:{names}",
        possible=possible,
    )


def _no_dispute(case: Case, rules: Rules) -> str:
    """Why a case may not be brought to mediation."""
    if case.emergency and case.state not in HANDLED:
        return "特急须先签收处置"
    known = rules.profile.taxonomy.get(case.class_code)
    return f"类别“{known.name if known else '未定'}”不是可调处的纠纷(可随操作更正 class_code)"


def _not_theirs(row: Row, case: Case | None, command: Command) -> Refusal | None:
    actor = command.actor
    if actor.role not in row.who:
        roles = "、".join(ROLES[role] for role in row.who)
        detail = f"“{MOVE_NAMES[row.on]}”须由{roles}操作,当前身份是{ROLES[actor.role]}"
        return Refusal(code="not_allowed", detail=detail)
    if case is None or actor.role != "unit":
        return None
    if actor.unit and actor.unit in (case.unit, *case.whistled):
        return None
    detail = f"案件由 {case.unit} 承办,本账号单位是 {actor.unit or '(未设)'}"
    return Refusal(code="not_allowed", detail=detail)


def _too_late(case: Case | None, command: Command) -> Refusal | None:
    if case is None or command.move != "reopen" or case.closed_at is None:
        return None
    if command.at - case.closed_at <= REOPEN_WITHIN:
        return None
    detail = f"结案已超过 {REOPEN_WITHIN.days} 天,不能重开,请另行上报"
    return Refusal(code="impossible_move", detail=detail)


def _incomplete(row: Row, case: Case | None, command: Command, rules: Rules) -> Refusal | None:
    """The first thing a row needs that the command does not bring."""
    for need in row.needs:
        value = getattr(command, need)
        if need == "unit" and row.on == "whistle":
            value = command.unit or command.units
        if need == "unit" and row.on == "dispatch" and case is not None:
            meant = rules.proposed(case, command.class_code)
            value = command.unit or ("" if case.state == "escalated" else meant)
        if isinstance(value, str):
            value = value.strip()
        if value is None or value in ("", ()):
            return Refusal(
                code="reason_missing" if need == "reason" else "field_missing",
                detail=f"“{MOVE_NAMES[row.on]}”须填写{NEEDS[need]}({need})",
            )
    return None
