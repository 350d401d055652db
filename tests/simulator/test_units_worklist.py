"""The worklist: bounded, patient when nobody answers, and a plan stands while reports join."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ops.simulator.handling import AGAIN, Worklist
from ops.simulator.offices import Offices
from schemas.case import Actor, Change, Command, Report
from schemas.ids import SHANGHAI, case_number, command_id
from schemas.profile_files import load_profile
from streams.core.cases import apply
from streams.core.rules import Rules
from streams.core.workdays import load_workdays

START = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)
LATER = START + timedelta(hours=5)
SYSTEM = Actor(role="system", id="intake")


@pytest.fixture(scope="module")
def rules() -> Rules:
    profile = load_profile("qinglan")
    return Rules(profile, load_workdays(profile))


@pytest.fixture(scope="module")
def offices(rules: Rules) -> Offices:
    return Offices(rules.profile)


def report(number: int, village: str) -> Command:
    one = Report(
        event_id=f"e{number}", channel="hotline_12345", occurred_at=START, ingested_at=START,
        text="路灯不亮", grade=3, grid=village + "001", simulated=True,
    )  # fmt: skip
    return Command(
        command_id=command_id(one.event_id, "report"),
        case_no=case_number(one.event_id, village, START), move="report", at=START, actor=SYSTEM,
        report=one,
    )  # fmt: skip


def opened(rules: Rules, number: int) -> Change:
    village = next(a.code for a in rules.profile.areas.values() if a.level == "village")
    change = apply(None, report(number, village), rules, START)
    assert isinstance(change, Change)
    return change


def joined(rules: Rules, change: Change, number: int, at: datetime) -> Change:
    more = report(number, change.case.village)
    more = more.model_copy(update={"case_no": change.case.case_no, "at": at})
    result = apply(change.case, more, rules, at)
    assert isinstance(result, Change)
    return result


def due_at(worklist: Worklist) -> datetime:
    """The first second in which something is due."""
    for second in range(3600):
        if worklist.due(START + timedelta(seconds=second)):
            return START + timedelta(seconds=second)
    raise AssertionError("nothing is ever due")


def test_memory_is_bounded(rules: Rules, offices: Offices) -> None:
    worklist = Worklist(offices, most=50)
    for number in range(80):
        worklist.put(opened(rules, number), 1, START)
    assert len(worklist) == 50
    assert worklist.missed == 30
    change = opened(rules, 0)
    for number in range(100, 3100):  # a storm on one case
        change = joined(rules, change, number, START)
        worklist.put(change, 1, START)
        change = change.model_copy(update={"case": change.case.model_copy(update={
            "event_ids": change.case.event_ids[:1]})})  # fmt: skip
    for hour in range(200):  # nobody answers for days
        worklist.due(START + timedelta(hours=hour))
    assert len(worklist) == 50
    assert len(worklist._heap) <= 2 * 50 + 1000


def test_reports_that_join_do_not_put_the_work_off(rules: Rules, offices: Offices) -> None:
    quiet, noisy = Worklist(offices), Worklist(offices)
    change = opened(rules, 1)
    quiet.put(change, 2, START)
    noisy.put(change, 2, START)
    for number in range(5):
        change = joined(rules, change, 10 + number, START + timedelta(seconds=number))
        noisy.put(change, 2, START + timedelta(seconds=number))
    assert due_at(noisy) == due_at(quiet)


def test_what_nobody_answers_is_sent_again_less_and_less_often(
    rules: Rules, offices: Offices
) -> None:
    worklist = Worklist(offices)
    worklist.put(opened(rules, 1), 2, START)
    ((partition, first),) = worklist.due(LATER)
    assert partition == 2
    assert first.at == LATER
    assert worklist.due(LATER + AGAIN / 2) == []
    ((_, second),) = worklist.due(LATER + AGAIN)
    assert second.command_id == first.command_id
    assert worklist.due(LATER + AGAIN + AGAIN * 1.5) == []
    assert len(worklist.due(LATER + AGAIN + AGAIN * 2)) == 1


def test_an_old_version_and_a_closed_case_leave_nothing(rules: Rules, offices: Offices) -> None:
    worklist = Worklist(offices)
    change = opened(rules, 1)
    newer = joined(rules, change, 2, START)
    worklist.put(newer, 0, START)
    worklist.put(change, 0, START)
    assert len(worklist) == 1
    closed = newer.case.model_copy(update={"state": "closed", "version": 9})
    worklist.put(newer.model_copy(update={"case": closed, "move": "close"}), 0, START)
    assert len(worklist) == 0
    assert worklist.due(LATER) == []


def test_a_backlog_is_worked_off_in_slices(rules: Rules, offices: Offices) -> None:
    worklist = Worklist(offices)
    for number in range(30):
        worklist.put(opened(rules, number), 0, START)
    sizes = [len(worklist.due(LATER, 12)) for _ in range(4)]
    assert sizes == [12, 12, 6, 0]
