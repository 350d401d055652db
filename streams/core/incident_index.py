"""The index of the cases a report may belong to, by what they have in common with it.

A case is found by a few keys: its device, who reported it, the building or grid it is in, the kind
of thing it is about, the name of its place. Those with the heaviest keys in common come first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.case import Case, Report
from streams.core.kinds import kind_of_class, kinds_of
from streams.core.matter import NOWHERE, Seen, seen, told_of
from streams.core.moves import OPEN
from streams.core.whereabouts import Whereabouts

LOOKED_AT = 12  # cases a report is compared with: those with most in common, the newest first
KEYS = 7  # of a case, at most: as many as its brief has room for
#: what a common key counts when the cases to compare are chosen
WEIGHTS = {"device": 8, "reporter": 6, "building": 4, "kind": 3, "grid": 1, "past": 1}


Key = tuple[object, ...]


class Held:
    """What is kept of a case to compare reports with it."""

    __slots__ = (
        "_case", "_seen", "at", "case_no", "closed_at", "distinct", "events", "is_open", "keys",
        "merged_into",
        "village", "world",
    )  # fmt: skip

    def __init__(self, case: Case) -> None:
        self.case_no, self.at, self.closed_at = case.case_no, case.opened_at, case.closed_at
        self.village, self.merged_into = case.village, case.merged_into
        self.keys, self.distinct, self.events = keys_of(case), case.distinct, case.events
        self.is_open, self.world = case.state in OPEN, (case.test, case.simulated)
        self._case: Case | None = case
        self._seen: Seen | None = None

    def seen(self, places: Whereabouts) -> Seen:
        if self._seen is None:  # most cases are never compared
            assert self._case is not None
            self._seen, self._case = seen(self._case, places), None
        return self._seen


class CaseIndex:
    """Cases of a partition, open ones and those that are over, each under its keys."""

    def __init__(self, places: Whereabouts = NOWHERE) -> None:
        self.places = places
        self._cases: dict[str, Held] = {}
        self._by_key: dict[Key, dict[str, None]] = {}

    def __len__(self) -> int:
        return sum(held.is_open for held in self._cases.values())

    def put(self, case: Case) -> None:
        """Take a case in, or its newer state; one that is over stays for what it was about."""
        self.remove(case.case_no)
        held = Held(case)
        if not held.keys:
            return
        self._cases[case.case_no] = held
        for key in held.keys:
            self._by_key.setdefault(key, {})[case.case_no] = None

    def held(self, case_no: str) -> Held | None:
        return self._cases.get(case_no)

    def parent(self, case_no: str) -> str | None:
        """Number of the open case that stands for a case: itself, or where it was merged to over
        any number of merges. None when that one is over.
        """
        passed: set[str] = set()
        one = self.held(case_no)
        while one is not None and one.merged_into and one.case_no not in passed:
            passed.add(one.case_no)
            one = self.held(one.merged_into)
        return one.case_no if one is not None and one.is_open else None

    def remove(self, case_no: str) -> None:
        held = self._cases.pop(case_no, None)
        for key in held.keys if held else ():
            numbers = self._by_key[key]
            del numbers[case_no]
            if not numbers:
                del self._by_key[key]

    def anywhere(self, wanted: Mapping[Key, int], village: str) -> list[Held]:
        """Candidates of other villages that may be the same one: of every finer village when only
        a town, county or city is known, else of those coarser ones."""
        return [h for h in self.candidates(wanted) if _may_be(h.village, village)]

    def of_device(self, device_id: str) -> str | None:
        """The newest open case of a device, whatever its class: what a ``clear`` is about."""
        if not device_id:
            return None
        key = ("device", device_id)
        return next((n for h in self.candidates({key: 1}) if (n := self.parent(h.case_no))), None)

    def candidates(self, wanted: Mapping[Key, int], most: int = LOOKED_AT) -> list[Held]:
        """Cases that share keys: those with the heaviest in common first, then the newest."""
        counts: dict[str, int] = {}
        for key, weight in wanted.items():
            for number in self._by_key.get(key, ()):
                counts[number] = counts.get(number, 0) + weight
        chosen = sorted(
            counts, key=lambda n: (counts[n], self._cases[n].at, n), reverse=True
        )  # fmt: skip
        return [self._cases[number] for number in chosen[:most]]


def coarse(village: str) -> bool:
    """Whether a village code only says the town, the county or the city."""
    return village.endswith("000")


def ancestors(village: str) -> tuple[str, ...]:
    """Codes of cases of which only the town, the county or the city is known."""
    return tuple(village[:digits].ljust(12, "0") for digits in (9, 6, 4))


def _may_be(one: str, other: str) -> bool:
    """Whether two different village codes may stand for one village; "" for any."""
    return one != other and (not other or one in ancestors(other) or other in ancestors(one))


def wanted_keys(report: Report, village: str, kinds: Iterable[str]) -> dict[Key, int]:
    """Keys of the cases a report is compared with, and what each counts."""
    world = (report.test, report.simulated)
    keys: list[Key] = [("kind", *world, village, name) for name in kinds]
    if report.device_id:
        keys.append(("device", report.device_id))
    if report.reporter:
        keys.append(("reporter", *world, report.reporter))
    if report.building:
        keys.append(("building", *world, report.building))
    keys.append(("grid", *world, report.grid or village))
    return {key: WEIGHTS[str(key[0])] for key in keys}


def past_keys(one: Report | Case, village: str, kinds: Iterable[str]) -> list[Key]:
    world = (one.test, one.simulated)
    return [("past", *world, village, name) for name in tuple(kinds)[:2]]


def keys_of(case: Case) -> tuple[Key, ...]:
    """What a case is found by: seven keys at most."""
    kinds = kinds_of(case, told_of(case))
    # what finds a merged one means its parent
    if case.state not in OPEN and case.state != "merged":
        return tuple(past_keys(case, case.village, kinds)) if case.closed_at else ()
    world = (case.test, case.simulated)
    kinds = tuple(dict.fromkeys((*kinds[:1], *_joined(case), *kinds[1:])))[:2]
    keys: list[Key] = [("kind", *world, case.village, name) for name in kinds]
    keys += [("name", *world, case.place, name) for name in kinds[:1] if case.place]
    if case.device_id:
        keys.append(("device", case.device_id))
    keys.append(("grid", *world, case.grid or case.village))
    building = case.building or next((e.building for e in case.evidence if e.building), "")
    if building:
        keys.append(("building", *world, building))
    reporters = dict.fromkeys(
        filter(None, (case.reporter, *(e.reporter for e in reversed(case.evidence))))
    )
    keys += [("reporter", *world, token) for token in reporters]
    return tuple(keys[:KEYS])


def _joined(case: Case) -> list[str]:
    """Kinds that the reports which joined a case brought, the most frequent first."""
    counts: dict[str, int] = {}
    for one in case.evidence:
        if one.class_code and not one.urge:
            name = kind_of_class(one.class_code)
            counts[name] = counts.get(name, 0) + 1
    return sorted(counts, key=lambda name: (-counts[name], name))
