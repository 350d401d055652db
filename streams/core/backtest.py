"""History once more under other rules: which lights a case would have shown, where it would be.

A case's own changes are turned back into the commands that caused them and applied again at their
times; between them the clocks fire when they are due. What people did stays as it was: the replay
says what the rules would have made of it, not how people would have answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from schemas.case import Case, Change, Clock, Stage
from schemas.raw import epoch_ms
from streams.core.cases import apply
from streams.core.causes import causes
from streams.core.deadlines import overdue_command, planned, start_clock, wakeups
from streams.core.limits import Facts
from streams.core.moverow import UNIT
from streams.core.route import Router
from streams.core.rules import Rules, known_area

STAGES: tuple[Stage, ...] = ("yellow", "red", "escalate")


class Shown(NamedTuple):
    clock: Clock
    stage: Stage
    at: datetime


@dataclass(frozen=True)
class Played:
    """What became of a case. ``refused``: moves the rules would not have allowed, with the why."""

    unit: str
    shown: tuple[Shown, ...] = ()
    refused: tuple[str, ...] = field(default=())

    def has(self, stage: Stage) -> bool:
        return any(one.stage == stage for one in self.shown)


def replay(history: Sequence[Change], rules: Rules, until: datetime, unit: str = "") -> Played:
    """Play a case's changes (in order, from its first) until a time. ``unit``: where its first
    report would have gone; "" = where it did go.
    """
    case: Case | None = None
    shown: list[Shown] = []
    refused: list[str] = []

    def pass_time(to: datetime) -> None:
        nonlocal case
        while case is not None:
            due = wakeups(case)
            if not due or due[0].at > to:
                return
            at = max(due[0].at, case.updated_at)
            applied = apply(case, overdue_command(case.case_no, due[0], at), rules, at)
            if not isinstance(applied, Change) or applied.clock is None or applied.stage is None:
                raise AssertionError(f"a wake-up of {case.case_no} changed nothing: {applied}")
            case = applied.case
            shown.append(Shown(applied.clock, applied.stage, at))

    for command in causes(history, unit):
        if command.at > until:
            break
        pass_time(command.at)
        theirs_still = command.move == "respond"  # who reports in is not who has the case
        if case is not None and command.actor.role in UNIT and not theirs_still:
            theirs = command.actor.model_copy(update={"unit": command.actor.unit and case.unit})
            command = command.model_copy(update={"actor": theirs})
        applied = apply(case, command, rules, command.at)
        if isinstance(applied, Change):
            case = applied.case
        elif applied is not None:
            refused.append(f"{command.move}: {applied.detail}")
    pass_time(until)
    return Played(case.unit if case else "", tuple(shown), tuple(refused))


def answered(
    rules: Rules, facts: Facts, unit: str, opened: datetime, replied: datetime | None,
    until: datetime,
) -> Played:  # fmt: skip
    """A matter of which only report and reply are known: its handling clock, nothing else."""
    clock = start_clock(rules, facts, "handle", opened)
    end = until if replied is None else min(replied, until)
    shown = tuple(
        Shown("handle", stage, when)
        for stage in STAGES
        if (when := planned(clock, stage)) is not None and when < end
    )
    return Played(unit, shown)


def routed(router: Router, facts: Facts, at: datetime) -> str:
    """The unit a report would go to; "" when the routes know none."""
    place = facts.grid or known_area(facts.village)
    return router.route(facts.class_code, facts.grade, facts.channel, place, epoch_ms(at)).unit


class Verdict(NamedTuple):
    """One case under the old and the new rules."""

    month: str  # of its report, Shanghai: 2026-11
    old: Played
    new: Played


@dataclass
class Count:
    """Cases of a row of the result: with a light of each stage under the old and the new rules."""

    cases: int = 0
    old: dict[Stage, int] = field(default_factory=lambda: dict.fromkeys(STAGES, 0))
    new: dict[Stage, int] = field(default_factory=lambda: dict.fromkeys(STAGES, 0))
    elsewhere: int = 0
    refused: int = 0

    def add(self, verdict: Verdict) -> None:
        self.cases += 1
        for stage in STAGES:
            self.old[stage] += verdict.old.has(stage)
            self.new[stage] += verdict.new.has(stage)
        self.elsewhere += verdict.old.unit != verdict.new.unit
        self.refused += bool(verdict.new.refused)


def by_month_and_unit(verdicts: Iterable[Verdict]) -> tuple[dict[str, Count], dict[str, Count]]:
    """Counts by month of report and by unit under the old rules, each in order."""
    months: dict[str, Count] = {}
    units: dict[str, Count] = {}
    for verdict in verdicts:
        months.setdefault(verdict.month, Count()).add(verdict)
        units.setdefault(verdict.old.unit, Count()).add(verdict)
    return dict(sorted(months.items())), dict(sorted(units.items()))
