"""Dead letter: a record that could not be read, whole, with where it stood and why."""

from __future__ import annotations

import base64
from typing import Literal

from pydantic import AwareDatetime

from schemas.case import Model

Reason = Literal[
    "not_json", "not_utf8", "empty", "too_large", "too_deep", "missing_field", "wrong_type",
    "bad_value", "unknown_channel", "unknown_device", "unknown_area", "unknown_code",
    "person_data", "bug",
]  # fmt: skip


class DeadLetter(Model):
    topic: str
    partition: int
    offset: int
    part: int = 0
    reason: Reason
    field: str = ""
    detail: str  # one sentence: the field and what is wrong with it; never the bytes themselves
    at: AwareDatetime
    key: str | None = None  # base64
    payload: str  # base64 of the record's value as it came
    headers: tuple[tuple[str, str], ...] = ()

    def body(self) -> bytes:
        return base64.b64decode(self.payload)
