"""Fills a store with days of a made-up city, for tests and for looking at the pages.

    python tests/wall/fake_city.py --clickhouse http://127.0.0.1:PORT [--follow]

The product itself never shows made-up data; every row here is flagged simulated.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import clickhouse_connect

from schemas.alert import Alert
from schemas.case import Actor, Case, Change, Deadline
from schemas.event import EVENT_COLUMNS, Event
from schemas.ids import alert_id, case_number, change_id, event_id
from schemas.profile import Profile
from schemas.profile_files import load_profile
from streams.records import (
    ALERT_COLUMNS,
    CASE_COLUMNS,
    CHANGE_COLUMNS,
    alert_row,
    case_row,
    change_row,
)

HOUR_MS = 3_600_000
RHYTHM = (2, 1, 1, 1, 1, 2, 4, 8, 11, 10, 9, 8, 7, 8, 9, 9, 9, 8, 8, 9, 8, 6, 4, 3)
OPEN_STATES = ("dispatched", "signed", "handling")
CHANNELS = ("hotline_12345", "grid_app", "fire_iot", "lift_iot", "video_ai", "env_iot", "mini_app")
SPARE = timedelta(minutes=40)


class Happening(NamedTuple):
    event: Event
    changes: tuple[Change, ...] = ()
    alerts: tuple[Alert, ...] = ()


class FakeCity:
    """Happenings of a profile's grids, hot spots and rhythm included; seeded."""

    def __init__(self, profile: Profile, seed: int = 7) -> None:
        self.profile, self.random, self.count = profile, random.Random(seed), 0
        self.source = f"fake-{seed}"
        self.grids = [profile.areas[c] for c in sorted(profile.rings)]
        hot = self.random.sample(self.grids, max(1, len(self.grids) // 60))
        self.weights = [0.2 + 2.5 * sum(_near(g, h) for h in hot) for g in self.grids]
        self.classes = sorted(profile.taxonomy)
        self.units: dict[str, list[str]] = {}
        for unit in profile.units.values():
            self.units.setdefault(unit.area, []).append(unit.unit_id)

    def happen(self, at_ms: int, now_ms: int) -> Happening:
        """One event at a time, with its case as it stands now."""
        r, n = self.random, self.count
        self.count += 1
        (grid,) = r.choices(self.grids, self.weights)
        row = self.profile.taxonomy[r.choice(self.classes)]
        id_, village, opens = (
            event_id("fake", self.source, str(n)),
            grid.code[:12],
            r.random() < 0.7,
        )
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
        event = Event(
            topic="raw.hotline", partition=0, offset=n, part=0, event_id=id_,
            channel=r.choice(CHANNELS), source="fake", source_id=str(n), occurred_ms=at_ms,
            device_ms=0, ingest_ms=at_ms, clock="", device_id="", event_code="",
            semantics="report", value=0.0, unit_of_value="", title=row.name,
            text=f"{grid.name}附近：{row.name}，请尽快处理。", class_code=row.code, confidence=0.8,
            top3=(row.code,), class_reasons=(row.keywords[0],), grade=row.grade,
            emergency=row.grade == 1 and r.random() < 0.3, county=village[:6], town=village[:9],
            village=village, grid=grid.code, building="", lon=grid.lon, lat=grid.lat,
            located_by="area_code", location_confidence=1.0, unit=self._unit(village),
            unit_level=row.level, route="r1",
            case_no=case_number(id_, village, at) if opens else "",
            disposition="case" if opens else "recorded", reporter="", test=False, simulated=True,
        )  # fmt: skip
        if not opens:
            return Happening(event)
        return self._followed(event, at, timedelta(hours=row.handle_hours), now_ms)

    def day(self, now_ms: int, events: int) -> Iterator[Happening]:
        """That many happenings a day, over the last 48 hours, in the day's rhythm."""
        for hour in range(48):
            start = now_ms - (48 - hour) * HOUR_MS
            local = datetime.fromtimestamp(start / 1000 + 8 * 3600, UTC).hour
            for _ in range(int(events * RHYTHM[local] / sum(RHYTHM))):
                yield self.happen(start + self.random.randrange(HOUR_MS), now_ms)

    def _unit(self, village: str) -> str:
        for digits in (9, 6, 4):
            if found := self.units.get(village[:digits]):
                return self.random.choice(found)
        return ""

    def _followed(self, e: Event, at: datetime, limit: timedelta, now_ms: int) -> Happening:
        r, now = self.random, datetime.fromtimestamp(now_ms / 1000, UTC)
        due = at + limit * r.uniform(0.5, 1.6)
        over = now - at > timedelta(minutes=20) and r.random() < (0.985 if due < now else 0.75)
        light = "red" if due < now else "yellow" if due - now < SPARE else ""
        clock = Deadline(
            clock="handle", version=1, started_at=at, minutes=int(limit.total_seconds() // 60),
            calendar="natural", due=due, original_due=due, yellow_at=due - SPARE, rule="fake",
        )  # fmt: skip
        first = Case(
            case_no=e.case_no, village=e.village, version=1, state="dispatched",
            class_code=e.class_code, grade=e.grade, emergency=e.emergency, title=e.title,
            text=e.text, channel=e.channel, grid=e.grid, lon=e.lon, lat=e.lat, unit=e.unit,
            unit_level=e.unit_level, opened_at=at, updated_at=at, event_ids=(e.event_id,),
            deadlines=(clock,), simulated=True,
        )  # fmt: skip
        closed_at = min(now, at + (now - at) * r.uniform(0.1, 0.98))
        after = (
            {"state": "closed", "closed_at": closed_at, "updated_at": closed_at, "deadlines": ()}
            if over
            else {"state": r.choice(OPEN_STATES), "light": light}
        )
        last = first.model_copy(update={**after, "version": 2})
        changes = (_change(first, "report", at, e.event_id), _change(last, "note", at, ""))
        if over or (r.random() < 0.5 and not light and not e.emergency):
            return Happening(e, changes)
        return Happening(e, changes, (_alert(e, last, changes[-1], at, due),))


def _near(a: Any, b: Any) -> float:
    return math.exp(-(((a.lon - b.lon) / 0.02) ** 2) - ((a.lat - b.lat) / 0.02) ** 2)


def _change(case: Case, move: Any, at: datetime, event: str) -> Change:
    return Change(
        change_id=change_id(case.case_no, case.version),
        command_id=f"{case.case_no}-{move}",
        move=move,
        from_state=None,
        at=at,
        actor=Actor(role="system"),
        event_id=event,
        case=case,
    )


def _alert(e: Event, case: Case, change: Change, at: datetime, due: datetime) -> Alert:
    kind: Any = "emergency" if e.emergency else case.light or "assigned"
    return Alert(
        alert_id=alert_id(change.change_id, kind, e.unit), kind=kind, recipient=e.unit,
        case_no=e.case_no, change_id=change.change_id, event_id=e.event_id,
        class_code=e.class_code, grade=e.grade, village=e.village, grid=e.grid, title=e.title,
        channel=e.channel, clock="handle" if case.light else "", due=due, created_at=at,
        simulated=True,
    )  # fmt: skip


def insert(client: Any, happenings: list[Happening]) -> None:
    """Put happenings into the store, as the workers would."""
    changes = [c for h in happenings for c in h.changes]
    alerts = [alert_row(a) for h in happenings for a in h.alerts]
    client.insert("events", [list(h.event) for h in happenings], column_names=list(EVENT_COLUMNS))
    if changes:
        client.insert("case_changes", [change_row(c) for c in changes], column_names=CHANGE_COLUMNS)
        client.insert("cases", [case_row(c.case) for c in changes], column_names=CASE_COLUMNS)
    if alerts:
        client.insert("alerts", alerts, column_names=ALERT_COLUMNS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clickhouse", required=True, help="http://host:port")
    parser.add_argument("--user", default="writer")
    parser.add_argument("--password", default="")
    parser.add_argument("--events", type=int, default=9_000, help="a day")
    parser.add_argument("--follow", action="store_true", help="keep adding, a few a second")
    options = parser.parse_args()
    client = clickhouse_connect.get_client(
        dsn=f"{options.clickhouse}/gridwhistle",
        username=options.user,
        password=options.password,
    )
    city = FakeCity(load_profile("qinglan"))
    now = int(time.time() * 1000)
    insert(client, list(city.day(now, options.events)))
    while options.follow:
        time.sleep(1)
        now = int(time.time() * 1000)
        insert(client, [city.happen(now, now) for _ in range(city.random.randrange(1, 5))])


if __name__ == "__main__":
    main()
