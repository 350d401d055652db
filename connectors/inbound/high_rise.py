"""Falling-object cameras on facades: start floor, landing zone, confidence.

Snapshots, clips and trajectories stay with the camera: they may show windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.inbound.fields import each, first, number, present, required, text, within
from connectors.inbound.problems import refuse


def parse(body: bytes) -> list[Any]:
    """Alarms as high-rise signals. ``confidence`` may come as 0–1 or in percent."""
    return each(body, _alarm)


def _alarm(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    kind = text(item, "eventType")
    if kind not in ("", "falling_object", "FALLING_OBJECT", "高空抛物"):
        raise refuse("eventType", "unknown_code", "只接收 falling_object(高空抛物)")
    result = within(item, "result") or item
    floor = number(result, "startFloor", "floor")
    confidence = number(result, "confidence", "score")
    if confidence is not None and 1 < confidence <= 100:
        confidence /= 100
    return [
        present(
            id=str(required(item, "alarmId", "eventId")),
            device_id=str(required(item, "cameraId", "deviceId")),
            occurred_at=first(item, "alarmTime", "timestamp"),
            start_floor=int(floor) if floor is not None else None,
            landing_zone=text(result, "landingZone"),
            confidence=confidence,
        )
    ]
