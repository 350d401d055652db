"""The alarm files of a profile made ready: which rule, which patterns, which window."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from schemas.alarm import Seen
from schemas.alarm_rules import AlarmPattern, AlarmRule, Maintenance
from schemas.case import Report
from schemas.profile import Device, Profile
from schemas.window import Window
from streams.core.patterns import Compiled, compiled
from streams.core.route import Routed, Router
from streams.core.windows import Spot, window_of

#: what holds when no row does: everything goes to its case at once
PLAIN = AlarmRule(rule_id="direct")


class Facts(NamedTuple):
    """Where a signal's device hangs."""

    name: str
    kind: str
    channel: str
    zone: str
    building: str
    grid: str


class AlarmTables:
    """Made once a process."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.patterns = {row.pattern_id: compiled(row) for row in profile.alarm_patterns}
        #: all-clears that some row names
        self.named = frozenset(code for row in profile.alarm_rules for code in row.cleared_by)
        self.rules = {row.rule_id: row for row in profile.alarm_rules}
        self._listening: dict[str, list[Compiled]] = {}
        for pattern in self.patterns.values():
            for code in dict.fromkeys(c for term in pattern.steps.terms for c in term.codes):
                self._listening.setdefault(code, []).append(pattern)
        self._known: dict[tuple[str, str, str], AlarmRule] = {}
        self._router: Router | None = None

    def facts(self, report: Report) -> Facts | None:
        """None: the device is not in the register, so nothing about it may be waited for."""
        device: Device | None = self.profile.devices.get(report.device_id)
        if device is None:
            return None
        building = report.building or device.building
        return Facts(
            device.name, device.kind, device.channel, device.zone, building,
            report.grid or device.grid,
        )  # fmt: skip

    def rule(self, event_code: str, facts: Facts) -> AlarmRule:
        key = (event_code, facts.kind, facts.grid)
        found = self._known.get(key)
        if found is None:
            found = next((r for r in self.profile.alarm_rules if _takes(r, *key)), PLAIN)
            if len(self._known) < 50_000:
                self._known[key] = found
        return found

    def listening(self, event_code: str) -> list[Compiled]:
        return self._listening.get(event_code, [])

    def window(
        self, begun: list[Window], facts: Facts, device_id: str, event_code: str, at: datetime
    ) -> Maintenance | Window | None:
        """The window a signal falls into: of the file, or of those ``begun`` by hand."""
        if not begun and not self.profile.maintenance:
            return None
        spot = Spot(device_id, facts.building, facts.grid, facts.kind, facts.channel)
        return window_of((*begun, *self.profile.maintenance), spot, event_code, at)

    def route(self, row: AlarmPattern, report: Report, grade: int, at_ms: int) -> Routed:
        if self._router is None:
            self._router = Router(self.profile)
        return self._router.route(row.class_code, grade, report.channel, report.grid, at_ms)

    def names(self, seen: tuple[Seen, ...]) -> str:
        """Devices of signals in words, for people."""
        shown = dict.fromkeys(self.name(one.device_id) for one in seen)
        return "、".join(list(shown)[:8]) + ("等" if len(shown) > 8 else "")

    def name(self, device_id: str) -> str:
        """What people call a device."""
        device = self.profile.devices.get(device_id)
        return device.name if device else device_id


def group_of(row: AlarmPattern, facts: Facts, device_id: str) -> str:
    """What a pattern counts together."""
    match row.scope:
        case "device":
            return device_id
        case "zone" if facts.building and facts.zone:
            return f"{facts.building}/{facts.zone}"
        case "zone" | "building" if facts.building:
            return facts.building
        case "zone" | "building":
            return f"{facts.grid}/{facts.zone}" if facts.zone else device_id
        case _:
            return facts.grid


def _takes(rule: AlarmRule, event_code: str, kind: str, grid: str) -> bool:
    return (
        (not rule.events or event_code.startswith(rule.events))
        and (not rule.kinds or kind in rule.kinds)
        and (not rule.areas or grid.startswith(rule.areas))
    )
