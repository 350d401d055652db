"""ONVIF door and access events (Profile C, Door Control and Access Control services).

JSON as ONVIF publishes over MQTT, with the topic inside, or WS-Notification XML. Credentials and
holders' names are never read; a granted access becomes one pass; a state back to normal is nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element

from connectors.inbound.fields import each, first, present, required, within
from connectors.inbound.problems import Problem, Refused, refuse
from connectors.inbound.xml_safe import parse_xml


class Rule(NamedTuple):
    """Topic (without prefix) begins with ``topic`` and Data.State is ``state`` ("" = any)."""

    topic: str
    state: str
    event: str  # schemas.raw.GateSignal.event; "" = nothing to report


# Most specific first.
RULES: Final[tuple[Rule, ...]] = (
    Rule("Door/State/DoorAlarm", "DoorForcedOpen",   "DoorForcedOpen"),
    Rule("Door/State/DoorAlarm", "DoorOpenTooLong",  "DoorOpenTooLong"),
    Rule("Door/State/DoorAlarm", "Normal",           ""),
    Rule("Door/State/DoorTamper", "TamperDetected",  "DoorTamper"),
    Rule("Door/State/DoorTamper", "NotInTamper",     ""),
    Rule("Door/State/DoorTamper", "Unknown",         ""),
    Rule("Door/State/DoorFault", "FaultDetected",    "DoorFault"),
    Rule("Door/State/DoorFault", "NotInFault",       ""),
    Rule("Door/State/DoorFault", "Unknown",          ""),
    Rule("AccessControl/Duress", "",                 "Duress"),
    Rule("AccessControl/AccessGranted", "",          "PassCount"),
    Rule("AccessControl/AccessTaken", "",            ""),  # the same pass once more
    Rule("AccessControl/AccessNotTaken", "",         ""),
    Rule("AccessControl/Denied", "",                 ""),
    Rule("Door/State/DoorMode", "",                  ""),
    Rule("Door/State/DoorPhysicalState", "",         ""),
    Rule("Door/State/LockPhysicalState", "",         ""),
)  # fmt: skip


def parse(body: bytes) -> list[Any]:
    """Gate signals; fewer than messages, as many states are nothing to report."""
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return each(body, _json_message)
    found: list[Any] = []
    problems: list[Problem] = []
    root = parse_xml(body)
    messages = [node for node in root.iter() if _local(node) == "NotificationMessage"]
    if not messages:
        raise refuse("NotificationMessage", "missing_field", "缺少必填元素")
    for index, node in enumerate(messages):
        try:
            found += _xml_message(node)
        except Refused as refused:
            problems += [replace(problem, index=index) for problem in refused.problems]
    if problems:
        raise Refused(problems)
    return found


def _json_message(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _signal(
        str(required(item, "Topic", "topic")),
        first(item, "UtcTime"),
        within(item, "Source"),
        within(item, "Data"),
    )


def _xml_message(node: Element) -> list[dict[str, Any]]:
    parts = {_local(child): child for child in node.iter()}
    if "Topic" not in parts:
        raise refuse("Topic", "missing_field", "缺少必填元素")
    stamps = [child.get("UtcTime") for child in node.iter() if child.get("UtcTime")]
    return _signal(
        (parts["Topic"].text or "").strip(),
        stamps[0] if stamps else None,
        _items(parts.get("Source")),
        _items(parts.get("Data")),
    )


def _signal(
    topic: str, at: Any, source: Mapping[str, Any], data: Mapping[str, Any]
) -> list[dict[str, Any]]:
    name = "/".join(step.rpartition(":")[2] for step in topic.split("/"))
    state = str(first(data, "State", default=""))
    for rule in RULES:
        if name.startswith(rule.topic) and rule.state in ("", state):
            break
    else:
        raise refuse("Topic", "unknown_code", "不认识的门禁事件主题或状态")
    if not rule.event:
        return []
    if at is None:
        raise refuse("UtcTime", "missing_field", "缺少必填字段")
    door = str(required(source, "DoorToken", "AccessPointToken", "Token"))
    # One door lets one pass at a time, so door, topic and time are the message's identity.
    passes = {"count": 1} if rule.event == "PassCount" else {}
    return [
        present(
            id=f"{door}/{rule.event}/{at}",
            device_id=door,
            occurred_at=at,
            event=rule.event,
            **passes,
        )
    ]


def _items(node: Element | None) -> dict[str, str]:
    if node is None:
        return {}
    pairs = [(child.get("Name"), child.get("Value")) for child in node.iter()]
    return {name: value or "" for name, value in pairs if name}


def _local(node: Element) -> str:
    return node.tag.rpartition("}")[2]
