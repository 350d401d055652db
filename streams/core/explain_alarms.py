"""What alarm rules will do with a device's event, in words: waiting, flapping, storms, patterns,
repair windows. What they did with one that came is in its verdicts (``alarm_verdicts``)."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.alarm_rules import AlarmRule
from schemas.event import Event
from schemas.profile import Profile
from streams.core import windows
from streams.core.alarm_tables import AlarmTables, Facts

#: why an event of a device opens no case, by its semantics
_QUIET = {
    "info": "设备事件表:只作记录(info)", "aggregate": "设备事件表:只计数(aggregate)",
    "suppress": "设备处于测试状态(suppress)",
    "ignore": "设备事件表:默认忽略(ignore),不做人的行为分析",
    "clear": "设备恢复(clear)", "threshold": "读数在限值以内",
    "raise": "设备健康状态,不作社会事件",
}  # fmt: skip


def quiet(event: Event) -> str:
    """Why a device's event opens no case; "" when it does, or when it came from people."""
    if not event.event_code or event.disposition in ("case", "triage"):
        return ""
    if event.test and event.semantics != "suppress":
        return "上报标明为测试或演练"
    return _QUIET.get(event.semantics, "")


def alarm_lines(event: Event, profile: Profile) -> tuple[str, ...]:
    """Sentences about the rules that hold for a device's alarm or all-clear."""
    device = profile.devices.get(event.device_id)
    if device is None or event.disposition not in ("case", "triage", "clear"):
        return ()
    tables = AlarmTables(profile)
    facts = Facts(
        device.name, device.kind, device.channel, device.zone, event.building or device.building,
        event.grid,
    )  # fmt: skip
    if event.disposition == "clear":
        return (_clears(event.event_code, tables),)
    rule = tables.rule(event.event_code, facts)
    said = list(_rule(rule, event.grade))
    at = datetime.fromtimestamp(event.occurred_ms / 1000, UTC)
    window = tables.window([], facts, event.device_id, event.event_code, at)
    if window is not None:
        fate = "只记录" if rule.maintenance == "suppress" and event.grade > 1 else "交值守台核实"
        said.insert(0, f"{windows.words(window)}:{fate}")
    for pattern in tables.listening(event.event_code):
        row = pattern.row
        kinds = {kind for term in pattern.steps.terms for kind in term.kinds}
        if not kinds or device.kind in kinds:
            effect = "确认" if row.effect == "confirm" else "另立案件"
            said.append(f"组合 {row.pattern_id}:{row.name}({row.within_minutes} 分钟内)即{effect}")
    return tuple(said)


def _rule(rule: AlarmRule, grade: int) -> list[str]:
    said = [f"告警规则行 {rule.rule_id}" + (f"({rule.note})" if rule.note else "")]
    if grade == 1:
        said.append("特急:立即送出,不等待")
    elif rule.hold_seconds:
        said.append(f"等待 {rule.hold_seconds} 秒,其间恢复则不立案")
    if rule.fold_minutes:
        said.append(f"未结案时重复上报满十次后，{rule.fold_minutes} 分钟并入一次")
    if rule.flap_count:
        said.append(f"{rule.flap_minutes} 分钟内 {rule.flap_count} 次按设备抖动,只立一件")
    if rule.storm_count and grade > 1:
        said.append(f"同楼 {rule.storm_minutes} 分钟内 {rule.storm_count} 台并为一件")
    return said


def _clears(code: str, tables: AlarmTables) -> str:
    if code not in tables.named:
        return "结束该设备的所有告警"
    rows = [row.rule_id for row in tables.profile.alarm_rules if code in row.cleared_by]
    return f"结束该设备按这些规则行的告警:{'、'.join(rows)}"
