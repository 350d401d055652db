"""Alerts: tell units and duty desks what a change means to them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from connectors.kafka import Record
from connectors.metrics import metric
from schemas.case import Change
from schemas.profile import Profile
from streams.app import StageApp
from streams.core.alerts import alerts_for
from streams.core.rules import Rules
from streams.core.workdays import load_workdays
from streams.finish import Finisher
from streams.outlet import Outlet

log = logging.getLogger(__name__)

CHANGES, ALERTS = "case-changes", "alerts"
BREATH = 0.01  # seconds of work before other tasks get a turn


def attach(app: StageApp, profile: Profile, outlet: Outlet) -> None:
    """Alert ids follow from the change, so telling twice after a restart is the same alert."""
    rules = Rules(profile, load_workdays(profile))
    finisher = Finisher(app.crash_soon)
    app.flush_hooks.append(finisher.drained)

    @app.agent(app.chunks(CHANGES), name="alerts")
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            await outlet.put(await told(event.value.records, rules))
            metric("gridwhistle_records_total").labels(CHANGES).inc(len(event.value))
            finisher.finish(event, ())


async def told(changes: Iterable[Any], rules: Rules) -> list[Record]:
    """Alerts of a run of records; other tasks get a turn in between."""
    records: list[Record] = []
    pause = time.monotonic() + BREATH
    for record in changes:
        if record.value is None:  # a case long closed is forgotten
            continue
        try:
            change = Change.model_validate_json(record.value)
        except ValidationError as exc:  # not ours: the writer writes nothing it cannot read
            log.error("%s@%d is not a change: %d errors", CHANGES, record.offset, exc.error_count())
            continue
        for alert in alerts_for(change, rules):
            body = alert.model_dump_json(exclude_defaults=True).encode()
            records.append(Record(ALERTS, alert.recipient.encode(), body))
            metric("gridwhistle_alerts_total").labels(alert.kind).inc()
            if alert.kind == "emergency":
                waited = time.time() - alert.created_at.timestamp()
                metric("gridwhistle_event_to_alert_seconds").labels(alert.kind).observe(
                    max(waited, 0.0)
                )
        if time.monotonic() > pause:
            await asyncio.sleep(0)
            pause = time.monotonic() + BREATH
    return records
