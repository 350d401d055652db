"""Which open case a new report belongs to. One matter seen twice is one case.

same device and class              as long as the case is open, or for the minutes of its kind's row
only asking what became of it      the reporter's newest open case; else the only one it can mean
same reporter, kind and village    within 24 hours, unless the two places contradict each other
anything else                      the case with the best score of ``streams.core.matter``

Above ``MERGE`` it joins; between ``SUGGEST`` and ``MERGE`` it opens its own case, which names those
it may belong to. Cases that were closed in the last 30 days at the same place for the same kind are
named as earlier ones and never joined. Exercises, simulated and real reports never meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import NamedTuple

from schemas.case import Report, Similar
from streams.core.incident_index import CaseIndex, Held, Key, coarse, past_keys, wanted_keys
from streams.core.kinds import PERSONAL, kind, kind_of_class
from streams.core.marks import asks, urges
from streams.core.matter import (
    MERGE,
    SUGGEST,
    Seen,
    differ,
    same_matter,
    same_place,
    says_where,
    seen,
)

SAME_WITHIN = timedelta(hours=24)
REPEATED_WITHIN = timedelta(days=30)
VAGUE_MS = 10 * 60_000  # how soon after a call that names no place a device's report is of it
AGAIN_MS = 60 * 60_000  # how soon somebody who names no place calls of the same
SUGGESTED = 3  # cases a new one names at most
REPEATS = 5  # earlier cases a new one names at most


class Found(NamedTuple):
    """What becomes of a report: the case it joins, or what its own case should name."""

    joins: str | None = None
    urge: bool = False
    why: str = ""
    similar: tuple[Similar, ...] = ()
    repeats: tuple[str, ...] = ()


Scored = tuple[float, Held, str]


def _order(one: Scored) -> tuple[float, object, str]:
    """The best score first; of nearly equal ones the case that more reports speak of."""
    score, held, _ = one
    return score + 0.03 * min(held.events - 1, 5), held.at, held.case_no


class OpenCases(CaseIndex):
    """A partition's cases, and which of them a report belongs to."""

    def match(self, report: Report, village: str = "") -> str | None:
        """Case number of the open case a report joins; ``None`` when it is a matter of its own."""
        return self.find(report, village).joins

    def find(self, report: Report, village: str = "", case_no: str = "") -> Found:
        """What becomes of a report of a village (12 digits; of its grid when "") that would open
        ``case_no``.
        """
        village = village or report.grid[:12]
        mine = seen(report, self.places)
        wanted = wanted_keys(report, village, mine.kinds)
        world = (report.test, report.simulated)
        held = [
            h for h in self.candidates(wanted)
            if (h.world, h.village) == (world, village) and h.case_no != case_no
            and case_no not in h.distinct and self.parent(h.case_no)
        ]  # fmt: skip
        if coarse(village):  # two that are nowhere are not at one place
            held = [h for h in held if self._together(mine, h)]
        if (again := self._same_device(report, mine, held)) is not None:
            return Found(self.parent(again), why="同一设备")
        told = report.text or report.title
        if not report.device_id and asks(told):
            meant = self._meant(report, mine, held, urging=urges(told))
            if meant is not None:
                return Found(self.parent(meant), urge=True, why="催促")
        scored: list[Scored] = []
        for one in held:
            score, why = self._score(report, mine, one)
            if score >= SUGGEST:
                scored.append((score, one, why))
        scored.sort(key=_order, reverse=True)
        if scored and (scored[0][0] >= MERGE or self._only(report, mine, scored, held)):
            return Found(self.parent(scored[0][1].case_no), why=scored[0][2])
        similar: dict[str, Similar] = {}
        for score, one, why in scored:
            number = self.parent(one.case_no) or one.case_no
            similar.setdefault(number, Similar(case_no=number, likeness=score, why=why))
        named = tuple(similar.values())[:SUGGESTED]
        if (found := self._elsewhere(report, mine, village, case_no)).joins:
            return found
        return Found(similar=named, repeats=self._earlier(report, mine, village))

    def elsewhere(self, report: Report, village: str, case_no: str = "") -> Found:
        """The case of another village that a report belongs to, when one of the two villages is not
        known: names of estates and roads are borne by several. Its reporter's own case, when it
        asks after it or tells of the same kind of thing within 24 hours; else one whose place is
        called the same and that it can mean as the only one.
        """
        return self._elsewhere(report, seen(report, self.places), village, case_no)

    def _elsewhere(self, report: Report, mine: Seen, village: str, case_no: str) -> Found:
        vague = coarse(village) or not says_where(mine)
        if vague and (own := self._own(report, mine)).joins:
            return own
        if not mine.name:
            return Found()
        world = (report.test, report.simulated)
        wanted: dict[Key, int] = {("name", *world, mine.name, name): 1 for name in mine.kinds}
        scored: list[Scored] = []
        for one in self.anywhere(wanted, village):
            if case_no in one.distinct or not self.parent(one.case_no):
                continue
            score, why = self._score(report, mine, one)
            if score >= MERGE:
                scored.append((score, one, why))
        scored.sort(key=_order, reverse=True)
        if not scored or len({one.village for _, one, _ in scored}) > 1:
            return Found()
        return Found(self.parent(scored[0][1].case_no), why=scored[0][2])

    def _own(self, report: Report, mine: Seen) -> Found:
        if not report.reporter:
            return Found()
        key = ("reporter", report.test, report.simulated, report.reporter)
        held = [h for h in self.anywhere({key: 1}, "") if self.parent(h.case_no)]
        told = report.text or report.title
        urging = asks(told)
        best: Held | None = None
        for one in held:
            theirs = one.seen(self.places)
            same = bool(set(mine.kinds) & set(theirs.kinds))
            near = abs(mine.first_ms - theirs.last_ms) <= SAME_WITHIN.total_seconds() * 1000
            again = near and (same or (mine.goes_on and not differ(mine, theirs)))
            if not (again or urges(told) or (urging and not differ(mine, theirs))):
                continue
            if best is None or (same, one.at) > (self._shares(mine, best), best.at):
                best = one
        return Found(self.parent(best.case_no), urging, "同一诉求人") if best else Found()

    def _together(self, mine: Seen, one: Held) -> bool:
        theirs = one.seen(self.places)
        named = bool(mine.name) and mine.name == theirs.name
        return named or bool(mine.reporters & theirs.reporters | mine.devices & theirs.devices)

    def _shares(self, mine: Seen, one: Held) -> bool:
        return bool(set(mine.kinds) & set(one.seen(self.places).kinds))

    def _same_device(self, report: Report, mine: Seen, held: Iterable[Held]) -> str | None:
        if not report.device_id:
            return None
        for one in held:
            theirs = one.seen(self.places)
            if report.device_id not in theirs.devices or report.class_code not in theirs.codes:
                continue
            again = kind(mine.kinds[0]).again if mine.kinds else 0
            if not again or mine.first_ms - theirs.last_ms <= again * 60_000:
                return one.case_no
        return None

    def _meant(
        self, report: Report, mine: Seen, held: Iterable[Held], *, urging: bool
    ) -> str | None:
        """The case somebody asks after: their own newest one, else the only one it can be. Who
        asks why nobody comes without saying that they called before must mean a place and a
        thing of their own case."""
        own, others = [], []
        placed = bool(report.grid) or says_where(mine)
        for one in held:
            theirs = one.seen(self.places)
            if report.reporter and report.reporter in theirs.reporters:
                if urging or not differ(mine, theirs):
                    own.append(one)
            elif urging and placed and set(mine.kinds) & set(theirs.kinds):
                untimed = mine._replace(first_ms=theirs.first_ms, last_ms=theirs.last_ms)
                if not theirs.devices and same_matter(untimed, theirs, self.places).score >= MERGE:
                    others.append(one)
        if own:
            fitting = [one for one in own if self._shares(mine, one)]
            agreeing = [one for one in own if not differ(mine, one.seen(self.places))]
            return max(fitting or agreeing or own, key=lambda h: (h.at, h.case_no)).case_no
        return others[0].case_no if len(others) == 1 else None

    def _score(self, report: Report, mine: Seen, one: Held) -> tuple[float, str]:
        theirs = one.seen(self.places)
        score, why = same_matter(mine, theirs, self.places)
        if score < MERGE and report.reporter and report.reporter in theirs.reporters:
            near = abs(mine.first_ms - theirs.last_ms) <= SAME_WITHIN.total_seconds() * 1000
            if near and self._own_again(report, mine, theirs):
                return MERGE, f"同一诉求人,{why}"
        return score, why

    def _own_again(self, report: Report, mine: Seen, theirs: Seen) -> bool:
        """Whether somebody tells once more of what their case within a day is about."""
        unsure = not report.class_code or not theirs.sure
        if unsure or set(mine.kinds) & set(theirs.kinds) or mine.things & theirs.things:
            untimed = mine._replace(first_ms=theirs.first_ms, last_ms=theirs.last_ms)
            if same_matter(untimed, theirs, self.places).score >= SUGGEST:
                return True
        later = theirs.last_ms <= mine.first_ms
        here = same_place(mine, theirs) or not says_where(mine)
        soon = not says_where(mine) and mine.first_ms - theirs.last_ms <= AGAIN_MS
        again = mine.goes_on or soon or not report.class_code
        return later and here and again and not differ(mine, theirs)

    def _only(self, report: Report, mine: Seen, scored: list[Scored], held: Iterable[Held]) -> bool:
        """Whether a vague report of one incident can mean no other case than the best."""
        best = scored[0][1].seen(self.places)
        told = mine.heard | {kind_of_class(report.class_code)}
        shared = [n for n in mine.kinds if n in best.kinds and n in told and kind(n).one]
        if not shared or (not mine.devices and {"building", "spot", "house"} & set(mine.marks)):
            return False
        if mine.first_ms - best.last_ms > kind(shared[0]).minutes * 60_000 / 2:
            return False
        if mine.devices and (says_where(best) or mine.first_ms - best.last_ms > VAGUE_MS):
            return False
        rivals = 0
        for one in held:
            theirs = one.seen(self.places)
            if set(theirs.kinds) & set(shared):
                rivals += same_matter(mine, theirs, self.places).score >= SUGGEST / 2
        return rivals == 1

    def _earlier(self, report: Report, mine: Seen, village: str) -> tuple[str, ...]:
        """Cases of the same kind and place that were closed in the last 30 days, newest first."""
        wanted = dict.fromkeys(past_keys(report, village, mine.kinds), 1)
        found: list[Held] = []
        for one in self.candidates(wanted):
            over = one.closed_at
            if over is None or not timedelta() <= report.ingested_at - over <= REPEATED_WITHIN:
                continue
            theirs = one.seen(self.places)
            untimed = mine._replace(first_ms=theirs.first_ms, last_ms=theirs.last_ms)
            personal = mine.kinds[:1] and mine.kinds[0] in PERSONAL
            if personal and not mine.reporters & theirs.reporters:
                continue
            if same_matter(untimed, theirs, self.places).score >= SUGGEST:
                found.append(one)
        found.sort(key=lambda h: (h.at, h.case_no), reverse=True)
        return tuple(h.case_no for h in found[:REPEATS])
