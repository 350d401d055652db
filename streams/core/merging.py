"""What a merge asks of the case that takes another one in, and what it brings to it.

A merged case is over: its clocks stop, and whatever still comes for it goes to its parent. So the
parent has to be there, open, and itself not merged; and it becomes as grave as what it took in.
"""

from __future__ import annotations

from schemas.case import Case, Command, Refusal, Report
from schemas.ids import command_id
from streams.core.moves import FINAL, STATES


def absorbing(child: Case, parent: Case | None, merge: Command) -> Command | Refusal:
    """The command that brings a merged case to its parent, or why that parent will not do."""
    number = merge.merged_into
    if parent is None:
        return Refusal(code="field_missing", detail=f"主案 {number} 不存在(merged_into)")
    if parent.state == "merged":
        detail = f"主案 {number} 已并入 {parent.merged_into},请直接并入该案(merged_into)"
        return Refusal(code="impossible_move", detail=detail)
    if parent.state in FINAL:
        detail = f"主案 {number} 已处于“{STATES[parent.state]}”,不能再并入案件(merged_into)"
        return Refusal(code="impossible_move", detail=detail)
    if (parent.test, parent.simulated) != (child.test, child.simulated):
        detail = "演练、仿真与真实案件不能并案(merged_into)"
        return Refusal(code="impossible_move", detail=detail)
    return Command(
        command_id=command_id(merge.command_id, "absorb", number),
        case_no=number,
        move="absorb",
        at=merge.at,
        actor=merge.actor,
        reason=f"并入 {child.case_no}",
        report=_first_report(child),
        brings=child.events,
    )


def releasing(child: Case, unmerge: Command) -> Command:
    """The command that takes a case back out of the one it had been merged into."""
    return Command(
        command_id=command_id(unmerge.command_id, "release", child.merged_into),
        case_no=child.merged_into,
        move="unmerge",
        at=unmerge.at,
        actor=unmerge.actor,
        reason=f"拆出 {child.case_no}:{unmerge.reason}",
        report=_first_report(child),
        brings=child.events,
        distinct_from=child.case_no,
    )


def _first_report(case: Case) -> Report:
    return Report(
        event_id=case.event_ids[0] if case.event_ids else case.case_no,
        channel=case.channel,
        occurred_at=case.occurred_at or case.opened_at,
        ingested_at=case.opened_at,
        title=case.title,
        device_id=case.device_id,
        event_code=case.event_code,
        class_code=case.class_code,
        grade=case.grade,
        emergency=case.emergency,
        grid=case.grid,
        building=case.building,
        lon=case.lon,
        lat=case.lat,
        unit=case.unit,
        reporter=case.reporter,
        test=case.test,
        simulated=case.simulated,
    )
