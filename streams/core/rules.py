"""A profile made ready for deciding about cases: deadline rows by clock, desks by area."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from schemas.case import Case, Clock, Report, Rung
from schemas.profile import DeadlineRule, DisputeField, Profile, Unit
from schemas.raw import epoch_ms
from schemas.words import AREA_DIGITS, AreaLevel
from streams.core.route import Routed, Router
from streams.core.whereabouts import Whereabouts
from streams.core.workdays import Workdays

#: the level that supervises a level
ABOVE: dict[AreaLevel, AreaLevel] = {
    "grid": "town", "village": "town", "town": "county", "county": "city", "city": "city",
}  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """Made once a process from a profile and its calendar."""

    profile: Profile
    workdays: Workdays

    @property
    def version(self) -> str:
        """What a case says it was decided by: the first eight signs of the profile's digest."""
        return self.profile.digest[:8]

    @cached_property
    def rows(self) -> dict[Clock, tuple[DeadlineRule, ...]]:
        """Rows of deadlines.tsv by clock, in the file's order."""
        found: dict[Clock, list[DeadlineRule]] = {}
        for row in self.profile.deadlines:
            found.setdefault(row.clock, []).append(row)
        return {clock: tuple(rows) for clock, rows in found.items()}

    @cached_property
    def ladders(self) -> dict[str, tuple[Rung, ...]]:
        """Escalation ladders by the step they begin with."""
        steps = self.profile.ladder_steps
        found: dict[str, tuple[Rung, ...]] = {}
        for first in steps:
            rungs: list[Rung] = []
            at = first
            while at in steps and len(rungs) < len(steps):
                row = steps[at]
                rungs.append(Rung(step=at, minutes=row.minutes, level=row.level, unit=row.unit))
                at = row.next
            found[first] = tuple(rungs)
        return found

    @cached_property
    def places(self) -> Whereabouts:
        """What the profile knows of the places of reports."""
        return Whereabouts(self.profile)

    def dispute(self, class_code: str) -> DisputeField | None:
        """The field of disputes a class belongs to: the first row of disputes.tsv that has it."""
        rows = self.profile.disputes if class_code else ()
        return next((row for row in rows if class_code.startswith(row.classes)), None)

    @cached_property
    def _offices(self) -> dict[tuple[str, str], str]:
        return {(u.department, u.area): u.unit_id for u in self.profile.units.values()}

    def office(self, department: str, area: str) -> str | None:
        """Unit of a department that answers for exactly that area."""
        return self._offices.get((department, area))

    def mediator(
        self, field: DisputeField, village: str, above: AreaLevel | Literal[""] = ""
    ) -> tuple[AreaLevel, str] | None:
        """Level and unit that mediate next: the lowest level with tries and an office, or the next
        one over ``above``. None when there is none.
        """
        levels = list(field.tries)
        if above:
            order = list(AREA_DIGITS)  # from the city down
            levels = [level for level in levels if order.index(level) < order.index(above)]
        for level in levels:
            unit = self._offices.get((field.department, village[: AREA_DIGITS[level]]))
            if unit is not None:
                return level, unit
        return None

    @cached_property
    def router(self) -> Router:
        return Router(self.profile)

    def plan(self, report: Report, village: str, at: datetime) -> Routed | None:
        """How a report's row wants it handled (whistle, by the grid itself); None when its unit is
        not the one the routes say, e.g. because a person or other rules chose it."""
        if not report.class_code or not report.unit:
            return None
        area = report.grid or known_area(village)
        routed = self.router.route(
            report.class_code, report.grade, report.channel, area, epoch_ms(at)
        )
        return routed if routed.unit == report.unit else None

    def proposed(self, case: Case, class_code: str = "") -> str:
        """Unit to send a case to when nobody names one: whom its device or its report was meant
        for, else whom the routes say for its class (``class_code``: a person's correction). Never a
        unit that has returned the case; "" when nobody is left.
        """
        if self.unit(case.meant) is not None and case.meant not in case.returned:
            return case.meant
        code = class_code or case.class_code
        if code not in self.profile.taxonomy:
            return ""
        area = case.grid or known_area(case.village)
        at = epoch_ms(case.opened_at)
        routed = self.router.route(code, case.grade, case.channel, area, at, case.returned)
        return routed.unit if self.unit(routed.unit) is not None else ""

    def desk(self, village: str, level: AreaLevel) -> str:
        """Unit id of the duty desk of a level over a village: unit ``desk-<area code>``, of the
        next level up that has one; else the profile's ``desk_unit``.
        """
        while True:
            desk = f"desk-{village[: AREA_DIGITS[level]]}"
            if desk in self.profile.units:
                return desk
            if level == "city":
                return self.profile.station.desk_unit
            level = ABOVE[level]

    def desk_above(self, village: str, level: AreaLevel, steps: int = 1) -> str:
        """Duty desk that stands ``steps`` over a level."""
        for _ in range(steps):
            level = ABOVE[level]
        return self.desk(village, level)

    def unit(self, unit_id: str) -> Unit | None:
        return self.profile.units.get(unit_id)

    def level_of(self, unit_id: str, otherwise: AreaLevel = "county") -> AreaLevel:
        row = self.profile.units.get(unit_id)
        return row.level if row else otherwise


def known_area(village: str) -> str:
    """The area code a padded village code stands for: 990101000000 is the county 990101."""
    for digits in (4, 6, 9):
        if not village[digits:].strip("0"):
            return village[:digits]
    return village
