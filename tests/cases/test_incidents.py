"""Which open case a report joins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.case import Case, Report
from streams.core.incidents import LOOKED_AT, OpenCases, alike, bigrams
from tests.cases.small_city import GRID, START, VILLAGE, Story, report

OTHER_GRID = VILLAGE + "008"
DEVICE = {"device_id": "smoke-1", "event_code": "fire.fault", "class_code": "020206", "text": ""}
FIRE = {"class_code": "020104", "building": "b3", "text": "", "event_code": "fire.alarm"}


def case(**fields: Any) -> Case:
    return Story().opens(**fields).case


def index(*cases: Case) -> OpenCases:
    found = OpenCases()
    for one in cases:
        found.put(one)
    return found


def later(minutes: float = 10, **fields: Any) -> Report:
    return report(2, START + timedelta(minutes=minutes), **fields)


@pytest.mark.parametrize(
    ("opened", "comes", "joins"),
    [
        # same device and class: as long as the case is open
        (DEVICE, {**DEVICE, "minutes": 60 * 24 * 40}, True),
        (DEVICE, {**DEVICE, "device_id": "smoke-2"}, False),
        (DEVICE, {**DEVICE, "class_code": "020202"}, False),
        # fire in a building, whatever says so
        (FIRE, {"class_code": "020101", "building": "b3", "text": "三号楼冒烟"}, True),
        (FIRE, {"class_code": "020101", "building": "b4", "text": "四号楼冒烟"}, False),
        (FIRE, {"class_code": "020101", "building": "", "text": "着火了"}, True),
        (FIRE, {"class_code": "020101", "text": "着火", "building": "", "grid": OTHER_GRID}, False),
        ({**FIRE, "building": ""}, {**FIRE, "device_id": "smoke-9"}, True),
        (FIRE, {**FIRE, "minutes": 30}, True),
        (FIRE, {**FIRE, "minutes": 31}, False),
        (FIRE, {"class_code": "020106", "building": "b3", "text": "误报"}, False),
        (FIRE, {"class_code": "020201", "building": "b3", "text": "通道"}, False),
        # the same reporter again
        ({"reporter": "t1", "text": "甲"}, {"reporter": "t1", "text": "完全不同的话"}, True),
        ({"reporter": "t1", "text": "甲"}, {"reporter": "t1", "text": "乙", "minutes": 1440}, True),
        ({"reporter": "t1", "text": "甲"},
         {"reporter": "t1", "text": "乙", "minutes": 1441}, False),
        ({"reporter": "t1", "text": "甲"}, {"reporter": "t2", "text": "乙"}, False),
        ({"reporter": "t1", "text": "甲"}, {"reporter": "", "text": "乙"}, False),
        ({"reporter": "t1", "text": "甲"},
         {"reporter": "t1", "text": "乙", "class_code": "020202"}, False),
        # nearly the same words in the same grid
        ({}, {}, True),
        ({}, {"text": "幸福小区三号楼,消防通道被私家车堵死!!"}, True),
        ({}, {"text": "幸福小区五号楼楼下的消防通道停满了车"}, False),
        ({}, {"grid": OTHER_GRID}, False),
        ({}, {"class_code": "020202"}, False),
        ({}, {"minutes": 1441}, False),
        ({"text": ""}, {"text": ""}, False),
        # exercises, simulations and real ones
        ({}, {"test": True}, False),
        ({}, {"simulated": True}, False),
        ({"test": True}, {}, False),
        ({"simulated": True}, {"simulated": True}, True),
        (FIRE, {**FIRE, "test": True}, False),
        (DEVICE, {**DEVICE, "simulated": True}, False),
        # no class, no joining
        ({"class_code": "", "reporter": "t1"}, {"class_code": "", "reporter": "t1"}, False),
    ],
)  # fmt: skip
def test_joins(opened: dict[str, Any], comes: dict[str, Any], joins: bool) -> None:
    one = case(**opened)
    assert index(one).match(later(**comes)) == (one.case_no if joins else None)


def test_the_village_helps_where_the_grid_is_unknown() -> None:
    one = case(reporter="t1", grid="")
    comes = later(reporter="t1", grid="", text="乙")
    assert index(one).match(comes) is None
    assert index(one).match(comes, VILLAGE) == one.case_no


def test_closed_cases_take_nothing_in() -> None:
    one = case(**DEVICE)
    found = index(one)
    assert found.of_device("smoke-1") == one.case_no
    found.put(one.model_copy(update={"state": "closed"}))
    assert len(found) == 0
    assert found.match(later(**DEVICE)) is None
    assert found.of_device("smoke-1") is None
    assert found._by_key == {}  # nothing is left behind


def test_a_case_whose_class_was_corrected() -> None:
    one = case(**DEVICE)
    found = index(one)
    found.put(one.model_copy(update={"class_code": "020202", "version": 2}))
    assert found.match(later(**DEVICE)) is None
    assert found.match(later(**(DEVICE | {"class_code": "020202"}))) == one.case_no
    assert len(found) == 1


def test_words_are_kept_while_a_case_moves_on() -> None:
    one = case()
    found = index(one)
    assert found.match(later()) == one.case_no
    held = found._cases[one.case_no]
    found.put(one.model_copy(update={"state": "signed", "version": 2}))
    assert found._cases[one.case_no] is held  # not cut into bigrams again


def test_the_newest_of_several() -> None:
    cases = [
        case(**DEVICE).model_copy(update={"case_no": f"20260311-{VILLAGE}-AAAAA{n}"})
        for n in range(3)
    ]
    found = index(*cases)
    assert found.match(later(**DEVICE)) == cases[2].case_no
    found.remove(cases[2].case_no)
    assert found.match(later(**DEVICE)) == cases[1].case_no
    found.remove("never there")


def test_comparing_words_is_bounded() -> None:
    found = index(*(
        case(text=f"第{n}件毫不相干的事情在这里发生{n * 7919}").model_copy(
            update={"case_no": f"20260311-{VILLAGE}-{n:06d}"}
        )
        for n in range(500)
    ))  # fmt: skip
    assert found.match(later()) is None
    compared = [held for held in found._cases.values() if held._words is not None]
    assert len(compared) == LOOKED_AT


def test_no_device_no_case() -> None:
    assert index(case()).of_device("") is None


def test_alike() -> None:
    assert alike(bigrams("三号楼 电梯 坏了。"), bigrams("三号楼电梯坏了"))
    assert not alike(bigrams("三号楼电梯坏了"), bigrams("三号楼水管坏了"))
    assert bigrams("") == bigrams("!?") == frozenset({""})
    assert GRID.startswith(VILLAGE)
