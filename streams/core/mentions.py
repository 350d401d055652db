"""A place mentioned in a text: what stands behind its name, and whether it is the matter's.

南湖家园 5幢          the number of a building     望海路 120号     of a house
鹤浦公园 往北八百米    how far from it              我住 南湖家园    the caller's, not the matter's
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from schemas.profile import Place
from streams.core.numerals import NUMBER, number


class Option(NamedTuple):
    """One of the areas a name may stand for."""

    code: str
    place: Place | None = None
    alias: bool = False  # it is properly called something else


class Mention(NamedTuple):
    start: int
    end: int  # behind the number, if there is one
    kind: str  # building | number | crossing | place | grid | road | village | town | county
    label: str
    options: tuple[Option, ...]
    trust: float = 1.0  # less for 旁边, for names that only sound alike
    away: bool = False  # some hundred metres from it


_PUNCTUATION = "。;;!!??"
#: 望海路120号 · 望海路上127号 · 望海路,门牌是139, · 纺织巷口,就是1号那家; not 10号晚上, 2号线
_HOUSE = re.compile(
    rf"(?:[,,(:第的上]{{0,3}}|[^0-9{_PUNCTUATION}月昨今明每区园]{{1,7}}?)"
    rf"(?:门牌号?(?:是|为)?:?)?(?P<n>{NUMBER})[甲乙丙丁]?(?:[-到至、和.]{NUMBER}){{0,2}}[多来几余]?"
    r"(?:号(?!楼(?![上下前后道梯])|线|院?\d*栋|上午|下午|早|晚|凌晨|中午|那天|开始|当天)|弄|#)"
)
_BARE = re.compile(
    r"[,,(]?(?:门牌号?(?:是|为)?:?)(?P<n>\d{1,4})"
    r"|(?P<m>\d{1,4})(?=$|[甲乙丙丁]|[,,。;;!!、)]|旁|附近|对面|对过|门口|门前|楼下|斜对)"
)
#: 5幢 · 东区7栋 · 第8幢 · 南门进去第二排,3号楼
_BLOCK = re.compile(
    rf"[^{_PUNCTUATION}]{{0,16}}?(?!(?<=[有哪那某每这另整几])一[栋幢座])(?P<n>{NUMBER}|[A-Za-z])(?:号楼|栋|幢|座|号院|#|号(?!线|院?\d))"
)
_DASHED = re.compile(r"[,]?(?P<n>\d{1,3})-\d{1,2}-\d{2,4}")  # 3-2-502
_GRID = re.compile(rf"[,,的]?第?(?P<n>{NUMBER})(?:号)?网格")
_AWAY = re.compile(
    rf"[^{_PUNCTUATION}]{{0,3}}?(?:往|向|朝)[东南西北前后里]\S{{0,5}}?(?P<n>{NUMBER})(?:多|来)?(?P<unit>米|公里|里)"
)
_ROUND = re.compile(
    r"\S?(?:旁|附近|斜?对面|对过|边上|往[前东南西北]|向[东南西北]|[东南西北]侧|后面|后头|隔壁|一带|周边|外面)"
)
#: the caller's own place; weight: how much less it is the matter's
_CALLERS: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"(?:不是|并非|不在)(?:在|说|指)?$"), 3),
    (re.compile(r"(?:户籍|户口|老家|原籍|籍贯)(?:地|在|是|为)?$"), 2),
    (
        re.compile(
            r"(?:住|住在|住的是|居住在?|家在|家是|我是|我们是|本人是|[自从打由]|来自|住址(?:是|在|为)?)$"
        ),
        1,
    ),
)
_AT_WORK = re.compile(r"\S?(?:上班|工作|上学|的(?:人|居民|村民|住户)[,,])")
_BESIDE = re.compile(
    r"(?:斜?对面|隔壁|旁边?|附近|后面|后头|边上|[东南西北]侧|[东南西北]边)(?:的|那家|那个)?$"
)
_JOINED = re.compile(r"[、·的]?(?:市|那边|这边|里|内)?的?$")


def house_number(text: str, at: int, until: int) -> tuple[int, int] | None:
    """The house number behind a road's name that ends at ``at``, and where it ends."""
    found = _HOUSE.match(text, at, until)
    if found is not None:
        return number(found["n"]), found.end()
    bare = _BARE.match(text, at, until)
    return (int(bare["n"] or bare["m"]), bare.end()) if bare is not None else None


def block(text: str, at: int, until: int) -> tuple[str, int] | None:
    """The key of the building behind an estate's name (see ``block_key``), and where it ends."""
    found = _DASHED.match(text, at, until) or _BLOCK.match(text, at, until)
    return (block_key(found["n"]), found.end()) if found is not None else None


def block_key(text: str) -> str:
    """The same for 3, 三 and 03; capital letters for lettered buildings."""
    return text.upper() if text.isascii() and text.isalpha() else str(number(text))


def block_of(name: str) -> str:
    """The key of a building by its name in the table (the last number or letter); "" if none."""
    found = re.findall(rf"({NUMBER}|[A-Za-z])(?:号楼|栋|幢|座|#|号院|号)", name)
    return block_key(found[-1]) if found else ""


def grid_number(text: str, at: int) -> tuple[int, int] | None:
    """第三网格 behind a village's name."""
    found = _GRID.match(text, at)
    return (number(found["n"]), found.end()) if found is not None else None


def distance(text: str, at: int) -> int | None:
    """Metres away from a name that ends at ``at`` (往北走八百米); None when none are told."""
    found = _AWAY.match(text, at)
    if found is None:
        return None
    metres = {"米": 1, "里": 500, "公里": 1000}[found["unit"]]
    return number(found["n"]) * metres


def is_around(text: str, at: int) -> bool:
    """Beside, opposite, behind: perhaps in the next grid."""
    return _ROUND.match(text, at) is not None


def clusters(text: str, mentions: Sequence[Mention]) -> list[list[Mention]]:
    """Mentions in order, those that make up one address together."""
    found: list[list[Mention]] = []
    for mention in sorted(mentions, key=lambda m: (m.start, -m.end)):
        last = found[-1][-1] if found else None
        if last is not None and _belongs(text[last.end : mention.start], last):
            found[-1].append(mention)
        else:
            found.append([mention])
    return found


def _belongs(gap: str, last: Mention) -> bool:
    if last.kind in ("village", "town", "county"):
        gap = gap.replace(",", "")
    return len(gap) < 4 and _JOINED.match(gap) is not None


def strangeness(text: str, cluster: Sequence[Mention], following: Mention | None) -> int:
    """How much less likely a cluster is the place of the matter; 0 = it is."""
    start, end = cluster[0].start, max(m.end for m in cluster)
    before, behind = text[max(0, start - 6) : start], text[end : end + 4]
    for cue, weight in _CALLERS:
        if cue.search(before):
            return weight
    if _AT_WORK.match(behind):
        return 1
    if following is not None and _BESIDE.match(text[end : following.start]):
        return 1  # A对面的B: it is about B
    return 0
