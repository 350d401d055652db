"""Environment telemetry of LPWAN platforms: one message may hold several readings of a device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from connectors.inbound.fields import each, first, number, required, text, within
from connectors.inbound.problems import refuse


class Reading(NamedTuple):
    event: str  # schemas.raw.EnvironmentSignal.event
    unit: str


# key of a reading in ``data`` → what it is
READINGS: Final[dict[str, Reading]] = {
    "tilt_deg":        Reading("tilt", "°"),
    "displacement_cm": Reading("displacement", "cm"),
    "water_level_m":   Reading("level_threshold", "m"),
    "river_level_m":   Reading("level_over_warning", "m"),
    "rain_1h_mm":      Reading("accumulated", "mm"),
    "gas_lel":         Reading("gas", "%LEL"),
    "sos":             Reading("sos", ""),
}  # fmt: skip
LOW_BATTERY: Final = 15.0  # percent


def parse(body: bytes) -> list[Any]:
    """One signal for each reading known, one for a low battery, one for going offline.

    A button that is not pressed (``sos`` 0) reports nothing. Refused when nothing is known in it.
    """
    return each(body, _message)


def _message(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    message = str(required(item, "msgId", "messageId"))
    device = str(required(item, "devEui", "deviceId"))
    data = within(item, "data")
    readings: list[tuple[str, float, str]] = []
    for key, reading in READINGS.items():
        value = float(data[key]) if isinstance(data.get(key), bool) else number(data, key)
        if value is not None and not (reading.event == "sos" and value == 0):
            readings.append((reading.event, value, reading.unit))
    battery = number(item, "battery")
    if battery is not None and battery < LOW_BATTERY:
        readings.append(("battery_low", battery, "%"))
    if text(item, "status") == "offline":
        readings.append(("offline", 0.0, ""))
    if not readings and battery is None and not set(data) & set(READINGS):
        raise refuse("data", "unknown_code", f"没有可识别的读数;已知:{'、'.join(READINGS)}")
    at = first(item, "ts", "timestamp")
    return [
        {
            "id": f"{message}/{event}",
            "device_id": device,
            "event": event,
            "value": value,
            "unit": unit,
        }
        | ({"occurred_at": at} if at is not None else {})
        for event, value, unit in readings
    ]
