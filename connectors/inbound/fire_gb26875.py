"""GB/T 26875.3-2011 frames of fire user-information transmission devices.

    @@ serial 2, version 2, time 6, source 6, destination 6, length 2, command 1, data, sum 1 ##

Little endian. The sum is of everything between ``@@`` and itself, modulo 256. Data: type 1,
count 1, objects. Types read: 1 system state, 2 component state, 3 analog value, 4 operation,
21 state and 24 operation of the device itself. Component descriptions and operators' numbers are
not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from struct import Struct
from typing import Any, Final, NamedTuple

from connectors.inbound.problems import refuse
from schemas.ids import SHANGHAI

HEAD: Final = Struct("<HBB6s6s6sHB")
START, END = b"@@", b"##"
SEND_DATA: Final = 2
TIME: Final = 6  # bytes of a time tag
MAX_DATA: Final = 1024


class Shape(NamedTuple):
    """One type of information object. ``fields`` names what ``layout`` unpacks."""

    part: str
    layout: Struct
    fields: tuple[str, ...]


_COMPONENT: Final = ("system", "system_address", "component_type", "address", "loop")
# fmt: off
SHAPES: Final[dict[int, Shape]] = {
    1:  Shape("system",      Struct("<BBH6s"),       ("system", "system_address", "status",
                                                      "time")),
    2:  Shape("component",   Struct("<BBBHHH31s6s"), (*_COMPONENT, "status", "_text", "time")),
    3:  Shape("analog",      Struct("<BBBHHBh6s"),   (*_COMPONENT, "analog_type", "value", "time")),
    4:  Shape("operation",   Struct("<BBBB6s"),      ("system", "system_address", "status",
                                                      "_operator", "time")),
    21: Shape("user_device", Struct("<B6s"),         ("status", "time")),
    24: Shape("operation",   Struct("<BB6s"),        ("status", "_operator", "time")),
}
# fmt: on

# Table 4 of the standard: one step of an analog value, in the unit of ``device_events.tsv``.
STEP: Final[dict[int, float]] = {
    1: 1, 2: 0.01, 3: 0.1, 4: 0.1, 5: 0.1, 6: 0.1, 7: 1, 8: 0.1, 9: 0.1, 10: 0.1, 11: 0.1, 12: 1,
}  # fmt: skip


def parse(body: bytes) -> list[Any]:
    """Fire signals of one or more frames in a row. Other commands and types report nothing.

    Refused on a bad start, end, length or checksum, and on objects that do not fill their frame.
    """
    if not body:
        raise refuse("", "empty", "请求体为空")
    signals: list[Any] = []
    start = 0
    while start < len(body):
        size, found = _frame(body[start:])
        signals += found
        start += size
    return signals


def _frame(data: bytes) -> tuple[int, list[dict[str, Any]]]:
    if len(data) < 2 + HEAD.size + 3 or data[:2] != START:
        raise refuse("frame", "bad_value", "数据帧应以 @@ 开始,且至少 30 字节")
    serial, _major, _minor, sent_at, source, _to, length, command = HEAD.unpack_from(data, 2)
    if length > MAX_DATA:
        raise refuse("length", "bad_value", f"应用数据单元超过 {MAX_DATA} 字节")
    at = 2 + HEAD.size
    size = at + length + 3
    if len(data) < size or data[size - 2 : size] != END:
        raise refuse("length", "bad_value", "长度与数据帧不符,或缺少结束符 ##")
    if sum(data[2 : at + length]) & 0xFF != data[at + length]:
        raise refuse("checksum", "bad_value", "校验和不符")
    if command != SEND_DATA or length < 2:  # one byte of data is a heartbeat
        return size, []
    # Sent low byte first; people write and enrol the address high byte first.
    device = source[::-1].hex().upper()
    return size, list(_objects(data[at : at + length], device, serial, sent_at))


def _objects(unit: bytes, device: str, serial: int, sent_at: bytes) -> Iterator[dict[str, Any]]:
    kind, count = unit[0], unit[1]
    shape = SHAPES.get(kind)
    if shape is None:
        return
    size = shape.layout.size
    if count and len(unit) == 2 + count * (size - TIME):
        # Some devices leave out the time of each object: then the frame's holds.
        size -= TIME
    elif len(unit) != 2 + count * size:
        raise refuse("data", "bad_value", f"类型 {kind} 的 {count} 个信息对象与长度不符")
    for number in range(count):
        start = 2 + number * size
        values = shape.layout.unpack((unit[start : start + size] + sent_at)[: shape.layout.size])
        fields = dict(zip(shape.fields, values, strict=True))
        yield _signal(fields, shape.part, kind, device, f"{serial}.{number}")


def _signal(
    fields: dict[str, Any], part: str, kind: int, device: str, number: str
) -> dict[str, Any]:
    stamp = _time(fields["time"])
    signal: dict[str, Any] = {
        # A device repeats a frame with its serial and object time until it is confirmed.
        "id": f"{device}/{stamp:%Y%m%dT%H%M%S}/{kind}.{number}",
        "device_id": device,
        "occurred_at": stamp.isoformat(),
        "part": part,
    }
    for name in ("status", "component_type", "loop", "address", "analog_type"):
        if name in fields:
            signal[name] = fields[name]
    if "analog_type" in fields:
        step = STEP.get(fields["analog_type"])
        if step is None:
            raise refuse("analog_type", "unknown_code", "未知模拟量类型;已知 1–12")
        signal["value"] = round(fields["value"] * step, 2)
    return signal


def _time(tag: bytes) -> datetime:
    """Second, minute, hour, day, month, year of this century; the device's clock is local."""
    second, minute, hour, day, month, year = tag
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=SHANGHAI)
    except ValueError:
        raise refuse("time", "bad_value", "时间标签无效") from None
