"""Dead letters as records: bytes whole, reason named."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from schemas.deadletter import DeadLetter, Reason


def dead_letter(
    topic: str, partition: int, record: Any, part: int, reason: Reason, field: str, detail: str
) -> tuple[bytes, bytes]:
    """Key and value for the topic ``dead-letters``. ``record`` is a Kafka record."""
    headers = tuple((str(k), bytes(v or b"").decode("latin-1")) for k, v in record.headers or ())
    letter = DeadLetter(
        topic=topic,
        partition=partition,
        offset=record.offset,
        part=part,
        reason=reason,
        field=field,
        detail=detail,
        at=datetime.now(UTC),
        key=None if record.key is None else base64.b64encode(record.key).decode(),
        payload=base64.b64encode(record.value or b"").decode(),
        headers=headers,
    )
    return f"{topic}/{partition}".encode(), letter.model_dump_json().encode()
