"""Recall first: what must be heard, and what a denial, the past or a name takes away."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest

from schemas.profile import Phrase, Profile
from streams.core.emergency import Emergencies

EXAMPLES = Path(__file__).parent / "examples.tsv"


@pytest.fixture(scope="module")
def emergencies(shipped: Profile) -> Emergencies:
    return Emergencies(shipped)


@pytest.mark.parametrize(
    "text",
    [
        "我家厨房着火了快来",
        "对面楼顶往外冒浓烟",
        "楼道里一股煤气味,头晕",
        "电梯停在七楼,里面困了三个人",
        "有人要跳楼,站在18楼窗台上",
        "河里有个小孩掉下去了,还没捞上来",
        "老人突然晕倒没有意识",
        "两拨人拿着棍子打起来了",
        "有个男的拿着刀在小区里乱晃",
        "挖掘机把燃气管挖断了,呲呲漏气",
        "路面突然塌了个大坑,一辆车陷进去了",
        "工人从脚手架上摔下来了",
        "煤矿井下透水,有人被困",
        "孩子被狗咬伤,流血不止",
        "食堂吃完饭二十多个学生上吐下泻",
        "大树倒了砸中一个行人",
        "山体滑坡把路埋了",
        "三岁孩子走丢了",
        "我爸刚被骗了,正在转账",
        "邻居老公在打老婆,喊救命",
        "高压线断了掉在地上",
        "化工厂氨气泄漏,人都往外跑",
        "没有人管,垃圾桶着火了",
        "去年没事,今年又着火了",
        "不是演习,真的着火了",
        "上次没困住,今天电梯困住一个老太太了,电梯里出不来",
    ],
)
def test_heard(emergencies: Emergencies, text: str) -> None:
    found = emergencies.is_emergency(text, "hotline_12345")
    assert found.emergency, found.reason
    assert "出现" in found.reason


@pytest.mark.parametrize(
    "text",
    [
        "路灯不亮三天了",
        "",
        "火锅店油烟呛人",
        "我没有着火,是问消防证怎么办",
        "去年着火后外墙一直没修",
        "昨晚虚惊一场,说着火了其实没有",
        "社区组织消防演练,模拟着火",
        "担心着火,希望加装烟感",
        "跳楼价大甩卖的喇叭太吵",
        "水库路120号门口乱停车",
        "烟囱冒黑烟一整天",
        "如果着火了消防车进不来",
        "容易引起火灾的杂物堆在楼道",
        "物业费太贵",
        "火车站出站口打车难",
    ],
)
def test_not_heard(emergencies: Emergencies, text: str) -> None:
    found = emergencies.is_emergency(text, "hotline_12345")
    assert not found.emergency, found.reason


def test_a_denied_danger_says_so(emergencies: Emergencies) -> None:
    found = emergencies.is_emergency("没有着火")
    assert (found.emergency, found.reason) == (False, "“着火”因“没有”不算")


def test_one_danger_left_standing_is_enough(emergencies: Emergencies) -> None:
    assert emergencies.is_emergency("没有着火,但是有人晕倒了").emergency


def test_the_model_may_add_an_emergency_but_not_take_one(emergencies: Emergencies) -> None:
    assert emergencies.is_emergency("那边不对劲", "", 0.5).emergency
    assert not emergencies.is_emergency("那边不对劲", "", -0.5).emergency
    assert emergencies.is_emergency("着火了", "", -1.0).emergency
    assert not emergencies.is_emergency("没有着火", "", 0.4).emergency  # heard, and denied
    assert emergencies.is_emergency("没有着火", "", 0.9).emergency  # but all else says danger
    assert "把握 95%" in emergencies.is_emergency("那边不对劲", "", 0.9).reason


def test_hints_of_one_sentence_add_up(shipped: Profile) -> None:
    rows = tuple(Phrase(kind="emergency", phrase=p, weight=0.5) for p in ("半空", "工人"))
    heard = Emergencies(dataclasses.replace(shipped, phrases=rows)).is_emergency
    assert heard("工人吊在半空").emergency
    assert not heard("工人工人工人").emergency
    assert not heard("来了个工人。气球在半空").emergency


def test_hints_in_the_same_words_count_once(shipped: Profile) -> None:
    words = ("砸到", "砸到行人", "到行人")
    rows = tuple(Phrase(kind="emergency", phrase=p, weight=0.4) for p in (*words, "倒地", "血"))
    heard = Emergencies(dataclasses.replace(shipped, phrases=rows)).is_emergency
    assert not heard("砸到行人").emergency
    assert not heard("砸到行人,倒地").emergency
    assert heard("砸到行人,倒地,一摊血").emergency


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("担心哪天电动车在楼道充电会着火", False),
        ("楼道着火,担心烧到楼上", True),
        ("担心孩子,他被困在电梯里", True),  # the worry ends with its clause
        ("着火了我担心烧上来", True),  # said before it
        ("担心正在着火的那家有人", True),
        ("听说有个小区煤气爆炸", False),
        ("去年着火烧坏的楼道到现在没刷", False),
        ("去年着过火,现在又着火", True),
    ],
)
def test_a_worry_reaches_through_its_clause(shipped: Profile, text: str, want: bool) -> None:
    assert Emergencies(shipped).is_emergency(text).emergency is want


def test_a_long_letter_that_mentions_a_danger(emergencies: Emergencies) -> None:
    before = "我们小区的物业合同早已到期,业主多次要求更换,街道和社区都开过协调会," * 3
    told = f"{before}楼上的线路老化,有一户着火了没人管,请领导重视。"
    assert len(told) > 120
    found = emergencies.is_emergency(told, "petition", 0.9)
    assert not found.emergency
    assert "长文" in found.reason
    assert emergencies.is_emergency(f"着火了!{told}", "petition").emergency
    assert emergencies.is_emergency(f"{before}现在楼上正在着火。", "petition").emergency


def test_a_phrase_with_a_gap_stays_within_its_sentence(shipped: Profile) -> None:
    rows = (Phrase(kind="emergency", phrase="小孩…掉进"),)
    heard = Emergencies(dataclasses.replace(shipped, phrases=rows)).is_emergency
    assert heard("小孩刚才在河边玩,一下掉进去了").emergency
    assert not heard("小孩很吵。钥匙掉进沟里").emergency
    assert not heard("钥匙掉进沟里,小孩在哭").emergency
    assert not heard("小孩" + "很" * 30 + "掉进").emergency


def test_weight_zero_takes_a_keyword_out(shipped: Profile) -> None:
    bare = dataclasses.replace(
        shipped, phrases=(Phrase(kind="emergency", phrase="起火", weight=1),)
    )
    assert Emergencies(bare).is_emergency("路过水源地").emergency
    off = (*bare.phrases, Phrase(kind="emergency", phrase="水源地", weight=0))
    assert (
        not Emergencies(dataclasses.replace(bare, phrases=off)).is_emergency("路过水源地").emergency
    )


def test_on_the_examples_the_phrases_were_tuned_on(emergencies: Emergencies) -> None:
    """A floor against regressions, not a measurement: these texts were read while writing."""
    with EXAMPLES.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    heard = [emergencies.is_emergency(r["text"], r["channel"]).emergency for r in rows]
    real = [r["emergency"] == "1" for r in rows]
    hits = sum(h and r for h, r in zip(heard, real, strict=True))
    assert hits / sum(real) >= 0.95
    assert hits / sum(heard) >= 0.90
