"""Through a broker: reports of one matter meet, are taken apart again, and stay apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.case import Case, Command
from streams.core.cases import own_again
from tests.caseflow.desk import Desk, desks, run
from tests.caseflow.stage import Stage, action, report, sound

FIRE = {"class_code": "020101", "building": "b3", "lon": 120.1, "lat": 30.2}


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path, Path("unused"))
    yield made
    made.stop()


async def the(desk: Desk, case_no: str) -> Case:
    case = await desk.case(case_no)
    assert case is not None
    return case


def taken_out(parent: str, one: Command) -> Command:
    """An operator takes a report out of the case it joined."""
    return action(
        parent, "unmerge", reason="是两处火", report=one.report, distinct_from=one.case_no
    )


def test_a_report_joins_is_taken_out_and_stays_out(kafka: Stage) -> None:
    first, second = report("着火了", **FIRE), report("楼上冒黑烟", **FIRE)
    again = second.model_copy(update={"command_id": "again"})

    async def story() -> None:
        async with desks(kafka.kafka, 2) as (desk, next_desk):
            await desk.act(first, second)
            whole = await the(desk, first.case_no)
            assert (whole.events, len(whole.evidence)) == (2, 1)
            assert await desk.case(second.case_no) is None
            out = taken_out(first.case_no, second)
            await desk.act(out)
            await desk.act(own_again(out))  # as the writer sends it on
            whole, own = await the(desk, first.case_no), await the(desk, second.case_no)
            assert (whole.events, whole.evidence, own.events) == (1, (), 1)
            assert own.similar == ()
            await desk.act(again)  # the source sends it once more
            await next_desk.act(again.model_copy(update={"command_id": "and again"}))
            assert (await the(next_desk, first.case_no)).events == 1
            assert (await the(next_desk, second.case_no)).events == 1

    run(story())
    changes = kafka.changes()
    sound(changes)
    moves = [(c.move, c.reason) for c in changes if c.case.case_no == first.case_no]
    assert [move for move, _ in moves] == ["report", "attach", "unmerge"]
    assert "同一栋楼" in moves[1][1], "why it joined is kept"
    assert moves[2][1] == "是两处火"


def test_a_merge_undone_gives_back_what_was_taken_in(kafka: Stage) -> None:
    parent = report("有人打电话说楼道着火", **FIRE)
    child = report("烧烤冒烟", **(FIRE | {"building": "b4"}))

    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            await desk.act(parent, child)
            await desk.act(action(child.case_no, "merge", merged_into=parent.case_no))
            assert (await the(desk, parent.case_no)).events == 2
            await desk.act(action(child.case_no, "unmerge", reason="两件事"))
            whole, own = await the(desk, parent.case_no), await the(desk, child.case_no)
            assert (whole.events, whole.evidence) == (1, ())
            assert (own.state, own.merged_into) == ("registered", "")
            assert "dispatch" in {d.clock for d in own.deadlines}
            assert parent.case_no in own.distinct
            assert child.case_no in whole.distinct

    run(story())
    sound(kafka.changes())


def test_what_cannot_be_taken_out(kafka: Stage) -> None:
    first, other = report("着火了", **FIRE), report("着火", **(FIRE | {"building": "b9"}))

    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            await desk.act(first, other)
            await desk.act(taken_out(first.case_no, first), taken_out(first.case_no, other))
            assert (await the(desk, first.case_no)).version == 1
            assert len(desk.told.records) == 2

    run(story())


def test_an_urge_without_a_place_reaches_the_case_of_its_reporter(kafka: Stage) -> None:
    first = report("楼道着火了", reporter="tok1", **FIRE)
    asks = report("我刚才打过电话,怎么还没人来", village="990100000000", reporter="tok1")
    assert asks.report is not None
    nowhere = asks.model_copy(update={"report": asks.report.model_copy(update={"grid": ""})})

    async def story() -> None:
        async with desks(kafka.kafka) as (desk,):
            await desk.act(first)
            await desk.act(nowhere)
            whole = await the(desk, first.case_no)
            assert (whole.urges, whole.events) == (1, 2)

    run(story())
