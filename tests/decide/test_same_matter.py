"""Two reports, one matter? Place, time, kind and words have to agree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.case import Report
from streams.core.kinds import KINDS, kind_of_class, kinds_of
from streams.core.marks import Rarity, marks, overlap, urges, words
from streams.core.matter import MERGE, SUGGEST, Likeness, Seen, same_matter, seen
from streams.core.whereabouts import Whereabouts
from tests.cases.small_city import START, report

NOWHERE = Whereabouts()
LAMP: dict[str, Any] = {
    "class_code": "060301", "top3": ("060301", "060305"), "building": "P1",
    "text": "月亮华庭3栋楼下路灯不亮",
}  # fmt: skip


def told(hours: float = 0, **changes: Any) -> Report:
    return report(1, START + timedelta(hours=hours), **(LAMP | changes))


def like(one: Report, other: Report) -> Likeness:
    first, second = seen(one), seen(other)
    found = same_matter(first, second)
    assert found.score == same_matter(second, first).score
    return found


def test_the_same_call_again() -> None:
    found = like(told(), told(1))
    assert found.score >= MERGE
    assert "同一栋楼" in found.why


def test_other_words_same_class_same_building() -> None:
    assert like(told(), told(2, text="晚上黑漆漆看不见路")).score >= MERGE


@pytest.mark.parametrize(
    "other",
    [
        told(24 * 4),
        told(building="P2", text="月亮华庭5栋路灯不亮"),
        told(building="", grid="990101001001009", lon=0, lat=0),
        told(building="", lon=120.11),
        told(class_code="080203", top3=("080203",), text="广场舞音响太大孩子没法睡"),
    ],
)
def test_another_matter(other: Report) -> None:
    assert like(told(), other).score < SUGGEST


def test_later_is_less_likely() -> None:
    scores = [like(told(), told(h)).score for h in (1, 30, 60)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3


@pytest.mark.parametrize(
    ("text", "dim", "values"),
    [
        ("月亮华庭3号楼二单元1502室漏水", "building", {"3"}),
        ("月亮华庭十二栋", "building", {"12"}),
        ("月亮华庭3号楼二单元1502室漏水", "unit", {"2"}),
        ("月亮华庭3-2-1502漏水", "room", {"1502"}),
        ("2号电梯停了", "lift", {"2"}),
        ("东门有垃圾,西门也有", "spot", {"东门", "西门"}),
        ("工农北路15号有个坑", "house", {"15"}),
    ],
)
def test_marks(text: str, dim: str, values: set[str]) -> None:
    assert marks(text)[dim] == values


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("我刚才打过电话,怎么还没人来", True),
        ("催一下早上那个路灯的单子", True),
        ("上午报修的水管到现在没人来修", True),
        ("什么时候能来人啊", True),
        ("三号楼电梯坏了半天没人修,老人下不来", False),
        ("物业催缴停车费,态度恶劣", False),
        ("楼上漏水", False),
    ],
)
def test_urging(text: str, asks: bool) -> None:
    assert urges(text) is asks


def test_a_kind_gathers_what_is_called_by_many_names() -> None:
    smoke = report(1, class_code="020104", event_code="fire.alarm", device_id="d", text="")
    unsure = report(2, class_code="", top3=("080105", "020105"), text="楼上冒黑烟")
    assert kinds_of(smoke, "") == ("fire",)
    assert "fire" in kinds_of(unsure, unsure.text)
    assert "fire" not in kinds_of(report(3, class_code="060406", top3=("020101",)), "灶打不着火")
    assert kind_of_class("020106") == "fire", "a false alarm is told of the alarm"
    assert kind_of_class("030103") == "030103"


def test_the_table_of_kinds_is_consistent() -> None:
    prefixes = [p for row in KINDS for p in row.classes]
    assert len(prefixes) == len(set(prefixes))
    assert len({row.name for row in KINDS}) == len(KINDS)
    for row in KINDS:
        assert row.minutes > 0
        assert row.over in ("", *(other.name for other in KINDS))
        assert row.wide in ("building", "place", "grid", "village")


def test_the_names_of_the_place_do_not_count() -> None:
    one, other = "月亮华庭垃圾没人收", "月亮华庭路灯不亮"
    assert words(one) & words(other)
    assert not words(one, ("月亮华庭",)) & words(other, ("月亮华庭",))
    assert overlap(words("路灯不亮了"), words("楼下路灯不亮"), NOWHERE.rarity) > 0.5


def test_a_building_nobody_numbers_is_none() -> None:
    assert "building" not in marks("月亮华庭有一栋楼起火了,哪栋也说不清")


def test_only_the_same_name_brings_two_villages_together() -> None:
    def named(one: Report, name: str) -> Seen:
        return seen(one)._replace(name=name)

    here = named(told(grid="", building="", lon=0, lat=0), "和平里")
    there = told(title="", text="一到晚上黑漆漆的", building="", lon=0, lat=0)
    assert same_matter(here, named(there, "和平里")).score >= MERGE
    assert same_matter(here, named(there, "建设里")).score < MERGE


@pytest.mark.parametrize(
    ("code", "text", "name"),
    [
        ("060405", "全小区断水,啥时候来", "no_water"),
        ("050203", "烧烤摊打起来了,流血了", "violence"),
        ("040101", "工地架子倒了,有人埋里面", "site"),
        ("100201", "项目部发生坍塌,正在搜救", "site"),
        ("020201", "好大的烟,消防来了没", "fire"),
        ("090201", "4号楼旁围墙倾斜约15度", "wall"),
        ("110306", "楼下老人晕倒了没意识", "illness"),
    ],
)
def test_what_is_said_plainly_counts_whatever_class_was_given(
    code: str, text: str, name: str
) -> None:
    assert name in kinds_of(report(1, class_code=code, top3=(code,), text=text), text)[:2]


def test_what_is_only_feared_is_not_told() -> None:
    text = "楼道里堆了很多纸箱子,容易引发火灾"
    assert "fire" not in kinds_of(report(1, class_code="020202", text=text), text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("北门广场舞音响太吵", "北门跳舞的声音吵死人", True),
        ("北门广场舞音响太吵", "北门旁工地施工太吵", False),
        ("门口共享单车乱停占道", "门口货车乱停占道", False),
        ("楼上空调滴水", "楼上晾衣服滴水", False),
    ],
)
def test_a_kind_has_many_things(one: str, other: str, same: bool) -> None:
    fields = {"class_code": "", "top3": ("080202", "050204", "100101"), "building": "", "title": ""}
    found = like(told(text=one, **fields), told(1, text=other, **fields))
    assert (found.score >= MERGE) is same


def test_an_emergency_is_not_the_nuisance_beside_it() -> None:
    fields = {"class_code": "050203", "top3": ("050203", "010101"), "building": "", "title": ""}
    calm, grave = told(text="门口烧烤摊占道", **fields), told(text="门口烧烤摊打起来了", **fields)
    assert like(calm, grave).score < MERGE


def test_two_employers_of_one_village_are_two_matters() -> None:
    texts = ["拖欠工资三个月没发", "宏远电子厂拖欠工资三个月", "宏远电子厂欠了几十人的工资"]
    places = Whereabouts()
    places.rarity = Rarity(
        ["老板拖欠工资三个月没发", "工厂拖欠几十人的工资", "电子厂三个月没发"] * 2
    )
    fields = {"class_code": "100201", "top3": ("100201",), "title": "", "building": ""}
    nobody, one, again = (seen(told(text=text, **fields)) for text in texts)
    assert same_matter(one, again, places).score >= MERGE
    assert same_matter(nobody, one, places).score < MERGE
    assert same_matter(nobody, nobody, places).score < MERGE


@pytest.mark.parametrize(
    "text",
    [
        "报过了,都十几分钟了人呢", "怎么还没来啊", "上午反映的路灯,再催一下",
        "等了快一个钟头也没个人影", "工单处理得怎么样了", "你们的人走到哪里了",
    ],
)  # fmt: skip
def test_urging_has_many_words(text: str) -> None:
    assert urges(text)
