"""Weeks of a small city, every case on its own random way through the loop. All from one seed."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid5

from clickhouse_connect.driver.client import Client

from connectors.clickhouse import insert_columns
from schemas.alarm_rules import Heartbeat, Patrol
from schemas.alert import Alert
from schemas.case import Actor, Case, Change, Command, Obligation
from schemas.event import EVENT_COLUMNS, Event
from schemas.ids import NAMESPACE, case_number, command_id
from schemas.profile import Area, Channel, DeadlineRule, Device, Profile
from streams.core.alerts import alerts_for
from streams.core.moves import POSSIBLE
from streams.core.rules import Rules
from streams.records import (
    ALERT_COLUMNS,
    CASE_COLUMNS,
    CHANGE_COLUMNS,
    alert_row,
    case_row,
    change_row,
)
from tests.cases.small_city import DEADLINES, START, SYSTEM, WORKDAYS, Story, report, small_profile

VILLAGES = ("990101001001", "990101002003", "990102001001")
KINDS = [  # class, grade, unit
    ("020201", 2, "fire-990101001"), ("020202", 3, "estate-007"), ("020104", 1, "fire-990101001"),
    ("110306", 4, "housing-990101"), ("", 3, ""), ("100101", 3, "housing-990101"),
]  # fmt: skip
CHANNELS = {
    "hotline_12345": "hotline", "grid_app": "staff", "fire_iot": "device", "petition": "petition",
}  # fmt: skip
ASIDE = ("attach", "absorb", "clear", "note", "reopen", "mark", "unmerge", "distinct")
ONWARD = {
    "reported": "register", "registered": "dispatch", "dispatched": "sign", "signed": "handle",
    "whistle": "respond", "responded": "handle", "rework": "handle", "handling": "finish",
    "grid_handling": "finish", "done": "verify", "verified": "follow_up", "followed_up": "close",
    "suspended": "resume", "extension_requested": "grant_extension", "reopened": "dispatch",
    "return_requested": "grant_return", "escalated": "handle", "transferred": "sign",
    "direct_answered": "close", "rejected": "close", "extended": "finish",
    "found": "assign", "triaged": "mediate", "mediating": "agree", "agreement": "perform",
    "failed": "refer", "performed": "recheck", "breached": "mediate", "referred": "close",
    "pushed": "check", "checked": "close",
}  # fmt: skip
ROLES = ("operator", "supervisor", "unit", "grid_worker")


DAILY = DeadlineRule(
    rule_id="daily", clock="verify", minutes=240, escalate_minutes=60, repeat_minutes=1440
)


#: code → households, thousandths of km²; the rest have neither
SIZES = {
    "9901": (5000, 9000), "990101": (4000, 5000), "990102": (0, 4000), "990101001": (2500, 0),
    "990101002": (0, 700), VILLAGES[0]: (800, 300), VILLAGES[0] + "001": (90, 20),
}  # fmt: skip
DEVICES = {
    f"{kind}-{number}": (kind, village)
    for kind in ("smoke", "door", "patrol_point", "shop_point", "camera")
    for number, village in enumerate(VILLAGES)
}  # fmt: skip
PATIENCE = {"smoke": 180, "door": 30}  # minutes
EVERY = {"patrol_point": 8, "shop_point": 30}  # hours


def city_profile() -> Profile:
    channels = {c: Channel(channel_id=c, name=c, kind=k) for c, k in CHANNELS.items()}
    county = Area(code="990102", name="南区", level="county", parent="9901", lon=120, lat=30)
    areas = small_profile().areas | {"990102": county}
    grid = Area(
        code=VILLAGES[0] + "001", name="一格", level="grid", parent=VILLAGES[0], lon=120, lat=30
    )
    areas[grid.code] = grid
    for code, (households, metres) in SIZES.items():
        size = {"households": households, "km2": metres / 1000}
        areas[code] = areas[code].model_copy(update=size)
    return small_profile(
        channels=channels, areas=areas, deadlines=(DAILY, *DEADLINES),
        devices={
            name: Device(device_id=name, channel="fire_iot", kind=kind, name=name,
                         grid=village + "001", lon=120, lat=30)
            for name, (kind, village) in DEVICES.items()
        },
        heartbeats=tuple(Heartbeat(kinds=(k,), silent_minutes=m) for k, m in PATIENCE.items()),
        patrols=tuple(Patrol(kinds=(k,), every_hours=h) for k, h in EVERY.items()),
        grades={n: g.model_copy(update={"risk_weight": {1: 10, 2: 4.5, 3: 2, 4: 0}[n]})
                for n, g in small_profile().grades.items()},
    )  # fmt: skip


class BusyCity:
    """``cases`` cases in ``days`` days: ``changes``, ``alerts``, ``events`` are what happened."""

    def __init__(self, seed: int, cases: int = 60, days: int = 40) -> None:
        self.rng, self.days = Random(seed), days
        self.profile = city_profile()
        self.rules = Rules(self.profile, WORKDAYS)
        self.changes: list[Change] = []
        self.alerts: list[Alert] = []
        self.events: list[Event] = []
        for number in range(cases):
            self._live(seed * 10_000 + number)
        self._hear(Random(f"devices-{seed}"))

    def _live(self, number: int) -> None:
        rng = self.rng
        story = Story(self.rules)
        story.now = START + timedelta(seconds=rng.randrange(self.days * 86400))
        village = rng.choice(VILLAGES)
        code, grade, unit = rng.choice(KINDS)
        fields: dict[str, Any] = {
            "event_id": str(uuid5(NAMESPACE, f"busy-{number}")), "class_code": code,
            "grade": grade, "unit": unit, "emergency": grade == 1,
            "channel": "fire_iot" if grade == 1 else rng.choice(list(CHANNELS)),
            "test": rng.random() < 0.05,
            "simulated": rng.random() < 0.1,
            "grid": village + rng.choice(("001", "002", "")) if rng.random() < 0.9 else "",
            "lon": 120 + rng.randrange(6) / 1000, "lat": 30 + rng.randrange(6) / 1000,
        }  # fmt: skip
        if rng.random() < 0.1 and unit and grade != 1:
            fields["lead"] = rng.choice(("batch-1", "batch-2"))
        if len(fields["grid"]) != 15:
            fields["grid"] = ""
        if fields["channel"] == "fire_iot":
            name = Random(number).choice(("smoke-0", "smoke-1", "door-2", "unknown-9"))
            fields |= {"device_id": name, "building": f"B{number % 3}"}
        one = report(0, story.now, **fields)
        story.done(story.send(_opening(one, village, story.now)))
        self._event(one, story.it)
        end = START + timedelta(days=self.days + 10)
        while story.now < end and story.it.state not in ("merged",):
            story.until(
                story.now + timedelta(seconds=rng.randrange(rng.choice((200, 2500, 18000, 180000))))
            )
            if rng.random() < (
                0.3 if story.it.state == "pushed" else 0.02
            ):  # nobody cares for it any more
                story.until(end)
                break
            self._act(story, number)
            if story.it.state == "closed" and rng.random() < 0.5:
                break
        self.changes += story.changes
        for change in story.changes:
            self.alerts += alerts_for(change, self.rules)

    def _act(self, story: Story, number: int) -> None:
        rng, case = self.rng, story.it
        if rng.random() < 0.08 and case.state not in ("closed", "merged"):
            again = report(
                0, story.now, event_id=f"{case.event_ids[0]}-{case.version}", channel=case.channel,
                class_code=case.class_code, grid=case.grid, test=case.test,
                simulated=case.simulated, grade=4, unit=case.unit,
            )  # fmt: skip
            attach = _opening(again, case.village, story.now)
            story.send(attach.model_copy(update={"case_no": case.case_no}))
            self._event(again, story.it)
            return
        moves = [m for m in POSSIBLE[case.state] if m not in ASIDE or rng.random() < 0.1]
        move = rng.choice(moves or ["acknowledge"])
        if rng.random() < 0.75:
            move = ONWARD.get(case.state, "acknowledge")
        alerts = [a.alert_id for c in story.changes for a in alerts_for(c, self.rules)]
        if case.emergency and not case.acknowledged and rng.random() < 0.5:
            move = "acknowledge"
            alerts = [a.alert_id for a in alerts_for(story.changes[0], self.rules)]
        for role in rng.sample(ROLES, len(ROLES)):
            actor = Actor(role=role, unit=case.unit)
            command = story.command(
                move, actor, reason="理由", alert_id=rng.choice(alerts or ["none"]),
                unit=rng.choice([u for _, _, u in KINDS if u]),
                review_at=story.now + timedelta(days=rng.randint(1, 9)),
                merged_into=f"20260311-{case.village}-AAAAAA", resolved=rng.random() < 0.7,
                satisfaction=rng.choice((None, 1, 2, 3, 4, 5)),
                class_code=rng.choice(("", "", "020202")) if move == "register" else "",
                obligations=tuple(
                    Obligation(what="修复", due=story.now + timedelta(days=rng.uniform(0.5, 12)))
                    for _ in range(rng.randint(1, 2))
                ),
                obligation=next((o.item for o in case.obligations if not o.done_at), ""),
                found=rng.random() < 0.3,
            )  # fmt: skip
            if move == "respond":
                left = [u for u in case.whistled if u not in case.responded]
                command = command.model_copy(
                    update={"unit": left[0], "actor": Actor(role="operator")}
                )
            named = command.model_copy(update={"command_id": f"{number}-{command.command_id}"})
            if isinstance(story.send(named), Change):
                return

    def _hear(self, rng: Random) -> None:
        """What devices say by themselves; a point is silent, seldom or often visited."""
        for name, (kind, village) in DEVICES.items():
            code = "patrol.visited" if kind.endswith("point") else rng.choice(("a.b", "c.d"))
            hours = rng.choice((0.4, 2, 6, 40)) if kind.endswith("point") else 1.5
            at = START + timedelta(days=rng.choice((-1, -1, 9)))
            while at < START + timedelta(days=self.days):
                at += timedelta(hours=rng.expovariate(1 / hours))
                stamp = int(at.timestamp() * 1000)
                self._heard({
                    "topic": "raw.environment", "event_id": f"{name}-{stamp}",
                    "channel": "fire_iot", "device_id": name, "occurred_ms": stamp,
                    "ingest_ms": stamp + rng.randrange(60_000),
                    "event_code": rng.choices((code, "device.offline"), (9, 1))[0],
                    "grade": 4, "village": village, "grid": village + "001",
                    "test": rng.random() < 0.05, "simulated": rng.random() < 0.1,
                    "disposition": "recorded", "emergency": False, "semantics": "info",
                })  # fmt: skip

    def _event(self, one: Any, case: Case) -> None:
        stamp = int(one.ingested_at.timestamp() * 1000)
        self._heard({
            "confidence": one.confidence, "lon": one.lon, "lat": one.lat,
            "topic": "raw.hotline", "event_id": one.event_id, "channel": one.channel,
            "occurred_ms": stamp, "ingest_ms": stamp, "class_code": one.class_code,
            "grade": one.grade, "emergency": one.emergency, "county": case.village[:6],
            "town": case.village[:9], "village": case.village, "grid": one.grid,
            "unit": one.unit, "case_no": case.case_no, "test": one.test,
            "simulated": one.simulated,
            "disposition": self.rng.choice(("case", "case", "triage", "recorded")),
        })  # fmt: skip

    def _heard(self, fields: dict[str, Any]) -> None:
        blank = dict.fromkeys(EVENT_COLUMNS, "")
        numbers = {
            "partition": 0, "offset": len(self.events), "part": 0, "device_ms": 0, "value": 0.0,
            "confidence": 0.0, "lon": 0.0, "lat": 0.0, "location_confidence": 1.0, "top3": (),
            "class_reasons": (), "semantics": "report",
        }  # fmt: skip
        self.events.append(Event(**(blank | numbers | fields)))

    def newest(self) -> dict[str, Case]:
        return {c.case.case_no: c.case for c in self.changes}

    def into(self, client: Client) -> None:
        """Write it as the product does; some changes twice, as after a crash."""
        again = self.rng.sample(self.changes, len(self.changes) // 10)
        _insert(client, "case_changes", CHANGE_COLUMNS, [change_row(c) for c in self.changes])
        _insert(client, "case_changes", CHANGE_COLUMNS, [change_row(c) for c in again])
        _insert(client, "cases", CASE_COLUMNS, [case_row(c.case) for c in self.changes])
        _insert(client, "alerts", ALERT_COLUMNS, [alert_row(a) for a in self.alerts])
        _insert(client, "events", EVENT_COLUMNS, self.events)


def _opening(one: Any, village: str, at: datetime) -> Command:
    return Command(
        command_id=command_id(one.event_id, "report"),
        case_no=case_number(one.event_id, village, at), move="report", at=at, actor=SYSTEM,
        report=one,
    )  # fmt: skip


def _insert(client: Client, table: str, names: tuple[str, ...], rows: list[Any]) -> None:
    insert_columns(client, table, names, [list(column) for column in zip(*rows, strict=True)])
