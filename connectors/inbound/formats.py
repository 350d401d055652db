"""Table of inbound connectors: what each payload is called, where it may go, who reads it.

A new source is one file beside this one and one row here; its example files prove it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from connectors.inbound import (
    environment,
    fire_gb26875,
    gate_onvif,
    grid_app,
    high_rise,
    lift,
    open311,
    order_12345,
    video_gb28181,
)
from connectors.inbound.body import items_of
from connectors.inbound.edge import Edge
from schemas.raw import TOPIC_OF, Raw

HOTLINES = ("hotline_12345", "hotline_12319", "police_110", "petition")
APPS = ("grid_app", "mini_app", "watch_desk")
TEXTS = HOTLINES + APPS


class Format(NamedTuple):
    """``parse`` turns a payload into reports in native form (dicts for ``Edge.admit``), or raises
    Refused. An empty list means: read, and nothing to report."""

    name: str
    channels: tuple[str, ...]
    media_type: str
    parse: Callable[[bytes], list[Any]]
    title: str


_JSON, _XML, _BYTES = "application/json", "application/xml", "application/octet-stream"

# fmt: off
_ROWS: tuple[Format, ...] = (
    Format("native",      tuple(TOPIC_OF),  _JSON,  items_of,            "本系统字段"),
    Format("12345",       HOTLINES,         _JSON,  order_12345.parse,   "12345 工单"),
    Format("open311",     TEXTS,            _JSON,  open311.parse,       "Open311 GeoReport v2"),
    Format("grid-app",    APPS,             _JSON,  grid_app.parse,      "网格通上报"),
    Format("onvif",       ("access_gate",), _JSON,  gate_onvif.parse,    "ONVIF 门禁事件"),
    Format("gb26875",     ("fire_iot",),    _BYTES, fire_gb26875.parse,  "GB/T 26875.3 数据帧"),
    Format("lift",        ("lift_iot",),    _JSON,  lift.parse,          "电梯物联与电动车入梯"),
    Format("high-rise",   ("hat_camera",),  _JSON,  high_rise.parse,     "高空抛物监测"),
    Format("gb28181",     ("video_ai",),    _XML,   video_gb28181.parse, "GB/T 28181 报警通知"),
    Format("environment", ("env_iot",),     _JSON,  environment.parse,   "环境与市政传感遥测"),
)
# fmt: on
INBOUND: dict[str, Format] = {row.name: row for row in _ROWS}


def formats_for(channel: str) -> tuple[Format, ...]:
    """Formats a channel takes, ``native`` first."""
    return tuple(row for row in INBOUND.values() if channel in row.channels)


def read(format_name: str, body: bytes, *, edge: Edge, channel: str, source: str) -> list[Raw]:
    """What we make of a payload: parsed, validated, persons taken out. Refused when it is wrong."""
    items = INBOUND[format_name].parse(body)
    return [item.raw for item in edge.admit_all(items, channel=channel, source=source)]
