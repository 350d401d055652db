"""The field's fixed words. What a jurisdiction may change is in its profile instead."""

from __future__ import annotations

from typing import Literal

AreaLevel = Literal["city", "county", "town", "village", "grid"]
AREA_DIGITS: dict[str, int] = {"city": 4, "county": 6, "town": 9, "village": 12, "grid": 15}

#: What a device's message means for the life of its alarm (profile file device_events.tsv).
Semantics = Literal[
    "report", "raise", "clear", "info", "suppress", "threshold", "ignore", "aggregate"
]

ChannelKind = Literal["hotline", "petition", "staff", "citizen", "staff_or_system", "device"]
Calendar = Literal["natural", "working"]
Light = Literal["", "yellow", "red"]
Lang = Literal["zh", "en"]
