"""Repair and test windows begun by people: what may be asked for, and the commands that begin one.

A window is kept by the writer of every village it concerns. The same ``window_id`` again gives it
another end, so ending early is beginning it again with an end that is now.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from schemas.case import Actor, Command
from schemas.ids import command_id
from schemas.profile import Profile
from schemas.window import Window, window_number

LONGEST = timedelta(days=7)
AHEAD = timedelta(days=90)
VILLAGE = 12  # digits of a village's code


class WrongWindow(ValueError):
    """A window that cannot be: ``field``, and the sentence that says why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def checked(window: Window, profile: Profile, now: datetime) -> Window:
    """The window, when it can be begun at ``now``. WrongWindow says what is wrong."""
    if window.end <= window.start or window.end <= now:
        raise WrongWindow("end", "结束时间须晚于开始时间和现在")
    if window.end - window.start > LONGEST:
        raise WrongWindow("end", f"一次检修最长 {LONGEST.days} 天,更长的请写入 maintenance.tsv")
    if window.start > now + AHEAD:
        raise WrongWindow("start", f"最多提前 {AHEAD.days} 天登记")
    if window.who and window.who not in profile.units:
        raise WrongWindow("who", f"单位 {window.who} 不存在")
    if window.area and window.area not in profile.areas:
        raise WrongWindow("area", f"区划 {window.area} 不存在")
    known = {row.event_code for row in profile.device_events}
    for prefix in window.events:
        if not any(code.startswith(prefix) for code in known):
            raise WrongWindow("events", f"没有以 {prefix} 开头的设备事件")
    places(window, profile)
    return window


def places(window: Window, profile: Profile) -> tuple[str, ...]:
    """Villages whose devices a window concerns, sorted. WrongWindow when its target is unknown."""
    target = window.target
    match window.scope:
        case "device":
            if target not in profile.devices:
                raise WrongWindow("target", f"设备 {target} 不在设备台账中")
            return (profile.devices[target].grid[:VILLAGE],)
        case "building":
            if target not in profile.places:
                raise WrongWindow("target", f"地点 {target} 不存在")
            own = {d.grid[:VILLAGE] for d in profile.devices.values() if d.building == target}
            return tuple(sorted(own | {profile.places[target].grid[:VILLAGE]}))
        case "grid":
            if target not in profile.areas or profile.areas[target].level != "grid":
                raise WrongWindow("target", f"网格 {target} 不存在")
            return (target[:VILLAGE],)
        case "area":
            if target not in profile.areas:
                raise WrongWindow("target", f"区划 {target} 不存在")
            grids = {d.grid for d in profile.devices.values() if d.grid.startswith(target)}
        case "kind" | "channel":
            hung = [d for d in profile.devices.values() if getattr(d, window.scope) == target]
            if not hung:
                what = "设备种类" if window.scope == "kind" else "渠道"
                raise WrongWindow("target", f"台账中没有{what} {target} 的设备")
            grids = {d.grid for d in hung if d.grid.startswith(window.area)}
    found = tuple(sorted({grid[:VILLAGE] for grid in grids}))
    if not found:
        raise WrongWindow("target", "该范围内没有登记的设备")
    return found


def commands(
    window: Window, villages: tuple[str, ...], cause: str, actor: Actor, now: datetime
) -> list[Command]:
    """One command a village. The same ``cause`` (who and which key) gives the same commands."""
    return [
        Command(
            command_id=command_id(cause, "maintain", f"{village}\x1f{window.window_id}"),
            case_no=window_number(village), move="maintain", at=now, window=window,
            reason=window.reason, actor=actor,
        )
        for village in villages
    ]  # fmt: skip
