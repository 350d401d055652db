"""One event's whole decision once more, with every reason: class, place, urgency, routes, clocks.

The same compiled tables as the hot path decide again here; nothing is decided differently.
``streams.core.explained`` puts it into words, ``as_json`` into a document for programs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from schemas.case import Clock, Deadline
from schemas.event import Event
from schemas.profile import Campaign, DisputeField, Profile
from schemas.raw import Raw, Signal, TextReport
from streams.core import deadlines
from streams.core.decide import Decider, Position
from streams.core.locate import Located
from streams.core.reading import Invalid
from streams.core.redact import redact
from streams.core.route import Routed
from streams.core.routetree import Step
from streams.core.rules import Rules

#: clocks that start at once: with a unit, and at the duty desk
STARTED: dict[str, tuple[Clock, ...]] = {
    "dispatch": ("sign", "contact", "handle"), "grid": ("contact", "handle"),
    "whistle": ("respond", "handle"), "desk": ("accept",), "dispute": ("dispatch",),
}  # fmt: skip
_LEVELS = {4: "市", 6: "区县", 9: "镇街", 12: "村居", 15: "网格"}


@dataclass(frozen=True)
class Explained:
    event: Event
    profile: Profile
    urgency: str  # why it is an emergency or not
    located: Located | None
    routed: Routed | None
    platform: str
    campaign: Campaign | None
    steps: tuple[Step, ...]  # rows of routes.tsv looked at
    would_go: tuple[tuple[str, str], ...]  # of a doubtful class: candidate, unit it would go to
    rules: Rules | None
    dispute: DisputeField | None
    clocks: tuple[Deadline, ...]
    joins: tuple[str, ...] = field(default=())  # what would become of it beside the others asked

    def at_line(self, file: str, row_id: str) -> str:
        """``deadlines.tsv:12``: where a row stands; the bare file for a default without a row."""
        rows: Iterable[str] = {
            "deadlines.tsv": [row.rule_id for row in self.profile.deadlines],
            "campaigns.tsv": list(self.profile.campaigns),
        }[file]
        lines = self.profile.lines.get(file, ())
        found = next((line for row, line in zip(rows, lines, strict=False) if row == row_id), 0)
        return f"{file}:{found}" if found else file

    def known_level(self) -> str:
        event = self.event
        codes = (event.grid, event.village, event.town, event.county)
        finest = next((c for c in codes if c in self.profile.areas), self.profile.station.city)
        return _LEVELS[len(finest)]


def explain(
    raw: Raw, at: Position, decider: Decider, rules: Rules | None = None
) -> list[Explained] | Invalid:
    """Each event a report becomes, or why it becomes none. ``rules``: for the clocks."""
    events = decider.decide(raw, at)
    if isinstance(events, Invalid):
        return events
    return [_explained(event, raw, decider, rules) for event in events]


def _explained(event: Event, raw: Raw, decider: Decider, rules: Rules | None) -> Explained:
    profile, router = decider.profile, decider.router
    routed = decider.routed(event)
    asked = (event.class_code, event.grade, event.channel, _area(event, decider), event.ingest_ms)
    opens = event.disposition in ("case", "triage") and event.class_code != ""
    dispute = None
    if rules is not None and event.disposition == "case" and not event.emergency:
        dispute = rules.dispute(event.class_code)
    return Explained(
        event=event,
        profile=profile,
        urgency=_urgency(event, raw, decider),
        located=_located(event, raw, decider),
        routed=routed,
        platform=(routed.platform if routed else "") or router.platform(event.class_code),
        campaign=router.campaign(asked[0], *asked[2:]) if opens else None,
        steps=router.steps(*asked) if opens and event.route else (),
        would_go=_candidates(event, decider) if event.disposition == "triage" else (),
        rules=rules,
        dispute=dispute,
        clocks=_clocks(event, routed, dispute, rules),
    )


def _clocks(
    event: Event, routed: Routed | None, dispute: DisputeField | None, rules: Rules | None
) -> tuple[Deadline, ...]:
    if rules is None or event.disposition not in ("case", "triage"):
        return ()
    now = datetime.fromtimestamp(event.ingest_ms / 1000, UTC)
    how = routed.action if routed and event.unit else "desk"
    names = STARTED["dispute" if dispute else how]
    if event.emergency:
        names = ("acknowledge", *names)
    return tuple(deadlines.start_clock(rules, event, clock, now) for clock in names)


def _area(event: Event, decider: Decider) -> str:
    levels = (event.grid, event.village, event.town, event.county)
    return next((c for c in levels if decider.locator.knows(c)), decider.locator.city.area)


def _candidates(event: Event, decider: Decider) -> tuple[tuple[str, str], ...]:
    area, found = _area(event, decider), []
    for code in event.top3:
        row = decider.profile.taxonomy.get(code)
        if row is not None:
            grade = 1 if event.emergency else row.grade
            routed = decider.router.route(code, grade, event.channel, area, event.ingest_ms)
            found.append((code, routed.unit or "值守台"))
    return tuple(found)


def _urgency(event: Event, raw: Raw, decider: Decider) -> str:
    if isinstance(raw, TextReport):
        title, text = redact(raw.title), redact(raw.text)
        danger = decider.classifier.classify(text, title, event.channel).danger
        whole = f"{title}。{text}" if title else text
        heard = decider.emergencies.is_emergency(whole, event.channel, danger)
        return heard.reason or "没有听到危险的说法"
    return "测试状态不告警" if event.test else f"设备编码等级 {event.grade}"


def _located(event: Event, raw: Raw, decider: Decider) -> Located | None:
    locator = decider.locator
    if isinstance(raw, Signal):
        device = locator.of_device(raw.device_id, event.ingest_ms)
        if device is not None:
            return device
    address = text = ""
    if isinstance(raw, TextReport):
        address, text = redact(raw.address), f"{redact(raw.title)} {redact(raw.text)}"
    code = raw.area_code if locator.knows(raw.area_code) else locator.nearest(raw.area_code)
    return locator.locate(code, raw.lon, raw.lat, address, text, event.occurred_ms)


def as_json(one: Explained) -> dict[str, Any]:
    """The decision as a document: what ``explain --json`` prints and ``profile test`` compares."""
    event, routed = one.event, one.routed
    unit = one.profile.units.get(event.unit)
    return {
        "event_id": event.event_id, "case_no": event.case_no, "disposition": event.disposition,
        "class": {
            "code": event.class_code, "name": _name(one, event.class_code),
            "confidence": event.confidence, "reasons": list(event.class_reasons),
            "top3": [{"code": code, "name": _name(one, code)} for code in event.top3],
        },
        "emergency": {"is": event.emergency, "why": one.urgency},
        "grade": event.grade,
        "place": {
            "county": event.county, "town": event.town, "village": event.village,
            "grid": event.grid, "building": event.building, "lon": event.lon, "lat": event.lat,
            "by": event.located_by, "confidence": event.location_confidence,
            "why": one.located.why if one.located else "",
        },
        "route": {
            "row": event.route, "unit": event.unit, "unit_name": unit.name if unit else "",
            "department": unit.department if unit else "", "level": event.unit_level,
            "action": routed.action if routed and event.unit else "desk",
            "whistled": list(routed.whistled) if routed else [], "platform": one.platform,
            "campaign": one.campaign.campaign_id if one.campaign else "",
            "why": routed.why if routed else "",
            "steps": [
                {"file": "routes.tsv", "line": step.rule.line, "row": step.rule.row.route_id,
                 "depth": step.depth, "passed_over": step.missed}
                for step in one.steps
            ],
            "candidates": [{"class": code, "unit": to} for code, to in one.would_go],
        },
        "clocks": [
            {"clock": c.clock, "minutes": c.minutes, "calendar": c.calendar,
             "due": c.due.isoformat(), "yellow_at": c.yellow_at.isoformat(), "row": c.rule}
            for c in one.clocks
        ],
        "joins": list(one.joins),
    }  # fmt: skip


def _name(one: Explained, code: str) -> str:
    row = one.profile.taxonomy.get(code)
    return row.name if row else ""
