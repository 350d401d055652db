"""Open311 GeoReport v2: service requests as a city publishes them, or as an app posts one.

https://wiki.open311.org/GeoReport_v2: ``service_request_id``, ``service_code``, ``description``,
``requested_datetime``, ``address``, ``lat``, ``long``; a post adds ``first_name``, ``phone``, …
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.inbound.fields import each, first, number, present, required, text

_OURS = re.compile(r"\d{6}")


def parse(body: bytes) -> list[Any]:
    """Requests as text reports. A ``service_code`` that is no code of ours stays in the text."""
    return each(body, _request)


def _request(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    code = text(item, "service_code")
    phone = first(item, "phone")
    description = text(item, "description")
    service = text(item, "service_name")
    return [
        present(
            id=str(required(item, "service_request_id", "token")),
            occurred_at=first(item, "requested_datetime"),
            lon=number(item, "long", "lng"),
            lat=number(item, "lat"),
            title=service,
            text=description or service or code,
            address=text(item, "address", "address_string"),
            class_code=code if _OURS.fullmatch(code) else None,
            reporter={"phone": phone} if phone is not None else None,
        )
    ]
