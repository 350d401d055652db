"""Events, decided in bulk or one by one, as one block of ClickHouse's Native format.

Texts travel as dictionaries, whatever the table makes of them: what the quiet events of a block
say is a few dozen different things, and where is a few thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connectors.native import LOW, LOW_ARRAY, block, low_arrays, low_cardinality, strings
from schemas.event import EVENT_COLUMNS, Event
from streams.core.quiet import CLOCKS, NO_STAMP, Device, Quiet

#: columns that are no dictionary of texts, and how their values lie in memory
_NUMBERS: dict[str, tuple[str, str]] = {
    "partition":           ("UInt16", "<u2"),
    "offset":              ("Int64", "<i8"),
    "part":                ("UInt16", "<u2"),
    "occurred_ms":         ("Int64", "<i8"),
    "device_ms":           ("Int64", "<i8"),
    "ingest_ms":           ("Int64", "<i8"),
    "value":               ("Float64", "<f8"),
    "confidence":          ("Float32", "<f4"),
    "grade":               ("UInt8", "u1"),
    "emergency":           ("Bool", "u1"),
    "lon":                 ("Float64", "<f8"),
    "lat":                 ("Float64", "<f8"),
    "location_confidence": ("Float32", "<f4"),
    "test":                ("Bool", "u1"),
    "simulated":           ("Bool", "u1"),
}  # fmt: skip
_ARRAYS = ("top3", "class_reasons")
_UNIQUE = ("event_id", "source_id")  # another one in every row: no dictionary
#: columns whose value follows from the device; what is neither here nor a row's own follows from
#: what was said
_OF_DEVICE: dict[str, Callable[[Device], Any]] = {
    "device_id":           lambda d: d.device_id,
    "text":                lambda d: d.name,
    "county":              lambda d: d.where.site.county,
    "town":                lambda d: d.where.site.town,
    "village":             lambda d: d.where.site.village,
    "grid":                lambda d: d.where.site.grid,
    "building":            lambda d: d.where.building,
    "lon":                 lambda d: d.where.lon,
    "lat":                 lambda d: d.where.lat,
    "located_by":          lambda d: d.where.by,
    "location_confidence": lambda d: d.where.confidence,
}  # fmt: skip


def _kind(column: str) -> str:
    if column in _NUMBERS:
        return _NUMBERS[column][0]
    return LOW_ARRAY if column in _ARRAYS else "String" if column in _UNIQUE else LOW


#: of ``input()`` in sql/ledger/insert_as_writer.sql
STRUCTURE = ", ".join(f"`{column}` {_kind(column)}" for column in EVENT_COLUMNS)


class _Coded(NamedTuple):
    """A column as a dictionary: row n says ``keys[rows[n]]``."""

    keys: Any  # a sequence
    rows: NDArray[np.int64]


def events_block(quiets: Sequence[Quiet], events: Sequence[Event]) -> Iterator[bytes]:
    """The block piece by piece. The quiet ones first; within a block the order of rows says
    nothing."""
    rows = sum(map(len, quiets)) + len(events)
    return block(rows, len(EVENT_COLUMNS), _columns(quiets, events))


def _columns(quiets: Sequence[Quiet], events: Sequence[Event]) -> Iterator[tuple[str, str, bytes]]:
    """Name, type and body of each column, one after the other."""
    of_rows = _own(quiets)
    says = _says(quiets)
    devices = _Coded(*np.unique(_joined(q.devices for q in quiets), return_inverse=True))
    for n, column in enumerate(EVENT_COLUMNS):
        rest = [event[n] for event in events]
        if column in of_rows:
            body = _plain(column, of_rows.pop(column), rest)
        elif column in _OF_DEVICE:
            body = _written(column, _coded(*_of_devices(column, quiets, devices), rest))
        else:
            values = [say.like[n] for say in says.keys]
            body = _written(column, _coded(values, says.rows, rest))
        yield column, _kind(column), body


def _own(quiets: Sequence[Quiet]) -> dict[str, Any]:
    """Columns in which every row has a value of its own."""
    times = [quiet.times() for quiet in quiets]
    device_ms = _joined(q.device_ms for q in quiets)
    clocks = _joined(clock for _, clock in times)
    counts = [len(q) for q in quiets]
    topics = np.repeat(np.arange(len(quiets)), counts)
    return {
        "topic": _Coded([q.topic for q in quiets], topics),
        "partition": np.repeat(np.array([q.partition for q in quiets], np.int64), counts),
        "offset": _joined(q.offsets for q in quiets),
        "part": np.zeros(len(device_ms), np.int64),
        "event_id": b"".join([_id_texts(q.digests) for q in quiets]),
        "source_id": strings([name for q in quiets for name in q.source_ids]),
        "occurred_ms": _joined(occurred for occurred, _ in times),
        "device_ms": np.where(device_ms == NO_STAMP, 0, device_ms),
        "ingest_ms": _joined(q.ingest_ms for q in quiets),
        "clock": _Coded(list(CLOCKS), clocks),
        "value": _joined((q.values for q in quiets), np.float64),
    }


def _says(quiets: Sequence[Quiet]) -> _Coded:
    said = [say for quiet in quiets for say in quiet.says]
    keys = list(dict.fromkeys(said))
    code = {say: n for n, say in enumerate(keys)}
    return _Coded(keys, np.fromiter(map(code.__getitem__, said), np.int64, len(said)))


def _of_devices(column: str, quiets: Sequence[Quiet], devices: _Coded) -> _Coded:
    """A column that follows from the device, made of all devices once."""
    if not quiets:
        return _Coded([], devices.rows)
    table = quiets[0].table
    if column not in table.columns:
        whole = _coded([_OF_DEVICE[column](device) for device in table], np.arange(len(table)), [])
        table.columns[column] = (whole.keys, whole.rows)
    keys, code = table.columns[column]
    used, rows = np.unique(code[devices.keys], return_inverse=True)
    return _Coded([keys[n] for n in used.tolist()], rows[devices.rows])


def _joined(columns: Iterable[NDArray[Any]], kind: Any = np.int64) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, kind), *columns])


def _plain(column: str, mine: Any, rest: list[Any]) -> bytes:
    if isinstance(mine, _Coded):
        return _written(column, _coded(mine.keys, mine.rows, rest))
    if column in _UNIQUE:
        return bytes(mine) + strings(rest)
    memory = _NUMBERS[column][1]
    numbers: bytes = np.concatenate([mine, np.array(rest, mine.dtype)]).astype(memory).tobytes()
    return numbers


def _coded(values: list[Any], index: NDArray[np.int64], rest: list[Any]) -> _Coded:
    """Equal values under one key, with the values of more rows behind."""
    keys: dict[Any, int] = {}
    code = np.array([keys.setdefault(value, len(keys)) for value in values], np.int64)
    mine = code[index] if len(index) else np.zeros(0, np.int64)
    if rest:
        more = [keys.setdefault(value, len(keys)) for value in rest]
        mine = np.concatenate([mine, np.array(more, np.int64)])
    return _Coded(list(keys), mine)


def _written(column: str, coded: _Coded) -> bytes:
    if column in _ARRAYS:
        return low_arrays(coded.keys, coded.rows)
    if column in _NUMBERS:
        return np.array(coded.keys, _NUMBERS[column][1])[coded.rows].tobytes()
    return low_cardinality(coded.keys, coded.rows)


_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_DIGITS = np.array([n + (n >= 8) + (n >= 12) + (n >= 16) + (n >= 20) for n in range(32)])


def _id_texts(digests: NDArray[np.uint8]) -> bytes:
    """The bytes of UUIDs → a column of String with their texts of 36 characters."""
    out = np.full((len(digests), 37), ord("-"), np.uint8)
    out[:, 0] = 36
    out[:, 1 + _DIGITS[0::2]] = _HEX[digests >> 4]
    out[:, 1 + _DIGITS[1::2]] = _HEX[digests & 15]
    return out.tobytes()
