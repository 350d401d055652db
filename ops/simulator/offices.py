"""Who would take a case, and what it is truly about: the city's offices as simulated people know
them."""

from __future__ import annotations

from datetime import datetime
from random import Random

from ahocorasick_rs import AhoCorasick, MatchKind

from ops.simulator.texts import examples
from schemas.case import Case
from schemas.profile import Profile, Unit
from schemas.raw import epoch_ms
from streams.core.route import Router

HELPING_LEVELS = ("town", "county")  # a whistle calls neighbours who can send somebody


class Offices:
    """Made once from a profile; every method is a plain look-up."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.desk = profile.station.desk_unit
        self._router = Router(profile)
        told = [
            (example.text.rstrip("。"), code)
            for code, rows in examples().items()
            if code in profile.taxonomy
            for example in rows
        ]
        self._codes = [code for _, code in told]
        self._phrases = AhoCorasick([text for text, _ in told], MatchKind.LeftmostLongest)
        self._by_area: dict[str, list[Unit]] = {}
        for unit in profile.units.values():
            if unit.level in HELPING_LEVELS and not unit.unit_id.startswith("desk-"):
                self._by_area.setdefault(unit.area, []).append(unit)

    def true_class(self, case: Case) -> str:
        """What the case is about by the example its text was made from; "" when that cannot be
        told: a device's case, a slip in the text."""
        if case.event_code:
            return ""
        found = self._phrases.find_matches_as_indexes(f"{case.title} {case.text}")
        longest = max(found, key=lambda match: match[2] - match[1], default=None)
        return "" if longest is None else self._codes[longest[0]]

    def desk_over(self, case: Case) -> str:
        """The duty desk that hears of an emergency: the county's, else the city's."""
        desk = f"desk-{case.village[:6]}"
        return desk if desk in self.profile.units else self.desk

    def unit_for(self, class_code: str, case: Case, at: datetime) -> str:
        """Unit id that handles a class where the case is; "" when nobody does."""
        known = self.profile.taxonomy.get(class_code)
        grade = known.grade if known else case.grade
        area = next((c for c in (case.grid, case.village) if c in self.profile.areas), "")
        without = case.returned
        return self._router.route(class_code, grade, case.channel, area, epoch_ms(at), without).unit

    def helper(self, case: Case, rng: Random) -> str:
        """A unit of another department at the same place that a whistle may call; "" for none."""
        own = self.profile.units.get(case.unit)
        around = [
            unit.unit_id
            for digits in (9, 6)
            for unit in self._by_area.get(case.village[:digits], ())
            if own is None or unit.department != own.department
        ]
        return rng.choice(around) if around else ""
