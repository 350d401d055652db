"""What the writer of a case answers: outcomes for people, dead letters for what it cannot do."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from connectors.kafka import Record
from connectors.letters import dead_letter
from connectors.metrics import metric
from schemas.case import Case, Change, Command, Outcome, Refusal
from schemas.ids import village_of
from streams.offsets import COMMANDS

OUTCOMES = "case-outcomes"


def letter(partition: int, record: Any, exc: Exception) -> Record:
    """The dead letter of a command that is none, or that a rule fails on."""
    if isinstance(exc, ValidationError):
        first = exc.errors(include_input=False, include_url=False)[0]
        reason, name = "bad_value", ".".join(str(x) for x in first["loc"])
        detail = f"指令字段 {name or '(整体)'}: {first['msg']}"
    else:
        reason, name, detail = "bug", "", f"处理规则出错:{type(exc).__name__}"
    metric("gridwhistle_dead_letters_total").labels(COMMANDS, reason).inc()
    return Record(
        "dead-letters",
        *dead_letter(COMMANDS, partition, record, 0, reason, name, detail),  # type: ignore[arg-type]
    )


def outcome(command: Command, applied: Change | Refusal | None, case: Case | None) -> Record:
    """What became of a person's command, with the case as it stands now."""
    answer = Outcome(
        command_id=command.command_id,
        case_no=command.case_no,
        change=applied if isinstance(applied, Change) else None,
        refusal=applied if isinstance(applied, Refusal) else None,
        case=case,
    )
    try:
        key = village_of(command.case_no).encode()
    except ValueError:
        key = command.case_no.encode()
    return Record(OUTCOMES, key, answer.model_dump_json(exclude_defaults=True).encode())
