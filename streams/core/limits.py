"""How long a clock of a case runs: the row of deadlines.tsv that decides, its gaps filled in."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple, Protocol

from schemas.case import Clock, Rung
from schemas.profile import Campaign, DeadlineRule, GradeRow, TaxonomyClass
from schemas.words import Calendar
from streams.core.campaigns import of_route
from streams.core.rules import Rules

DAY = 24 * 60  # minutes
WEEK, MONTH = 7 * DAY, 30 * DAY  # mediation ends within a month (人民调解工作若干规定)
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
    @property
    def route(self) -> str: ...


class Limit(NamedTuple):
    """How long a clock runs, and which row said so."""

    minutes: int
    calendar: Calendar
    yellow_pct: int
    escalate_minutes: int | None  # natural, after red: the first step of the ladder
    rule: str
    repeat_minutes: int | None = None  # natural, from red to red
    yellow_minutes: int | None = None  # of the calendar, before red; instead of the share
    remind_minutes: int | None = None  # natural, from yellow to yellow
    ladder: tuple[Rung, ...] = ()

    def until_yellow(self, whole: timedelta) -> timedelta:
        """Time of the clock's calendar from its start to yellow, when ``whole`` is all of it."""
        if self.yellow_minutes is not None:
            return max(timedelta(), whole - timedelta(minutes=self.yellow_minutes))
        return whole * self.yellow_pct / 100


def limit(rules: Rules, facts: Facts, clock: Clock) -> Limit:
    """The limit of a clock: first matching row of deadlines.tsv, its gaps filled from the class
    and the grade. An emergency runs day and night unless its row says otherwise. Whole days of
    the class and the grade are working days in working time; minutes of a row are minutes.
    A campaign the case was routed under comes before the rows.
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
    rule = row.rule_id if row else f"default-{clock}"
    campaign = of_route(rules.profile.campaigns, facts.route, facts.class_code)
    if campaign is not None and (own := _of_campaign(campaign, clock)):
        minutes, rule = own, campaign.campaign_id
        calendar = campaign.calendar or calendar
    if row is None:
        return Limit(minutes, calendar, grade.yellow_pct, None, rule)
    early = row.yellow_minutes
    if rule != row.rule_id and early is not None and early >= minutes:
        early = None  # a campaign's limit is shorter than the row's lead
    ladder = rules.ladders.get(row.ladder, ())
    return Limit(
        minutes=minutes,
        calendar=calendar,
        yellow_pct=row.yellow_pct or grade.yellow_pct,
        escalate_minutes=ladder[0].minutes if ladder else row.escalate_minutes,
        rule=rule,
        repeat_minutes=row.repeat_minutes,
        yellow_minutes=early,
        remind_minutes=row.remind_minutes,
        ladder=ladder,
    )


def _matches(row: DeadlineRule, facts: Facts) -> bool:
    place = facts.grid or facts.village
    return (
        (not row.classes or facts.class_code.startswith(row.classes))
        and (not row.grades or str(facts.grade) in row.grades)
        and (not row.channels or facts.channel in row.channels)
        and (not row.areas or place.startswith(row.areas))
    )


def _of_campaign(campaign: Campaign, clock: Clock) -> int | None:
    match clock:
        case "sign" | "respond":
            return campaign.sign_minutes
        case "contact":
            return campaign.first_contact_minutes
        case "handle":
            return campaign.handle_minutes
        case _:
            return None


def _own_minutes(clock: Clock, grade: GradeRow, known: TaxonomyClass | None) -> int:
    """Figures of the class and the grade, for rows that leave the minutes open."""
    match clock:
        case "accept":
            if known is None:
                return grade.accept_minutes
            if grade.grade < known.grade:  # graver than its class is by itself
                return min(grade.accept_minutes, known.accept_minutes)
            return known.accept_minutes
        case "handle":
            return max(1, round(known.handle_hours * 60)) if known else grade.verify_minutes
        case "acknowledge":
            return ACKNOWLEDGE
        case "contact" | "respond":
            return grade.first_contact_minutes
        case "verify" | "followup":
            return grade.verify_minutes
        case "dispatch" | "sign" | "review" | "refer":
            return grade.dispatch_minutes
        case "mediate" | "recheck":
            return MONTH
        case "perform" | "check":
            return WEEK
