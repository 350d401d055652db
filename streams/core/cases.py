"""A command meets a case: what happens. The one place where a case changes.

``apply`` is a plain function: the same case, command, rules and time always give the same change.
It never fires a light early: the writer's own ``now`` decides, whatever the timer says.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from schemas.case import Case, Change, Clock, Command, Deadline, Refusal, Report, Stage, State
from schemas.ids import change_id, village_of
from streams.core import deadlines as clocks
from streams.core.moves import BY_MOVE, CLOCKS, FINAL, MOVE_NAMES, NEEDS, POSSIBLE, ROLES, STATES
from streams.core.moves import Row as Row
from streams.core.rules import ABOVE
from streams.core.rules import Rules as Rules

Applied = Change | Refusal | None
Update = dict[str, Any]

FUTURE = timedelta(minutes=5)
REOPEN_WITHIN = timedelta(days=30)
KEPT = 50  # ids a case keeps of commands, alerts, events

#: events that say a device is ill, not that something happened: over when the device is well again
DEVICE_HEALTH: frozenset[str] = frozenset({
    "fire.fault", "fire.mains_fault", "fire.backup_fault", "fire.bus_fault", "fire.power_fault",
    "fire.link_fault", "fire.line_fault", "video.lost", "video.disk_full", "video.hot", "video.cold",
    "video.abnormal", "video.covered", "video.disk_fault", "video.fan_fault", "door.fault",
    "device.offline", "device.battery_low",
})  # fmt: skip


def apply(
    case: Case | None, command: Command, rules: Rules, now: datetime, command_offset: int = -1
) -> Applied:
    """What a command does to a case at ``now`` (aware): the change, why not, or ``None`` when it
    had been done before. A ``report`` for a case that exists joins it (``attach``).
    """
    if case is not None and command.move == "report":
        command = command.model_copy(update={"move": "attach"})
    if case is not None and _done_before(case, command):
        return None
    refused = _barred(case, command, now)
    if refused:
        return refused
    row = _row(case, command, rules)
    if isinstance(row, Refusal):
        return row
    refused = _incomplete(row, command) or _other_world(case, command)
    if refused:
        return refused
    if case is None:
        return _open(row, command, rules, now, command_offset)
    if command.move == "overdue":
        return _light(case, command, now, command_offset)
    return _move(case, row, command, rules, now, command_offset)


def _done_before(case: Case, command: Command) -> bool:
    if command.command_id in case.commands:
        return True
    if command.move == "attach" and command.report is not None:
        return command.report.event_id in case.event_ids
    if command.move == "acknowledge":
        return command.alert_id in case.acknowledged
    return False


# who may, when, from where


def _barred(case: Case | None, command: Command, now: datetime) -> Refusal | None:
    """Reasons not to look any further: unknown case, the future, another's area, an old version."""
    if case is None and command.move != "report":
        return Refusal(code="unknown_case", detail=f"案件 {command.case_no} 不存在")
    if command.at - now > FUTURE:
        return Refusal(
            code="future_action",
            detail=f"操作时间 {command.at.isoformat()} 晚于当前时间 5 分钟以上",
        )
    place = _place(case, command)
    if not place.startswith(command.actor.area):
        return Refusal(
            code="not_allowed", detail=f"案件在 {place},不在本账号辖区 {command.actor.area} 内"
        )
    expected = command.expected_version
    if case is not None and expected is not None and expected != case.version:
        return Refusal(
            code="stale_version",
            detail=f"案件已更新到第 {case.version} 版,您看到的是第 {expected} 版,请刷新后重试",
            possible=POSSIBLE[case.state],
        )
    return None


def _place(case: Case | None, command: Command) -> str:
    if case is not None:
        return case.grid or case.village
    grid = command.report.grid if command.report else ""
    return grid or village_of(command.case_no)


def _row(case: Case | None, command: Command, rules: Rules) -> Row | Refusal:
    """The row of the table that decides, or why there is none."""
    rows = BY_MOVE.get((command.move, case.state if case else None), ())
    row = next((r for r in rows if _holds(r, case, command, rules)), None)
    if row is None:
        assert case is not None, "the table's last report row holds always"
        return _impossible(case, command)
    if command.actor.role not in row.who:
        return Refusal(
            code="not_allowed",
            detail=f"“{MOVE_NAMES[row.on]}”须由{_or(ROLES[r] for r in row.who)}操作,"
            f"当前身份是{ROLES[command.actor.role]}",
        )
    if case is not None and command.actor.role == "unit" and not _its_own(case, command):
        return Refusal(
            code="not_allowed",
            detail=f"案件由 {case.unit} 承办,不是 {command.actor.unit or '本单位'}",
        )
    if case is not None and command.move == "reopen" and case.closed_at is not None \
            and command.at - case.closed_at > REOPEN_WITHIN:  # fmt: skip
        return Refusal(
            code="impossible_move", detail=f"结案已超过 {REOPEN_WITHIN.days} 天,不能重开,请另行上报"
        )
    return row


def _holds(row: Row, case: Case | None, command: Command, rules: Rules) -> bool:
    match row.when:
        case "":
            return True
        case "routed":
            return command.report is None or _routed(command.report, rules)
        case "all_responded":
            assert case is not None
            return set(case.whistled) <= {*case.responded, _responder(command)}
        case "device_health":
            assert case is not None
            return case.event_code in DEVICE_HEALTH and not case.emergency and not case.reporter
        case "unresolved":
            return case is not None and case.resolved is False


def _routed(report: Report, rules: Rules) -> bool:
    """Whether a report goes straight to a unit: class sure, unit known. Devices class by table."""
    sure = bool(report.event_code) or report.confidence >= rules.profile.station.triage_confidence
    return sure and report.class_code != "" and rules.unit(report.unit) is not None


def _responder(command: Command) -> str:
    return command.unit if command.actor.role != "unit" else command.actor.unit


def _its_own(case: Case, command: Command) -> bool:
    return bool(command.actor.unit) and command.actor.unit in (case.unit, *case.whistled)


def _impossible(case: Case, command: Command) -> Refusal:
    possible = POSSIBLE[case.state]
    return Refusal(
        code="closed" if case.state in FINAL else "impossible_move",
        detail=f"案件处于“{STATES[case.state]}”,不能“{MOVE_NAMES[command.move]}”;"
        f"现在可以:{'、'.join(MOVE_NAMES[m] for m in possible)}",
        possible=possible,
    )


def _incomplete(row: Row, command: Command) -> Refusal | None:
    """The first thing a row needs that the command does not bring."""
    for need in row.needs:
        value = getattr(command, need)
        if need == "unit" and row.on == "whistle":
            value = command.unit or command.units
        if value is None or value == "" or value == () or (need == "reason" and not value.strip()):
            return Refusal(
                code="reason_missing" if need == "reason" else "field_missing",
                detail=f"“{MOVE_NAMES[row.on]}”须填写{NEEDS[need]}({need})",
            )
    return None


def _other_world(case: Case | None, command: Command) -> Refusal | None:
    report = command.report
    if case is None or report is None:
        return None
    if (case.test, case.simulated) == (report.test, report.simulated):
        return None
    return Refusal(code="impossible_move", detail="演练、仿真与真实上报不能并入同一案件")


# what happens


def _open(row: Row, command: Command, rules: Rules, now: datetime, offset: int) -> Change:
    report = command.report
    assert report is not None
    at = min(command.at, now)
    village = village_of(command.case_no)
    routed = row.to == "dispatched"
    unit = report.unit if routed else rules.desk(village, "county")
    case = Case(
        case_no=command.case_no,
        village=village,
        version=1,
        state="dispatched" if routed else "reported",
        class_code=report.class_code,
        grade=report.grade,
        emergency=report.emergency,
        title=report.title,
        text=report.text,
        channel=report.channel,
        grid=report.grid,
        building=report.building,
        lon=report.lon,
        lat=report.lat,
        device_id=report.device_id,
        event_code=report.event_code,
        unit=unit,
        unit_level=report.unit_level or rules.level_of(unit) if routed else rules.level_of(unit),
        route=report.route if routed else "",
        opened_at=at,
        updated_at=at,
        event_ids=(report.event_id,),
        commands=(command.command_id,),
        reporter=report.reporter,
        test=report.test,
        simulated=report.simulated,
    )
    running = tuple(clocks.start_clock(rules, case, clock, at, 1) for clock in row.start)
    tells = ("emergency",) if report.emergency else row.tells
    return Change(
        change_id=change_id(case.case_no, 1),
        command_id=command.command_id,
        move="report",
        from_state=None,
        at=at,
        actor=command.actor,
        reason=command.reason,
        event_id=report.event_id,
        tells=tells,
        command_offset=offset,
        case=case.model_copy(update={"deadlines": running}),
    )


def _move(
    case: Case, row: Row, command: Command, rules: Rules, now: datetime, offset: int
) -> Applied:
    at = max(min(command.at, now), case.updated_at)
    version = case.version + 1
    extra = _effects(case, row, command, rules, at)
    if isinstance(extra, Refusal):
        return extra
    to: State = case.state
    if row.to == "back":
        to = case.back_to or "dispatched"
    elif row.to != "same":
        to = row.to
    update: Update = {"version": version, "state": to, "updated_at": at, **extra}
    if command.move != "attach":  # a storm of events must not push out what people did
        update["commands"] = _kept(case.commands, command.command_id)
    after = case.model_copy(update=update)
    running = _run(case, after, row, command, rules, at)
    tells = row.tells
    if after.emergency and not case.emergency:
        tells = ("emergency",)
    if isinstance(running, Refusal):
        return running
    return Change(
        change_id=change_id(case.case_no, version),
        command_id=command.command_id,
        move=command.move,
        from_state=case.state,
        at=at,
        actor=command.actor,
        reason=command.reason,
        event_id=command.report.event_id if command.report else "",
        alert_id=command.alert_id,
        satisfaction=command.satisfaction,
        resolved=command.resolved,
        tells=tells,
        command_offset=offset,
        case=after.model_copy(update={"deadlines": running, "light": clocks.light(running)}),
    )


def _run(
    case: Case, after: Case, row: Row, command: Command, rules: Rules, at: datetime
) -> tuple[Deadline, ...] | Refusal:
    """The clocks after a move."""
    version = after.version
    graver = after.grade < case.grade or (after.emergency and not case.emergency)
    running: list[Deadline] = []
    for one in case.deadlines:
        if one.clock in row.stop:
            continue
        if one.clock in row.pause:
            one = clocks.pause(one, at)
        elif one.clock in row.resume:
            one = clocks.resume(rules, one, at, version)
        elif command.move == "grant_extension" and one.clock == "handle":
            due = command.review_at or case.review_at
            assert due is not None, "an extension is asked for with its new due time"
            one = clocks.extend(rules, one, due, at, version)
        elif graver:
            one = clocks.tighten(rules, after, one, at, version)
        running.append(one)
    have = {one.clock for one in running}
    for clock in row.start:
        if clock in have:
            continue
        if row.on == "suspend" and command.review_at is not None:
            running.append(clocks.fixed_clock(rules, after, clock, at, command.review_at, version))
        else:
            running.append(clocks.start_clock(rules, after, clock, at, version))
    return tuple(running)


def _effects(
    case: Case, row: Row, command: Command, rules: Rules, at: datetime
) -> Update | Refusal:
    """What a move changes beside state and clocks."""
    match command.move:
        case "attach":
            return _attached(case, command)
        case "register":
            return _classed(case, command, rules)
        case "dispatch" | "transfer":
            return _assigned(case, command, rules)
        case "grant_return":
            desk = rules.desk(case.village, "county")
            return {"unit": desk, "unit_level": rules.level_of(desk), "back_to": None}
        case "request_return":
            return {"back_to": case.state}
        case "refuse_return":
            return {"back_to": None}
        case "whistle":
            return _whistled(command, rules)
        case "respond":
            return _responded(case, command)
        case "request_extension" | "grant_extension" | "suspend":
            return _later(case, command, at)
        case "refuse_extension" | "resume":
            return {"review_at": None}
        case "escalate":
            level = rules.level_of(case.unit, _level(case))
            unit = command.unit or rules.desk(case.village, ABOVE[level])
            if rules.unit(unit) is None:
                return _unknown_unit(unit)
            return {"unit": unit, "unit_level": rules.level_of(unit), "level_up": case.level_up + 1}
        case "merge":
            if command.merged_into == case.case_no:
                return Refusal(code="impossible_move", detail="案件不能并入自己")
            return {"merged_into": command.merged_into, "closed_at": at}
        case "send_back":
            return {"rework": case.rework + 1, "resolved": None, "satisfaction": None}
        case "follow_up":
            return {"resolved": command.resolved, "satisfaction": command.satisfaction}
        case "close":
            return {"closed_at": at}
        case "reopen":
            desk = rules.desk(case.village, "county")
            return {
                "closed_at": None, "resolved": None, "satisfaction": None,
                "unit": desk, "unit_level": rules.level_of(desk),
            }  # fmt: skip
        case "acknowledge":
            return {"acknowledged": _kept(case.acknowledged, command.alert_id)}
        case _:
            return {}


def _attached(case: Case, command: Command) -> Update:
    report = command.report
    assert report is not None
    first, last = case.event_ids[: KEPT // 2], case.event_ids[KEPT // 2 :]
    return {
        "events": case.events + 1,
        "event_ids": (*first, *_kept(last, report.event_id, KEPT - KEPT // 2))
        if len(first) == KEPT // 2
        else (*first, report.event_id),
        "grade": min(case.grade, report.grade),
        "emergency": case.emergency or report.emergency,
    }


def _classed(case: Case, command: Command, rules: Rules) -> Update | Refusal:
    """A person's correction of the class; the grade follows it, but never eases an emergency."""
    if not command.class_code:
        return {}
    known = rules.profile.taxonomy.get(command.class_code)
    if known is None:
        return Refusal(
            code="field_missing", detail=f"事项编码 {command.class_code} 不存在(class_code)"
        )
    grade = min(case.grade, known.grade) if case.emergency else known.grade
    return {"class_code": command.class_code, "grade": grade}


def _assigned(case: Case, command: Command, rules: Rules) -> Update | Refusal:
    unit = command.unit or case.unit
    row = rules.unit(unit)
    if row is None:
        return _unknown_unit(unit)
    classed = _classed(case, command, rules)
    if isinstance(classed, Refusal):
        return classed
    return {"unit": unit, "unit_level": row.level, "back_to": None, **classed}


def _whistled(command: Command, rules: Rules) -> Update | Refusal:
    units = tuple(dict.fromkeys(filter(None, (command.unit, *command.units))))
    for unit in units:
        if rules.unit(unit) is None:
            return _unknown_unit(unit)
    return {"whistled": units, "responded": ()}


def _responded(case: Case, command: Command) -> Update | Refusal:
    unit = _responder(command)
    if unit not in case.whistled:
        return Refusal(
            code="field_missing", detail=f"须写明报到单位(unit),应为:{'、'.join(case.whistled)}"
        )
    return {"responded": tuple(dict.fromkeys((*case.responded, unit)))}


def _later(case: Case, command: Command, at: datetime) -> Update | Refusal:
    """A new time must lie ahead: of now for a review, of the due time for an extension."""
    new = command.review_at or case.review_at
    handle = next((d for d in case.deadlines if d.clock == "handle"), None)
    least = max(at, handle.due) if handle and command.move != "suspend" else at
    if new is None or new <= least:
        return Refusal(
            code="field_missing",
            detail=f"{NEEDS['review_at']}(review_at)须晚于 {least.isoformat()}",
        )
    return {"review_at": None if command.move == "grant_extension" else new}


def _unknown_unit(unit: str) -> Refusal:
    return Refusal(code="field_missing", detail=f"单位 {unit or '(空)'} 不存在(unit)")


# lights


def _light(case: Case, command: Command, now: datetime, offset: int) -> Applied:
    """Yellow, red or escalation of a running clock; red takes an unshown yellow along."""
    one = next((d for d in case.deadlines if d.clock == command.clock), None)
    stage = command.stage
    if one is None or stage is None or one.paused_at is not None:
        return _stale("时钟已停")
    if one.version != command.clock_version:
        return _stale(f"时钟已是第 {one.version} 版")
    if stage in one.fired:
        return None
    if stage == "yellow" and now >= one.due:
        stage = "red"
    if stage == "escalate" and "red" not in one.fired:
        return _stale("尚未亮红灯")
    when = clocks.planned(one, stage)
    if when is None or now < when or stage in one.fired:
        return _stale("未到时间")
    fired: tuple[Stage, ...] = ("yellow", "red") if stage == "red" else (*one.fired, stage)
    late = now - when
    version = case.version + 1
    running = tuple(
        d.model_copy(update={"fired": fired}) if d.clock == one.clock else d for d in case.deadlines
    )
    return Change(
        change_id=change_id(case.case_no, version),
        command_id=command.command_id,
        move="overdue",
        from_state=case.state,
        at=max(now, case.updated_at),
        actor=command.actor,
        clock=one.clock,
        stage=stage,
        late_seconds=int(late.total_seconds()) if late > clocks.LATE_AFTER else 0,
        tells=("escalated" if stage == "escalate" else stage,),
        command_offset=offset,
        case=case.model_copy(
            update={
                "version": version,
                "updated_at": max(now, case.updated_at),
                "deadlines": running,
                "light": clocks.light(running),
                "level_up": case.level_up + (stage == "escalate"),
            }
        ),
    )


def _stale(why: str) -> Refusal:
    return Refusal(code="stale_timer", detail=f"计时已过期:{why}")


def _level(case: Case) -> Any:
    return case.unit_level or "county"


def _kept(ids: tuple[str, ...], new: str, most: int = KEPT) -> tuple[str, ...]:
    return (*ids, new)[-most:]


def _or(words: Any) -> str:
    return "、".join(words)


__all__ = ["DEVICE_HEALTH", "REOPEN_WITHIN", "Applied", "Clock", "CLOCKS", "Rules", "apply"]
