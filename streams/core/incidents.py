"""Which open case a new report belongs to. One matter seen twice is one case.

same device and class                                     as long as the case is open
fire in the same building; grid, when one knows none      within 30 minutes, whatever says so
same reporter, class and village                          within 24 hours
same class and grid, nearly the same words                within 24 hours
Exercises, simulated and real reports never meet. Times are those of arrival, as cases have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from schemas.case import Case, Report
from streams.core.moves import OPEN

FIRE = ("0201",)  # the medium class 火情与火警
FALSE_FIRE = ("020106",)  # 消防误报 does not join a fire
FIRE_WITHIN = timedelta(minutes=30)
SAME_WITHIN = timedelta(hours=24)
ALIKE = 0.8  # share of common bigrams (Jaccard) that makes two texts the same
LOOKED_AT = 20  # newest cases of a key that are compared by their words
_NOISE = re.compile(r"[\W_]+")

Key = tuple[object, ...]


class OpenCases:
    """Index of the open cases of a partition. Look-ups by key; a key compares 20 texts at most."""

    def __init__(self) -> None:
        self._cases: dict[str, _Held] = {}
        self._by_key: dict[Key, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._cases)

    def put(self, case: Case) -> None:
        """Take a case in, or its newer state; one that is no longer open leaves."""
        if case.state not in OPEN:
            self.remove(case.case_no)
            return
        held, before = _Held(case), self._cases.get(case.case_no)
        if before is not None and before.keys == held.keys:
            return
        self.remove(case.case_no)
        self._cases[case.case_no] = held
        for key in held.keys:
            self._by_key.setdefault(key, {})[case.case_no] = None

    def remove(self, case_no: str) -> None:
        held = self._cases.pop(case_no, None)
        for key in held.keys if held else ():
            numbers = self._by_key[key]
            del numbers[case_no]
            if not numbers:
                del self._by_key[key]

    def match(self, report: Report, village: str = "") -> str | None:
        """Case number of the open case a report joins; ``None`` when it is a matter of its own.
        ``village`` (12 digits) helps a report whose grid is unknown.
        """
        world = (report.test, report.simulated)
        at, code = report.ingested_at, report.class_code
        if report.device_id:
            for number in self._newest(("device", *world, report.device_id, code)):
                return number
        if _fire(code):
            places = [("grid", report.grid)]
            if report.building:
                places = [("building", report.building), ("unplaced", report.grid)]
            for kind, place in places:
                for number in self._newest(("fire", *world, kind, place)):
                    if self._cases[number].near(at, FIRE_WITHIN):
                        return number
        if not code:
            return None
        place = report.grid[:12] or village
        if report.reporter and place:
            for number in self._newest(("reporter", *world, report.reporter, code, place)):
                if self._cases[number].near(at, SAME_WITHIN):
                    return number
        if report.grid and report.text:
            words = bigrams(report.text)
            for number in self._newest(("words", *world, code, report.grid)):
                held = self._cases[number]
                if held.near(at, SAME_WITHIN) and alike(words, held.words):
                    return number
        return None

    def of_device(self, device_id: str) -> str | None:
        """The newest open case of a device, whatever its class: what a ``clear`` is about."""
        return next(iter(self._newest(("clear", device_id))), None) if device_id else None

    def _newest(self, key: Key) -> Iterable[str]:
        if key[-1] == "":
            return ()
        numbers = self._by_key.get(key, {})
        return tuple(n for n, _ in zip(reversed(numbers), range(LOOKED_AT), strict=False))


class _Held:
    """What is kept of an open case: its keys, its time, its words."""

    __slots__ = ("_text", "_words", "at", "keys")

    def __init__(self, case: Case) -> None:
        self.at = case.opened_at
        self.keys = _keys(case)
        self._text = case.text
        self._words: frozenset[str] | None = None

    @property
    def words(self) -> frozenset[str]:
        if self._words is None:  # most cases are never compared by their words
            self._words = bigrams(self._text)
        return self._words

    def near(self, at: datetime, within: timedelta) -> bool:
        return abs(at - self.at) <= within


def bigrams(text: str) -> frozenset[str]:
    """Pairs of neighbouring signs of a text without punctuation, blanks and case."""
    plain = _NOISE.sub("", text).lower()
    return frozenset(plain[i : i + 2] for i in range(len(plain) - 1)) or frozenset({plain})


def alike(a: frozenset[str], b: frozenset[str]) -> bool:
    """Whether two texts are nearly the same."""
    return len(a & b) >= ALIKE * len(a | b)


def _fire(code: str) -> bool:
    return code.startswith(FIRE) and not code.startswith(FALSE_FIRE)


def _keys(case: Case) -> tuple[Key, ...]:
    world = (case.test, case.simulated)
    found: list[Key] = []
    if case.device_id:
        found.append(("device", *world, case.device_id, case.class_code))
        found.append(("clear", case.device_id))
    if _fire(case.class_code):
        where = ("building", case.building) if case.building else ("unplaced", case.grid)
        found += [("fire", *world, *where), ("fire", *world, "grid", case.grid)]
    if case.reporter and case.class_code:
        found.append(("reporter", *world, case.reporter, case.class_code, case.village))
    if case.grid and case.text and case.class_code:
        found.append(("words", *world, case.class_code, case.grid))
    return tuple(found)
