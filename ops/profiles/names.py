"""Name pools of the fictional city. Every name is invented; none is a person's."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class County:
    code: str
    name: str
    short: str
    name_en: str
    x: float  # km from the city's centre: where its seat lies
    y: float
    slow: float  # how hard it finds growing: the inner districts stay small
    streets: tuple[str, ...]
    towns: tuple[str, ...]


COUNTIES: tuple[County, ...] = (
    County("990101", "澜湖区", "澜湖", "Lanhu District", 0.0, 0.0, 1.1,
           ("望海", "柳岸", "鼓楼台", "澜桥", "春熙坊", "东津", "文澜", "长堤", "白塔", "听潮"),
           ()),
    County("990102", "望川区", "望川", "Wangchuan District", 7.5, 3.5, 1.2,
           ("望川", "松风", "凤鸣台", "青羊渡", "锦屏", "学府里", "龙腾", "云锦"), ("浣溪",)),
    County("990103", "鹤浦区", "鹤浦", "Hepu District", -7.0, 4.0, 1.15,
           ("鹤浦", "栖霞岭", "芦花", "石牌坊", "新港", "丰泽"), ("枫桥渡", "雁鸣")),
    County("990104", "新澜区", "新澜", "Xinlan District", 1.0, -8.0, 1.3,
           ("新澜", "智谷", "星河湾", "创新港", "南屏", "月牙湖"), ("画溪",)),
    County("990105", "松陵区", "松陵", "Songling District", 16.0, -9.0, 1.0,
           ("松陵", "渔港", "临潮"), ("沙洲", "盐田", "观澜", "望楼")),
    County("990121", "云溪县", "云溪", "Yunxi County", -21.0, 9.0, 0.95,
           ("云溪",), ("茶亭", "竹海", "落霞", "石门", "双泉", "白鹭洲")),
    County("990122", "岚桥县", "岚桥", "Lanqiao County", -13.0, -18.0, 0.95,
           ("岚桥",), ("青石", "马鞍", "稻香", "银杏", "打水", "古渡")),
    County("990123", "禾丰县", "禾丰", "Hefeng County", 13.0, 20.0, 0.9,
           ("禾丰",), ("粮站", "大圩", "金穗", "荷塘", "火神庙", "杏花", "北塔")),
)  # fmt: skip

#: Towns of a county beyond this count are townships (乡).
TOWNSHIPS = frozenset({"白鹭洲", "古渡", "北塔", "双泉"})


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


_TOWN_HEADS = _split(
    "柳 桃 枫 松 竹 梅 兰 荷 云 溪 月 星 锦 银 玉 凤 鹤 鹭 清 澄 永安 福 和 兴 康 东 南 "
    "西 北 青 红 新 文 学 春 秋 晨 朝阳 向阳 光明 长宁 太平 明德 崇文 建设 前进 红旗 幸福 "
    "友谊 民主 团结 紫藤 丁香 海棠 玉兰 木槿 芙蓉 蔷薇 百合 石榴 樱花 银河 翠微 烟雨 清风 "
    "映月 听雨 观山 望江"
)
_TOWN_TAILS = _split("岸 园 苑 湖 桥 河 泉 港 湾 塘 里 巷 坊 亭 台 门 渡 洲 堤 街 城")
_VILLAGE_HEADS = _split(
    "王家 李家 张家 陈家 周家 吴家 徐家 孙家 马家 朱家 胡家 郭家 何家 高家 林家 罗家 郑家 "
    "梁家 上 下 前 后 大 小 东 西 南 北 石 白 青 红 黄 黑 新 老 双 三 五 七 九 龙 虎 马 "
    "牛 羊 鹿 鹤 杨树 柳树 槐树 枣树 梨园 桑园 茶 竹 稻 麦 豆 油坊 瓦窑 铁匠 磨盘 水碓 "
    "土地 观音 关帝"
)
_VILLAGE_TAILS = _split("庄 湾 塘 坝 岭 坪 冲 圩 集 店 屯 沟 坡 垅 桥 井 河 滩 岗 墩 铺 渡 寨")
_ROAD_HEADS = _split(
    "澜江 望海 滨河 长堤 中山门 文昌 学林 建业 创业 科创 星湖 清风 明月 紫金 翠屏 凤凰 "
    "龙泉 白鹭 金桂 银杏 梧桐 香樟 玉兰 丹枫 海棠 芙蓉 迎宾 朝阳 向阳 和平 解放 胜利 建设 "
    "新华 青年 友谊 团结 幸福 富民 惠民 康宁 安泰 永福 长兴 兴业 工农 纺织 机床 船厂 港口 "
    "渔港 盐场 消防 水厂 电厂 火车站 汽车站 体育场 天文台 钟楼 鼓楼 石牌坊 城隍 书院 状元 "
    "棋盘 井亭 云溪 岚桥 禾丰 松陵 鹤浦 新澜 茶亭 竹海 落霞 石门 双泉 稻香 荷塘 杏花 金穗"
)
_ESTATE_HEADS = _split(
    "澜庭 江南 水岸 湖畔 金色 阳光 绿城南 碧水 翡翠 锦绣 盛世 御景 华润里 书香 翰林 学府 "
    "天鹅 月亮 星光 彩虹 丽景 丽水 清华里 紫荆 桂花 香榭 枫林 梧桐 银杏 海棠 玉兰 山水 "
    "云顶 观澜 望海 听涛 揽月 聚贤 安居 康居 同心 和谐 幸福 祥和 福满 吉祥 如意 鸿运 宏图 "
    "万福 百合 东方 南湖 西溪 北辰 中央 金桥 银湾 龙湖里 凤栖 鹤鸣 鹿鸣 雁栖 莲花 荷塘 "
    "竹韵 兰亭"
)
_ESTATE_TAILS = _split("花园 家园 苑 新村 小区 名邸 雅居 华庭 公馆 里 城 府 嘉园 丽舍")
_OLD_ESTATES = _split("纺织厂 机床厂 船厂 铁路 供销社 粮食局 邮电 盐业 水泥厂 化肥厂 师范 罐头厂")


class Pool:
    """Names drawn without repeats within a scope, the same for the same ``rng``."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.used: set[tuple[str, str]] = set()

    def community(self) -> str:
        return self._draw("village", _TOWN_HEADS, _TOWN_TAILS) + "社区"

    def village(self) -> str:
        return self._draw("village", _VILLAGE_HEADS, _VILLAGE_TAILS) + "村"

    def road(self, wide: bool) -> str:
        kinds = (
            ("大道", "路", "东路", "西路") if wide else ("路", "街", "巷", "南路", "北路", "中路")
        )
        return self._draw("road", _ROAD_HEADS, kinds)

    def estate(self, scope: str) -> str:
        if self.rng.random() < 0.08:
            return self._draw(scope, _OLD_ESTATES, ("宿舍", "家属院", "新村"))
        return self._draw("estate", _ESTATE_HEADS, _ESTATE_TAILS)

    def _draw(self, scope: str, heads: tuple[str, ...], tails: tuple[str, ...]) -> str:
        for attempt in range(2000):
            name = self.rng.choice(heads) + self.rng.choice(tails)
            if attempt > 400:  # the plain pool is used up: add a quarter
                name = self.rng.choice("东南西北") + name
            if name[0] != name[1] and (scope, name) not in self.used:
                self.used.add((scope, name))
                return name
        raise ValueError(f"no more names for {scope}")


_DIGITS = "零一二三四五六七八九"


def ordinal(n: int) -> str:
    """1 → 第一, 12 → 第十二 (up to 99)."""
    tens, ones = divmod(n, 10)
    word = ("" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十") + (
        _DIGITS[ones] if ones else ""
    )
    return f"第{word}"
