"""What a text says of its exact spot and its matter: numbers, gates, words; and whether it urges.

Marks tell reports apart that share estate and class: 3号楼 is not 5号楼, one gate not the other.
"""

# ruff: noqa: E501  (patterns, aligned to be read)
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import log

Marks = Mapping[str, frozenset[str]]

_NUMBER = r"(\d{1,3}|[一二三四五六七八九两]?十[一二三四五六七八九]?|[一二三四五六七八九两])"
# fmt: off
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("building", re.compile(_NUMBER + r"\s*(?:号楼|栋|幢|#楼?|座(?![椅位]))")),
    ("unit",     re.compile(_NUMBER + r"\s*(?:号?单元|门洞)")),
    ("room",     re.compile(r"(?<!\d)(\d{3,4})\s*(?:室|户|房|号房|家)")),
    ("lift",     re.compile(r"(\d|[一二三四左右东西])\s*(?:号|边|侧|部)?的?(?:电梯|客梯|货梯)")),
    ("gate",     re.compile(r"(东南|东北|西南|西北|[东南西北正后侧])(?:大|小|边|侧)?门")),
    ("corner",   re.compile(r"(东南|东北|西南|西北|[东南西北])角")),
    ("house",    re.compile(r"(?<!\d)(\d{1,4})\s*号(?!楼|线|院|房|电|客|货|单|梯|下|上|晚|早|凌|那|就|左|之|开|至|到|桥)")),
)
# fmt: on
#: the dashed writing of building, unit and room: 3-2-501
_DASHED = re.compile(r"(?<![\d-])(\d{1,3})-(\d{1,2})-(\d{3,4})(?!\d)")
#: parts of an estate or a street that are not each other
SPOTS = (
    "篮球场|羽毛球场|网球场|足球场|儿童乐园|游乐场|滑梯|沙坑|健身区|健身器材|健身路径|广场|花坛|花园|凉亭|喷泉|水池|池塘|快递柜"
    "|快递站|驿站|菜鸟|垃圾房|垃圾站|垃圾亭|岗亭|保安亭|门卫|物业楼|会所|幼儿园|小学|中学|菜场|菜市场|农贸市场|超市|便利店|药店"
    "|理发店|水果店|饭店|餐馆|面馆|火锅店|烧烤店|奶茶店|棋牌室|麻将馆|网吧|酒店|宾馆|银行|公交站|地铁口|公厕|地下停车场|停车场|车库|地库"
    "|车棚|充电桩|配电房|水泵房|锅炉房|桥洞|桥下|天桥|隧道|涵洞|河边|门口|路口|十字路口|人行道|斑马线|绿化带|工地|楼顶|天台|架空层|连廊"
)
_SPOT = re.compile(SPOTS)
_PLACES = re.compile("|".join([*(pattern.pattern for _, pattern in _PATTERNS), SPOTS]))
_SAME_SPOT = {"地库": "车库", "地下停车场": "车库", "菜场": "菜市场", "农贸市场": "菜市场", "保安亭": "岗亭", "门卫": "岗亭",
              "桥下": "桥洞", "天台": "楼顶", "十字路口": "路口", "驿站": "快递站", "菜鸟": "快递站",
              "垃圾亭": "垃圾房", "垃圾站": "垃圾房", "健身器材": "健身区",
              "健身路径": "健身区"}  # fmt: skip
#: a building nobody numbers: 有一栋楼, 哪栋
_SOME = re.compile("(?:有|哪|那|某|每|这|另|整|几|同)一?[栋幢座层]")
_NUMERALS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2}

_NOISE = re.compile(r"[\W_\da-zA-Z]+")
#: What reports begin and end with, whatever they are about.
_MANNERS = re.compile(
    "市民来电反映|市民反映|来电人表示|来电反映|来电人|诉求人反映|诉求人|群众报警|群众反映|群众举报|居民反映|业主反映|报警人称"
    "|报警称|报案人称|视频巡查|今日巡查|巡查发现|巡查至|巡查|现场发现|我想反映一下|我要反映|我要投诉|投诉|举报|反映|你好|您好|喂"
    "|尊敬的领导|各位领导|希望有关部门|有关部门|相关部门|尽快处理|尽快解决|核实处理并回复|核实处理|要求|请求|出警处置|派人处理"
    "|派人来看看|派人来|已经好几天了|好几天了|没人管|都反映好几次了|无人受伤|麻烦快点|麻烦|求解决|已拍照上传|已拍照|图片|定位"
    "|附近|旁边|请|谢谢|赶紧|快点|快来|处理一下|处理|解决|情况|问题|我们|我家|我|你们|他们|一下|这边|这里|那边|那里|现在|刚才|刚刚"
    "|今天|昨天|今早|昨晚|晚上|早上|已经|就是|有个|有人|一个|小区|社区|街道|什么|怎么|能不能|是不是"
)
#: Questions about money and rules: never the trouble itself.
_FEE = re.compile(
    "收费|退费|退款|费用|缴费|交费|多少钱|价格|补贴|发票|咨询|请问|怎么(?:办理|申请|收)|如何(?:办理|申请)|能不能退|补偿|赔偿"
)
_PLACE_NOTE = re.compile(r"\(地点:[^()]*\)\s*$")
#: Somebody asks what became of a report, instead of making one.
_URGING = re.compile(
    "催(?:一下|促|办|单|问|催)?(?!生|款|收|债|泪|缴|费|租|婚)|(?:还|都|一直|仍然|依然|到现在|始终|也)(?:是)?(?:没有?|不见|未|看不到)(?:一个)?(?:人影|人|谁)?(?:来|管|处理|解决|修|动静|回复|回音|回话|到|上门|联系|消息|下文)"
    "|(?:怎么|咋|为什么|为啥|为何)(?:到现在)?(?:还|都|也|就)?(?:没|不)(?:见)?(?:有)?(?:人)?(?:来|到|处理|修好|修|管|解决|动静|动|见|清|弄|搞|回)"
    "|什么时候(?:才|能|会)*(?:来|到|处理|修|派人|解决)|(?:几点|啥时候|何时|多会儿)(?:才|能|会)*(?:来人|到现场|处理|修好|解决)|多久(?:才)?(?:来|到)|(?:走|到)哪(?:了|儿了|里了)|到底(?:还)?(?:来不来|管不管|有没有人)|没见(?:着|到)?(?:一个)?人|不见(?:一个)?人|人呢|(?:人|车|师傅)(?:都|到底)?在哪|来人了?没|没(?:瞅|看|见)(?:见|到|着)"
    "|没人来|没人管[吗啊呢]|没(?:有)?(?:人)?(?:下文|音讯|动静|回音)|管不管|有没有人管|处理得?怎么?样|进展|等了?(?:快|都|好|半|一|两|几|这么)?\\S{0,6}(?:小时|分钟|半天|久|钟头|刻钟)了?"
    "|(?:都|已经|快|过去)(?:过去|过了|等了|快|有)?\\S{0,5}(?:分钟|小时|钟头|刻钟|半天)了"
)
_EARLIER = re.compile(
    "(?:刚|刚才|刚刚|之前|前面|早上|早晨|上午|中午|下午|昨天|昨晚|前天|已经|先前|方才|一大早|早就|凌晨|今早)\\S{0,12}(?:打过|打了|报过|报了|反映过|反映了|说过|说了|来过电|投诉过|上报过|登记过|报修过|报修了|报警了|报过警|提交过|提交了|来电|报的|报修的?|反映的?|投诉的?|说的|登记的|打的电话|打电话|报警的|求助的|求助过)"
    "|(?:打过|报过|反映过|投诉过|上报过|报修过|提交过|说过)\\S{0,6}(?:电话|一次|两次|几次|了)|报过了|打过了|第[二三四五2345][次遍回](?:打|来电|反映|报|说)?|又打|再(?:次|一次|来|打)(?:来电|反映|致电|催|电话|问)|工单|那个事|那件事|那事|我那个|上次(?:说|报|反映)|刚才那个|还是我|我又来|又是我|还是(?:刚才|那个|上午|早上)"
)
#: it still is, or has grown worse: what somebody says who has told of it before
_GOES_ON = re.compile(
    "还在|还是|还没|还有|仍|依然|依旧|又(?!是谁)|越来越|越\\S越|更|继续|不停|那家|那个|那户|那辆|那条|这会儿|到现在"
)


@lru_cache(4096)
def goes_on(text: str) -> bool:
    """Whether a text tells of what still is, as somebody does who has told of it before."""
    return _GOES_ON.search(text) is not None


def marks(text: str, more: Iterable[str] = ()) -> Marks:
    """Numbers, gates and spots a text names, by what they are of; ``more``: building numbers known
    otherwise."""
    found, numbers = _marks(text), frozenset(more)
    if not numbers:
        return found
    return {**found, "building": found.get("building", frozenset()) | numbers}


@lru_cache(4096)
def _marks(text: str) -> Marks:
    found: dict[str, set[str]] = {}
    text = _SOME.sub(" ", text)
    for dim, pattern in _PATTERNS:
        for value in pattern.findall(text):
            found.setdefault(dim, set()).add(_plain(value))
    for building, unit, room in _DASHED.findall(text):
        for dim, value in (("building", building), ("unit", unit), ("room", room)):
            found.setdefault(dim, set()).add(_plain(value))
    for spot in _SPOT.findall(text):
        found.setdefault("spot", set()).add(_SAME_SPOT.get(spot, spot))
    for corner in found.pop("corner", ()):
        found.setdefault("spot", set()).add(f"{corner}角")
    for gate in found.pop("gate", ()):
        found.setdefault("spot", set()).add(f"{gate}门")
    if _FEE.search(text):
        found["fee"] = {""}
    return {dim: frozenset(values) for dim, values in found.items()}


def building_number(name: str) -> str:
    """The number in a building's name, or ""."""
    found = _PATTERNS[0][1].findall(name)
    return _plain(found[-1]) if found else ""


def _plain(value: str) -> str:
    if value.isdecimal():
        return str(int(value))
    if not set(value) <= {*_NUMERALS, "十"}:
        return value
    tens, ten, ones = value.rpartition("十")
    high = (_NUMERALS.get(tens, 1) if tens else 1) * 10 if ten else 0
    return str(high + _NUMERALS.get(ones, 0))


def asks(text: str) -> bool:
    """Whether a text asks, among other things, why nobody has come yet."""
    return _URGING.search(text) is not None or _EARLIER.search(text) is not None


def urges(text: str) -> bool:
    """Whether a text only asks after an earlier report (催促): it says it is urging or waiting,
    and refers to an earlier report or says nearly nothing else."""
    asked = _URGING.search(text)
    if asked is None:
        return False
    if _EARLIER.search(text) or "催" in asked[0]:
        return True
    rest = _NOISE.sub("", _MANNERS.sub("", _URGING.sub("", text)))
    return len(rest) <= 6


@lru_cache(4096)
def words(text: str, names: tuple[str, ...] = ()) -> frozenset[str]:
    """Pairs of neighbouring signs of what is told, without manners and the names of the place."""
    text = _PLACE_NOTE.sub("", text)
    for name in names:
        text = text.replace(name, " ")
    text = _PLACES.sub(" ", text)  # where it is has its own say
    pieces = _NOISE.split(_MANNERS.sub(" ", text))
    found = {p[n : n + 2] for p in pieces for n in range(len(p) - 1)}
    return frozenset(found)


class Rarity:
    """How much a pair of signs says: pairs that many texts have say little. From texts once."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts: dict[str, int] = {}
        total = 0
        for text in texts:
            total += 1
            for pair in words.__wrapped__(text):  # each is read once
                counts[pair] = counts.get(pair, 0) + 1
        self.most = log(total + 2)
        self._weights = {
            pair: self.most - log(count + 1) for pair, count in counts.items() if count > 1
        }
        #: of all the words of a text, which is compared with many others
        self.whole = lru_cache(4096)(self.of)

    def seldom(self, pairs: Iterable[str]) -> frozenset[str]:
        """Those that hardly any text has: parts of names. None when there are no texts."""
        if not self._weights:
            return frozenset()
        return frozenset(pair for pair in pairs if pair not in self._weights)

    def of(self, pairs: Iterable[str]) -> float:
        get, most = self._weights.get, self.most
        return sum(get(pair, most) for pair in pairs)


def overlap(one: frozenset[str], other: frozenset[str], rarity: Rarity) -> float:
    """Weight of what two texts share, as a share of the lighter one's: 0..1."""
    if len(one) < 2 or len(other) < 2:
        return 0.0
    both = one & other
    if not both:
        return 0.0
    weight = rarity.of(both)
    share = weight / min(rarity.whole(one), rarity.whole(other))
    # Two short texts soon have a pair in common; a rare one says something even in long texts.
    return max(share * min(1.0, (len(both) + 1) / 4), min(0.35, weight / (5 * rarity.most)))


def names_alike(one: frozenset[str], other: frozenset[str], rarity: Rarity) -> bool:
    """Whether two texts share a name hardly any text has, or nearly all of many words."""
    both = one & other
    if len(both) >= 12 and len(both) >= 0.8 * min(len(one), len(other)):
        return True
    return len(rarity.seldom(both)) >= 2
