"""A command meets a case: what happens. The one place where a case changes.

``apply`` is a plain function: the same case, command, rules and time always give the same change.
It never shows a light early: the writer's own ``now`` decides, whatever the timer says.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from schemas.case import (
    Actor,
    AlertKind,
    Case,
    Change,
    Clock,
    Command,
    Deadline,
    Refusal,
    Stage,
    State,
)
from schemas.ids import change_id, command_id, village_of
from streams.core import deadlines as clocks
from streams.core.effects import effects, kept
from streams.core.incidents import Found
from streams.core.moverow import Row
from streams.core.permits import permitted
from streams.core.rebasing import rebase, recount
from streams.core.rules import Rules

#: whom a light tells: a light shown again is that light
TELLS: dict[Stage, AlertKind] = {
    "yellow": "yellow", "remind": "yellow", "red": "red", "escalate": "escalated", "again": "red",
}  # fmt: skip
Applied = Change | Refusal | None
SAME_TIME = timedelta(minutes=1)  # between what a source says and when its report came


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
    row = permitted(case, command, rules, now)
    if isinstance(row, Refusal):
        return row
    if case is None:
        return _open(row, command, rules, now, command_offset)
    if command.move == "overdue":
        return _light(case, command, now, command_offset)
    return _move(case, row, command, rules, now, command_offset)


def aimed(command: Command, found: Found) -> Command:
    """A report's command, sent where its report belongs."""
    if found.joins is not None:
        joins = {"case_no": found.joins, "move": "attach", "urge": found.urge}
        return command.model_copy(update=joins | {"reason": command.reason or found.why})
    return command.model_copy(update={"similar": found.similar, "repeats": found.repeats})


def own_again(command: Command) -> Command:
    """What opens the own case of a report that is taken out of another (``unmerge``)."""
    assert command.report is not None
    return Command(
        command_id=command_id(command.command_id, "report", command.distinct_from),
        case_no=command.distinct_from,
        move="report",
        at=command.at,
        actor=Actor(role="system", id="unmerge"),
        reason=f"拆出自 {command.case_no}:{command.reason}",
        report=command.report,
    )


def _done_before(case: Case, command: Command) -> bool:
    if command.command_id in case.commands:
        return True
    if command.move == "attach" and command.report is not None:
        return command.report.event_id in (*case.event_ids, *case.distinct)
    if command.move == "acknowledge":
        return command.alert_id in case.acknowledged
    return False


def _open(row: Row, command: Command, rules: Rules, now: datetime, offset: int) -> Change:
    report = command.report
    assert report is not None, "the rows of a report need one"
    at = min(command.at, now)
    village = village_of(command.case_no)
    routed = row.to not in ("reported", "found")
    plan = rules.plan(report, village, command.at) if row.to == "whistle" else None
    unit = report.unit if routed else rules.desk(village, "county")
    field = rules.dispute(report.class_code) if row.to == "found" else None
    case = Case(
        case_no=command.case_no,
        village=village,
        version=1,
        state=_target(None, row),
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
        unit_level=rules.level_of(unit),
        route=report.route if routed else "",
        meant="" if routed else report.meant or report.unit,
        opened_at=at,
        updated_at=at,
        event_ids=(report.event_id,),
        commands=(command.command_id,),
        whistled=plan.whistled if plan else (),
        reporter=report.reporter,
        place=rules.places.called(report.text or report.title),
        top3=tuple(code for code in report.top3 if code != report.class_code),
        occurred_at=report.occurred_at if abs(report.occurred_at - at) > SAME_TIME else None,
        similar=command.similar,
        repeats=command.repeats,
        field=field.field if field else "",
        batch=report.lead,
        rules=rules.version,
        test=report.test,
        simulated=report.simulated,
    )
    start: tuple[Clock, ...] = (*row.start, *(("acknowledge",) if report.emergency else ()))
    running = tuple(
        clocks.fixed_clock(rules, case, clock, at, command.review_at, 1)
        if clock == "check" and command.review_at
        else clocks.start_clock(rules, case, clock, at, 1)
        for clock in start
    )
    return Change(
        change_id=change_id(case.case_no, 1),
        command_id=command.command_id,
        move="report",
        from_state=None,
        at=at,
        actor=command.actor,
        reason=command.reason,
        event_id=report.event_id,
        tells=("emergency",) if report.emergency else row.tells,
        command_offset=offset,
        started=start,
        case=case.model_copy(update={"deadlines": running}),
    )


def _move(
    case: Case, row: Row, command: Command, rules: Rules, now: datetime, offset: int
) -> Applied:
    at = max(min(command.at, now), case.updated_at)
    update = effects(case, command, rules, at)
    if isinstance(update, Refusal):
        return update
    update |= {"version": case.version + 1, "state": _target(case, row), "updated_at": at}
    if command.move != "attach":  # a storm of events must not push out what people did
        update["commands"] = kept(case.commands, command.command_id)
    after = case.model_copy(update=update)
    running = _clocks(case, after, row, command, rules, at)
    before, after_it = _names(case.deadlines), _names(running)
    newly_urgent = after.emergency and not case.emergency
    return Change(
        change_id=change_id(case.case_no, after.version),
        command_id=command.command_id,
        move=command.move,
        from_state=case.state,
        at=at,
        actor=command.actor,
        reason=command.reason,
        event_id=command.report.event_id if command.report else "",
        alert_id=command.alert_id,
        mark=command.mark,
        satisfaction=command.satisfaction,
        resolved=command.resolved,
        found=command.found,
        tells=("emergency",) if newly_urgent else row.tells,
        command_offset=offset,
        from_unit=case.unit if case.unit != after.unit else "",
        started=tuple(
            d.clock for d in running if (d.clock, d.item) not in before or d.clock in row.stop
        ),
        ended=tuple(
            clocks.ended(rules, d, at)
            for d in case.deadlines
            if d.clock in row.stop or (d.clock, d.item) not in after_it
        ),
        case=after.model_copy(update={"deadlines": running, "light": clocks.light(running)}),
    )


def _target(case: Case | None, row: Row) -> State:
    if row.to == "same":
        assert case is not None, "a case that opens goes somewhere"
        return case.state
    if row.to == "back":
        return (case and case.back_to) or "dispatched"
    return row.to


def _names(running: Iterable[Deadline]) -> set[tuple[Clock, str]]:
    return {(one.clock, one.item) for one in running}


def _clocks(
    case: Case, after: Case, row: Row, command: Command, rules: Rules, at: datetime
) -> tuple[Deadline, ...]:
    """The clocks after a move: stopped, paused, moved, started as the row says."""
    version = after.version
    review_at = command.review_at or case.review_at
    graver = after.grade < case.grade or (after.emergency and not case.emergency)
    running: list[Deadline] = []
    for one in case.deadlines:
        if one.clock in row.stop:
            continue
        if row.on == "perform" and (one.clock, one.item) == ("perform", command.obligation):
            continue
        if one.clock in row.pause:
            one = clocks.pause(one, at)
        elif one.clock in row.resume:
            one = clocks.resume(rules, one, at, version)
        elif row.on == "grant_extension" and one.clock == "handle" and review_at:
            one = clocks.extend(rules, one, review_at, at, version)
        elif row.on == "rebase":
            one = rebase(rules, after, one, at, version)
        elif row.on == "recount":
            one = recount(rules, after, one, at, version)
        elif graver and row.on in ("attach", "absorb", "mark"):
            one = clocks.tighten(rules, after, one, at, version)
        running.append(one)
    have = {one.clock for one in running}
    urgent = after.emergency and not case.emergency
    for clock in (*row.start, *(("acknowledge",) if urgent else ())):
        if clock in have:  # a clock that runs is not set back by starting it again
            continue
        if clock == "perform":
            running += [
                clocks.fixed_clock(rules, after, clock, at, one.due, version, one.item)
                for one in after.obligations
            ]
        elif row.on == "suspend" and review_at:
            running.append(clocks.fixed_clock(rules, after, clock, at, review_at, version))
        else:
            running.append(clocks.start_clock(rules, after, clock, at, version))
    return tuple(running)


def _light(case: Case, command: Command, now: datetime, offset: int) -> Applied:
    """Yellow, red or escalation of a running clock; red takes an unshown yellow along."""
    of = (command.clock, command.item)
    one = next((d for d in case.deadlines if (d.clock, d.item) == of), None)
    stage = command.stage
    if one is None or stage is None or one.paused_at is not None:
        return _stale("时钟已停")
    if one.version != command.clock_version:
        return _stale(f"时钟已是第 {one.version} 版")
    if stage in one.fired:
        return None
    if stage == "remind" and set(one.fired) != {"yellow"}:
        return _stale("不在黄灯")
    if stage in ("yellow", "remind") and now >= one.due:
        stage = "red"
    if stage in ("escalate", "again") and "red" not in one.fired:
        return _stale("尚未亮红灯")
    when = clocks.planned(one, stage)
    if when is None or now < when:
        return _stale("未到时间")
    late = now - when
    at = max(now, case.updated_at)
    running = tuple(
        clocks.shown(d, stage, now, case.version + 1) if d is one else d for d in case.deadlines
    )
    update = {
        "version": case.version + 1,
        "updated_at": at,
        "deadlines": running,
        "light": clocks.light(running),
        "level_up": case.level_up + (stage == "escalate"),
    }
    return Change(
        change_id=change_id(case.case_no, case.version + 1),
        command_id=command.command_id,
        move="overdue",
        from_state=case.state,
        at=at,
        actor=command.actor,
        clock=one.clock,
        item=one.item,
        stage=stage,
        late_seconds=int(late.total_seconds()) if late > clocks.LATE_AFTER else 0,
        tells=(TELLS[stage],),
        command_offset=offset,
        case=case.model_copy(update=update),
    )


def _stale(why: str) -> Refusal:
    return Refusal(code="stale_timer", detail=f"计时已过期:{why}")
