"""A decision in words for an operator at night: the short answer first, then why.

Nothing is decided here: ``streams.core.explain`` gathered it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from schemas.case import Deadline
from schemas.ids import SHANGHAI
from streams.core.explain import Explained
from streams.core.explain_alarms import alarm_lines, quiet
from streams.core.moves import CLOCKS
from streams.core.rules import Rules

LEVELS = {"village": "村居", "town": "乡镇街道", "county": "区县", "city": "市"}
GRADES = {1: "特急", 2: "紧急", 3: "一般", 4: "常规"}
_FATE = {
    "case": "立案派单", "triage": "转值守台研判", "clear": "设备恢复,通知原案件",
    "recorded": "只记录,不立案", "suppressed": "抑制:测试状态或约定忽略",
}  # fmt: skip
_BY = {
    "area_code": "区划编码", "device": "设备台账", "address": "地址文字", "point": "坐标",
    "source_area": "来源给出的上级区划", "": "未定位",
}  # fmt: skip
_CLOCK = {
    "": "采用来源时间",
    "missing": "来源没有时间,采用入库时间",
    "past": "来源时间早于三十天,采用入库时间",
    "future": "来源时间超前五分钟以上,采用入库时间",
}
_ACTIONS = {"dispatch": "派单", "grid": "网格自处", "whistle": "吹哨", "desk": "值守台研判"}


class Line(NamedTuple):
    """A step of the decision: what was asked, what came out, because of what."""

    topic: str
    verdict: str
    because: tuple[str, ...] = ()


def in_words(one: Explained) -> list[Line]:
    """The whole decision, line by line. Clocks and merging only where they were asked for."""
    event, profile = one.event, one.profile
    grade = f"{event.grade} {GRADES[event.grade]}"
    reasons = tuple(r for r in event.class_reasons if not r.startswith(("紧急:", "非紧急:")))
    number = f",案件 {event.case_no}" if event.case_no else ""
    fate = tuple(filter(None, (_fate(one) + number, quiet(event))))
    lines = [
        Line("结论", _short(one)),
        Line("事件", f"{event.event_id} · {event.channel}", fate),
        Line("类别", class_name(one, event.class_code) or "不确定,由人判定", reasons),
        Line("把握", f"{event.confidence:.0%}", tuple(class_name(one, c) for c in event.top3)),
        Line("等级", grade, _campaign(one)),
        Line("紧急", "是" if event.emergency else "否", (one.urgency,)),
        Line("地点", place_name(one), _how(one)),
        Line("承办", _who(one), _why(one)),
        *_row(one),
        Line("时间", shanghai(event.occurred_ms), (_CLOCK[event.clock],)),
    ]
    if platform := profile.platforms.get(one.platform):
        lines.insert(-1, Line("平台", platform.name))
    if said := alarm_lines(event, profile):
        lines.append(Line("告警", said[0], said[1:]))
    if one.rules is not None:
        lines += _clocks(one, one.rules)
    if one.joins:
        lines.append(Line("并案", one.joins[0], one.joins[1:]))
    return lines


def class_name(one: Explained, code: str) -> str:
    row = one.profile.taxonomy.get(code)
    return f"{code} {row.major}·{row.name}" if row is not None else code


def place_name(one: Explained) -> str:
    event, areas = one.event, one.profile.areas
    codes = (event.county, event.town, event.village, event.grid)
    names = [areas[code].name for code in codes if code in areas]
    building = one.profile.places.get(event.building)
    return " ".join([*names, building.name if building else ""]).strip() or "全市"


def unit_name(one: Explained, unit_id: str) -> str:
    unit = one.profile.units.get(unit_id)
    return f"{unit.name}({unit_id})" if unit else unit_id


def shanghai(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def _short(one: Explained) -> str:
    """One line to act on: how grave, what, where, who."""
    event = one.event
    row = one.profile.taxonomy.get(event.class_code)
    what = row.name if row else "类别待定"
    if event.disposition not in ("case", "triage"):
        return f"{_FATE[event.disposition]} · {what}"
    grave = "紧急警情" if event.emergency else GRADES[event.grade]
    whom = _who(one) if event.unit else "值守台"
    return f"{grave} · {what} · {place_name(one)} → {whom}"


def _fate(one: Explained) -> str:
    """A doubtful event with a unit is sent there all the same, and the desk looks at it."""
    if one.event.disposition == "triage" and one.event.unit:
        return f"{_FATE['case']},并请值守台核实"
    return _FATE[one.event.disposition]


def _campaign(one: Explained) -> tuple[str, ...]:
    if one.campaign is None:
        return ()
    told = f"专项“{one.campaign.name}”{one.campaign.starts} 至 {one.campaign.ends}"
    raised = ",等级按专项提高" if one.campaign.grade == one.event.grade else ""
    return (f"{told}({one.at_line('campaigns.tsv', one.campaign.campaign_id)}){raised}",)


def _how(one: Explained) -> tuple[str, ...]:
    event = one.event
    how = f"{_BY[event.located_by]},可信 {event.location_confidence:.0%}"
    rough = () if event.grid else (f"只知到{one.known_level()},具体网格待核实",)
    return (how, *((one.located.why,) if one.located else ()), *rough)


def _who(one: Explained) -> str:
    if not one.event.unit:
        return "值守台"
    routed = one.routed
    action = _ACTIONS[routed.action] if routed else _ACTIONS["dispatch"]
    if routed and routed.whistled:
        return f"{action}:{'、'.join(unit_name(one, unit) for unit in routed.whistled)}"
    return f"{action}:{unit_name(one, one.event.unit)}"


def _why(one: Explained) -> tuple[str, ...]:
    told = (one.routed.why,) if one.routed else ()
    if one.event.disposition != "triage":
        return told
    if not one.event.county:
        told = (*told, "地点不明:先由值守台核实地点,再派单")
    return (*told, *(
        f"若定为 {class_name(one, code)} → {unit_name(one, unit)}" for code, unit in one.would_go
    ))  # fmt: skip


def _row(one: Explained) -> tuple[Line, ...]:
    """The row that decided, and those that nearly did."""
    hits = [step for step in one.steps if not step.missed]
    if not hits:
        return ()
    chain = " › ".join(f"{_at(step.rule.line)} {step.rule.row.route_id}" for step in hits)
    near = [s for s in one.steps if s.missed and not s.missed.startswith("类别")]
    far = sum(1 for s in one.steps if s.missed.startswith("类别"))
    passed = [f"越过 {_at(s.rule.line)} {s.rule.row.route_id}:{s.missed}" for s in near]
    if far:
        passed.append(f"另有 {far} 行类别不符")
    return (Line("路由行", chain, tuple(passed)),)


def _at(line: int) -> str:
    return f"routes.tsv:{line}" if line else "routes.tsv"


def _clocks(one: Explained, rules: Rules) -> list[Line]:
    lines = []
    if one.dispute is not None:
        field, found = one.dispute, rules.mediator(one.dispute, one.event.village)
        tries = "、".join(f"{LEVELS[level]} {n} 次" for level, n in field.tries.items())
        who = unit_name(one, found[1]) if found else "值守台"
        lines.append(Line("调处", f"{field.name}:{who}", (tries, f"纠纷行 {field.field}")))
    for clock in one.clocks:
        days = "自然时间" if clock.calendar == "natural" else "工作时间"
        due = clock.due.astimezone(SHANGHAI)
        yellow = clock.yellow_at.astimezone(SHANGHAI)
        verdict = f"{clock.minutes} 分钟({days}),{due:%m-%d %H:%M} 到期"
        file = "campaigns.tsv" if clock.rule in one.profile.campaigns else "deadlines.tsv"
        because = (
            f"{yellow:%m-%d %H:%M} 亮黄灯", *_repeated(clock),
            f"时限行 {clock.rule}({one.at_line(file, clock.rule)})", *_steps(clock, rules),
        )  # fmt: skip
        lines.append(Line(f"时限·{CLOCKS[clock.clock]}", verdict, because))
    return lines


def _repeated(clock: Deadline) -> tuple[str, ...]:
    said = (("黄灯", clock.remind_minutes), ("红灯", clock.repeat_minutes))
    return tuple(f"{light}每 {minutes} 分钟再亮" for light, minutes in said if minutes)


def _steps(clock: Deadline, rules: Rules) -> tuple[str, ...]:
    """Who hears of a red light, step by step, with the row of escalation.tsv."""
    levels = {"town": "乡镇街道值班席", "county": "区县值班席", "city": "市值班席"}
    said = []
    for step in clock.ladder:
        unit = rules.profile.units.get(step.unit)
        whom = unit.name if unit else levels.get(step.level, step.unit)
        said.append(f"红灯后 {step.minutes} 分钟报{whom}(升级行 {step.step})")
    return tuple(said)
