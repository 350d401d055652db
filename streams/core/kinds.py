"""Kinds of incident: which classes, device codes and words speak of one thing, and how far it reaches.

One fire is told as 建筑火灾, 冒烟待核 and a smoke detector's code; a leak is called by five names. A
kind gathers what is told of one incident, so that its reports meet whatever class each was given.
Classes in no row are a kind of their own.
"""

# ruff: noqa: E501  (a table, aligned to be read)
from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

from schemas.case import Case, Report


class Kind(NamedTuple):
    """A row. ``minutes``: how long after its last report one more belongs to it. ``metres``: how
    far from it people who tell of it may stand. ``wide``: the widest place that two reports may
    share, when neither says more, and still be merged. ``again``: minutes after which the same
    device means something new; 0 = never while its case is open. ``one``: its reports belong
    together whatever their classes and words are; else both count. ``apart``: what the texts may
    not contradict each other in. ``over``: a kind that this one's words put aside.
    """

    name: str
    classes: tuple[str, ...]  # prefixes of class codes; the longest that fits decides
    events: tuple[str, ...] = ()
    words: str = ""  # what says it in a text whose class is doubtful; a pattern
    minutes: int = 1440
    metres: int = 60
    wide: str = "place"  # building | place | grid | village
    again: int = 0
    one: bool = False
    apart: tuple[str, ...] = ("building", "unit", "spot")
    over: str = ""


HOUSE = ("building", "unit", "room")
HOUSES = ("building",)

# fmt: off
KINDS: tuple[Kind, ...] = (
    # --- one incident whatever says so
    Kind("fire",     ("0201", "130103", "080103", "130207"), ("fire.alarm", "fire.manual_alarm", "fire.device_started"),
         r"(?<![不消灭防])着了?火|(?<![消灭防打])火(?:情|灾|苗|光|势|警|星|花|很|好|太|特别|烧|着|蹿|越)|[起失有救大明]火(?!车|锅|腿|柴|罐)|(?<![油抽香吸禁二卖买])烟(?![花酒头灰囱草机道管民])|着了|自燃|燃烧|爆燃|爆炸|烧(?![烤纸饭水香菜鸡饼伤退钱])|焦糊|糊味|烟感|冒火|引燃|短路冒",
         60, 150, "grid", 60, True, HOUSES),
    Kind("gas",      ("030301", "030302", "030304", "0305"), ("gas.alarm", "analog.gas_lel"),
         r"(?:煤气|燃气|天然气|瓦斯|液化气).{0,6}(?:味|漏|泄|断|破|冲|报警)|(?:漏|泄露?漏?).{0,3}(?:煤气|燃气|天然气|气(?!愤))|臭鸡蛋|[管罐瓶].{0,4}漏气|气味.{0,4}煤气|闻.{0,6}(?:煤气|燃气|天然气|瓦斯)|呲呲",
         120, 120, "grid", 120, True, HOUSES),
    Kind("lift",     ("0302",), ("lift.trapped", "lift.help_button", "lift.stop_outside_zone", "lift.overrun", "lift.door_fault", "lift.out_of_service"),
         r"电梯|轿厢|梯子里|客梯|货梯|升降梯", 240, 60, "place", 240, True, ("building", "unit", "lift")),
    Kind("falling",  ("010202", "090201", "090204", "130104"), ("hat.falling_object",),
         r"抛物|(?:楼上|高层|上面|高处|窗户|阳台|空中|天上).{0,10}(?:扔|丢|抛|掉|砸|坠|落|泼)|(?:扔|丢|抛|掉|砸|坠|落|泼).{0,6}(?:下来|下去|楼下|一地)|往(?:楼)?下(?:扔|丢|抛|砸|泼)|脱落|坠落|墙皮|瓷砖",
         240, 60, "place", 240, True, HOUSES),
    Kind("flood",    ("060203", "060205", "130101"), ("water.level", "river.level"),
         r"积水|内涝|(?:水|雨).{0,4}(?:淹|漫|没过|倒灌|齐腰)|(?:被|都|全)淹|淹了|漫到|没过|淌水|蹚水|趟水|灌水|进水|倒灌|水深|(?:路|车).{0,5}泡|水.{0,3}到.{0,3}(?:膝|腰|腿|轮)|水(?:好|很|太|这么|那么)?深|(?:全|都)是水|一片汪洋|成河|熄火|抛锚", 300, 180, "grid", 60, True, ("spot",)),
    Kind("garage",   ("090205",), (), r"(?:车库|地下室|地库|负一|地下停车).{0,10}(?:水|淹)|(?:水|淹).{0,6}(?:车库|地下室|地库|负一|地下停车)", 600, 60, "place", 0, True, HOUSES, "flood"),
    Kind("manhole",  ("060201", "060202", "060207"), ("manhole.moved",),
         r"井盖|窨井|马葫芦|(?:个|口)井|井.{0,3}(?:敞|没盖)|井口|阴井|下水井|检查井", 720, 80, "building", 120, True, ("building", "spot")),
    Kind("collapse", ("060102", "060101", "060103", "040204"), (),
         r"塌|陷(?:下|进|坑|了|个)|下陷|地陷|大?坑|窟窿|大洞|空洞|沉降|沉下去", 2880, 100, "place", 0, False, ("spot",)),
    Kind("burst",    ("060402", "060408", "040206"), (),
         r"爆管|爆裂|崩了|喷(?:水|涌|泉|出|得)|管.{0,4}(?:爆|破|裂|断|崩)|(?:暖气|供热).{0,6}漏|水柱|往外(?:喷|冒|涌)|挖(?:断|破)", 600, 120, "grid", 0, True, ("building", "unit", "spot")),
    Kind("drowning", ("130106",), (), r"溺水|落水|掉(?:进|到|下)?.{0,2}(?:河|湖|水|塘|池|沟)|掉水里|水里.{0,4}(?:人|小孩)|沉下去|淹着", 60, 150, "grid", 0, True, ()),
    Kind("crash",    ("070201",), (), r"撞|追尾|车祸|剐|[刮碰挂]倒|刮蹭|刮擦|碰擦|侧翻|翻车|事故", 60, 120, "place", 0, True, ()),
    Kind("violence", ("010101", "010107", "100103", "100105"), ("door.duress",),
         r"打架|打起来|干起来|干架|动起?手|开瓢|斗殴|持刀|拿刀|刀|砍|互殴|打人|打群架|抡|头破血流|流血|喊救命|打了", 60, 80, "place", 60, False, HOUSE),
    Kind("jump",     ("010109", "130107"), (), r"跳楼|轻生|想不开|(?:要|往下|想)跳|天台|楼顶|顶楼|阳台外|被困|自杀|寻短见|情绪激动", 90, 80, "place", 0, True, HOUSES),
    Kind("fallen",   ("050301",), (),
         r"树.{0,8}(?:倒|断|歪|折|压|砸)|(?:倒|断|刮断|折断|吹断).{0,6}(?:树|枝|杆)|倒伏|断枝|电线杆|杆(?:子)?.{0,3}(?:倒|歪|断)|(?:线|电缆|光缆).{0,6}(?:断|垂|掉|耷|拖|落)|垂下|耷拉", 720, 80, "place", 0, True, ("building", "spot")),
    Kind("wire",     ("060302", "060303", "060304"), (), r"电线|高压线|线缆|电缆|光缆|网线|杆(?:子)?.{0,3}(?:倒|歪|断)|电箱|配电", 720, 80, "place", 0, True, ("building", "spot")),
    Kind("site",     ("040205", "030102"), (), r"脚手架|架子.{0,4}[倒塌]|塔吊|基坑|坍塌|(?:埋|压).{0,3}(?:人|里)|工地.{0,8}(?:倒|塌|砸|坠|摔|掉)", 240, 150, "place", 0, True, ()),
    Kind("wall",     ("010304",), (), r"围墙|院墙|围栏|护栏|墙.{0,4}(?:倒|歪|斜|塌|裂)", 1440, 80, "building", 0, True, ("building", "spot")),
    Kind("illness",  ("110201",), (), r"晕倒|昏[迷倒]|抽搐|倒[在了]?地|心[脏梗]|没(?:了)?呼吸|没(?:了)?(?:意识|知觉)|喘不上|急救|救护车|叫不醒", 60, 60, "place", 0, True, HOUSE),
    Kind("protest",  ("100307",), (), r"横幅|围堵|堵.{0,3}大?门|聚集|静坐|上访|围了.{0,6}人|讨说法", 240, 100, "place", 0, True, ()),
    Kind("poisoned", ("120102",), (), r"食物中毒|吃坏|上吐下泻|拉肚子|腹泻|吃完.{0,6}吐|呕吐", 1440, 80, "place", 0, True, ()),
    # --- supplies: one failure, many households
    Kind("no_water", ("060401",), (), r"停.{0,2}水|没(?:有)?(?:自来)?水(?![费表压])|水都没|没来水|一滴水|水.{0,2}停|断水|不[来出]水|水压|水流|(?:几点|何时|啥时候?|什么时候)来水", 720, 250, "grid", 0, True, ()),
    Kind("no_power", ("060405",), (), r"停.{0,2}电|没.{0,3}电(?![梯话])|跳闸|断电|电.{0,2}停|突然黑|来电(?!人|反映|话)|漆黑", 480, 250, "grid", 0, True, ()),
    Kind("no_gas",   ("060406",), (), r"停.{0,2}气(?![味])|没.{0,2}(?:煤气|燃气|天然气|气)(?!味)|打不着(?:火)?", 720, 250, "grid", 0, True, ()),
    Kind("no_heat",  ("060407",), (), r"暖气|供暖|供热|地暖|不热|冰凉|冰的|室温|热乎|取暖", 1440, 250, "grid", 0, True, ()),
    Kind("no_net",   ("060409",), (), r"断网|没网|宽带|上不了网|没信号|信号|网络", 720, 250, "place", 0, False, HOUSES),
    Kind("bad_water", ("060403",), (), r"水.{0,3}(?:质|黄|浑|有味|异味|黑|锈)|水.{0,5}味|消毒水|铁锈|漂白粉", 1440, 250, "grid", 0, True, ()),
    # --- what is heard and smelt: by its source
    Kind("smell",    ("080101", "080102", "080105", "080106"), (), r"臭|恶臭|异味|刺鼻|难闻|油烟|呛|怪味|味道|熏", 360, 150, "place"),
    Kind("noise",    ("0802",), (), r"吵|噪|响|睡不着|咣|嗡|咚|声音|音响|扰民|轰|震|施工|喇叭|唱歌|分贝", 360, 80, "place"),
    Kind("renovation", ("080207", "090206"), (), r"装修|砸|电钻|电锤|冲击钻|打孔|敲墙|拆墙|承重墙|墙体", 600, 60, "building", apart=HOUSE),
    Kind("dust",     ("080104", "0402"), (), r"扬尘|灰尘|渣土|尘土|脚手架|塔吊|围挡|工地", 720, 120, "place"),
    Kind("water",    ("0803", "060204", "060206"), (), r"污水|粪|黑水|化粪池|下水道|管道.{0,3}堵|返(?:水|味|上来)|外溢|污物|堵塞", 1440, 100, "place"),
    Kind("leak",     ("090202", "100101", "090207"), (), r"漏水|渗水|滴水|洇|渗漏|漏雨|返潮", 2880, 60, "building", apart=HOUSE),
    # --- things that stand there until somebody comes
    Kind("lamp",     ("060301", "090105"), (), r"路灯|灯.{0,4}(?:不亮|坏|灭|闪|瞎)|楼道灯|照明|没灯|黑灯|摸黑|黑漆漆", 4320, 60, "place"),
    Kind("rubbish",  ("0501", "090103", "050207", "020202"), (), r"垃圾|堆物|杂物|堆(?:着|满|得|放)|废品|满溢|旧(?:家具|沙发)|床垫|沙发|没人收|清运", 1440, 60, "place"),
    Kind("parking",  ("0701", "020201", "070204", "050204"), (), r"停车|违停|乱停|停满|占道|堵|挪车|通道|车位", 480, 60, "place"),
    Kind("stalls",   ("0502",), (), r"摆摊|摊贩|占道|出店|叫卖|小贩|摊位|早餐车|夜市|招牌|广告", 360, 60, "place"),
    Kind("dogs",     ("050305", "050306", "050307"), (), r"狗|犬|猫", 720, 80, "place"),
    Kind("building", ("0401",), (), r"违建|搭建|加盖|盖房|盖楼|彩钢|私搭|阳光房|盖了?一?间|围起来|违章", 4320, 60, "building", apart=HOUSE),
    Kind("door",     ("010302", "010303", "090107"), ("door.forced", "door.held_open", "door.tamper", "door.fault"), r"门禁|单元门|道闸|门锁|刷不开|抬杆", 720, 40, "building", 720),
    Kind("ebike",    ("020303",), ("lift.ebike_in",), r"(?:电瓶|电动)车.{0,6}(?:电梯|梯)|电梯.{0,8}(?:电瓶|电动)车", 15, 30, "building", 15, False, HOUSES, "lift"),
    Kind("charging", ("020301", "020302"), (), r"飞线|充电|电瓶|电动车", 1440, 60, "building", apart=("building", "unit")),
    Kind("crowd",    ("010201",), ("video.flow", "video.density"), r"人(?:太|很|特别|好)?多|拥挤|人挤人|聚集|排队", 120, 120, "place", 120),
    Kind("weather",  ("130108",), ("rain.amount",), "", 360, 500, "village", 360, False, ()),
    Kind("sos",      ("010305",), ("sos.button",), "", 30, 40, "building", 30),
    Kind("watched",  ("010203", "060107"), ("video.tripwire", "video.intrusion", "video.left_object"), "", 60, 60, "place", 60),
    # --- what everybody of one house has with the same others
    Kind("common", ("0703", "090101", "090106", "090301", "090302", "090307"), (), "", 1440, 0, "building"),
    # --- one person's own matter: the same class at the same place says nothing
    Kind("own", ("0903", "1001", "1002", "1003", "11", "12", "010102", "010103", "010104", "010108"),
         (), "", 1440, 0, "building"),
)
# fmt: on

#: classes of which each person has a matter of their own: only nearly the same words are the same
PERSONAL = frozenset({"own", "common"})
#: kinds that may hide behind a class that is told beside them: 消防车进不来 while it burns
GRAVE = frozenset({
    "fire", "gas", "lift", "falling", "flood", "garage", "manhole", "burst", "drowning", "crash",
    "violence", "jump", "site", "illness",
})  # fmt: skip
#: what a camera reports without saying what it sees: evidence of an emergency beside it
WITNESS = ("video.manual",)
#: what is said so plainly that no class can hide it, unless it is only feared
# fmt: off
PLAIN: dict[str, str] = {
    "fire":     r"(?<![不没])着了?火|[起失]火|火灾|大火|火光|黑烟|浓烟|冒烟|起烟|好大的?烟|冒火|自燃|烧起来|烧着了",
    "gas":      r"(?:煤气|燃气|天然气|瓦斯|液化气)[^,,。]{0,4}(?:泄?漏|味)",
    "lift":     r"(?:困|关|卡)[^,,。]{0,8}(?:电梯|轿厢)|(?:电梯|轿厢)[^,,。]{0,8}(?:困|关|卡|出不来|坏|停了|罢工|故障|不动|用不了)",
    "flood":    r"积水|内涝|水淹|被淹|倒灌|水漫|水都?没过",
    "garage":   r"(?:车库|地库|地下停车场|地下室)[^,,。]{0,8}(?:[积进灌漏倒]水|淹|水(?:深|位|没|漫))",
    "manhole":  r"井盖|窨井|马葫芦",
    "collapse": r"塌陷|地[陷塌]|路[^,,。]{0,6}[塌陷]|人行道[^,,。]{0,3}塌|窟窿|大坑",
    "burst":    r"爆管|水管[^,,。]{0,4}[爆裂崩断]|管道[^,,。]{0,3}[爆破]裂|水柱|挖断",
    "drowning": r"[落溺]水(?!管|口)|掉[^,,。]{0,4}[河湖塘江]|[河湖塘江]里?[^,,。]{0,3}掉|跳[河江湖]",
    "crash":    r"车祸|追尾|交通事故|相撞|碰撞|撞[^,,。]{0,3}(?:车|人|倒|上|一起|翻)",
    "violence": r"打架|打起来|干起来|干架|开瓢|打群架|[斗互]殴|[持拿挥]着?[^,,。]{0,2}刀|砍人",
    "jump":     r"跳楼|轻生|[要往]下?跳|自杀",
    "fallen":   r"树[^,,。]{0,8}[倒断折]|断枝|倒伏",
    "site":     r"脚手架|架子[^,,。]{0,3}[倒塌]|坍塌",
    "wall":     r"[围院]墙",
    "illness":  r"晕倒|昏[迷倒]|抽搐|叫不醒|没(?:了)?(?:意识|知觉|呼吸)",
    "protest":  r"横幅|围堵|静坐|讨说法",
    "poisoned": r"食物中毒|上吐下泻|拉肚子",
    "no_water": r"[停断]水|没(?:有)?(?:自来)?水(?![费表压])|没来水|一滴水|水[^,,。]{0,2}停|不[来出]水",
    "no_power": r"[停断]电|没(?:有|了)?电(?![梯话瓶])|跳闸",
    "no_gas":   r"停气|[打点]不着|没(?:有)?(?:煤气|燃气|天然气)(?!味)|打不着火",
    "no_heat":  r"(?:暖气|供暖|供热|地暖)[^,,。]{0,6}(?:停|没|不热|冰|凉|不暖|不供)|没(?:有)?(?:暖气|供暖)|不供暖",
    "no_net":   r"断网|没网|上不了网|没信号",
    "bad_water": r"自来水[^,,。]{0,6}[黄浑味黑锈]|水[^,,。]{0,2}(?:发黄|浑浊)",
    "smell":    r"恶臭|刺鼻|味道?[^,,。]{0,3}[大重浓]|大的?[^,,。]{0,4}味|呛[得人]|臭味|异味|怪味|难闻",
    "noise":    r"噪[音声]|太吵|吵得|吵死|扰民|分贝",
    "renovation": r"装修|砸墙|电[钻锤]|冲击钻|敲墙",
    "dust":     r"扬尘|渣土",
    "water":    r"化粪池|粪水|污水[^,,。]{0,6}[冒溢流返]|下水道[^,,。]{0,4}[堵返]",
    "leak":     r"[漏渗滴]水",
    "lamp":     r"路灯|楼道灯",
    "rubbish":  r"垃圾",
    "parking":  r"违停|乱停|消防通道|堵[^,,。]{0,4}通道",
    "stalls":   r"摆摊|摊贩|小贩|早餐[车摊]|流动摊|占道经营|烧烤摊",
    "dogs":     r"狗|犬",
    "building": r"违建|搭建|加盖|私搭|阳光房",
    "door":     r"门禁|道闸",
    "charging": r"飞线",
}
# fmt: on
_PLAIN = [(name, re.compile(pattern)) for name, pattern in PLAIN.items()]
#: a part of a sentence that only says what might come of it, or what once was
_FEARED = re.compile(
    "[^,,。;;!!]*(?:隐患|容易|怕|万一|引发|引起|可能|担心|防止|一旦|要是|如果|曾经|上次|去年)[^,,。;;!!]*"
)
BY_NAME: dict[str, Kind] = {row.name: row for row in KINDS}
_PREFIXES = {prefix: row for row in KINDS for prefix in row.classes}
_EVENTS = {code: row for row in KINDS for code in row.events}
_WORDS = [(row.name, re.compile(row.words)) for row in KINDS if row.words]


@cache
def kind_of_class(code: str) -> str:
    """Name of the kind a class belongs to; the code itself when it is in no row; "" for ""."""
    for digits in range(len(code), 1, -1):
        if (row := _PREFIXES.get(code[:digits])) is not None:
            return row.name
    return code


def kind_of_event(code: str) -> str:
    """Name of the kind a device code belongs to, or ""."""
    row = _EVENTS.get(code)
    return row.name if row is not None else ""


@cache
def kind(name: str) -> Kind:
    """The row of a name; classes without one stand for themselves."""
    return BY_NAME.get(name) or Kind(name, (name,))


@lru_cache(4096)
def spoken(text: str) -> tuple[str, ...]:
    """Kinds whose words a text has, in the table's order; an emergency that is only feared is none."""
    rest = _FEARED.sub("", text)
    return tuple(
        name for name, pattern in _WORDS if pattern.search(rest if name in GRAVE else text)
    )


@lru_cache(4096)
def plainly(text: str) -> tuple[str, ...]:
    """Kinds a text tells of in so many words, in the table's order."""
    rest = _FEARED.sub("", text)
    return tuple(name for name, pattern in _PLAIN if pattern.search(rest))


def kinds_of(one: Report | Case, text: str) -> tuple[str, ...]:
    """Kinds a report may tell of, the likeliest first, three at most.

    A device's code decides alone. Of a text: its class, and what it says plainly; these change
    places where the class finds no word of its own. Then the kinds its words name that one of its
    next classes supports; where the class is in doubt, any one incident that its words may mean.
    Words are wide, for they only matter where a case of their kind is open at the place.
    """
    return _kinds(one.event_code, one.class_code, one.top3, one.emergency, text)


@lru_cache(4096)
def _kinds(
    event_code: str, class_code: str, top3: tuple[str, ...], emergency: bool, text: str
) -> tuple[str, ...]:
    if event_code and (name := kind_of_event(event_code)):
        return (name,)
    first = kind_of_class(class_code)
    said, plain = (spoken(text), plainly(text)) if text else ((), ())
    likely = [kind_of_class(code) for code in top3]
    heard = bool(first) and (
        first in said or first in plain or not (kind(first).words or first in PERSONAL)
    )
    found = [first] if heard else []
    found += [name for name in plain if name in GRAVE]
    found += [name for name in plain if name in likely or kind(name).one]
    found += [first] if first and not heard else []
    found += [name for name in plain if not first]
    if heard:
        found += [name for name in said if name in likely and name in GRAVE]
    else:  # what was decided is doubted where the words of its kind are missing
        found += [name for name in likely if name in said]
        found += [name for name in said if kind(name).one and (not first or name in GRAVE)]
        if not first:
            found += [name for name in likely[:1] if not kind(name).one]
    if first not in GRAVE:
        found += [name for name in (*said, *likely) if name in GRAVE and emergency]
    found += plain
    for name in said:
        if (less := kind(name).over) and less in found:
            found = [name, *(other for other in found if other not in (name, less))]
    return tuple(dict.fromkeys(found))[:3]
