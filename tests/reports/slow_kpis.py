"""The figures once more, slowly: straight loops over every change, from the domain's sentences.

Nothing here reads what the changes say about clocks they started or ended; it looks at the clocks a
case had before and after each change.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any, NamedTuple

from schemas.case import Case, Change, Deadline
from tests.cases.small_city import WORKDAYS
from tests.reports.busy_city import CHANNELS, EVERY, PATIENCE, SIZES, BusyCity
from tests.reports.busy_city import DEVICES as ENROLLED

FOUND = {c for c, kind in CHANNELS.items() if kind in ("staff", "device")}
DEVICES = {c for c, kind in CHANNELS.items() if kind == "device"}
DESK = (
    "accept", "dispatch", "verify", "followup", "review", "acknowledge", "refer", "recheck",
)  # fmt: skip
LEVELS = {"": 6, "9901": 6, "990101": 9, "990101001": 12}
Totals = dict[str, list[Any]]


class Asked(NamedTuple):
    since: datetime
    until: datetime
    area: str
    by: str
    simulated: bool


class Stop(NamedTuple):
    clock: Deadline
    in_time: bool


class Slow:
    def __init__(self, city: BusyCity, asked: Asked) -> None:
        self.asked, self.city = asked, city
        self.cases: dict[str, list[Change]] = defaultdict(list)
        for change in city.changes:
            if self.ours(change.case) and change.at < asked.until:
                self.cases[change.case.case_no].append(change)
        for history in self.cases.values():
            history.sort(key=lambda c: c.case.version)

    def ours(self, one: Any) -> bool:
        place = one.village.startswith(self.asked.area) or one.grid.startswith(self.asked.area)
        return place and not one.test and one.simulated == self.asked.simulated

    def key(self, one: Any, unit: str | None = None) -> str:
        match self.asked.by:
            case "unit":
                return one.unit if unit is None else unit
            case "area":
                return one.village[: LEVELS[self.asked.area]]
            case "class":
                return one.class_code
            case "major":
                return one.class_code[:2]
            case "channel":
                return one.channel
            case "grid":
                return one.grid
            case "field":
                return one.field
            case "batch":
                return one.batch
            case "kind":
                return ENROLLED.get(one.device_id, ("",))[0]
            case "building":
                return one.building
        return ""

    def within(self, at: datetime) -> bool:
        return self.asked.since <= at < self.asked.until

    def steps(self) -> Iterator[tuple[Case | None, Change]]:
        """Every change of the period with the case before it."""
        for history in self.cases.values():
            for before, change in zip([None, *history], history, strict=False):
                if self.within(change.at):
                    yield before.case if before else None, change

    def events(self) -> Iterator[Any]:
        for event in self.city.events:
            at = datetime.fromtimestamp(event.ingest_ms / 1000, self.asked.since.tzinfo)
            if self.ours(event) and self.within(at) and event.disposition in ("case", "triage"):
                yield event


def stopped(before: Case | None, change: Change) -> list[Stop]:
    """Clocks that ran before a change and run no more after it, or were set anew."""
    found = []
    after = {d.clock: d for d in change.case.deadlines}
    for one in before.deadlines if before else ():
        still = after.get(one.clock)
        if still is None or still.started_at != one.started_at:
            found.append(Stop(one, (one.paused_at or change.at) <= one.due))
    return found


def starts(before: Case | None, change: Change, clock: str) -> bool:
    after = next((d for d in change.case.deadlines if d.clock == clock), None)
    was = next((d for d in before.deadlines if d.clock == clock), None) if before else None
    return after is not None and (was is None or was.started_at != after.started_at)


def tally(slow: Slow, rows: Iterator[tuple[str, bool, bool]]) -> Totals:
    """(key, counts above, counts below) → key → [n, of]."""
    found: Totals = {}
    for key, above, below in rows:
        if above or below:
            one = found.setdefault(key, [0, 0])
            one[0] += above
            one[1] += below
    return found


def counted(keys: Iterator[str]) -> Totals:
    found: Totals = {}
    for key in keys:
        found.setdefault(key, [0, 0])[0] += 1
    return found


def spread(values: Iterator[tuple[str, float]], share: float) -> Totals:
    lists: dict[str, list[float]] = defaultdict(list)
    for key, value in values:
        lists[key].append(value)
    found: Totals = {}
    for key, one in lists.items():
        cuts = quantiles(one, n=100, method="inclusive") if len(one) > 1 else one * 99
        found[key] = [cuts[round(share * 100) - 1], len(one)]
    return found


def last(slow: Slow) -> Iterator[tuple[Case, list[Change]]]:
    for history in slow.cases.values():
        yield history[-1].case, history


def handle(case: Case) -> Deadline | None:
    return next((d for d in case.deadlines if d.clock == "handle" and not d.paused_at), None)


def closed_at(case: Case, history: list[Change]) -> datetime | None:
    return max(c.at for c in history if c.move == "close") if case.state == "closed" else None


def is_open(case: Case) -> bool:
    return case.state not in ("closed", "merged")


def overdue(slow: Slow, case: Case) -> bool:
    clock = handle(case)
    return is_open(case) and clock is not None and clock.due <= slow.asked.until


def pairs(history: list[Change]) -> Iterator[tuple[Case | None, Change]]:
    for before, change in zip([None, *history], history, strict=False):
        yield before.case if before else None, change


def done_late(history: list[Change]) -> bool:
    return any(
        stop.clock.clock in ("handle", "mediate") and not stop.in_time
        for before, change in pairs(history)
        if change.move in ("finish", "clear", "agree", "disagree")
        for stop in stopped(before, change)
    )  # fmt: skip


def last_due(history: list[Change]) -> datetime | None:
    due = None
    for before, change in pairs(history):
        clock = handle(change.case)
        ended = [s.clock for s in stopped(before, change) if s.clock.clock == "handle"]
        if clock:
            due = clock.due
        elif ended:
            due = ended[0].due
    return due


def used_hours(history: list[Change], change: Change, clock: Deadline) -> float:
    """Seconds a clock ran, its pauses taken off one by one."""
    until = clock.paused_at or change.at
    ran = WORKDAYS.elapsed(clock.started_at, until, clock.calendar)
    pause = None
    for one in history:
        if one.case.version >= change.case.version:
            break
        if one.move == "suspend" and one.at >= clock.started_at:
            pause = one.at
        if one.move == "resume" and pause:
            ran -= WORKDAYS.elapsed(pause, one.at, clock.calendar)
            pause = None
    return ran / timedelta(hours=1)


def close_rate(slow: Slow) -> Totals:
    def rows():
        for case, history in last(slow):
            due = last_due(history)
            if case.state in ("merged", "suspended") or due is None or not slow.within(due):
                continue
            yield slow.key(case), case.state == "closed", True

    return tally(slow, rows())


def on_time(slow: Slow) -> Totals:
    def rows():
        for case, history in last(slow):
            at = closed_at(case, history)
            closed = at is not None and slow.within(at)
            yield slow.key(case), closed and not done_late(history), closed or overdue(slow, case)

    return tally(slow, rows())


def accept(slow: Slow) -> Totals:
    def rows():
        for case, history in last(slow):
            if not slow.within(case.opened_at):
                continue
            at_once = history[0].case.state in ("dispatched", "found", "pushed")
            in_time = any(
                s.clock.clock == "accept" and s.in_time
                for before, change in pairs(history) for s in stopped(before, change)
            )  # fmt: skip
            yield slow.key(case), at_once or in_time, True

    return tally(slow, rows())


def clocked(clock: str, moves: tuple[str, ...]) -> Callable[[Slow], Totals]:
    def figure(slow: Slow) -> Totals:
        def rows():
            for before, change in slow.steps():
                if starts(before, change, clock):
                    yield slow.key(change.case), False, True
                if change.move in moves and any(
                    s.clock.clock == clock and s.in_time and s.clock.started_at >= slow.asked.since
                    for s in stopped(before, change)
                ):
                    assert before is not None
                    yield slow.key(change.case, before.unit), True, False

        return tally(slow, rows())

    return figure


def flow(above: Callable[..., bool], below: Callable[..., bool], giver: bool = False):
    def figure(slow: Slow) -> Totals:
        def rows():
            for before, change in slow.steps():
                unit = before.unit if giver and before and above(before, change) else None
                yield slow.key(change.case, unit), above(before, change), below(before, change)

        return tally(slow, rows())

    return figure


def is_done(_: Any, change: Change) -> bool:
    return change.move in ("finish", "clear") and change.case.state == "done"


def move(*names: str) -> Callable[..., bool]:
    return lambda _, change: change.move in names


def lights(stage: str) -> Callable[[Slow], Totals]:
    def figure(slow: Slow) -> Totals:
        return counted(
            slow.key(c.case, f"desk-{c.case.village[:6]}" if c.clock in DESK else c.case.unit)
            for _, c in slow.steps()
            if (c.stage or "").replace("again", "red").replace("remind", "yellow") == stage
        )

    return figure


def hours(share: float) -> Callable[[Slow], Totals]:
    def figure(slow: Slow) -> Totals:
        def rows():
            for before, change in slow.steps():
                for stop in stopped(before, change):
                    if change.move in ("finish", "clear") and stop.clock.clock == "handle":
                        history = slow.cases[change.case.case_no]
                        yield slow.key(change.case), used_hours(history, change, stop.clock)

        return spread(rows(), share)

    return figure


def whistles(slow: Slow) -> Totals:
    def rows():
        for before, change in slow.steps():
            for stop in stopped(before, change):
                if change.move == "respond" and stop.clock.clock == "respond":
                    waited = change.at - stop.clock.started_at
                    yield slow.key(change.case), waited / timedelta(minutes=1)

    return spread(rows(), 0.5)


def repeat(slow: Slow) -> Totals:
    everyone = [
        c for c in slow.city.newest().values()
        if not c.test and c.simulated == slow.asked.simulated
        and c.opened_at < slow.asked.until and c.class_code
    ]  # fmt: skip

    def rows():
        for one in everyone:
            if slow.ours(one) and one.opened_at >= slow.asked.since:
                again = any(
                    o is not one and o.class_code == one.class_code and near(o, one)
                    and abs(o.opened_at - one.opened_at) <= timedelta(days=30)
                    for o in everyone
                )  # fmt: skip
                yield slow.key(one), again, True

    return tally(slow, rows())


def near(a: Case, b: Case) -> bool:
    """Great-circle distance up to 200 m."""
    p, q = math.radians(a.lat), math.radians(b.lat)
    h = math.sin((q - p) / 2) ** 2
    h += math.cos(p) * math.cos(q) * math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    return 2 * 6371000 * math.asin(math.sqrt(h)) <= 200


def self_closed(slow: Slow) -> Totals:
    def rows():
        for case, history in last(slow):
            at = closed_at(case, history)
            if at is None or not slow.within(at) or not case.grid:
                continue
            ends = [c.from_state for c in history if c.move == "finish"]
            yield slow.key(case), case.unit_level == "grid" or ends[-1:] == ["grid_handling"], True

    return tally(slow, rows())


def alarms(slow: Slow) -> Iterator[tuple[str, float | None]]:
    acked = {c.alert_id: c.at for h in slow.cases.values() for c in h if c.move == "acknowledge"}
    groups: dict[str, list[Any]] = defaultdict(list)
    for alert in slow.city.alerts:
        ours = slow.ours(alert) and slow.within(alert.created_at)
        if ours and alert.kind == "emergency" and alert.channel in DEVICES:
            groups[alert.change_id].append(alert)
    for group in groups.values():
        times = [acked[a.alert_id] for a in group if a.alert_id in acked]
        one = group[0]
        key = one.channel if slow.asked.by == "channel" else slow.key(one, "")
        yield key, (min(times) - one.created_at).total_seconds() if times else None


def mediated(slow: Slow) -> Totals:
    def rows():
        for _, change in slow.steps():
            if change.move == "agree":
                yield slow.key(change.case), True, True
            elif change.move == "disagree" and change.case.state == "failed":
                yield slow.key(change.case), False, True

    return tally(slow, rows())


def kept(slow: Slow) -> Totals:
    def rows():
        for history in slow.cases.values():
            for number, change in enumerate(history):
                if change.move != "agree":
                    continue
                if not slow.within(max(one.due for one in change.case.obligations)):
                    continue
                ends = [
                    c.case.state for c in history[number + 1 :]
                    if c.case.state != "agreement" and c.from_state == "agreement"
                ]  # fmt: skip
                yield slow.key(change.case), ends[:1] == ["performed"], True

    return tally(slow, rows())


def leads(slow: Slow) -> Totals:
    return tally(
        slow,
        (
            (slow.key(case), case.state != "pushed", True)
            for case, history in last(slow)
            if case.batch and slow.within(history[0].at)
        ),
    )


def unchecked(slow: Slow) -> Totals:
    return counted(
        slow.key(case)
        for case, _ in last(slow)
        if case.batch and case.state == "pushed"
        and any(d.clock == "check" and d.due <= slow.asked.until for d in case.deadlines)
    )  # fmt: skip


def false_alarms(slow: Slow) -> Totals:
    return tally(
        slow,
        (
            (slow.key(c.case), c.found is False, c.found is not None)
            for _, c in slow.steps()
            if c.move == "verify" and c.case.channel in DEVICES
        ),
    )


def enrolled(slow: Slow, kinds: dict[str, int]) -> Iterator[tuple[str, str, int, list[Any]]]:
    """Devices of an area that a row speaks of: key, name, the row's figure, what it said."""
    for name, (kind, village) in ENROLLED.items():
        grid = village + "001"
        if kind in kinds and grid.startswith(slow.asked.area):
            digits = LEVELS[slow.asked.area]
            key = {"kind": kind, "grid": grid, "area": grid[:digits], "": ""}[slow.asked.by]
            said = [
                e for e in slow.city.events
                if e.device_id == name and not e.test and e.simulated == slow.asked.simulated
            ]  # fmt: skip
            yield key, name, kinds[kind], said


def alive(slow: Slow) -> Totals:
    def rows():
        now = slow.asked.until.timestamp() * 1000
        for key, _, minutes, said in enrolled(slow, PATIENCE):
            last = [now - e.ingest_ms for e in said
                    if e.event_code != "device.offline" and e.ingest_ms < now]  # fmt: skip
            yield key, any(ago <= minutes * 60_000 for ago in last), True

    return tally(slow, rows())


def rounds(slow: Slow) -> Totals:
    def rows():
        for key, _, hours, said in enrolled(slow, EVERY):
            start = slow.asked.since
            while (end := start + timedelta(hours=hours)) <= slow.asked.until:
                times = [
                    datetime.fromtimestamp(e.occurred_ms / 1000, start.tzinfo)
                    for e in said if e.event_code == "patrol.visited"
                ]  # fmt: skip
                yield key, any(start <= at < end for at in times), True
                start = end

    return tally(slow, rows())


def risks(slow: Slow) -> Totals:
    weights = {1: 10, 2: 4.5, 3: 2, 4: 0}
    found: Totals = {}
    for case in slow.city.newest().values():
        if slow.ours(case) and case.state != "merged" and slow.within(case.opened_at):
            key = slow.key(case)
            households, metres = SIZES.get(key or slow.asked.area or "9901", (0, 0))
            if (households or metres) and (key or not slow.asked.by):
                found.setdefault(key, [0, households or metres])[0] += weights[case.grade]
    return found


SLOW: dict[str, Callable[[Slow], Totals]] = {
    "intake_total": lambda s: counted(s.key(e) for e in s.events()),
    "backlog": lambda s: counted(s.key(c) for c, _ in last(s) if is_open(c)),
    "accept_on_time_rate": accept,
    "sign_on_time_rate": clocked("sign", ("sign", "handle_in_grid", "whistle")),
    "first_contact_rate": clocked("contact", ("contact",)),
    "close_rate": close_rate,
    "on_time_close_rate": on_time,
    "overdue_open": lambda s: counted(s.key(c) for c, _ in last(s) if overdue(s, c)),
    "overdue_ratio3": lambda s: counted(
        s.key(c) for c, _ in last(s)
        if is_open(c) and (d := handle(c))
        and s.asked.until - d.started_at > 3 * (d.due - d.started_at)
    ),
    "yellow_count": lights("yellow"),
    "red_count": lights("red"),
    "median_handle_hours": hours(0.5),
    "p90_handle_hours": hours(0.9),
    "return_rate": flow(move("grant_return"), lambda b, c: starts(b, c, "sign"), giver=True),
    "rework_rate": flow(move("send_back"), is_done),
    "extension_rate": flow(move("grant_extension"), move("sign")),
    "merge_rate": flow(move("attach", "merge"), move("report", "attach")),
    "repeat_place_rate": repeat,
    "followup_rate": flow(move("follow_up"), is_done),
    "resolved_rate": flow(
        lambda _, c: c.move == "follow_up" and c.resolved is True, move("follow_up")
    ),
    "satisfaction_rate": flow(
        lambda _, c: c.move == "follow_up" and (c.satisfaction or 0) >= 3,
        lambda _, c: c.move == "follow_up" and c.satisfaction is not None,
    ),
    "whistle_response_minutes": whistles,
    "self_found_share": lambda s: tally(
        s, ((s.key(e), e.channel in FOUND, True) for e in s.events())
    ),
    "grid_self_close_rate": self_closed,
    "dispute_success_rate": mediated,
    "agreement_performed_rate": kept,
    "lead_checked_rate": leads,
    "lead_overdue": unchecked,
    "alarm_ack_p50_seconds": lambda s: spread(
        ((k, t) for k, t in alarms(s) if t is not None), 0.5
    ),
    "alarm_ack_p95_seconds": lambda s: spread(
        ((k, t) for k, t in alarms(s) if t is not None), 0.95
    ),
    "alarm_false_rate": false_alarms,
    "device_online_rate": alive,
    "patrol_coverage": rounds,
    "risk_index": risks,
    "alarm_ack_rate": lambda s: tally(s, ((k, t is not None, True) for k, t in alarms(s))),
}  # fmt: skip
