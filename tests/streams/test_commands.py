"""What an event tells its case."""

from __future__ import annotations

from typing import get_type_hints

import pytest

from schemas.case import Command
from schemas.event import Event
from schemas.ids import village_of
from streams.intake import command_of


def event(disposition: str, case_no: str) -> Event:
    blank = {str: "", int: 0, float: 0.0, bool: False}
    made: dict[str, object] = {n: blank.get(k, ()) for n, k in get_type_hints(Event).items()}
    made |= {
        "event_id": "6e9f7d04-51f3-5b9c-9c0e-111111111111", "channel": "lift_iot",
        "device_id": "LI-1", "village": "990101001001", "disposition": disposition,
        "case_no": case_no, "ingest_ms": 1_795_305_600_000, "occurred_ms": 1_795_305_600_000,
        "grade": 2, "semantics": "raise",
    }  # fmt: skip
    return Event(**made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("disposition", "case_no", "move"),
    [
        ("case", "20261122-990101001001-AAAAAA", "report"),
        ("triage", "20261122-990101001001-AAAAAA", "report"),
        ("clear", "", "clear"),
    ],
)
def test_every_command_names_its_village(disposition: str, case_no: str, move: str) -> None:
    command = command_of(event(disposition, case_no))
    assert command.move == move
    assert village_of(command.case_no) == "990101001001"
    assert command.report is not None
    assert command.report.device_id == "LI-1"
    again = Command.model_validate_json(command.model_dump_json(exclude_defaults=True))
    assert again == command


def test_the_same_event_makes_the_same_command() -> None:
    assert command_of(event("clear", "")) == command_of(event("clear", ""))
