"""How names sound, for names that were typed by ear: 旺海路 for 望海路, 体育场东陆 for 体育场东路.

``sounds.tsv``: the 6,763 characters of GB 2312 by syllable without tone (most common reading, from
pinyin-data, MIT). Sounds that many speakers do not tell apart are one: zh z, ch c, sh s, n l at the
front; ing in, eng en, ang an at the end.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("sounds.tsv")
_FIRST = 0xE000  # syllables become signs of the private area, one each
_ALIKE = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
#: characters of addresses that come in traditional script
_TRADITIONAL = str.maketrans(
    "號樓棟門區縣鎮鄉園廠學灣橋馬東陸廣場館醫龍華麗蘭雲頭莊嶺島溝戶寶興業豐慶陽風鳳鶴鷺銀錦繡鐵車貿"
    "發電糧鹽漁農環衛會務濱濟潤澤瀾觀書勝長張陳劉楊趙孫吳鄭馮蔣韓許鄧葉呂蘇盧賈魯邊對側樹廳廟聽濤頤"
    "荊灘墳堖塢窯圍壩岡澗溫涼綠紅藍紡織機貨碼隊營辦處單層間東進開關達連遠這裡裏後萬億",
    "号楼栋门区县镇乡园厂学湾桥马东陆广场馆医龙华丽兰云头庄岭岛沟户宝兴业丰庆阳风凤鹤鹭银锦绣铁车贸"
    "发电粮盐渔农环卫会务滨济润泽澜观书胜长张陈刘杨赵孙吴郑冯蒋韩许邓叶吕苏卢贾鲁边对侧树厅庙听涛颐"
    "荆滩坟垴坞窑围坝冈涧温凉绿红蓝纺织机货码队营办处单层间东进开关达连远这里里后万亿",
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_PLAIN = _WIDE | _TRADITIONAL | {ord("　"): " ", ord("—"): "-", ord("–"): "-", ord("~"): "-"}
#: blanks beside a Chinese character; one between two numbers keeps them apart
_BLANKS = re.compile(r"(?<=[^\x00-\x7f])[ \t\n]+|[ \t\n]+(?=[^\x00-\x7f])")


def plain(text: str) -> str:
    """The text in half-width and simplified signs, without blanks inside Chinese words."""
    return _BLANKS.sub("", text.translate(_PLAIN))


def heard(text: str) -> str:
    """One sign a character: its folded syllable; what has none stays as it is."""
    return text.translate(_table())


@cache
def _table() -> dict[int, int]:
    signs: dict[str, int] = {}
    table: dict[int, int] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines()[1:]:
        syllable, characters = line.split("\t")
        sign = signs.setdefault(_folded(syllable), _FIRST + len(signs))
        table.update(dict.fromkeys(map(ord, characters), sign))
    return table


def _folded(syllable: str) -> str:
    for full, short in _ALIKE:
        if syllable.startswith(full):
            syllable = short + syllable[len(full) :]
            break
    return syllable[:-1] if syllable.endswith(("ang", "eng", "ing")) else syllable
