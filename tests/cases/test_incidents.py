"""Which open case a report joins, which it may belong to, and which it repeats."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.case import Case, Report
from streams.core.cases import aimed
from streams.core.incident_index import KEYS, LOOKED_AT, keys_of
from streams.core.incidents import OpenCases
from tests.cases.small_city import GRID, START, VILLAGE, Story, opening, report

OTHER_GRID = VILLAGE + "008"
DEVICE = {"device_id": "host-1", "event_code": "fire.fault", "class_code": "020206", "text": ""}
FIRE = {"class_code": "020104", "building": "b3", "text": "", "event_code": "fire.alarm",
        "device_id": "smoke-1"}  # fmt: skip
UNSURE = {"class_code": "", "top3": ("020101",)}
CALL = {"class_code": "020101", "text": "着火了,快来"}
NOWHERE = {"lon": 0.0, "lat": 0.0}
MARK = {"case_no": f"20260311-{VILLAGE}-OTHER7"}


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
        # same device and class: as long as the case is open, or as long as its kind says
        (DEVICE, {**DEVICE, "minutes": 60 * 24 * 40}, True),
        (DEVICE, {**DEVICE, "device_id": "host-2"}, False),
        (FIRE, {**FIRE, "minutes": 30}, True),
        (FIRE, {**FIRE, "minutes": 61}, False),
        # one fire, whatever says so
        (FIRE, {**CALL, "building": "b3"}, True),
        (FIRE, {**CALL, "building": "b4"}, False),
        (FIRE, {**CALL, "building": "", **NOWHERE}, True),
        (FIRE, {**CALL, "building": "", **NOWHERE, "grid": OTHER_GRID}, False),
        (FIRE, {**FIRE, "device_id": "smoke-2"}, True),
        (FIRE, {**UNSURE, "text": "楼上冒黑烟", "building": "b3"}, True),
        (FIRE, {**UNSURE, "text": "楼道太黑", "building": "b3"}, False),
        (FIRE, {"class_code": "020201", "building": "b3", "text": "消防通道停满了车"}, False),
        # the same reporter again
        ({"reporter": "t1", "text": "杂物堵门"}, {"reporter": "t1", "text": "还堆着"}, True),
        ({"reporter": "t1", **NOWHERE}, {"reporter": "t1", "text": "乙", "minutes": 2000}, False),
        # the same place and class; what the texts contradict each other in
        ({}, {}, True),
        ({}, {"text": "幸福小区三号楼,消防通道被私家车堵死!!"}, True),
        ({}, {"text": "幸福小区五号楼楼下的消防通道停满了车"}, False),
        ({"building": "b3", "text": "车堵死通道"}, {"building": "b5", "text": "车堵死通道"}, False),
        ({"text": "东门消防通道停满车"}, {"text": "西门消防通道停满车", **NOWHERE}, False),
        ({}, {"grid": OTHER_GRID, "lon": 120.2}, False),
        ({}, {"minutes": 1441}, False),
        # exercises, simulations and real ones
        ({}, {"test": True}, False),
        ({}, {"simulated": True}, False),
        ({"test": True}, {}, False),
        ({"simulated": True}, {"simulated": True}, True),
        (FIRE, {**FIRE, "test": True}, False),
        (DEVICE, {**DEVICE, "simulated": True}, False),
    ],
)  # fmt: skip
def test_joins(opened: dict[str, Any], comes: dict[str, Any], joins: bool) -> None:
    one = case(**opened)
    assert index(one).match(later(**comes)) == (one.case_no if joins else None)


@pytest.mark.parametrize("text", ["我刚才打过电话,怎么还没人来", "催一下早上报的那件事"])
def test_asking_again_is_an_urge(text: str) -> None:
    one = case(reporter="t1")
    asks = later(90, reporter="t1", text=text, class_code="", top3=("110306",), grid="", **NOWHERE)
    found = index(one).find(asks, VILLAGE)
    assert (found.joins, found.urge) == (one.case_no, True)
    stranger = index(one).find(asks.model_copy(update={"reporter": "t2"}), VILLAGE)
    assert stranger.joins is None


def test_asking_again_without_a_place_finds_the_village() -> None:
    one = case(reporter="t1")
    asks = later(90, reporter="t1", text="我刚才打过电话,怎么还没人来", grid="", class_code="")
    assert index(one).find(asks, "990100000000").joins == one.case_no
    unknown = asks.model_copy(update={"reporter": "t9"})
    assert index(one).find(unknown, "990100000000").joins is None


def test_an_urge_is_counted_and_says_nothing_of_the_place() -> None:
    story = Story()
    story.opens(reporter="t1")
    asks = later(90, reporter="t1", text="怎么还没人来,我打过电话了", grid="", class_code="")
    found = index(story.it).find(asks, VILLAGE)
    story.now = asks.ingested_at
    change = story.done(story.send(aimed(opening(asks, asks.ingested_at), found)))
    assert (change.case.urges, change.case.events, change.reason) == (1, 2, "催促")
    assert [one.urge for one in change.case.evidence] == [True]


def test_between_the_bars_a_person_is_asked() -> None:
    one = case(title="", text="幸福小区消防通道停满了车", **NOWHERE)
    comes = later(title="", text="救援的路给堵上了", **NOWHERE)
    found = index(one).find(comes, VILLAGE, MARK["case_no"])
    assert found.joins is None
    assert [s.case_no for s in found.similar] == [one.case_no]
    assert "同一网格" in found.similar[0].why
    story = Story(start=comes.ingested_at)
    change = story.done(story.send(aimed(opening(comes, comes.ingested_at), found)))
    assert change.case.similar == found.similar


def test_what_a_person_kept_apart_stays_apart() -> None:
    one = case().model_copy(update={"distinct": (MARK["case_no"],)})
    assert index(one).find(later(), VILLAGE, MARK["case_no"]).joins is None
    assert index(one).find(later(), VILLAGE).joins == one.case_no


def test_a_vague_call_joins_the_only_fire_there_is() -> None:
    vague = later(5, class_code="020101", text="我们这里着火了", grid="", **NOWHERE)
    one = case(**FIRE)
    two = case(**(FIRE | {"building": "b5", "device_id": "smoke-5"})).model_copy(update=MARK)
    assert index(one).match(vague, VILLAGE) == one.case_no
    found = index(one, two).find(vague, VILLAGE)
    assert found.joins is None
    assert {s.case_no for s in found.similar} == {one.case_no, two.case_no}


def test_closed_cases_take_nothing_in_but_are_named_as_earlier_ones() -> None:
    one = case(**DEVICE)
    found = index(one)
    assert found.of_device("host-1") == one.case_no
    closed = one.model_copy(update={"state": "closed", "closed_at": START + timedelta(hours=1)})
    found.put(closed)
    assert len(found) == 0
    assert found.of_device("host-1") is None
    again = found.find(later(60 * 24 * 29, **DEVICE))
    assert (again.joins, again.repeats) == (None, (one.case_no,))
    assert found.find(later(60 * 24 * 31, **DEVICE)).repeats == ()
    elsewhere = {**DEVICE, "grid": OTHER_GRID, "lon": 120.3, "device_id": "host-9"}
    assert found.find(later(60 * 24, **elsewhere)).repeats == ()
    found.remove(one.case_no)
    assert found._by_key == {}  # nothing is left behind


def test_a_case_whose_class_was_corrected() -> None:
    one = case(**DEVICE)
    found = index(one)
    found.put(one.model_copy(update={"class_code": "020202", "version": 2}))
    assert found.match(later(**DEVICE)) is None
    assert found.match(later(**(DEVICE | {"class_code": "020202"}))) == one.case_no
    assert len(found) == 1


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


def test_comparing_is_bounded() -> None:
    found = index(*(
        case(text=f"第{n}件毫不相干的事情在这里发生{n * 7919}", lon=121 + n / 100).model_copy(
            update={"case_no": f"20260311-{VILLAGE}-{n:06d}"}
        )
        for n in range(500)
    ))  # fmt: skip
    assert found.match(later()) is None
    compared = [held for held in found._cases.values() if held._seen is not None]
    assert 0 < len(compared) <= LOOKED_AT


def test_keys_fit_into_the_brief() -> None:
    story = Story()
    story.opens(reporter="t0", building="b3", class_code="", top3=("020101",), text="冒烟又积水")
    for n in range(9):
        one = report(n + 5, reporter=f"t{n}", building="b4", class_code=f"0302{n:02d}")
        story.does("attach", opening(one).actor, report=one)
    assert len(keys_of(story.it)) == KEYS
    assert len({key[0] for key in keys_of(story.it)}) >= 4
    assert GRID.startswith(VILLAGE)


@pytest.mark.parametrize(
    ("text", "joins"),
    [
        ("那家还在砸,物业也不管", True),
        ("怎么还没人来处理", True),
        ("楼道灯又坏了", False),
        ("5号楼门禁还是坏的", False),
    ],
)
def test_the_same_reporter_goes_on_about_it(text: str, joins: bool) -> None:
    mine = {"reporter": "t1", "building": "b2", "title": "", **NOWHERE}
    one = case(class_code="080207", text="中午有人在砸墙装修", **mine)
    again = later(30, class_code="090108", top3=("090108",), text=text, **mine)
    assert index(one).match(again) == (one.case_no if joins else None)
    stranger = again.model_copy(update={"reporter": "t2"})
    assert index(one).match(stranger) is None


def test_a_detector_is_of_the_call_that_named_no_place() -> None:
    call = {
        "class_code": "020101",
        "text": "我家这边楼道起烟了",
        "title": "",
        "grid": "",
        **NOWHERE,
    }
    one = case(**call)
    assert index(one).match(later(2, **FIRE)) == one.case_no
    assert index(one).match(later(20, **FIRE)) is None
