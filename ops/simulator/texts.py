"""What people say: an example text of the class, the place, and how each channel words it.

``texts.tsv`` has an example or two for every class of the taxonomy, with the channel it suits.
"""

# ruff: noqa: E501  (tables, aligned to be read)
from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ops.simulator.places import Spot

FILE = Path(__file__).with_name("texts.tsv")

# fmt: off
OPENINGS: dict[str, tuple[str, ...]] = {
    "hotline_12345": ("市民来电反映:{place},{text}", "来电人表示{place}{text}", "你好,我住{place},{text}",
                      "喂,{place}这边,{text}", "诉求人反映{place}存在问题:{text}", "{text},就在{place}",
                      "嗯,那个,{place},就是{text}", "我想反映一下,{place},{text}"),
    "hotline_12319": ("{place},{text}", "来电反映{place}{text}", "城管热线:{place}{text}",
                      "市民投诉{place}:{text}"),
    "police_110":    ("报警人称{place}:{text}", "{place},{text}", "报警称在{place},{text}",
                      "群众报警:{place}{text}"),
    "petition":      ("尊敬的领导:您好!我是{place}的居民,现就以下情况反映:{text}。",
                      "信访事项:{place}。{text}。", "各位领导:关于{place}的问题,{text}。"),
    "grid_app":      ("{place}:{text}", "巡查至{place}发现{text}", "{place}{text}", "今日巡查,{place},{text}"),
    "mini_app":      ("{place}{text}", "{text} {place}", "{text}(定位{place})", "{place}!!{text}",
                      "{text}"),
    "watch_desk":    ("{place}:{text}", "视频巡查:{place}{text}", "{place}点位,{text}"),
}
CLOSINGS: dict[str, tuple[str, ...]] = {
    "hotline_12345": ("", "", "。希望有关部门尽快处理", "。要求核实处理并回复", ",都反映好几次了", ",已经好几天了没人管",
                      "。请转办", ",麻烦快点"),
    "hotline_12319": ("", "", "。请派人处理", ",影响通行", "。要求尽快解决"),
    "police_110":    ("", "", "。请求出警处置", ",无人受伤", ",快来"),
    "petition":      ("以上情况已持续数月,多次向社区反映未果,恳请上级部门调查核实,依法依规予以解决,并书面答复。此致敬礼。",
                      "恳请领导重视,派人到现场查看,还居民一个安心的环境。", "望尽快答复。"),
    "grid_app":      ("", "", "", "。已拍照上传", "。已现场劝导,建议派单", "。请相关部门处置"),
    "mini_app":      ("", "", "", "!!!", "[图片]", "。。。", ",求解决", " 拍了照"),
    "watch_desk":    ("", "", "", "。已截图留存", "。转属地核实"),
}
#: Slips of the keyboard and of speech recognition: what is meant, what is written.
SLIPS: tuple[tuple[str, str], ...] = (
    ("的", "得"), ("在", "再"), ("已经", "以经"), ("反映", "反应"), ("垃圾", "拉圾"), ("电梯", "电提"),
    ("小区", "小曲"), ("噪音", "燥音"), ("井盖", "井该"), ("停车", "亭车"), ("楼道", "楼到"), ("施工", "试工"),
    ("没人", "没仁"), ("处理", "处里"), ("漏水", "露水"), ("路灯", "路登"), ("物业", "物页"), (",", ""),
)
#: Share of texts with a slip.
SLIP_SHARE: dict[str, float] = {
    "mini_app": 0.12, "hotline_12345": 0.05, "hotline_12319": 0.04, "police_110": 0.03, "grid_app": 0.02,
}
#: Share of reports that bring an address line, and the reporting system's own area code, by digits.
ADDRESS_SHARE: dict[str, float] = {
    "hotline_12345": 0.7, "hotline_12319": 0.75, "police_110": 0.85, "petition": 0.6, "watch_desk": 0.5,
}
AREA_DIGITS: dict[str, tuple[int, float]] = {
    "hotline_12345": (9, 0.35), "hotline_12319": (9, 0.3), "police_110": (6, 0.5), "petition": (6, 0.8),
    "grid_app": (15, 1.0), "watch_desk": (12, 0.6),
}
POSITION_SHARE: dict[str, float] = {"grid_app": 0.95, "mini_app": 0.85, "watch_desk": 0.7, "police_110": 0.4}
TITLED = frozenset({"petition", "hotline_12345"})
# fmt: on


class Example(NamedTuple):
    code: str
    text: str
    channel: str


@cache
def examples() -> dict[str, tuple[Example, ...]]:
    """Example texts by class code, in the file's order."""
    found: dict[str, list[Example]] = {}
    with FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            found.setdefault(row["code"], []).append(
                Example(row["code"], row["text"], row["channel"])
            )
    return {code: tuple(rows) for code, rows in found.items()}


def report(rng: Random, channel: str, class_code: str, spot: Spot) -> dict[str, Any]:
    """Body of a text report on the channel about the class at the spot. KeyError: no example."""
    choices = examples()[class_code]
    own = [e for e in choices if e.channel == channel]
    told = rng.choice(own if own and rng.random() < 0.8 else choices).text.rstrip("。")
    text = rng.choice(OPENINGS[channel]).format(place=spot.phrase, text=told)
    text += rng.choice(CLOSINGS[channel])
    if rng.random() < SLIP_SHARE.get(channel, 0.0):
        text = slip(rng, text)
    body: dict[str, Any] = {"channel": channel, "text": text}
    if channel in TITLED and rng.random() < 0.6:
        body["title"] = told[:18]
    if rng.random() < ADDRESS_SHARE.get(channel, 0.0):
        body["address"] = spot.phrase
    digits, share = AREA_DIGITS.get(channel, (0, 0.0))
    if digits and rng.random() < share:
        body["area_code"] = spot.grid[:digits]
    if rng.random() < POSITION_SHARE.get(channel, 0.0):
        body["lon"], body["lat"] = spot.lon, spot.lat
    if channel != "watch_desk" and rng.random() < 0.7:
        # Letters only: no run of digits may look like a contact.
        body["reporter"] = "".join(rng.choices("abcdefghjkmnpqrstuvwxyz", k=12))
    return body


def slip(rng: Random, text: str) -> str:
    """The text with one slip: a wrong sign for a right one, else two neighbours swapped."""
    fitting = [pair for pair in SLIPS if pair[0] in text]
    if fitting and rng.random() < 0.8:
        meant, written = rng.choice(fitting)
        return text.replace(meant, written, 1)
    at = rng.randrange(max(1, len(text) - 1))
    return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]
