"""The cases of a partition, held in a few hundred bytes each.

A case stands as the compressed bytes of its JSON and is read only when a command, a light or a
report that may belong to it comes. What waking, matching and forgetting need is in columns.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import zstandard

from schemas.case import Case, Change, Deadline
from streams.brief import NEVER, ROW, brief, version_of
from streams.core.incident_index import KEYS

_CASE_IN_CHANGE = b',"case":'  # the last field; inside a JSON string its quotes would be escaped
#: case number, change (None: the case is over and forgotten), brief
Kept = tuple[bytes, bytes | None, bytes]

LEVEL = -3  # of zstd: three times the speed of its first real level for a fifth more bytes
LATELY = 300  # cases of a partition kept as models, for the next report or command
LEARNED = 12  # cases of a partition that give the compression its dictionary
_VILLAGE = slice(9, 21)  # of a case number
_NOBODY = "00000000-0000-5000-8000-000000000000"


def encode(change: Change) -> bytes:
    """A change as its topic carries it."""
    return change.model_dump_json(exclude_defaults=True).encode()


def case_in(body: bytes) -> bytes:
    """JSON of the case inside the JSON of a change. ValueError when there is none."""
    return body[body.index(_CASE_IN_CHANGE) + len(_CASE_IN_CHANGE) : -1]


def _sample() -> bytes:
    """A case with the words most cases have: what the compression need not store again."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    clocks: tuple[Any, ...] = ("accept", "handle", "contact", "sign")
    deadlines = tuple(
        Deadline(
            clock=clock, version=1, started_at=at, minutes=480, calendar=calendar, due=at,
            original_due=at, yellow_at=at, escalate_at=at, rule=f"default-{clock}",
            fired=("yellow", "red"),
        )
        for clock in clocks for calendar in ("working", "natural")
    )  # fmt: skip
    case = Case(
        case_no="20260101-990101001001-AAAAAA", village="990101001001", version=1,
        state="dispatched", class_code="020201", grade=2, emergency=True, title="噪音扰民",
        text="小区", channel="hotline_12345", grid="990101001001001", building="3号楼",
        lon=120.1, lat=30.2, device_id="D1", event_code="fire.alarm", unit="u-990101001001",
        unit_level="town", route="default", light="yellow", opened_at=at, updated_at=at,
        event_ids=(_NOBODY,), deadlines=deadlines, commands=(_NOBODY,), reporter="token",
        simulated=True,
    )  # fmt: skip
    return case.model_dump_json(exclude_defaults=True).encode()


class Codec:
    """Compresses cases one by one with the words of other cases as its dictionary."""

    def __init__(self, words: bytes) -> None:
        dictionary = zstandard.ZstdCompressionDict(words, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        dictionary.precompute_compress(level=LEVEL)
        self._squeeze = zstandard.ZstdCompressor(
            level=LEVEL, dict_data=dictionary, write_dict_id=False
        )
        self.expand = zstandard.ZstdDecompressor(dict_data=dictionary).decompress

    def squeeze(self, case: bytes) -> bytes:
        # zstandard hands out what it had reserved, however little it needed: copy
        return bytes(memoryview(self._squeeze.compress(case)))

    def squeeze_all(self, cases: list[bytes]) -> list[bytes]:
        """In one go and without Python's lock, for a thread beside the event loop."""
        if not cases:
            return []
        many = self._squeeze.multi_compress_to_buffer([*cases], threads=1)
        return [many[number].tobytes() for number in range(len(many))]


class Book:
    """Cases by number. Rows are numbered; a forgotten case's row is used again."""

    def __init__(self) -> None:
        self._codec = Codec(_sample())
        self._rows: dict[bytes, int] = {}
        self._bodies: list[bytes] = []
        self._versions: list[int] = []
        self._free: list[int] = []
        self._lately: dict[int, tuple[bytes, Case]] = {}  # with the bytes it was read from
        self._villages: dict[bytes, array[int]] = {}
        self._gathered: tuple[str, Any, Any] | None = None  # of the village asked last
        self._briefs = np.zeros(64, ROW)  # of rows; wake-ups stand in a column of their own too
        self._wake = np.full(64, NEVER, np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, case_no: str) -> bool:
        return case_no.encode() in self._rows

    def row(self, case_no: str) -> int | None:
        return self._rows.get(case_no.encode())

    def rows(self) -> Iterable[int]:
        return self._rows.values()

    def get(self, case_no: str) -> Case | None:
        row = self.row(case_no)
        return None if row is None else self.case(row)

    def case(self, row: int) -> Case:
        found = self._lately.get(row)
        if found is not None and found[0] is self._bodies[row]:
            return found[1]
        return self._remembered(row, Case.model_validate_json(self.json(row)))

    def lately(self, case: Case) -> None:
        """Keep the model of a case that was just taken in: it need not be read for what comes."""
        row = self.row(case.case_no)
        if row is not None and self._versions[row] == case.version:
            self._remembered(row, case)

    def _remembered(self, row: int, case: Case) -> Case:
        self._lately.pop(row, None)
        self._lately[row] = self._bodies[row], case
        if len(self._lately) > LATELY:
            del self._lately[next(iter(self._lately))]
        return case

    def json(self, row: int) -> bytes:
        body: bytes = self._codec.expand(self._bodies[row])
        return body

    def brief(self, row: int) -> bytes:
        return bytes(self._briefs[row].tobytes())

    @property
    def open(self) -> int:
        return int(np.count_nonzero(self._briefs["open"][: len(self._bodies)]))

    @property
    def waiting(self) -> int:
        """Cases with a clock that will show a light."""
        return int(np.count_nonzero(self._wake[: len(self._bodies)] != NEVER))

    def has_open(self, case_no: str) -> bool:
        row = self.row(case_no)
        return row is not None and bool(self._briefs["open"][row])

    def keep(self, change: Change) -> None:
        """Take a change in; an older version than the one held changes nothing."""
        body = encode(change)
        self.load([(change.case.case_no.encode(), body, brief(change))])

    def squeeze(self, records: Sequence[Kept]) -> list[bytes]:
        """Compressed cases of records, for ``load``. May run in a thread, of an empty book too:
        the first records give it its dictionary.
        """
        found = [case_in(body) for _, body, _ in records if body is not None]
        self._reserve(len(found))  # copying many rows takes longer than an event loop should wait
        if not self._bodies and found:
            self._codec = Codec(b"".join(found[:LEARNED]) + _sample())
        return self._codec.squeeze_all(found)

    def load(self, records: Sequence[Kept], squeezed: Iterable[bytes] | None = None) -> None:
        """Take records of the topic in, in its order."""
        if squeezed is None:
            codec = self._codec
            squeezed = (codec.squeeze(case_in(body)) for _, body, _ in records if body is not None)
        coming = iter(squeezed)
        rows: list[int] = []
        briefs: list[bytes] = []
        known, versions, bodies = self._rows.get, self._versions, self._bodies
        for key, body, head in records:
            if body is None:
                self._write(rows, briefs)
                rows, briefs = [], []
                self.forget(key)
                continue
            row, case = known(key), next(coming)
            (version,) = version_of(head)
            if row is None:
                row = self._take_row(key)
            elif versions[row] >= version:
                continue
            versions[row] = version
            bodies[row] = case
            rows.append(row)
            briefs.append(head)
        self._write(rows, briefs)

    def _write(self, rows: list[int], briefs: list[bytes]) -> None:
        if not rows:
            return
        self._gathered = None
        at = np.array(rows)
        new = np.frombuffer(b"".join(briefs), ROW)
        self._briefs[at] = new  # of equal rows the last one stays
        self._wake[at] = new["wake"]

    def _take_row(self, key: bytes) -> int:
        if self._free:
            row = self._free.pop()
        else:
            row = len(self._bodies)
            self._bodies.append(b"")
            self._versions.append(0)
            self._reserve(0)
        self._rows[key] = row
        village = key[_VILLAGE]
        of_village = self._villages.get(village)
        if of_village is None:
            of_village = self._villages[village] = array("i")
        of_village.append(row)
        return row

    def _reserve(self, more: int) -> None:
        """Have columns for all rows and ``more`` of them."""
        need, had = len(self._bodies) + more, len(self._wake)
        if need > had:
            size = need + max(need // 4, 64)
            self._briefs = _grown(self._briefs, size)
            self._wake = _grown(self._wake, size)
            self._wake[had:] = NEVER

    def forget(self, key: bytes) -> None:
        """Drop a case. Nothing when it is not held."""
        row = self._rows.pop(key, None)
        if row is None:
            return
        self._gathered = None
        self._bodies[row], self._versions[row] = b"", 0
        self._briefs[row] = np.zeros((), ROW)
        self._wake[row] = NEVER
        self._villages[key[_VILLAGE]].remove(row)
        self._free.append(row)

    def postpone(self, row: int, wake: int) -> None:
        """Look at a case again at ``wake`` (microseconds)."""
        self._wake[row] = wake

    def due(self, now: int, most: int) -> list[int]:
        """Rows with a wake-up at or before ``now`` (microseconds), most overdue first."""
        wake = self._wake[: len(self._bodies)]
        rows = np.flatnonzero(wake <= now)
        if len(rows) > most:
            rows = rows[np.argpartition(wake[rows], most)[:most]]
        return [int(row) for row in rows[np.argsort(wake[rows], kind="stable")]]

    def closed_before(self, at: int, most: int) -> list[bytes]:
        """Numbers of cases that were closed before ``at`` (microseconds)."""
        closed = self._briefs["closed"][: len(self._bodies)]
        rows = np.flatnonzero((closed > 0) & (closed < at))[:most]
        return [self.case(int(row)).case_no.encode() for row in rows]

    def wakes_at(self, row: int) -> int:
        return int(self._wake[row])

    def found(self, village: str, wanted: Mapping[int, int], most: int) -> Sequence[int]:
        """Rows of a village's cases that have any of the hashed keys, at most so many: those whose
        common keys weigh most first, then the newest. ``village`` "": of every village.
        """
        if village and not self._villages.get(village.encode()):
            return ()
        rows, keys = self._keys_of(village)
        weight = np.zeros(len(keys), np.int32)
        for key, counts in wanted.items():
            hits = (keys == key).ravel().nonzero()[0]
            if len(hits):
                weight[hits // KEYS] += counts
        some = np.flatnonzero(weight)
        at = some if rows is None else rows[some]
        order = np.lexsort((-self._briefs["opened"][at], -weight[some]))[:most]
        found: list[int] = at[order].tolist()
        return found

    def _keys_of(self, village: str) -> tuple[Any, Any]:
        """Rows of a village (None: all) and their keys, gathered once for what one report asks."""
        if self._gathered is None or self._gathered[0] != village:
            if village:
                rows = np.frombuffer(self._villages[village.encode()], np.int32).copy()
                self._gathered = village, rows, self._briefs["keys"][rows]
            else:
                self._gathered = "", None, self._briefs["keys"][: len(self._bodies)]
        return self._gathered[1], self._gathered[2]

    def body(self, row: int) -> bytes:
        """A case as it is kept: another object once it has changed."""
        return self._bodies[row]


def _grown(old: Any, size: int) -> Any:
    new = np.zeros(size, old.dtype)
    new[: len(old)] = old
    return new


REOPENING = timedelta(days=31)  # a closed case is kept so long; reopening takes 30
