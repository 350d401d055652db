"""Alert: a message to a unit or a duty desk that wants acknowledging."""

from __future__ import annotations

from pydantic import AwareDatetime

from schemas.case import AlertKind as AlertKind
from schemas.case import Digits12, Model


class Alert(Model):
    alert_id: str  # UUIDv5(change, kind, recipient)
    kind: AlertKind
    recipient: str  # unit id; duty desks are units too: desk-<area code>
    case_no: str
    change_id: str
    event_id: str = ""
    class_code: str = ""
    grade: int
    village: Digits12
    grid: str = ""
    building: str = ""
    title: str
    channel: str = ""
    clock: str = ""
    due: AwareDatetime | None = None
    late_seconds: int = 0
    created_at: AwareDatetime
    needs_ack: bool = True
    test: bool = False
    simulated: bool = False
