"""How long a clock of a case runs: the row of deadlines.tsv that decides, its gaps filled in."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from schemas.case import Clock
from schemas.profile import DeadlineRule, GradeRow, TaxonomyClass
from schemas.words import Calendar
from streams.core.rules import Rules

DAY = 24 * 60  # minutes
ACKNOWLEDGE = 3  # minutes an emergency may stand unacknowledged (grades.tsv: 未确认3分钟升级)


class Facts(Protocol):
    """What decides about a clock. A ``Case`` has it."""

    @property
    def class_code(self) -> str: ...
    @property
    def grade(self) -> int: ...
    @property
    def emergency(self) -> bool: ...
    @property
    def channel(self) -> str: ...
    @property
    def village(self) -> str: ...
    @property
    def grid(self) -> str: ...


class Limit(NamedTuple):
    """How long a clock runs, and which row said so."""

    minutes: int
    calendar: Calendar
    yellow_pct: int
    escalate_minutes: int | None  # natural, after red
    rule: str
    repeat_minutes: int | None = None  # natural, from red to red


def limit(rules: Rules, facts: Facts, clock: Clock) -> Limit:
    """The limit of a clock: first matching row of deadlines.tsv, its gaps filled from the class
    and the grade. An emergency runs day and night unless its row says otherwise. Whole days of
    the class and the grade are working days in working time; minutes of a row are minutes.
    """
    row = next((r for r in rules.rows.get(clock, ()) if _matches(r, facts)), None)
    grade = rules.profile.grades[facts.grade]
    known = rules.profile.taxonomy.get(facts.class_code)
    calendar: Calendar = "natural" if facts.grade <= 2 else "working"
    if row is not None and row.calendar is not None:
        calendar = row.calendar
    elif facts.emergency:
        calendar = "natural"
    elif known is not None:
        calendar = known.calendar
    minutes = row.minutes if row else None
    if minutes is None:
        minutes = _own_minutes(clock, grade, known)
        if calendar == "working" and minutes % DAY == 0:  # 72 working hours mean 3 working days
            minutes = minutes // DAY * rules.workdays.day_minutes
    return Limit(
        minutes=minutes,
        calendar=calendar,
        yellow_pct=row.yellow_pct if row and row.yellow_pct else grade.yellow_pct,
        escalate_minutes=row.escalate_minutes if row else None,
        rule=row.rule_id if row else f"default-{clock}",
        repeat_minutes=row.repeat_minutes if row else None,
    )


def _matches(row: DeadlineRule, facts: Facts) -> bool:
    place = facts.grid or facts.village
    return (
        (not row.classes or facts.class_code.startswith(row.classes))
        and (not row.grades or str(facts.grade) in row.grades)
        and (not row.channels or facts.channel in row.channels)
        and (not row.areas or place.startswith(row.areas))
    )


def _own_minutes(clock: Clock, grade: GradeRow, known: TaxonomyClass | None) -> int:
    """Figures of the class and the grade, for rows that leave the minutes open."""
    match clock:
        case "accept":
            return known.accept_minutes if known else grade.accept_minutes
        case "handle":
            return max(1, round(known.handle_hours * 60)) if known else grade.verify_minutes
        case "acknowledge":
            return ACKNOWLEDGE
        case "contact" | "respond":
            return grade.first_contact_minutes
        case "verify" | "followup":
            return grade.verify_minutes
        case "dispatch" | "sign" | "review":
            return grade.dispatch_minutes
