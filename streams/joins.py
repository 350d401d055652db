"""Which open case a report belongs to, asked of a ``Book``.

The rules are those of ``streams.core.incidents``. Only their index is another one: hashes of the
keys in columns instead of objects, compared in full once a row is found. Cases of other villages
are not asked: a village's reports and cases meet in its own partition, under its own number.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from schemas.case import Report
from schemas.ids import village_of
from streams.book import Book
from streams.brief import hashed_key
from streams.core.incidents import LOOKED_AT, Key, OpenCases, _Held

REMEMBERED = 2_000  # cases lately compared


class BookIndex(OpenCases):
    """``OpenCases`` over a book. Holds nothing but what it has lately looked at."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self._book = book
        self._village = ""
        self._seen: OrderedDict[tuple[int, int, str], tuple[str, _Held]] = OrderedDict()

    def __len__(self) -> int:
        return self._book.open

    def joins(self, report: Report, case_no: str) -> str | None:
        """Number of the open case a report under ``case_no`` belongs to, if there is one."""
        self._village = village_of(case_no)
        return self.match(report)

    def device(self, report: Report, case_no: str) -> str | None:
        """Number of the newest open case of the report's device."""
        self._village = village_of(case_no)
        return self.of_device(report.device_id)

    def _newest(self, key: Key) -> Iterable[str]:
        if key[-1] == "":
            return ()
        numbers: list[str] = []
        self._cases = {}
        for row in self._book.found(self._village, hashed_key(key)):
            number, held = self._held(row)
            if key in held.keys:
                self._cases[number] = held
                numbers.append(number)
                if len(numbers) == LOOKED_AT:
                    break
        return tuple(numbers)

    def _held(self, row: int) -> tuple[str, _Held]:
        body = self._book.json(row)
        key = (row, hash(body), self._village)
        found = self._seen.get(key)
        if found is None:
            case = self._book.case(row)
            found = case.case_no, _Held(case)
            self._seen[key] = found
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return found
