"""What devices do on their own: alarms, false alarms, flapping, maintenance, failing batteries.

A row is a story: which devices live through it, how often, when, and what they send step by step.
"""

# ruff: noqa: E501  (tables, aligned to be read)
from __future__ import annotations

from random import Random
from typing import Any, NamedTuple


class Between(NamedTuple):
    """A figure drawn anew for every signal; ``digits`` 0 makes it whole."""

    low: float
    high: float
    digits: int = 0

    def draw(self, rng: Random) -> float:
        value = rng.uniform(self.low, self.high)
        return round(value, self.digits) if self.digits else round(value)


class Step(NamedTuple):
    body: dict[str, Any]  # fields of the raw model beside device_id; ``Between`` is drawn
    after: tuple[float, float] = (0.0, 0.0)  # seconds since the step before, from–to
    chance: float = 1.0  # not taken: the story ends here
    by: str = ""  # kind of device beside it that sends this; "" = the device itself


class Call(NamedTuple):
    """People who notice: with ``chance``, one to ``most`` reports after so many seconds."""

    channel: str
    class_code: str
    chance: float
    most: int
    after: tuple[float, float]


class Story(NamedTuple):
    kind: str
    channel: str
    devices: tuple[str, ...]  # kinds of the profile's devices; () = all of the channel
    a_day: float  # mean number a device, a day
    shape: str  # a row of rhythm.SHAPES
    class_code: str
    real: bool
    steps: tuple[Step, ...]
    times: tuple[int, int] = (1, 1)  # how often the steps run
    gap: tuple[float, float] = (0.0, 0.0)  # seconds between two runs
    calls: tuple[Call, ...] = ()
    test: bool = False
    share: float = 1.0  # of the devices: always the same ones of a city


ALARM = 0b11  # GB/T 26875.3 status: bit 0 normal (not test), bit 1 fire
NORMAL = 0b1


def _bit(number: int) -> int:
    """Status with one bit set while the system is in normal state."""
    return NORMAL | 1 << number


def system(bit: int) -> dict[str, Any]:
    return {"part": "system", "status": _bit(bit)}


def component(bit: int) -> dict[str, Any]:
    """Status of one detector: the bit set, 0 = nothing but normal."""
    return {"part": "component", "status": _bit(bit), "component_type": 42}


def _smoke(status: int = ALARM) -> dict[str, Any]:
    return {
        "part": "component", "status": status, "component_type": 42,
        "loop": Between(1, 8), "address": Between(1, 200),
    }  # fmt: skip


def _door(event: str) -> dict[str, Any]:
    return {"event": event}


def _lift(event: str) -> dict[str, Any]:
    return {"event": event, "floor": Between(1, 26)}


def _video(method: int, type_: int, priority: int, **more: Any) -> dict[str, Any]:
    return {"method": method, "type": type_, "priority": priority, **more}


def _env(event: str, low: float, high: float, unit: str, digits: int = 2) -> dict[str, Any]:
    return {"event": event, "value": Between(low, high, digits), "unit": unit}


CLEARED = {"part": "operation", "status": 1 << 3}
RESET = system(13)
BACK = (60.0, 240.0)

# fmt: off
STORIES: tuple[Story, ...] = (
    # --- fire: false alarms, faults, maintenance
    Story("false_smoke", "fire_iot", ("smoke",), 0.006, "cooking", "020104", False, (
        Step(_smoke()),
        Step(CLEARED, (120, 900), by="fire_host"),
        Step(RESET,   (10, 60),   by="fire_host"))),
    Story("false_call_point", "fire_iot", ("call_point",), 0.001, "leisure", "020104", False, (
        Step({"part": "component", "status": ALARM, "component_type": 23, "loop": 1, "address": Between(1, 80)}),
        Step(CLEARED, (180, 900), by="fire_host"))),
    Story("smoke_test", "fire_iot", ("fire_host",), 0.02, "office", "", False, (
        Step({"part": "system", "status": 0}),  # bit 0 = 0: test state
        Step(_smoke(0b10), (30, 120), by="smoke"),
        Step(_smoke(0b10), (30, 120), by="smoke"),
        Step(_smoke(0b10), (30, 120), by="smoke"),
        Step({"part": "system", "status": NORMAL}, (300, 1800))), test=True),
    Story("fire_fault",       "fire_iot", ("fire_host",), 0.03,  "flat", "020206", True, (Step(system(2)),)),
    Story("fault_blip", "fire_iot", ("smoke", "call_point"), 0.01, "flat", "", False, (
        Step(component(2)),
        Step(component(0), (5, 100)))),
    Story("fault_flapping", "fire_iot", ("smoke",), 0.002, "flat", "020206", True, (
        Step(component(2)),
        Step(component(0), (5, 100))), (6, 12), (20, 240)),
    Story("fire_shielded",    "fire_iot", ("fire_host",), 0.015, "office", "020206", True, (Step(system(3)),)),
    Story("fire_supervisory", "fire_iot", ("fire_host",), 0.01,  "flat", "020207", True, (Step(system(4)),)),
    Story("fire_power", "fire_iot", ("fire_host",), 0.01, "flat", "020206", True, (
        Step(system(8)), Step({"part": "system", "status": NORMAL}, (600, 5400), 0.8))),
    Story("fire_link", "fire_iot", ("fire_host",), 0.02, "flat", "020206", True, (
        Step({"part": "user_device", "status": _bit(5)}),), (1, 4), (120, 900)),
    Story("electrical", "fire_iot", ("electrical",), 0.01, "evening", "020304", True, (
        Step({"part": "component", "status": ALARM, "component_type": 18, "loop": 1, "address": Between(1, 60)}),
        Step(CLEARED, (900, 7200), 0.7))),
    Story("gas_leak", "fire_iot", ("gas_detector",), 0.002, "cooking", "030302", True, (
        Step({"part": "component", "status": ALARM, "component_type": 10, "loop": 1, "address": Between(1, 60)}),
        Step({"part": "analog", "analog_type": 6, "value": Between(26, 48, 1)}, (20, 90)),
        Step(CLEARED, (900, 3600))),
        calls=(Call("police_110", "030302", 0.4, 2, (120, 900)),)),
    # --- lifts
    Story("ebike", "lift_iot", ("lift",), 0.35, "evening", "020303", True, (
        Step(_lift("ebike_in")),
        Step(_lift("ebike_out"), (25, 150), 0.93))),
    Story("ebike_habit", "lift_iot", ("lift",), 0.8, "evening", "020303", True, (
        Step(_lift("ebike_in")),
        Step(_lift("ebike_out"), (25, 150))), share=0.03),
    Story("lift_trapped", "lift_iot", ("lift",), 0.004, "leisure", "030201", True, (
        Step(_lift("trapped")),
        Step(_lift("alarm_button"), (10, 120), 0.8)),
        calls=(Call("police_110", "030201", 0.6, 2, (60, 600)),
               Call("hotline_12345", "030201", 0.4, 2, (120, 1200)))),
    Story("lift_door", "lift_iot", ("lift",), 0.01, "commute", "030202", True, (
        Step(_lift("door_fault")),), (1, 6), (30, 300)),
    Story("lift_out", "lift_iot", ("lift",), 0.006, "flat", "030202", True, (
        Step(_lift("out_of_service")),),
        calls=(Call("hotline_12345", "030202", 0.35, 3, (1800, 14400)),
               Call("mini_app", "030202", 0.3, 2, (900, 14400)))),
    Story("lift_between", "lift_iot", ("lift",), 0.001, "flat", "030203", True, (
        Step(_lift("out_of_door_zone_stop")),)),
    # --- facades
    Story("falling", "hat_camera", ("facade_camera",), 0.008, "evening", "010202", True, (
        Step({"event": "falling_object", "start_floor": Between(4, 26),
              "landing_zone": "人行步道", "confidence": Between(0.62, 0.99, 2)}),),
        calls=(Call("mini_app", "010202", 0.15, 2, (120, 3600)),)),
    # --- doors
    Story("held_open", "access_gate", ("door",), 0.06, "commute", "010303", True, (
        Step(_door("DoorOpenTooLong")),)),
    Story("door_flapping", "access_gate", ("door",), 0.006, "commute", "010302", False, (
        Step(_door("DoorOpenTooLong")),), (5, 14), (40, 200)),
    Story("door_fault",  "access_gate", ("door",), 0.008,   "flat",  "010302", True, (Step(_door("DoorFault")),)),
    Story("door_tamper", "access_gate", ("door",), 0.002,   "night", "010303", True, (Step(_door("DoorTamper")),)),
    Story("door_forced", "access_gate", ("door",), 0.002,   "night", "010303", True, (Step(_door("DoorForcedOpen")),)),
    Story("duress",      "access_gate", ("door",), 0.00005, "night", "010107", True, (Step(_door("Duress")),)),
    # --- video
    Story("video_lost", "video_ai", ("camera",), 0.015, "flat", "010301", True, (
        Step(_video(2, 1, 3)),), (1, 5), BACK),
    Story("video_covered",  "video_ai", ("camera",), 0.004, "night",   "010301", True,  (Step(_video(5, 13, 3)),)),
    Story("video_tamper",   "video_ai", ("camera",), 0.001, "night",   "010301", True,  (Step(_video(2, 2, 2)),)),
    Story("video_disk",     "video_ai", ("camera",), 0.004, "flat",    "010301", True,  (Step(_video(6, 1, 4)),)),
    Story("left_object",    "video_ai", ("camera",), 0.012, "leisure", "060107", True,  (Step(_video(5, 3, 3)),)),
    Story("intrusion",      "video_ai", ("camera",), 0.006, "night",   "010203", True,  (Step(_video(5, 6, 2)),)),
    Story("tripwire_cat",   "video_ai", ("camera",), 0.010, "night",   "010203", False, (Step(_video(5, 5, 3)),), (1, 4), BACK),
    Story("density",        "video_ai", ("camera",), 0.003, "leisure", "010201", True,  (
        Step(_video(5, 10, 2, value=Between(3.2, 5.8, 1))),), (1, 3), (60, 300)),
    Story("loitering",      "video_ai", ("camera",), 0.05,  "night",   "",       False, (Step(_video(5, 8, 4)),)),
    # --- manholes, water, gas, buttons
    Story("manhole_moved", "env_iot", ("manhole",), 0.006, "flat", "060207", True, (
        Step(_env("tilt", 16, 70, "°", 1)), Step(_env("displacement", 4, 30, "cm", 1), (20, 90), 0.4)),
        calls=(Call("mini_app", "060201", 0.25, 2, (300, 5400)),)),
    Story("manhole_flapping", "env_iot", ("manhole",), 0.003, "commute", "060207", False, (
        Step(_env("tilt", 14.2, 17.5, "°", 1)),), (4, 12), (30, 240)),
    Story("water_flapping", "env_iot", ("water_level",), 0.02, "flat", "060207", False, (
        Step(_env("level_threshold", 0.12, 0.18, "m")),), (5, 15), (60, 300)),
    Story("gas_station", "env_iot", ("gas",), 0.004, "flat", "030302", True, (
        Step(_env("gas", 22, 45, "%LEL", 1)), Step(_env("gas", 5, 14, "%LEL", 1), (300, 1800)))),
    Story("sos", "env_iot", ("sos_button",), 0.006, "leisure", "010305", True, (
        Step({"event": "sos", "value": 1}),)),
    Story("sos_children", "env_iot", ("sos_button",), 0.004, "leisure", "010305", False, (
        Step({"event": "sos", "value": 1}),), (2, 5), (5, 40)),
    Story("offline", "env_iot", (), 0.012, "flat", "", False, (
        Step({"event": "offline"}),), (1, 4), (300, 3600)),
    Story("battery_low", "env_iot", (), 0.008, "flat", "", False, (
        Step(_env("battery_low", 5, 19, "%", 0)),)),
)
# fmt: on


def filled(rng: Random, body: dict[str, Any]) -> dict[str, Any]:
    """The body with every ``Between`` drawn."""
    return {k: v.draw(rng) if isinstance(v, Between) else v for k, v in body.items()}
