"""Two reports, one matter? Place, time, class and words have to agree."""

from __future__ import annotations

import pytest

from streams.core.matter import MERGE, SUGGEST, Reported, same_matter

HOUR = 3_600_000
ONE = Reported(
    0, "060301", ("060301", "060305", "060303"), "990101001001001", "P1", 117.0, 31.0,
    "市民来电反映:月亮华庭3栋楼下路灯不亮,已经好几天了没人管", "月亮华庭3栋",
)  # fmt: skip


def test_the_same_call_again() -> None:
    found = same_matter(ONE, ONE._replace(at_ms=HOUR))
    assert found.score >= MERGE
    assert "同一栋楼" in found.why


def test_other_words_same_class_same_building() -> None:
    other = ONE._replace(at_ms=2 * HOUR, text="晚上黑漆漆看不见路")
    assert same_matter(ONE, other).score >= MERGE
    unsure = other._replace(code="", top3=("050101", "060301", "090205"))
    assert SUGGEST <= same_matter(ONE, unsure).score < MERGE


@pytest.mark.parametrize(
    "other",
    [
        ONE._replace(at_ms=25 * HOUR),
        ONE._replace(building="P2"),
        ONE._replace(building="", grid="990101001001002"),
        ONE._replace(building="", lon=117.01),
        ONE._replace(building="", grid="", lon=None, lat=None),
        ONE._replace(code="080203", top3=("080203",), text="广场舞音响太大孩子没法睡"),
    ],
)
def test_another_matter(other: Reported) -> None:
    assert same_matter(ONE, other).score < SUGGEST
    assert same_matter(ONE, other).score == same_matter(other, ONE).score


def test_the_words_of_the_address_do_not_count() -> None:
    other = ONE._replace(
        code="050101", top3=("050101",), text="市民来电反映:月亮华庭3栋垃圾没人收,求解决"
    )
    assert same_matter(ONE, other).score < SUGGEST


def test_the_evening_is_less_likely_than_the_hour() -> None:
    scores = [same_matter(ONE, ONE._replace(at_ms=h * HOUR)).score for h in (1, 5, 20)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3
