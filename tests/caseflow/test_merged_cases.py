"""What comes for a merged case reaches the case it was merged into: reports, clears, gravity."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from schemas.case import Case, Command, Outcome
from schemas.ids import command_id
from tests.caseflow.desk import Desk, desks, run
from tests.caseflow.stage import SYSTEM, Stage, action, report, sound

LEAK = {"class_code": "020206", "confidence": 0.9, "grade": 3, "unit": "fire-990101001"}


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path, Path("unused"))
    yield made
    made.stop()


def refusals(desk: Desk) -> list[str]:
    told = [Outcome.model_validate_json(record.value) for record in desk.told.records]
    return [outcome.refusal.detail for outcome in told if outcome.refusal]


def cleared(one: Command) -> Command:
    """The device of a report is well again."""
    assert one.report is not None
    event = str(uuid4())
    return one.model_copy(
        update={
            "command_id": command_id(event, "clear"), "move": "clear", "actor": SYSTEM,
            "at": datetime.now(UTC), "case_no": one.case_no[:-6] + "ZZZZZZ",
            "report": one.report.model_copy(update={"event_id": event}),
        }
    )  # fmt: skip


async def the(desk: Desk, case_no: str) -> Case:
    case = await desk.case(case_no)
    assert case is not None
    return case


def test_reports_and_clears_of_a_merged_case_reach_its_parent(kafka: Stage) -> None:
    parent = report("整栋楼报警主机故障", device_id="HOST-1", event_code="fire.fault", **LEAK)
    child = report("三楼探测器故障", device_id="DET-3", event_code="fire.fault", **LEAK)
    again = report("三楼探测器又故障", device_id="DET-3", event_code="fire.fault", **LEAK)
    later = report("三楼探测器还在故障", device_id="DET-3", event_code="fire.fault", **LEAK)

    async def story() -> None:
        async with desks(kafka.kafka, 2) as (desk, next_desk):
            merge = action(child.case_no, "merge", merged_into=parent.case_no)
            await desk.act(parent, child, merge, again)
            assert (await the(desk, parent.case_no)).events == 3  # its own, the child, the report
            assert await desk.case(again.case_no) is None
            await desk.act(cleared(child))
            whole = await the(desk, parent.case_no)
            assert whole.state == "dispatched", "one detector of a building is not the building"
            # read back by another worker, everything still finds its way
            await next_desk.act(later, cleared(parent))
            whole = await the(next_desk, parent.case_no)
            assert (whole.state, whole.events) == ("done", 4)
            assert (await the(next_desk, child.case_no)).state == "merged"

    run(story())
    changes = kafka.changes()
    sound(changes)
    moves = [c.move for c in changes if c.case.case_no == parent.case_no]
    assert moves == ["report", "absorb", "attach", "clear", "attach", "clear"]


def test_a_chain_of_merges_leads_to_its_end_and_a_closed_end_takes_nothing(kafka: Stage) -> None:
    first, second, third = (
        report(f"路面塌陷{n}", device_id=f"D{n}", event_code="env.level", **LEAK) for n in range(3)
    )
    fourth, fifth = (
        report("路面塌陷0", device_id="D0", event_code="env.level", **LEAK) for _ in range(2)
    )

    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            await desk.act(first, second, third)
            await desk.act(action(first.case_no, "merge", merged_into=second.case_no))
            await desk.act(action(second.case_no, "merge", merged_into=third.case_no))
            await desk.act(fourth)
            assert (await the(desk, third.case_no)).events == 4
            for move in ("sign", "handle", "finish", "verify", "follow_up", "close"):
                await desk.act(action(third.case_no, move, reason="处理完毕", resolved=True))
            assert (await the(desk, third.case_no)).state == "closed"
            await desk.act(fifth)
            assert (await the(desk, fifth.case_no)).state == "dispatched", "a matter of its own"

    run(story())


def test_the_same_report_again_is_not_counted_twice(kafka: Stage) -> None:
    parent, child = report("井盖破损", **LEAK), report("井盖破损", **LEAK)

    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            await desk.act(parent, child)
            await desk.act(action(child.case_no, "merge", merged_into=parent.case_no))
            before = await the(desk, parent.case_no)
            twice = child.model_copy(update={"command_id": str(uuid4())})
            await desk.act(twice)
            assert await the(desk, parent.case_no) == before

    run(story())


def test_the_parent_becomes_as_grave_as_what_it_takes_in(kafka: Stage) -> None:
    mild = report("楼道有烟味", **LEAK)
    grave = report("楼道冒烟", **(LEAK | {"grade": 1, "emergency": True}))

    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            await desk.act(mild, grave)
            await desk.act(action(grave.case_no, "merge", merged_into=mild.case_no))
            whole = await the(desk, mild.case_no)
            assert (whole.grade, whole.emergency) == (1, True)
            assert "acknowledge" in {d.clock for d in whole.deadlines}

    run(story())
    absorbed = next(c for c in kafka.changes() if c.move == "absorb")
    assert absorbed.tells == ("emergency",)
    assert grave.case_no in absorbed.reason


def test_where_a_case_cannot_be_merged_into(kafka: Stage) -> None:
    one, closed, merged, drill = (report(f"事项{n}", **LEAK) for n in range(4))
    assert drill.report is not None
    drill = drill.model_copy(update={"report": drill.report.model_copy(update={"test": True})})

    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            await desk.act(one, closed, merged, drill)
            for move in ("sign", "handle", "finish", "verify", "follow_up", "close"):
                await desk.act(action(closed.case_no, move, reason="处理完毕", resolved=True))
            await desk.act(action(merged.case_no, "merge", merged_into=one.case_no))

            def into(number: str) -> Any:
                return action(one.case_no, "merge", merged_into=number)

            missing = one.case_no[:-6] + "AAAAAA"
            await desk.act(*(into(n) for n in (missing, closed.case_no, drill.case_no)))
            await desk.act(into(merged.case_no))
            await desk.act(action(merged.case_no, "note", reason="催办"))
            assert (await the(desk, one.case_no)).state == "dispatched"
            said = refusals(desk)
            assert [words in told for words, told in zip(
                (f"主案 {missing} 不存在", "结案归档", "不能并案", f"已并入 {one.case_no}",
                 f"已并入 {one.case_no}"), said, strict=True)] == [True] * 5, said  # fmt: skip

    run(story())
