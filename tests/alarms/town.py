"""A small town's devices and the writer of its cases on a fake clock, with crashes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from schemas.alarm import Alarm, AlarmRecord, Outcome, Storm, Verdict
from schemas.alarm_rules import AlarmPattern, AlarmRule, Maintenance
from schemas.case import Actor, Case, Change, Command, Report
from schemas.ids import case_number, command_id
from schemas.profile import Device, DeviceEvent
from streams.core.alarm_tables import AlarmTables
from streams.core.alarmbook import AlarmBook
from streams.core.cases import aimed, apply
from streams.core.incidents import OpenCases
from streams.core.moves import OPEN
from streams.core.rules import Rules
from tests.cases.small_city import (
    CLASSES,
    GRID,
    START,
    SYSTEM,
    VILLAGE,
    WORKDAYS,
    _class,
    small_profile,
)

DEVICES = {
    name: Device(
        device_id=name, channel="fire_iot", kind=kind, name=f"{name}号", grid=GRID,
        building=building, zone=zone, lon=120.1, lat=30.2,
    )
    for name, kind, building, zone in [
        *((f"S{n}", "smoke", "P1", f"{1 + n // 2}F") for n in range(12)),
        ("S90", "smoke", "P2", "1F"), ("C1", "call_point", "P1", "1F"),
        ("L1", "lift", "P1", ""), ("H1", "facade_camera", "P1", ""), ("K1", "camera", "", ""),
        *((f"K{n}", "camera", "", "") for n in range(2, 9)),
    ]
}  # fmt: skip
#: event code → class, grade
CODES: dict[str, tuple[str, int]] = {
    "fire.alarm": ("020104", 1), "fire.manual_alarm": ("020104", 1), "fire.fault": ("020206", 2),
    "lift.ebike_in": ("020303", 2), "lift.trapped": ("030201", 1), "hat.falling_object":
    ("010202", 2), "video.lost": ("010301", 3), "fire.reset": ("", 4), "fire.normal": ("", 4),
    "lift.ebike_out": ("", 4), "fire.alarm_cleared": ("", 3),
}  # fmt: skip
CLEARS = {"fire.reset", "fire.normal", "lift.ebike_out", "fire.alarm_cleared"}
FIRE_CLEARS = ("fire.reset", "fire.normal", "fire.alarm_cleared")
RULES_ROWS = (
    AlarmRule(rule_id="fire", events=("fire.alarm", "fire.manual"), fold_minutes=5, flap_count=6,
              flap_minutes=30, quiet_minutes=60, cleared_by=FIRE_CLEARS),
    AlarmRule(rule_id="fault", events=("fire.",), hold_seconds=120, fold_minutes=60, flap_count=4,
              flap_minutes=60, quiet_minutes=240, storm_count=5, storm_minutes=5,
              maintenance="suppress", cleared_by=("fire.reset", "fire.normal")),
    AlarmRule(rule_id="ebike", events=("lift.ebike_in",), cleared_by=("lift.ebike_out",)),
    AlarmRule(rule_id="video", events=("video.",), hold_seconds=60, storm_count=4,
              storm_minutes=10, maintenance="suppress"),
    AlarmRule(rule_id="rest", fold_minutes=10),
)  # fmt: skip
PATTERNS = (
    AlarmPattern(pattern_id="smoke-smoke", name="同区两只探测器", steps="fire.alarm@smoke ×2",
                 scope="zone", distinct="device", within_minutes=10, effect="confirm", grade=1),
    AlarmPattern(pattern_id="smoke-call", name="探测器与手报",
                 steps="fire.alarm@smoke + fire.alarm|fire.manual_alarm@call_point",
                 scope="building", distinct="device", within_minutes=15, effect="confirm", grade=1),
    AlarmPattern(pattern_id="falls", name="同楼两次抛物", steps="hat.falling_object ×2",
                 scope="building", distinct="event", within_minutes=43_200, effect="confirm"),
    AlarmPattern(pattern_id="ebike", name="同梯三晚电动车", steps="lift.ebike_in ×3",
                 scope="device", distinct="day", within_minutes=10_080, hours="17:00-23:59",
                 effect="open", class_code="020302"),
)  # fmt: skip


def tables(**more: Any) -> AlarmTables:
    classes = (
        *CLASSES, _class("020303", "电动车入梯", "物业企业", 2, 1, "natural"),
        _class("020302", "电动车进楼", "物业企业", 2, 24, "natural"),
        _class("030201", "电梯困人", "消防救援", 1, 1, "natural"),
        _class("010202", "高空抛物", "住建", 2, 24, "natural"),
        _class("010301", "监控故障", "住建", 3, 48, "natural"),
    )  # fmt: skip
    fields: dict[str, Any] = {
        "devices": DEVICES, "alarm_rules": RULES_ROWS, "alarm_patterns": PATTERNS,
        "taxonomy": {row.code: row for row in classes},
        "device_events": tuple(
            DeviceEvent(source_standard="t", device_or_part="t", native_code="1", native_name=code,
                        event_code=code, taxonomy_code=cls, grade=grade,
                        semantics="clear" if code in CLEARS else "raise")
            for code, (cls, grade) in CODES.items()
        ),
    }  # fmt: skip
    return AlarmTables(small_profile(**(fields | more)))


class Town:
    """Signals in, cases out. Every effect of the writer, without Kafka."""

    def __init__(self, start: datetime = START, **profile: Any) -> None:
        self.tables = tables(**profile)
        self.rules = Rules(self.tables.profile, WORKDAYS)
        self.now, self.book = start, AlarmBook(self.tables)
        self.cases: dict[str, Case] = {}
        self.open = OpenCases()
        self.changes: list[Change] = []
        self.refused: list[Any] = []
        self.verdicts: list[Verdict] = []
        self.kept: dict[str, AlarmRecord] = {}
        self.offset = -1
        self._number = 0

    def command(
        self, device: str, code: str, at: datetime | None = None, event: str = "", **more: Any
    ) -> Command:
        """``at``: when it happened; it comes in now."""
        cls, grade = CODES[code]
        self._number += 1
        facts = DEVICES.get(device)
        fields = {
            "event_id": event or f"e{self._number}", "channel": "fire_iot",
            "occurred_at": at or self.now, "ingested_at": self.now, "title": code,
            "text": device, "device_id": device, "event_code": code, "class_code": cls,
            "confidence": 1.0, "grade": grade, "emergency": grade == 1 and code not in CLEARS,
            "grid": GRID, "building": facts.building if facts else "", "unit": "fire-990101001",
            "route": "r",
        } | more  # fmt: skip
        report = Report(**fields)
        move = "clear" if code in CLEARS else "report"
        return Command(
            command_id=command_id(report.event_id, move), move=move, at=self.now, actor=SYSTEM,
            case_no=case_number(report.event_id, VILLAGE, self.now), report=report,
        )  # fmt: skip

    def signal(self, device: str, code: str, **more: Any) -> list[Outcome]:
        """A signal that comes in now; what became of it."""
        return self.send(self.command(device, code, **more))

    def send(self, command: Command) -> list[Outcome]:
        before = len(self.verdicts)
        self.offset += 1
        self._do(self.book.take(command, self.now, self.is_open))
        return [one.outcome for one in self.verdicts[before:]]

    def act(self, case_no: str, move: Any, actor: Actor, **fields: Any) -> Change:
        self._number += 1
        command = Command(
            command_id=f"c{self._number}", case_no=case_no, move=move, at=self.now, actor=actor,
            **fields,
        )  # fmt: skip
        self._do([command])
        return self.changes[-1]

    def after(self, **span: float) -> list[Outcome]:
        """Let time pass; whatever waits wakes exactly at its time."""
        before, until = len(self.verdicts), self.now + timedelta(**span)
        while (wake := self.book.states.next_wake()) is not None and wake <= until:
            self.now = max(self.now, wake)
            self._do(self.book.wake(self.now, self.is_open))
        self.now = until
        return [one.outcome for one in self.verdicts[before:]]

    def crash(self) -> None:
        """Everything in memory is gone; what was written comes back."""
        self.book = AlarmBook(self.tables)
        for record in self.kept.values():
            again = AlarmRecord.model_validate_json(record.model_dump_json(exclude_defaults=True))
            self.book.states.load(again.key, again)

    def is_open(self, case_no: str) -> bool:
        return case_no in self.cases and self.cases[case_no].state in OPEN

    @property
    def open_cases(self) -> list[Case]:
        return [case for case in self.cases.values() if case.state in OPEN]

    def alarm(self, device: str, code: str) -> Alarm:
        found = self.book.states.alarm(f"alarm|{VILLAGE}|{device}|{code}|")
        assert found is not None
        return found

    def storm(self, place: str) -> Storm | None:
        found = self.book.states.get(f"storm|{VILLAGE}|{place}|")
        assert found is None or isinstance(found, Storm)
        return found

    def of_event(self, event: str) -> list[Verdict]:
        return [one for one in self.verdicts if one.event_id == event]

    def _do(self, commands: list[Command]) -> None:
        elsewhere: dict[str, str] = {}
        for meant in commands:
            command = meant.model_copy(
                update={"case_no": elsewhere.get(meant.case_no, meant.case_no)}
            )
            command = self._aim(command)
            elsewhere[meant.case_no] = command.case_no
            applied = apply(
                self.cases.get(command.case_no), command, self.rules, self.now, self.offset
            )
            if isinstance(applied, Change):
                self.cases[applied.case.case_no] = applied.case
                self.open.put(applied.case)
                self.changes.append(applied)
                self.book.landed(meant, applied.case.case_no)
                self.book.changed(applied)
            elif applied is not None:
                self.refused.append(applied)
        for record in self.book.states.records(self.offset):
            self.verdicts += record.verdicts
            self.kept[record.key] = record
            if not (record.alarm or record.watch or record.storm or record.window):
                del self.kept[record.key]

    def _aim(self, command: Command) -> Command:
        report = command.report
        if report is None or command.case_no in self.cases:
            return command
        if command.move == "clear":
            found = self.open.of_device(report.device_id)
            return command.model_copy(update={"case_no": found}) if found else command
        if command.move == "report":
            return aimed(command, self.open.find(report, VILLAGE, command.case_no))
        return command


def window(start: datetime, **fields: Any) -> Maintenance:
    known: dict[str, Any] = {
        "window_id": "w1", "scope": "building", "target": "P1", "start": start,
        "end": start + timedelta(hours=2), "who": "estate-007", "reason": "季度测试",
    }  # fmt: skip
    return Maintenance(**(known | fields))
