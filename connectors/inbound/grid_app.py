"""Reports of grid workers and residents from a mobile app: where, what, photos left behind.

``location.coordType`` is ``wgs84`` (default) or ``gcj02``, which phones' map kits give in China.
The reporter's work account becomes a token; name, phone of staff and photos are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.inbound.fields import each, first, number, present, required, text, within
from connectors.inbound.gcj02 import to_wgs84
from connectors.inbound.problems import refuse


def parse(body: bytes) -> list[Any]:
    return each(body, _task)


def _task(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    lon, lat = _place(within(item, "location"))
    account = first(item, "reporterId", "userId")
    return [
        present(
            id=str(required(item, "taskId", "reportId")),
            occurred_at=first(item, "reportTime", "createTime"),
            area_code=text(item, "gridCode"),
            lon=lon,
            lat=lat,
            title=text(item, "title"),
            text=str(required(item, "content", "description")),
            address=text(item, "address"),
            class_code=text(item, "classCode"),
            reporter={"account": account} if account is not None else None,
        )
    ]


def _place(location: Mapping[str, Any]) -> tuple[float | None, float | None]:
    lon, lat = number(location, "lng", "lon"), number(location, "lat")
    kind = text(location, "coordType").lower().replace("-", "") or "wgs84"
    if kind not in ("wgs84", "gcj02"):
        raise refuse("location.coordType", "bad_value", "应为 wgs84 或 gcj02")
    if lon is None or lat is None or kind == "wgs84":
        return lon, lat
    return to_wgs84(lon, lat)
