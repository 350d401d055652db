"""Are two reports of people about one matter? A score with its reasons; nothing is merged here.

Place, time, class and words have to agree: people who stand at the same spot within hours and mean
the same class, or say nearly the same words. The words of the address are shared by everybody there
and say nothing, so grams that both addresses explain are left out.
"""

from __future__ import annotations

import re
from math import cos, hypot, radians
from typing import NamedTuple

MERGE, SUGGEST = 0.8, 0.55  # from which score on it is one case, and from which a person is asked
HOURS = 24.0  # further apart than this is another occurrence
NEAR_METRES = 150.0
_NOISE = re.compile(r"[\W_\da-zA-Z]+")
# What every call begins and ends with says nothing of the matter.
_MANNERS = re.compile(
    "市民来电反映|来电人表示|诉求人反映|群众报警|报警人称|报警称|视频巡查|今日巡查|巡查发现|巡查至"
    "|我想反映一下|你好|您好|尊敬的领导|希望有关部门尽快处理|要求核实处理并回复|已经好几天了没人管"
    "|都反映好几次了|请派人处理|请求出警处置|无人受伤|麻烦快点|求解决|已拍照上传|图片|定位|附近"
)


class Reported(NamedTuple):
    """What a report says about its matter. ``address``: words of the place, as far as known."""

    at_ms: int
    code: str  # "" = unsure
    top3: tuple[str, ...]
    grid: str
    building: str
    lon: float | None
    lat: float | None
    text: str
    address: str = ""


class Likeness(NamedTuple):
    score: float  # 0..1
    why: str


def same_matter(one: Reported, other: Reported) -> Likeness:
    """How likely two reports are one matter. Symmetric; 0 when place or time rule it out."""
    hours = abs(one.at_ms - other.at_ms) / 3_600_000
    if hours > HOURS:
        return Likeness(0.0, "相隔超过一天")
    place, where = _place(one, other)
    if not place:
        return Likeness(0.0, where)
    kind, what = _class(one, other)
    words = _words(one, other)
    if not kind and words < 0.6:
        return Likeness(0.0, "类别与用词都不同")
    late = 1.0 if hours <= 3 else 0.85 if hours <= 8 else 0.6
    score = place * late * max(kind, min(1.0, 1.25 * words))
    return Likeness(round(score, 3), f"{where},{what},用词相同 {words:.0%},相隔 {hours:.1f} 小时")


def _place(one: Reported, other: Reported) -> tuple[float, str]:
    if one.building and other.building:
        return (1.0, "同一栋楼") if one.building == other.building else (0.0, "不在同一栋楼")
    if one.grid and other.grid and one.grid != other.grid:
        return 0.0, "不在同一网格"
    if None not in (one.lon, one.lat, other.lon, other.lat):
        if _metres(one, other) > NEAR_METRES:
            return 0.0, f"相距超过 {NEAR_METRES:.0f} 米"
        alone = bool(one.building) != bool(other.building)
        return (0.8 if alone else 0.95), "位置相近"
    if one.grid and one.grid == other.grid:
        return (0.85, "同一网格") if not (one.building or other.building) else (0.7, "同一网格")
    return 0.0, "地点不明"


def _metres(one: Reported, other: Reported) -> float:
    """Good to a few percent within a city at the latitude of both."""
    assert one.lon is not None
    assert one.lat is not None
    assert other.lon is not None
    assert other.lat is not None
    east = (one.lon - other.lon) * cos(radians(one.lat))
    return hypot(east, one.lat - other.lat) * 111_320


def _class(one: Reported, other: Reported) -> tuple[float, str]:
    if one.code and one.code == other.code:
        return 1.0, "类别相同"
    if one.code and other.code:
        return (0.5, "同一中类") if one.code[:4] == other.code[:4] else (0.0, "类别不同")
    first, second = one.top3[:1], other.top3[:1]
    if first and first == second:
        return 0.9, "最像的类别相同"
    if set(first) & set(other.top3) or set(second) & set(one.top3):
        return 0.75, "可能的类别相同"
    return 0.0, "类别不同"


def _words(one: Reported, other: Reported) -> float:
    """Share of the shorter text's bigrams that the other has, without manners and addresses."""
    first, second = _bigrams(one), _bigrams(other)
    fewer = min(len(first), len(second))
    return len(first & second) / fewer if fewer else 0.0


def _bigrams(report: Reported) -> set[str]:
    text = _NOISE.sub("", _MANNERS.sub("", report.text))
    address = _NOISE.sub("", report.address)
    shared = {address[n : n + 2] for n in range(len(address) - 1)}
    return {text[n : n + 2] for n in range(len(text) - 1)} - shared
