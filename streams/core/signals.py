"""A device's native code → the row of device_events that says what it means here.

The rows are the profile's; how a code is written in them (``system_status bit3``, ``AlarmType=5``)
is read here once, into dictionaries. Which bit of which object means what: GB/T 26875.3-2011 table
5 and 8.2; methods and types of video alarms: GB/T 28181-2022 annex A.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from schemas.profile import DeviceEvent, Profile
from schemas.raw import (
    EnvironmentSignal,
    FireSignal,
    GateSignal,
    HighRiseSignal,
    LiftSignal,
    Signal,
    VideoAlarm,
)
from streams.core.reading import Invalid


class Sign(NamedTuple):
    """One thing a signal says. ``over`` is False when a reading stays within its limit."""

    row: DeviceEvent
    value: float = 0.0
    unit: str = ""
    over: bool = True
    grade: int = 0  # 0 = the row's
    doubt: str = ""  # why a person should look at it first


class Limit(NamedTuple):
    """From which reading on a threshold row speaks: steps (reading, grade), the mildest first."""

    event_code: str
    unit: str
    side: str  # "high" | "low" | "none" (no limit without the site's nominal value)
    steps: tuple[tuple[float, int], ...]
    source: str


# fmt: off
LIMITS: tuple[Limit, ...] = (
    Limit("water.level",           "m",    "high", ((0.15, 2), (0.40, 1)), "积水一级与三级液位"),
    Limit("river.level",           "m",    "high", ((0.0, 1),),            "读数为超警戒的米数"),
    Limit("rain.amount",           "mm",   "high", ((50.0, 1),),           "短时雨量 50 mm"),
    Limit("analog.gas_lel",        "%LEL", "high", ((25.0, 1),),           "GB/T 50493 一级报警"),
    Limit("analog.temperature",    "℃",    "high", ((70.0, 2),),           "GB 14287.3 测温式"),
    Limit("analog.height",         "m",    "low",  ((0.5, 2),),            "消防水箱最低水位"),
    Limit("analog.pressure_mpa",   "MPa",  "low",  ((0.10, 2),),           "GB 50974 静水压力"),
    Limit("analog.pressure_kpa",   "kPa",  "low",  ((100.0, 2),),          "GB 50974 静水压力"),
    Limit("analog.volt_amp",       "",     "none", (),                     "额定值因站点而异"),
)
#: what senders write → how much of the limit's unit it is
SCALES: dict[tuple[str, str], float] = {
    ("m", "cm"): 0.01, ("m", "mm"): 0.001, ("mm", "cm"): 10.0, ("%LEL", "LEL"): 1.0,
}
# Bits that mean the same on another object without a row of their own there.
SAME_AS: dict[tuple[str, int], str] = {
    ("component", 2): "fire.fault",     ("component", 3): "fire.shielded",
    ("component", 4): "fire.supervisory", ("component", 5): "fire.device_started",
    ("component", 6): "fire.feedback",  ("component", 7): "fire.delayed",
    ("operation", 0): "fire.reset",     ("operation", 4): "fire.test",
    ("operation", 6): "fire.test",
    ("user_device", 1): "fire.alarm",   ("user_device", 2): "fire.fault",
    ("user_device", 3): "fire.mains_fault", ("user_device", 4): "fire.backup_fault",
}
FIRE             = 0b10  # bit of a status word
GAS_TYPES        = range(10, 14)  # component types of combustible gas detectors
ELECTRICAL_TYPES = range(16, 19)  # of electrical fire monitors
ANALOG_UNITS     = {2: "m", 3: "℃", 4: "MPa", 5: "kPa", 6: "%LEL", 8: "V", 9: "A"}
# fmt: on

FIRE_IN_TEST = "火警位置位而第 0 位为 0(字面为测试状态):部分主机火警即如此上报,不抑制,请核实"

#: Everything within limits: the row a normal state has when the profile gives it none.
NORMAL = DeviceEvent(
    source_standard="GB/T 26875.3", device_or_part="status", native_code="1", native_name="正常",
    event_code="fire.normal", grade=4, semantics="info",
)  # fmt: skip

_BIT = re.compile(r"bit(\d+)")
_PART = {"system_status": "system", "component_status": "component", "operation": "operation",
         "user_device": "user_device"}  # fmt: skip


class Signals:
    """Compiled device table of a profile. ``read(signal)`` → signs, or why the code is unknown."""

    def __init__(self, profile: Profile) -> None:
        self.by_code = profile.events_by_code
        self.limits = {limit.event_code: limit for limit in LIMITS}
        self._bits: dict[tuple[str, int], DeviceEvent] = {}
        self._analog: dict[int, DeviceEvent] = {}
        self._video: dict[tuple[int, int], DeviceEvent] = {}
        self._named: dict[tuple[str, str], DeviceEvent] = {}  # (family, native name) → row
        for row in profile.device_events:
            self._enter(row)
        for (part, bit), code in SAME_AS.items():
            if code in self.by_code:
                self._bits.setdefault((part, bit), self.by_code[code])
        # One status word of one object nearly always says one thing: remember it.
        self._words: dict[tuple[str, int, int], tuple[Sign, ...]] = {}
        self._signs = {key: (Sign(row),) for key, row in self._named.items()}
        self._videos = {key: (Sign(row),) for key, row in self._video.items()}

    def _enter(self, row: DeviceEvent) -> None:
        part, code = row.device_or_part, row.native_code
        if row.source_standard.startswith("GB/T 26875"):
            bit = _BIT.search(part)
            if part.startswith("analog"):
                for analog in re.findall(r"\d+", part.partition(")")[2] or part):
                    self._analog.setdefault(int(analog), row)
            elif part.startswith("component type"):
                low, high = re.findall(r"(\d+)-(\d+)", part)[0]
                for kind in range(int(low), int(high) + 1):
                    self._bits[(f"component/{kind}", int(bit[1]) if bit else 1)] = row
            elif bit is not None:
                name = next((n for p, n in _PART.items() if part.startswith(p)), "")
                self._bits.setdefault((name, int(bit[1])), row)
        elif row.source_standard.startswith("GB/T 28181"):
            method = re.search(r"AlarmMethod=(\d)", row.source_standard)
            number = re.search(r"AlarmType=(\d+)", part)
            if method and number:
                self._video.setdefault((int(method[1]), int(number[1])), row)
        else:
            family = _family(row)
            for name in code.split("/"):
                self._named.setdefault((family, name), row)

    def read(self, signal: Signal) -> tuple[Sign, ...] | Invalid:
        kind = type(signal)
        if kind is FireSignal:
            return self._fire(signal)  # type: ignore[arg-type]
        if kind is GateSignal:
            return self._gate(signal)  # type: ignore[arg-type]
        if kind is VideoAlarm:
            return self._alarm(signal)  # type: ignore[arg-type]
        if kind is EnvironmentSignal:
            return self._environment(signal)  # type: ignore[arg-type]
        if isinstance(signal, LiftSignal):
            return self._signs.get(("lift", signal.event)) or _unknown("event", signal.event)
        if isinstance(signal, HighRiseSignal):
            return self._signs.get(("hat", signal.event)) or _unknown("event", signal.event)
        return _unknown("event", "")

    def _fire(self, signal: FireSignal) -> tuple[Sign, ...] | Invalid:
        part = signal.part
        if part == "analog":
            row = self._analog.get(signal.analog_type)
            if row is None:
                return _unknown("analog_type", str(signal.analog_type))
            unit = ANALOG_UNITS.get(signal.analog_type, row.native_code)
            return (self._measure(row, signal.value, unit),)
        word = (part, signal.status, signal.component_type)
        signs = self._words.get(word)
        if signs is None:
            signs = self._bits_of(part, signal.status, signal.component_type)
            if len(self._words) >= 8192:  # a few dozen in practice; noise must not grow it
                self._words.clear()
            self._words[word] = signs
        return signs or _unknown("status", str(signal.status))

    def _bits_of(self, part: str, status: int, component: int) -> tuple[Sign, ...]:
        """Signs of the set bits, lowest first. Bit 0 clear is the test state and silences all but
        fire: hosts in the field send 0x0002 for a fire, and nobody may sleep through that."""
        if part != "operation":
            if not status & 1:
                fire = self._bits.get((f"{part}/{component}", 1)) or self._bits.get((part, 1))
                if status & FIRE and fire is not None and fire.semantics == "raise":
                    return (Sign(fire, doubt=FIRE_IN_TEST),)
                test = self._bits.get(("system", 0))
                return (Sign(test),) if test is not None else ()
            status &= ~1
            if not status:
                return (Sign(self.by_code.get("fire.normal", NORMAL)),)
        found: dict[str, Sign] = {}
        for bit in range(16):
            if status >> bit & 1:
                row = self._bits.get((f"{part}/{component}", bit)) or self._bits.get((part, bit))
                if row is not None:
                    found.setdefault(row.event_code, Sign(row))
        return tuple(found.values())

    def _gate(self, signal: GateSignal) -> tuple[Sign, ...] | Invalid:
        if signal.event == "PassCount":
            row = self.by_code.get("door.pass_count")
            return (
                (Sign(row, float(signal.count), "次"),) if row else _unknown("event", "PassCount")
            )
        signs = self._signs.get(("door", signal.event))
        return signs or _unknown("event", signal.event)

    def _alarm(self, signal: VideoAlarm) -> tuple[Sign, ...] | Invalid:
        """Methods 1 phone, 3 SMS, 4 GPS, 7 other come from people: an operator looks at them.

        So does a type nobody knows when its priority is 1 (一级警情).
        """
        if signal.value == 0.0:
            signs = self._videos.get((signal.method, signal.type))
            if signs is not None:
                return signs
        row = self._video.get((signal.method, signal.type))
        if row is None and (signal.method in (1, 3, 4, 7) or signal.priority == 1):
            row = self.by_code.get("video.manual")
        if row is None:
            return _unknown("type", f"{signal.method}/{signal.type}")
        return (Sign(row, signal.value, ""),)

    def _environment(self, signal: EnvironmentSignal) -> tuple[Sign, ...] | Invalid:
        name = signal.event
        if name == "gas":
            bare = signal.value == 0.0 and not signal.unit  # the detector has decided itself
            row = self.by_code.get("gas.alarm" if bare else "analog.gas_lel")
        else:
            row = self._named.get(("telemetry", name))
        if row is None:
            return _unknown("event", name)
        if row.semantics == "threshold":
            return (self._measure(row, signal.value, signal.unit),)
        return (Sign(row, signal.value, signal.unit),)

    def _measure(self, row: DeviceEvent, value: float, unit: str) -> Sign:
        """A reading against its limit. Without a limit in the table it is only recorded."""
        limit = self.limits.get(row.event_code)
        if limit is None or row.semantics != "threshold":
            return Sign(row, value, unit, row.semantics != "threshold")
        reading = value * SCALES.get((limit.unit, unit), 1.0)
        grade = 0
        for edge, step in limit.steps:
            if (reading >= edge) if limit.side == "high" else (reading < edge):
                grade = step
        return Sign(row, reading, limit.unit or unit, grade > 0, grade)


def _family(row: DeviceEvent) -> str:
    """Which raw model a vendor row belongs to."""
    standard, part = row.source_standard, row.device_or_part
    if standard.startswith("ONVIF"):
        return "door"
    if standard.startswith("telemetry"):
        return "telemetry"
    return part  # lift, hat


def _unknown(field: str, code: str) -> Invalid:
    return Invalid("unknown_code", field, f"字段 {field} 的编码“{code}”在设备事件表中没有对应行")
