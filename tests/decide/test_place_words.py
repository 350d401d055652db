"""What stands behind a name: numbers in every writing, slips of ear and keyboard, whose place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.profile import Profile
from streams.core.locate import Locator
from streams.core.numerals import number
from streams.core.slips import Slips
from streams.core.sounds import heard, plain

NOW = 1_795_312_900_000
NAMES = ("望海路", "望海大道", "体育场东路", "体育场西路", "南湖家园", "南湖嘉园", "清华里名邸")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7), ("128", 128), ("十", 10), ("十二", 12), ("二十", 20), ("三十五", 35),
        ("一百", 100), ("一百零八", 108), ("一百二十八", 128), ("二百〇五", 205),
        ("两千三百", 2300), ("一二八", 128), ("一〇四", 104), ("一百2十", 120),
    ],
)  # fmt: skip
def test_numbers(text: str, value: int) -> None:
    assert number(text) == value


@given(st.integers(1, 9999))
def test_every_number_reads_back(value: int) -> None:
    words, digits = "", "零一二三四五六七八九"
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        figure = value // unit % 10
        if figure:
            words += digits[figure] + name
        elif words and not words.endswith("零") and value % unit:
            words += "零"
    assert number(words) == value
    assert number(str(value)) == value
    assert number("".join(digits[int(d)] for d in str(value))) == value


def test_plain_signs() -> None:
    assert plain("紫荊公館５棟,３ 樓") == "紫荆公馆5栋,3楼"
    assert plain("望海 路 12 号 A 座") == "望海路12号A座"
    assert plain("a b 1 2") == "a b 1 2"


def test_what_sounds_alike() -> None:
    assert heard("望海路") == heard("旺海璐")
    assert heard("清") == heard("亲")
    assert heard("东路") != heard("西路")
    assert heard("A1号")[:2] == "A1"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("旺海路12号",      ("望海路",)),
        ("体育场东陆3号",   ("体育场东路",)),
        ("体育场路3号",     ()),  # the direction is missing: nobody knows which
        ("南胡家园5栋",     ("南湖家园",)),  # not 南湖嘉园, which sounds the same
        ("清华名邸8栋",     ("清华里名邸",)),
        ("清华里的名邸8栋", ("清华里名邸",)),
        ("平安南湖园5栋",   ()),
        ("我想问问5栋",     ()),
    ],
)  # fmt: skip
def test_slips(text: str, names: tuple[str, ...]) -> None:
    found = Slips(NAMES).find(text)
    assert tuple(name for slip in found for name in slip.names) == names
    assert all(slip.trust < 1 for slip in found)


@pytest.fixture(scope="module")
def locator(small: Profile) -> Locator:
    return Locator(small)


@pytest.mark.parametrize(
    ("text", "area"),
    [
        # of several places the one the matter is about
        ("我住月亮华庭3栋,火车站对面有人乱停车",     "990101001002001"),
        ("火车站对面有人乱停车,我住月亮华庭3栋",     "990101001002001"),
        ("户籍在石桥村,现住月亮华庭3栋,楼道堆物",    "990101001001002"),
        ("月亮华庭对面的火车站出口堵了",             "990101001002001"),
        ("不是月亮华庭,是水库路120号",               "990101001002001"),
        ("我住月亮华庭3栋,楼道堆物",                 "990101001001002"),
        # crossings and relations
        ("水库路与人民路交叉口",                     "990101001001001"),
        ("水库路人民路口井盖没了",                   "990101001001001"),
        ("老街菜市场往北走八百米",                   "9901"),
        ("望海街道老街菜市场往北走八百米",           "990101001001"),
        # a grid by its village
        ("鹤洲社区第二网格",                         "990101001001002"),
        ("鹤洲社区2网格李阿姨家漏水",                "990101001001002"),
        # one of several of a name, told by the place beside it
        ("人民路,月亮华庭旁边,树倒了",               "990101001001002"),
        # dates and lines of buses are no house numbers
        ("水库路8月10号晚上有人飙车",                "990101001"),
        ("水库路公交2号线",                          "990101001"),
    ],
)  # fmt: skip
def test_the_place_of_the_matter(locator: Locator, text: str, area: str) -> None:
    found = locator.locate("", None, None, "", text, NOW)
    assert (found.site.area, found.by != "") == (area, area != "9901" or found.confidence > 0)


def test_what_shares_a_name_is_listed(locator: Locator) -> None:
    found = locator.locate("", None, None, "老街菜市场", "", NOW)
    assert "澜湖区、苇塘县" in found.why
    assert found.confidence <= 0.1
