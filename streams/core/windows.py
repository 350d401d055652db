"""Repair and test windows: which one a signal falls into, if any."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from schemas.alarm_rules import Maintenance
from schemas.ids import SHANGHAI
from schemas.window import Window


class Spot(NamedTuple):
    """What a window may be about."""

    device: str
    building: str
    grid: str
    kind: str
    channel: str


def window_of(
    windows: Iterable[Maintenance | Window], spot: Spot, event_code: str, at: datetime
) -> Maintenance | Window | None:
    """The window that holds at a time (when it happened). The end is outside."""
    for one in windows:
        if (
            one.start <= at < one.end
            and (not one.events or event_code.startswith(one.events))
            and _covers(one, spot)
        ):
            return one
    return None


def words(window: Maintenance | Window) -> str:
    until = window.end.astimezone(SHANGHAI)
    return f"检修窗口 {window.window_id}（至 {until:%m-%d %H:%M}）：{window.reason}"


def _covers(window: Maintenance | Window, spot: Spot) -> bool:
    target = window.target
    if isinstance(window, Window) and not spot.grid.startswith(window.area):
        return False
    match window.scope:
        case "device":
            return spot.device == target
        case "building":
            return spot.building == target
        case "grid" | "area":
            return spot.grid.startswith(target)
        case "kind":
            return spot.kind == target
        case "channel":
            return spot.channel == target
