"""Campaigns (专项行动): which one counts for a matter, and how to tell from a case's route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from schemas.profile import Campaign


def running(campaigns: Iterable[Campaign], day: date) -> tuple[Campaign, ...]:
    return tuple(one for one in campaigns if one.starts <= day <= one.ends)


def matches(one: Campaign, class_code: str, channel: str, area: str) -> bool:
    return (
        (not one.classes or class_code.startswith(one.classes))
        and (not one.channels or channel in one.channels)
        and (not one.areas or area.startswith(one.areas))
    )


def route_name(route_id: str, one: Campaign | None) -> str:
    """What an event and a case remember: the row, behind the campaign if one counts."""
    return f"{one.campaign_id}/{route_id}" if one else route_id


def of_route(campaigns: Mapping[str, Campaign], route: str, class_code: str) -> Campaign | None:
    """The campaign a case was routed under, as long as its class is still one of it."""
    name, slash, _ = route.partition("/")
    one = campaigns.get(name) if slash else None
    return one if one and (not one.classes or class_code.startswith(one.classes)) else None
