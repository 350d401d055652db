"""Lift IoT platforms (GB/T 24476 family) and in-lift cameras that recognise e-bikes, not people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from connectors.inbound.fields import coded, each, first, number, present, required

# vendor's code → schemas.raw.LiftSignal.event
EVENTS: Final[dict[str, str]] = {
    "trapped": "trapped", "PEOPLE_TRAPPED": "trapped", "困人": "trapped",
    "STOP_OUT_OF_ZONE": "out_of_door_zone_stop", "非平层停梯": "out_of_door_zone_stop",
    "OVERSPEED": "overspeed", "超速": "overspeed",
    "TOP_OVERRUN": "top", "冲顶": "top",
    "BOTTOM_OVERRUN": "bottom", "蹲底": "bottom",
    "DOOR_FAULT": "door_fault", "开关门故障": "door_fault",
    "POWER_OFF": "power_off", "断电": "power_off",
    "OUT_OF_SERVICE": "out_of_service", "停运": "out_of_service",
    "ALARM_BUTTON": "alarm_button", "报警按钮": "alarm_button",
    "EBIKE_IN": "ebike_in", "电动车入梯": "ebike_in",
    "EBIKE_OUT": "ebike_out", "电动车离梯": "ebike_out",
}  # fmt: skip


def parse(body: bytes) -> list[Any]:
    """Alarms as lift signals. An unknown event is Refused with the known ones."""
    return each(body, _alarm)


def _alarm(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    floor = number(item, "floor", "currentFloor")
    return [
        present(
            id=str(required(item, "alarmId", "msgId")),
            device_id=str(required(item, "liftCode", "registerCode", "deviceId")),
            occurred_at=first(item, "alarmTime", "timestamp"),
            event=coded(item, EVENTS, "eventType", "faultType"),
            floor=int(floor) if floor is not None else None,
            test=item.get("workMode") in ("maintenance", "检修") or None,
        )
    ]
