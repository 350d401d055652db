"""The commands behind changes, as far as the changes tell: what people and sources did to a case.

Lights are left out: they follow from the clocks. What a change does not keep and nothing after it
depends on (texts, who urged) stays empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from schemas.case import Case, Change, Command, Report, State

#: where a report opens its case when its class stands without a person
SURE: tuple[State, ...] = ("dispatched", "grid_handling", "whistle", "found")
#: where it opens its case with the unit it names
WITH_UNIT: tuple[State, ...] = ("dispatched", "grid_handling", "whistle", "pushed")
ELSEWHERE = "another device"  # stands for a device that is not the case's own


def causes(history: Sequence[Change], unit: str = "") -> Iterator[Command]:
    """Commands of a case's changes (in order, from its first). ``unit``: where its first report
    would have gone; "" = where it did go.
    """
    before: Case | None = None
    for change in history:
        if change.move != "overdue":
            yield _cause(change, before, unit)
        before = change.case


def _cause(change: Change, before: Case | None, unit: str) -> Command:
    case = change.case
    brought = _opened(change, unit) if before is None else _brought(change, before)
    return Command(
        command_id=change.command_id,
        case_no=case.case_no,
        move=change.move,
        at=change.at,
        actor=change.actor.model_copy(update={"area": ""}),
        reason=change.reason,
        alert_id=change.alert_id,
        merged_into=case.merged_into,
        resolved=change.resolved,
        satisfaction=change.satisfaction,
        mark=change.mark,
        **({"unit": case.unit, "found": change.found} | brought),
    )


def _opened(change: Change, unit: str) -> dict[str, Any]:
    """A first report; a check of a lead may have been given its own time."""
    by_hand = (d.due for d in change.case.deadlines if d.clock == "check" and d.by_hand)
    return {"report": _report(change, unit), "review_at": next(by_hand, None)}


def _brought(change: Change, before: Case) -> dict[str, Any]:
    """What a move brought beside what every command of a change has."""
    case = change.case
    match change.move:
        case "attach" | "absorb" | "clear":
            return {"report": _report(change)}
        case "register" | "dispatch" | "assign" | "to_mediation":  # the grade follows the class
            same = (case.class_code, case.grade) == (before.class_code, before.grade)
            return {"class_code": "" if same else case.class_code}
        case "whistle":
            return {"unit": "", "units": case.whistled, "quorum": case.quorum}
        case "respond":
            new = [one for one in case.responded if one not in before.responded]
            return {"unit": new[0] if new else case.unit}
        case "request_extension" | "suspend":
            return {"review_at": case.review_at}
        case "grant_extension":  # what was granted, not what had been asked for
            return {"review_at": _handled_by(case) or before.review_at}
        case "agree":
            return {"obligations": case.obligations}
        case "perform":
            open_ = {one.item for one in case.obligations if one.done_at is None}
            had = (one.item for one in before.obligations if one.done_at is None)
            return {"obligation": next((item for item in had if item not in open_), "")}
        case "check":
            return {"found": case.state != "checked"}
        case "mark":
            return {"grade": case.grade}
        case "distinct":
            return {"distinct_from": case.distinct[-1]}
        case "unmerge" if before.state != "merged":  # the case its report got, then the report
            return {"distinct_from": case.distinct[-2], "report": _report(change)}
        case _:
            return {}


def _handled_by(case: Case) -> datetime | None:
    return next((d.due for d in case.deadlines if d.clock == "handle"), None)


def _report(change: Change, unit: str = "") -> Report:
    """The report of a change, so that it is sure of its class and unit exactly when it was."""
    case = change.case
    first = change.move == "report"
    its_own = change.move != "clear" or case.state != change.from_state
    return Report(
        event_id=change.event_id or change.change_id,
        channel=case.channel,
        occurred_at=change.at,
        ingested_at=change.at,
        title=case.title,
        device_id=case.device_id if its_own else ELSEWHERE,
        event_code=case.event_code,
        class_code=case.class_code,
        confidence=1.0 if first and case.state in SURE else 0.0,
        grade=case.grade,
        emergency=case.emergency,
        grid=case.grid,
        building=case.building,
        unit=(unit or case.unit) if first and case.state in WITH_UNIT else "",
        route=case.route,
        reporter=case.reporter,
        lead=case.batch if first else "",
        test=case.test,
        simulated=case.simulated,
    )
