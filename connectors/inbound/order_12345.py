"""12345 work orders as call centres export them: number, time, title, content, address, caller.

The caller's phone becomes a token and a sealed contact; name and identity number are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.inbound.fields import each, first, number, present, required, text


def parse(body: bytes) -> list[Any]:
    """Orders as hotline reports, one each. Refused names the order's own field."""
    return each(body, _order)


def _order(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    phone = first(item, "callerPhone", "contactPhone", "LXDH")
    return [
        present(
            id=str(required(item, "orderNo", "workOrderNo", "GDBH")),
            occurred_at=first(item, "callTime", "acceptTime", "SLSJ"),
            area_code=text(item, "areaCode", "XZQH"),
            lon=number(item, "lng", "longitude"),
            lat=number(item, "lat", "latitude"),
            title=text(item, "title", "GDBT"),
            text=str(required(item, "content", "GDNR")),
            address=text(item, "address", "SJDZ"),
            class_code=text(item, "classCode"),
            reporter={"phone": phone} if phone is not None else None,
            test=bool(item.get("isTest", False)) or None,
        )
    ]
