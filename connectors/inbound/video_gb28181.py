"""GB/T 28181 alarm notify (MANSCDP XML, A.2.5): priority, method, type; the description stays out.

A method-2 (device) alarm has to be reset by the platform that talks to the camera, or the camera
stays silent: that is the gateway's duty, this side only reads.
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from connectors.inbound.problems import refuse
from connectors.inbound.xml_safe import parse_xml


def parse(body: bytes) -> list[Any]:
    """One alarm. Refused for other commands (Keepalive, Catalog, …) and missing elements."""
    root = parse_xml(body)
    if root.tag != "Notify" or _text(root, "CmdType") != "Alarm":
        raise refuse("CmdType", "bad_value", "只接收 Notify/Alarm(报警通知)")
    device = _required(root, "DeviceID")
    at = _required(root, "AlarmTime")
    method = _required(root, "AlarmMethod")
    info = root.find("Info")
    kind = _text(root if info is None else info, "AlarmType")
    alarm: dict[str, Any] = {
        # SN numbers requests, not alarms, and starts again: time, method and type make it one.
        "id": f"{device}/{at}/{method}.{kind or 0}/{_text(root, 'SN')}",
        "device_id": device,
        "occurred_at": at,
        "method": method,
        "priority": _required(root, "AlarmPriority"),
        "type": kind or 0,
    }
    for field, name in (("lon", "Longitude"), ("lat", "Latitude")):
        if value := _text(root, name):
            alarm[field] = value
    # The standard gives types 9 and 10 no element for their figure; vendors use one of these.
    for name in ("AlarmTypeParam/Value", "AlarmTypeParam/Count", "AlarmTypeParam/Density"):
        if info is not None and (value := _text(info, name)):
            alarm["value"] = value
    return [alarm]


def _text(node: Element, path: str) -> str:
    return (node.findtext(path) or "").strip()


def _required(node: Element, name: str) -> str:
    if not (value := _text(node, name)):
        raise refuse(name, "missing_field", "缺少必填元素")
    return value
