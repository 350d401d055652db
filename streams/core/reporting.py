"""What an event brings to a case."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.case import Report
from schemas.event import Event


def report_of(event: Event) -> Report:
    """The report that an event's command carries."""
    return Report(
        event_id=event.event_id, channel=event.channel,
        occurred_at=datetime.fromtimestamp(event.occurred_ms / 1000, UTC),
        ingested_at=datetime.fromtimestamp(event.ingest_ms / 1000, UTC),
        title=event.title, text=event.text, device_id=event.device_id,
        event_code=event.event_code, class_code=event.class_code,
        confidence=event.confidence, top3=event.top3, grade=event.grade,
        emergency=event.emergency, grid=event.grid, building=event.building,
        lon=event.lon, lat=event.lat, unit=event.unit, unit_level=event.unit_level,
        route=event.route, reporter=event.reporter, test=event.test,
        simulated=event.simulated,
    )  # fmt: skip
