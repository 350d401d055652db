"""Whether a command may be done at all, and if not, why: in words for people, with a fixed code."""

from __future__ import annotations

from datetime import datetime, timedelta

from schemas.case import Case, Command, Move, Refusal, Report, State
from schemas.ids import village_of
from streams.core.moves import (
    BY_MOVE,
    FINAL,
    MOVE_NAMES,
    MOVES,
    NEEDS,
    POSSIBLE,
    ROLES,
    STATES,
    Row,
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
        return _impossible(case, command.move)
    refused = _not_theirs(row, case, command) or _too_late(case, command)
    return refused or _incomplete(row, command) or row


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
            return command.report is None or _routed(command.report, rules)
        case "all_responded":
            return case is not None and _enough(case, responder(command))
        case "device_health":
            return (
                case is not None
                and case.event_code in DEVICE_HEALTH
                and not case.emergency
                and not case.reporter
            )
        case "unresolved":
            return case is not None and case.resolved is False


def _enough(case: Case, unit: str) -> bool:
    """Whether the quorum of a whistle has reported in once ``unit`` has."""
    here = set(case.whistled) & {*case.responded, unit}
    return len(here) >= (case.quorum or len(case.whistled))


def _routed(report: Report, rules: Rules) -> bool:
    """Whether a report goes straight to a unit: class sure, unit known. Devices class by table."""
    sure = bool(report.event_code) or report.confidence >= rules.profile.station.triage_confidence
    return sure and report.class_code != "" and rules.unit(report.unit) is not None


def _impossible(case: Case, move: Move) -> Refusal:
    possible = _by_people(case.state)
    names = "、".join(MOVE_NAMES[one] for one in possible)
    return Refusal(
        code="closed" if case.state in FINAL else "impossible_move",
        detail=f"案件处于“{STATES[case.state]}”,不能“{MOVE_NAMES[move]}”;现在可以:{names}",
        possible=possible,
    )


def _by_people(state: State) -> tuple[Move, ...]:
    return tuple(
        move
        for move in POSSIBLE[state]
        if any(r.on == move and state in r.frm and r.who != ("system",) for r in MOVES)
    )


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


def _incomplete(row: Row, command: Command) -> Refusal | None:
    """The first thing a row needs that the command does not bring."""
    for need in row.needs:
        value = getattr(command, need)
        if need == "unit" and row.on == "whistle":
            value = command.unit or command.units
        if isinstance(value, str):
            value = value.strip()
        if value in (None, "", ()):
            return Refusal(
                code="reason_missing" if need == "reason" else "field_missing",
                detail=f"“{MOVE_NAMES[row.on]}”须填写{NEEDS[need]}({need})",
            )
    return None
