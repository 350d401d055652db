"""Which open case a report belongs to, asked of a ``Book``.

The rules are those of ``streams.core.incidents``. Only their index is another one: hashes of the
keys in columns instead of objects, compared in full once a row is found. Cases of other villages
are not asked: a village's reports and cases meet in its own partition, under its own number.
What would go to a case that was merged goes to the one that took it in.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from schemas.case import Report
from schemas.ids import village_of
from streams.book import Book
from streams.brief import hashed_key
from streams.core.incident_index import LOOKED_AT, Held, Key, ancestors, coarse
from streams.core.incidents import Found, OpenCases
from streams.core.matter import NOWHERE
from streams.core.whereabouts import Whereabouts

REMEMBERED = 2_000  # cases lately compared


class BookIndex(OpenCases):
    """``OpenCases`` over a book. Holds nothing but what it has lately looked at."""

    def __init__(self, book: Book, places: Whereabouts = NOWHERE) -> None:
        super().__init__(places)
        self._book = book
        self._village = ""
        self._seen: OrderedDict[int, tuple[bytes, Held]] = OrderedDict()

    def __len__(self) -> int:
        return self._book.open

    def joins(self, report: Report, case_no: str) -> Found:
        """What becomes of a report that would open ``case_no``."""
        self._village = village_of(case_no)
        return self.find(report, self._village, case_no)

    def device(self, report: Report, case_no: str) -> str | None:
        """Number of the newest open case of the report's device."""
        self._village = village_of(case_no)
        return self.of_device(report.device_id)

    def held(self, case_no: str) -> Held | None:
        row = self._book.row(case_no)
        return None if row is None else self._held(row)

    def anywhere(self, wanted: Mapping[Key, int], village: str) -> list[Held]:
        here = self._village
        try:
            found: list[Held] = []
            for code in ("",) if coarse(village or "000") else ancestors(village):
                self._village = code
                found += super().anywhere(wanted, village)
            return found
        finally:
            self._village = here

    def candidates(self, wanted: Mapping[Key, int], most: int = LOOKED_AT) -> list[Held]:
        hashes = {hashed_key(key): weight for key, weight in wanted.items()}
        held = (self._held(row) for row in self._book.found(self._village, hashes, most))
        return [one for one in held if not wanted.keys().isdisjoint(one.keys)]

    def _held(self, row: int) -> Held:
        body = self._book.body(row)
        found = self._seen.get(row)
        if found is None or found[0] is not body:
            found = self._seen[row] = body, Held(self._book.case(row))
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return found[1]
