"""What the alarm files of a profile must agree on with its devices, classes and areas."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from schemas.alarm_rules import AlarmPattern, AlarmRule, Maintenance, steps_of
from schemas.profile_reading import Draft, Problem, Table

#: semantics of a message that starts an alarm, and of one that ends it
RAISES, CLEARS = ("raise", "threshold", "report"), ("clear",)
HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")


def check_alarm_rules(draft: Draft) -> Iterator[Problem]:
    table: Table[AlarmRule] = draft.tables["alarm_rules.tsv"]
    events = [row for _, row in draft.tables["device_events.tsv"]]
    seen: list[tuple[int, AlarmRule]] = []
    for n, row in table:
        yield from _known(draft, table.file, n, row)
        critical = [
            e.event_code for e in events
            if e.semantics in RAISES and e.grade == 1 and e.taxonomy_code and _takes(row, e)
            and not any(_takes(one, e) and not (one.kinds or one.areas) for _, one in seen)
        ]  # fmt: skip
        if row.hold_seconds and critical:
            reason = f"{critical[0]} 是特急（1 级），不得等待消抖，应为 0"
            yield Problem(table.file, n, "hold_seconds", reason)
        if critical and row.maintenance == "suppress":
            reason = f"{critical[0]} 是特急（1 级），检修期间也要有人看，应为 desk"
            yield Problem(table.file, n, "maintenance", reason)
        for count, minutes in (("flap_count", "flap_minutes"), ("storm_count", "storm_minutes")):
            if (getattr(row, count) is None) != (getattr(row, minutes) is None):
                yield Problem(table.file, n, minutes, f"{count} 与 {minutes} 须同时填写")
        if row.flap_count and not row.quiet_minutes:
            yield Problem(table.file, n, "quiet_minutes", "抖动没有结束的条件，须填写")
        for code in row.cleared_by:
            if not any(e.event_code == code and e.semantics in CLEARS for e in events):
                reason = f"{code} 在 device_events.tsv 里不是恢复（clear）"
                yield Problem(table.file, n, "cleared_by", reason)
        for at, earlier in seen:
            if _wider(earlier, row):
                reason = f"第 {at} 行（{earlier.rule_id}）更宽且在前，这一行永远轮不到"
                yield Problem(table.file, n, "rule_id", reason, warning=True)
                break
        seen.append((n, row))


def check_alarm_patterns(draft: Draft) -> Iterator[Problem]:
    table: Table[AlarmPattern] = draft.tables["alarm_patterns.tsv"]
    events = draft.tables["device_events.tsv"]
    raising = {e.event_code for _, e in events if e.semantics in RAISES and e.taxonomy_code}
    known = {e.event_code for _, e in events}
    kinds = {device.kind for _, device in draft.tables["devices.tsv"]}
    for n, row in table:
        for term in steps_of(row.steps).terms if row.steps else ():
            for code in term.codes:
                if code not in known:
                    reason = f"事件 {code} 不在 device_events.tsv"
                    yield Problem(table.file, n, "steps", reason)
                elif code not in raising:
                    reason = f"{code} 只记录、不告警，不会到达组合规则"
                    yield Problem(table.file, n, "steps", reason)
            for kind in term.kinds:
                if kinds and kind not in kinds:
                    reason = f"devices.tsv 里没有 {kind} 类设备"
                    yield Problem(table.file, n, "steps", reason, warning=True)
        if row.hours and not HOURS.match(row.hours):
            yield Problem(table.file, n, "hours", f"“{row.hours}” 不是 00:00 至 23:59 的时刻")
        if row.class_code and row.class_code not in draft.tables["taxonomy.tsv"].keys:
            reason = f"类别 {row.class_code} 不在 taxonomy.tsv"
            yield Problem(table.file, n, "class_code", reason)
        if row.effect == "open" and not row.class_code:
            yield Problem(table.file, n, "class_code", "另立案件须写明类别")


def check_maintenance(draft: Draft) -> Iterator[Problem]:
    table: Table[Maintenance] = draft.tables["maintenance.tsv"]
    for n, row in table:
        if row.end <= row.start:
            yield Problem(table.file, n, "end", f"{row.end:%Y-%m-%d %H:%M} 不晚于开始时间")
        if row.target not in _targets(draft, row.scope):
            yield Problem(table.file, n, "target", f"没有这个{_SCOPES[row.scope]}：{row.target}")
        yield from _prefixes(draft, table.file, n, row.events)
        units = draft.tables["units.tsv"]
        if units.keys and row.who not in units.keys:
            yield Problem(table.file, n, "who", f"单位 {row.who} 不在 units.tsv")


def check_heartbeats(draft: Draft) -> Iterator[Problem]:
    yield from _kinds_once(draft, draft.tables["heartbeats.tsv"])


def check_patrols(draft: Draft) -> Iterator[Problem]:
    yield from _kinds_once(draft, draft.tables["patrols.tsv"])


def _kinds_once(draft: Draft, table: Table[Any]) -> Iterator[Problem]:
    """Every kind in one row, and there are devices of it."""
    seen: dict[str, int] = {}
    for n, row in table:
        for kind in row.kinds:
            if kind in seen:
                yield Problem(table.file, n, "kinds", f"{kind} 与第 {seen[kind]} 行重复")
            seen.setdefault(kind, n)
        yield from _kinds(draft, table.file, n, row.kinds)


_SCOPES = {
    "device": "设备", "building": "楼栋", "grid": "网格", "area": "区划", "kind": "设备种类",
    "channel": "渠道",
}  # fmt: skip


def _targets(draft: Draft, scope: str) -> Any:
    tables = draft.tables
    if scope == "kind":
        return {device.kind for _, device in tables["devices.tsv"]}
    files = {
        "device": "devices.tsv", "building": "places.tsv", "grid": "areas.tsv",
        "area": "areas.tsv", "channel": "channels.tsv",
    }  # fmt: skip
    return tables[files[scope]].keys


def _known(draft: Draft, file: str, n: int, row: AlarmRule) -> Iterator[Problem]:
    yield from _prefixes(draft, file, n, row.events)
    yield from _kinds(draft, file, n, row.kinds)
    for code in row.areas:
        if not any(key.startswith(code) for key in draft.tables["areas.tsv"].keys):
            yield Problem(file, n, "areas", f"没有以 {code} 开头的区划")


def _prefixes(draft: Draft, file: str, n: int, events: tuple[str, ...]) -> Iterator[Problem]:
    codes = [row.event_code for _, row in draft.tables["device_events.tsv"]]
    for prefix in events:
        if not any(code.startswith(prefix) for code in codes):
            yield Problem(file, n, "events", f"没有以 {prefix} 开头的事件")


def _kinds(draft: Draft, file: str, n: int, kinds: tuple[str, ...]) -> Iterator[Problem]:
    known = {device.kind for _, device in draft.tables["devices.tsv"]}
    for kind in kinds:
        if known and kind not in known:
            yield Problem(file, n, "kinds", f"devices.tsv 里没有 {kind} 类设备", warning=True)


def _takes(row: AlarmRule, event: Any) -> bool:
    return not row.events or event.event_code.startswith(row.events)


def _wider(wide: AlarmRule, narrow: AlarmRule) -> bool:
    return (
        (not wide.events or (bool(narrow.events) and all(
            code.startswith(wide.events) for code in narrow.events)))
        and (not wide.kinds or (bool(narrow.kinds) and set(narrow.kinds) <= set(wide.kinds)))
        and (not wide.areas or (bool(narrow.areas) and all(
            code.startswith(wide.areas) for code in narrow.areas)))
    )  # fmt: skip
