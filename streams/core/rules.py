"""A profile made ready for deciding about cases: deadline rows by clock, desks by area."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from schemas.case import Clock
from schemas.profile import DeadlineRule, Profile, Unit
from schemas.words import AREA_DIGITS, AreaLevel
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
