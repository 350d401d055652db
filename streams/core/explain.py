"""One event's whole decision in words: what it is, how urgent, where, who, by which clocks.

The same compiled tables as the hot path decide again here; nothing is decided differently.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from schemas.case import Clock
from schemas.event import Event
from schemas.ids import SHANGHAI
from schemas.raw import Raw, Signal, TextReport
from streams.core import deadlines
from streams.core.decide import Decider, Position
from streams.core.emergency import Heard
from streams.core.locate import Located
from streams.core.reading import Invalid
from streams.core.redact import redact
from streams.core.rules import Rules

#: clocks that start at once: with a unit, and at the duty desk
WITH_UNIT: tuple[Clock, ...] = ("sign", "contact", "handle")
AT_DESK: tuple[Clock, ...] = ("accept",)

_FATE = {
    "case": "立案派单", "triage": "转值守台研判", "clear": "设备恢复,通知原案件",
    "recorded": "只记录,不立案", "suppressed": "抑制:测试状态或约定忽略",
}  # fmt: skip
_BY = {
    "area_code": "区划编码", "device": "设备台账", "address": "地址文字", "point": "坐标",
    "source_area": "来源给出的上级区划", "": "未定位",
}  # fmt: skip
_CLOCKS = {
    "accept": "受理", "dispatch": "派单", "sign": "签收", "contact": "首次联系", "handle": "办结",
    "verify": "核查", "followup": "回访", "respond": "报到", "review": "复看",
}  # fmt: skip
_GRADES = {1: "特急", 2: "紧急", 3: "一般", 4: "常规"}


class Line(NamedTuple):
    """A step of the decision: what was asked, what came out, because of what."""

    topic: str
    verdict: str
    because: tuple[str, ...] = ()


def explain(
    raw: Raw, at: Position, decider: Decider, rules: Rules | None = None
) -> list[list[Line]] | Invalid:
    """Lines of each event a report becomes, or why it becomes none. ``rules``: for the clocks."""
    events = decider.decide(raw, at)
    if isinstance(events, Invalid):
        return events
    return [_lines(event, raw, decider, rules) for event in events]


def _lines(event: Event, raw: Raw, decider: Decider, rules: Rules | None) -> list[Line]:
    grade = f"{event.grade} {_GRADES[event.grade]}"
    heard = _heard(raw, decider)
    reasons = tuple(r for r in event.class_reasons if not r.startswith(("紧急:", "非紧急:")))
    lines = [
        Line("事件", f"{event.event_id} · {event.channel}", (_fate(event),)),
        Line("类别", _class(event.class_code, decider) or "不确定,由人判定", reasons),
        Line("把握", f"{event.confidence:.0%}", tuple(_class(c, decider) for c in event.top3)),
        Line("等级", grade),
        Line("紧急", "是" if event.emergency else "否", _urgent(event, heard)),
        _place(event, raw, decider),
        _unit(event, decider),
        Line("时间", _shanghai(event.occurred_ms), _clock(event)),
    ]
    if rules is not None and event.disposition in ("case", "triage"):
        lines += _clocks(event, rules)
    return lines


def _heard(raw: Raw, decider: Decider) -> Heard | None:
    if not isinstance(raw, TextReport):
        return None
    title, text = redact(raw.title), redact(raw.text)
    danger = decider.classifier.classify(text, title).danger
    return decider.emergencies.is_emergency(f"{title}。{text}" if title else text, "", danger)


def _urgent(event: Event, heard: Heard | None) -> tuple[str, ...]:
    if heard is not None:
        return (heard.reason or "没有听到危险的说法",)
    if event.test:
        return ("测试状态不告警",)
    return (f"设备编码等级 {event.grade}",)


def _place(event: Event, raw: Raw, decider: Decider) -> Line:
    found = _located(event, raw, decider)
    areas = decider.profile.areas
    codes = (event.county, event.town, event.village, event.grid)
    names = [areas[code].name for code in codes if code in areas]
    building = decider.profile.places.get(event.building)
    where = " ".join([*names, building.name if building else ""]).strip() or "全市"
    how = f"{_BY[event.located_by]},可信 {event.location_confidence:.0%}"
    return Line("地点", where, (how, found.why) if found is not None else (how,))


def _located(event: Event, raw: Raw, decider: Decider) -> Located | None:
    locator = decider.locator
    if isinstance(raw, Signal):
        device = locator.of_device(raw.device_id, event.ingest_ms)
        if device is not None:
            return device
    address = text = ""
    if isinstance(raw, TextReport):
        address, text = redact(raw.address), f"{redact(raw.title)} {redact(raw.text)}"
    return locator.locate(raw.area_code, raw.lon, raw.lat, address, text, event.ingest_ms)


def _unit(event: Event, decider: Decider) -> Line:
    routed = decider.routed(event)
    unit = decider.profile.units.get(event.unit)
    if unit is None:
        return Line("承办", "值守台", (routed.why,) if routed is not None else ())
    return Line("承办", f"{unit.name}({unit.unit_id})", (routed.why,) if routed else ())


def _clock(event: Event) -> tuple[str, ...]:
    reasons = {
        "": "采用来源时间",
        "missing": "来源没有时间,采用入库时间",
        "past": "来源时间早于三十天,采用入库时间",
        "future": "来源时间超前五分钟以上,采用入库时间",
    }
    return (reasons[event.clock],)


def _clocks(event: Event, rules: Rules) -> list[Line]:
    now = datetime.fromtimestamp(event.ingest_ms / 1000, UTC)
    lines = []
    for clock in WITH_UNIT if event.disposition == "case" else AT_DESK:
        found = deadlines.start_clock(rules, event, clock, now)
        days = "自然时间" if found.calendar == "natural" else "工作时间"
        verdict = f"{found.minutes} 分钟({days}),{found.due.astimezone(SHANGHAI):%m-%d %H:%M} 到期"
        yellow = f"{found.yellow_at.astimezone(SHANGHAI):%m-%d %H:%M} 亮黄灯"
        lines.append(Line(f"时限·{_CLOCKS[clock]}", verdict, (yellow, f"时限行 {found.rule}")))
    return lines


def _fate(event: Event) -> str:
    number = f",案件 {event.case_no}" if event.case_no else ""
    return f"{_FATE[event.disposition]}{number}"


def _class(code: str, decider: Decider) -> str:
    row = decider.profile.taxonomy.get(code)
    return f"{code} {row.major}·{row.name}" if row is not None else code


def _shanghai(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
