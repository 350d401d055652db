"""A small jurisdiction for cases: one county, two towns, six units, a handful of classes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from schemas.case import Actor, Case, Change, Command, Refusal, Report
from schemas.ids import SHANGHAI, case_number, command_id
from schemas.profile import (
    Area,
    DeadlineRule,
    DeviceEvent,
    DisputeField,
    GradeRow,
    Hours,
    Profile,
    Route,
    Station,
    TaxonomyClass,
    Unit,
)
from streams.core.cases import apply
from streams.core.deadlines import overdue_command, wakeups
from streams.core.rules import Rules
from streams.core.workdays import Workdays, national_list

VILLAGE = "990101001001"
GRID = VILLAGE + "007"
SYSTEM = Actor(role="system", id="intake")
OPERATOR = Actor(role="operator", id="desk-1", unit="desk-990101", area="990101")
SUPERVISOR = Actor(role="supervisor", id="super-1", area="9901")
FIRE_UNIT = Actor(role="unit", id="fire-1", unit="fire-990101001", area="990101001")
HOUSING = Actor(role="unit", id="house-1", unit="housing-990101", area="990101")
GRID_WORKER = Actor(role="grid_worker", id="grid-7", area=GRID)
REPORTER = Actor(role="reporter", id="tok")
ACTORS = {
    "system": SYSTEM, "operator": OPERATOR, "supervisor": SUPERVISOR, "unit": FIRE_UNIT,
    "grid_worker": GRID_WORKER, "reporter": REPORTER, "timer": Actor(role="timer"),
}  # fmt: skip


def _area(code: str, level: Any) -> Area:
    cut = {6: 4, 9: 6, 12: 9, 15: 12}.get(len(code), 0)
    return Area(code=code, name=code, level=level, parent=code[:cut], lon=120, lat=30)


def _class(code: str, name: str, dep: str, grade: int, hours: float, cal: Any) -> TaxonomyClass:
    return TaxonomyClass(
        major_code=code[:2], major="大类", medium_code=code[:4], medium="中类", code=code,
        name=name, name_en=name, department=dep, level="town", grade=grade,
        accept_minutes={1: 5, 2: 30, 3: 120, 4: 240}[grade], handle_hours=hours, calendar=cal,
        keywords=(),
    )  # fmt: skip


def _grade(grade: int, accept: int, dispatch: int, contact: int, verify: int, pct: int) -> GradeRow:
    return GradeRow(
        grade=grade, name="级", name_en="grade", color="red", accept_minutes=accept,
        dispatch_minutes=dispatch, first_contact_minutes=contact, verify_minutes=verify,
        yellow_pct=pct, red_pct_overdue=0, notify="",
    )  # fmt: skip


AREAS = (("9901", "city"), ("990101", "county"), ("990101001", "town"), ("990101002", "town"),
         (VILLAGE, "village"), (GRID, "grid"))  # fmt: skip
CLASSES = (
    _class("020101", "建筑火灾", "消防救援", 1, 1, "natural"),
    _class("020104", "火警设备告警", "消防救援", 1, 1, "natural"),
    _class("020106", "消防误报", "物业企业", 3, 24, "natural"),
    _class("020201", "消防通道占用", "消防救援", 2, 8, "natural"),
    _class("020202", "楼道堆物堵塞", "物业企业", 3, 48, "working"),
    _class("020206", "消防报警系统故障", "物业企业", 2, 24, "natural"),
    _class("100101", "邻里漏水纠纷", "司法行政", 3, 72, "working"),
    _class("100105", "家庭暴力", "公安", 1, 2, "natural"),
    _class("110306", "其他事项", "街道", 4, 120, "working"),
)
GRADES = (
    _grade(1, 5, 5, 15, 60, 50), _grade(2, 30, 30, 60, 240, 70),
    _grade(3, 120, 120, 1440, 1440, 80), _grade(4, 240, 480, 2880, 2880, 80),
)  # fmt: skip
UNITS = (
    ("desk-9901", "市值班席", "指挥中心", "city", "9901"),
    ("desk-990101", "区值班席", "指挥中心", "county", "990101"),
    ("desk-990101001", "街道值班席", "指挥中心", "town", "990101001"),
    ("fire-990101001", "街道消防所", "消防救援", "town", "990101001"),
    ("housing-990101", "区住建局", "住建", "county", "990101"),
    ("sifa-990101001001", "社区调委会", "司法行政", "village", VILLAGE),
    ("sifa-990101001", "司法所", "司法行政", "town", "990101001"),
    ("sifa-990101", "区司法局", "司法行政", "county", "990101"),
    ("estate-007", "物业", "物业企业", "grid", GRID),
)
DEADLINES = (
    DeadlineRule(rule_id="sign-2", clock="sign", grades=("2",), minutes=30, calendar="natural",
                 escalate_minutes=30),
    DeadlineRule(rule_id="sign", clock="sign", minutes=120, escalate_minutes=60),
    DeadlineRule(rule_id="handle", clock="handle", escalate_minutes=1440),
    DeadlineRule(rule_id="accept", clock="accept", escalate_minutes=30),
    DeadlineRule(rule_id="review", clock="review", minutes=480, calendar="working"),
    DeadlineRule(rule_id="mediate", clock="mediate", minutes=4200, calendar="working"),
    DeadlineRule(rule_id="perform", clock="perform", yellow_minutes=4320, remind_minutes=1440,
                 repeat_minutes=1440),
    DeadlineRule(rule_id="recheck", clock="recheck", minutes=43200, calendar="natural"),
    DeadlineRule(rule_id="respond", clock="respond", minutes=60, calendar="natural"),
)  # fmt: skip
DISPUTES = (
    DisputeField(
        field="neighbour", name="邻里纠纷", classes=("100101", "100102"), department="司法行政"
    ),
)


#: a way to open a case each: by the grid itself, by a whistle; the reports of the tests do neither
ROUTES = (
    Route(route_id="own", classes=("020202",), channels=("grid_app",), action="grid", level="grid"),
    Route(route_id="both", classes=("020201",), channels=("police_110",), whistle=("住建",)),
)


def small_profile(**changes: Any) -> Profile:
    fields: dict[str, Any] = {
        "station": Station(
            name="small", title="小城", title_en="Small", city="9901", centre="中心",
            centre_en="Centre", desk_unit="desk-9901",
        ),
        "areas": {code: _area(code, level) for code, level in AREAS},
        "rings": {},
        "taxonomy": {row.code: row for row in CLASSES},
        "grades": {row.grade: row for row in GRADES},
        "channels": {},
        "device_events": (
            DeviceEvent(
                source_standard="GB/T 26875.3", device_or_part="system", native_code="1",
                native_name="火警", event_code="fire.alarm", taxonomy_code="020104", grade=1,
                semantics="raise",
            ),
        ),
        "units": {
            u: Unit(unit_id=u, name=n, department=d, level=lv, area=a) for u, n, d, lv, a in UNITS
        },
        "devices": {}, "places": {}, "routes": ROUTES, "deadlines": DEADLINES, "days_off": (),
        "disputes": DISPUTES,
        "phrases": (),
    }  # fmt: skip
    return Profile(**(fields | changes))


HOURS = (Hours(start=time(9), end=time(12)), Hours(start=time(14), end=time(18)))
PUBLISHED: dict[date, bool] = national_list(2025) | national_list(2026)
WORKDAYS = Workdays(HOURS, {}, 2024, 2028, published=PUBLISHED)
RULES = Rules(small_profile(), WORKDAYS)
#: a Wednesday morning in working hours
START = datetime(2026, 3, 11, 9, 0, tzinfo=SHANGHAI).astimezone(UTC)


def report(number: int = 1, at: datetime = START, **changes: Any) -> Report:
    fields: dict[str, Any] = {
        "event_id": f"event-{number}", "channel": "hotline_12345", "occurred_at": at,
        "ingested_at": at, "title": "消防通道被堵", "text": "幸福小区三号楼消防通道被私家车堵死",
        "class_code": "020201", "confidence": 0.9, "grade": 2, "grid": GRID, "lon": 120.1,
        "lat": 30.2, "unit": "fire-990101001", "unit_level": "town", "route": "r1",
    }  # fmt: skip
    return Report(**(fields | changes))


TRIAGE = {"class_code": "", "unit": "", "unit_level": "", "confidence": 0.1, "grade": 3}


def opening(one: Report, at: datetime = START) -> Command:
    return Command(
        command_id=command_id(one.event_id, "report"),
        case_no=case_number(one.event_id, VILLAGE, at), move="report", at=at, actor=SYSTEM,
        report=one,
    )  # fmt: skip


class Story:
    """A case on a fake clock: minutes since ``START`` pass, timers fire when their time comes."""

    def __init__(self, rules: Rules = RULES, start: datetime = START) -> None:
        self.rules, self.start, self.now = rules, start, start
        self.case: Case | None = None
        self.changes: list[Change] = []
        self._ids = count(1)

    @property
    def it(self) -> Case:
        assert self.case is not None
        return self.case

    def opens(self, **changes: Any) -> Change:
        return self.done(self.send(opening(report(at=self.now, **changes), self.now)))

    def send(self, command: Command) -> Change | Refusal | None:
        applied = apply(self.case, command, self.rules, self.now)
        if isinstance(applied, Change):
            assert applied.case.version == (self.case.version if self.case else 0) + 1
            self.case = applied.case
            self.changes.append(applied)
        return applied

    def command(self, move: Any, actor: Actor, **fields: Any) -> Command:
        return Command(
            command_id=f"c{next(self._ids)}", case_no=self.it.case_no, move=move, at=self.now,
            actor=actor, **fields,
        )  # fmt: skip

    def try_to(self, move: Any, actor: Actor, **fields: Any) -> Change | Refusal | None:
        return self.send(self.command(move, actor, **fields))

    def does(self, move: Any, actor: Actor, **fields: Any) -> Change:
        return self.done(self.try_to(move, actor, **fields))

    @staticmethod
    def done(applied: Change | Refusal | None) -> Change:
        assert isinstance(applied, Change), applied
        return applied

    def until(self, at: datetime) -> list[Change]:
        """Let time pass; lights fire exactly at their time. Returns them."""
        lights: list[Change] = []
        while True:
            due = wakeups(self.case) if self.case else ()
            if not due or due[0].at > at:
                break
            self.now = max(self.now, due[0].at)
            lights.append(self.done(self.send(overdue_command(self.it.case_no, due[0], self.now))))
        self.now = at
        return lights

    def after(self, **span: float) -> list[Change]:
        return self.until(self.now + timedelta(**span))

    def local(self, text: str) -> list[Change]:
        """Let time pass until a Shanghai time, e.g. ``2026-03-11 10:30``."""
        at = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)
        return self.until(at.astimezone(UTC))


def shanghai(at: datetime | None) -> str:
    assert at is not None
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def lights(changes: list[Change]) -> list[tuple[Any, Any]]:
    return [(c.clock, c.stage) for c in changes if c.move == "overdue"]
