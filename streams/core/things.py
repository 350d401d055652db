"""What a report is about within its kind: whose noise, which rubbish, what drips.

Two complaints of noise at one estate are one matter when both name the dancing, and two when one
names a building site. A thing is called by many words; these say it whatever class was given.
"""

from __future__ import annotations

import re
from functools import lru_cache

# fmt: off
THINGS: tuple[tuple[str, str], ...] = (
    ("dance",      r"广场舞|跳舞|大妈"),
    ("bar",        r"酒吧|KTV|ktv|歌厅|夜店|迪厅"),
    ("worksite",   r"工地|施工|混凝土|打桩|挖机|挖掘机|楼盘"),
    ("renovation", r"装修|砸墙|电钻|电锤|打孔|冲击钻|敲墙"),
    ("games",      r"麻将|棋牌"),
    ("speaker",    r"喇叭|叫卖"),
    ("steps",      r"蹦跳|脚步|跑来跑去|跺脚|楼上[^,,。]{0,6}[跳跑蹦]"),
    ("quarrel",    r"吵架|吵嘴|争吵|骂人|对骂"),
    ("machine",    r"水泵|风机|外机|机房|变压器|冷却塔"),
    ("music",      r"钢琴|吹唢呐|拉二胡|练琴|萨克斯"),
    ("barbecue",   r"烧烤|大排档|烤串|夜宵摊"),
    ("stall",      r"摆摊|摊贩|小贩|早餐|卖菜|卖水果|[菜果]摊|摊位|流动摊|摆开"),
    ("car",        r"汽车|轿车|面包车|货车|私家车|违停|小车"),
    ("bike",       r"共享单车|单车|自行车"),
    ("ebike",      r"(?:电动车|电瓶车|三轮车)(?!充电[桩口])"),
    ("charger",    r"充电[桩口]"),
    ("dog",        r"狗|犬"),
    ("bite",       r"咬|伤人"),
    ("leash",      r"牵绳|狗绳|拴绳"),
    ("stray",      r"流浪|野狗|野猫"),
    ("cat",        r"猫"),
    ("bird",       r"鸡|鸭|鹅|鸽"),
    ("aircon",     r"空调"),
    ("laundry",    r"晾|衣服|被子|拖把"),
    ("sewage",     r"化粪池|粪|污水|下水道(?!味)"),
    ("drain",      r"地漏|排水沟|雨水口"),
    ("tree",       r"树"),
    ("sign",       r"广告|招牌|灯箱"),
    ("streetlamp", r"路灯"),
    ("hall_lamp",  r"楼道灯|声控灯|感应灯"),
    ("rubble",     r"建筑垃圾|装修垃圾|渣土|砖头|水泥"),
    ("furniture",  r"沙发|床垫|家具"),
    ("rubbish",    r"(?<!建筑)(?<!装修)垃圾"),
    ("kitchen",    r"油烟|厨房"),
    ("rubber",     r"橡胶|轮胎|塑料"),
    ("sunroom",    r"阳光房|玻璃房"),
    ("shed",       r"彩钢|棚子|棚"),
    ("fence",      r"围挡"),
    ("truck",      r"渣土车|水泥罐车|大货车"),
    ("fee",        r"停车费|收费|物业费"),
    ("space",      r"车位|停车位|位子"),
    ("wall",       r"围墙|院墙"),
    ("wifi",       r"宽带|网络|断网|没网"),
    ("signal",     r"信号"),
)
# fmt: on
_THINGS = [(name, re.compile(pattern)) for name, pattern in THINGS]


@lru_cache(4096)
def things(text: str) -> frozenset[str]:
    """Names of the things a text speaks of."""
    return frozenset(name for name, pattern in _THINGS if pattern.search(text))
