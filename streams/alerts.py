"""Alerts: tell units and duty desks what a change means to them."""

from __future__ import annotations

import time
from typing import Any

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

CHANGES, ALERTS = "case-changes", "alerts"


def attach(app: StageApp, profile: Profile, outlet: Outlet) -> None:
    """Alert ids follow from the change, so telling twice after a restart is the same alert."""
    rules = Rules(profile, load_workdays(profile))
    finisher = Finisher(app.crash_soon)
    app.flush_hooks.append(finisher.drained)

    @app.agent(app.chunks(CHANGES), name="alerts")
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            records = []
            for record in event.value.records:
                if record.value is None:
                    continue
                change = Change.model_validate_json(record.value)
                for alert in alerts_for(change, rules):
                    body = alert.model_dump_json(exclude_defaults=True).encode()
                    records.append(Record(ALERTS, alert.recipient.encode(), body))
                    metric("gridwhistle_alerts_total").labels(alert.kind).inc()
                    if alert.kind == "emergency":
                        waited = time.time() - alert.created_at.timestamp()
                        metric("gridwhistle_event_to_alert_seconds").labels(alert.kind).observe(
                            max(waited, 0.0)
                        )
            metric("gridwhistle_records_total").labels(CHANGES).inc(len(event.value))
            await outlet.put(records)
            finisher.finish(event, ())
