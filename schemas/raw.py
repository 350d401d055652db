"""Raw reports as they enter the raw topics: one model a channel family, native codes kept.

No model has a field for a name, phone, identity number, card or face; unknown fields are dropped
on reading, so none can pass by accident. Reporters are tokens made at the edge.
Time stamps are ISO 8601 or epoch seconds/milliseconds; without a zone they are Asia/Shanghai.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from schemas.ids import SHANGHAI


def _blank_is_none(value: Any) -> Any:
    """An empty stamp is an absent one."""
    return None if value == "" else value


Stamp = Annotated[datetime | None, BeforeValidator(_blank_is_none)]
Token = Annotated[str, Field(max_length=64, pattern=r"^[0-9A-Za-z_\-.:]*$")]
Code = Annotated[str, Field(min_length=1, max_length=64)]
AreaCode = Annotated[str, Field(pattern=r"^(\d{4}|\d{6}|\d{9}|\d{12}|\d{15})?$")]


class Raw(BaseModel):
    """What every report carries. ``id`` is the source's own number: same id, same event."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    id: Annotated[str, Field(min_length=1, max_length=128)]
    source: Annotated[str, Field(min_length=1, max_length=64)]
    occurred_at: Stamp = None
    area_code: AreaCode = ""  # city, county, town, village or grid, if the source knows it
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None  # WGS 84, degrees
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    test: bool = False  # exercise or test state
    simulated: bool = False


class TextReport(Raw):
    title: Annotated[str, Field(max_length=200)] = ""
    text: Annotated[str, Field(max_length=20_000)] = ""
    address: Annotated[str, Field(max_length=500)] = ""
    reporter: Token = ""
    class_code: Annotated[str, Field(pattern=r"^(\d{6})?$")] = ""  # chosen by whoever reported


class HotlineReport(TextReport):
    """12345, 12319, 110 non-emergency, petitions."""

    channel: Literal["hotline_12345", "hotline_12319", "police_110", "petition"]


class AppReport(TextReport):
    """Grid workers, residents' mini-programme, the watch desk's notes."""

    channel: Literal["grid_app", "mini_app", "watch_desk"]


class Signal(Raw):
    device_id: Code


class GateSignal(Signal):
    """Door states by ONVIF Profile C names, and pass counts. Never a credential.

    ``count`` is the number of passes in the window that ends at ``occurred_at``.
    """

    channel: Literal["access_gate"] = "access_gate"
    event: Literal[
        "DoorForcedOpen", "DoorOpenTooLong", "DoorTamper", "DoorFault", "Duress", "PassCount"
    ]
    count: Annotated[int, Field(ge=0, le=100_000)] = 0
    window_seconds: Annotated[int, Field(ge=0, le=3600)] = 0


class FireSignal(Signal):
    """GB/T 26875.3: ``part`` is the object's type, ``status`` its bits as sent.

    part       native type   meaning of ``status``
    system     1             bit 0 = 0 test, 1 fire, 2 fault, 3 shielded … 13 reset
    component  2             the same bits for one detector; ``component_type`` 23 call point,
                             30–37 heat, 40–44 smoke, 10–13 combustible gas, 16–18 electrical fire
    operation  4             bits: 1 silenced, 2 manual alarm, 3 cleared, 5 duty answer
    user_device 21           bits of the transmission device (5 link fault, 6 line fault)
    analog     3             no bits: ``analog_type`` and ``value``
    """

    channel: Literal["fire_iot"] = "fire_iot"
    part: Literal["system", "component", "operation", "user_device", "analog"]
    status: Annotated[int, Field(ge=0, le=0xFFFF)] = 1
    component_type: Annotated[int, Field(ge=0, le=255)] = 0
    loop: Annotated[int, Field(ge=0, le=65535)] = 0
    address: Annotated[int, Field(ge=0, le=65535)] = 0
    analog_type: Annotated[int, Field(ge=0, le=255)] = 0
    value: float = 0.0


class LiftSignal(Signal):
    """Lift IoT (GB/T 24476 family) and cameras in lifts that see e-bikes, not people."""

    channel: Literal["lift_iot"] = "lift_iot"
    event: Literal[
        "trapped", "out_of_door_zone_stop", "overspeed", "top", "bottom", "door_fault",
        "power_off", "out_of_service", "alarm_button", "ebike_in", "ebike_out",
    ]  # fmt: skip
    floor: Annotated[int, Field(ge=-20, le=200)] | None = None


class HighRiseSignal(Signal):
    """Falling-object detection on a facade: a trajectory, no window content, no person."""

    channel: Literal["hat_camera"] = "hat_camera"
    event: Literal["falling_object"] = "falling_object"
    start_floor: Annotated[int, Field(ge=-5, le=200)] | None = None
    landing_zone: Annotated[str, Field(max_length=64)] = ""
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0


class VideoAlarm(Signal):
    """GB/T 28181 alarm notify: priority 1–4, method 1–7, type by method."""

    channel: Literal["video_ai"] = "video_ai"
    priority: Annotated[int, Field(ge=1, le=4)] = 4
    method: Annotated[int, Field(ge=1, le=7)]
    type: Annotated[int, Field(ge=0, le=99)] = 0
    value: float = 0.0  # e.g. count or density (persons per m²) for types 9 and 10


class EnvironmentSignal(Signal):
    """Manhole, water, river, rain, gas and button telemetry; a patrol point says that it was
    ``visited``. ``value`` in ``unit``."""

    channel: Literal["env_iot"] = "env_iot"
    event: Literal[
        "tilt", "displacement", "level_threshold", "level_over_warning", "accumulated", "gas",
        "sos", "offline", "battery_low", "visited",
    ]  # fmt: skip
    value: float = 0.0
    unit: Annotated[str, Field(max_length=16)] = ""


RAW_MODELS: dict[str, type[Raw]] = {
    "raw.hotline":     HotlineReport,
    "raw.grid_app":    AppReport,
    "raw.gate":        GateSignal,
    "raw.fire":        FireSignal,
    "raw.lift":        LiftSignal,
    "raw.high_rise":   HighRiseSignal,
    "raw.video":       VideoAlarm,
    "raw.environment": EnvironmentSignal,
}  # fmt: skip

#: channel id → raw topic
TOPIC_OF: dict[str, str] = {
    "hotline_12345": "raw.hotline",
    "hotline_12319": "raw.hotline",
    "police_110":    "raw.hotline",
    "petition":      "raw.hotline",
    "grid_app":      "raw.grid_app",
    "mini_app":      "raw.grid_app",
    "watch_desk":    "raw.grid_app",
    "access_gate":   "raw.gate",
    "fire_iot":      "raw.fire",
    "lift_iot":      "raw.lift",
    "hat_camera":    "raw.high_rise",
    "video_ai":      "raw.video",
    "env_iot":       "raw.environment",
}  # fmt: skip


def epoch_ms(stamp: datetime) -> int:
    """UTC epoch milliseconds, exact; a stamp without a zone is Shanghai's."""
    if stamp.tzinfo is None:
        stamp = stamp.replace(tzinfo=SHANGHAI)
    thousandths = stamp.microsecond // 1000  # a float of seconds would lose the last of them
    return int(stamp.replace(microsecond=0).timestamp()) * 1000 + thousandths
